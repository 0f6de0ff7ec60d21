package rwhttp_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// cluster is a primary and replicas that replay when a test says so. What they
// hold is a single number, the version, which each write raises by one.
type cluster struct {
	name string

	mu       sync.Mutex // protects following fields
	versions []uint64   // by backend index
	asked    int        // questions for the primary's position
	frozen   chan struct{}
}

func newCluster(name string, replicas int) *cluster {
	return &cluster{name: name, versions: make([]uint64, 1+replicas)}
}

// replay makes the replicas catch up.
func (c *cluster) replay() { c.replayTo(c.version(0)) }

func (c *cluster) replayTo(version uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.versions[1:] {
		c.versions[i+1] = version
	}
}

func (c *cluster) write(n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions[0] += n
}

func (c *cluster) version(i int) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.versions[i]
}

// freeze lets the primary answer no more questions for its position until the
// test ends.
func (c *cluster) freeze(t testing.TB) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = make(chan struct{})
	t.Cleanup(func() { close(c.frozen) })
}

func (c *cluster) config() *rwsplit.Config {
	cfg := &rwsplit.Config{
		Driver: "rwhttp_fake", Cluster: c.name,
		PrimaryConnector: server{c, 0}, ProbeInterval: 10 * time.Millisecond,
	}
	for i := range c.versions[1:] {
		cfg.ReplicaConnectors = append(cfg.ReplicaConnectors, server{c, i + 1})
	}
	return cfg
}

// openDB is one instance of an application. When it returns, its replicas are
// known to have everything from before its start, if they have it.
func (c *cluster) openDB(t testing.TB, change ...func(*rwsplit.Config)) *sql.DB {
	t.Helper()
	cfg := c.config()
	for _, f := range change {
		f(cfg)
	}
	connector, err := rwsplit.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	c.settle(t, db)
	return db
}

// settle waits until db knows what the replicas have.
func (c *cluster) settle(t testing.TB, db *sql.DB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := c.await(ctx, db); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) await(ctx context.Context, db *sql.DB) error {
	c.mu.Lock()
	n := rwsplit.All
	want := make([]string, len(c.versions))
	for i, v := range c.versions {
		if v != c.versions[0] {
			n = 0 // which only starts the tracker
		}
		want[i] = rwsplit.LinearPosition(c.name, v+1).String()
	}
	c.mu.Unlock()
	if err := rwsplit.WaitForReplicas(ctx, db, n); err != nil {
		return err
	}
	for {
		st, err := rwsplit.StatsOf(db)
		if err != nil {
			return err
		}
		done := true
		for i, b := range st.Backends[1:] {
			done = done && b.Position == want[i+1]
		}
		if done {
			return nil
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the tracker does not see the replicas' positions: got %+v, want %v", st.Backends[1:], want[1:])
		}
	}
}

// seen is what one read saw.
type seen struct {
	Replica bool
	Version uint64
}

func read(ctx context.Context, db *sql.DB) (seen, error) {
	var s seen
	err := db.QueryRowContext(ctx, "SELECT replica, version").Scan(&s.Replica, &s.Version)
	return s, err
}

func write(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "UPDATE version")
	return err
}

func init() { rwsplit.RegisterDialect("rwhttp_fake", fakeDialect{}) }

type fakeDialect struct{}

var (
	_ rwsplit.Dialect    = fakeDialect{}
	_ rwsplit.Positioner = fakeDialect{}
)

func (fakeDialect) Name() string { return "rwhttp_fake" }

func (fakeDialect) Classify(query string) rwsplit.Statement {
	if strings.HasPrefix(query, "SELECT") {
		return rwsplit.Statement{Route: rwsplit.RouteReplica, Reason: "plain read"}
	}
	return rwsplit.Statement{Writes: true, Reason: "write"}
}

func (fakeDialect) Fault(error) rwsplit.Fault { return rwsplit.FaultNone }

func (fakeDialect) Setup(context.Context, rwsplit.PhysicalConn, bool) error { return nil }

func (fakeDialect) Inspect(_ context.Context, s rwsplit.PhysicalConn) (rwsplit.Server, error) {
	c := s.Conn.(*fakeConn)
	return rwsplit.Server{Identity: c.cluster.name + string(rune('0'+c.i)), Start: time.Unix(1, 0)}, nil
}

func (fakeDialect) PrimaryPosition(ctx context.Context, s rwsplit.PhysicalConn) (rwsplit.Position, error) {
	c := s.Conn.(*fakeConn)
	c.cluster.mu.Lock()
	frozen := c.cluster.frozen
	c.cluster.asked++
	n := c.cluster.versions[0] + 1
	c.cluster.mu.Unlock()
	if frozen != nil {
		select {
		case <-frozen:
		case <-ctx.Done():
		}
		return rwsplit.Position{}, errors.New("frozen")
	}
	return rwsplit.LinearPosition(c.cluster.name, n), nil
}

func (fakeDialect) ReplicaPosition(_ context.Context, s rwsplit.PhysicalConn) (rwsplit.Position, error) {
	c := s.Conn.(*fakeConn)
	return rwsplit.LinearPosition(c.cluster.name, c.cluster.version(c.i)+1), nil
}

func (fakeDialect) ParsePosition(string) (rwsplit.Position, error) {
	return rwsplit.Position{}, errors.New("not needed")
}

// server is one backend.
type server struct {
	cluster *cluster
	i       int
}

func (s server) Connect(context.Context) (driver.Conn, error) { return &fakeConn{server: s}, nil }
func (s server) Driver() driver.Driver                        { return nil }

type fakeConn struct {
	server
	inTx    bool
	pending uint64 // writes of the transaction
}

var (
	_ driver.QueryerContext = (*fakeConn)(nil)
	_ driver.ExecerContext  = (*fakeConn)(nil)
)

func (c *fakeConn) write() error {
	switch {
	case c.i != 0:
		return errors.New("a write on a replica")
	case c.inTx:
		c.pending++
	default:
		c.cluster.write(1)
	}
	return nil
}

func (c *fakeConn) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	if !strings.HasPrefix(query, "SELECT") {
		if err := c.write(); err != nil {
			return nil, err
		}
	}
	return &fakeRows{row: []driver.Value{c.i != 0, int64(c.cluster.version(c.i))}}, nil
}

func (c *fakeConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), c.write()
}

func (c *fakeConn) Begin() (driver.Tx, error) { c.inTx = true; return c, nil }

func (c *fakeConn) Commit() error {
	c.cluster.write(c.pending)
	return c.Rollback()
}

func (c *fakeConn) Rollback() error { c.inTx, c.pending = false, 0; return nil }

func (c *fakeConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not needed") }
func (c *fakeConn) Close() error                        { return nil }

type fakeRows struct{ row []driver.Value }

func (*fakeRows) Columns() []string { return []string{"replica", "version"} }
func (*fakeRows) Close() error      { return nil }

func (r *fakeRows) Next(dest []driver.Value) error {
	if r.row == nil {
		return io.EOF
	}
	copy(dest, r.row)
	r.row = nil
	return nil
}
