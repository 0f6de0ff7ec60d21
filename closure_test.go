package rwsplit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
)

const (
	read, insert     = rwsplit.EventRead, rwsplit.EventInsert
	updates, deletes = rwsplit.EventUpdate, rwsplit.EventDelete
	run, writesAny   = rwsplit.EventRun, rwsplit.EventWrites
	anyEvent         = read | writesAny
)

// What the names of a schema hide, by statements whose footprints show it.
var closureTests = []struct {
	name    string
	dialect string // "" is postgres
	schema  func(f *rwsplit.SchemaFacts)
	texts   [][2]string // statement, want
}{
	{"views on views", "", func(f *rwsplit.SchemaFacts) {
		f.View("v", "SELECT a.x FROM a JOIN b ON b.id = a.id")
		f.View("w", "SELECT * FROM v UNION SELECT * FROM c")
		f.View("broken", "SELECT * FROM nobody")
		f.View("system", "SELECT * FROM pg_class")
		f.View("sized", "SELECT pg_relation_size('a')")
		f.View("called", "SELECT unknown_fn(x) FROM a")
		f.View("aliased", "SELECT t.n FROM a, unnest(ARRAY[1]) WITH ORDINALITY t(x, n)")
		f.View("common", "WITH q AS (SELECT * FROM a) SELECT * FROM q")
	}, [][2]string{
		{"SELECT * FROM v", "a b"},
		{"SELECT * FROM w", "a b c"},
		{"SELECT * FROM broken", "*"},
		{"SELECT * FROM system", "*"},
		{"SELECT * FROM sized", "*"},
		{"SELECT * FROM called", "*"},
		{"SELECT * FROM aliased", "a"},
		{"SELECT * FROM common", "a"},
		{"UPDATE v SET x = 1", "a b"},
		{"INSERT INTO w VALUES (1)", "a b c"},
		{"INSERT INTO d SELECT * FROM w", "d"},
		{"INSERT INTO d SELECT * FROM called", "*"},
		{"DELETE FROM broken", "*"},
	}},
	{"triggers", "", func(f *rwsplit.SchemaFacts) {
		f.Routine("audit", "BEGIN INSERT INTO log VALUES (NEW.id); RETURN NEW; END")
		f.Link("a", insert, "audit()", run)
		f.Routine("deep", "BEGIN PERFORM audit(); UPDATE c SET x = 1 WHERE id IN (SELECT id FROM d); END")
		f.Link("b", updates, "deep()", run)
		f.Routine("dynamic", "BEGIN EXECUTE 'DELETE FROM ' || x; END")
		f.Link("c", deletes, "dynamic()", run)
		f.Link("log", insert, "count()", run)
		f.Routine("count", "BEGIN UPDATE totals SET n = n + 1; END")
		f.Link("d", insert, rwsplit.Anything, 0)
		f.Routine("stranger", "BEGIN PERFORM unknown_fn(1); END")
		f.Link("e", insert, "stranger()", run)
		f.Routine("moved", "BEGIN INSERT INTO log SELECT id FROM newrows; END")
		f.Link("e", updates, "moved()", run)
		f.Text("e", deletes, "INSERT INTO log SELECT id FROM oldrows", "OldRows")
	}, [][2]string{
		{"INSERT INTO a VALUES (1)", "a log totals"},
		{"UPDATE a SET x = 1", "a"},
		{"DELETE FROM a", "a"},
		{"SELECT * FROM a", "a"},
		{"UPDATE b SET x = 1", "b c log totals"},
		{"INSERT INTO b VALUES (1)", "b"},
		{"INSERT INTO b VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 1", "b c log totals"},
		{"DELETE FROM c", "*"},
		{"TRUNCATE c", "*"},
		{"UPDATE c SET x = 1", "c"},
		{"INSERT INTO d VALUES (1)", "*"},
		{"INSERT INTO b SELECT * FROM d", "b"},
		{"INSERT INTO e VALUES (1)", "*"},
		{"UPDATE e SET x = 1", "*"},
		{"DELETE FROM e", "e log totals"},
		{"WITH q AS (INSERT INTO a VALUES (1) RETURNING *) SELECT * FROM q, d", "a log totals"},
		{"MERGE INTO b USING d ON true WHEN NOT MATCHED THEN INSERT VALUES (1)", "*"},
	}},
	{"triggers of MySQL", "mysql", func(f *rwsplit.SchemaFacts) {
		f.Text("a", insert, "INSERT INTO log (v) VALUES (NEW.v)")
		f.Text("a", updates, "BEGIN DECLARE n INT DEFAULT 0; SELECT count(*) INTO n FROM d; IF n > 1 THEN CALL note(n); END IF; END")
		f.Routine("note", "BEGIN REPLACE LOW_PRIORITY INTO c SET x = n; END")
		f.Text("b", insert, "SET NEW.v = next_total()")
		f.Routine("next_total", "BEGIN UPDATE totals SET n = n + 1; RETURN (SELECT n FROM totals); END")
		f.Text("c", insert, "SET NEW.v = hidden_fn()")
		f.Text("d", insert, "CALL hidden_procedure")
		f.Text("e", insert, "BEGIN WHILE next_total() < 3 DO DELETE b FROM b JOIN d ON b.id = d.id; END WHILE; END")
		f.Text("e", updates, `BEGIN INSERT INTO log VALUES ('it\'s'); END`)
		f.Text("e", deletes, "BEGIN /*!50000 DELETE FROM b; */ END")
	}, [][2]string{
		{"INSERT INTO a VALUES (1)", "a log"},
		{"LOAD DATA INFILE 'x' INTO TABLE a", "a log"},
		{"UPDATE a SET x = 1", "*"}, // REPLACE inserts into c
		{"INSERT INTO b VALUES (1)", "b totals"},
		{"INSERT INTO c VALUES (1)", "*"},
		{"INSERT INTO d VALUES (1)", "*"},
		{"INSERT INTO e VALUES (1)", "b d e totals"},
		{"UPDATE e SET x = 1", "*"},
		{"DELETE FROM e", "*"},
		{"REPLACE INTO e VALUES (1)", "*"},
	}},
	{"cascades", "", func(f *rwsplit.SchemaFacts) {
		f.Link("a", deletes, "b", deletes)
		f.Link("a", updates, "b", updates)
		f.Link("b", deletes, "c", updates)
		f.Link("c", updates, "d", insert)
		f.Link("d", insert, "d", updates) // a circle
		f.Link("d", updates, "a", read)
	}, [][2]string{
		{"INSERT INTO a VALUES (1)", "a"},
		{"UPDATE a SET x = 1", "a b"},
		{"DELETE FROM a", "a b c d"},
		{"DELETE FROM b", "b c d"},
		{"INSERT INTO c SELECT * FROM a", "c"},
		{"INSERT INTO d VALUES (1)", "d"},
		{"SELECT * FROM a", "a"},
	}},
	{"hidden cascades", "mysql", func(f *rwsplit.SchemaFacts) { f.HideCascades() }, [][2]string{
		{"INSERT INTO a VALUES (1)", "a"},
		{"UPDATE a SET x = 1", "*"},
		{"DELETE FROM a", "*"},
		{"SELECT * FROM a", "a"},
	}},
	{"partitions", "", func(f *rwsplit.SchemaFacts) {
		f.Table("p1")
		f.Table("p2")
		f.Part("p1", "p")
		f.Part("p2", "p")
		f.Table("p")
		f.Table("p1a")
		f.Part("p1a", "p1")
		f.Link("p2", insert, "log", insert)
		f.Part("unseen", "e")
	}, [][2]string{
		{"SELECT * FROM p", "p"},
		{"SELECT * FROM p1a", "p"},
		{"UPDATE p1a SET x = 1", "p"},
		{"DELETE FROM p", "p"},
		{"INSERT INTO p VALUES (1)", "log p"},
		{"UPDATE p SET x = 1", "log p"}, // rows may move
		{"INSERT INTO p1 VALUES (1)", "p"},
		{"INSERT INTO p2 VALUES (1)", "log p"},
		{"SELECT * FROM e", "*"},
	}},
	{"what has no rows of its own", "", func(f *rwsplit.SchemaFacts) {
		f.Of(rwsplit.TableSequence, "s")
		f.Of(rwsplit.TableForeign, "f")
	}, [][2]string{
		{"SELECT last_value FROM s", "*"},
		{"SELECT * FROM f", "*"},
		{"INSERT INTO f VALUES (1)", "*"},
		{"INSERT INTO a SELECT * FROM f", "a"},
		{"SELECT s FROM a", "*"},
	}},
	{"one name in two schemas", "", func(f *rwsplit.SchemaFacts) {
		f.TableAs("two.a", "A")
		f.Link("two.a", insert, "b", insert)
	}, [][2]string{
		{"SELECT * FROM one.a", "a"},
		{"INSERT INTO a VALUES (1)", "a b"},
		{"INSERT INTO two.a VALUES (1)", "a b"},
	}},
	{"functions", "", func(f *rwsplit.SchemaFacts) {
		f.Routine("safe_fn", "SELECT x FROM b WHERE id = $1")
		f.Routine("total", "SELECT x FROM c")
		f.Routine("label", "SELECT x FROM d")
		f.Column("label")
		f.Routine("change", "WITH q AS (DELETE FROM e RETURNING *) SELECT * FROM q")
		f.View("v", "SELECT change() FROM a")
	}, [][2]string{
		{"SELECT safe_fn(1) FROM a", "a b"},
		{"SELECT total FROM a", "a"},
		{"SELECT a.label FROM a", "a d"},
		{"SELECT total(1) FROM a", "*"}, // nobody trusts it
		{"UPDATE a SET x = safe_fn(1)", "a"},
		{"INSERT INTO a SELECT * FROM v", "a e"},
	}},
	{"policies", "", func(f *rwsplit.SchemaFacts) {
		f.Text("a", anyEvent, "(owner IN ( SELECT b.owner FROM b))")
	}, [][2]string{
		{"SELECT * FROM a", "a b"},
		{"UPDATE a SET x = 1", "a"},
	}},
	{"what every statement uses", "", func(f *rwsplit.SchemaFacts) {
		f.Routine("op", "SELECT x FROM c")
		f.Link(rwsplit.EveryStatement, run, "op()", run)
	}, [][2]string{
		{"SELECT * FROM a", "a c"},
		{"UPDATE a SET x = 1", "a"},
	}},
	{"names that are not compared", "mysql", func(f *rwsplit.SchemaFacts) {
		f.Table("größe")
		f.Table("we`ird")
	}, [][2]string{
		{"SELECT * FROM größe", "*"},
		{"SELECT * FROM GRÖSSE", "*"},
		{"SELECT x AS größe FROM a", "*"},
		{"SELECT * FROM a", "a"},
		{"SELECT * FROM `we``ird`", "*"},
		{"SELECT 1 AS `x``y` FROM a", "*"},
	}},
	{"names that are cut", "", func(f *rwsplit.SchemaFacts) { f.Table(strings.Repeat("x", 63)) }, [][2]string{
		{"SELECT * FROM " + strings.Repeat("x", 70), strings.Repeat("x", 63)},
		{"SELECT * FROM " + strings.Repeat("x", 62), "*"},
	}},
	{"more than fits", "", func(f *rwsplit.SchemaFacts) {
		for i := range 13 {
			f.Table(fmt.Sprintf("n%d", i))
			f.Link("a", insert, fmt.Sprintf("n%d", i), insert)
		}
	}, [][2]string{
		{"INSERT INTO a VALUES (1)", "*"},
		{"SELECT * FROM a", "a"},
		{"SELECT * FROM n0,n1,n2,n3,n4,n5,n6,n7,n8,n9,n10,n11", "n0 n1 n10 n11 n2 n3 n4 n5 n6 n7 n8 n9"},
		{"SELECT * FROM n0,n1,n2,n3,n4,n5,n6,n7,n8,n9,n10,n11,n12", "*"},
	}},
}

func TestFootprintHoldsWhatNamesHide(t *testing.T) {
	for _, tt := range closureTests {
		t.Run(tt.name, func(t *testing.T) {
			facts := plainSchema("a b c d e log totals")
			tt.schema(facts)
			dialect := tt.dialect
			if dialect == "" {
				dialect = "postgres"
			}
			footprint := rwsplit.Footprints(dialect, facts)
			for _, text := range tt.texts {
				_, names, all := footprint(text[0])
				assert.Equal(t, text[1], touched(names, all), text[0])
			}
		})
	}
}

// Names that are found in many ways cost no more for that.
func TestLearningALargeSchemaIsQuick(t *testing.T) {
	facts := new(rwsplit.SchemaFacts)
	for i := range 10000 {
		facts.Table(fmt.Sprintf("table_%d", i))
		if i%10 == 9 {
			facts.View(fmt.Sprintf("view_%d", i), fmt.Sprintf("SELECT a.id FROM table_%d a JOIN table_%d b ON b.id = a.id", i, i-1))
			facts.Link(fmt.Sprintf("table_%d", i-1), deletes, fmt.Sprintf("table_%d", i), deletes)
		}
	}
	start := time.Now()
	footprint := rwsplit.Footprints("postgres", facts)
	require.Less(t, time.Since(start), 10*time.Second)
	_, names, all := footprint("DELETE FROM table_8")
	require.Equal(t, "table_8 table_9", touched(names, all))
	_, names, all = footprint("SELECT * FROM view_9999")
	require.Equal(t, "table_9998 table_9999", touched(names, all))

	facts = new(rwsplit.SchemaFacts)
	for i := range 1<<16 + 1 {
		facts.Table(fmt.Sprintf("t%d", i))
	}
	require.Nil(t, rwsplit.LearnTables("postgres", facts), "more names than are remembered")
}
