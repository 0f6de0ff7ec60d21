package rwsplit_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// A base driver that fails in every way at every method: rwsplit must neither
// hang, nor leak, nor panic of its own, nor retry for ever.
func TestHostileBaseDriver(t *testing.T) {
	ops := []fakeOp{
		opConnect, opClose, opReset, opPrepare, opExec, opQuery, opBegin, opCommit, opRollback,
		opStmtExec, opStmtQuery, opStmtClose, opSetup, opInspect,
	}
	ways := map[string]func(*fakeServer, fakeOp){
		"ErrBadConn": func(s *fakeServer, op fakeOp) { s.failAll(op, driver.ErrBadConn) },
		"lost": func(s *fakeServer, op fakeOp) {
			s.hook(op, 1, -1, func(_ context.Context, c *fakeConn) error { c.kill(); return errFakeLost })
		},
		"panic": func(s *fakeServer, op fakeOp) {
			s.hook(op, 1, -1, func(context.Context, *fakeConn) error { panic(errPanic) })
		},
		"hang": func(s *fakeServer, op fakeOp) {
			s.hook(op, 1, -1, func(ctx context.Context, c *fakeConn) error {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-c.cut():
					c.kill()
					return errFakeLost
				}
			})
		},
	}
	for way, harm := range ways {
		for _, op := range ops {
			if way == "hang" && op == opCommit {
				continue // it has no context: whoever calls it waits, with or without rwsplit
			}
			t.Run(way+"/"+string(op), func(t *testing.T) {
				t.Parallel()
				f := newFakeCluster(t, 2, rwsplit.Config{ProbeInterval: 20 * time.Millisecond, ProbeTimeout: 50 * time.Millisecond}, fakeShape{})
				// database/sql does not take a connection back on which the base
				// driver panicked in Query, Commit or ResetSession.
				f.leaks = way == "panic"
				for _, s := range f.servers() {
					s.wired = true
				}
				mustExec(t, f, "INSERT INTO t VALUES (1)")
				where(t, bg, f)
				for _, s := range f.servers() {
					harm(s, op)
				}
				before := 0
				for _, s := range f.servers() {
					before += len(s.log())
				}
				within(t, patience, "everything that an application does", func() { f.everything() })
				after := 0
				for _, s := range f.servers() {
					after += len(s.log())
				}
				if calls := after - before; calls > 2000 {
					t.Errorf("the base driver was called %d times for %d statements", calls, 9)
				}
				for _, s := range f.servers() {
					s.unhook(op)
				}
				within(t, patience, "a statement when all is well again", func() {
					soon(t, "a write", func() bool {
						_, err := f.Exec("INSERT INTO t VALUES (1)")
						return err == nil
					})
					soon(t, "a read", func() bool {
						var name string
						return f.QueryRow("SELECT server").Scan(&name) == nil
					})
				})
			})
		}
	}
}

// errPanic is what a hostile base driver panics with.
var errPanic = errors.New("fakedb: panic")

// everything does what an application does, whatever comes of it. Panics of the
// base driver pass through to the caller, as without rwsplit.
func (f *fakeCluster) everything() {
	guarded := func(do func(context.Context)) {
		ctx, cancel := context.WithTimeout(bg, 300*time.Millisecond)
		defer cancel()
		defer func() {
			if r := recover(); r != nil && r != any(errPanic) {
				f.t.Errorf("panicked with %v", r)
			}
		}()
		do(ctx)
	}
	for range 3 {
		guarded(func(ctx context.Context) { _, _ = f.ExecContext(ctx, "INSERT INTO t VALUES (1)") })
		guarded(func(ctx context.Context) {
			var name string
			_ = f.QueryRowContext(ctx, "SELECT server").Scan(&name)
		})
		guarded(func(ctx context.Context) {
			tx, err := f.BeginTx(ctx, nil)
			if err != nil {
				return
			}
			_, _ = tx.ExecContext(ctx, "INSERT INTO t VALUES (1)")
			_ = tx.Commit()
		})
	}
}
