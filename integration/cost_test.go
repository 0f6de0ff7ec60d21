package integration_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// positionQuestion is a part of what the tracker asks a primary, and a replica.
func positionQuestion(e cluster.Engine) (primary, replica string) {
	switch e {
	case cluster.Postgres:
		return "pg_current_wal_insert_lsn", "pg_last_wal_replay_lsn"
	case cluster.MySQL:
		return "gtid_executed", "gtid_executed"
	default:
		return "gtid_binlog_pos", "gtid_slave_pos"
	}
}

// TestTheTrackersCost counts, in the primary's own log, what rwsplit asks beside
// the application's statements.
func TestTheTrackersCost(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := newCounted(open(t, c))
		a.seesUntilReplica("before")
		mark, _ := positionQuestion(c.Engine)

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

// TestSteadyWritesCostThePrimaryLittle counts, in the servers' own logs, what
// the tracker asks while the application writes at a steady rate, and how many
// of its reads replicas serve meanwhile. RWSPLIT_OFFLOAD sets the time for each
// row (default 1s).
func TestSteadyWritesCostThePrimaryLittle(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		delays := []time.Duration{5 * time.Millisecond, 500 * time.Millisecond}
		if c.Engine != cluster.Postgres {
			delays = []time.Duration{0, time.Second}
		}
		admin := open(t, c, "reads=primary")
		admin.exec("CREATE TABLE steady (id INT PRIMARY KEY, n INT NOT NULL)")
		for id := range steadyWriters {
			admin.exec(admin.rebind("INSERT INTO steady (id, n) VALUES (?, 0)"), id)
		}
		require.NoError(t, admin.Close())
		onPrimary, onReplica := positionQuestion(c.Engine)
		var table strings.Builder
		fmt.Fprintf(&table, "\n%s %s\nreplicas behind | writes/s | questions/s to the primary | to a replica | reads on replicas\n", c.Engine, c.Version)
		for _, delay := range delays {
			require.NoError(t, c.Delay(ctx, delay))
			for _, rate := range []int{10, 100, 1000} {
				a := open(t, c)
				a.SetMaxIdleConns(2 * steadyWriters)
				a.settle()
				require.NoError(t, c.ClearStatements(ctx))
				before := a.connector.Stats()
				took := a.writeSteadily(rate, max(offloadTime(t), time.Second))
				after := a.connector.Stats()
				writes := float64(after.Writes-before.Writes) / took.Seconds()
				asks := float64(counts(t, c.Primary(), onPrimary)) / took.Seconds()
				looks := float64(counts(t, c.Replicas()[0], onReplica)) / took.Seconds()
				served := float64(after.Reasons[rwsplit.ReasonRead] - before.Reasons[rwsplit.ReasonRead])
				late := float64(after.Reasons[rwsplit.ReasonNotCaughtUp] - before.Reasons[rwsplit.ReasonNotCaughtUp])
				require.Positive(t, served+late)
				fmt.Fprintf(&table, "%15v | %8.0f | %26.0f | %12.0f | %16.1f%%\n", delay, writes, asks, looks, 100*served/(served+late))
				require.NoError(t, a.Close())
				require.Positive(t, asks)
				require.LessOrEqual(t, asks, 1100.0, "not more than one in a millisecond")
				if delay >= 500*time.Millisecond {
					require.LessOrEqual(t, asks, 100.0, "what replicas need long for is not asked often")
				}
			}
		}
		t.Log(table.String())
	})
}

const steadyWriters = 16

// writeSteadily writes so often in a second, as far as the primary can, and
// reads beside that.
func (a *app) writeSteadily(rate int, d time.Duration) time.Duration {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(bounded(a.t), d)
	defer cancel()
	write, read := a.rebind("UPDATE steady SET n = n + 1 WHERE id = ?"), a.rebind("SELECT n FROM steady WHERE id = ?")
	each := func(every time.Duration, do func() error) {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if err := do(); err != nil {
				a.t.Error(err)
				return
			}
		}
	}
	began := time.Now()
	var wg sync.WaitGroup
	writers := min(steadyWriters, rate/10)
	for id := range writers {
		wg.Go(func() {
			time.Sleep(time.Duration(id) * time.Second / time.Duration(rate)) // not all at once
			each(time.Duration(writers)*time.Second/time.Duration(rate), func() error {
				_, err := a.ExecContext(context.Background(), write, id)
				return err
			})
		})
		wg.Go(func() {
			each(20*time.Millisecond, func() error {
				var n int
				return a.QueryRowContext(context.Background(), read, id).Scan(&n)
			})
		})
	}
	wg.Wait()
	return time.Since(began)
}
