package integration_test

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// rows counts the rows of shop_item on the primary as everybody else sees them.
func (a *app) rows() (n int) {
	a.t.Helper()
	require.NoError(a.t, a.c.Primary().Admin().QueryRowContext(bounded(a.t), "SELECT COUNT(*) FROM "+table(a.c, "shop_item")).Scan(&n))
	return n
}

// seen counts the rows of shop_item as the application sees them.
func (a *app) seen(ctx context.Context, q queryer) (n int) {
	a.t.Helper()
	require.NoError(a.t, q.QueryRowContext(ctx, "SELECT COUNT(*) FROM shop_item").Scan(&n))
	return n
}

// With autocommit=0 in the DSN every statement is in a transaction: nothing
// leaves the primary, and nothing is committed by the driver.
func TestAutocommitOffInTheDSN(t *testing.T) {
	onEngines(t, mysqlFamily, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		prepare := open(t, c)
		prepare.stock()
		require.NoError(t, prepare.Close())
		a := openWith(t, c, func(cfg *rwsplit.Config) {
			cfg.Primary += "&autocommit=0"
			for i := range cfg.Replicas {
				cfg.Replicas[i] += "&autocommit=0"
			}
		}, "consistency=eventual")
		a.SetMaxOpenConns(1)
		require.NoError(t, c.ClearStatements(ctx))

		require.Equal(t, 1, a.seen(ctx, a))
		require.Equal(t, rwsplit.RolePrimary, a.last().Backend.Role, "the very first read")
		a.add(a, 2, "second")
		require.Equal(t, 2, a.seen(ctx, a))
		require.Equal(t, 1, a.rows(), "nobody else sees it")
		require.Equal(t, 2, a.seen(rwsplit.WithReplica(ctx), a), "a transaction is not left for a hint")
		a.exec("ROLLBACK")
		require.Equal(t, 1, a.seen(ctx, a))
		a.add(a, 3, "third")
		a.exec("COMMIT")
		require.Equal(t, 2, a.rows())
		wantRuns(t, c, runs{"SELECT COUNT(*) FROM shop_item": {4, 0}})
		// Once it is on, reads are the replicas' again.
		a.exec("SET autocommit=1")
		require.NoError(t, c.WaitReplayed(ctx))
		require.Equal(t, 2, a.seen(ctx, a))
		require.Equal(t, rwsplit.RoleReplica, a.last().Backend.Role)
		a.agrees()
	})
}

// Setting autocommit commits only where that was off: a transaction goes on, and
// what it commits later is seen although the replicas stand still.
func TestAutocommitThatIsOnAlready(t *testing.T) {
	onEngines(t, mysqlFamily, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c)
		a.stock()
		on := func(q queryer) {
			_, err := q.ExecContext(ctx, "SET autocommit=1")
			require.NoError(t, err)
		}
		tx := a.begin(ctx, nil)
		a.add(tx, 2, "second")
		on(tx)
		require.Equal(t, 1, a.rows(), "nobody else sees it")
		a.settle()
		require.NoError(t, c.PauseReplay(ctx))
		require.NoError(t, tx.Commit())
		require.Equal(t, 2, a.seen(ctx, a))
		require.NoError(t, c.ResumeReplay(ctx))

		conn := a.conn(ctx)
		_, err := conn.ExecContext(ctx, "BEGIN")
		require.NoError(t, err)
		a.add(conn, 3, "third")
		on(conn)
		require.Equal(t, 2, a.rows(), "nobody else sees it")
		a.settle()
		require.NoError(t, c.PauseReplay(ctx))
		_, err = conn.ExecContext(ctx, "COMMIT")
		require.NoError(t, err)
		require.Equal(t, 3, a.seen(ctx, a))
		require.NoError(t, c.ResumeReplay(ctx))
	})
}

// A replica's session has autocommit on whatever its DSN says: without it
// reads would see one old snapshot for ever.
func TestReplicaSessionsHaveAutocommitOn(t *testing.T) {
	onEngines(t, mysqlFamily, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := openWith(t, c, func(cfg *rwsplit.Config) {
			for i := range cfg.Replicas {
				cfg.Replicas[i] += "&autocommit=0"
			}
		}, "consistency=eventual")
		a.SetMaxOpenConns(1)
		a.stock()
		for i := 2; i < 6; i++ {
			require.Equal(t, i-1, a.seen(ctx, a))
			require.Equal(t, rwsplit.RoleReplica, a.last().Backend.Role)
			a.add(a, i, "more")
			require.NoError(t, c.WaitReplayed(ctx))
		}
	})
}

// An XA branch stays on its connection from one call to the next, and what it
// commits is seen by the next read although the replicas stand still.
func TestXA(t *testing.T) {
	onEngines(t, mysqlFamily, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c)
		a.SetMaxOpenConns(1)
		a.stock()
		a.settle()
		require.NoError(t, c.WaitReplayed(ctx))
		require.NoError(t, c.PauseReplay(ctx))
		a.forget()
		a.exec("XA START 'order 1'")
		a.add(a, 2, "second")
		require.Equal(t, 2, a.seen(ctx, a))
		require.Equal(t, rwsplit.ReasonTx, a.last().Reason)
		require.Equal(t, 1, a.rows(), "nobody else sees it")
		a.exec("XA END 'order 1'")
		a.exec("XA PREPARE 'order 1'")
		a.exec("XA COMMIT 'order 1'")
		require.Equal(t, 2, a.seen(ctx, a))
		require.Equal(t, rwsplit.ReasonNotCaughtUp, a.last().Reason)
		a.exec("XA START 'order 2'")
		a.add(a, 3, "third")
		a.exec("XA END 'order 2'")
		a.exec("XA ROLLBACK 'order 2'")
		require.Equal(t, 2, a.seen(ctx, a))
		a.exec("XA START 'order 3'")
		a.add(a, 3, "third")
		a.exec("XA END 'order 3'")
		a.exec("XA COMMIT 'order 3' ONE PHASE")
		require.Equal(t, 3, a.seen(ctx, a))
		wantRuns(t, c, runs{"SELECT COUNT(*) FROM shop_item": {4, 0}, "XA ": {10, 0}})
		require.NoError(t, c.ResumeReplay(ctx))
		a.settle()
		require.Equal(t, 3, a.seen(ctx, a))
		require.Equal(t, rwsplit.RoleReplica, a.last().Backend.Role, "the branch is over")
		a.agrees()
	})
}

// A procedure that leaves its transaction open: what follows is in it, over
// several calls, until it ends.
func TestACallThatLeavesATransactionOpen(t *testing.T) {
	onEngines(t, mysqlFamily, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c, "consistency=eventual")
		a.SetMaxOpenConns(1)
		a.stock()
		a.exec("CREATE PROCEDURE take(n INT) BEGIN START TRANSACTION; INSERT INTO shop_item VALUES (n, 'taken'); END")
		a.exec("CREATE PROCEDURE whole(n INT) BEGIN START TRANSACTION; INSERT INTO shop_item VALUES (n, 'whole'); COMMIT; END")
		require.NoError(t, c.WaitReplayed(ctx))
		a.forget()

		a.exec("CALL take(2)")
		require.Equal(t, 2, a.seen(ctx, a))
		require.Equal(t, rwsplit.ReasonTx, a.last().Reason)
		require.Equal(t, 1, a.rows(), "nobody else sees it")
		a.exec("ROLLBACK")
		require.Equal(t, 1, a.seen(ctx, a))
		require.Equal(t, rwsplit.RoleReplica, a.last().Backend.Role)

		a.exec("CALL take(2)")
		a.exec("COMMIT")
		require.Equal(t, 2, a.rows())
		require.NoError(t, c.WaitReplayed(ctx))
		a.exec("CALL whole(3)")
		require.NoError(t, c.WaitReplayed(ctx))
		require.Equal(t, 3, a.seen(ctx, a))
		require.Equal(t, rwsplit.RoleReplica, a.last().Backend.Role, "no transaction was left")
		wantRuns(t, c, runs{"CALL ": {3, 0}})
		a.agrees()

		// In a scope everything after a CALL stays with it.
		conn := a.conn(ctx)
		_, err := conn.ExecContext(ctx, "CALL whole(4)")
		require.NoError(t, err)
		require.Equal(t, 4, a.seen(ctx, conn))
		require.Equal(t, rwsplit.RolePrimary, a.last().Backend.Role)
	})
}

// kill ends the session in which q's connection talks to the primary.
func (a *app) kill(q queryer) {
	a.t.Helper()
	ctx := bounded(a.t)
	admin := a.c.Primary().Admin()
	if a.c.Engine == cluster.Postgres {
		var pid int
		require.NoError(a.t, q.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&pid))
		var gone bool
		require.NoError(a.t, admin.QueryRowContext(ctx, "SELECT pg_terminate_backend($1, 10000)", pid).Scan(&gone))
		require.True(a.t, gone)
		return
	}
	var id int
	require.NoError(a.t, q.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&id))
	_, err := admin.ExecContext(ctx, "KILL "+strconv.Itoa(id))
	require.NoError(a.t, err)
	require.Eventually(a.t, func() bool {
		var n int
		require.NoError(a.t, admin.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.processlist WHERE id = "+strconv.Itoa(id)).Scan(&n))
		return n == 0
	}, waitLong, 5*time.Millisecond)
}

// A server's session that ends with something in it that the program relies
// on: the next call fails, and nothing is half done on a fresh one.
func TestALostSessionIsNotReplacedInSilence(t *testing.T) {
	insert := "INSERT INTO shop_item (id, name) VALUES (3, 'half')"
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c)
		a.stock()
		set, show := "SET SESSION group_concat_max_len = 1234", "SELECT @@group_concat_max_len"
		lock, held := "SELECT GET_LOCK('till', 0)", "SELECT IS_USED_LOCK('till') IS NOT NULL"
		if c.Engine == cluster.Postgres {
			set, show = "SET application_name = 'till'", "SHOW application_name"
			lock, held = "SELECT pg_try_advisory_lock(7)", "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory'"
		}
		// after holds that conn is of no use any more and the pool is.
		after := func(t *testing.T, a *app, conn *sql.Conn) {
			t.Helper()
			for range 3 {
				_, err := conn.ExecContext(ctx, insert)
				require.Error(t, err)
				require.Error(t, conn.QueryRowContext(ctx, "SELECT 1").Scan(new(int)), "not even a plain read")
			}
			require.Equal(t, 1, a.rows(), "nothing is half done")
			_ = conn.Close()
			require.Equal(t, 1, a.seen(ctx, a), "the pool goes on")
		}

		t.Run("in a transaction", func(t *testing.T) {
			tx := a.begin(ctx, nil)
			a.add(tx, 2, "half")
			a.kill(tx)
			_, err := tx.ExecContext(ctx, insert)
			require.Error(t, err)
			require.Error(t, tx.Commit())
			require.Equal(t, 1, a.rows())
			require.Equal(t, 1, a.seen(ctx, a))
		})
		t.Run("at commit", func(t *testing.T) {
			tx := a.begin(ctx, nil)
			a.add(tx, 2, "half")
			a.kill(tx)
			require.Error(t, tx.Commit())
			require.Equal(t, 1, a.rows())
			require.Equal(t, 1, a.seen(ctx, a))
			require.Equal(t, rwsplit.RolePrimary, a.last().Backend.Role, "it may still land")
		})
		t.Run("in a text transaction", func(t *testing.T) {
			conn := a.conn(ctx)
			_, err := conn.ExecContext(ctx, "BEGIN")
			require.NoError(t, err)
			a.add(conn, 2, "half")
			a.kill(conn)
			after(t, a, conn)
		})
		t.Run("after SET", func(t *testing.T) {
			conn := a.conn(ctx)
			_, err := conn.ExecContext(ctx, set)
			require.NoError(t, err)
			a.kill(conn)
			after(t, a, conn)
		})
		t.Run("with an advisory lock", func(t *testing.T) {
			conn := a.conn(ctx)
			require.NoError(t, play1(ctx, conn, lock))
			a.kill(conn)
			after(t, a, conn)
			var still bool
			require.NoError(t, c.Primary().Admin().QueryRowContext(ctx, held).Scan(&still))
			require.False(t, still)
		})
		t.Run("with a temporary table", func(t *testing.T) {
			conn := a.conn(ctx)
			_, err := conn.ExecContext(ctx, "CREATE TEMPORARY TABLE basket (id INT)")
			require.NoError(t, err)
			a.kill(conn)
			require.Error(t, play1(ctx, conn, "SELECT * FROM basket"))
			after(t, a, conn)
		})
		// Over the pool of one connection, from call to call.
		single := func(t *testing.T) *app {
			a := open(t, c, "pins=conn")
			a.SetMaxOpenConns(1)
			return a
		}
		t.Run("after SET, over the pool", func(t *testing.T) {
			a := single(t)
			a.exec(set)
			a.kill(a)
			_, err := a.ExecContext(ctx, insert)
			require.Error(t, err, "it must learn that its settings are gone")
			require.Equal(t, 1, a.rows(), "nothing is half done")
			require.Equal(t, 1, a.seen(ctx, a), "the pool goes on")
			var value string
			require.NoError(t, a.QueryRowContext(ctx, show).Scan(&value))
			require.NotContains(t, []string{"till", "1234"}, value)
		})
		t.Run("in a text transaction, over the pool", func(t *testing.T) {
			if c.Engine == cluster.Postgres {
				return // whose base driver ends a transaction between two calls
			}
			a := single(t)
			a.exec("BEGIN")
			a.add(a, 2, "half")
			a.kill(a)
			_, err := a.ExecContext(ctx, insert)
			require.Error(t, err)
			require.False(t, errors.Is(err, sql.ErrConnDone))
			require.Equal(t, 1, a.rows(), "nothing is half done")
			require.Equal(t, 1, a.seen(ctx, a), "the pool goes on")
		})
		// Nothing that anybody relies on: the pool mends itself.
		t.Run("without any state", func(t *testing.T) {
			a := single(t)
			require.Equal(t, 1, a.seen(rwsplit.WithPrimary(ctx), a))
			a.kill(a)
			require.Eventually(t, func() bool {
				_, err := a.ExecContext(ctx, strings.Replace(insert, "(3", "(4", 1))
				return err == nil
			}, waitLong, time.Millisecond)
			require.Equal(t, 2, a.rows())
		})
	})
}

// A setting of a transaction is gone with it: nothing relies on the connection
// then, though its settings are kept from call to call.
func TestSettingsOfATransactionEndWithIt(t *testing.T) {
	c := cluster.Shared(t, cluster.Postgres)
	ctx := bounded(t)
	a := open(t, c, "pins=conn")
	a.SetMaxOpenConns(1)
	a.stock()
	for _, set := range []string{"SET LOCAL work_mem = '1234kB'", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SET CONSTRAINTS ALL DEFERRED"} {
		tx, err := a.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(ctx, set)
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		a.settle()
		require.Equal(t, 1, a.seen(ctx, a))
		require.Equal(t, rwsplit.RoleReplica, a.last().Backend.Role, "a read after %s", set)
	}
	a.exec("SET work_mem = '1234kB'")
	require.Equal(t, 1, a.seen(ctx, a))
	require.Equal(t, rwsplit.RolePrimary, a.last().Backend.Role, "a read after SET")
}
