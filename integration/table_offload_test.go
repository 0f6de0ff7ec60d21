package integration_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

const offloadTables = 20

// knowsTables waits until the schema has been read.
func (a *app) knowsTables() {
	a.t.Helper()
	a.settle()
	require.Eventually(a.t, func() bool { return a.connector.Stats().Tracking == rwsplit.TrackingTable },
		waitLong, 5*time.Millisecond, "the schema is not read")
	a.settle()
}

// measureTables lets eight workers read one or two tables with 4 ms between
// two reads, beside so many writes a second to tables at random. It returns the
// share of the reads that replicas served, and how many there were.
func measureTables(t *testing.T, a *app, perSecond int, d time.Duration) (share float64, reads int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(bounded(t), d)
	defer cancel()
	before := a.connector.Stats()
	pick := func(rnd *rand.Rand) string { return fmt.Sprintf("offload%d", rnd.IntN(offloadTables)) }
	var wg sync.WaitGroup
	wg.Go(func() {
		rnd := rand.New(rand.NewPCG(1, uint64(perSecond)))
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if _, err := a.ExecContext(context.Background(), "UPDATE "+pick(rnd)+" SET n = n + 1 WHERE id = 1"); err != nil {
				t.Error(err)
			}
		}
	})
	for w := range 8 {
		rnd := rand.New(rand.NewPCG(uint64(w), uint64(perSecond)))
		wg.Go(func() {
			for ctx.Err() == nil {
				query := "SELECT n FROM " + pick(rnd) + " WHERE id = 1"
				if rnd.IntN(2) == 0 {
					query = "SELECT x.n FROM " + pick(rnd) + " x JOIN " + pick(rnd) + " y ON x.id = y.id WHERE x.id = 1"
				}
				var n int
				if err := a.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
					t.Error(err)
				}
				time.Sleep(4 * time.Millisecond)
			}
		})
	}
	wg.Wait()
	after := a.connector.Stats()
	served := after.Reasons[rwsplit.ReasonRead] - before.Reasons[rwsplit.ReasonRead]
	reads = int(served + after.Reasons[rwsplit.ReasonNotCaughtUp] - before.Reasons[rwsplit.ReasonNotCaughtUp])
	require.Positive(t, reads)
	return float64(served) / float64(reads), reads
}

// TestOffloadByTable prints the share of the reads that replicas serve with one
// number for the whole database, and with one for each table. RWSPLIT_OFFLOAD
// sets the time for each cell; without it there are two on PostgreSQL.
//
//	RWSPLIT_OFFLOAD=5s go test -run TestOffloadByTable -v .
func TestOffloadByTable(t *testing.T) {
	each, engines := offloadTime(t), cluster.Engines()
	long := each > 0
	if !long {
		each, engines = time.Second, []cluster.Engine{cluster.Postgres}
	}
	cluster.On(t, engines, func(t *testing.T, c *cluster.Cluster) {
		rates := []int{10, 100, 500}
		delays := []time.Duration{5 * time.Millisecond, 100 * time.Millisecond}
		if c.Engine != cluster.Postgres {
			delays = []time.Duration{0, time.Second} // they delay by whole seconds
		}
		if !long {
			rates, delays = rates[1:2], delays[:1]
		}
		ctx := bounded(t)
		admin := open(t, c, "reads=primary")
		for i := range offloadTables {
			admin.exec(fmt.Sprintf("CREATE TABLE offload%d (id INT PRIMARY KEY, n INT NOT NULL)", i))
			admin.exec(fmt.Sprintf("INSERT INTO offload%d (id, n) VALUES (1, 0)", i))
		}
		require.NoError(t, c.LogStatements(ctx, false))

		var table strings.Builder
		for _, delay := range delays {
			require.NoError(t, c.Delay(ctx, delay))
			fmt.Fprintf(&table, "\n%s %s, replicas %v behind, %d tables: share of reads on replicas\n", c.Engine, c.Version, delay, offloadTables)
			fmt.Fprintf(&table, "%-18s | %-8s | %-8s | reads\n", "writes a second", "database", "table")
			for _, rate := range rates {
				// In turns, so that both meet the same noise.
				var share [2]float64
				var total int
				for i, tracking := range []string{"tracking=database", "tracking=table"} {
					a := open(t, c, tracking)
					a.SetMaxIdleConns(16)
					if a.settle(); i == 1 {
						a.knowsTables()
					}
					var n int
					share[i], n = measureTables(t, a, rate, each)
					total += n
					require.NoError(t, a.Close())
				}
				fmt.Fprintf(&table, "%-18d | %7.1f%% | %7.1f%% | %d\n", rate, 100*share[0], 100*share[1], total)
				if rate == 100 && delay == delays[0] {
					require.Greater(t, share[1], share[0], "%s", table.String())
					if long && c.Engine == cluster.Postgres {
						// 85% and more on a machine that has nothing else to do.
						require.Greater(t, share[1], 0.7, "%s", table.String())
					}
				}
			}
		}
		t.Log(table.String())
	})
}
