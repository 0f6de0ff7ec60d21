package integration_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// schemaObjects are tables that hide much behind their names, and statements
// that write to them. Every table has a column v, and id as its key.
var schemaObjects = map[cluster.Engine][]string{
	cluster.Postgres: {
		"CREATE TABLE plain (id INT PRIMARY KEY, v INT)",
		"CREATE TABLE other (id INT PRIMARY KEY, v INT)",
		"CREATE TABLE log (id SERIAL PRIMARY KEY, v INT)",
		"CREATE TABLE totals (id INT PRIMARY KEY, v INT)",
		"INSERT INTO totals VALUES (1, 0)",
		"CREATE VIEW v_plain AS SELECT * FROM plain",
		"CREATE VIEW v_joined AS SELECT p.id, o.v FROM v_plain p JOIN other o ON o.id = p.id",
		"CREATE MATERIALIZED VIEW m_other AS SELECT * FROM other",
		// a trigger that writes to a table with a trigger
		"CREATE TABLE audited (id INT PRIMARY KEY, v INT)",
		`CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF TG_OP = 'DELETE' THEN INSERT INTO log (v) VALUES (old.v); RETURN OLD; END IF;
			INSERT INTO log (v) VALUES (NEW.v); RETURN NEW; END $$`,
		"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON audited FOR EACH ROW EXECUTE FUNCTION audit()",
		"CREATE FUNCTION add_total(n INT) RETURNS void LANGUAGE sql AS 'UPDATE totals SET v = v + n WHERE id = 1'",
		"CREATE FUNCTION count_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM add_total(1); RETURN NULL; END $$",
		"CREATE TRIGGER count_log AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION count_log()",
		// cascades of two steps, the second one with a trigger
		"CREATE TABLE parent (id INT PRIMARY KEY, v INT)",
		"CREATE TABLE child (id INT PRIMARY KEY, v INT, parent INT REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE)",
		"CREATE TABLE grandchild (id INT PRIMARY KEY, v INT, child INT REFERENCES child ON DELETE SET NULL)",
		"CREATE TRIGGER audit AFTER UPDATE ON grandchild FOR EACH ROW EXECUTE FUNCTION audit()",
		// partitions and inheritance
		"CREATE TABLE parts (id INT, v INT, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
		"CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (100)",
		"CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (100) TO (MAXVALUE)",
		"CREATE TABLE base (id INT PRIMARY KEY, v INT)",
		"CREATE TABLE derived (extra INT) INHERITS (base)",
		// rules
		"CREATE TABLE ruled (id INT PRIMARY KEY, v INT)",
		"CREATE RULE copy AS ON INSERT TO ruled DO ALSO INSERT INTO other VALUES (NEW.id, NEW.v) ON CONFLICT DO NOTHING",
		// a view that is written through a trigger
		"CREATE VIEW v_routed AS SELECT * FROM plain",
		"CREATE FUNCTION route() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO other VALUES (NEW.id, NEW.v) ON CONFLICT (id) DO UPDATE SET v = excluded.v; RETURN NEW; END $$",
		"CREATE TRIGGER route INSTEAD OF INSERT ON v_routed FOR EACH ROW EXECUTE FUNCTION route()",
		// a default that writes
		"CREATE FUNCTION next_total() RETURNS INT LANGUAGE sql AS 'UPDATE totals SET v = v + 1 WHERE id = 1 RETURNING v'",
		"CREATE TABLE numbered (id INT PRIMARY KEY, v INT DEFAULT next_total())",
		// dynamic SQL
		"CREATE TABLE dynamic (id INT PRIMARY KEY, v INT)",
		"CREATE FUNCTION anywhere() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO ' || 'other' || ' VALUES (' || NEW.id || ', 0) ON CONFLICT DO NOTHING'; RETURN NEW; END $$",
		"CREATE TRIGGER anywhere AFTER INSERT ON dynamic FOR EACH ROW EXECUTE FUNCTION anywhere()",
		// a policy that reads another table
		"CREATE TABLE secret (id INT PRIMARY KEY, v INT)",
		"ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
		"CREATE POLICY visible ON secret USING (v IN (SELECT v FROM plain)) WITH CHECK (true)",
		// names that differ in case, and beyond ASCII
		`CREATE TABLE "Mixed" (id INT PRIMARY KEY, v INT)`,
		"CREATE SCHEMA aside",
		"CREATE TABLE aside.plain (id INT PRIMARY KEY, v INT)",
	},
	cluster.MySQL:   mysqlSchemaObjects,
	cluster.MariaDB: mysqlSchemaObjects,
}

var mysqlSchemaObjects = []string{
	"CREATE TABLE plain (id INT PRIMARY KEY, v INT)",
	"CREATE TABLE other (id INT PRIMARY KEY, v INT)",
	"CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, v INT)",
	"CREATE TABLE totals (id INT PRIMARY KEY, v INT)",
	"INSERT INTO totals VALUES (1, 0)",
	"CREATE VIEW v_plain AS SELECT * FROM plain",
	"CREATE VIEW v_joined AS SELECT p.id, o.v FROM v_plain p JOIN other o ON o.id = p.id",
	"CREATE TABLE audited (id INT PRIMARY KEY, v INT)",
	"CREATE TRIGGER audit_i AFTER INSERT ON audited FOR EACH ROW INSERT INTO log (v) VALUES (NEW.v)",
	"CREATE TRIGGER audit_u AFTER UPDATE ON audited FOR EACH ROW BEGIN INSERT INTO log (v) VALUES (NEW.v); END",
	"CREATE TRIGGER audit_d AFTER DELETE ON audited FOR EACH ROW CALL note(OLD.v)",
	"CREATE PROCEDURE note(n INT) BEGIN DECLARE m INT DEFAULT 0; SET m = next_total(); INSERT INTO log SET v = n + m; END",
	"CREATE FUNCTION next_total() RETURNS INT MODIFIES SQL DATA BEGIN UPDATE totals SET v = v + 1 WHERE id = 1; RETURN (SELECT v FROM totals WHERE id = 1); END",
	"CREATE TABLE parent (id INT PRIMARY KEY, v INT)",
	"CREATE TABLE child (id INT PRIMARY KEY, v INT, parent INT, FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE)",
	"CREATE TABLE grandchild (id INT PRIMARY KEY, v INT, child INT, FOREIGN KEY (child) REFERENCES child (id) ON DELETE SET NULL)",
	"CREATE TRIGGER orphan AFTER UPDATE ON grandchild FOR EACH ROW INSERT INTO log (v) VALUES (NEW.v)",
	"CREATE TABLE parts (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (100), PARTITION p1 VALUES LESS THAN MAXVALUE)",
	"CREATE TABLE `Mixed` (id INT PRIMARY KEY, v INT)",
	"CREATE TABLE counted (id INT PRIMARY KEY, v INT)",
	"CREATE TRIGGER counted BEFORE INSERT ON counted FOR EACH ROW SET NEW.v = next_total()",
	"CREATE VIEW v_counted AS SELECT id, v FROM counted WHERE id > 0",
}

// schemaWrites are shapes of writes: t is a table or view to write to, s
// another one to read from, n a number.
var schemaWrites = map[cluster.Engine][]string{
	cluster.Postgres: {
		"INSERT INTO t (id, v) VALUES (n, 7) ON CONFLICT DO NOTHING",
		"INSERT INTO t (id, v) SELECT n, max(s.v) FROM s ON CONFLICT DO NOTHING",
		"INSERT INTO t (id) VALUES (n)",
		"UPDATE t SET v = v + 1 WHERE id < n",
		"UPDATE public.t SET v = (SELECT max(s.v) FROM s)",
		"UPDATE t SET v = s.v + 1 FROM s WHERE s.id = t.id",
		"DELETE FROM t WHERE id < n",
		"DELETE FROM t USING s WHERE s.id = t.id AND s.v < n",
		"UPDATE t SET id = id + 1000 WHERE id = (SELECT max(id) FROM t)",
		"WITH gone AS (DELETE FROM t WHERE id = n RETURNING id, v) INSERT INTO plain SELECT id, v FROM gone ON CONFLICT DO NOTHING",
		"WITH x AS (UPDATE t SET v = 5 RETURNING v) SELECT count(*) FROM x, s",
		"MERGE INTO t USING (SELECT id, v FROM s) q ON t.id = q.id WHEN MATCHED THEN UPDATE SET v = q.v + 1 WHEN NOT MATCHED THEN INSERT (id, v) VALUES (q.id, q.v)",
		"TRUNCATE t",
		"TRUNCATE ONLY t, log",
		"TRUNCATE t CASCADE",
		"INSERT INTO \"Mixed\" SELECT id + n, v FROM s ON CONFLICT DO NOTHING",
		"INSERT INTO aside.plain SELECT id + n, v FROM s ON CONFLICT DO NOTHING",
		"/* t */ update \"t\" set V = 3 -- s\n where ID > n",
	},
	cluster.MySQL:   mysqlSchemaWrites,
	cluster.MariaDB: mysqlSchemaWrites,
}

var mysqlSchemaWrites = []string{
	"INSERT IGNORE INTO t (id, v) VALUES (n, 7)",
	"INSERT IGNORE t (id, v) SELECT n, max(s.v) FROM s",
	"INSERT INTO t (id, v) VALUES (n, 7) ON DUPLICATE KEY UPDATE v = v + 1",
	"REPLACE INTO t (id, v) VALUES (n, 1)",
	"REPLACE shop.t SET id = n, v = 2",
	"UPDATE t SET v = v + 1 WHERE id < n",
	"UPDATE t JOIN s ON s.id = t.id SET t.v = t.v + 1",
	"UPDATE t, s SET t.v = t.v + 1, s.v = s.v + 2 WHERE s.id = t.id",
	"UPDATE t SET v = (SELECT max(s.v) FROM s)",
	"DELETE FROM t WHERE id < n",
	"DELETE t FROM t JOIN s ON s.id = t.id WHERE s.v < n",
	"DELETE t, s FROM t JOIN s ON s.id = t.id",
	"DELETE FROM t USING t JOIN s ON s.id = t.id WHERE s.id = n",
	"UPDATE t SET id = id + 1000 ORDER BY id DESC LIMIT 1",
	"WITH q AS (SELECT max(v) AS v FROM s) UPDATE t JOIN q SET t.v = q.v + 1",
	"TRUNCATE TABLE t",
	"INSERT IGNORE INTO `Mixed` SELECT id + n, v FROM s",
	"/* t */ update `t` set V = 3 -- s\n where ID > n",
	"/*!50000 UPDATE t SET v = 9 */",
}

// A write changes no table that is not in its footprint: tables are compared
// before and after it.
func TestFootprintsHoldWhatAWriteChanges(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		a := open(t, c, "tracking=table")
		for _, query := range schemaObjects[c.Engine] {
			a.exec(query)
		}
		tables := schemaTables(t, a)
		a.knowsSchema()
		all := append(slices.Clone(tables), "v_plain", "v_joined")
		if c.Engine == cluster.Postgres {
			all = append(all, "v_routed")
		} else {
			all = append(all, "v_counted")
		}

		seed := time.Now().UnixNano()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewSource(seed))
		changed, exact, whole, failed := 0, 0, 0, 0
		for i := range 200 {
			if i%25 == 0 {
				a.refill(t, tables)
			}
			write := schemaWrites[c.Engine][r.Intn(len(schemaWrites[c.Engine]))]
			query := fillIn(write, all[r.Intn(len(all))], all[r.Intn(len(all))], r.Intn(200))
			names, ok := a.connector.Tables(query)
			before := contents(t, c.Primary().Admin(), c.Engine, tables)
			if _, err := a.ExecContext(bounded(t), query); err != nil {
				failed++
			}
			after := contents(t, c.Primary().Admin(), c.Engine, tables)
			var touched []string
			for _, table := range tables {
				if before[table] != after[table] {
					touched = append(touched, footprintName(table))
				}
			}
			if len(touched) > 0 {
				changed++
			}
			if !ok {
				whole++
				continue
			}
			for _, table := range touched {
				require.Contains(t, names, table, "%s\nchanged %v", query, touched)
			}
			if len(touched) > 0 && len(slices.Compact(slices.Sorted(slices.Values(touched)))) == len(names) {
				exact++
			}
		}
		t.Logf("%d writes changed something; %d counted for the whole database, %d were exact, %d failed", changed, whole, exact, failed)
		require.Greater(t, changed, 50)
		require.Greater(t, exact, 20, "footprints are hardly ever what a write changes")
	})
}

// fillIn puts names and a number into a shape.
func fillIn(shape, t, s string, n int) string {
	var b strings.Builder
	for i := 0; i < len(shape); i++ {
		letter := func(k int) bool {
			return k >= 0 && k < len(shape) && (shape[k] == '_' || shape[k]|0x20 >= 'a' && shape[k]|0x20 <= 'z' || shape[k] >= '0' && shape[k] <= '9')
		}
		if !letter(i-1) && !letter(i+1) {
			switch shape[i] {
			case 't':
				b.WriteString(t)
				continue
			case 's':
				b.WriteString(s)
				continue
			case 'n':
				b.WriteString(fmt.Sprint(n))
				continue
			}
		}
		b.WriteByte(shape[i])
	}
	return b.String()
}

// footprintName is the name of a table as footprints have it.
func footprintName(table string) string {
	table = strings.ToLower(strings.Trim(table, "\"`"))
	if i := strings.LastIndexByte(table, '.'); i >= 0 {
		table = table[i+1:]
	}
	switch table {
	case "parts_low", "parts_high":
		return "parts"
	case "derived":
		return "base"
	}
	return table
}

// schemaTables lists the tables that hold rows.
func schemaTables(t *testing.T, a *app) []string {
	query := "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop' AND TABLE_TYPE = 'BASE TABLE'"
	if a.c.Engine == cluster.Postgres {
		query = `SELECT CASE WHEN n.nspname = 'public' THEN quote_ident(c.relname) ELSE n.nspname || '.' || quote_ident(c.relname) END
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('public', 'aside')`
	}
	rows, err := a.c.Primary().Admin().QueryContext(bounded(t), query)
	require.NoError(t, err)
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		tables = append(tables, name)
	}
	require.NoError(t, rows.Err())
	sort.Strings(tables)
	return tables
}

// refill gives every table rows, whatever it takes.
func (a *app) refill(t *testing.T, tables []string) {
	t.Helper()
	insert := "INSERT IGNORE INTO %s (id, v) VALUES (%d, %d)"
	if a.c.Engine == cluster.Postgres {
		insert = "INSERT INTO %[1]s (id, v) SELECT %[2]d, %[3]d WHERE NOT EXISTS (SELECT 1 FROM %[1]s WHERE id = %[2]d)"
	}
	db := a.c.Primary().Admin()
	for _, table := range tables {
		for _, id := range []int{1, 2, 3, 150} {
			if table == "parts_low" && id >= 100 || table == "parts_high" && id < 100 {
				continue
			}
			_, err := db.ExecContext(bounded(t), fmt.Sprintf(insert, table, id, id))
			require.NoError(t, err)
		}
	}
	for _, query := range []string{"UPDATE child SET parent = id WHERE id IN (SELECT id FROM parent)", "UPDATE grandchild SET child = id WHERE id IN (SELECT id FROM child)"} {
		_, err := db.ExecContext(bounded(t), query)
		require.NoError(t, err)
	}
}

// contents sums up what is in every table.
func contents(t *testing.T, db *sql.DB, engine cluster.Engine, tables []string) map[string]string {
	t.Helper()
	var parts []string
	for _, table := range tables {
		if engine == cluster.Postgres {
			parts = append(parts, fmt.Sprintf("SELECT '%s', count(*), coalesce(sum(hashtext(x::text)::bigint), 0)::text FROM %s x", table, table))
		} else {
			parts = append(parts, fmt.Sprintf("SELECT '%s', count(*), CAST(coalesce(sum(crc32(concat_ws(',', id, v))), 0) AS CHAR) FROM `%s`", table, table))
		}
	}
	rows, err := db.QueryContext(bounded(t), strings.Join(parts, " UNION ALL "))
	require.NoError(t, err)
	defer rows.Close()
	sums := make(map[string]string)
	for rows.Next() {
		var table, sum string
		var n int
		require.NoError(t, rows.Scan(&table, &n, &sum))
		sums[table] = fmt.Sprint(n, "/", sum)
	}
	require.NoError(t, rows.Err())
	return sums
}

// knowsSchema waits until the catalog has been read.
func (a *app) knowsSchema() {
	a.t.Helper()
	_, err := a.ExecContext(rwsplit.WithReadOnly(bounded(a.t)), "SELECT 1") // starts the tracker
	require.NoError(a.t, err)
	require.Eventually(a.t, func() bool {
		_, ok := a.connector.Tables("SELECT * FROM plain")
		return ok
	}, waitLong, 10*time.Millisecond, "the catalog is not read")
}

// touches waits until the footprint of a text is want, or the whole database
// where want is nil.
func (a *app) touches(query string, want ...string) {
	a.t.Helper()
	var names []string
	var ok bool
	require.Eventually(a.t, func() bool {
		names, ok = a.connector.Tables(query)
		return ok == (want != nil) && slices.Equal(names, want)
	}, waitLong, 10*time.Millisecond, "%s: want %v", query, want)
}

// The tables behind views are those of the server's own views of them.
func TestFootprintsOfViewsAreTheServersDependencies(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		a := open(t, c, "tracking=table")
		tables := []string{"plain", "ta", "tb", "tc", "td"}
		for _, table := range tables {
			a.exec("CREATE TABLE " + table + " (id INT PRIMARY KEY, v INT)")
		}
		seed := time.Now().UnixNano()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewSource(seed))
		from := slices.Clone(tables)
		uses := make(map[string][]string) // by view, what was meant
		for i := range 30 {
			view := fmt.Sprintf("view_%d", i)
			x, y := from[r.Intn(len(from))], from[r.Intn(len(from))]
			shape := []string{
				"SELECT x.id, y.v FROM %[1]s x JOIN %[2]s y ON x.id = y.id",
				"SELECT id, v FROM %[1]s UNION SELECT id, v FROM %[2]s",
				"SELECT id, (SELECT max(v) FROM %[2]s) AS v FROM %[1]s",
				"WITH q AS (SELECT id, v FROM %[2]s) SELECT x.id, x.v FROM %[1]s x WHERE EXISTS (SELECT 1 FROM q WHERE q.id = x.id)",
				"SELECT id, v FROM (SELECT id, v FROM %[1]s WHERE v IN (SELECT v FROM %[2]s)) AS z",
			}[r.Intn(5)]
			a.exec("CREATE VIEW " + view + " AS " + fmt.Sprintf(shape, x, y))
			from = append(from, view)
			uses[view] = []string{x, y}
		}
		a.knowsSchema()
		if deps := viewDependencies(t, a); deps != nil {
			uses = deps
		}
		var behind func(name string, into map[string]bool)
		behind = func(name string, into map[string]bool) {
			if slices.Contains(tables, name) {
				into[name] = true
			}
			for _, used := range uses[name] {
				behind(used, into)
			}
		}
		for _, view := range from[len(tables):] {
			want := make(map[string]bool)
			behind(view, want)
			names, ok := a.connector.Tables("SELECT * FROM " + view)
			require.True(t, ok, view)
			require.Equal(t, slices.Sorted(maps.Keys(want)), names, view)
		}
	})
}

// viewDependencies asks the server which tables and views a view uses; nil
// from an engine that does not tell.
func viewDependencies(t *testing.T, a *app) map[string][]string {
	query := "SELECT VIEW_NAME, TABLE_NAME FROM information_schema.VIEW_TABLE_USAGE WHERE VIEW_SCHEMA = 'shop'"
	switch a.c.Engine {
	case cluster.Postgres:
		query = `SELECT DISTINCT v.relname, u.relname FROM pg_depend d
			JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
			JOIN pg_class v ON v.oid = r.ev_class
			JOIN pg_class u ON u.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass AND u.oid <> v.oid`
	case cluster.MariaDB:
		return nil
	}
	rows, err := a.c.Primary().Admin().QueryContext(bounded(t), query)
	require.NoError(t, err)
	defer rows.Close()
	uses := make(map[string][]string)
	for rows.Next() {
		var view, used string
		require.NoError(t, rows.Scan(&view, &used))
		uses[view] = append(uses[view], used)
	}
	require.NoError(t, rows.Err())
	return uses
}

// Definitions that others change are found by the tracker's fingerprint.
func TestFootprintsFollowDefinitionsOfOthers(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		a := open(t, c, "tracking=table")
		for _, table := range []string{"plain", "other", "log"} {
			a.exec("CREATE TABLE " + table + " (id INT PRIMARY KEY, v INT)")
		}
		a.knowsSchema()
		other := open(t, c)
		a.touches("INSERT INTO plain VALUES (1, 1)", "plain")
		trigger := []string{"CREATE TRIGGER copy AFTER INSERT ON plain FOR EACH ROW INSERT INTO log VALUES (NEW.id, 0)"}
		drop := "DROP TRIGGER copy"
		if c.Engine == cluster.Postgres {
			trigger = []string{
				"CREATE FUNCTION copy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (NEW.id, 0); RETURN NEW; END $$",
				"CREATE TRIGGER copy AFTER INSERT ON plain FOR EACH ROW EXECUTE FUNCTION copy()",
			}
			drop = "DROP TRIGGER copy ON plain"
		}
		steps := []struct {
			ddl  []string
			text string
			want []string
		}{
			{trigger, "INSERT INTO plain VALUES (1, 1)", []string{"log", "plain"}},
			{[]string{drop}, "INSERT INTO plain VALUES (1, 1)", []string{"plain"}},
			{[]string{"CREATE VIEW v AS SELECT id FROM plain"}, "SELECT * FROM v", []string{"plain"}},
			{[]string{"CREATE OR REPLACE VIEW v AS SELECT id FROM other"}, "SELECT * FROM v", []string{"other"}},
			{[]string{"DROP VIEW v"}, "SELECT * FROM v", nil},
			{[]string{"ALTER TABLE log ADD parent INT", "ALTER TABLE log ADD CONSTRAINT fk FOREIGN KEY (parent) REFERENCES other (id) ON DELETE CASCADE"}, "DELETE FROM other", []string{"log", "other"}},
			{[]string{"ALTER TABLE log RENAME TO log2"}, "DELETE FROM other", []string{"log2", "other"}},
		}
		for _, step := range steps {
			for _, ddl := range step.ddl {
				other.exec(ddl)
			}
			a.touches(step.text, step.want...)
		}
	})
}

// Who may not see the triggers of a table can't know what a write to it
// changes, and finds out when it may.
func TestWritesCountForAllWithoutThePrivilegeToSeeTriggers(t *testing.T) {
	onEngines(t, mysqlFamily, func(t *testing.T, c *cluster.Cluster) {
		admin := c.Primary().Admin()
		run := func(query string) {
			_, err := admin.ExecContext(context.Background(), query)
			require.NoError(t, err, query)
		}
		var password string
		a := openWith(t, c, func(cfg *rwsplit.Config) {
			rest, ok := strings.CutPrefix(cfg.Primary, "app:")
			require.True(t, ok)
			password, _, _ = strings.Cut(rest, "@")
			cfg.Primary = "narrow:" + rest
			for i, replica := range cfg.Replicas {
				cfg.Replicas[i] = "narrow:" + strings.TrimPrefix(replica, "app:")
			}
		}, "tracking=table")
		t.Cleanup(func() { run("DROP USER 'narrow'@'%'") })
		run("CREATE USER 'narrow'@'%' IDENTIFIED BY '" + password + "'")
		run("GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO 'narrow'@'%'")
		owner := open(t, c)
		owner.exec("CREATE TABLE plain (id INT PRIMARY KEY, v INT)")
		owner.exec("CREATE TABLE log (id INT PRIMARY KEY, v INT)")
		owner.exec("CREATE TRIGGER copy AFTER INSERT ON plain FOR EACH ROW INSERT INTO log VALUES (NEW.id, 0)")
		owner.exec("CREATE VIEW v AS SELECT * FROM plain")
		require.NoError(t, c.WaitReplayed(bounded(t)))
		a.knowsSchema()
		a.touches("INSERT INTO plain VALUES (1, 1)")
		a.touches("SELECT * FROM log", "log")
		a.touches("SELECT * FROM v")
		run("GRANT TRIGGER ON shop.plain TO 'narrow'@'%'")
		a.touches("INSERT INTO plain VALUES (1, 1)") // that of log is not known
		run("GRANT TRIGGER ON shop.* TO 'narrow'@'%'")
		a.touches("INSERT INTO plain VALUES (1, 1)", "log", "plain")
		run("GRANT SHOW VIEW ON shop.* TO 'narrow'@'%'")
		a.touches("SELECT * FROM v", "plain")
	})
}

// A cascade into a table that the user may only read, or not even see, is not
// lost: the write counts for that table, or for all.
func TestCascadesThroughTablesOutOfReach(t *testing.T) {
	onEngines(t, mysqlFamily, func(t *testing.T, c *cluster.Cluster) {
		owner := open(t, c)
		owner.exec("CREATE TABLE plain (id INT PRIMARY KEY, v INT)")
		owner.exec("CREATE TABLE readable (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES plain (id) ON DELETE CASCADE)")
		owner.exec("CREATE TABLE hidden (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES plain (id) ON DELETE CASCADE)")
		owner.exec("CREATE TABLE below (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES hidden (id) ON DELETE SET NULL)")
		owner.exec("INSERT INTO plain VALUES (1, 1)")
		admin := c.Primary().Admin()
		for _, step := range []struct{ grants, table string }{
			{"SELECT ON shop.readable", "readable"},
			{"SELECT, UPDATE ON shop.below", "below"},
		} {
			_, err := admin.ExecContext(bounded(t), "CREATE USER 'narrow'@'%' IDENTIFIED BY 'narrow'")
			require.NoError(t, err)
			t.Cleanup(func() { _, _ = admin.ExecContext(context.Background(), "DROP USER IF EXISTS 'narrow'@'%'") })
			for _, grant := range []string{"SELECT, INSERT, DELETE, TRIGGER ON shop.plain", step.grants} {
				_, err := admin.ExecContext(bounded(t), "GRANT "+grant+" TO 'narrow'@'%'")
				require.NoError(t, err)
			}
			require.NoError(t, c.WaitReplayed(bounded(t)))
			narrow := openWith(t, c, func(cfg *rwsplit.Config) {
				as := func(dsn string) string { return "narrow:narrow" + dsn[strings.IndexByte(dsn, '@'):] }
				cfg.Primary = as(cfg.Primary)
				for i := range cfg.Replicas {
					cfg.Replicas[i] = as(cfg.Replicas[i])
				}
			}, "tracking=table")
			narrow.knowsSchema()
			narrow.touches("INSERT INTO plain VALUES (2, 2)", "plain")
			names, ok := narrow.connector.Tables("DELETE FROM plain")
			t.Logf("with %s: %v %v", step.grants, names, ok)
			if ok {
				require.Contains(t, names, step.table)
			}
			require.NoError(t, narrow.Close())
			_, err = admin.ExecContext(bounded(t), "DROP USER 'narrow'@'%'")
			require.NoError(t, err)
		}
	})
}
