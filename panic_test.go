package rwsplit_test

import (
	"fmt"
	"testing"

	"github.com/rwsplit/rwsplit"
)

// A base driver that panics takes down its statement and, as database/sql has
// it, the pooled connection. It must not stop the others.
func TestPanicOfTheBaseDriverDoesNotStopThePool(t *testing.T) {
	for _, op := range []fakeOp{
		opConnect, opInspect, opSetup, opQuery, opExec, opPrepare, opStmtQuery, opStmtClose, opBegin, opPing, opReset, opClose,
	} {
		t.Run(string(op), func(t *testing.T) {
			f := newLeakyCluster(t)
			if op == opClose {
				f.SetMaxIdleConns(-1)
			}
			for _, s := range f.servers() {
				s.panicOn(op, 1, "oh no")
			}
			panicked := 0
			within(t, patience, "statements around the panics", func() {
				for range 4 {
					for _, run := range f.calls() {
						panicked += panics(run)
					}
				}
			})
			if panicked == 0 && op != opClose && op != opStmtClose { // those are closed on nobody's path
				t.Error("no panic came out")
			}
			within(t, patience, "statements after it", func() {
				for _, run := range f.calls() {
					if n := panics(run); n > 0 {
						t.Error("panic again")
					}
				}
				mustExec(t, f, "INSERT INTO t VALUES (1)")
				where(t, bg, f)
			})
			st, err := rwsplit.StatsOf(f.DB)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range st.Backends {
				equal(t, "reads under way on "+b.Name, b.Running, 0)
			}
		})
	}
}

// newLeakyCluster is a cluster whose end nobody checks: database/sql itself
// loses a pooled connection on which a driver panics.
func newLeakyCluster(t *testing.T) *fakeCluster {
	t.Helper()
	f := &fakeCluster{t: t, primary: newFakeServer("primary", fakeShape{})}
	f.replicas = []*fakeServer{newFakeServer("replica1", fakeShape{})}
	f.DB = openFakes(t, rwsplit.Config{Consistency: rwsplit.Eventual}, f.servers()...)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// calls returns one call of each kind.
func (f *fakeCluster) calls() []func() {
	return []func(){
		func() { var v any; _ = f.QueryRow("SELECT server").Scan(&v) },
		func() { _, _ = f.Exec("INSERT INTO t VALUES (1)") },
		func() {
			if st, err := f.Prepare("SELECT ?"); err == nil {
				defer st.Close()
				var v any
				_ = st.QueryRow(1).Scan(&v)
			}
		},
		func() {
			if tx, err := f.Begin(); err == nil {
				_ = tx.Commit()
			}
		},
		func() { _ = f.Ping() },
	}
}

// panics runs f and returns 1 if it panicked with what the fake does.
func panics(f func()) (n int) {
	defer func() {
		if v := recover(); v != nil {
			if fmt.Sprint(v) != "oh no" {
				panic(v)
			}
			n = 1
		}
	}()
	f()
	return 0
}
