package rwsplit_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// fakeCluster is a sql.DB over a fake primary and its fake replicas.
type fakeCluster struct {
	*sql.DB
	t        testing.TB
	primary  *fakeServer
	replicas []*fakeServer

	leaks bool // database/sql itself loses connections here

	mu        sync.Mutex // protects following fields
	decisions []rwsplit.Decision
}

// newFakeCluster opens a cluster that is closed with the test, which fails if
// anything is left open then. Reads go to a replica from the beginning, unless
// cfg says otherwise about consistency.
func newFakeCluster(t testing.TB, replicas int, cfg rwsplit.Config, shape fakeShape) *fakeCluster {
	t.Helper()
	f := &fakeCluster{t: t, primary: newFakeServer("primary", shape)}
	servers := []*fakeServer{f.primary}
	for i := range replicas {
		r := newFakeServer("replica"+string(rune('1'+i)), shape)
		f.replicas = append(f.replicas, r)
		servers = append(servers, r)
	}
	if cfg.Consistency == "" {
		cfg.Consistency = rwsplit.Eventual
	}
	cfg.OnRoute = func(_ context.Context, d rwsplit.Decision) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.decisions = append(f.decisions, d)
	}
	f.DB = openFakes(t, cfg, servers...)
	t.Cleanup(f.end)
	return f
}

// end closes the pool and checks that nothing is left. Tests in a synctest
// bubble call it inside.
func (f *fakeCluster) end() {
	f.t.Helper()
	if err := f.Close(); err != nil {
		f.t.Error("closing the pool: ", err)
	}
	for _, s := range f.servers() {
		if f.leaks {
			s.check(f.t)
			continue
		}
		s.checkClosed(f.t)
	}
}

func (f *fakeCluster) servers() []*fakeServer {
	return append([]*fakeServer{f.primary}, f.replicas...)
}

// routes returns what OnRoute was told since the last call.
func (f *fakeCluster) routes() []rwsplit.Decision {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.decisions
	f.decisions = nil
	return d
}

// queryer is a sql.DB, sql.Conn or sql.Tx.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// where runs a plain read and returns the name of the server that ran it.
func where(t testing.TB, ctx context.Context, q queryer) string {
	t.Helper()
	var name string
	if err := q.QueryRowContext(ctx, "SELECT server").Scan(&name); err != nil {
		t.Fatal("read: ", err)
	}
	return name
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func mustExec(t testing.TB, e execer, query string, args ...any) {
	t.Helper()
	if _, err := e.ExecContext(bg, query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (f *fakeCluster) mustConn() *sql.Conn {
	f.t.Helper()
	conn, err := f.Conn(bg)
	if err != nil {
		f.t.Fatal("conn: ", err)
	}
	f.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// soon waits for what another goroutine does.
func soon(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !f(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Fatal(what + ": did not come")
		}
	}
}

// within fails the test if f takes so long that it must be waiting for a
// server that does not answer.
func within(t testing.TB, d time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(d):
		t.Fatalf("%s: still waiting after %v", what, d)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
