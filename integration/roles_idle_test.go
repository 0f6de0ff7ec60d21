package integration_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// Idle connections to the old primary, and those that the new one got as a
// replica, are closed with the promotion, and not when the pool takes them next.
func TestIdleConnectionsEndWithTheRole(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c, quickProbes...)
		a.exec("CREATE TABLE idle (id INT PRIMARY KEY)")
		a.settle()
		const n = 8
		a.SetMaxIdleConns(n)
		a.fill(n)
		old, next, other := c.Primary(), c.Replicas()[0], c.Replicas()[1]
		connections := func(s *cluster.Server) int {
			n, err := s.Connections(ctx)
			require.NoError(t, err)
			return n
		}
		for _, s := range c.Servers() {
			require.GreaterOrEqual(t, connections(s), n, s.Name)
		}

		stopPrimary(ctx, t, c)
		require.NoError(t, c.Promote(ctx, next))
		gone := func(s *cluster.Server) func() bool {
			return func() bool { return s.State() != cluster.Running || connections(s) <= soakProbes }
		}
		require.Eventually(t, gone(next), waitLong, 10*time.Millisecond, "connections that the new primary got as a replica")
		require.Eventually(t, gone(old), waitLong, 10*time.Millisecond, "connections to the old primary")
		require.GreaterOrEqual(t, connections(other), n, "those to the other replica are of use")

		// Nobody notices.
		for id := range 2 * n {
			a.exec(a.rebind("INSERT INTO idle VALUES (?)"), id)
			require.Equal(t, "replica1", a.last().Backend.Name)
		}
		for _, s := range c.Replicas() {
			require.NoError(t, c.Follow(ctx, s))
		}
		require.Eventually(t, func() bool {
			var got int
			require.NoError(t, a.QueryRowContext(ctx, "SELECT count(*) FROM idle").Scan(&got))
			require.Equal(t, 2*n, got)
			return a.last().Backend.Name == "primary"
		}, waitLong, 5*time.Millisecond, "the old primary serves reads as a replica")
	})
}

// fill leaves n idle connections in the pool, each with a connection to every
// server.
func (a *app) fill(n int) {
	a.t.Helper()
	ctx := bounded(a.t)
	var conns []*sql.Conn
	for range n {
		conn, err := a.Conn(ctx)
		require.NoError(a.t, err)
		conns = append(conns, conn)
		seen := make(map[string]bool)
		for deadline := time.Now().Add(waitLong); len(seen) < len(a.c.Servers()); {
			require.True(a.t, time.Now().Before(deadline), "a connection reached %v only", seen)
			for _, hinted := range []func() error{
				func() error {
					return conn.QueryRowContext(rwsplit.WithPrimary(ctx), "SELECT 1").Scan(new(int))
				},
				func() error {
					return conn.QueryRowContext(rwsplit.WithReplica(ctx), "SELECT 1").Scan(new(int))
				},
			} {
				require.NoError(a.t, hinted())
				seen[a.last().Backend.Name] = true
			}
		}
	}
	for _, conn := range conns {
		require.NoError(a.t, conn.Close())
	}
}
