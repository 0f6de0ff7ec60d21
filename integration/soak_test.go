package integration_test

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/integration/cluster"
)

// soakTime is how long the soak test runs: RWSPLIT_SOAK, such as 30m, or a
// taste of it.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("RWSPLIT_SOAK")
	if text == "" {
		return 10 * time.Second
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err, "RWSPLIT_SOAK")
	return d
}

// soakFaults are those that can follow each other at random: each is over
// within a second or two.
var soakFaults = []struct {
	name string
	do   func(ctx context.Context, l *load) error
}{
	{"freeze a replica", func(ctx context.Context, l *load) error {
		s := anyReplica(l)
		if err := s.Freeze(ctx); err != nil {
			return err
		}
		time.Sleep(time.Duration(rand.IntN(1500)) * time.Millisecond)
		return s.Thaw(ctx)
	}},
	{"restart a replica", func(ctx context.Context, l *load) error { return anyReplica(l).Restart(ctx) }},
	{"cut a replica off", func(_ context.Context, l *load) error {
		p := l.proxies[rand.IntN(len(l.proxies))]
		p.sever()
		defer p.restore()
		time.Sleep(time.Duration(rand.IntN(1500)) * time.Millisecond)
		return nil
	}},
	{"reset connections", func(_ context.Context, l *load) error {
		l.proxies[rand.IntN(len(l.proxies))].reset()
		return nil
	}},
	{"hold replay back", func(ctx context.Context, l *load) error {
		s := anyReplica(l)
		if err := s.PauseReplay(ctx); err != nil {
			return err
		}
		time.Sleep(time.Duration(rand.IntN(1000)) * time.Millisecond)
		return s.ResumeReplay(ctx)
	}},
}

func anyReplica(l *load) *cluster.Server {
	replicas := l.c.Replicas()
	return replicas[rand.IntN(len(replicas))]
}

// footprint is what must not grow.
type footprint struct {
	heap       uint64
	goroutines int
	conns      int
}

func (l *load) footprint() (f footprint) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f.heap, f.goroutines = m.HeapAlloc, runtime.NumGoroutine()
	for _, b := range l.connector.Stats().Backends {
		f.conns = max(f.conns, b.Connections)
	}
	return f
}

// TestSoak puts replicas out of order at random under steady traffic. Nothing
// is lost, doubled or stale, no read fails, and nothing grows.
func TestSoak(t *testing.T) {
	c := cluster.Shared(t, cluster.Postgres)
	limit := soakTime(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit+2*time.Minute)
	defer cancel()
	require.NoError(t, c.LogStatements(ctx, false))
	l := startLoad(t, c, "max_lag=2s")
	l.makeTables(t)
	l.run(t)
	require.True(t, assertEventually(l.served(10), 30*time.Second), "replicas serve reads before anything goes wrong")

	time.Sleep(3 * time.Second) // until the pool is full
	warm := l.footprint()
	faults := make(map[string]int)
	for began := time.Now(); time.Since(began) < limit; {
		f := soakFaults[rand.IntN(len(soakFaults))]
		require.NoError(t, f.do(ctx, l), f.name)
		faults[f.name]++
		time.Sleep(time.Duration(rand.IntN(700)) * time.Millisecond)
	}
	require.True(t, assertEventually(l.served(10), 30*time.Second), "every replica serves reads again: %+v", l.connector.Stats().Backends)
	// Each connection has a few goroutines in the proxy, and their number goes
	// up and down; what leaks with every fault or statement is far beyond that.
	var end footprint
	flat := func() bool {
		end = l.footprint()
		return end.goroutines <= warm.goroutines+100 && end.heap <= 2*warm.heap+32<<20
	}
	require.True(t, assertEventually(flat, 15*time.Second), "it grew from %+v to %+v", warm, end)
	require.LessOrEqual(t, end.conns, 2*(loadReaders+loadWriters), "connections to one server")
	l.stop()
	require.NoError(t, c.WaitReplayed(ctx))

	a := l.audit(t, ownID(t, c.Primary()))
	t.Logf("%v of %v: %d reads, the longest %v; %d writes; %+v -> %+v", limit, faults, l.tally.reads.Load(),
		time.Duration(l.tally.longest.Load()).Round(time.Millisecond), l.tally.writes.Load(), warm, end)
	require.Equal(t, audit{}, a)
	require.Zero(t, l.tally.stale.Load(), "stale reads: %v", l.sampled())
	require.Zero(t, l.tally.queryFailed.Load(), "reads whose Query failed: %v", l.sampled())
	require.Zero(t, l.tally.writesFailed.Load(), "writes failed: %v", l.sampled())
}
