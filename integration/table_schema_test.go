package integration_test

import (
	"fmt"
	"strings"

	"github.com/rwsplit/rwsplit/integration/cluster"
)

// The schema of the tables' game: each table has a row for each player, whose n
// only grows. What a write to one table does to others is up to the server.

// tableWrite is a statement that raises n of one row to a value.
type tableWrite struct {
	text    string   // %v is the value, %i the row
	changes []string // the tables whose row has that value then
	rows    bool     // it returns rows
	opaque  bool     // its text does not tell what it changes
}

// tableRead is a statement that returns n of one row of some tables.
type tableRead struct {
	text  string // %i is the row
	reads []string
}

// tableSchema returns the statements that make the tables for rows 0 to n-1,
// and what is written and read.
func tableSchema(e cluster.Engine, n int) (ddl []string, writes []tableWrite, reads []tableRead) {
	plain := []string{"plain0", "plain1", "plain2", "plain3", "ta", "tb", "tc", "td"}
	for _, name := range plain {
		ddl = append(ddl, fmt.Sprintf("CREATE TABLE %s (id INT PRIMARY KEY, n BIGINT NOT NULL)", name))
	}
	ddl = append(ddl,
		"CREATE TABLE par (id INT PRIMARY KEY, n BIGINT NOT NULL UNIQUE)",
		"CREATE TABLE chi (id INT PRIMARY KEY, n BIGINT NOT NULL, FOREIGN KEY (n) REFERENCES par (n) ON UPDATE CASCADE)",
		"CREATE VIEW v AS SELECT id, n FROM tb",
		"CREATE VIEW vv AS SELECT v.id, v.n FROM v JOIN plain0 ON plain0.id = v.id",
	)
	tables := append(plain, "par", "chi", "part")
	update := func(name string, changes ...string) {
		writes = append(writes, tableWrite{text: "UPDATE " + name + " SET n = GREATEST(n, %v) WHERE id = %i", changes: changes})
	}
	for _, name := range plain[:4] {
		update(name, name)
	}
	update("ta", "ta", "tb", "tc", "td")
	update("tb", "tb", "tc", "td")
	update("v", "tb", "tc", "td")
	update("par", "par", "chi")
	update("part", "part")

	switch e {
	case cluster.Postgres:
		ddl = append(ddl,
			"CREATE TABLE part (id INT PRIMARY KEY, n BIGINT NOT NULL) PARTITION BY RANGE (id)",
			"CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (MINVALUE) TO (4)",
			"CREATE TABLE part_high PARTITION OF part FOR VALUES FROM (4) TO (MAXVALUE)",
			"CREATE TABLE ra (id INT PRIMARY KEY, n BIGINT NOT NULL)",
			"CREATE TABLE rb (id INT PRIMARY KEY, n BIGINT NOT NULL)",
			"CREATE RULE ra_too AS ON UPDATE TO ra DO ALSO UPDATE rb SET n = NEW.n WHERE id = NEW.id",
			"CREATE FUNCTION helper(i INT, new_n BIGINT) RETURNS void LANGUAGE plpgsql AS 'BEGIN UPDATE td SET n = GREATEST(n, new_n) WHERE id = i; END'",
			"CREATE FUNCTION ta_too() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE tb SET n = GREATEST(n, NEW.n) WHERE id = NEW.id; RETURN NULL; END'",
			"CREATE FUNCTION tb_too() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE tc SET n = GREATEST(n, NEW.n) WHERE id = NEW.id; RETURN NULL; END'",
			"CREATE FUNCTION tc_too() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM helper(NEW.id, NEW.n); RETURN NULL; END'",
			"CREATE FUNCTION raise_both(i INT, v BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS 'BEGIN UPDATE plain2 SET n = GREATEST(n, v) WHERE id = i; UPDATE plain3 SET n = GREATEST(n, v) WHERE id = i; RETURN v; END'",
			"CREATE FUNCTION read_tc(i INT) RETURNS BIGINT LANGUAGE sql STABLE AS 'SELECT n FROM tc WHERE id = i'",
		)
		for _, name := range []string{"ta", "tb", "tc"} {
			ddl = append(ddl, fmt.Sprintf("CREATE TRIGGER %s_too AFTER UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION %s_too()", name, name, name))
		}
		tables = append(tables, "ra", "rb")
		update("ra", "ra", "rb")
		writes = append(writes,
			tableWrite{"WITH w AS (UPDATE plain0 SET n = GREATEST(n, %v) WHERE id = %i RETURNING id) UPDATE plain1 SET n = GREATEST(n, %v) WHERE id IN (SELECT id FROM w)", []string{"plain0", "plain1"}, false, false},
			tableWrite{"WITH w AS (UPDATE ta SET n = GREATEST(n, %v) WHERE id = %i RETURNING n) SELECT n FROM w", []string{"ta", "tb", "tc", "td"}, true, false},
			tableWrite{"INSERT INTO plain2 (id, n) VALUES (%i, %v) ON CONFLICT (id) DO UPDATE SET n = GREATEST(plain2.n, EXCLUDED.n)", []string{"plain2"}, false, false},
			tableWrite{"UPDATE plain3 SET n = GREATEST(n, %v) WHERE id = %i RETURNING n", []string{"plain3"}, true, false},
			tableWrite{"SELECT raise_both(%i, %v)", []string{"plain2", "plain3"}, true, true},
		)
		reads = append(reads,
			tableRead{"SELECT read_tc(%i)", []string{"tc"}},
			tableRead{"SELECT n FROM ONLY tb WHERE id = %i", []string{"tb"}},
			tableRead{"SELECT n FROM (SELECT * FROM part_low UNION ALL SELECT * FROM part_high) p WHERE id = %i", []string{"part"}},
		)
	default:
		ddl = append(ddl,
			"CREATE TABLE part (id INT PRIMARY KEY, n BIGINT NOT NULL) PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (4), PARTITION high VALUES LESS THAN MAXVALUE)",
			// Only its definer sees what a routine does.
			"CREATE DEFINER = 'app'@'%' PROCEDURE helper(i INT, new_n BIGINT) UPDATE td SET n = GREATEST(n, new_n) WHERE id = i",
			"CREATE DEFINER = 'app'@'%' PROCEDURE raise_both(i INT, v BIGINT) BEGIN UPDATE plain2 SET n = GREATEST(n, v) WHERE id = i; UPDATE plain3 SET n = GREATEST(n, v) WHERE id = i; END",
			"CREATE DEFINER = 'app'@'%' FUNCTION read_tc(i INT) RETURNS BIGINT READS SQL DATA RETURN (SELECT n FROM tc WHERE id = i)",
			"CREATE TRIGGER ta_too AFTER UPDATE ON ta FOR EACH ROW UPDATE tb SET n = GREATEST(n, NEW.n) WHERE id = NEW.id",
			"CREATE TRIGGER tb_too AFTER UPDATE ON tb FOR EACH ROW BEGIN UPDATE tc SET n = GREATEST(n, NEW.n) WHERE id = NEW.id; END",
			"CREATE TRIGGER tc_too AFTER UPDATE ON tc FOR EACH ROW CALL helper(NEW.id, NEW.n)",
		)
		writes = append(writes,
			tableWrite{"UPDATE plain0 a, plain1 b SET a.n = GREATEST(a.n, %v), b.n = GREATEST(b.n, %v) WHERE a.id = %i AND b.id = a.id", []string{"plain0", "plain1"}, false, false},
			tableWrite{"INSERT INTO plain2 (id, n) VALUES (%i, %v) ON DUPLICATE KEY UPDATE n = GREATEST(n, VALUES(n))", []string{"plain2"}, false, false},
			tableWrite{"REPLACE INTO plain3 (id, n) VALUES (%i, %v)", []string{"plain3"}, false, false},
			tableWrite{"CALL raise_both(%i, %v)", []string{"plain2", "plain3"}, false, true},
		)
		reads = append(reads, tableRead{"SELECT read_tc(%i)", []string{"tc"}})
		// MariaDB reads LOW and HIGH as words of their own.
		reads = append(reads, tableRead{"SELECT n FROM part PARTITION (low, high) WHERE id = %i", []string{"part"}})
	}

	for _, name := range tables {
		var rows []string
		for id := range n {
			rows = append(rows, fmt.Sprintf("(%d, %d)", id, id))
		}
		ddl = append(ddl, fmt.Sprintf("INSERT INTO %s (id, n) VALUES %s", name, strings.Join(rows, ", ")))
		reads = append(reads, tableRead{"SELECT n FROM " + name + " WHERE id = %i", []string{name}})
	}
	reads = append(reads,
		tableRead{"SELECT n FROM v WHERE id = %i", []string{"tb"}},
		tableRead{"SELECT n FROM vv WHERE id = %i", []string{"tb"}},
		tableRead{"SELECT x.n, y.n FROM plain1 x JOIN td y ON x.id = y.id WHERE x.id = %i", []string{"plain1", "td"}},
		tableRead{"SELECT x.n, y.n FROM chi x, vv y WHERE x.id = %i AND y.id = x.id", []string{"chi", "tb"}},
		tableRead{"SELECT n FROM plain2 WHERE id = %i AND EXISTS (SELECT 1 FROM v)", []string{"plain2"}},
	)
	return ddl, writes, reads
}
