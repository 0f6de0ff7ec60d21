package integration_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// A program that was written for one connection relies on state from one call
// to the next. Step by step it must see through rwsplit what it sees through
// the base driver alone.
type step struct {
	query string
	// state says that the answer depends on the session: a replica would give
	// a wrong one.
	state bool
}

func do(queries ...string) (steps []step) {
	for _, q := range queries {
		steps = append(steps, step{query: q})
	}
	return steps
}

func ask(query string) step { return step{query: query, state: true} }

func programs(e cluster.Engine) map[string][]step {
	if e == cluster.Postgres {
		return map[string][]step{
			"search_path": append(do(
				"CREATE SCHEMA warehouse",
				"CREATE TABLE warehouse.shelf (id INT PRIMARY KEY)",
				"CREATE TABLE shelf (id INT PRIMARY KEY)",
				"SET search_path TO warehouse",
				"INSERT INTO shelf VALUES (1), (2)"),
				ask("SELECT COUNT(*) FROM shelf"), ask("SHOW search_path"),
				step{query: "RESET search_path"}, ask("SELECT COUNT(*) FROM shelf")),
			"settings": append(do("SET application_name = 'till'", "SET statement_timeout = '7s'"),
				ask("SHOW application_name"), ask("SHOW statement_timeout"), ask("SELECT current_setting('application_name')"),
				step{query: "SELECT set_config('application_name', 'till 2', false)"}, ask("SHOW application_name")),
			"temporary table": append(do("CREATE TEMP TABLE basket (id INT)", "INSERT INTO basket VALUES (1), (2), (3)"),
				ask("SELECT COUNT(*) FROM basket"), ask("SELECT MAX(id) FROM basket"), step{query: "DROP TABLE basket"}),
			"prepared by text": append(do("PREPARE twice (INT) AS SELECT $1 * 2"), ask("EXECUTE twice (21)"), step{query: "DEALLOCATE twice"}),
			"sequence": append(do("CREATE TABLE bill (id SERIAL PRIMARY KEY, cents INT)", "INSERT INTO bill (cents) VALUES (5)"),
				ask("SELECT lastval()"), ask("SELECT currval('bill_id_seq')")),
		}
	}
	return map[string][]step{
		"use": append(do("USE information_schema"), ask("SELECT DATABASE()"), ask("SELECT COUNT(*) > 0 FROM COLLATIONS"),
			step{query: "USE shop"}, ask("SELECT DATABASE()")),
		"settings": append(do("SET SESSION group_concat_max_len = 1234", "SET NAMES latin1"),
			ask("SELECT @@group_concat_max_len"), ask("SELECT @@character_set_client"), ask("SHOW VARIABLES LIKE 'group_concat_max_len'")),
		"user variables": append(do("SET @price = 42", "SELECT @price := @price + 1"), ask("SELECT @price")),
		"temporary table": append(do("CREATE TEMPORARY TABLE basket (id INT)", "INSERT INTO basket VALUES (1), (2), (3)"),
			ask("SELECT COUNT(*) FROM basket"), ask("SELECT MAX(id) FROM basket"), step{query: "DROP TEMPORARY TABLE basket"}),
		"prepared by text": append(do("PREPARE twice FROM 'SELECT ? * 2'", "SET @n = 21"), ask("EXECUTE twice USING @n"), step{query: "DEALLOCATE PREPARE twice"}),
		"insert id": append(do("CREATE TABLE bill (id INT AUTO_INCREMENT PRIMARY KEY, cents INT)", "INSERT INTO bill (cents) VALUES (5)"),
			ask("SELECT LAST_INSERT_ID()"), step{query: "INSERT INTO bill (cents) VALUES (6), (7)"}, ask("SELECT ROW_COUNT()")),
		"warnings": append(do("CREATE TABLE narrow (id INT)", "SET SESSION sql_mode = ''", "INSERT INTO narrow VALUES ('12 pieces')"),
			ask("SELECT @@warning_count"), step{query: "INSERT INTO narrow VALUES ('13 pieces')"}, ask("SHOW COUNT(*) WARNINGS")),
		"text transaction": append(do("CREATE TABLE book (id INT)", "BEGIN", "INSERT INTO book VALUES (1)"),
			ask("SELECT COUNT(*) FROM book"), step{query: "ROLLBACK"}, ask("SELECT COUNT(*) FROM book FOR UPDATE"),
			step{query: "START TRANSACTION"}, step{query: "INSERT INTO book VALUES (1)"}, step{query: "COMMIT"}, ask("SELECT COUNT(*) FROM book FOR UPDATE")),
		"table lock": append(do("CREATE TABLE book (id INT)", "LOCK TABLES book WRITE", "INSERT INTO book VALUES (1)"),
			ask("SELECT COUNT(*) FROM book"), step{query: "UNLOCK TABLES"}),
		"advisory lock": {ask("SELECT GET_LOCK('till', 0)"), ask("SELECT IS_USED_LOCK('till') = CONNECTION_ID()"), ask("SELECT RELEASE_LOCK('till')"), ask("SELECT IS_FREE_LOCK('till')")},
		"autocommit":    append(do("CREATE TABLE book (id INT)", "SET autocommit=0", "INSERT INTO book VALUES (1)"), ask("SELECT COUNT(*) FROM book"), step{query: "ROLLBACK"}, ask("SELECT COUNT(*) FROM book"), step{query: "SET autocommit=1"}),
	}
}

// play runs the steps and writes down what the program saw.
func play(ctx context.Context, q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, steps []step,
) (seen []string) {
	for _, s := range steps {
		if !s.state {
			_, err := q.ExecContext(ctx, s.query)
			seen = append(seen, fmt.Sprintf("%s: %v", s.query, err))
			continue
		}
		rows, err := q.QueryContext(ctx, s.query)
		if err != nil {
			seen = append(seen, fmt.Sprintf("%s: %v", s.query, err))
			continue
		}
		for rows.Next() {
			var v sql.NullString
			err = rows.Scan(&v)
			seen = append(seen, fmt.Sprintf("%s: %q %v", s.query, v.String, err))
		}
		seen = append(seen, fmt.Sprintf("%s: %v %v", s.query, rows.Err(), rows.Close()))
	}
	return seen
}

// clean drops what the programs have made.
func clean(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	var statements []string
	for _, name := range []string{"bill", "book", "narrow", "shelf"} {
		statements = append(statements, "DROP TABLE IF EXISTS "+table(c, name))
	}
	if c.Engine == cluster.Postgres {
		statements = append(statements, "DROP SCHEMA IF EXISTS warehouse CASCADE")
	}
	for _, s := range statements {
		_, err := c.Primary().Admin().ExecContext(bounded(t), s)
		require.NoError(t, err)
	}
}

func TestAProgramForOneConnectionSeesWhatItSawBefore(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		for name, steps := range programs(c.Engine) {
			t.Run(name, func(t *testing.T) {
				// With pins=conn over the pool of one connection; with the
				// default over a connection that is taken out of the pool.
				bare, err := sql.Open(c.Engine.DriverName(), c.Primary().AppDSN())
				require.NoError(t, err)
				defer bare.Close()
				bare.SetMaxOpenConns(1)
				clean(t, c)
				want := play(ctx, bare, steps)

				// Eventual reads leave the primary at once unless state keeps
				// them there.
				a := open(t, c, "pins=conn", "consistency=eventual")
				a.SetMaxOpenConns(1)
				clean(t, c)
				require.NoError(t, c.WaitReplayed(ctx))
				require.Equal(t, want, play(ctx, a, steps))
				stayed(t, a, steps)

				clean(t, c)
				onConn, err := bare.Conn(ctx)
				require.NoError(t, err)
				defer onConn.Close()
				want = play(ctx, onConn, steps)
				b := open(t, c, "consistency=eventual")
				clean(t, c)
				require.NoError(t, c.WaitReplayed(ctx))
				require.Equal(t, want, play(ctx, b.conn(ctx), steps))
				stayed(t, b, steps)
			})
		}
		clean(t, c)
	})
}

// stayed holds that all that depends on the session ran on the primary, at
// the first attempt.
func stayed(t *testing.T, a *app, steps []step) {
	t.Helper()
	depends := make(map[string]bool)
	for _, s := range steps {
		depends[s.query] = s.state
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range a.decisions {
		require.False(t, d.Rerun, d.Query)
		if depends[d.Query] {
			require.Equal(t, rwsplit.RolePrimary, d.Backend.Role, "%s: %s", d.Query, d.Reason)
		}
	}
}

// PostgreSQL's base driver discards a pooled connection that is in a
// transaction, so a text BEGIN over several calls needs a sql.Conn; over the
// pool it does nothing, and must do the same nothing through rwsplit.
func TestATextTransactionOverSeveralCalls(t *testing.T) {
	steps := append(do("CREATE TABLE book (id INT)", "BEGIN", "INSERT INTO book VALUES (1)"),
		ask("SELECT COUNT(*) FROM book"), step{query: "ROLLBACK"}, ask("SELECT COUNT(*) FROM book FOR SHARE OF book"),
		step{query: "BEGIN"}, step{query: "INSERT INTO book VALUES (2)"}, step{query: "SAVEPOINT here"},
		step{query: "INSERT INTO book VALUES (3)"}, step{query: "ROLLBACK TO here"}, step{query: "COMMIT"},
		ask("WITH b AS (SELECT * FROM book FOR UPDATE) SELECT MAX(id) FROM b"),
		step{query: "DROP TABLE book"})
	onEngines(t, []cluster.Engine{cluster.Postgres}, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		bare, err := sql.Open(c.Engine.DriverName(), c.Primary().AppDSN())
		require.NoError(t, err)
		defer bare.Close()
		bare.SetMaxOpenConns(1)
		a := open(t, c, "pins=conn")
		a.SetMaxOpenConns(1)

		require.Equal(t, play(ctx, bare, steps), play(ctx, a, steps), "over the pool")
		conn, err := bare.Conn(ctx)
		require.NoError(t, err)
		defer conn.Close()
		require.Equal(t, play(ctx, conn, steps), play(ctx, a.conn(ctx), steps), "on one connection")
		stayed(t, a, steps)
	})
}

// State that is undone lets reads leave the primary again.
func TestPinsEndWithTheState(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		hold, undo := "SELECT GET_LOCK('a', 0)", "SELECT RELEASE_ALL_LOCKS()"
		if c.Engine == cluster.Postgres {
			hold, undo = "SELECT pg_try_advisory_lock(7)", "SELECT pg_advisory_unlock_all()"
		}
		for _, pins := range []string{"pins=conn", "pins=scope"} {
			a := open(t, c, pins, "consistency=eventual")
			a.SetMaxOpenConns(1)
			role := func(q queryer) rwsplit.Role {
				require.NoError(t, q.QueryRowContext(ctx, "SELECT 1").Scan(new(int)))
				return a.last().Backend.Role
			}
			require.Equal(t, rwsplit.RoleReplica, role(a))
			require.NoError(t, play1(ctx, a, hold))
			if pins == "pins=conn" {
				require.Equal(t, rwsplit.RolePrimary, role(a), "until it is undone")
				require.Equal(t, rwsplit.ReasonPinned, a.last().Reason)
				require.Equal(t, rwsplit.RolePrimary, role(a), "until it is undone")
				require.NoError(t, play1(ctx, a, undo))
			}
			require.Equal(t, rwsplit.RoleReplica, role(a), pins)

			conn := a.conn(ctx)
			require.NoError(t, play1(ctx, conn, hold))
			require.Equal(t, rwsplit.RolePrimary, role(conn), pins)
			require.NoError(t, play1(ctx, conn, undo))
			require.NoError(t, conn.Close())
			require.Equal(t, rwsplit.RoleReplica, role(a), "%s: after the scope", pins)
		}
	})
}

// play1 runs a statement and reads what it returns.
func play1(ctx context.Context, q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, query string,
) error {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return rows.Close()
}
