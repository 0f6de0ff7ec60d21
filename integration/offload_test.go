package integration_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// offloadModes are what the table compares. The fixed pin is what users of
// other splitters have: after a write nothing goes to a replica for 5 s.
var offloadModes = []struct {
	name    string
	options []string
}{
	{"fixed pin of 5s", []string{"position=none", "sticky_for=5s"}},
	{"process", nil},
	{"process, wait=1s", []string{"wait=1s"}},
	{"session", []string{"consistency=session"}},
	{"session, wait=1s", []string{"consistency=session", "wait=1s"}},
	{"global", []string{"consistency=global"}},
	{"global, wait=1s", []string{"consistency=global", "wait=1s"}},
	{"eventual", []string{"consistency=eventual"}},
}

// cell is one measurement of the table.
type cell struct {
	share    float64 // of the reads that a replica served
	p50, p99 time.Duration
	reads    int
}

// measure lets eight workers make requests of ten statements, each in a session
// of its own, with 4 ms between two statements.
func measure(t *testing.T, a *app, writes int, d time.Duration) cell {
	t.Helper()
	ctx, cancel := context.WithTimeout(bounded(t), d)
	defer cancel()
	before := a.connector.Stats()
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	for w := range 8 {
		rnd := rand.New(rand.NewPCG(uint64(w), uint64(writes)))
		wg.Go(func() {
			var own []time.Duration
			for ctx.Err() == nil {
				session := rwsplit.WithSession(context.Background())
				for range 10 {
					if rnd.IntN(100) < writes {
						_, err := a.ExecContext(session, a.rebind("UPDATE offload SET n = n + 1 WHERE id = ?"), w)
						if err != nil {
							t.Error(err)
						}
					} else {
						var n int
						began := time.Now()
						err := a.QueryRowContext(session, a.rebind("SELECT n FROM offload WHERE id = ?"), w).Scan(&n)
						if err != nil {
							t.Error(err)
						}
						own = append(own, time.Since(began))
					}
					time.Sleep(4 * time.Millisecond)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
		})
	}
	wg.Wait()
	after := a.connector.Stats()
	slices.Sort(took)
	onReplicas := after.Reasons[rwsplit.ReasonRead] - before.Reasons[rwsplit.ReasonRead]
	n := len(took)
	require.Positive(t, n)
	return cell{float64(onReplicas) / float64(n), took[n/2], took[n*99/100], n}
}

// TestOffload prints what consistency costs: the share of the reads that
// replicas serve, and how long reads take. RWSPLIT_OFFLOAD sets the time for
// each cell (default 300ms, on MySQL and MariaDB for one mix only, since they
// delay by whole seconds).
//
//	RWSPLIT_OFFLOAD=5s go test -run TestOffload -v .
func TestOffload(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		each, mixes := 300*time.Millisecond, []int{1, 10, 50}
		if text := os.Getenv("RWSPLIT_OFFLOAD"); text != "" {
			var err error
			each, err = time.ParseDuration(text)
			require.NoError(t, err, "RWSPLIT_OFFLOAD")
		} else if c.Engine != cluster.Postgres {
			t.Log("measured with RWSPLIT_OFFLOAD=5s or so")
			return
		} else {
			mixes = []int{10}
		}
		delays := []time.Duration{5 * time.Millisecond, 500 * time.Millisecond}
		if c.Engine != cluster.Postgres {
			delays = []time.Duration{0, time.Second}
		}
		ctx := bounded(t)
		admin := open(t, c, "reads=primary")
		admin.exec("CREATE TABLE offload (id INT PRIMARY KEY, n INT NOT NULL)")
		for id := range 8 {
			admin.exec(admin.rebind("INSERT INTO offload (id, n) VALUES (?, 0)"), id)
		}
		require.NoError(t, c.LogStatements(ctx, false))

		var table strings.Builder
		shares := make(map[string]float64)
		for _, delay := range delays {
			require.NoError(t, c.Delay(ctx, delay))
			fmt.Fprintf(&table, "\n%s %s, replicas %v behind: share of reads on replicas, p50, p99\n", c.Engine, c.Version, delay)
			fmt.Fprintf(&table, "%-18s", "reads/writes")
			for _, writes := range mixes {
				fmt.Fprintf(&table, " | %-28s", fmt.Sprintf("%d/%d", 100-writes, writes))
			}
			table.WriteByte('\n')
			for _, mode := range offloadModes {
				fmt.Fprintf(&table, "%-18s", mode.name)
				for _, writes := range mixes {
					a := open(t, c, mode.options...)
					a.SetMaxIdleConns(8)
					if mode.options == nil || mode.options[0] != "position=none" {
						a.settle() // the fixed pin begins as it goes on
					}
					got := measure(t, a, writes, each)
					require.NoError(t, a.Close())
					shares[fmt.Sprint(mode.name, delay, writes)] = got.share
					fmt.Fprintf(&table, " | %5.1f%% %9v %9v", 100*got.share, got.p50.Round(10*time.Microsecond), got.p99.Round(10*time.Microsecond))
				}
				table.WriteByte('\n')
			}
		}
		t.Log(table.String())
		t.Log("A fixed pin holds back everybody who shares the sql.DB, also for its first 5s. Process level loses its offload when somebody writes more often than the replicas' delay: then none is ever known to have every write. Sessions wait for their own writes only.")
		for _, delay := range delays {
			require.Greater(t, shares[fmt.Sprint("session", delay, 10)], shares[fmt.Sprint("fixed pin of 5s", delay, 10)])
			require.Equal(t, 1.0, shares[fmt.Sprint("eventual", delay, 10)])
		}
	})
}

// TestTheTrackersCost counts, in the primary's own log, what rwsplit asks beside
// the application's statements.
func TestTheTrackersCost(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := newCounted(open(t, c))
		a.seesUntilReplica("before")
		mark := map[cluster.Engine]string{
			cluster.Postgres: "pg_current_wal_insert_lsn", cluster.MySQL: "gtid_executed", cluster.MariaDB: "gtid_binlog_pos",
		}[c.Engine]

		time.Sleep(time.Second)
		require.NoError(t, c.ClearStatements(ctx))
		const idle = 6 * time.Second
		time.Sleep(idle)
		all, err := c.Primary().Statements(ctx)
		require.NoError(t, err)
		perSecond := float64(len(all)) / idle.Seconds()
		require.Positive(t, len(all), "an idle tracker still looks, or the log is not read")
		require.LessOrEqual(t, perSecond, 2.5, "idle: %q", all)

		var costs []string
		for _, pause := range []time.Duration{0, 20 * time.Millisecond} {
			require.NoError(t, c.ClearStatements(ctx))
			const writes = 100
			began := time.Now()
			for range writes {
				a.write()
				time.Sleep(pause)
			}
			asked := counts(t, c.Primary(), mark)
			require.Positive(t, asked, "the position is asked for by another text: %q", mark)
			took := time.Since(began)
			perWrite := float64(asked) / writes
			costs = append(costs, fmt.Sprintf("%.2f with a write every %v", perWrite, (took/writes).Round(10*time.Microsecond)))
			require.LessOrEqual(t, perWrite, 2.5, "with %v between writes", pause)
		}
		t.Logf("%s: %.2f statements a second on the primary when idle; questions for each write: %s", c.Engine, perSecond, strings.Join(costs, ", "))
	})
}
