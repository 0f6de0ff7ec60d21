package integration_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// What the classifier can't know from a text is read from PostgreSQL's
// catalog, and again after DDL.
func TestCatalogTellsWhichFunctionsAreSafe(t *testing.T) {
	c := cluster.Shared(t, cluster.Postgres)
	ctx := bounded(t)
	admin, err := sql.Open("pgx", c.Primary().AdminDSN())
	require.NoError(t, err)
	defer admin.Close()
	_, err = admin.ExecContext(ctx, `CREATE EXTENSION pgcrypto; CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION dblink`)
	require.NoError(t, err)
	a := open(t, c)
	a.exec("CREATE TABLE price (id INT PRIMARY KEY, cents INT)")
	a.exec("CREATE UNLOGGED TABLE scratch (id INT PRIMARY KEY)")
	a.exec("CREATE FUNCTION plain_read(i INT) RETURNS INT LANGUAGE sql STABLE AS 'SELECT cents FROM price WHERE id = i'")
	a.exec("CREATE FUNCTION reads_through(i INT) RETURNS INT LANGUAGE sql STABLE AS 'SELECT plain_read(i)'")
	a.exec("CREATE FUNCTION writes(i INT) RETURNS INT LANGUAGE sql AS 'INSERT INTO price VALUES (i, 1) RETURNING id'")
	a.exec("CREATE FUNCTION claims(i INT) RETURNS INT LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_advisory_lock(i); RETURN 1; END'")
	a.exec("CREATE FUNCTION twice(i INT) RETURNS INT LANGUAGE sql STABLE AS 'SELECT cents FROM price WHERE id = i'")
	a.exec("CREATE FUNCTION twice(i TEXT) RETURNS INT LANGUAGE sql AS 'INSERT INTO price VALUES (1, 1) RETURNING id'")
	a.exec("CREATE VIEW cheap AS SELECT id FROM price WHERE cents < 100")
	a.exec("CREATE VIEW activity AS SELECT count(*) FROM pg_stat_activity")
	a.exec("CREATE VIEW over_activity AS SELECT * FROM activity")
	a.exec("CREATE VIEW over_scratch AS SELECT id FROM scratch")
	a.exec("CREATE VIEW locking AS SELECT id FROM price FOR UPDATE")
	a.exec("CREATE VIEW claiming AS SELECT claims(id) FROM price WHERE id < 0")
	a.exec("CREATE SEQUENCE numbers")
	a.settle()

	served := func(query string) rwsplit.Role {
		_, err := a.ExecContext(rwsplit.WithReadOnly(ctx), "SELECT 1")
		require.NoError(t, err)
		rows, err := a.QueryContext(ctx, query)
		require.NoError(t, err, query)
		require.NoError(t, rows.Close())
		return a.last().Backend.Role
	}
	require.Eventually(t, func() bool { return served("SELECT plain_read(1)") == rwsplit.RoleReplica },
		10*time.Second, 20*time.Millisecond, "a function that is a plain read is offloaded")
	require.Eventually(t, func() bool { return a.connector.Classify("TABLE numbers").Route == rwsplit.RoutePrimary },
		10*time.Second, 20*time.Millisecond, "what was made last is known, too")
	a.settle()
	require.Equal(t, rwsplit.RoleReplica, served("SELECT reads_through(1)"), "a function that calls such a function too")
	require.Equal(t, rwsplit.RoleReplica, served("SELECT public.plain_read(1)"))
	require.Equal(t, rwsplit.RoleReplica, served("SELECT uuid_generate_v4(), crypt('x', gen_salt('md5'))"), "functions of extensions")
	require.Equal(t, rwsplit.RolePrimary, served("SELECT dblink_get_connections()"), "which are not all harmless")
	a.settle()
	require.Equal(t, rwsplit.RoleReplica, served("SELECT id FROM cheap"), "a view that reads")
	require.Equal(t, rwsplit.RoleReplica, served("SELECT * FROM claiming"), "a view of which nothing bad is known")
	for _, query := range []string{
		"SELECT writes(7)", "SELECT claims(7)", "SELECT twice(1)", "SELECT id FROM scratch",
		"SELECT * FROM activity", `SELECT * FROM "public"."over_activity"`, "SELECT id FROM over_scratch", "TABLE locking",
	} {
		require.Equal(t, rwsplit.RolePrimary, served(query), query)
		require.False(t, a.last().Rerun, query)
	}
	a.settle()

	// A standby has a sequence ahead of what nextval gave out.
	require.NoError(t, a.QueryRowContext(ctx, "SELECT nextval('numbers')").Scan(new(int)))
	a.settle()
	var value, ahead int
	require.NoError(t, a.QueryRowContext(ctx, "SELECT last_value FROM numbers").Scan(&value))
	require.Equal(t, rwsplit.RolePrimary, a.last().Backend.Role)
	require.NoError(t, replicaSessions(t, c).db.QueryRowContext(ctx, "SELECT last_value FROM numbers").Scan(&ahead))
	require.Equal(t, []int{1, 33}, []int{value, ahead})
	a.settle()

	a.exec("CREATE OR REPLACE FUNCTION plain_read(i INT) RETURNS INT LANGUAGE sql AS 'INSERT INTO price VALUES (i, 1) RETURNING id'")
	id := 100
	require.Eventually(t, func() bool {
		// Before that, a replica refuses the function, and it runs again.
		id++
		return served(fmt.Sprintf("SELECT reads_through(%d)", id)) == rwsplit.RolePrimary && !a.last().Rerun
	},
		10*time.Second, 20*time.Millisecond, "after DDL the catalog is read again")

	off := open(t, c, "catalog=off")
	off.settle()
	_, err = off.ExecContext(ctx, "DELETE FROM price")
	require.NoError(t, err)
	off.settle()
	require.NoError(t, off.QueryRowContext(ctx, "SELECT twice('x')").Scan(new(int)))
	require.Equal(t, rwsplit.RolePrimary, off.last().Backend.Role, "catalog=off trusts nobody")
}

// Somebody who alters a table holds up the views over it, and nothing else.
func TestCatalogIsReadBesideAnAlteredTable(t *testing.T) {
	c := cluster.Shared(t, cluster.Postgres)
	ctx := bounded(t)
	setup := open(t, c)
	setup.exec("CREATE TABLE altered (id INT)")
	setup.exec("CREATE VIEW over_altered AS SELECT id FROM altered")
	setup.exec("CREATE FUNCTION three() RETURNS INT LANGUAGE sql AS 'SELECT 3'")
	setup.exec("CREATE SEQUENCE steps")
	setup.settle()
	tx, err := setup.BeginTx(ctx, nil)
	require.NoError(t, err)
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, "LOCK TABLE altered IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	// The lock is in the log, but nothing writes the log out, so that replicas
	// could get there, before somebody commits.
	setup.exec("CREATE TABLE committed (id INT)")

	a := open(t, c)
	a.settle()
	require.Eventually(t, func() bool {
		require.NoError(t, a.QueryRowContext(ctx, "SELECT three()").Scan(new(int)))
		known := a.last().Backend.Role == rwsplit.RoleReplica
		a.settle()
		return known
	}, 20*time.Second, 100*time.Millisecond, "functions are learned beside it")
	require.NoError(t, a.QueryRowContext(ctx, "SELECT last_value FROM steps").Scan(new(int)))
	require.Equal(t, rwsplit.RolePrimary, a.last().Backend.Role)
}
