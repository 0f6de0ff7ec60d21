package integration_test

import (
	"context"
	"database/sql"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// A batch goes by its most demanding statement: the lock that comes first must
// be the primary's, and the scope stays with it.
func TestABatchWhoseFirstStatementTakesALock(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		lock := "SELECT GET_LOCK('till', 0)"
		locked := "SELECT IS_USED_LOCK('till') IS NOT NULL"
		if c.Engine == cluster.Postgres {
			lock = "SELECT pg_advisory_lock(7)"
			locked = "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory'"
		}
		a := openWith(t, c, func(cfg *rwsplit.Config) {
			if c.Engine == cluster.Postgres {
				return
			}
			cfg.Primary += "&multiStatements=true"
			for i := range cfg.Replicas {
				cfg.Replicas[i] += "&multiStatements=true"
			}
		}, "consistency=eventual")
		a.stock()
		a.forget()
		conn := a.conn(ctx)
		_, err := conn.ExecContext(ctx, lock+"; INSERT INTO shop_item (id, name) VALUES (2, 'batch')")
		require.NoError(t, err)
		require.Equal(t, rwsplit.RolePrimary, a.last().Backend.Role)
		require.False(t, a.last().Rerun)
		require.True(t, a.last().Statement.Opaque, "it is never run a second time")
		for i, s := range c.Servers() {
			var held bool
			require.NoError(t, s.Admin().QueryRowContext(ctx, locked).Scan(&held))
			require.Equal(t, i == 0, held, s.Name)
		}
		require.Equal(t, "batch", a.name(ctx, conn, "after_batch", 2))
		require.Equal(t, rwsplit.ReasonPinned, a.last().Reason)
		require.Equal(t, 2, a.rows())
		wantRuns(t, c, runs{"INSERT INTO shop_item": {1, 0}, lock: {1, 0}, "AS after_batch": {1, 0}})
	})
}

// A write that is taken for a read is refused by the replica, which did not
// execute it, and runs on the primary, once.
func TestAWriteTakenForAReadRunsOnceOnThePrimary(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		create := "CREATE FUNCTION audit(n INT) RETURNS INT BEGIN INSERT INTO audited VALUES (n); RETURN n; END"
		if c.Engine == cluster.Postgres {
			create = "CREATE FUNCTION audit(n INT) RETURNS INT LANGUAGE sql AS 'INSERT INTO audited VALUES (n) RETURNING n'"
		}
		a := open(t, c, "read_functions=audit")
		a.exec("CREATE TABLE audited (n INT)")
		a.exec(create)
		times := func(n int) (got int) {
			require.NoError(t, c.Primary().Admin().QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table(c, "audited")+" WHERE n = "+strconv.Itoa(n)).Scan(&got))
			return got
		}
		refused := func() {
			t.Helper()
			d := a.last()
			require.Equal(t, rwsplit.ReasonRefused, d.Reason)
			require.Equal(t, rwsplit.RolePrimary, d.Backend.Role)
			require.True(t, d.Rerun)
		}
		a.settle()
		a.forget()

		var got int
		require.NoError(t, a.QueryRowContext(ctx, "SELECT audit(1)").Scan(&got))
		require.Equal(t, 1, got)
		refused()
		require.Equal(t, 1, times(1))
		wantRuns(t, c, runs{"SELECT audit(1)": {1, 1}})

		a.settle()
		require.NoError(t, a.QueryRowContext(ctx, a.rebind("SELECT audit(?)"), 2).Scan(&got))
		require.Equal(t, 2, got)
		refused()
		require.Equal(t, 1, times(2))

		a.settle()
		stmt, err := a.PrepareContext(ctx, a.rebind("SELECT audit(?)"))
		require.NoError(t, err)
		defer stmt.Close()
		require.NoError(t, stmt.QueryRowContext(ctx, 3).Scan(&got))
		require.Equal(t, 3, got)
		refused()
		require.Equal(t, 1, times(3))

		// It counts as a write: the next read sees it, or is the primary's.
		require.NoError(t, c.PauseReplay(ctx))
		require.NoError(t, a.QueryRowContext(rwsplit.WithReplica(ctx), "SELECT audit(4)").Scan(&got))
		refused()
		require.NoError(t, a.QueryRowContext(ctx, "SELECT COUNT(*) FROM audited").Scan(&got))
		require.Equal(t, 4, got)
		require.NoError(t, c.ResumeReplay(ctx))

		stats, err := rwsplit.StatsOf(a.DB)
		require.NoError(t, err)
		require.EqualValues(t, 4, stats.Reasons[rwsplit.ReasonRefused])

		// on_refused=error is for those who want to know.
		strict := open(t, c, "read_functions=audit", "on_refused=error")
		strict.settle()
		err = strict.QueryRowContext(ctx, "SELECT audit(5)").Scan(&got)
		require.Error(t, err)
		require.Regexp(t, "25006|1290|1792|1836", err.Error())
		require.Zero(t, times(5))

		// In a read-only transaction nothing is sent elsewhere.
		a.settle()
		tx := a.begin(ctx, &sql.TxOptions{ReadOnly: true})
		require.Error(t, tx.QueryRowContext(ctx, "SELECT audit(6)").Scan(&got))
		_ = tx.Rollback()
		require.Zero(t, times(6))
	})
}

// What must run on the primary is refused in a transaction that runs on a
// replica, in words that name the reason and the server.
func TestAReadOnlyTransactionNamesWhatItRefuses(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c)
		a.stock()
		texts := map[string]string{
			"UPDATE shop_item SET name = 'x'":                    "UPDATE",
			"DELETE FROM shop_item":                              "DELETE",
			"SELECT name FROM shop_item FOR SHARE":               "locking read",
			"WITH x AS (SELECT 1 FOR UPDATE) SELECT * FROM x":    "locking read",
			"CREATE TABLE other (id INT)":                        "CREATE",
			"SELECT unheard_of(1)":                               "function",
			"SELECT name FROM shop_item WHERE name = 'unfinishe": "",
		}
		if c.Engine == cluster.Postgres {
			texts["SELECT nextval('bill')"] = "nextval"
			texts["SELECT pg_advisory_lock(1)"] = "advisory lock"
			texts["LISTEN orders"] = "LISTEN"
			texts["WITH gone AS (DELETE FROM shop_item RETURNING id) SELECT * FROM gone"] = "DELETE"
		} else {
			texts["SELECT GET_LOCK('a', 0)"] = "advisory lock"
			texts["SELECT name FROM shop_item LOCK IN SHARE MODE"] = "locking read"
			texts["CALL anything()"] = "CALL"
			texts["LOCK TABLES shop_item READ"] = "LOCK TABLES"
		}
		a.settle()
		a.forget()
		for text, reason := range texts {
			tx := a.begin(ctx, &sql.TxOptions{ReadOnly: true})
			require.Equal(t, "first", a.name(ctx, tx, "earlier", 1))
			require.Equal(t, rwsplit.RoleReplica, a.last().Backend.Role)
			for range 2 {
				err := play1(ctx, tx, text)
				require.ErrorIs(t, err, rwsplit.ErrReadOnly, text)
				require.ErrorContains(t, err, reason, text)
				require.ErrorContains(t, err, a.last().Backend.Name, text)
			}
			require.NoError(t, tx.Commit())
			// Nor is it sent under WithReadOnly, outside a transaction.
			if text != "SELECT name FROM shop_item FOR SHARE" && a.writes(text) {
				require.ErrorIs(t, play1(rwsplit.WithReadOnly(ctx), a, text), rwsplit.ErrReadOnly, text)
			}
		}
		for s, logged := range statements(t, c) {
			for _, statement := range logged {
				_, refused := texts[statement]
				require.False(t, refused, "%s was sent to %s", statement, s.Name)
			}
		}
	})
}

// A transaction has a session of its own wherever it runs, and answers for it.
func TestAReadOnlyTransactionAnswersForItsSession(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c)
		a.stock()
		texts := []string{"SELECT CONNECTION_ID() > 0", "SELECT @@autocommit", "SELECT SQL_CALC_FOUND_ROWS id FROM shop_item LIMIT 1", "SELECT FOUND_ROWS()"}
		if c.Engine == cluster.Postgres {
			texts = []string{"SELECT pg_backend_pid() > 0", "SELECT setting FROM pg_settings WHERE name = 'max_identifier_length'", "SELECT txid_current_if_assigned() IS NULL"}
		}
		answers := func(q queryer) (got []string) {
			for _, text := range texts {
				var v string
				require.NoError(t, q.QueryRowContext(ctx, text).Scan(&v), text)
				got = append(got, v)
			}
			return got
		}
		bare, err := sql.Open(c.Engine.DriverName(), c.Primary().AppDSN())
		require.NoError(t, err)
		defer bare.Close()
		alone, err := bare.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		require.NoError(t, err)
		want := answers(alone)
		require.NoError(t, alone.Rollback())

		a.settle()
		tx := a.begin(ctx, &sql.TxOptions{ReadOnly: true})
		require.Equal(t, want, answers(tx))
		require.Equal(t, rwsplit.RoleReplica, a.last().Backend.Role)
		require.NoError(t, tx.Commit())
	})
}

// writes reports whether the classifier takes a text for a write.
func (a *app) writes(text string) bool {
	st := rwsplit.Classify(string(a.c.Engine), text)
	return st.Writes
}

func (a *app) role(ctx context.Context, q queryer) rwsplit.Role {
	a.t.Helper()
	a.name(ctx, q, "which_role", 1)
	return a.last().Backend.Role
}

func TestReadsPrimary(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c, "reads=primary")
		a.stock()
		require.Equal(t, rwsplit.RolePrimary, a.role(ctx, a))
		require.Equal(t, rwsplit.ReasonReadsPrimary, a.last().Reason)
		require.Equal(t, rwsplit.RoleReplica, a.role(rwsplit.WithReplica(ctx), a))
		require.Eventually(t, func() bool {
			tx := a.begin(ctx, &sql.TxOptions{ReadOnly: true})
			defer func() { require.NoError(t, tx.Commit()) }()
			return a.role(ctx, tx) == rwsplit.RoleReplica
		}, waitLong, 5*time.Millisecond, "a read-only transaction asks for a replica")
		a.agrees()
	})
}

func TestReadsShadow(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c, "reads=shadow", "balance=round_robin")
		a.stock()
		shadow := func() string {
			require.Equal(t, rwsplit.RolePrimary, a.role(ctx, a))
			return a.last().Shadow.Name
		}
		a.settleAll()
		a.forget()
		would := make(map[string]int)
		for range 10 {
			would[shadow()]++
		}
		require.Equal(t, map[string]int{"replica1": 5, "replica2": 5}, would)
		tx := a.begin(ctx, &sql.TxOptions{ReadOnly: true})
		require.Equal(t, rwsplit.RolePrimary, a.role(ctx, tx), "a transaction, too")
		require.NoError(t, tx.Commit())
		require.Equal(t, rwsplit.RolePrimary, a.role(rwsplit.WithReplica(ctx), a), "and a hint")
		wantRuns(t, c, runs{"AS which_role": {12, 0}})
		stats, err := rwsplit.StatsOf(a.DB)
		require.NoError(t, err)
		require.GreaterOrEqual(t, int(stats.Reasons[rwsplit.ReasonShadow]), 12)
		require.Zero(t, stats.Backends[1].Statements+stats.Backends[2].Statements)
		a.agrees()
	})
}

func TestFallbackError(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c, "fallback=error", "wait=20s")
		a.stock()
		require.NoError(t, c.PauseReplay(ctx))
		a.add(a, 5, "fifth")
		resumed := make(chan error, 1)
		time.AfterFunc(300*time.Millisecond, func() { resumed <- c.ResumeReplay(ctx) })
		require.Equal(t, "fifth", a.name(ctx, a, "patient", 5), "it waits for a replica")
		require.Equal(t, rwsplit.RoleReplica, a.last().Backend.Role)
		require.NoError(t, <-resumed)
		require.NoError(t, a.Close())

		a = open(t, c, "fallback=error", "wait=50ms")
		require.Eventually(t, func() bool {
			return a.QueryRowContext(ctx, "SELECT 1").Scan(new(int)) == nil
		}, waitLong, 5*time.Millisecond)
		require.NoError(t, c.PauseReplay(ctx))
		a.add(a, 2, "second")
		a.forget()
		err := a.QueryRowContext(ctx, "SELECT name AS nowhere FROM shop_item").Scan(new(string))
		require.ErrorIs(t, err, rwsplit.ErrNoReplica)
		require.ErrorContains(t, err, "caught up")
		wantRuns(t, c, runs{"AS nowhere": {0, 0}})
		require.Equal(t, rwsplit.RoleReplica, a.role(rwsplit.WithReplica(ctx), a), "a stale read was asked for")
		require.Equal(t, rwsplit.RolePrimary, a.role(rwsplit.WithPrimary(ctx), a))
		tx := a.begin(ctx, nil)
		require.Equal(t, "second", a.name(ctx, tx, "in_tx", 2), "the rest works")
		require.NoError(t, tx.Commit())
		require.NoError(t, c.ResumeReplay(ctx))
		require.Eventually(t, func() bool {
			err := a.QueryRowContext(ctx, "SELECT name FROM shop_item WHERE id = 2").Scan(new(string))
			return err == nil && a.last().Backend.Role == rwsplit.RoleReplica
		}, waitLong, 5*time.Millisecond)
	})
}

func TestCommentHints(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		for hints, want := range map[string]runs{
			"hints=on":  {"AS to_primary": {1, 0}, "AS to_replica": {0, 1}, "AS locking": {1, 0}, "AS stale": {0, 1}},
			"hints=off": {"AS to_primary": {0, 1}, "AS to_replica": {0, 1}, "AS locking": {1, 0}, "AS stale": {1, 0}},
		} {
			a := open(t, c, hints)
			a.exec("DROP TABLE IF EXISTS shop_item")
			a.stock()
			a.settle()
			a.forget()
			query := func(text string) {
				t.Helper()
				var name string
				require.NoError(t, a.QueryRowContext(ctx, text).Scan(&name))
				require.Equal(t, "first", name)
			}
			query("/* rwsplit:primary */ SELECT name AS to_primary FROM shop_item WHERE id = 1")
			query("/* rwsplit:replica */ SELECT name AS to_replica FROM shop_item WHERE id = 1")
			query("/* rwsplit:replica */ SELECT name AS locking FROM shop_item WHERE id = 1 FOR UPDATE")
			require.NoError(t, c.PauseReplay(ctx))
			a.add(a, 2, "second")
			query("/* rwsplit:replica */ SELECT name AS stale FROM shop_item ORDER BY id LIMIT 1")
			wantRuns(t, c, want)
			require.NoError(t, c.ResumeReplay(ctx))
			require.NoError(t, a.Close())
		}
	})
}
