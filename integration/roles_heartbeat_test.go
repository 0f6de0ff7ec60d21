package integration_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// beat is a server's heartbeat, as its administrator sees it.
func beat(t *testing.T, c *cluster.Cluster, s *cluster.Server) (history string, n int64) {
	t.Helper()
	require.NoError(t, s.Admin().QueryRowContext(bounded(t), "SELECT history, n FROM "+table(c, "rwsplit_heartbeat")).Scan(&history, &n))
	return history, n
}

// The heartbeat goes on on the new primary, no read is stale, and the old
// primary serves reads as a replica.
func TestHeartbeatFollowsAPromotion(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := newCounted(open(t, c, append([]string{"position=heartbeat"}, quickProbes...)...))
		a.write()
		a.seesUntilReplica("before")
		history, _ := beat(t, c, c.Primary())

		old, next := c.Primary(), c.Replicas()[0]
		stopPrimary(ctx, t, c)
		require.NoError(t, c.Promote(ctx, next))
		a.writeOn("replica1")
		a.seesFor(300*time.Millisecond, "nobody follows the new primary yet")
		_, n := beat(t, c, next)
		require.Eventually(t, func() bool {
			own, m := beat(t, c, next)
			return own != history && m > n
		}, waitLong, 10*time.Millisecond, "it goes on, with a history of its own")

		for _, s := range c.Replicas() {
			require.NoError(t, c.Follow(ctx, s))
		}
		seen := make(map[string]bool)
		for deadline := time.Now().Add(waitLong); !seen["primary"] || !seen["replica2"]; {
			require.True(t, time.Now().Before(deadline), "%v serve reads: %+v", seen, a.connector.Stats())
			a.write()
			require.Equal(t, "replica1", a.last().Backend.Name)
			for range 50 {
				if a.sees("all follow") {
					seen[a.last().Backend.Name] = true
				}
			}
		}
		require.NoError(t, a.Close()) // with the heartbeat
		require.NoError(t, c.DataEqual(ctx))
		require.NoError(t, c.Errant(ctx))
		require.Equal(t, old, c.Servers()[0])
	})
}

// A replica that has more of the old primary than the new one shows a number
// that the new one has not come to yet: that says nothing about its writes.
func TestHeartbeatOfTheOldPrimaryCountsNoMore(t *testing.T) {
	cluster.On(t, mysqlFamily, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := newCounted(open(t, c, append([]string{"position=heartbeat"}, quickProbes...)...))
		a.write()
		a.seesUntilReplica("before")
		next, other := c.Replicas()[0], c.Replicas()[1]
		require.NoError(t, c.WaitReplayed(ctx))
		require.NoError(t, next.PauseReplay(ctx))
		_, n := beat(t, c, next)
		require.Eventually(t, func() bool { _, m := beat(t, c, other); return m > n+20 }, waitLong, 10*time.Millisecond)
		require.NoError(t, c.Primary().Kill(ctx))
		require.NoError(t, c.Promote(ctx, next))
		a.writeOn("replica1")
		for range 20 {
			a.seesFor(20*time.Millisecond, "replica2 follows the old primary")
			a.write()
		}
	})
}

// stopPrimary ends the primary's time without losing a write.
func stopPrimary(ctx context.Context, t *testing.T, c *cluster.Cluster) {
	t.Helper()
	require.NoError(t, c.WaitReplayed(ctx))
	if c.Engine == cluster.Postgres {
		require.NoError(t, c.Primary().Stop(ctx)) // in order: it sends everything before it ends
		return
	}
	require.NoError(t, setReadOnly(ctx, c.Primary(), c.Engine, true))
	require.NoError(t, c.WaitReplayed(ctx))
}

// writeOn raises the counter, as soon as that server takes it. What fails before
// was refused, or never sent.
func (c *counted) writeOn(name string) {
	c.t.Helper()
	ctx := bounded(c.t)
	for deadline := time.Now().Add(waitLong); ; time.Sleep(time.Millisecond) {
		_, err := c.ExecContext(ctx, c.rebind("UPDATE tally SET n = ? WHERE id = 1"), c.n+1)
		if err == nil {
			break
		}
		require.True(c.t, time.Now().Before(deadline), "%v", err)
	}
	c.n++
	require.Equal(c.t, name, c.last().Backend.Name)
	require.Equal(c.t, rwsplit.RolePrimary, c.last().Backend.Role)
}
