package integration_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/integration/cluster"
)

// footprint is what the process holds while no statement runs and the pools are
// nearly empty: what it then has too much of is a leak, and not the noise of the
// traffic.
type footprint struct {
	at         time.Duration
	heap       uint64 // live bytes
	goroutines int
	// steady are those that do not come and go with a connection: through a
	// proxy, of an HTTP client, or watching over one of go-sql-driver/mysql's.
	steady   int
	watchers int
	// conns are the application's connections as all servers count them.
	conns int
	spent time.Duration // processor time until then
}

const (
	// soakPool is how many pooled connections are left at rest. These live as
	// long as the test.
	soakPool = 2
	// soakProbes is how many connections of its own the tracker may have to one
	// server: for positions, roles, and the catalog.
	soakProbes = 3
)

// measureAtRest stops the traffic, waits until nothing of it is left, and
// measures.
func measureAtRest(ctx context.Context, t *testing.T, soaks []*soak, at time.Duration) footprint {
	t.Helper()
	for _, s := range soaks {
		s.hold.Lock()
		defer s.hold.Unlock()
		s.db.SetMaxIdleConns(soakPool)
		defer s.db.SetMaxIdleConns(loadIdle)
	}
	f := footprint{at: at, spent: processorTime()}
	var busy error
	atRest := func() bool {
		f.conns, busy = 0, nil
		for _, s := range soaks {
			n, err := s.connections(ctx)
			f.conns += n
			if err != nil {
				busy = err
			}
		}
		return busy == nil
	}
	assertEventually(atRest, 20*time.Second)
	require.NoError(t, busy)

	f.goroutines = 1 << 30
	for range 5 { // some may be ending
		f.look()
		pauseOr(ctx, 20*time.Millisecond)
	}
	runtime.GC()
	runtime.GC() // what is in a sync.Pool survives the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f.heap = m.HeapAlloc

	watched := 0
	for _, s := range soaks {
		if s.c.Engine != cluster.Postgres {
			watched += s.physical()
		}
	}
	require.LessOrEqual(t, f.watchers, watched, "goroutines that watch over connections, and those connections")
	return f
}

// connections returns how many connections the application has, as the servers
// count them. It is an error if there are more than the pool and the tracker
// should have by now, or than rwsplit knows of.
func (s *soak) connections(ctx context.Context) (total int, err error) {
	st := s.connector.Stats()
	for i, server := range s.c.Servers() {
		n, err := server.Connections(ctx)
		if err != nil {
			return 0, err
		}
		total += n
		b := &st.Backends[i]
		if b.Running != 0 || b.Connections > soakPool || n > b.Connections+soakProbes {
			return total, fmt.Errorf("%s %s: %d connections, %d of them known to be there, %d pooled connections, %d reads under way",
				s.c.Engine, server.Name, n, b.Connections, soakPool, b.Running)
		}
	}
	return total, nil
}

// physical bounds the connections of this process to the servers.
func (s *soak) physical() (n int) {
	for i, server := range s.c.Servers() {
		n += s.connector.Stats().Backends[i].Connections + soakProbes + server.Admin().Stats().OpenConnections
	}
	return n
}

// look counts goroutines, and keeps the lower number.
func (f *footprint) look() {
	buf := make([]byte, 8<<20)
	stacks := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	if len(stacks) >= f.goroutines {
		return
	}
	f.goroutines, f.steady, f.watchers = len(stacks), 0, 0
	for _, stack := range stacks {
		switch {
		case strings.Contains(stack, "mysqlConn).startWatcher"):
			f.watchers++
		case !containsAny(stack, "(*wireProxy)", "net/http."):
			f.steady++
		}
	}
}

func footprintTable(prints []footprint) string {
	var b strings.Builder
	b.WriteString("at rest\n| after | heap (KiB) | goroutines | steady ones | connections | processor time |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, f := range prints {
		fmt.Fprintf(&b, "| %v | %d | %d | %d | %d | %v |\n",
			f.at.Round(time.Second), f.heap>>10, f.goroutines, f.steady, f.conns, f.spent.Round(100*time.Millisecond))
	}
	return b.String()
}

// requireFlat compares the last third with the first, without the warm-up.
func requireFlat(t *testing.T, prints []footprint) {
	t.Helper()
	third := (len(prints) - 1) / 3
	first, last := prints[1:1+third], prints[len(prints)-third:]
	median := func(of []footprint, value func(footprint) int) int {
		var values []int
		for _, f := range of {
			values = append(values, value(f))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	for _, held := range []struct {
		what  string
		value func(footprint) int
		slack int
	}{
		{"live bytes", func(f footprint) int { return int(f.heap) }, 512 << 10},
		{"steady goroutines", func(f footprint) int { return f.steady }, 3},
	} {
		before, after := median(first, held.value), median(last, held.value)
		require.LessOrEqual(t, after, before+held.slack, "%s grew from %d to %d: %s", held.what, before, after, footprintTable(prints))
	}
}
