package rwsplit_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"math"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// What routing adds to a statement, measured over a base driver that does
// nothing:
//
//	go test -run '^$' -bench . -benchmem

// quickConnector connects to nothing, quickly and without allocating.
type quickConnector struct{}

func (quickConnector) Connect(context.Context) (driver.Conn, error) { return &quickConn{}, nil }
func (quickConnector) Driver() driver.Driver                        { return fakeDriver{} }

type quickConn struct {
	st quickStmt
	tx quickTx
}

var quickRows driver.Rows = quickRow{}

func (c *quickConn) Prepare(string) (driver.Stmt, error) { return &c.st, nil }
func (c *quickConn) Close() error                        { return nil }
func (c *quickConn) Begin() (driver.Tx, error)           { return c.tx, nil }
func (c *quickConn) IsValid() bool                       { return true }
func (c *quickConn) ResetSession(context.Context) error  { return nil }

func (c *quickConn) PrepareContext(context.Context, string) (driver.Stmt, error) { return &c.st, nil }

func (c *quickConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	return c.tx, nil
}

func (c *quickConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return quickRows, nil
}

func (c *quickConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.ResultNoRows, nil
}

type quickStmt struct{}

func (*quickStmt) Close() error                               { return nil }
func (*quickStmt) NumInput() int                              { return -1 }
func (*quickStmt) Exec([]driver.Value) (driver.Result, error) { return driver.ResultNoRows, nil }
func (*quickStmt) Query([]driver.Value) (driver.Rows, error)  { return quickRows, nil }

func (*quickStmt) QueryContext(context.Context, []driver.NamedValue) (driver.Rows, error) {
	return quickRows, nil
}

func (*quickStmt) ExecContext(context.Context, []driver.NamedValue) (driver.Result, error) {
	return driver.ResultNoRows, nil
}

type quickTx struct{}

func (quickTx) Commit() error   { return nil }
func (quickTx) Rollback() error { return nil }

// quickRow has no rows.
type quickRow struct{}

func (quickRow) Columns() []string         { return nil }
func (quickRow) Close() error              { return nil }
func (quickRow) Next([]driver.Value) error { return io.EOF }

// quickDB is a pool over quickConnector: bare, or through rwsplit with a
// number of replicas.
type quickDB struct {
	name     string
	replicas int // -1: bare
	cfg      rwsplit.Config
}

var quickDBs = []quickDB{
	{name: "bare", replicas: -1},
	{name: "routed, no replica", cfg: rwsplit.Config{}},
	{name: "routed, 2 replicas", replicas: 2, cfg: rwsplit.Config{Consistency: rwsplit.Eventual}},
	{name: "routed, 2 replicas, consistency process", replicas: 2, cfg: rwsplit.Config{Position: rwsplit.PositionNone}},
	{name: "routed, 2 replicas, OnRoute", replicas: 2, cfg: rwsplit.Config{
		Consistency: rwsplit.Eventual,
		OnRoute:     func(context.Context, rwsplit.Decision) {},
	}},
}

func (q quickDB) open(tb testing.TB) *sql.DB {
	tb.Helper()
	if q.replicas < 0 {
		db := sql.OpenDB(quickConnector{})
		tb.Cleanup(func() { _ = db.Close() })
		return db
	}
	cfg := q.cfg
	cfg.Dialect, cfg.PrimaryConnector = "generic", quickConnector{}
	for range q.replicas {
		cfg.ReplicaConnectors = append(cfg.ReplicaConnectors, quickConnector{})
	}
	c, err := rwsplit.NewConnector(&cfg)
	if err != nil {
		tb.Fatal(err)
	}
	db := sql.OpenDB(c)
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

// quickCalls are the calls that are measured. Each returns a function that
// makes one of them.
var quickCalls = []struct {
	name string
	open func(testing.TB, *sql.DB) func() error
}{
	{"Query", func(_ testing.TB, db *sql.DB) func() error {
		return func() error {
			rows, err := db.QueryContext(bg, "SELECT id, name FROM users WHERE name = 'ann'")
			if err != nil {
				return err
			}
			return rows.Close()
		}
	}},
	{"Query with arguments", func(_ testing.TB, db *sql.DB) func() error {
		return func() error {
			rows, err := db.QueryContext(bg, "SELECT id, name FROM users WHERE id = ? AND name = ?", 42, "ann")
			if err != nil {
				return err
			}
			return rows.Close()
		}
	}},
	{"Exec", func(_ testing.TB, db *sql.DB) func() error {
		return func() error {
			_, err := db.ExecContext(bg, "UPDATE users SET seen = 1")
			return err
		}
	}},
	{"Exec with arguments", func(_ testing.TB, db *sql.DB) func() error {
		return func() error {
			_, err := db.ExecContext(bg, "UPDATE users SET name = ? WHERE id = ?", "ann", 42)
			return err
		}
	}},
	{"prepared Query", func(tb testing.TB, db *sql.DB) func() error {
		st, err := db.PrepareContext(bg, "SELECT id, name FROM users WHERE id = ?")
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = st.Close() })
		return func() error {
			rows, err := st.QueryContext(bg, 42)
			if err != nil {
				return err
			}
			return rows.Close()
		}
	}},
	{"prepared Exec", func(tb testing.TB, db *sql.DB) func() error {
		st, err := db.PrepareContext(bg, "UPDATE users SET name = ?")
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = st.Close() })
		return func() error {
			_, err := st.ExecContext(bg, "ann")
			return err
		}
	}},
	{"Query on a conn", func(tb testing.TB, db *sql.DB) func() error {
		conn, err := db.Conn(bg)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = conn.Close() })
		return func() error {
			rows, err := conn.QueryContext(bg, "SELECT id, name FROM users WHERE name = 'ann'")
			if err != nil {
				return err
			}
			return rows.Close()
		}
	}},
}

// benchmarkCall measures one call bare and routed in turns, so that both meet
// the same noise. added-ns/op is the difference of the best turns.
func benchmarkCall(b *testing.B, name string) {
	const turn = 200
	for _, call := range quickCalls {
		if call.name != name {
			continue
		}
		for _, q := range quickDBs[1:] {
			b.Run(q.name, func(b *testing.B) {
				bare, routed := call.open(b, quickDBs[0].open(b)), call.open(b, q.open(b))
				bestBare, bestRouted := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
				take := func(run func() error, n int) time.Duration {
					start := time.Now()
					for range n {
						if err := run(); err != nil {
							b.Fatal(err)
						}
					}
					return time.Since(start)
				}
				take(routed, turn)
				b.ReportAllocs()
				b.ResetTimer()
				for left := b.N; left > 0; left -= turn {
					n := min(turn, left)
					d := take(routed, n)
					b.StopTimer()
					if n == turn {
						bestRouted = min(bestRouted, d)
						bestBare = min(bestBare, take(bare, turn))
					}
					b.StartTimer()
				}
				if b.N >= turn {
					b.ReportMetric(float64(bestBare.Nanoseconds())/turn, "bare-ns/op")
					b.ReportMetric(float64((bestRouted-bestBare).Nanoseconds())/turn, "added-ns/op")
				}
			})
		}
	}
}

func BenchmarkQuery(b *testing.B)         { benchmarkCall(b, "Query with arguments") }
func BenchmarkExec(b *testing.B)          { benchmarkCall(b, "Exec with arguments") }
func BenchmarkPreparedQuery(b *testing.B) { benchmarkCall(b, "prepared Query") }
func BenchmarkPreparedExec(b *testing.B)  { benchmarkCall(b, "prepared Exec") }

// Many goroutines on one pool show what routing adds in contention.
func BenchmarkQueryParallel(b *testing.B) {
	for _, q := range quickDBs {
		b.Run(q.name, func(b *testing.B) {
			db := q.open(b)
			db.SetMaxIdleConns(64)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					rows, err := db.QueryContext(bg, "SELECT id, name FROM users WHERE id = ?", 42)
					if err != nil {
						b.Error(err)
						return
					}
					_ = rows.Close()
				}
			})
		})
	}
}

// The hot path allocates nothing: a routed call allocates what database/sql
// and the base driver allocate without rwsplit.
func TestRoutingAllocatesNothing(t *testing.T) {
	for _, call := range quickCalls {
		t.Run(call.name, func(t *testing.T) {
			measure := func(q quickDB) float64 {
				run := call.open(t, q.open(t))
				once := func() {
					if err := run(); err != nil {
						t.Fatal(err)
					}
				}
				for range 10 { // dialled, classified, remembered
					once()
				}
				return testing.AllocsPerRun(500, once)
			}
			want := measure(quickDBs[0])
			for _, q := range quickDBs[1:] {
				if got := measure(q); got != want {
					t.Errorf("%s: got %v allocations, want %v as the bare driver", q.name, got, want)
				}
			}
		})
	}
}

// The benchmarks measure what they say: reads on replicas.
func TestBenchmarkedReadsAreRouted(t *testing.T) {
	for _, q := range quickDBs[1:] {
		db := q.open(t)
		for _, call := range quickCalls {
			if err := call.open(t, db)(); err != nil {
				t.Fatal(err)
			}
		}
		st, err := rwsplit.StatsOf(db)
		if err != nil {
			t.Fatal(err)
		}
		want := rwsplit.ReasonRead
		if q.replicas == 0 {
			want = rwsplit.ReasonNoReplicas
		} else if q.cfg.Consistency == "" {
			want = rwsplit.ReasonNotCaughtUp // just started
		}
		equal(t, q.name+": reads", int(st.Reasons[want]), 4)
	}
}
