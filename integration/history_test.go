package integration_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
	"github.com/rwsplit/rwsplit/integration/history"
)

// Two processes of the operating system, each with a sql.DB for each level, play
// on one cluster whose replicas are delayed, paused, restarted and killed at
// random; others start again and again while the replicas are behind. No read
// may break what its level promises. RWSPLIT_HISTORY sets for how long, 15s by
// default.
func TestNoReadBreaksItsPromise(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		const each = 3
		g := newGame(t, c, 6*each+3)
		// Who starts while the primary can't be reached may read from replicas that
		// are behind. It can here, however slowly it answers.
		newcomers := []poolPlan{
			g.pool("newcomer: process", 1, history.Process, "probe_timeout=30s"),
			g.pool("newcomer: session", 1, history.Session, "probe_timeout=30s", "consistency=session"),
			g.pool("newcomer: global", 1, history.Global, "probe_timeout=30s", "consistency=global"),
		}
		g.here(
			g.pool("process", each, history.Process),
			g.pool("session, wait=100ms", each, history.Session, "consistency=session", "wait=100ms", "balance=random"),
			g.pool("global", each, history.Global, "consistency=global"),
		)
		_, err := g.there(
			g.pool("process, wait=200ms", each, history.Process, "wait=200ms", "balance=round_robin"),
			g.pool("session", each, history.Session, "consistency=session"),
			g.pool("global, wait=300ms", each, history.Global, "consistency=global", "wait=300ms"),
		)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), historyTime(t))
		defer cancel()
		results := g.play(ctx, func(ctx context.Context) { g.trouble(ctx, uint64(time.Now().UnixNano()), newcomers) })

		total := 0.0
		for _, r := range results {
			for _, p := range r.Pools {
				total += p.share(t)
			}
		}
		require.Positive(t, total, "no read was served by a replica: nothing was shown")
		late := newcomersTogether(g.newcomers)
		for _, p := range late {
			p.share(t)
			require.Positive(t, p.Reasons[rwsplit.ReasonNotCaughtUp], "%s: the replicas were never behind: nothing was shown", p.Name)
		}
		t.Logf("%d processes started while replicas were behind", len(g.newcomers))
		failed, found := g.report(append(results, g.newcomers...))
		require.Empty(t, found)
		ops := len(g.team.rec.Ops())
		require.Greater(t, ops, 200, "hardly anything was done")
		require.Less(t, failed, ops/20, "too many operations failed")
		nothingIsLeft(t, c)
	})
}

// newcomersTogether adds up what was read by the pools of the same name.
func newcomersTogether(results []*result) map[string]poolResult {
	sum := make(map[string]poolResult)
	for _, r := range results {
		for _, p := range r.Pools {
			if sum[p.Name].Reasons == nil {
				sum[p.Name] = poolResult{p.Name, make(map[rwsplit.Reason]uint64)}
			}
			for reason, n := range p.Reasons {
				sum[p.Name].Reasons[reason] += n
			}
		}
	}
	return sum
}

// nothingIsLeft holds that no application has a connection any more.
func nothingIsLeft(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for _, s := range c.Servers() {
		require.Eventually(t, func() bool {
			n, err := s.Connections(bounded(t))
			return err == nil && n == 0
		}, waitLong, 50*time.Millisecond, "%s: connections are left", s.Name)
	}
}

// The checker and the load see what they are made to see: without consistency
// there are stale reads at once, of every kind, also between processes.
func TestTheHistoryCheckerSeesStaleReads(t *testing.T) {
	const (
		between  = ", between processes"
		outside  = "read-your-writes of what was written outside sessions"
		session  = "read-your-writes of the session"
		process  = "read-your-writes of the process"
		global   = "global"
		newcomer = "what was written before the process started"
	)
	want := []string{outside, session, process, global, session + between, global + between, newcomer + between}
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		const eventual = "consistency=eventual"
		g := newGame(t, c, 11)
		newcomers := []poolPlan{g.pool("newcomer", 3, history.Session, eventual)}
		g.here(g.pool("here: process", 2, history.Process, eventual), g.pool("here: global", 2, history.Global, eventual))
		_, err := g.there(g.pool("there: process", 2, history.Process, eventual), g.pool("there: global", 2, history.Global, eventual))
		require.NoError(t, err)
		require.NoError(t, c.Delay(bounded(t), time.Second))

		var promises map[string]int
		found := func() bool {
			promises = make(map[string]int)
			for _, v := range history.Check(g.team.rec.Ops()) {
				if g.between(v) {
					v.Promise += between
				}
				promises[v.Promise]++
			}
			for _, p := range want {
				if promises[p] == 0 {
					return false
				}
			}
			return true
		}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		results := g.play(ctx, func(ctx context.Context) {
			for ctx.Err() == nil && !found() {
				if err := g.newcomer(ctx, bounded(t), newcomers); err != nil {
					t.Error(err)
				}
			}
			cancel()
		})
		found()
		t.Logf("violations: %v", promises)
		g.report(append(results, g.newcomers...))
		for _, p := range want {
			require.Contains(t, promises, p)
		}
	})
}
