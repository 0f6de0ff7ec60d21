package integration_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// Story 2, sticky: first reads go to a replica, and after a write the same
// scope reads from the primary, while the replicas are two seconds behind.
func TestStorySticky(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		for _, level := range []rwsplit.Consistency{rwsplit.Eventual, rwsplit.Session, rwsplit.Process} {
			t.Run(string(level), func(t *testing.T) {
				ctx := bounded(t)
				a := open(t, c, "balance=round_robin", "consistency="+string(level))
				a.exec("DROP TABLE IF EXISTS shop_item")
				a.stock()
				a.settle()
				require.NoError(t, c.WaitReplayed(ctx))
				require.NoError(t, c.Delay(ctx, behind))
				defer func() { require.NoError(t, c.Delay(ctx, 0)) }()
				a.forget()

				for range 20 {
					require.Equal(t, "first", a.name(ctx, a, "first_read", 1))
				}

				// After a write the scope stays on the primary: its session if
				// that is the level, else its connection.
				scope := ctx
				if level == rwsplit.Session {
					scope = rwsplit.WithSession(ctx)
				}
				conn := a.conn(ctx)
				require.Empty(t, a.name(scope, conn, "before_write", 2))
				_, err := conn.ExecContext(scope, "INSERT INTO shop_item (id, name) VALUES (2, 'second')")
				require.NoError(t, err)
				for range 10 {
					require.Equal(t, "second", a.name(scope, conn, "after_write", 2))
				}

				// Hints weigh more.
				require.Empty(t, a.name(rwsplit.WithReplica(scope), conn, "forced_replica", 2), "the replicas are behind")
				require.Equal(t, "second", a.name(rwsplit.WithPrimary(ctx), a, "forced_primary", 2))

				// A read in a transaction is the transaction's server's.
				tx := a.begin(rwsplit.WithReplica(ctx), nil)
				require.Equal(t, "second", a.name(rwsplit.WithReplica(ctx), tx, "in_tx", 2))
				require.NoError(t, tx.Commit())

				// What another scope sees is the level's to say.
				other := a.name(ctx, a, "other_scope", 2)
				require.NoError(t, conn.Close())

				wantRuns(t, c, runs{"AS first_read": {0, 20}})
				for _, s := range c.Replicas() {
					require.Equal(t, 10, counts(t, s, "AS first_read"), "%s has its share", s.Name)
				}
				wantRuns(t, c, runs{
					"AS before_write":       {0, 1},
					"AS after_write":        {10, 0},
					"INSERT INTO shop_item": {1, 0},
					"AS forced_replica":     {0, 1},
					"AS forced_primary":     {1, 0},
					"AS in_tx":              {1, 0},
				})
				if level == rwsplit.Process {
					require.Equal(t, "second", other)
					wantRuns(t, c, runs{"AS other_scope": {1, 0}})
				} else {
					require.Empty(t, other)
					wantRuns(t, c, runs{"AS other_scope": {0, 1}})
				}
				a.agrees()

				// Once the replicas have it, the scope reads from them again.
				require.NoError(t, c.Delay(ctx, 0))
				require.NoError(t, c.WaitReplayed(ctx))
				a.settle()
				require.Eventually(t, func() bool {
					require.Equal(t, "second", a.name(scope, a, "caught_up", 2))
					return a.last().Backend.Role == rwsplit.RoleReplica
				}, waitLong, 5*time.Millisecond)
			})
		}
	})
}

func TestNoServerIsDialledBeforeAStatementNeedsIt(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		prepare := open(t, c)
		prepare.stock()
		require.NoError(t, prepare.Close())

		var d dials
		// The tracker has connections of its own; there is none at this level.
		a := openWith(t, c, func(cfg *rwsplit.Config) { cfg.WrapConnector = d.wrap }, "consistency=eventual", "balance=round_robin")
		holds := func(want ...int) {
			t.Helper()
			for i, s := range c.Servers() {
				require.Eventually(t, func() bool {
					got, err := s.Connections(ctx)
					require.NoError(t, err)
					return got == want[i]
				}, waitLong, 5*time.Millisecond, "connections of %s", s.Name)
			}
		}
		want := func(dialled ...int) {
			t.Helper()
			require.Equal(t, dialled, []int{d.of("primary"), d.of("replica1"), d.of("replica2")})
			holds(dialled...)
		}
		conn := a.conn(ctx)
		want(0, 0, 0)
		require.Equal(t, "first", a.name(ctx, conn, "one", 1))
		want(0, 1, 0)
		require.Equal(t, "first", a.name(ctx, conn, "two", 1))
		want(0, 1, 1)
		a.add(conn, 2, "second")
		want(1, 1, 1)
		for range 10 {
			a.name(ctx, conn, "more", 1)
			a.name(rwsplit.WithReplica(ctx), conn, "more", 1)
			a.add(conn, int(time.Now().UnixNano()&0x7fffffff), "x")
		}
		want(1, 1, 1)
		require.NoError(t, conn.Close())
		require.NoError(t, a.Close())
		holds(0, 0, 0)
	})
}

// Several replicas share the load by default, without round_robin, from
// concurrent readers.
func TestReplicasShareTheLoad(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		for _, balance := range []string{"least_busy", "round_robin", "random"} {
			t.Run(balance, func(t *testing.T) {
				a := open(t, c, "balance="+balance)
				a.SetMaxOpenConns(8)
				a.exec("DROP TABLE IF EXISTS shop_item")
				a.stock()
				a.settleAll()
				a.forget()
				var wg sync.WaitGroup
				for range 8 {
					wg.Go(func() {
						for range 50 {
							if got := a.name(ctx, a, "shared", 1); got != "first" {
								t.Errorf("got %q", got)
							}
						}
					})
				}
				wg.Wait()
				wantRuns(t, c, runs{"AS shared": {0, 400}})
				for _, s := range c.Replicas() {
					require.Greater(t, counts(t, s, "AS shared"), 100, "%s has its share", s.Name)
				}
				a.agrees()
			})
		}
		t.Run("weights", func(t *testing.T) {
			a := open(t, c, "balance=round_robin", "weights=3,1")
			a.settleAll()
			a.forget()
			for range 100 {
				a.name(ctx, a, "weighted", 1)
			}
			require.Equal(t, 75, counts(t, c.Replicas()[0], "AS weighted"))
			require.Equal(t, 25, counts(t, c.Replicas()[1], "AS weighted"))
			a.agrees()
		})
	})
}
