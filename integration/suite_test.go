package integration_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// behind is a delay of two seconds at least: MySQL and MariaDB count from the
// second in which the commit fell.
const behind = 3 * time.Second

// queryer is a sql.DB, a sql.Conn or a sql.Tx.
type queryer interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}

// onEach runs the test on every engine. When it has ended the replicas must
// have what the primary has, and nothing of their own.
func onEach(t *testing.T, test func(t *testing.T, c *cluster.Cluster)) {
	t.Helper()
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) { unharmed(t, c, test) })
}

// onEngines is onEach for some of the engines.
func onEngines(t *testing.T, engines []cluster.Engine, test func(t *testing.T, c *cluster.Cluster)) {
	t.Helper()
	cluster.On(t, engines, func(t *testing.T, c *cluster.Cluster) { unharmed(t, c, test) })
}

var mysqlFamily = []cluster.Engine{cluster.MySQL, cluster.MariaDB}

func unharmed(t *testing.T, c *cluster.Cluster, test func(t *testing.T, c *cluster.Cluster)) {
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), waitLong)
		defer cancel()
		require.NoError(t, c.Heal(ctx))
		require.NoError(t, c.DataEqual(ctx))
		require.NoError(t, c.Errant(ctx))
	})
	test(t, c)
}

// stock makes the table shop_item with a first row that the replicas have.
func (a *app) stock() {
	a.t.Helper()
	a.exec("CREATE TABLE shop_item (id INT PRIMARY KEY, name VARCHAR(100) NOT NULL)")
	a.add(a, 1, "first")
	require.NoError(a.t, a.c.WaitReplayed(bounded(a.t)))
}

// add adds a row to shop_item.
func (a *app) add(q queryer, id int, name string) {
	a.t.Helper()
	_, err := q.ExecContext(bounded(a.t), fmt.Sprintf("INSERT INTO shop_item (id, name) VALUES (%d, '%s')", id, name))
	require.NoError(a.t, err)
}

// name reads the name of a row of shop_item, "" if there is none. The servers'
// logs tell reads apart by their alias.
func (a *app) name(ctx context.Context, q queryer, alias string, id int) string {
	a.t.Helper()
	var name string
	err := q.QueryRowContext(ctx, fmt.Sprintf("SELECT name AS %s FROM shop_item WHERE id = %d", alias, id)).Scan(&name)
	if !errors.Is(err, sql.ErrNoRows) {
		require.NoError(a.t, err)
	}
	return name
}

// begin begins a transaction that is rolled back if the test ends before it.
func (a *app) begin(ctx context.Context, opts *sql.TxOptions) *sql.Tx {
	a.t.Helper()
	tx, err := a.BeginTx(ctx, opts)
	require.NoError(a.t, err)
	a.t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

// conn takes a connection out of the pool until the test ends.
func (a *app) conn(ctx context.Context) *sql.Conn {
	a.t.Helper()
	conn, err := a.Conn(ctx)
	require.NoError(a.t, err)
	a.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// table names a table of the application for the administrator, whose
// connections may have no default database any more.
func table(c *cluster.Cluster, name string) string {
	if c.Engine == cluster.Postgres {
		return "public." + name
	}
	return "shop." + name
}

// server is the server behind a backend.
func (a *app) server(b rwsplit.Backend) *cluster.Server {
	if b.Role == rwsplit.RolePrimary {
		return a.c.Primary()
	}
	return a.c.Replicas()[b.Index-1]
}

// runs says how often a text is to have run on the primary and on the replicas
// together.
type runs map[string][2]int

// wantRuns holds what ran where against the servers' own logs.
func wantRuns(t *testing.T, c *cluster.Cluster, want runs) {
	t.Helper()
	logs := statements(t, c)
	for text, n := range want {
		got := [2]int{}
		for s, logged := range logs {
			for _, statement := range logged {
				if !strings.Contains(statement, text) {
					continue
				}
				if s == c.Primary() {
					got[0]++
				} else {
					got[1]++
				}
			}
		}
		require.Equal(t, n, got, "%q on the primary, on the replicas", text)
	}
}

// statements is what each server logged.
func statements(t *testing.T, c *cluster.Cluster) map[*cluster.Server][]string {
	t.Helper()
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		logs = make(map[*cluster.Server][]string)
		errs error
	)
	for _, s := range c.Servers() {
		wg.Go(func() {
			logged, err := s.Statements(bounded(t))
			mu.Lock()
			defer mu.Unlock()
			logs[s] = logged
			errs = errors.Join(errs, err)
		})
	}
	wg.Wait()
	require.NoError(t, errs)
	return logs
}

// forget starts over with the servers' logs and the decisions.
func (a *app) forget() {
	a.t.Helper()
	require.NoError(a.t, a.c.ClearStatements(bounded(a.t)))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forgotten += len(a.decisions)
	a.decisions = nil
}

// agrees holds what rwsplit says of itself against the servers' logs: each
// text without arguments ran where OnRoute said, as often as it said, and
// StatsOf counts the same.
func (a *app) agrees() {
	a.t.Helper()
	a.mu.Lock()
	said := make(map[string]map[*cluster.Server]int)
	total := a.forgotten
	for _, d := range a.decisions {
		total++
		if d.Query == "" || strings.ContainsAny(d.Query, "?;") {
			continue
		}
		if said[d.Query] == nil {
			said[d.Query] = make(map[*cluster.Server]int)
		}
		said[d.Query][a.server(d.Backend)]++
	}
	a.mu.Unlock()
	require.NotEmpty(a.t, said)
	for s, texts := range statements(a.t, a.c) {
		logged := make(map[string]int)
		for _, text := range texts {
			logged[text]++
		}
		for text := range said {
			require.Equal(a.t, logged[text], said[text][s], "%s: %s", s.Name, text)
		}
	}
	stats, err := rwsplit.StatsOf(a.DB)
	require.NoError(a.t, err)
	counted := 0
	for _, b := range stats.Backends {
		counted += int(b.Statements)
	}
	require.Equal(a.t, total, counted)
}

func containsAny(text string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
