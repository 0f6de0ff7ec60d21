package difftest

import (
	"strings"
	"testing"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/internal/corpus"
)

const corpusRoot = "../testdata/classify"

// parsers are the grammars by dialect. TiDB's stands for MariaDB as well, whose
// own statements it rejects.
func parsers() map[string]func(string) (Facts, error) {
	p := NewMySQLParser()
	return map[string]func(string) (Facts, error){
		"postgres":      PostgresFacts,
		"mysql":         p.Facts,
		"mariadb":       p.Facts,
		"mysql/mariadb": p.Facts,
	}
}

func loadCorpus(t testing.TB, dialect string) []corpus.Statement {
	t.Helper()
	if dialect == "mysql/mariadb" {
		dialect = "mysql"
	}
	all, err := corpus.Load(corpusRoot, dialect)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// lenient are texts that a parser takes and the server refuses.
var lenient = map[string]bool{"SELECT /*! unterminated": true}

// TestCorpusLabels checks the labels of the corpus against the parsers: what is
// labelled replica has no write in its tree, and what the tree shows as a plain
// read is not labelled a write.
func TestCorpusLabels(t *testing.T) {
	for dialect, parse := range parsers() {
		if dialect == "mysql/mariadb" {
			continue
		}
		parsed, rejected := 0, 0
		for _, s := range loadCorpus(t, dialect) {
			facts, err := parse(s.SQL)
			if err != nil {
				rejected++
				continue
			}
			parsed++
			if s.Route == "replica" && s.Tx == "none" && facts.Verdict == Unsafe {
				t.Errorf("%s %s: labelled replica, but the tree has %s:\n%s", dialect, s.Name(), facts.Why, s.SQL)
			}
			foreign := strings.HasPrefix(s.File, "mariadb/") || lenient[s.SQL]
			if (s.Writes == corpus.Yes || s.Pins == corpus.Yes) && facts.Verdict == Plain && !foreign {
				t.Errorf("%s %s: labelled %s, but the tree is a plain read:\n%s", dialect, s.Name(), s.Route, s.SQL)
			}
		}
		t.Logf("%s: %d statements parsed, %d rejected by the parser", dialect, parsed, rejected)
		if parsed < rejected {
			t.Errorf("%s: the parser rejects most of the corpus", dialect)
		}
	}
}

// TestMutants cuts up, joins and disturbs the statements of the corpus. Where a
// parser accepts the result and finds something unsafe, the classifier must
// have seen it too.
func TestMutants(t *testing.T) {
	n := seed(t)
	for dialect, parse := range parsers() {
		t.Run(dialect, func(t *testing.T) {
			var texts []string
			for _, s := range loadCorpus(t, dialect) {
				texts = append(texts, s.SQL)
			}
			m, accepted, unsafe, failures := newMutator(n, texts), 0, 0, 0
			for range count(t) {
				sql := m.Next()
				got := rwsplit.Classify(dialect, sql)
				if got.Reason == "" {
					t.Errorf("no reason for %q", sql)
				}
				facts, err := parse(sql)
				if err != nil {
					continue
				}
				accepted++
				if facts.Verdict != Unsafe {
					continue
				}
				unsafe++
				if got.Route == rwsplit.RouteReplica {
					t.Errorf("replica (%s), but the tree has %s:\n%q", got.Reason, facts.Why, sql)
					if failures++; failures > 20 {
						break
					}
				}
			}
			t.Logf("%d mutants, %d accepted by the parser, %d of them unsafe", count(t), accepted, unsafe)
		})
	}
}

// TestCatalogFunctions calls every function of PostgreSQL's catalog by name:
// none that is volatile or speaks about the session may reach a replica.
func TestCatalogFunctions(t *testing.T) {
	safe, offloaded := 0, 0
	var kept []string
	for _, f := range PGFunctions() {
		got := rwsplit.Classify("postgres", "SELECT pg_catalog."+f.Name+"(1)")
		replica := got.Route == rwsplit.RouteReplica
		if !f.Safe {
			if replica {
				t.Errorf("%s: replica (%s)", f.Name, got.Reason)
			}
			continue
		}
		safe++
		if replica {
			offloaded++
		} else {
			kept = append(kept, f.Name)
		}
	}
	t.Logf("%d functions are safe, %d go to a replica; not %v", safe, offloaded, kept)
}
