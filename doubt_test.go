package rwsplit_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

// sticky is a cluster whose reads follow writes after two seconds, on drivers
// of which rwsplit knows nothing but what database/sql knows.
func sticky(t *testing.T, dialect string, shape fakeShape) *fakeCluster {
	t.Helper()
	f := newFakeCluster(t, 1, rwsplit.Config{
		Dialect: dialect, Consistency: rwsplit.Process, Position: rwsplit.PositionNone, StickyFor: 2 * time.Second,
	}, shape)
	where(t, bg, f)
	time.Sleep(5 * time.Second) // reads of a process just started go to the primary
	equal(t, "read before", where(t, bg, f), "replica1")
	return f
}

// A server that can't say whether a transaction is open may be in none: what
// is written then counts as written.
func TestWriteWhileATransactionIsInDoubtCounts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		doubt func(t *testing.T, f *fakeCluster)
	}{
		{"commit that failed", func(t *testing.T, f *fakeCluster) {
			tx, err := f.Begin()
			if err != nil {
				t.Fatal(err)
			}
			f.primary.hook(opCommit, 1, 1, func(_ context.Context, c *fakeConn) error {
				c.tx = nil // the server rolled back
				c.s.add(&c.s.txs, -1)
				return errFake
			})
			if err := tx.Commit(); err == nil {
				t.Error("commit went through")
			}
		}},
		{"procedure", func(t *testing.T, f *fakeCluster) { mustExec(t, f, "CALL p()") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := sticky(t, "generic", fakeShape{})
				defer f.end()
				f.SetMaxOpenConns(1)
				where(t, bg, f)
				tt.doubt(t, f)
				time.Sleep(5 * time.Second)
				mustExec(t, f, "INSERT INTO t (a) VALUES (1)")
				f.SetMaxOpenConns(2)
				busy := f.mustConn() // the connection that is in doubt
				mustExec(t, busy, "SELECT 1")
				equal(t, "read after the write", where(t, bg, f), "primary")
				_ = busy.Close()
			})
		})
	}
}

// A write whose connection was lost may be executed later than now.
func TestLostWriteHoldsReadsLonger(t *testing.T) {
	for _, shape := range []fakeShape{{}, {conn: "-Validator"}} {
		for _, op := range []fakeOp{opExec, opCommit} {
			t.Run(shape.String()+", "+string(op), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := sticky(t, "", shape)
					defer f.end()
					f.primary.breakOn(op, 1, errFakeLost)
					if op == opExec {
						if _, err := f.Exec("INSERT INTO t VALUES (1)"); !errors.Is(err, errFakeLost) {
							t.Errorf("got error %v", err)
						}
					} else {
						tx, err := f.Begin()
						if err != nil {
							t.Fatal(err)
						}
						mustExec(t, tx, "INSERT INTO t VALUES (1)")
						if err := tx.Commit(); !errors.Is(err, errFakeLost) {
							t.Errorf("got error %v", err)
						}
					}
					st, err := rwsplit.StatsOf(f.DB)
					if err != nil {
						t.Fatal(err)
					}
					time.Sleep(1900 * time.Millisecond)
					equal(t, "read within sticky_for", where(t, bg, f), "primary")
					if got := st.Writes; got == 0 {
						t.Errorf("%d writes counted", got)
					}
				})
			})
		}
	}
}

// A connection that broke while idle is found out by BEGIN: with lazy_begin
// that is inside the first statement, which database/sql does not repeat.
func TestLazyBeginOnAConnectionThatBroke(t *testing.T) {
	for _, shape := range []fakeShape{{}, {conn: "bare"}, {conn: "-Validator"}} {
		t.Run(shape.String(), func(t *testing.T) {
			f := newFakeCluster(t, 1, rwsplit.Config{LazyBegin: rwsplit.ToggleOn}, shape)
			f.SetMaxOpenConns(1)
			mustExec(t, f, "INSERT INTO t VALUES (1)")
			f.primary.killConns()
			tx, err := f.Begin()
			if err != nil {
				t.Fatal(err)
			}
			mustExec(t, tx, "INSERT INTO t VALUES (2)")
			mustExec(t, tx, "INSERT INTO t VALUES (3)")
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}
			equal(t, "commits", f.primary.count(opCommit), 1)
			equal(t, "writes", len(ranWrites(f.primary)), 3)
		})
	}
}

func TestBadConnOfTheLastReplicaIsNoReplica(t *testing.T) {
	f := newFakeCluster(t, 2, rwsplit.Config{Fallback: rwsplit.FallbackError}, fakeShape{})
	for _, r := range f.replicas {
		r.failAll(opQuery, driver.ErrBadConn)
	}
	var v any
	err := f.QueryRow("SELECT server").Scan(&v)
	if !errors.Is(err, rwsplit.ErrNoReplica) || errors.Is(err, driver.ErrBadConn) {
		t.Errorf("got error %v, want ErrNoReplica", err)
	}
	equal(t, "pooled connections", f.DB.Stats().OpenConnections, 1)
	for _, r := range f.replicas {
		equal(t, "reads on "+r.name, r.count(opQuery), 1)
	}
}

// A read that fails on a replica's connection leaves the rows alone that are
// being read there.
func TestRowsOfAReplicaOutliveAFailedRead(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	r := f.replicas[0]
	r.reply("SELECT t", twoSets)
	conn := f.mustConn()
	rows, err := conn.QueryContext(bg, "SELECT t")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	r.fail(opQuery, 1, errFakeShutdown)
	equal(t, "read that failed there", where(t, bg, conn), "primary")
	equal(t, "next read", where(t, bg, conn), "primary")
	n := 0
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
	equal(t, "rows", n, 2)
	_ = rows.Close()
	_ = conn.Close()
	equal(t, "read in another scope", where(t, bg, f), "replica1")
	equal(t, "dials", f.dials(), "[1 2]")
}
