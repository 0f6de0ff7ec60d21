package rwsplit_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

// dials returns how often each server was dialled, the primary first.
func (f *fakeCluster) dials() string {
	var n []int
	for _, s := range f.servers() {
		n = append(n, s.count(opConnect))
	}
	return fmt.Sprint(n)
}

func TestNothingIsDialledBeforeAStatementNeedsIt(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  rwsplit.Config
		run  func(t *testing.T, f *fakeCluster)
		want string
	}{
		{"open", rwsplit.Config{}, func(*testing.T, *fakeCluster) {}, "[0 0]"},
		{"conn", rwsplit.Config{}, func(_ *testing.T, f *fakeCluster) { f.mustConn() }, "[0 0]"},
		{"ping", rwsplit.Config{}, func(t *testing.T, f *fakeCluster) {
			if err := f.Ping(); err != nil {
				t.Error(err)
			}
		}, "[1 0]"},
		{"ping with WithReplica", rwsplit.Config{}, func(t *testing.T, f *fakeCluster) {
			if err := f.PingContext(rwsplit.WithReplica(bg)); err != nil {
				t.Error(err)
			}
		}, "[0 1]"},
		{"read", rwsplit.Config{}, func(t *testing.T, f *fakeCluster) { where(t, bg, f) }, "[0 1]"},
		{"read by exec", rwsplit.Config{}, func(t *testing.T, f *fakeCluster) { mustExec(t, f, "SELECT 1") }, "[1 0]"},
		{"write", rwsplit.Config{}, func(t *testing.T, f *fakeCluster) { mustExec(t, f, "INSERT INTO t VALUES (1)") }, "[1 0]"},
		{"prepared read", rwsplit.Config{}, func(t *testing.T, f *fakeCluster) {
			st, err := f.Prepare("SELECT ?")
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
		}, "[0 1]"},
		{"begin", rwsplit.Config{}, func(t *testing.T, f *fakeCluster) { beginAndEnd(t, f, nil) }, "[1 0]"},
		{"begin read-only", rwsplit.Config{}, func(t *testing.T, f *fakeCluster) {
			beginAndEnd(t, f, &sql.TxOptions{ReadOnly: true})
		}, "[0 1]"},
		{"lazy_begin", rwsplit.Config{LazyBegin: rwsplit.ToggleOn}, func(t *testing.T, f *fakeCluster) {
			beginAndEnd(t, f, nil)
		}, "[0 0]"},
		{"lazy_begin with a statement", rwsplit.Config{LazyBegin: rwsplit.ToggleOn}, func(t *testing.T, f *fakeCluster) {
			tx, err := f.Begin()
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "read", where(t, bg, tx), "primary")
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}
		}, "[1 0]"},
		{"scope that wrote", rwsplit.Config{}, func(t *testing.T, f *fakeCluster) {
			conn := f.mustConn()
			mustExec(t, conn, "INSERT INTO t VALUES (1)")
			where(t, bg, conn)
		}, "[1 0]"},
		{"reads=primary", rwsplit.Config{Reads: rwsplit.ReadsPrimary}, func(t *testing.T, f *fakeCluster) { where(t, bg, f) }, "[1 0]"},
		{"reads=shadow", rwsplit.Config{Reads: rwsplit.ReadsShadow}, func(t *testing.T, f *fakeCluster) { where(t, bg, f) }, "[1 0]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeCluster(t, 1, tt.cfg, fakeShape{})
			tt.run(t, f)
			equal(t, "dials of primary and replica", f.dials(), tt.want)
		})
	}
}

func beginAndEnd(t *testing.T, f *fakeCluster, opts *sql.TxOptions) {
	t.Helper()
	tx, err := f.BeginTx(bg, opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
}

// A sql.Conn is there to its caller before anything is dialled: a context that
// has ended is all that there is to say, not what a dial makes of it.
func TestNothingIsDialledInAContextThatHasEnded(t *testing.T) {
	cancelled, cancel := context.WithCancel(bg)
	cancel()
	late, cancel := context.WithTimeout(bg, 0)
	defer cancel()
	for _, ctx := range []context.Context{cancelled, late} {
		f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
		for _, s := range f.servers() {
			s.failAll(opConnect, errors.New("fakedb: the dial was cut short"))
		}
		conn := f.mustConn()
		_, queried := conn.QueryContext(ctx, "SELECT 1")
		_, executed := conn.ExecContext(ctx, "INSERT INTO t VALUES (1)")
		_, prepared := conn.PrepareContext(ctx, "SELECT 1")
		for _, err := range []error{queried, executed, prepared, conn.PingContext(ctx)} {
			equal(t, "error", err, ctx.Err())
		}
		equal(t, "dials of primary and replica", f.dials(), "[0 0]")
	}
}

func TestReplicaConnectionUnusedForLongIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
		defer f.end()
		f.SetMaxOpenConns(1)
		where(t, bg, f)
		for range 10 { // half an hour of writes
			mustExec(t, f, "INSERT INTO t VALUES (1)")
			time.Sleep(3 * time.Minute)
		}
		synctest.Wait()
		now, _ := f.replicas[0].openConns()
		equal(t, "connections to the replica", now, 0)
		now, _ = f.primary.openConns()
		equal(t, "connections to the primary", now, 1)
		equal(t, "dials", f.dials(), "[1 1]")
	})
}

func TestReplicaConnectionWithSessionStateIsKept(t *testing.T) {
	for _, pins := range []rwsplit.Pins{rwsplit.PinsScope, rwsplit.PinsConn} {
		t.Run(string(pins), func(t *testing.T) { keepsSessionState(t, pins) })
	}
}

func keepsSessionState(t *testing.T, pins rwsplit.Pins) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeCluster(t, 1, rwsplit.Config{Pins: pins}, fakeShape{})
		defer f.end()
		f.SetMaxOpenConns(1)
		conn := f.mustConn()
		err := conn.Raw(func(c any) error {
			_, err := c.(rwsplit.Conn).Replica(bg)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		for range 3 {
			time.Sleep(3 * time.Minute)
			mustExec(t, f, "INSERT INTO t VALUES (1)")
		}
		time.Sleep(time.Minute) // who probed just then has closed its connection
		synctest.Wait()
		now, _ := f.replicas[0].openConns()
		equal(t, "connections to the replica", now, 1)
	})
}

// The context of a transaction is that of BeginTx, also where its first
// statement begins it: that one's may end with the statement.
func TestLazyTransactionBeginsInItsOwnContext(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{LazyBegin: rwsplit.ToggleOn}, fakeShape{})
	var begun context.Context
	f.primary.hook(opBegin, 1, 1, func(ctx context.Context, _ *fakeConn) error {
		begun = ctx
		return nil
	})
	tx, err := f.BeginTx(rwsplit.WithPrimary(bg), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(bg)
	equal(t, "read in the transaction", where(t, ctx, tx), "primary")
	cancel()
	if begun == nil || begun.Err() != nil {
		t.Errorf("the transaction's context ended with that of a statement")
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestLazyTransactionBeginsAgainAfterAStatementGaveUp(t *testing.T) {
	f := newFakeCluster(t, 0, rwsplit.Config{LazyBegin: rwsplit.ToggleOn}, fakeShape{})
	tx, err := f.Begin()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(bg)
	f.primary.hook(opBegin, 1, 1, func(ctx context.Context, _ *fakeConn) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	if _, err := tx.ExecContext(ctx, "INSERT INTO t VALUES (1)"); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	mustExec(t, tx, "INSERT INTO t VALUES (2)")
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	equal(t, "transactions committed", f.primary.count(opCommit), 1)
}
