package rwprom_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/rwprom"
)

// server is the least that can be dialled.
type server struct{ down atomic.Bool }

func (s *server) Connect(context.Context) (driver.Conn, error) {
	if s.down.Load() {
		return nil, errors.New("connection refused")
	}
	return conn{}, nil
}
func (s *server) Driver() driver.Driver { return nil }

type conn struct{}

func (conn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not supported") }
func (conn) Close() error                        { return nil }
func (conn) Begin() (driver.Tx, error)           { return tx{}, nil }

func (conn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return rows{}, nil
}

func (conn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), nil
}

type tx struct{}

func (tx) Commit() error   { return nil }
func (tx) Rollback() error { return nil }

type rows struct{}

func (rows) Columns() []string         { return nil }
func (rows) Close() error              { return nil }
func (rows) Next([]driver.Value) error { return io.EOF }

func open(t *testing.T, cfg rwsplit.Config, primary *server, replicas ...*server) *sql.DB {
	t.Helper()
	cfg.Dialect, cfg.PrimaryConnector = "generic", primary
	for _, r := range replicas {
		cfg.ReplicaConnectors = append(cfg.ReplicaConnectors, r)
	}
	c, err := rwsplit.NewConnector(&cfg)
	require.NoError(t, err)
	db := sql.OpenDB(c)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func collectorOf(t *testing.T, db *sql.DB) prometheus.Collector {
	t.Helper()
	c, err := rwprom.NewCollector(db, "shop")
	require.NoError(t, err)
	return c
}

func query(t *testing.T, db *sql.DB, text string) {
	t.Helper()
	rows, err := db.Query(text)
	require.NoError(t, err)
	require.NoError(t, rows.Close())
}

func TestStatementsAreCountedByBackendAndReason(t *testing.T) {
	var replica1, replica2 server
	db := open(t, rwsplit.Config{Consistency: rwsplit.Eventual, Balance: rwsplit.RoundRobin}, new(server), &replica1, &replica2)
	for range 4 {
		query(t, db, "SELECT a FROM t")
	}
	for range 3 {
		_, err := db.Exec("INSERT INTO t VALUES (1)")
		require.NoError(t, err)
	}
	tx, err := db.Begin()
	require.NoError(t, err)
	require.NoError(t, tx.Commit())

	require.NoError(t, testutil.CollectAndCompare(collectorOf(t, db), strings.NewReader(`
# HELP rwsplit_statements_total Statements routed to a backend, by routing rule.
# TYPE rwsplit_statements_total counter
rwsplit_statements_total{backend="primary",db_name="shop",reason="begin"} 1
rwsplit_statements_total{backend="primary",db_name="shop",reason="statement"} 3
rwsplit_statements_total{backend="replica1",db_name="shop",reason="read"} 2
rwsplit_statements_total{backend="replica2",db_name="shop",reason="read"} 2
# HELP rwsplit_backend_primary 1 for the primary, else 0.
# TYPE rwsplit_backend_primary gauge
rwsplit_backend_primary{backend="primary",db_name="shop"} 1
rwsplit_backend_primary{backend="replica1",db_name="shop"} 0
rwsplit_backend_primary{backend="replica2",db_name="shop"} 0
`), "rwsplit_statements_total", "rwsplit_backend_primary"))
}

func TestAReplicaThatIsDownShows(t *testing.T) {
	var replica server
	db := open(t, rwsplit.Config{Consistency: rwsplit.Eventual}, new(server), &replica)
	replica.down.Store(true)
	query(t, db, "SELECT a FROM t")
	require.NoError(t, testutil.CollectAndCompare(collectorOf(t, db), strings.NewReader(`
# HELP rwsplit_backend_state 1 for the state that a backend is in, else 0.
# TYPE rwsplit_backend_state gauge
rwsplit_backend_state{backend="primary",db_name="shop",state="down"} 0
rwsplit_backend_state{backend="primary",db_name="shop",state="lagging"} 0
rwsplit_backend_state{backend="primary",db_name="shop",state="refused"} 0
rwsplit_backend_state{backend="primary",db_name="shop",state="up"} 1
rwsplit_backend_state{backend="replica1",db_name="shop",state="down"} 1
rwsplit_backend_state{backend="replica1",db_name="shop",state="lagging"} 0
rwsplit_backend_state{backend="replica1",db_name="shop",state="refused"} 0
rwsplit_backend_state{backend="replica1",db_name="shop",state="up"} 0
# HELP rwsplit_statements_total Statements routed to a backend, by routing rule.
# TYPE rwsplit_statements_total counter
rwsplit_statements_total{backend="primary",db_name="shop",reason="replicas_down"} 1
`), "rwsplit_backend_state", "rwsplit_statements_total"))
}

// Where nothing gives positions, a replica counts as current sticky_for after
// the last write.
func TestUnconfirmedWritesShow(t *testing.T) {
	db := open(t, rwsplit.Config{StickyFor: time.Hour}, new(server), new(server))
	for range 2 {
		_, err := db.Exec("INSERT INTO t VALUES (1)")
		require.NoError(t, err)
	}
	query(t, db, "SELECT a FROM t")
	require.NoError(t, testutil.CollectAndCompare(collectorOf(t, db), strings.NewReader(`
# HELP rwsplit_replica_unconfirmed_writes Writes that a replica is not known to have.
# TYPE rwsplit_replica_unconfirmed_writes gauge
rwsplit_replica_unconfirmed_writes{backend="replica1",db_name="shop"} 3
# HELP rwsplit_held_reads_total Reads that no replica was known to be fit for, by the table that was written.
# TYPE rwsplit_held_reads_total counter
rwsplit_held_reads_total{db_name="shop",table=""} 1
# HELP rwsplit_writes_total Writes.
# TYPE rwsplit_writes_total counter
rwsplit_writes_total{db_name="shop"} 2
`), "rwsplit_replica_unconfirmed_writes", "rwsplit_held_reads_total", "rwsplit_writes_total"))
}

func TestMetricsAreNamedAsPrometheusWantsThem(t *testing.T) {
	db := open(t, rwsplit.Config{}, new(server), new(server))
	query(t, db, "SELECT a FROM t")
	problems, err := testutil.CollectAndLint(collectorOf(t, db))
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestEveryReasonHasALabel(t *testing.T) {
	labels := make(map[string]bool)
	for r := rwsplit.ReasonUnknown + 1; r.String() != rwsplit.ReasonUnknown.String(); r++ {
		label := rwprom.ReasonLabel(r)
		require.NotEqual(t, "unknown", label, "%v", r)
		require.False(t, labels[label], "%q stands for two reasons", label)
		labels[label] = true
	}
	require.True(t, labels["raw"], "the last one")
	require.Equal(t, "unknown", rwprom.ReasonLabel(rwsplit.ReasonUnknown))
}

func TestADBOfAnotherDriverIsRefused(t *testing.T) {
	db := sql.OpenDB(new(server))
	defer db.Close()
	_, err := rwprom.NewCollector(db, "shop")
	require.ErrorContains(t, err, "rwsplit driver")
}
