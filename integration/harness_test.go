package integration_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
	_ "github.com/rwsplit/rwsplit/rwmysql"
	_ "github.com/rwsplit/rwsplit/rwpgx"
)

// app is the application under test: a sql.DB through rwsplit, and what it
// decided.
type app struct {
	*sql.DB
	t *testing.T
	c *cluster.Cluster

	connector *rwsplit.Connector
	mu        sync.Mutex // protects following fields
	decisions []rwsplit.Decision
	forgotten int // decisions that were dropped
}

// envTime returns the duration in the environment variable name, such as 30m,
// or otherwise if it is not set.
func envTime(t *testing.T, name string, otherwise time.Duration) time.Duration {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err, name)
	return d
}

// bounded returns a context that ends a hanging test.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// open opens the cluster through rwsplit; options are DSN keys and values.
func open(t *testing.T, c *cluster.Cluster, options ...string) *app {
	t.Helper()
	return openWith(t, c, nil, options...)
}

func openWith(t *testing.T, c *cluster.Cluster, change func(*rwsplit.Config), options ...string) *app {
	t.Helper()
	cfg, err := rwsplit.ParseDSN(c.RWSplitDSN(options...))
	require.NoError(t, err)
	a := &app{t: t, c: c}
	cfg.OnRoute = func(_ context.Context, d rwsplit.Decision) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.decisions = append(a.decisions, d)
	}
	if change != nil {
		change(cfg)
	}
	a.connector, err = rwsplit.NewConnector(cfg)
	require.NoError(t, err)
	a.DB = sql.OpenDB(a.connector)
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// exec runs a statement that must succeed.
func (a *app) exec(query string, args ...any) {
	a.t.Helper()
	_, err := a.ExecContext(bounded(a.t), query, args...)
	require.NoError(a.t, err, "%s", query)
}

// last is the decision on the last statement.
func (a *app) last() rwsplit.Decision {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.decisions) == 0 {
		return rwsplit.Decision{}
	}
	return a.decisions[len(a.decisions)-1]
}

// settle waits until a plain read is served by a replica: everything that was
// written is replayed, and known to be.
func (a *app) settle() {
	a.t.Helper()
	ctx := bounded(a.t)
	deadline := time.Now().Add(30 * time.Second)
	for {
		require.NoError(a.t, a.QueryRowContext(ctx, "SELECT 1").Scan(new(int)))
		if a.last().Backend.Role == rwsplit.RoleReplica {
			return
		}
		require.True(a.t, time.Now().Before(deadline), "no replica has caught up: %+v", a.connector.Stats())
		time.Sleep(5 * time.Millisecond)
	}
}

// settleAll waits until every replica is known to have what was written, where
// shares of the reads are counted.
func (a *app) settleAll() {
	a.t.Helper()
	require.NoError(a.t, rwsplit.WaitForReplicas(bounded(a.t), a.DB, rwsplit.All))
}

// which asks the server that a plain read reaches for its own name.
func (a *app) which(ctx context.Context, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
},
) *cluster.Server {
	a.t.Helper()
	var id string
	require.NoError(a.t, q.QueryRowContext(ctx, a.c.Engine.WhichQuery()).Scan(&id))
	for _, s := range a.c.Servers() {
		own, err := s.ID(ctx)
		require.NoError(a.t, err)
		if own == id {
			return s
		}
	}
	a.t.Fatalf("no server is %q", id)
	return nil
}

// placeholder returns the n-th placeholder in the engine's notation.
func placeholder(e cluster.Engine, n int) string {
	if e == cluster.Postgres {
		return fmt.Sprintf("$%d", n)
	}
	return "?"
}

// rebind puts the engine's placeholders in the place of question marks.
func (a *app) rebind(query string) string { return rebind(a.c.Engine, query) }

func rebind(e cluster.Engine, query string) string {
	for n := 1; strings.Contains(query, "?"); n++ {
		p := placeholder(e, n)
		if p == "?" {
			break
		}
		query = strings.Replace(query, "?", p, 1)
	}
	return query
}

// counts returns how often the server logged a text of the application.
func counts(t *testing.T, s *cluster.Server, text string) int {
	t.Helper()
	n, err := s.Count(bounded(t), text)
	require.NoError(t, err)
	return n
}

// onReplicas is how often the replicas together logged a text.
func onReplicas(t *testing.T, c *cluster.Cluster, text string) int {
	t.Helper()
	n := 0
	for _, s := range c.Replicas() {
		n += counts(t, s, text)
	}
	return n
}

// dials counts how often each backend is dialled.
type dials struct {
	mu sync.Mutex
	n  map[string]int
}

func (d *dials) wrap(b rwsplit.Backend, base driver.Connector) driver.Connector {
	return countingConnector{base, b, d}
}

func (d *dials) of(name string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.n[name]
}

type countingConnector struct {
	driver.Connector
	b rwsplit.Backend
	d *dials
}

func (c countingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	c.d.mu.Lock()
	if c.d.n == nil {
		c.d.n = make(map[string]int)
	}
	c.d.n[c.b.Name]++
	c.d.mu.Unlock()
	return c.Connector.Connect(ctx)
}
