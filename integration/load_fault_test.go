package integration_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// fault is one thing that goes wrong under load.
type fault struct {
	name    string
	engine  cluster.Engine // empty: all
	options []string       // of the DSN
	// primary reports that it concerns the primary: reads and writes may fail
	// then, but nothing may be lost or doubled.
	primary bool
	// promotes: another server is the primary afterwards. loses: what was
	// acknowledged may be lost in the replication, and nobody else may be able
	// to follow.
	promotes, loses bool
	harm            func(ctx context.Context, l *load) error
	mend            func(ctx context.Context, l *load) error
}

// faultTime is how long a fault lasts: longer than it takes to be noticed.
const faultTime = 2500 * time.Millisecond

var faults = []fault{
	{
		name: "replica killed",
		harm: func(ctx context.Context, l *load) error { return l.c.Replicas()[0].Kill(ctx) },
		mend: func(ctx context.Context, l *load) error { return l.c.Replicas()[0].Start(ctx) },
	}, {
		name: "replica shut down",
		harm: func(ctx context.Context, l *load) error { return l.c.Replicas()[0].Stop(ctx) },
		mend: func(ctx context.Context, l *load) error { return l.c.Replicas()[0].Start(ctx) },
	}, {
		name: "replica frozen",
		harm: func(ctx context.Context, l *load) error { return l.c.Replicas()[0].Freeze(ctx) },
		mend: func(ctx context.Context, l *load) error { return l.c.Replicas()[0].Thaw(ctx) },
	}, {
		name: "replica cut off",
		harm: func(_ context.Context, l *load) error { l.proxies[l.c.Replicas()[0]].sever(); return nil },
		mend: func(_ context.Context, l *load) error { l.proxies[l.c.Replicas()[0]].restore(); return nil },
	}, {
		name: "connections to a replica reset",
		harm: func(_ context.Context, l *load) error { l.proxies[l.c.Replicas()[0]].reset(); return nil },
	}, {
		name:    "replica lags",
		options: []string{"max_lag=500ms"},
		harm:    func(ctx context.Context, l *load) error { return l.c.Replicas()[0].PauseReplay(ctx) },
		mend:    func(ctx context.Context, l *load) error { return l.c.Replicas()[0].ResumeReplay(ctx) },
	}, {
		name:   "replay conflicts",
		engine: cluster.Postgres,
		harm:   provokeConflicts,
		mend:   endConflicts,
	}, {
		name: "all replicas killed",
		harm: func(ctx context.Context, l *load) error {
			return onReplicasDo(l, func(s *cluster.Server) error { return s.Kill(ctx) })
		},
		mend: func(ctx context.Context, l *load) error {
			return onReplicasDo(l, func(s *cluster.Server) error { return s.Start(ctx) })
		},
	}, {
		name: "one frozen, one killed",
		harm: func(ctx context.Context, l *load) error {
			if err := l.c.Replicas()[0].Freeze(ctx); err != nil {
				return err
			}
			return l.c.Replicas()[1].Kill(ctx)
		},
		mend: func(ctx context.Context, l *load) error {
			if err := l.c.Replicas()[0].Thaw(ctx); err != nil {
				return err
			}
			return l.c.Replicas()[1].Start(ctx)
		},
	}, {
		name:    "primary killed",
		primary: true,
		harm:    func(ctx context.Context, l *load) error { return l.c.Primary().Kill(ctx) },
		mend:    func(ctx context.Context, l *load) error { return l.c.Primary().Start(ctx) },
	}, {
		name:     "switched over",
		options:  []string{"roles=auto"},
		primary:  true,
		promotes: true,
		harm:     switchOver,
		mend:     followNew,
	}, {
		name:     "failed over",
		options:  []string{"roles=auto"},
		primary:  true,
		promotes: true,
		loses:    true,
		harm:     failOver,
	},
}

func onReplicasDo(l *load, do func(*cluster.Server) error) error {
	for _, s := range l.c.Replicas() {
		if err := do(s); err != nil {
			return err
		}
	}
	return nil
}

// TestFaults puts one server after the other, and several at once, out of
// order under steady traffic.
//
// Each fault is tried on one engine, in turns; RWSPLIT_FAULTS=all tries every
// fault on every engine, which takes minutes.
func TestFaults(t *testing.T) {
	everyFault := os.Getenv("RWSPLIT_FAULTS") == "all"
	if !everyFault {
		t.Log("each fault on one engine; RWSPLIT_FAULTS=all: on all of them")
	}
	var table faultTable
	t.Cleanup(func() { table.print(t) })
	t.Run("engines", func(t *testing.T) {
		for turn, e := range cluster.Engines() {
			t.Run(string(e), func(t *testing.T) {
				t.Parallel()
				c := cluster.Shared(t, e)
				require.NoError(t, c.LogStatements(bounded(t), false))
				for i := range faults {
					f := &faults[i]
					if f.engine != "" && f.engine != e || f.engine == "" && !everyFault && i%len(cluster.Engines()) != turn {
						continue
					}
					t.Run(strings.ReplaceAll(f.name, " ", "_"), func(t *testing.T) { runFault(t, c, f, &table) })
				}
			})
		}
	})
}

func runFault(t *testing.T, c *cluster.Cluster, f *fault, table *faultTable) {
	ctx := bounded(t)
	_, err := c.Primary().Admin().ExecContext(ctx, "DROP TABLE IF EXISTS "+writtenTable(c))
	require.NoError(t, err)
	require.NoError(t, c.WaitReplayed(ctx))
	l := startLoad(t, c, append([]string{"probe_interval=300ms", "probe_timeout=500ms"}, f.options...)...)
	l.makeTables(t)
	l.run(t)
	require.True(t, assertEventually(l.served(10), 30*time.Second), "replicas serve reads before anything goes wrong")

	old := c.Primary()
	if f.primary {
		l.trouble.Add(1)
	}
	require.NoError(t, f.harm(ctx, l))
	if f.promotes {
		require.Less(t, l.writesBack, 3*time.Second, "from the promotion to the first write")
		t.Logf("first write %v after the promotion", l.writesBack.Round(time.Millisecond))
	}
	time.Sleep(faultTime)
	if f.mend != nil {
		require.NoError(t, f.mend(ctx, l))
	}
	// Everybody serves reads again.
	healed := time.Now()
	back := f.loses || assertEventually(l.served(10), 30*time.Second)
	took := time.Since(healed)
	l.stop()
	if !f.loses {
		require.NoError(t, c.WaitReplayed(ctx))
	}

	a := l.audit(t, old, c.Primary())
	table.add(faultRow{c.Engine, f.name, &l.tally, a, took})
	samples := l.sampled()
	for _, s := range samples {
		t.Log(s)
	}
	require.True(t, back, "every replica serves reads again: %+v", l.connector.Stats().Backends)
	if f.loses {
		t.Logf("%d acknowledged writes were lost in the replication", a.lost)
		if a.lost > 0 {
			l.tally.stale.Store(0) // reads lack them too
		}
	} else {
		require.Zero(t, a.lost, "acknowledged writes lost")
	}
	require.Zero(t, a.doubled, "writes doubled")
	require.Zero(t, a.elsewhere, "writes on another server than the primary")
	require.Zero(t, l.tally.stale.Load(), "stale reads: %v", samples)
	if !f.loses {
		require.NoError(t, c.Errant(ctx))
	}
	if !f.primary {
		require.Zero(t, l.tally.queryFailed.Load(), "reads whose Query failed: %v", samples)
		require.Zero(t, l.tally.writesFailed.Load(), "writes failed: %v", samples)
		require.Less(t, time.Duration(l.tally.longest.Load()), 5*time.Second, "the longest read")
	}
}

// served reports, when it is asked again later, whether every replica has
// served so many statements more.
func (l *load) served(more uint64) func() bool {
	before := l.connector.Stats()
	return func() bool {
		st := l.connector.Stats()
		for i := range st.Backends {
			b := &st.Backends[i]
			if b.Role == rwsplit.RoleReplica && (!b.Up || b.Statements < before.Backends[i].Statements+more) {
				return false
			}
		}
		return true
	}
}

func (l *load) sampled() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for s, n := range l.samples {
		out = append(out, fmt.Sprintf("%dx %s", n, s))
	}
	sort.Strings(out)
	return out
}

func assertEventually(f func() bool, patience time.Duration) bool {
	for deadline := time.Now().Add(patience); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// writtenTable is the table as an administrator's session finds it that was
// opened before the database was made anew.
func writtenTable(c *cluster.Cluster) string {
	if c.Engine == cluster.Postgres {
		return "public.written"
	}
	return "shop.written"
}

// provokeConflicts has the standbys give up queries in favour of replay at
// once, and gives them something to replay that long queries are in the way of.
// https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT
func provokeConflicts(ctx context.Context, l *load) error {
	err := onReplicasDo(l, func(s *cluster.Server) error {
		return alter(ctx, s, "SET max_standby_streaming_delay = '5ms'")
	})
	if err != nil {
		return err
	}
	until := time.Now().Add(faultTime)
	primary := l.c.Primary().Admin()
	l.workers.Go(func() {
		for time.Now().Before(until) {
			_, _ = primary.ExecContext(ctx, "UPDATE written SET via = via WHERE number % 7 = 0")
			_, _ = primary.ExecContext(ctx, "VACUUM written")
			time.Sleep(10 * time.Millisecond)
		}
	})
	for w := range 4 {
		l.workers.Go(func() {
			for time.Now().Before(until) {
				l.readOld(func(ctx context.Context) (*sql.Rows, error) {
					return l.db.QueryContext(ctx,
						"SELECT COALESCE(max(number), 0) FROM written CROSS JOIN generate_series(1, 3000) AS g WHERE writer = $1 AND g > 0", w)
				})
			}
		})
	}
	return nil
}

func endConflicts(ctx context.Context, l *load) error {
	return onReplicasDo(l, func(s *cluster.Server) error { return alter(ctx, s, "RESET max_standby_streaming_delay") })
}

func alter(ctx context.Context, s *cluster.Server, what string) error {
	if _, err := s.Admin().ExecContext(ctx, "ALTER SYSTEM "+what); err != nil {
		return err
	}
	_, err := s.Admin().ExecContext(ctx, "SELECT pg_reload_conf()")
	return err
}

// faultTable collects what operations.md shows.
type faultTable struct {
	mu   sync.Mutex // protects rows
	rows []faultRow
}

type faultRow struct {
	engine cluster.Engine
	fault  string
	t      *tally
	a      audit
	back   time.Duration
}

func (f *faultTable) add(r faultRow) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows = append(f.rows, r)
}

func (f *faultTable) print(t *testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	b.WriteString("| engine | fault | reads | on replicas | failed | longest | broken rows | ro tx failed | writes | failed | longest | lost | doubled | on a replica | stale | all back after |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	ms := func(n int64) time.Duration { return time.Duration(n).Round(time.Millisecond) }
	for _, r := range f.rows {
		fmt.Fprintf(&b, "| %s | %s | %d | %d%% | %d | %v | %d | %d | %d | %d | %v | %d | %d | %d | %d | %v |\n",
			r.engine, r.fault, r.t.reads.Load(), 100*r.t.replica.Load()/max(r.t.reads.Load()+r.t.txs.Load(), 1), r.t.queryFailed.Load(), ms(r.t.longest.Load()), r.t.rowsFailed.Load(), r.t.txFailed.Load(),
			r.t.writes.Load(), r.t.writesFailed.Load(), ms(r.t.longestWrite.Load()),
			r.a.lost, r.a.doubled, r.a.elsewhere, r.t.stale.Load(), r.back.Round(10*time.Millisecond))
	}
	t.Log("\n" + b.String())
}
