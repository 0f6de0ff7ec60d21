package rwsplit_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// quickTables is what is said of the servers behind quickConnector: they have
// twenty tables, and the replicas have replayed nothing since ahead was raised.
type quickTables struct{ fakeDialect }

var quickAhead atomic.Uint64

func init() {
	schema := rwsplit.TestSchema{Fingerprint: "1"}
	for i := range 20 {
		schema.Tables = append(schema.Tables, fmt.Sprintf("t%d", i))
	}
	d := rwsplit.SchemaTestDialect(quickTables{}, func(rwsplit.PhysicalConn, bool) rwsplit.TestSchema { return schema })
	rwsplit.RegisterDialect("quicktables", d)
}

func (quickTables) Setup(context.Context, rwsplit.PhysicalConn, bool) error { return nil }

func (quickTables) Inspect(context.Context, rwsplit.PhysicalConn) (rwsplit.Server, error) {
	return rwsplit.Server{Identity: "quick"}, nil
}

func (quickTables) InTransaction(context.Context, rwsplit.PhysicalConn) (bool, error) {
	return false, nil
}

func (quickTables) PrimaryPosition(context.Context, rwsplit.PhysicalConn) (rwsplit.Position, error) {
	return rwsplit.LinearPosition("quick", 100+quickAhead.Load()), nil
}

func (quickTables) ReplicaPosition(context.Context, rwsplit.PhysicalConn) (rwsplit.Position, error) {
	return rwsplit.LinearPosition("quick", 100), nil
}

func (quickTables) ParsePosition(string) (rwsplit.Position, error) {
	return rwsplit.Position{}, errFake
}

const quickRead = "SELECT id, name FROM t18 JOIN t19 USING (id) WHERE name = 'ann'"

// openQuickTables opens a pool whose reads go to a replica, and writes to so
// many tables then.
func openQuickTables(tb testing.TB, tracking rwsplit.Tracking, written int) (*sql.DB, *rwsplit.Connector) {
	tb.Helper()
	quickAhead.Store(0)
	c, err := rwsplit.NewConnector(&rwsplit.Config{
		Driver: "quicktables", Tracking: tracking, PrimaryConnector: quickConnector{},
		ReplicaConnectors: []driver.Connector{quickConnector{}, quickConnector{}},
		ProbeInterval:     10 * time.Minute,
	})
	if err != nil {
		tb.Fatal(err)
	}
	db := sql.OpenDB(c)
	tb.Cleanup(func() { _ = db.Close() })
	soon(tb, "a read on a replica", func() bool {
		before := c.Stats().Reasons[rwsplit.ReasonRead]
		quickQuery(tb, db, quickRead)
		return c.Stats().Tracking == tracking && c.Stats().Reasons[rwsplit.ReasonRead] > before
	})
	quickAhead.Store(uint64(written))
	for i := range written {
		if _, err := db.ExecContext(bg, fmt.Sprintf("UPDATE t%d SET name = 'ann'", i)); err != nil {
			tb.Fatal(err)
		}
	}
	for range 10 {
		quickQuery(tb, db, quickRead)
	}
	return db, c
}

func quickQuery(tb testing.TB, db *sql.DB, query string) {
	rows, err := db.QueryContext(bg, query)
	if err != nil {
		tb.Fatal(err)
	}
	_ = rows.Close()
}

// bestTurns runs the functions in turns, so that all meet the same noise, and
// returns the time for one call in the best turn of each.
func bestTurns(b *testing.B, run ...func(n int)) []float64 {
	const turn = 200
	best := make([]float64, len(run))
	for i := range best {
		best[i] = math.MaxFloat64
	}
	b.ReportAllocs()
	for left := b.N; left > 0; left -= turn * len(run) {
		for i, f := range run {
			start := time.Now()
			f(turn)
			best[i] = min(best[i], float64(time.Since(start).Nanoseconds())/turn)
		}
	}
	return best
}

// A read while 16 other tables have writes that no replica is known to have:
// by table, beside the same read with one number for the database and nothing
// unconfirmed. added-ns/op is the difference.
func BenchmarkReadByTable(b *testing.B) {
	whole, _ := openQuickTables(b, rwsplit.TrackingDatabase, 0)
	byTable, c := openQuickTables(b, rwsplit.TrackingTable, 16)
	before := c.Stats().Reasons[rwsplit.ReasonRead]
	b.ResetTimer()
	reads := func(db *sql.DB) func(int) {
		return func(n int) {
			for range n {
				quickQuery(b, db, quickRead)
			}
		}
	}
	best := bestTurns(b, reads(whole), reads(byTable))
	b.ReportMetric(best[0], "database-ns/op")
	b.ReportMetric(best[1]-best[0], "added-ns/op")
	if c.Stats().Reasons[rwsplit.ReasonRead] == before {
		b.Error("the reads did not run on replicas")
	}
}

// The same for texts that were never seen before: what classifying them takes.
func BenchmarkUnseenTextByTable(b *testing.B) {
	_, whole := openQuickTables(b, rwsplit.TrackingDatabase, 0)
	_, byTable := openQuickTables(b, rwsplit.TrackingTable, 16)
	texts := make([]string, 1<<16)
	for i := range texts {
		texts[i] = fmt.Sprintf("SELECT id, name FROM t18 JOIN t19 USING (id) WHERE t18.name = 'ann' AND id = %d", i)
	}
	b.ResetTimer()
	classify := func(c *rwsplit.Connector) func(int) {
		next := 0
		return func(n int) {
			for range n {
				c.Classify(texts[next%len(texts)])
				next++
			}
		}
	}
	best := bestTurns(b, classify(whole), classify(byTable))
	b.ReportMetric(best[0], "database-ns/op")
	b.ReportMetric(best[1]-best[0], "added-ns/op")
}

// Neither a read nor a write allocates anything for the tables.
func TestTableTrackingAllocatesNothing(t *testing.T) {
	bare := sql.OpenDB(quickConnector{})
	t.Cleanup(func() { _ = bare.Close() })
	byTable, _ := openQuickTables(t, rwsplit.TrackingTable, 16)
	for name, run := range map[string]func(*sql.DB){
		"a read":  func(db *sql.DB) { quickQuery(t, db, quickRead) },
		"a write": func(db *sql.DB) { mustExec(t, db, "UPDATE t3 SET name = 'ann'") },
	} {
		measure := func(db *sql.DB) float64 { return testing.AllocsPerRun(500, func() { run(db) }) }
		measure(byTable) // the tracker allocates when it is awake
		want, got := measure(bare), math.MaxFloat64
		for range 10 {
			got = min(got, measure(byTable))
		}
		if got > want {
			t.Errorf("%s: got %v allocations, want %v as the bare driver", name, got, want)
		}
	}
}
