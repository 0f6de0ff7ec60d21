package difftest

import (
	"testing"

	"github.com/rwsplit/rwsplit"
)

// tally counts what a comparison saw.
type tally struct {
	texts, rejected, unsafe, unknown int
	plain, offloaded                 int // plain trees, and those sent to a replica
	missed                           map[string]int
	example                          map[string]string
}

// judge compares one text. unsafe is what is known to be in the text besides
// what the tree shows.
func (c *tally) judge(t *testing.T, dialect, sql, unsafe string, facts Facts, err error) {
	t.Helper()
	c.texts++
	got := rwsplit.Classify(dialect, sql)
	replica := got.Route == rwsplit.RouteReplica
	if replica && unsafe != "" {
		t.Errorf("%s: replica (%s), but the text has %s:\n%q", dialect, got.Reason, unsafe, sql)
		return
	}
	switch {
	case err != nil:
		c.rejected++
	case facts.Verdict == Unsafe:
		c.unsafe++
		if replica {
			t.Errorf("%s: replica (%s), but the tree has %s:\n%q", dialect, got.Reason, facts.Why, sql)
		}
	case facts.Verdict == Plain && unsafe == "":
		c.plain++
		if replica {
			c.offloaded++
			return
		}
		if c.missed == nil {
			c.missed, c.example = make(map[string]int), make(map[string]string)
		}
		c.missed[got.Reason]++
		if old := c.example[got.Reason]; old == "" || len(sql) < len(old) {
			c.example[got.Reason] = sql
		}
	default:
		c.unknown++
	}
}

// report logs the counts, and fails below the wanted share of plain reads.
func (c *tally) report(t *testing.T, dialect string, least float64) {
	t.Helper()
	share := 1.0
	if c.plain > 0 {
		share = float64(c.offloaded) / float64(c.plain)
	}
	t.Logf("%s: %d texts, %d rejected by the parser, %d unsafe, %d undecided, %d plain reads of which %.3f%% go to a replica",
		dialect, c.texts, c.rejected, c.unsafe, c.unknown, c.plain, 100*share)
	for reason, n := range c.missed {
		t.Logf("%s: %d plain reads stay on the primary (%s), such as\n%q", dialect, n, reason, c.example[reason])
	}
	if share < least {
		t.Errorf("%s: %.3f%% of the plain reads go to a replica, want %.1f%%", dialect, 100*share, 100*least)
	}
}

// TestGeneratedPostgres compares the classifier with PostgreSQL's own grammar
// on generated statements.
func TestGeneratedPostgres(t *testing.T) {
	next, c := NewPostgres(seed(t)), tally{}
	for range count(t) {
		s := next()
		facts, err := PostgresFacts(s.SQL)
		c.judge(t, "postgres", s.SQL, s.Unsafe, facts, err)
		if t.Failed() && c.texts > 1000 {
			break
		}
	}
	if c.rejected*2 > c.texts {
		t.Errorf("the parser rejects %d of %d generated statements", c.rejected, c.texts)
	}
	c.report(t, "postgres", 0.99)
}

// TestGeneratedMySQL compares the classifier with TiDB's grammar of MySQL on
// generated statements.
func TestGeneratedMySQL(t *testing.T) {
	next, p := NewMySQL(seed(t)), NewMySQLParser()
	counts := map[string]*tally{"mysql": {}, "mariadb": {}, "mysql/mariadb": {}}
	for range count(t) {
		s := next()
		facts, err := p.Facts(s.SQL)
		for dialect, c := range counts {
			c.judge(t, dialect, s.SQL, s.Unsafe, facts, err)
		}
		if t.Failed() && counts["mysql"].texts > 1000 {
			break
		}
	}
	if c := counts["mysql"]; c.rejected*2 > c.texts {
		t.Errorf("the parser rejects %d of %d generated statements", c.rejected, c.texts)
	}
	for dialect, c := range counts {
		c.report(t, dialect, 0.99)
	}
}
