package integration_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/integration/cluster"
)

// soakPace leaves most of the machine to whatever runs beside the test.
var soakPace = pace{read: 600 * time.Millisecond, write: time.Second}

// soakParts is into how many parts the test is divided. What the process holds
// is measured at rest, between two of them.
const soakParts = 10

// soakFaults can follow each other at random: each is over within seconds.
var soakFaults = []struct {
	name    string
	primary bool // it concerns the primary: reads and writes may fail meanwhile
	do      func(ctx context.Context, s *soak) error
}{
	{"freeze a replica", false, func(ctx context.Context, s *soak) error { return s.freeze(ctx, s.replica()) }},
	{"restart a replica", false, func(ctx context.Context, s *soak) error { return s.replica().Restart(ctx) }},
	{"cut a replica off", false, func(ctx context.Context, s *soak) error {
		p := s.proxy()
		p.sever()
		defer p.restore()
		pauseOr(ctx, s.upTo(4*time.Second))
		return nil
	}},
	{"reset connections", false, func(_ context.Context, s *soak) error { s.proxy().reset(); return nil }},
	{"hold replay back", false, func(ctx context.Context, s *soak) error {
		r := s.replica()
		if err := r.PauseReplay(ctx); err != nil {
			return err
		}
		pauseOr(ctx, s.upTo(time.Second))
		return r.ResumeReplay(ctx)
	}},
	{"freeze the primary", true, func(ctx context.Context, s *soak) error { return s.freeze(ctx, s.c.Primary()) }},
	{"restart the primary", true, func(ctx context.Context, s *soak) error { return s.c.Primary().Restart(ctx) }},
	{"switch over", true, func(ctx context.Context, s *soak) error {
		if err := s.c.WaitReplayed(ctx); err != nil {
			return err
		}
		next := s.replica()
		s.primaries = append(s.primaries, next)
		if err := switchTo(ctx, s.load, next); err != nil {
			return err
		}
		return followNew(ctx, s.load)
	}},
}

// soak is the load on one engine, and what was done to its servers.
type soak struct {
	*load
	random    *rand.Rand
	deck      []int // faults to come: in random order, all of them in turn
	did       map[string]int
	primaries []*cluster.Server // all that there have been
}

func (s *soak) upTo(d time.Duration) time.Duration { return time.Duration(s.random.Int64N(int64(d))) }

func (s *soak) replica() *cluster.Server {
	replicas := s.c.Replicas()
	return replicas[s.random.IntN(len(replicas))]
}

// proxy returns the network in front of a replica.
func (s *soak) proxy() *wireProxy {
	for {
		if p := s.proxies[s.replica()]; p != nil {
			return p
		}
	}
}

func (s *soak) freeze(ctx context.Context, server *cluster.Server) error {
	if err := server.Freeze(ctx); err != nil {
		return err
	}
	pauseOr(ctx, s.upTo(4*time.Second))
	return server.Thaw(ctx)
}

// disturb lets one fault follow the other until the time has come, and returns
// when every replica serves reads again.
func (s *soak) disturb(ctx context.Context, until time.Time) error {
	for time.Now().Before(until) {
		if len(s.deck) == 0 {
			s.deck = s.random.Perm(len(soakFaults))
		}
		f := &soakFaults[s.deck[0]]
		s.deck = s.deck[1:]
		do := func() error { return f.do(ctx, s) }
		if f.primary {
			do = func() error { return s.inTrouble(func() error { return f.do(ctx, s) }) }
		}
		if err := do(); err != nil {
			return fmt.Errorf("%s: %s: %w", s.c.Engine, f.name, err)
		}
		s.did[f.name]++
		pauseOr(ctx, s.upTo(4*time.Second))
	}
	if !assertEventually(s.served(10), time.Minute) {
		return fmt.Errorf("%s: not every replica serves reads again: %+v", s.c.Engine, s.connector.Stats().Backends)
	}
	return ctx.Err()
}

// TestSoak puts servers out of order at random under steady traffic, on all
// engines at once. Nothing is lost, doubled, stale or written on a replica, no
// read and no write fails but while something is wrong with the primary, and
// nothing grows.
func TestSoak(t *testing.T) {
	limit := envTime(t, "RWSPLIT_SOAK", 3*time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), limit+5*time.Minute)
	defer cancel()
	// All start at the same time.
	cluster.Each(t, func(*testing.T, *cluster.Cluster) {})
	if t.Failed() {
		return
	}
	var soaks []*soak
	for _, e := range cluster.Engines() {
		if _, without := cluster.Without(e); !without {
			soaks = append(soaks, startSoak(ctx, t, cluster.Shared(t, e)))
		}
	}

	began := time.Now()
	var prints []footprint
	for part := range soakParts {
		until := began.Add(limit * time.Duration(part+1) / soakParts)
		require.NoError(t, together(soaks, func(s *soak) error { return s.disturb(ctx, until) }))
		prints = append(prints, measureAtRest(ctx, t, soaks, time.Since(began)))
	}
	t.Log(footprintTable(prints))
	for _, s := range soaks {
		s.stop()
	}
	for _, s := range soaks {
		s.judge(ctx, t)
	}
	requireFlat(t, prints)
}

func startSoak(ctx context.Context, t *testing.T, c *cluster.Cluster) *soak {
	require.NoError(t, c.LogStatements(ctx, false))
	if c.Engine == cluster.Postgres {
		// Standbys show at once whom they follow.
		admin(t, c.Primary(), "GRANT pg_read_all_stats TO app")
	}
	seed := rand.Uint64()
	t.Logf("%s: seed %d", c.Engine, seed)
	s := &soak{
		// What runs beside the test must not make servers look frozen.
		load:   startLoad(t, c, "max_lag=2s", "roles=auto", "probe_interval=300ms", "probe_timeout=2s"),
		random: rand.New(rand.NewPCG(seed, 0)), did: make(map[string]int), primaries: []*cluster.Server{c.Primary()},
	}
	s.pace = soakPace
	s.makeTables(t)
	s.run(t)
	require.True(t, assertEventually(s.served(10), 30*time.Second), "%s: replicas serve reads before anything goes wrong", c.Engine)
	return s
}

// together calls f for all of them at once.
func together(soaks []*soak, f func(*soak) error) error {
	errs := make([]error, len(soaks))
	var wg sync.WaitGroup
	for i, s := range soaks {
		wg.Go(func() { errs[i] = f(s) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// judge holds what came of the traffic against the promises.
func (s *soak) judge(ctx context.Context, t *testing.T) {
	t.Helper()
	y := &s.tally
	t.Logf("%s: %v; %d reads, %d%% on replicas, %d failed, rows of %d broke, the longest %v; %d read-only transactions, %d failed; %d writes, %d failed, the longest %v",
		s.c.Engine, tallied(s.did), y.reads.Load(), 100*y.replica.Load()/(y.reads.Load()+y.txs.Load()), y.queryFailed.Load(), y.rowsFailed.Load(),
		time.Duration(y.longest.Load()).Round(time.Millisecond), y.txs.Load(), y.txFailed.Load(),
		y.writes.Load(), y.writesFailed.Load(), time.Duration(y.longestWrite.Load()).Round(time.Millisecond))
	for _, sample := range s.sampled() {
		t.Logf("%s: %s", s.c.Engine, sample)
	}
	require.Equal(t, audit{}, s.audit(t, s.primaries...), "%s: writes lost, doubled, on another server than the primary", s.c.Engine)
	require.Zero(t, y.stale.Load(), "%s: stale reads", s.c.Engine)
	require.Zero(t, y.inPeace.Load(), "%s: reads and writes that failed while nothing was wrong with the primary", s.c.Engine)
	require.NoError(t, s.c.DataEqual(ctx))
	require.NoError(t, s.c.Errant(ctx))
}

func tallied(did map[string]int) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(did)) {
		list = append(list, fmt.Sprintf("%dx %s", did[name], name))
	}
	return list
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
