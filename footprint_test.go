package rwsplit_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rwsplit/rwsplit"
)

// plainSchema has tables that hide nothing, named by the words in names.
func plainSchema(names string) *rwsplit.SchemaFacts {
	facts := new(rwsplit.SchemaFacts)
	for _, name := range strings.Fields(names) {
		facts.Table(name)
	}
	return facts
}

func touched(names []string, all bool) string {
	if all {
		return "*"
	}
	return strings.Join(names, " ")
}

type footprintTest struct {
	dialects string // first letters; "" is all of them
	query    string
	want     string // names in order, * for all tables
}

var footprintTests = []footprintTest{
	// reads
	{"", "SELECT 1", ""},
	{"", "SELECT * FROM a", "a"},
	{"", "SELECT * FROM A", "a"},
	{"", "select x.y from a as x", "a"},
	{"", "SELECT * FROM shop.a", "a"},
	{"", "SELECT * FROM a, b", "a b"},
	{"", "SELECT * FROM a x, b y WHERE x.id = y.id", "a b"},
	{"", "SELECT * FROM a JOIN b ON a.id = b.id, c", "a b c"},
	{"", "SELECT * FROM (a JOIN b ON a.id = b.id)", "a b"},
	{"", "SELECT * FROM (SELECT * FROM a) x, (SELECT * FROM b) y", "a b"},
	{"", "SELECT (SELECT max(id) FROM b) FROM a WHERE id IN (SELECT id FROM c)", "a b c"},
	{"", "SELECT * FROM a UNION SELECT * FROM b", "a b"},
	{"", "(SELECT * FROM a) UNION (SELECT * FROM b)", "a b"},
	{"", "WITH x AS (SELECT * FROM a) SELECT * FROM x", "a"},
	{"", "WITH x (i, j) AS (SELECT * FROM a), y AS (SELECT * FROM x) SELECT * FROM y, b", "a b"},
	{"pm", "WITH RECURSIVE x AS (SELECT * FROM a UNION ALL SELECT * FROM x) SELECT * FROM x", "a"},
	{"", "WITH x AS (SELECT * FROM a) SELECT * FROM y", "*"},
	{"", "WITH x AS (SELECT 1) SELECT x, y AS (z) FROM y", "*"},
	{"", "SELECT b FROM a", "a b"},
	{"", "SELECT * FROM nobody", "*"},
	{"", "SELECT * FROM a JOIN nobody ON true", "*"},
	{"", "SELECT * FROM a, nobody", "*"},
	{"", "SELECT * FROM a WHERE EXISTS (SELECT 1 FROM nobody)", "*"},
	{"", "SELECT * FROM (nobody JOIN a ON true)", "*"},
	{"pm", "SELECT extract(year FROM created) FROM a", "a"},
	{"pm", "SELECT trim(both ' ' FROM name) FROM a", "a"},
	{"p", "SELECT * FROM a WHERE x IS DISTINCT FROM y", "a"},
	{"p", "SELECT * FROM ONLY a", "a"},
	{"p", "SELECT * FROM ONLY (nobody)", "*"},
	{"p", "SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.id = a.id) l", "a b"},
	{"p", "SELECT * FROM generate_series(1, 3) g, a", "a"},
	{"p", "SELECT * FROM unnest(ARRAY[1,2]) WITH ORDINALITY AS t(x, n), a", "a"},
	{"p", "SELECT a::timestamp with time zone, b FROM c", "a b c"},
	{"p", `SELECT * FROM "a"`, "a"},
	{"p", `SELECT * FROM "A"`, "a"},
	{"p", `SELECT * FROM U&"\0061"`, "*"},
	{"p", `SELECT 1 AS U&"\0061"`, "*"},
	{"p", `SELECT 1 AS "x""y" FROM a`, "a"},
	{"p", `SELECT * FROM "x""y"`, "*"},
	{"p", "TABLE a", "a"},
	{"p", "SELECT * FROM pg_class", "*"},
	{"p", "SELECT * FROM pg_catalog.pg_class", "*"},
	{"p", "SELECT * FROM information_schema.a", "*"},
	{"p", "SELECT pg_relation_size('a')", "*"},
	{"p", "SELECT lo_get(1)", "*"},
	{"p", "COPY a TO STDOUT", "a"},
	{"p", "COPY a (x, y) TO STDOUT", "a"},
	{"p", "COPY nobody TO STDOUT", "*"},
	{"p", "COPY (SELECT * FROM a) TO STDOUT", "a"},
	{"p", "COPY (SELECT * FROM nobody) TO STDOUT", "*"},
	{"p", "EXPLAIN SELECT * FROM a", "a"},
	{"p", "EXPLAIN (ANALYZE, FORMAT json) SELECT * FROM a", "a"},
	{"p", "SELECT 'a' FROM b", "b"},
	{"p", "SELECT $$a$$ FROM b", "b"},
	{"p", "SELECT 1 -- FROM a\n FROM b", "b"},
	{"p", "SELECT * FROM a; SELECT * FROM b", "a b"},
	{"p", "SELECT * FROM a WHERE x = 'é'", "a"},
	{"p", "SELECT x AS größe FROM a", "a"},
	{"p", "SELECT * FROM größe", "*"},
	{"m", "SELECT * FROM `a`, `shop`.`b`", "a b"},
	{"m", `SELECT * FROM "a"`, "a"},
	{"m", `SELECT "a" FROM b`, "a b"},
	{"m", "SELECT 1 FROM DUAL", ""},
	{"m", "TABLE a", "a"},
	{"m", "SELECT * FROM a STRAIGHT_JOIN b", "a b"},
	{"m", "SELECT * FROM a FORCE INDEX (i), b", "a b"},
	{"m", "SELECT * FROM a PARTITION (p0, p1)", "a"},
	{"m", "SELECT * FROM {OJ a LEFT OUTER JOIN b ON a.id = b.id}", "*"},
	{"m", "SELECT /*! b.x, */ a.x FROM a /*! , b */", "*"},
	{"m", "SELECT * FROM a /*!80000 , b */", "a b"},
	{"m", "SELECT replace(x, 'y', 'z') FROM a", "a"},
	{"m", "SELECT * FROM information_schema.a", "*"},
	{"m", "SELECT * FROM mysql.a", "*"},
	{"m", "SHOW TABLES", "*"},
	{"m", "DESCRIBE a", "*"},
	{"m", "EXPLAIN SELECT * FROM a", "a"},
	{"m", "SELECT * FROM db.1st", "1st"},
	{"a", "SET STATEMENT max_statement_time=1 FOR SELECT * FROM a", "a"},
	{"a", "SELECT * FROM a FOR SYSTEM_TIME AS OF '2020-01-01', b", "a b"},
	{"s", "SELECT * FROM 'a'", "*"},
	{"s", "SELECT * FROM [a], \"b\", `c`", "a b c"},
	{"", "SELECT safe_fn(1) FROM a", "*"}, // trusted by name, and not in the catalog

	// writes
	{"", "INSERT INTO a VALUES (1)", "a"},
	{"", "INSERT INTO a (x, y) VALUES (1, 2), (3, 4)", "a"},
	{"", "INSERT INTO shop.a (x) SELECT x FROM b", "a"},
	{"", "INSERT INTO a SELECT b.x FROM b JOIN c ON b.id = c.id WHERE b.y = c.y", "a"},
	{"", "INSERT INTO a VALUES ((SELECT max(x) FROM b))", "a"},
	{"", "INSERT INTO nobody VALUES (1)", "*"},
	{"", "INSERT INTO nobody (x) VALUES (1)", "*"},
	{"", "INSERT INTO a SELECT * FROM nobody", "*"},
	{"", "UPDATE a SET x = 1, y = 2 WHERE z = 3", "a"},
	{"", "UPDATE a SET x = (SELECT max(y) FROM b) WHERE id IN (SELECT id FROM c)", "a"},
	{"", "UPDATE nobody SET x = 1", "*"},
	{"", "UPDATE nobody SET x = 1 WHERE y IN (SELECT y FROM a)", "*"},
	{"", "DELETE FROM a WHERE id = 1", "a"},
	{"", "DELETE FROM a WHERE id IN (SELECT b.id FROM b)", "a"},
	{"", "DELETE FROM nobody", "*"},
	{"", "DROP TABLE a", "*"},
	{"", "CREATE TABLE d (x int)", "*"},
	{"pm", "CALL p()", "*"},
	{"", "SELECT unknown_fn() FROM a", "*"},
	{"", "DELETE FROM a WHERE id = unknown_fn()", "*"},
	{"", "UPDATE a SET x = 'open", "*"},
	{"", "gibberish a", "*"},
	{"", "", "*"},
	{"p", "INSERT INTO a AS x VALUES (1) ON CONFLICT (id) DO UPDATE SET x = excluded.x, y = 2 RETURNING id, x", "a"},
	{"p", "INSERT INTO a DEFAULT VALUES", "a"},
	{"p", "UPDATE ONLY a SET x = b.x FROM b WHERE a.id = b.id", "a b"},
	{"p", "DELETE FROM a USING b WHERE a.id = b.id", "a b"},
	{"p", "WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x", "a"},
	{"p", "WITH x AS (DELETE FROM a RETURNING *), y AS (INSERT INTO b SELECT * FROM x RETURNING *) SELECT * FROM y, c", "a b"},
	{"p", "WITH x AS (SELECT * FROM b) UPDATE a SET v = x.v FROM x WHERE x.id = a.id", "a"},
	{"p", "WITH x AS (SELECT * FROM b), y AS (UPDATE nobody SET v = 1) SELECT * FROM a", "*"},
	{"p", "MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN UPDATE SET x = b.x, y = 1 WHEN NOT MATCHED THEN INSERT (id, x) VALUES (b.id, b.x)", "a b"},
	{"p", "MERGE INTO a USING (SELECT * FROM b) s ON a.id = s.id WHEN MATCHED THEN DELETE", "a"},
	{"p", "MERGE INTO nobody USING a ON true WHEN MATCHED THEN DELETE", "*"},
	{"p", "TRUNCATE a", "a"},
	{"p", "TRUNCATE TABLE ONLY a, b RESTART IDENTITY", "a b"},
	{"p", "TRUNCATE a, nobody", "*"},
	{"p", "TRUNCATE a CASCADE", "*"},
	{"p", "COPY a FROM STDIN", "a"},
	{"p", "COPY public.a (x, y) FROM STDIN WITH (FORMAT csv)", "a"},
	{"p", "COPY a FROM STDIN WHERE f(x)", "*"},
	{"p", "COPY nobody FROM STDIN", "*"},
	{"p", "COPY (DELETE FROM a RETURNING *) TO STDOUT", "a"},
	{"p", "EXPLAIN ANALYZE DELETE FROM a", "a"},
	{"p", "SELECT nextval('s')", ""},
	{"p", "SELECT nextval('s') FROM a", ""},
	{"p", "SELECT pg_notify('x', 'y')", ""},
	{"p", "SELECT * INTO d FROM a", "*"},
	{"p", "REFRESH MATERIALIZED VIEW a", "*"},
	{"p", "SELECT query_to_xml('select * from a', true, true, '')", "*"},
	{"p", "INSERT INTO a VALUES (1); DELETE FROM b", "a b"},
	{"p", "INSERT INTO a VALUES (1); SELECT * FROM b", "a b"},
	{"p", "INSERT INTO a VALUES (1); DO $$ $$", "*"},
	{"p", "PREPARE q AS DELETE FROM a", "*"},
	{"p", "EXECUTE q", "*"},
	{"p", "DO $$ begin delete from a; end $$", "*"},
	{"m", "REPLACE INTO a VALUES (1)", "a"},
	{"m", "REPLACE a SET x = 1, y = 2", "a"},
	{"m", "INSERT a VALUES (1)", "a"},
	{"m", "INSERT nobody VALUES (1)", "*"},
	{"m", "INSERT IGNORE INTO a SET x = 1, y = replace(z, 'b', 'c')", "a"},
	{"m", "INSERT LOW_PRIORITY INTO a (x) VALUES (1) ON DUPLICATE KEY UPDATE x = VALUES(x), y = 2", "a"},
	{"m", "INSERT INTO a (x) SELECT b.x FROM b ON DUPLICATE KEY UPDATE x = b.x, y = 2", "a"},
	{"m", "INSERT INTO a PARTITION (p0) VALUES (1)", "a"},
	{"m", "INSERT INTO a WITH x AS (SELECT * FROM b) SELECT * FROM x", "a"},
	{"m", "INSERT INTO a TABLE b", "a"},
	{"m", "UPDATE a, b SET a.x = b.x WHERE a.id = b.id", "a b"},
	{"m", "UPDATE a JOIN b ON a.id = b.id SET a.x = 1, b.y = 2", "a b"},
	{"m", "UPDATE LOW_PRIORITY IGNORE a SET x = 1", "a"},
	{"m", "UPDATE a JOIN (SELECT * FROM b) s ON a.id = s.id SET a.x = 1", "a"},
	{"m", "UPDATE (a JOIN b ON a.id = b.id) SET a.x = 1", "*"}, // looks like a call
	{"m", "DELETE a, b FROM a JOIN b ON a.id = b.id", "a b"},
	{"m", "DELETE x FROM a AS x JOIN b ON x.id = b.id", "a b"},
	{"m", "DELETE FROM a USING a JOIN b ON a.id = b.id", "a b"},
	{"m", "DELETE QUICK FROM a ORDER BY x, y LIMIT 1", "a"},
	{"m", "TRUNCATE TABLE a", "a"},
	{"m", "TRUNCATE a", "a"},
	{"m", "LOAD DATA LOCAL INFILE 'f' REPLACE INTO TABLE a FIELDS TERMINATED BY ',' (x, @y) SET z = upper(@y)", "a"},
	{"m", "LOAD DATA INFILE 'f' INTO TABLE shop.a", "a"},
	{"m", "LOAD DATA INFILE 'f' INTO TABLE nobody", "*"},
	{"m", "LOAD DATA INFILE 'f' INTO TABLE a (x) SET y = unknown_fn(x)", "*"},
	{"m", "RENAME TABLE a TO b", "*"},
	{"m", "UPDATE a SET x = 1 /*! , y = 2 */", "a"},
	{"m", "INSERT INTO `a` VALUES ('it\\'s')", "a"},
	{"m", "HANDLER a OPEN", "*"},
	{"a", "INSERT INTO a VALUES (1) RETURNING id, x", "a"},
	{"a", "DELETE FROM a RETURNING id, x", "a"},
	{"a", "SET STATEMENT max_statement_time=1 FOR DELETE FROM a", "a"},
	{"a", "SELECT NEXT VALUE FOR s", ""},
	{"a", "ANALYZE UPDATE a SET x = 1", "a"},
	{"s", "INSERT OR REPLACE INTO a VALUES (1)", "a"},
	{"s", "INSERT OR IGNORE INTO nobody VALUES (1)", "*"},
	{"s", "UPDATE OR IGNORE a SET x = 1", "a"},
}

// footprintDialects are told apart by letters in the tables: MySQL's letter
// stands for MariaDB too, whose own is a.
var footprintDialects = []struct{ name, letters string }{
	{"postgres", "p"}, {"mysql", "m"}, {"mariadb", "ma"}, {"mysql/mariadb", "m"}, {"sqlite", "s"},
}

func TestFootprintOfTexts(t *testing.T) {
	for _, d := range footprintDialects {
		footprint := rwsplit.Footprints(d.name, plainSchema("a b c 1st"))
		for _, tt := range footprintTests {
			if tt.dialects != "" && !strings.ContainsAny(tt.dialects, d.letters) {
				continue
			}
			st, names, all := footprint(tt.query)
			assert.Equal(t, tt.want, touched(names, all), "%s: %s (%s)", d.name, tt.query, st.Reason)
		}
	}
}
