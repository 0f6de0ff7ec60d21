package integration_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// within holds that f does not block.
func within(t *testing.T, limit time.Duration, what string, f func()) {
	t.Helper()
	began := time.Now()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(10 * limit):
		panic(what + " hangs") // with the goroutines
	}
	require.Less(t, time.Since(began), limit, what)
}

// fill makes n pooled connections that are connected to every server, with a
// statement prepared on each, and puts them back.
func fill(ctx context.Context, t *testing.T, a *app, n int, stmt *sql.Stmt) {
	t.Helper()
	var conns []*sql.Conn
	for range n {
		conn := a.conn(ctx)
		conns = append(conns, conn)
		for range 4 {
			require.NotEmpty(t, a.name(ctx, conn, "fills", 1))
		}
		require.NotEmpty(t, a.name(rwsplit.WithPrimary(ctx), conn, "fills", 1))
	}
	for _, conn := range conns {
		tx, err := conn.BeginTx(ctx, nil)
		require.NoError(t, err)
		require.NoError(t, tx.StmtContext(ctx, stmt).QueryRowContext(ctx).Scan(new(int)))
		require.NoError(t, tx.Rollback())
	}
	for range 3 * n {
		require.NoError(t, stmt.QueryRowContext(ctx).Scan(new(int)))
	}
	for _, conn := range conns {
		require.NoError(t, conn.Close())
	}
}

// One server hangs while the others are used and connections and statements
// that lead to it are closed: nothing waits for it beyond its bound.
func TestAHungReplicaHoldsUpNobody(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c, "balance=round_robin", "probe_interval=200ms", "probe_timeout=300ms")
		a.SetMaxOpenConns(8)
		a.SetMaxIdleConns(8)
		a.stock()
		a.settleAll()
		stmt, err := a.PrepareContext(ctx, "SELECT COUNT(*) FROM shop_item")
		require.NoError(t, err)
		fill(ctx, t, a, 6, stmt)

		hung := c.Replicas()[0]
		require.NoError(t, hung.Freeze(ctx))
		defer func() { require.NoError(t, hung.Thaw(context.WithoutCancel(ctx))) }()

		for i := range 20 {
			within(t, 5*time.Second, fmt.Sprintf("read %d", i), func() {
				if got := a.name(ctx, a, "while_hung", 1); got != "first" {
					t.Errorf("got %q", got)
				}
			})
		}
		within(t, 5*time.Second, "a write", func() { a.add(a, 2, "second") })
		within(t, 5*time.Second, "its read", func() { a.name(ctx, a, "while_hung", 2) })
		within(t, 5*time.Second, "a prepared statement", func() {
			if err := stmt.QueryRowContext(ctx).Scan(new(int)); err != nil {
				t.Error(err)
			}
		})
		within(t, 2*time.Second, "Stmt.Close", func() { _ = stmt.Close() })
		within(t, 2*time.Second, "closing idle connections", func() { a.SetMaxIdleConns(1) })
		within(t, 5*time.Second, "a read of one that is left", func() { a.name(ctx, a, "while_hung", 1) })
		within(t, 5*time.Second, "a transaction", func() {
			tx := a.begin(ctx, nil)
			a.add(tx, 3, "third")
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}
		})
		within(t, 5*time.Second, "DB.Close", func() { _ = a.Close() })

		// A pool that begins while the server hangs.
		fresh := open(t, c, "probe_timeout=300ms")
		for i := range 5 {
			within(t, 5*time.Second, fmt.Sprintf("read %d of a fresh pool", i), func() {
				if got := fresh.name(ctx, fresh, "fresh", 1); got != "first" {
					t.Errorf("got %q", got)
				}
			})
		}
		within(t, 5*time.Second, "DB.Close", func() { _ = fresh.Close() })
	})
}

// While the primary hangs the replicas serve what they may, and what needs the
// primary ends with its context.
func TestAHungPrimaryLeavesTheReplicasReadable(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c, "balance=round_robin", "probe_interval=200ms", "probe_timeout=300ms")
		a.SetMaxIdleConns(4)
		a.stock()
		a.settleAll()
		stmt, err := a.PrepareContext(ctx, "SELECT COUNT(*) FROM shop_item")
		require.NoError(t, err)
		fill(ctx, t, a, 4, stmt)
		a.settle()
		a.forget()
		// pgx asks a connection that comes out of the pool whether it is still
		// there; what is to be sent into the void needs one that is out.
		conn := a.conn(ctx)
		require.Equal(t, "first", a.name(rwsplit.WithPrimary(ctx), conn, "before_hang", 1))

		hung := c.Primary()
		require.NoError(t, hung.Freeze(ctx))
		for range 20 {
			within(t, 3*time.Second, "a read", func() {
				if got := a.name(ctx, a, "primary_hung", 1); got != "first" {
					t.Errorf("got %q", got)
				}
			})
		}
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		within(t, 5*time.Second, "a write with a deadline", func() {
			if _, err := conn.ExecContext(short, "INSERT INTO shop_item (id, name) VALUES (9, 'late')"); err == nil {
				t.Error("it can't have been executed")
			}
		})
		// Its outcome is unknown, so what must see it is the primary's, and
		// ends with its context, too.
		short, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		within(t, 5*time.Second, "a read that must see it", func() {
			if err := a.QueryRowContext(short, "SELECT COUNT(*) FROM shop_item").Scan(new(int)); err == nil {
				t.Error("it can't know")
			}
		})
		within(t, 3*time.Second, "a stale read", func() {
			if got := a.name(rwsplit.WithReplica(ctx), a, "primary_hung", 1); got != "first" {
				t.Errorf("got %q", got)
			}
		})
		within(t, 2*time.Second, "Conn.Close", func() { _ = conn.Close() })
		within(t, 2*time.Second, "Stmt.Close", func() { _ = stmt.Close() })
		within(t, 2*time.Second, "closing idle connections", func() { a.SetMaxIdleConns(0) })
		within(t, 5*time.Second, "DB.Close", func() { _ = a.Close() })

		require.NoError(t, hung.Thaw(ctx))
		wantRuns(t, c, runs{"AS primary_hung": {0, 21}})
	})
}
