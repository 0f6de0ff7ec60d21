package rwsplit_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/internal/corpus"
)

var corpusRoot = filepath.Join("testdata", "classify")

var corpusTx = map[rwsplit.TxControl]string{
	rwsplit.TxNone:           "none",
	rwsplit.TxBegin:          "begin",
	rwsplit.TxBeginReadOnly:  "begin-ro",
	rwsplit.TxCommit:         "commit",
	rwsplit.TxRollback:       "rollback",
	rwsplit.TxChain:          "chain",
	rwsplit.TxSavepoint:      "savepoint",
	rwsplit.TxImplicitCommit: "implicit-commit",
	rwsplit.TxAutocommitOff:  "autocommit-off",
	rwsplit.TxAutocommitOn:   "autocommit-on",
	rwsplit.TxXAStart:        "xa-start",
	rwsplit.TxXAEnd:          "xa-end",
	rwsplit.TxUnknown:        "unknown",
}

// TestCorpus classifies every statement in testdata/classify. A subtest is
// named by the statement's file and line.
func TestCorpus(t *testing.T) {
	for dialect, least := range map[string]int{"postgres": 400, "mysql": 400, "mariadb": 300, "sqlite": 150} {
		t.Run(dialect, func(t *testing.T) {
			statements, err := corpus.Load(corpusRoot, dialect)
			if err != nil {
				t.Fatal(err)
			}
			if len(statements) < least {
				t.Errorf("%d statements, want at least %d", len(statements), least)
			}
			for _, want := range statements {
				t.Run(want.Name(), func(t *testing.T) {
					got := rwsplit.Classify(dialect, want.SQL)
					if got.Route.String() != want.Route || !want.Writes.Allows(got.Writes) ||
						!want.Pins.Allows(got.Pins) || !want.DDL.Allows(got.DDL) ||
						want.Tx != "" && corpusTx[got.Tx] != want.Tx {
						t.Errorf("%s\n got %s writes=%t pins=%t ddl=%t tx=%s (%s)\nwant %s writes=%s pins=%s ddl=%s tx=%s (%s)",
							want.SQL, got.Route, got.Writes, got.Pins, got.DDL, corpusTx[got.Tx], got.Reason,
							want.Route, want.Writes, want.Pins, want.DDL, want.Tx, want.Rule)
					}
					if got.Route == rwsplit.RouteReplica && got.Writes {
						t.Errorf("%s\n a write for a replica", want.SQL)
					}
					if got.Reason == "" {
						t.Errorf("%s\n no reason given", want.SQL)
					}
				})
			}
		})
	}
}

// TestCorpusOfBoth holds that a text which may be for MySQL or for MariaDB is a
// read only if it is one for either, and that most reads of both still are.
func TestCorpusOfBoth(t *testing.T) {
	shared, offloaded := 0, 0
	for _, dialect := range []string{"mysql", "mariadb"} {
		statements, err := corpus.Load(corpusRoot, dialect)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range statements {
			got := rwsplit.Classify("mysql/mariadb", want.SQL)
			replica := got.Route == rwsplit.RouteReplica
			if replica && want.Route != "replica" {
				t.Errorf("%s: %s\n replica for both (%s), but %s for %s (%s)", want.Name(), want.SQL, got.Reason, want.Route, dialect, want.Rule)
			}
			if want.Route == "replica" && filepath.Dir(want.File) == "mysql_mariadb" {
				shared++
				if replica {
					offloaded++
				}
			}
		}
	}
	if offloaded*100 < shared*95 {
		t.Errorf("%d of %d shared reads go to a replica, want 95%%", offloaded, shared)
	}
}

// TestCorpusOfUnknownEngine holds that what writes, locks or pins on any engine
// is no read for one that nobody described.
func TestCorpusOfUnknownEngine(t *testing.T) {
	for _, dialect := range []string{"postgres", "mysql", "mariadb", "sqlite"} {
		statements, err := corpus.Load(corpusRoot, dialect)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range statements {
			got := rwsplit.Classify("generic", want.SQL)
			// What is malformed here may be well formed there, and what one
			// engine keeps in its catalogue is a table elsewhere.
			changes := want.Loud || want.Writes == corpus.Yes || want.Pins == corpus.Yes
			if !changes || strings.HasPrefix(want.Rule, "malformed") {
				continue
			}
			if got.Route == rwsplit.RouteReplica {
				t.Errorf("%s: %s\n replica for an unknown engine (%s), but %s for %s (%s)", want.Name(), want.SQL, got.Reason, want.Route, dialect, want.Rule)
			}
		}
	}
}
