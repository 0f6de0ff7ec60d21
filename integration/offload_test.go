package integration_test

import (
	"context"
	"fmt"
	"math/rand/v2"
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

// offloadTime is RWSPLIT_OFFLOAD, 0 if it is not set.
func offloadTime(t *testing.T) time.Duration {
	t.Helper()
	return envTime(t, "RWSPLIT_OFFLOAD", 0)
}

// TestOffload prints what consistency costs: the share of the reads that
// replicas serve, and how long reads take. RWSPLIT_OFFLOAD sets the time for
// each cell; without it they are short, and there is one mix, on PostgreSQL.
//
//	RWSPLIT_OFFLOAD=5s go test -run TestOffload -v .
func TestOffload(t *testing.T) {
	each, mixes, engines := offloadTime(t), []int{1, 10, 50}, cluster.Engines()
	if each == 0 {
		each, mixes, engines = 300*time.Millisecond, []int{10}, []cluster.Engine{cluster.Postgres}
	}
	cluster.On(t, engines, func(t *testing.T, c *cluster.Cluster) {
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
