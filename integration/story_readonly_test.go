package integration_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// Story 4, readOnly transactions: those that say so run on a replica, whole,
// and the others on the primary from their first read.
func TestStoryReadOnly(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		for _, lazy := range []string{"lazy_begin=false", "lazy_begin=true"} {
			t.Run(lazy, func(t *testing.T) {
				ctx := bounded(t)
				a := open(t, c, "balance=round_robin", lazy)
				a.exec("DROP TABLE IF EXISTS shop_item")
				a.stock()
				a.settleAll()
				a.forget()

				servers := make(map[*cluster.Server]int)
				for range 20 {
					tx := a.begin(ctx, &sql.TxOptions{ReadOnly: true})
					require.Equal(t, "first", a.name(ctx, tx, "ro_first", 1))
					first := a.which(ctx, tx)
					require.Equal(t, "first", a.name(ctx, tx, "ro_second", 1))
					require.Same(t, first, a.which(ctx, tx), "a transaction never mixes servers")
					require.NoError(t, tx.Commit())
					servers[first]++
				}
				wantRuns(t, c, runs{
					"AS ro_first":  {0, 20},
					"AS ro_second": {0, 20},
				})
				for _, s := range c.Replicas() {
					require.Equal(t, 10, servers[s], "%s has its share", s.Name)
					require.Equal(t, 10, counts(t, s, "AS ro_first"), "%s has its share", s.Name)
				}

				// What must run on the primary can't be part of it, and says so.
				tx := a.begin(ctx, &sql.TxOptions{ReadOnly: true})
				require.Equal(t, "first", a.name(ctx, tx, "ro_third", 1))
				for text, reason := range map[string]string{
					"INSERT INTO shop_item (id, name) VALUES (9, 'never')": "INSERT",
					"SELECT name FROM shop_item WHERE id = 1 FOR UPDATE":   "locking read",
				} {
					_, err := tx.ExecContext(ctx, text)
					require.ErrorIs(t, err, rwsplit.ErrReadOnly, text)
					require.ErrorContains(t, err, reason)
					require.ErrorContains(t, err, a.last().Backend.Name, "it names the replica")
				}
				require.Equal(t, "first", a.name(ctx, tx, "ro_fourth", 1), "the transaction goes on")
				require.NoError(t, tx.Commit())
				wantRuns(t, c, runs{
					"INSERT INTO shop_item": {0, 0},
					"FOR UPDATE":            {0, 0},
				})

				// A read-write transaction is on the primary from its first read.
				tx = a.begin(ctx, nil)
				require.Equal(t, "first", a.name(ctx, tx, "rw_first", 1))
				require.Same(t, c.Primary(), a.which(ctx, tx))
				a.add(tx, 2, "second")
				require.Equal(t, "second", a.name(ctx, tx, "rw_own", 2))
				require.NoError(t, tx.Commit())
				wantRuns(t, c, runs{
					"AS rw_first": {1, 0},
					"AS rw_own":   {1, 0},
				})

				// Rolled back, nothing of it is left.
				tx = a.begin(ctx, nil)
				a.add(tx, 3, "third")
				require.NoError(t, tx.Rollback())
				require.Empty(t, a.name(rwsplit.WithPrimary(ctx), a, "rolled_back", 3))
				a.agrees()

				// While the replicas are behind, a read-only transaction begins
				// on the primary: it must see what this pool wrote.
				require.NoError(t, c.Delay(ctx, behind))
				defer func() { require.NoError(t, c.Delay(ctx, 0)) }()
				a.add(a, 4, "fourth")
				tx = a.begin(ctx, &sql.TxOptions{ReadOnly: true})
				require.Equal(t, "fourth", a.name(ctx, tx, "ro_behind", 4))
				require.NoError(t, tx.Commit())
				wantRuns(t, c, runs{"AS ro_behind": {1, 0}})
			})
		}
	})
}

func TestTakingAConnectionAndALazyTransactionDialNothing(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		prepare := open(t, c)
		prepare.stock()
		require.NoError(t, prepare.Close())
		require.NoError(t, c.WaitDisconnected(ctx))
		require.NoError(t, c.ClearStatements(ctx))

		var d dials
		a := openWith(t, c, func(cfg *rwsplit.Config) { cfg.WrapConnector = d.wrap }, "consistency=eventual", "lazy_begin=true")
		conn := a.conn(ctx)
		tx, err := conn.BeginTx(ctx, nil)
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		tx, err = conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		require.NoError(t, err)
		require.NoError(t, tx.Rollback())
		require.Zero(t, d.of("primary")+d.of("replica1")+d.of("replica2"), "dialled")
		for _, s := range c.Servers() {
			n, err := s.Connections(ctx)
			require.NoError(t, err)
			require.Zero(t, n, "%s has connections", s.Name)
			statements, err := s.Statements(ctx)
			require.NoError(t, err)
			require.Empty(t, statements, s.Name)
		}

		// The first statement begins it, where it belongs.
		tx, err = conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		require.NoError(t, err)
		require.Equal(t, "first", a.name(ctx, tx, "lazy_read", 1))
		require.Zero(t, d.of("primary"))
		_, err = tx.ExecContext(ctx, "INSERT INTO shop_item (id, name) VALUES (9, 'never')")
		require.ErrorIs(t, err, rwsplit.ErrReadOnly)
		require.NoError(t, tx.Commit())
		tx, err = conn.BeginTx(ctx, nil)
		require.NoError(t, err)
		require.Zero(t, d.of("primary"))
		require.Equal(t, "first", a.name(ctx, tx, "lazy_first", 1))
		require.Equal(t, 1, d.of("primary"))
		a.add(tx, 2, "second")
		require.NoError(t, tx.Rollback())
		require.Empty(t, a.name(rwsplit.WithPrimary(ctx), conn, "lazy_rolled_back", 2))
		wantRuns(t, c, runs{
			"AS lazy_read":          {0, 1},
			"AS lazy_first":         {1, 0},
			"INSERT INTO shop_item": {1, 0},
		})
	})
}
