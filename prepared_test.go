package rwsplit_test

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"testing"

	"github.com/rwsplit/rwsplit"
)

func (f *fakeCluster) mustPrepare(query string) *sql.Stmt {
	f.t.Helper()
	st, err := f.Prepare(query)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = st.Close() })
	return st
}

// prepared returns how often query was prepared on each server.
func (f *fakeCluster) prepared(query string) string {
	var n []int
	for _, s := range f.servers() {
		k := 0
		for _, c := range s.log(opPrepare) {
			if c.Query == query {
				k++
			}
		}
		n = append(n, k)
	}
	return fmt.Sprint(n)
}

func TestStatementIsPreparedWhereItIsExpectedToRun(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.SetMaxOpenConns(1)
	f.mustPrepare("SELECT ?")
	equal(t, "read prepared on", f.prepared("SELECT ?"), "[0 1]")
	f.mustPrepare("INSERT INTO t VALUES (?)")
	equal(t, "write prepared on", f.prepared("INSERT INTO t VALUES (?)"), "[1 0]")
	f.mustPrepare("SELECT a FOR UPDATE")
	equal(t, "locking read prepared on", f.prepared("SELECT a FOR UPDATE"), "[1 0]")
}

func TestSyntaxErrorsSurfaceAtPrepare(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	for _, s := range f.servers() {
		s.reply("SELEKT", fakeReply{prepareErr: errFake})
		s.reply("INSRT", fakeReply{prepareErr: errFake})
	}
	for _, q := range []string{"SELEKT", "INSRT"} {
		if _, err := f.Prepare(q); err != error(errFake) {
			t.Errorf("%s: got error %v, want %v", q, err, errFake)
		}
	}
}

func TestEachExecutionIsRoutedOnItsOwn(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.SetMaxOpenConns(1)
	st := f.mustPrepare("SELECT server")
	read := func(what string, st *sql.Stmt, want string) {
		t.Helper()
		var got string
		if err := st.QueryRow().Scan(&got); err != nil {
			t.Fatal(err)
		}
		equal(t, what, got, want)
	}
	read("first", st, "replica1")
	tx, err := f.Begin()
	if err != nil {
		t.Fatal(err)
	}
	read("in a transaction", tx.Stmt(st), "primary")
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := st.QueryRowContext(rwsplit.WithPrimary(bg)).Scan(&got); err != nil {
		t.Fatal(err)
	}
	equal(t, "with a hint", got, "primary")
	read("again", st, "replica1")
	equal(t, "prepared", f.prepared("SELECT server"), "[1 1]")
	if _, err := st.Exec(); err != nil {
		t.Fatal(err)
	}
	equal(t, "prepared after an Exec", f.prepared("SELECT server"), "[1 1]")
}

func TestStatementIsPreparedAgainOnANewConnection(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.SetMaxOpenConns(1)
	st := f.mustPrepare("SELECT ?")
	var v any
	for range 2 {
		if err := st.QueryRow(1).Scan(&v); err != nil {
			t.Fatal(err)
		}
		f.replicas[0].killConns()
	}
	if err := st.QueryRow(1).Scan(&v); err != nil {
		t.Fatal(err)
	}
	equal(t, "prepared", f.prepared("SELECT ?"), "[0 3]")
}

func TestNumberOfStatementsOnAConnectionIsBounded(t *testing.T) {
	const limit, many = 256, 600
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.SetMaxOpenConns(1)
	stmts := make([]*sql.Stmt, many)
	var v any
	for i := range stmts {
		stmts[i] = f.mustPrepare(fmt.Sprintf("SELECT ? AS c%d", i))
	}
	if n := f.replicas[0].openStmts(); n > limit {
		t.Errorf("%d statements open on one connection, want at most %d", n, limit)
	}
	for _, st := range []*sql.Stmt{stmts[0], stmts[many-1], stmts[1]} { // the first were closed long ago
		if err := st.QueryRow(1).Scan(&v); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "prepared", f.prepared("SELECT ? AS c0"), "[0 2]")
	equal(t, "prepared", f.prepared(fmt.Sprintf("SELECT ? AS c%d", many-1)), "[0 1]")
	if n := f.replicas[0].openStmts(); n > limit {
		t.Errorf("%d statements open on one connection, want at most %d", n, limit)
	}
}

// A base driver that wants a statement prepared returns driver.ErrSkip, and
// database/sql comes back with Prepare: it is one statement all the same.
func TestSkippedStatementIsOne(t *testing.T) {
	for _, shape := range []fakeShape{{}, {conn: "bare"}, {conn: "-ExecerContext-QueryerContext", stmt: "bare"}} {
		for _, balance := range []rwsplit.Balance{rwsplit.LeastBusy, rwsplit.RoundRobin, rwsplit.Random} {
			t.Run(shape.String()+", "+string(balance), func(t *testing.T) {
				f := newFakeCluster(t, 3, rwsplit.Config{Balance: balance}, shape)
				for _, s := range f.servers() {
					s.failAll(opQuery, driver.ErrSkip)
					s.failAll(opExec, driver.ErrSkip)
				}
				var v any
				const n = 30
				for range n {
					if err := f.QueryRow("SELECT ?", 1).Scan(&v); err != nil {
						t.Fatal(err)
					}
				}
				mustExec(t, f, "INSERT INTO t VALUES (?)", 1)
				routes := f.routes()
				equal(t, "decisions", len(routes), n+1)
				for i, r := range f.replicas {
					told := 0
					for _, d := range routes {
						if d.Backend.Index == i+1 {
							told++
						}
					}
					equal(t, "reads on "+r.name, r.count(opStmtQuery), told)
					equal(t, "prepared on "+r.name, r.count(opPrepare), told)
				}
				st, err := rwsplit.StatsOf(f.DB)
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "reads counted", int(st.Reasons[rwsplit.ReasonRead]), n)
				equal(t, "writes counted", int(st.Backends[0].Statements), 1)
			})
		}
	}
}
