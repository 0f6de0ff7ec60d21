package integration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// A frozen replica accepts and never answers. Reads that wait for it are ended
// once the tracker has found out, and run elsewhere; the caller notices
// nothing but the time.
func TestReadsOnAFrozenReplicaRunElsewhere(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c, "probe_interval=300ms", "probe_timeout=300ms", "balance=round_robin")
		a.exec("CREATE TABLE ice (id INT PRIMARY KEY)")
		a.settleAll()
		const readers = 8
		a.SetMaxIdleConns(readers)
		read := func() (rwsplit.Decision, time.Duration, error) {
			began := time.Now()
			var n int
			err := a.QueryRowContext(ctx, "SELECT count(*) FROM ice").Scan(&n)
			return a.last(), time.Since(began), err
		}
		for range 4 * readers {
			_, _, err := read()
			require.NoError(t, err)
		}

		frozen := c.Replicas()[0]
		require.NoError(t, frozen.Freeze(ctx))
		defer func() { require.NoError(t, frozen.Thaw(ctx)) }()
		var longest time.Duration
		for range 40 {
			_, took, err := read()
			require.NoError(t, err, "after %v", took)
			longest = max(longest, took)
		}
		t.Logf("longest read while replica1 was frozen: %v", longest.Round(time.Millisecond))
		require.Less(t, longest, 3*time.Second)
		st := a.connector.Stats()
		require.False(t, st.Backends[1].Up, "the frozen replica is out: %+v", st.Backends[1])
		require.True(t, st.Backends[2].Up)

		require.NoError(t, frozen.Thaw(ctx))
		require.Eventually(t, func() bool {
			d, _, err := read()
			return err == nil && d.Backend.Name == frozen.Name
		}, 20*time.Second, 20*time.Millisecond, "it comes back")
	})
}
