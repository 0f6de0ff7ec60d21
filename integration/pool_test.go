package integration_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// census counts the physical connections to each backend from the return of
// Connect to the return of Close.
type census struct {
	mu   sync.Mutex // protects following fields
	open map[string]int
	most map[string]int
	made map[string]int
}

func newCensus() *census {
	return &census{open: make(map[string]int), most: make(map[string]int), made: make(map[string]int)}
}

func (c *census) wrap(b rwsplit.Backend, base driver.Connector) driver.Connector {
	return censusConnector{base, c, b.Name}
}

func (c *census) add(name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[name] += n
	c.most[name] = max(c.most[name], c.open[name])
	if n > 0 {
		c.made[name] += n
	}
}

func (c *census) get(name string) (open, most, made int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open[name], c.most[name], c.made[name]
}

type censusConnector struct {
	driver.Connector
	c    *census
	name string
}

// baseConn is what both base drivers' connections have.
type baseConn interface {
	driver.Conn
	driver.Pinger
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.SessionResetter
	driver.NamedValueChecker
}

func (c censusConnector) Connect(ctx context.Context) (driver.Conn, error) {
	// It counts from before it is made: a server sees it from then on.
	c.c.add(c.name, 1)
	ci, err := c.Connector.Connect(ctx)
	if err != nil {
		c.c.add(c.name, -1)
		return nil, err
	}
	counted := &censusConn{baseConn: ci.(baseConn), c: c.c, name: c.name}
	if v, ok := ci.(driver.Validator); ok {
		return struct {
			*censusConn
			driver.Validator
		}{counted, v}, nil
	}
	return counted, nil
}

type censusConn struct {
	baseConn
	c    *census
	name string
	once sync.Once
}

func (c *censusConn) BaseConn() driver.Conn { return c.baseConn }

func (c *censusConn) Close() error {
	err := c.baseConn.Close()
	c.once.Do(func() { c.c.add(c.name, -1) })
	return err
}

// ours returns the stacks of goroutines that run code of the driver.
func ours() []string {
	buf := make([]byte, 4<<20)
	var found []string
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "github.com/rwsplit/rwsplit.") {
			found = append(found, g)
		}
	}
	return found
}

// The knobs of the pool bound each backend: never more physical connections
// to one than the pool may have, and none is left when they are to go.
func TestThePoolsKnobsBoundEachBackend(t *testing.T) {
	const (
		workers = 32
		limit   = 8
	)
	cluster.EachAlone(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		for _, level := range []rwsplit.Consistency{rwsplit.Eventual, rwsplit.Process} {
			t.Run(string(level), func(t *testing.T) {
				require.Eventually(t, func() bool { return len(ours()) == 0 }, waitLong, 5*time.Millisecond, "%s", ours())
				// The tracker has a connection of its own to each backend, and the
				// reader of the catalog one to the primary, which is off here.
				own := 1
				if level == rwsplit.Eventual {
					own = 0
				}
				n := newCensus()
				a := openWith(t, c, func(cfg *rwsplit.Config) { cfg.WrapConnector = n.wrap }, "consistency="+string(level), "catalog=off")
				a.SetMaxOpenConns(limit)
				a.SetMaxIdleConns(limit)
				a.exec("DROP TABLE IF EXISTS shop_item")
				a.stock()
				a.settle()

				load := func(rounds int) {
					var wg sync.WaitGroup
					for w := range workers {
						wg.Go(func() {
							for i := range rounds {
								if err := a.mixed(ctx, w, i); err != nil {
									t.Errorf("worker %d: %v", w, err)
									return
								}
							}
						})
					}
					wg.Wait()
				}
				// By the servers' own count, while it runs.
				stop, sampled := make(chan struct{}), make(chan map[string]int)
				go func() {
					most := make(map[string]int)
					defer func() { sampled <- most }()
					for {
						for _, s := range c.Servers() {
							if got, err := s.Connections(ctx); err == nil {
								most[s.Name] = max(most[s.Name], got)
							}
						}
						select {
						case <-stop:
							return
						case <-time.After(10 * time.Millisecond):
						}
					}
				}()
				load(15)
				close(stop)
				most := <-sampled
				for _, s := range c.Servers() {
					_, counted, _ := n.get(s.Name)
					require.LessOrEqual(t, counted, limit+own, "%s", s.Name)
					require.LessOrEqual(t, most[s.Name], limit+own, "%s, by its own count", s.Name)
					require.Positive(t, counted, s.Name)
				}

				// Connections that live shortly, over and over.
				a.SetConnMaxLifetime(20 * time.Millisecond)
				load(6)
				for _, s := range c.Servers() {
					_, counted, made := n.get(s.Name)
					require.LessOrEqual(t, counted, limit+own, "%s with ConnMaxLifetime", s.Name)
					require.Greater(t, made, limit+own, "%s: connections were replaced", s.Name)
				}
				left := func(name string, want int) {
					t.Helper()
					require.Eventually(t, func() bool { open, _, _ := n.get(name); return open == want },
						waitLong, 5*time.Millisecond, "connections of %s", name)
				}
				for _, s := range c.Servers() {
					left(s.Name, own)
				}
				require.Eventually(t, func() bool { return a.Stats().OpenConnections == 0 }, waitLong, 5*time.Millisecond)

				// Close leaves none, and nothing that runs.
				a.SetConnMaxLifetime(0)
				load(2)
				require.NoError(t, a.Close())
				for _, s := range c.Servers() {
					left(s.Name, 0)
					require.Eventually(t, func() bool {
						got, err := s.Connections(ctx)
						return err == nil && got == 0
					}, waitLong, 5*time.Millisecond, "%s, by its own count", s.Name)
				}
				require.Eventually(t, func() bool { return len(ours()) == 0 }, waitLong, 5*time.Millisecond, "%s", ours())
			})
		}
	})
}

// mixed does a little of everything.
func (a *app) mixed(ctx context.Context, w, i int) error {
	switch (w + i) % 4 {
	case 0:
		_, err := a.ExecContext(ctx, fmt.Sprintf("UPDATE shop_item SET name = 'w%d' WHERE id = 1", w))
		return err
	case 1:
		tx, err := a.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM shop_item").Scan(new(int)); err != nil {
			return err
		}
		return tx.Commit()
	case 2:
		return a.QueryRowContext(rwsplit.WithReplica(ctx), a.rebind("SELECT COUNT(*) FROM shop_item WHERE id = ?"), 1).Scan(new(int))
	default:
		return a.QueryRowContext(ctx, "SELECT COUNT(*) FROM shop_item").Scan(new(int))
	}
}

// A connection that was idle for too long is closed on every backend.
func TestConnMaxIdleTimeLeavesNone(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		n := newCensus()
		a := openWith(t, c, func(cfg *rwsplit.Config) { cfg.WrapConnector = n.wrap }, "consistency=eventual", "balance=round_robin")
		a.SetConnMaxIdleTime(50 * time.Millisecond)
		a.stock()
		for range 4 {
			a.name(ctx, a, "idle", 1)
		}
		for _, s := range c.Servers() {
			_, most, _ := n.get(s.Name)
			require.Equal(t, 1, most, s.Name)
		}
		for _, s := range c.Servers() {
			require.Eventually(t, func() bool { open, _, _ := n.get(s.Name); return open == 0 }, waitLong, 5*time.Millisecond, s.Name)
		}
		require.Equal(t, "first", a.name(ctx, a, "again", 1))
	})
}
