package rwsplit_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// A server that does not answer must hold nobody but those that wait for it.

// patience is far more than anything takes here that does not wait for a
// server, and less than a test may take.
const patience = 20 * time.Second

func TestHungStmtCloseDoesNotStopThePool(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.SetMaxOpenConns(4)
	st, err := f.Prepare("SELECT ?")
	if err != nil {
		t.Fatal(err)
	}
	h := f.replicas[0].freeze(t, opStmtClose, 1)
	within(t, patience, "Stmt.Close, then writes", func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
		for range 10 {
			mustExec(t, f, "INSERT INTO t VALUES (1)")
		}
	})
	select {
	case <-h.entered:
		t.Error("Stmt.Close reached the server on its caller's path")
	default:
	}

	// One reader comes upon the hung server; the others go on.
	readerDone := make(chan struct{})
	go func() { defer close(readerDone); where(t, bg, f) }()
	<-h.entered
	within(t, patience, "reads while one hangs", func() {
		for range 10 {
			where(t, bg, f)
		}
	})
	h.release()
	<-readerDone
}

func TestHungStmtCloseEndsWithTheContext(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.replicas[0].wired = true
	f.SetMaxOpenConns(1)
	st, err := f.Prepare("SELECT ?")
	if err != nil {
		t.Fatal(err)
	}
	f.replicas[0].freeze(t, opStmtClose, 1)
	_ = st.Close()
	within(t, patience, "a read with a deadline", func() {
		ctx, cancel := context.WithTimeout(bg, 50*time.Millisecond)
		defer cancel()
		var name string
		err := f.QueryRowContext(ctx, "SELECT server").Scan(&name)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v", err)
		}
	})
	within(t, patience, "a read after it", func() { where(t, bg, f) })
}

func TestHungCloseDoesNotStopThePool(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.SetMaxIdleConns(-1) // each connection is closed when it is returned
	h := f.replicas[0].freeze(t, opClose, 1)
	within(t, patience, "reads and writes while a Close hangs", func() {
		where(t, bg, f)
		<-h.entered
		for range 3 {
			mustExec(t, f, "INSERT INTO t VALUES (1)")
			where(t, bg, f)
		}
	})
	within(t, patience, "closing the pool", func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	h.release()
}

func TestHungCloseIsCutOff(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.replicas[0].wired = true
	h := f.replicas[0].freeze(t, opClose, 1)
	where(t, bg, f)
	_ = f.Close()
	<-h.entered
	f.replicas[0].checkClosed(t) // though nobody releases it
}

func TestHungReplicaHoldsOnlyItsReaders(t *testing.T) {
	f := newFakeCluster(t, 2, rwsplit.Config{}, fakeShape{})
	f.SetMaxOpenConns(4)
	hung := f.replicas[0].hangTimes(t, opQuery, 1, -1, true)
	ctx, cancel := context.WithCancel(bg)
	stuck := make(chan error, 3)
	for range 3 {
		go func() {
			conn, err := f.Conn(ctx)
			if err == nil {
				defer conn.Close()
				// Both replicas are asked until the hung one is met.
				for err == nil && ctx.Err() == nil {
					var name string
					err = conn.QueryRowContext(ctx, "SELECT server").Scan(&name)
				}
			}
			stuck <- err
		}()
	}
	<-hung.entered
	within(t, patience, "writes and transactions meanwhile", func() {
		for range 5 {
			mustExec(t, f, "INSERT INTO t VALUES (1)")
			tx, err := f.Begin()
			if err != nil {
				t.Error(err)
				return
			}
			where(t, bg, tx)
			_ = tx.Rollback()
		}
	})
	cancel()
	for range 3 {
		<-stuck
	}
}

func TestReplicaThatHangsWhenDialledIsLeftForAnother(t *testing.T) {
	for _, op := range []fakeOp{opConnect, opInspect, opSetup} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel() // each waits for the limit of a dial
			f := newFakeCluster(t, 2, rwsplit.Config{Balance: rwsplit.RoundRobin}, fakeShape{})
			f.replicas[0].hangTimes(t, op, 1, -1, true)
			within(t, patience, "reads", func() {
				for range 4 {
					equal(t, "read", where(t, bg, f), "replica2")
				}
			})
		})
	}
}

func TestDeadlineHoldsWhileDialling(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.primary.hang(t, opConnect, 1)
	f.replicas[0].hang(t, opInspect, 1)
	for _, run := range []func(context.Context) error{
		func(ctx context.Context) error { _, err := f.ExecContext(ctx, "INSERT INTO t VALUES (1)"); return err },
		func(ctx context.Context) error { _, err := f.QueryContext(ctx, "SELECT 1"); return err },
	} {
		ctx, cancel := context.WithTimeout(bg, 20*time.Millisecond)
		err := run(ctx)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want a deadline", err)
		}
	}
}

// database/sql closes a rolled back transaction's connection on its own
// goroutine: nobody waits for it but Rollback.
func TestHungRollbackDoesNotStopThePool(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	ctx, cancel := context.WithCancel(bg)
	tx, err := f.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := f.primary.freeze(t, opRollback, 1)
	cancel()
	<-h.entered
	within(t, patience, "other statements", func() {
		mustExec(t, f, "INSERT INTO t VALUES (1)")
		where(t, bg, f)
	})
	h.release()
	soon(t, "the end of the transaction", func() bool { return errors.Is(tx.Commit(), sql.ErrTxDone) })
}
