package integration_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/integration/cluster"
	"github.com/rwsplit/rwsplit/integration/history"
)

// Six processes, two for each level, play on one cluster whose replicas are
// delayed, paused, restarted and killed at random. No read may break what its
// level promises. RWSPLIT_HISTORY sets for how long, 20s by default.
func TestNoReadBreaksItsPromise(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		const each = 3
		processes := []struct {
			name    string
			level   history.Level
			options []string
		}{
			{"process", history.Process, nil},
			{"process, wait=200ms", history.Process, []string{"wait=200ms", "balance=round_robin"}},
			{"session", history.Session, []string{"consistency=session"}},
			{"session, wait=100ms", history.Session, []string{"consistency=session", "wait=100ms", "balance=random"}},
			{"global", history.Global, []string{"consistency=global"}},
			{"global, wait=300ms", history.Global, []string{"consistency=global", "wait=300ms"}},
		}
		g := newGame(t, c, each*len(processes))
		var apps []*app
		for i, p := range processes {
			apps = append(apps, g.join(i+1, each, p.level, p.options...))
		}
		ctx, cancel := context.WithTimeout(t.Context(), historyTime(t))
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() { g.trouble(ctx, uint64(time.Now().UnixNano())) })
		ops := g.play(ctx)
		wg.Wait()

		total := 0.0
		for i, p := range processes {
			total += shares(t, p.name, apps[i])
		}
		require.Positive(t, total, "no read was served by a replica: nothing was shown")
		require.Empty(t, g.report(ops))
		require.Greater(t, len(ops), 200, "hardly anything was done")
		failed := 0
		for _, n := range g.failed {
			failed += n
		}
		require.Less(t, failed, len(ops)/20, "too many operations failed: %v", g.failed)

		for _, a := range apps {
			require.NoError(t, a.Close())
		}
		for _, s := range c.Servers() {
			require.Eventually(t, func() bool {
				n, err := s.Connections(bounded(t))
				return err == nil && n == 0
			}, waitLong, 50*time.Millisecond, "%s: connections are left", s.Name)
		}
	})
}

// The checker and the load see what they are made to see: without consistency
// there are stale reads at once.
func TestTheHistoryCheckerSeesStaleReads(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		g := newGame(t, c, 4)
		g.join(1, 2, history.Process, "consistency=eventual")
		g.join(2, 2, history.Global, "consistency=eventual")
		require.NoError(t, c.Delay(bounded(t), time.Second))
		promises := make(map[string]int)
		for round := 0; len(promises) < 4 && round < 5; round++ {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			for _, v := range history.Check(g.play(ctx)) {
				promises[v.Promise]++
			}
			cancel()
		}
		t.Logf("violations: %v", promises)
		require.Contains(t, promises, "read-your-writes of what was written outside sessions")
		require.Contains(t, promises, "read-your-writes of the session")
		require.Contains(t, promises, "read-your-writes of the process")
		require.Contains(t, promises, "global")
	})
}
