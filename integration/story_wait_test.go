package integration_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// Story 3, checkReplica: after saving, the caller waits until the replicas have
// the write, bounded in time and without polling for a row; or one service hands
// another a token, and that one's reads see the write.
func TestStoryCheckReplica(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := newCounted(open(t, c))
		b := &counted{app: open(t, c)}
		a.seesUntilReplica("before")
		b.seesUntilReplica("before")
		require.NoError(t, c.Delay(ctx, 2*time.Second))

		t.Run("wait", func(t *testing.T) {
			a.write()
			began := time.Now()
			require.NoError(t, rwsplit.WaitForReplicas(ctx, a.DB, rwsplit.All))
			took := time.Since(began)
			require.Greater(t, took, 900*time.Millisecond, "the replicas are two seconds behind")
			require.Less(t, took, 8*time.Second)
			for _, s := range c.Replicas() {
				require.Equal(t, fmt.Sprint(a.n), dialSession(t, c, s, false).text(readTally), "%s has the write", s.Name)
			}
			require.True(t, a.sees("right after the wait"), "the wait told the router, too")
		})

		t.Run("bounded", func(t *testing.T) {
			a.write()
			hasty, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			defer cancel()
			began := time.Now()
			err := rwsplit.WaitForReplicas(hasty, a.DB, rwsplit.All)
			require.Less(t, time.Since(began), time.Second)
			require.ErrorIs(t, err, rwsplit.ErrWaitTimeout)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Regexp(t, `0 of 2 have: replica1 is behind by \d+ms, replica2 is behind by \d+ms`, err.Error())
			require.NoError(t, rwsplit.WaitForReplicas(ctx, a.DB, 1))
		})

		t.Run("token", func(t *testing.T) {
			require.NoError(t, rwsplit.WaitForReplicas(ctx, a.DB, rwsplit.All))
			b.n = a.n
			b.seesUntilReplica("before")
			session := rwsplit.WithSession(ctx)
			_, err := a.ExecContext(session, a.rebind("UPDATE tally SET n = ? WHERE id = 1"), a.n+1)
			require.NoError(t, err)
			token, err := rwsplit.Token(session, a.DB)
			require.NoError(t, err)
			require.NotEmpty(t, token)

			n, replica := b.read(ctx)
			require.Equal(t, a.n, n, "without the token B knows nothing of the write")
			require.True(t, replica)
			a.n++
			request := rwsplit.WithToken(ctx, token)
			for deadline := time.Now().Add(waitLong); ; time.Sleep(10 * time.Millisecond) {
				n, replica = b.read(request)
				require.Equal(t, a.n, n, "with the token, on %s", b.last().Backend.Name)
				if replica {
					break // they have caught up
				}
				require.True(t, time.Now().Before(deadline))
			}

			// What can't be understood means the primary, at once and each time.
			raw, err := base64.RawURLEncoding.DecodeString(token)
			require.NoError(t, err)
			forged := append([]byte(nil), raw...)
			forged[len(forged)/2] ^= 0x40
			other := open(t, c, "cluster=another")
			foreign, err := rwsplit.Token(ctx, other.DB)
			require.NoError(t, err)
			for name, bad := range map[string]string{
				"truncated": token[:len(token)-2],
				"forged":    base64.RawURLEncoding.EncodeToString(forged),
				"foreign":   foreign,
				"nonsense":  "nonsense",
				"too long":  strings.Repeat("A", 10000),
			} {
				began := time.Now()
				n, replica := b.read(rwsplit.WithToken(ctx, bad))
				require.Equal(t, a.n, n, name)
				require.False(t, replica, name)
				require.Less(t, time.Since(began), time.Second, name)
			}
		})
	})
}

// A token of a write that this cluster will never have: the bearer reads from
// the primary, without a wait, whatever the wait is.
func TestATokenFromTheFutureMeansThePrimary(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := newCounted(open(t, c, "wait=200ms"))
		a.seesUntilReplica("before")
		// The primary's position, moved on.
		pos := dialSession(t, c, c.Primary(), false).primaryPosition().String()
		var future string
		switch c.Engine {
		case cluster.Postgres:
			future = pos[:strings.LastIndexByte(pos, ':')] + ":FF/0"
		case cluster.MySQL:
			future = strings.Split(pos, ",")[0]
			future = future[:strings.IndexByte(future, ':')] + ":1-99999999"
		case cluster.MariaDB:
			future = "0-1-99999999"
		}
		token := futureToken(t, c, future)
		for range 5 {
			began := time.Now()
			n, replica := a.read(rwsplit.WithToken(ctx, token))
			require.Equal(t, a.n, n)
			require.False(t, replica)
			require.Less(t, time.Since(began), time.Second, "the wait is bounded")
		}
		require.True(t, a.sees("without the token"))
	})
}

func TestAReadThatWaitsIsServedByAReplica(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := newCounted(open(t, c, "wait=8s"))
		a.seesUntilReplica("before")
		require.NoError(t, c.Delay(ctx, time.Second))
		for range 3 {
			a.write()
			require.True(t, a.sees("after a write"), "a replica served it when it had caught up")
		}
	})
}

func TestGlobalSeesWhatAnotherProcessWrote(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := newCounted(open(t, c))
		global := &counted{app: open(t, c, "consistency=global")}
		patient := &counted{app: open(t, c, "consistency=global", "wait=8s")}
		global.seesUntilReplica("before")
		patient.seesUntilReplica("before")
		require.NoError(t, c.Delay(ctx, 2*time.Second))
		for range 2 {
			a.write()
			global.n, patient.n = a.n, a.n
			require.False(t, global.sees("just written by another process"))
			require.True(t, patient.sees("just written by another process"))
		}
		require.NoError(t, c.Delay(ctx, 0))
		global.seesUntilReplica("replayed")
	})
}

func TestALaggingReplicaGetsNoReads(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		slow := c.Replicas()[0]
		writer := newCounted(open(t, c))
		a := open(t, c, "consistency=eventual", "max_lag=500ms", "probe_interval=50ms", "balance=round_robin")
		used := func(ctx context.Context) map[string]int {
			used := make(map[string]int)
			for range 10 {
				require.NoError(t, a.QueryRowContext(ctx, "SELECT 1").Scan(new(int)))
				used[a.last().Backend.Name]++
			}
			return used
		}
		require.Eventually(t, func() bool { return len(used(ctx)) == 2 }, waitLong, 20*time.Millisecond, "both serve")
		require.NoError(t, slow.PauseReplay(ctx))
		writer.write()
		var st rwsplit.Stats
		require.Eventually(t, func() bool {
			n := used(ctx)["replica1"]
			st = a.connector.Stats() // it may also be out for a moment since it is slow to answer
			return n == 0 && st.Backends[1].LagKnown && st.Backends[1].Lag > 500*time.Millisecond
		}, waitLong, 20*time.Millisecond, "it is taken out")
		require.Equal(t, map[string]int{"replica2": 10}, used(ctx))
		require.True(t, st.Backends[1].LagKnown)
		require.Greater(t, st.Backends[1].Lag, 400*time.Millisecond)
		require.NoError(t, slow.ResumeReplay(ctx))
		require.Eventually(t, func() bool { return used(ctx)["replica1"] > 0 }, waitLong, 20*time.Millisecond, "it is put back")

		// The same for one read, beyond what the configuration asks.
		b := open(t, c, "consistency=eventual", "probe_interval=50ms", "balance=round_robin")
		require.Eventually(t, func() bool {
			require.NoError(t, b.QueryRowContext(rwsplit.WithMaxLag(ctx, time.Second), "SELECT 1").Scan(new(int)))
			return b.last().Backend.Role == rwsplit.RoleReplica
		}, waitLong, 20*time.Millisecond)
		require.NoError(t, slow.PauseReplay(ctx))
		writer.write()
		require.Eventually(t, func() bool {
			for range 4 {
				require.NoError(t, b.QueryRowContext(rwsplit.WithMaxLag(ctx, 700*time.Millisecond), "SELECT 1").Scan(new(int)))
				if b.last().Backend.Name == "replica1" {
					return false
				}
			}
			return true
		}, waitLong, 50*time.Millisecond)
		require.NoError(t, slow.ResumeReplay(ctx))
	})
}

// Two processes begin with heartbeats at the same moment, on a cluster that has
// no table for them yet.
func TestTwoProcessesShareTheHeartbeat(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		writer := newCounted(open(t, c))
		const processes = 3
		var apps [processes]*counted
		for i := range apps {
			apps[i] = &counted{app: open(t, c, "position=heartbeat")}
		}
		var wg sync.WaitGroup
		for _, a := range apps {
			wg.Go(func() { _ = a.QueryRowContext(ctx, readTally).Scan(new(int64)) })
		}
		wg.Wait()
		for _, a := range apps {
			a.seesUntilReplica("with heartbeats")
		}
		require.NoError(t, c.Delay(ctx, 2*time.Second))
		for _, a := range apps {
			a.n = writer.n + 1
			a.exec(a.rebind("UPDATE tally SET n = ? WHERE id = 1"), a.n)
			require.False(t, a.sees("just written"))
			writer.n++
			a.seesUntilReplica("replayed")
		}
		require.Equal(t, "1", dialSession(t, c, c.Primary(), false).text("SELECT COUNT(*) FROM rwsplit_heartbeat"))
	})
}

// ahead is an engine whose primary claims a position that it never reaches.
type ahead struct {
	rwsplit.Dialect
	rwsplit.Positioner
	pos rwsplit.Position
}

func (ahead) Name() string { return "ahead" }

func (a ahead) PrimaryPosition(context.Context, rwsplit.PhysicalConn) (rwsplit.Position, error) {
	return a.pos, nil
}

// futureToken makes a token of a position.
func futureToken(t *testing.T, c *cluster.Cluster, position string) string {
	t.Helper()
	d, ok := rwsplit.DialectByName(string(c.Engine))
	require.True(t, ok)
	a := ahead{Dialect: d, Positioner: d.(rwsplit.Positioner)}
	var err error
	a.pos, err = a.ParsePosition(position)
	require.NoError(t, err)
	name := fmt.Sprintf("ahead-%s-%d", c.Engine, time.Now().UnixNano())
	rwsplit.RegisterDialect(name, a)

	base, err := sql.Open(c.Engine.DriverName(), c.Primary().AppDSN())
	require.NoError(t, err)
	defer base.Close()
	primary, err := base.Driver().(driver.DriverContext).OpenConnector(c.Primary().AppDSN())
	require.NoError(t, err)
	connector, err := rwsplit.NewConnector(&rwsplit.Config{
		Driver: name, PrimaryConnector: primary, ReplicaConnectors: []driver.Connector{primary},
	})
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	defer db.Close()
	token, err := rwsplit.Token(t.Context(), db)
	require.NoError(t, err)
	require.NotEmpty(t, token)
	return token
}
