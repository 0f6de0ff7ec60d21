package integration_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// counted is an application with one counter.
type counted struct {
	*app
	n int64 // what was written last
}

func newCounted(a *app) *counted {
	a.t.Helper()
	c := &counted{app: a}
	a.exec("CREATE TABLE tally (id INT PRIMARY KEY, n BIGINT NOT NULL)")
	a.exec("INSERT INTO tally (id, n) VALUES (1, 0)")
	require.NoError(a.t, a.c.WaitReplayed(bounded(a.t)))
	return c
}

// write raises the counter.
func (c *counted) write() {
	c.t.Helper()
	c.n++
	c.exec(c.rebind("UPDATE tally SET n = ? WHERE id = 1"), c.n)
}

const readTally = "SELECT n FROM tally WHERE id = 1"

// read returns the counter, and whether a replica said so.
func (c *counted) read(ctx context.Context) (n int64, replica bool) {
	c.t.Helper()
	require.NoError(c.t, c.QueryRowContext(ctx, readTally).Scan(&n))
	return n, c.last().Backend.Role == rwsplit.RoleReplica
}

// sees fails the test if a read misses what was written.
func (c *counted) sees(what string) (replica bool) {
	c.t.Helper()
	n, replica := c.read(bounded(c.t))
	require.Equal(c.t, c.n, n, "%s: read on %s (%v)", what, c.last().Backend.Name, c.last().Reason)
	return replica
}

// seesFor reads for a while; it returns how often replicas served.
func (c *counted) seesFor(d time.Duration, what string) (replicas int) {
	c.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if c.sees(what) {
			replicas++
		}
	}
	return replicas
}

// seesUntilReplica reads until a replica serves.
func (c *counted) seesUntilReplica(what string) {
	c.t.Helper()
	for deadline := time.Now().Add(waitLong); !c.sees(what); time.Sleep(time.Millisecond) {
		require.True(c.t, time.Now().Before(deadline), "%s: no replica serves: %+v", what, c.connector.Stats())
	}
}

// The rows of a RETURNING come before its commit, which takes a while; the
// connection is kept, and the reads are elsewhere.
func TestReturningThatCommitsLate(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := newCounted(open(t, c))
		a.exec("CREATE TABLE slow (id INT PRIMARY KEY, pad TEXT)")
		// Each row is more than the server buffers, and takes a while.
		query := "INSERT INTO slow (id, pad) VALUES (?, 'x')" // MySQL has no RETURNING
		switch c.Engine {
		case cluster.Postgres:
			query = "INSERT INTO slow (id, pad) SELECT ? + i, 'x' FROM generate_series(0, 9) AS i RETURNING id, repeat('x', 40000), pg_sleep(0.03)"
		case cluster.MariaDB:
			query = "INSERT INTO slow (id, pad) SELECT ? + seq, 'x' FROM seq_0_to_9 RETURNING id, REPEAT('x', 40000), SLEEP(0.03)"
		}
		a.seesUntilReplica("before")
		require.NoError(t, c.Delay(ctx, 2*time.Second))
		for round := 1; round <= 3; round++ {
			conn, err := a.Conn(ctx)
			require.NoError(t, err)
			rows, err := conn.QueryContext(ctx, a.rebind(query), round*10)
			require.NoError(t, err)
			rows.Next()
			for range 5 {
				a.sees("beside open rows")
			}
			for rows.Next() {
			}
			require.NoError(t, errors.Join(rows.Err(), rows.Close()))
			found := func() (replica bool) {
				var n int
				require.NoError(t, a.QueryRowContext(ctx, a.rebind("SELECT COUNT(*) FROM slow WHERE id = ?"), round*10).Scan(&n))
				require.Equal(t, 1, n, "round %d: read on %s (%v)", round, a.last().Backend.Name, a.last().Reason)
				return a.last().Backend.Role == rwsplit.RoleReplica
			}
			for range 5 {
				require.False(t, found(), "no replica can have it yet")
			}
			require.NoError(t, conn.Close())
			require.Eventually(t, found, waitLong, 5*time.Millisecond)
		}
	})
}

// A replica that is killed may come back with less than it has shown.
func TestReadsTheMomentAKilledReplicaIsBack(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := newCounted(open(t, c, "probe_interval=500ms"))
		one, other := c.Replicas()[0], c.Replicas()[1]
		require.NoError(t, other.Stop(ctx))
		for round := range 2 {
			for range 20 {
				a.write()
			}
			a.seesUntilReplica("before the kill")
			// What it replays after its start it replays late.
			require.NoError(t, one.Delay(ctx, time.Second))
			require.NoError(t, one.Kill(ctx))
			started := make(chan error, 1)
			go func() { started <- one.Start(ctx) }()
			for running := true; running; {
				select {
				case err := <-started:
					require.NoError(t, err)
					running = false
				default:
				}
				a.sees(fmt.Sprintf("round %d, while it starts", round))
			}
			a.seesFor(time.Second, fmt.Sprintf("round %d, when it is back", round))
			require.NoError(t, one.Delay(ctx, 0))
			a.seesUntilReplica("when it has caught up")
		}
	})
}

func TestWritesWithAutocommitOff(t *testing.T) {
	for _, e := range []cluster.Engine{cluster.MySQL, cluster.MariaDB} {
		t.Run(string(e), func(t *testing.T) {
			c := cluster.Shared(t, e)
			ctx := bounded(t)
			newCounted(open(t, c))
			a := &counted{app: openWith(t, c, func(cfg *rwsplit.Config) {
				cfg.Primary += "&autocommit=0"
				for i := range cfg.Replicas {
					cfg.Replicas[i] += "&autocommit=0"
				}
			})}
			a.SetMaxIdleConns(-1) // a primary's connection keeps its snapshot
			require.NoError(t, c.Delay(ctx, time.Second))
			update := func(conn *sql.Conn) {
				a.n++
				_, err := conn.ExecContext(ctx, "UPDATE tally SET n = ? WHERE id = 1", a.n)
				require.NoError(t, err)
			}
			for range 2 {
				conn, err := a.Conn(ctx)
				require.NoError(t, err)
				update(conn)
				n, _ := a.read(ctx)
				require.Equal(t, a.n-1, n, "nothing is committed")
				_, err = conn.ExecContext(ctx, "COMMIT")
				require.NoError(t, err)
				a.sees("COMMIT")
				update(conn)
				tx, err := conn.BeginTx(ctx, nil)
				require.NoError(t, err)
				a.sees("BEGIN commits")
				require.NoError(t, tx.Rollback())
				update(conn)
				_, err = conn.ExecContext(ctx, "SET autocommit = 1")
				require.NoError(t, err)
				a.sees("SET autocommit = 1 commits")
				require.NoError(t, conn.Close())
				// What BEGIN and SET committed has its number, so it is waited for.
				require.NoError(t, rwsplit.WaitForReplicas(ctx, a.DB, rwsplit.All))
				for _, s := range c.Replicas() {
					require.NoError(t, s.Admin().QueryRowContext(ctx, "SELECT n FROM shop.tally WHERE id = 1").Scan(&n))
					require.Equal(t, a.n, n, s.Name)
				}
			}
		})
	}
}

// A statement that the client gave up may be executed all the same, later.
func TestAWriteThatTimedOutLandsLater(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := newCounted(open(t, c, "sticky_for=4s"))
		a.seesUntilReplica("before")
		require.NoError(t, c.Delay(ctx, 2*time.Second))
		slow := "UPDATE tally SET n = n + 1 + SLEEP(1) WHERE id = 1"
		if c.Engine == cluster.Postgres {
			slow = "UPDATE tally SET n = n + 1 WHERE id = 1 AND pg_sleep(1) IS NOT NULL"
		}
		hasty, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		_, err := a.ExecContext(hasty, slow)
		require.Error(t, err)
		began, landed := time.Now(), time.Duration(0)
		for time.Since(began) < 3500*time.Millisecond {
			var there int64
			require.NoError(t, c.Primary().Admin().QueryRowContext(ctx, strings.Replace(readTally, "tally", qualified(c, "tally"), 1)).Scan(&there))
			if there > 0 && landed == 0 {
				landed = time.Since(began)
			}
			n, replica := a.read(ctx)
			require.GreaterOrEqual(t, n, there, "on %s", a.last().Backend.Name)
			require.False(t, replica, "it may still land")
			time.Sleep(10 * time.Millisecond)
		}
		t.Logf("%s: landed after %v (0: the server ended it)", c.Engine, landed)
	})
}

// qualified names a table of the application for the administrator.
func qualified(c *cluster.Cluster, table string) string {
	if c.Engine == cluster.Postgres {
		return table
	}
	return "shop." + table
}

func TestAProcessThatStartsWhileReplicasAreBehind(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		for _, level := range []string{"session", "process", "global"} {
			t.Run(level, func(t *testing.T) {
				ctx := bounded(t)
				before := open(t, c)
				before.exec("DROP TABLE IF EXISTS tally")
				writer := newCounted(before)
				require.NoError(t, c.PauseReplay(ctx))
				writer.write()
				fresh := &counted{app: open(t, c, "consistency="+level), n: writer.n}
				for range 50 {
					require.False(t, fresh.sees("just started"))
				}
				require.NoError(t, c.ResumeReplay(ctx))
				fresh.seesUntilReplica("replayed")
			})
		}
	})
}

// relay is a TCP proxy that leads each connection to the next of its targets.
type relay struct {
	net.Listener
	n       atomic.Int64
	mu      sync.Mutex // protects following fields
	targets []string
	open    []net.Conn
}

func newRelay(t *testing.T, targets ...string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &relay{Listener: l, targets: targets}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { r.pass(client) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); r.cut(); wg.Wait() })
	return r
}

func (r *relay) pass(client net.Conn) {
	r.mu.Lock()
	target := r.targets[int(r.n.Add(1))%len(r.targets)]
	r.mu.Unlock()
	server, err := net.Dial("tcp", target)
	if err != nil {
		_ = client.Close()
		return
	}
	r.mu.Lock()
	r.open = append(r.open, client, server)
	r.mu.Unlock()
	go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
	_, _ = io.Copy(client, server)
	_ = client.Close()
}

// lead changes where new connections lead.
func (r *relay) lead(targets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.targets = targets
}

// cut ends all connections.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.open {
		_ = c.Close()
	}
	r.open = nil
}

// through is the server's DSN by way of the relay.
func (r *relay) through(s *cluster.Server) string {
	return strings.Replace(s.AppDSN(), s.Addr(), r.Addr().String(), 1)
}

// One DSN leads to two servers, of which one is behind.
func TestOneDSNThatLeadsToTwoServers(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		behind, ahead := c.Replicas()[0], c.Replicas()[1]
		r := newRelay(t, behind.Addr(), ahead.Addr())
		a := newCounted(openWith(t, c, func(cfg *rwsplit.Config) { cfg.Replicas = []string{r.through(ahead)} }))
		a.SetConnMaxLifetime(20 * time.Millisecond) // so that it dials often
		a.seesUntilReplica("before")
		require.NoError(t, behind.Delay(ctx, 2*time.Second))
		replicas := 0
		for range 10 {
			a.write()
			replicas += a.seesFor(100*time.Millisecond, "one of the two is behind")
		}
		session := rwsplit.WithSession(ctx)
		newest := int64(0)
		for range 100 {
			a.write()
			n, _ := a.read(rwsplit.WithReplica(ctx))
			_ = n // as old as it likes
			m, _ := a.read(session)
			require.GreaterOrEqual(t, m, newest, "the session went back in time")
			newest = m
		}
		require.NoError(t, behind.Delay(ctx, 0))
		a.seesUntilReplica("both have it")
		t.Logf("%d reads on replicas while one was behind", replicas)
	})
}

// After a promotion the DSNs lead to the new servers. Roles are static: the
// names of the backends stay, the servers behind them change.
func TestAPromotionBehindTheDSNs(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		old, promoted, follower := c.Primary(), c.Replicas()[0], c.Replicas()[1]
		primary, replica := newRelay(t, old.Addr()), newRelay(t, promoted.Addr())
		a := newCounted(openWith(t, c, func(cfg *rwsplit.Config) {
			cfg.Primary = primary.through(old)
			cfg.Replicas = []string{replica.through(promoted)}
		}))
		a.write()
		a.seesUntilReplica("before")
		session := rwsplit.WithSession(ctx)
		_, err := a.ExecContext(session, "UPDATE tally SET n = n + 0 WHERE id = 1")
		require.NoError(t, err)
		token, err := rwsplit.Token(session, a.DB)
		require.NoError(t, err)
		require.NoError(t, c.WaitReplayed(ctx))

		require.NoError(t, old.Stop(ctx))
		require.NoError(t, c.Promote(ctx, promoted))
		require.NoError(t, c.Follow(ctx, follower))
		primary.lead(promoted.Addr())
		replica.lead(follower.Addr())
		primary.cut()
		// The follower is behind, and connections to the promoted server, by the
		// replica's name, live on for a while.
		require.NoError(t, follower.Delay(ctx, time.Second))
		for round := range 5 {
			// A connection that broke while it was idle costs a write at most.
			a.n++
			for range 3 {
				if _, err = a.ExecContext(ctx, a.rebind("UPDATE tally SET n = ? WHERE id = 1"), a.n); err == nil {
					break
				}
			}
			require.NoError(t, err)
			a.seesFor(150*time.Millisecond, fmt.Sprintf("round %d after the promotion", round))
			n, _ := a.read(rwsplit.WithToken(ctx, token))
			require.Equal(t, a.n, n, "with a token of before")
			if round == 2 {
				replica.cut()
			}
		}
	})
}
