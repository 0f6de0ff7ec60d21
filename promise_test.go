package rwsplit_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

// Session state on a replica does not make stale what the scope reads there.
func TestScopePinnedToAReplicaReadsItsWrites(t *testing.T) {
	for _, level := range []rwsplit.Consistency{rwsplit.Process, rwsplit.Session, rwsplit.Eventual} {
		t.Run(string(level), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeCluster(t, 1, rwsplit.Config{Consistency: level, StickyFor: time.Second}, fakeShape{})
				defer f.end()
				conn := f.mustConn()
				defer conn.Close()
				where(t, bg, conn)
				time.Sleep(5 * time.Second)
				err := conn.Raw(func(c any) error {
					_, err := c.(rwsplit.Conn).Replica(bg)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "read", where(t, bg, conn), "replica1")
				mustExec(t, conn, "INSERT INTO t VALUES (1)")
				equal(t, "hinted read after the write", where(t, rwsplit.WithReplica(bg), conn), "replica1")
				equal(t, "read after the write", where(t, bg, conn), "primary")
				if level != rwsplit.Eventual {
					time.Sleep(5 * time.Second)
					equal(t, "read when it is there", where(t, bg, conn), "replica1")
				}
			})
		})
	}
}

func TestReadOnlyContextKeepsARefusedWriteFromThePrimary(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.replicas[0].reply("SELECT f()", fakeReply{err: errFakeReadOnly})
	var v any
	if err := f.QueryRowContext(rwsplit.WithReadOnly(bg), "SELECT f()").Scan(&v); err == nil {
		t.Error("a write ran in a read-only context")
	}
	equal(t, "statements on the primary", len(f.primary.ran()), 0)
}

// reads=shadow is for trying rwsplit in production: whatever the replicas do,
// nothing fails.
func TestShadowNeedsNoReplica(t *testing.T) {
	for name, cfg := range map[string]rwsplit.Config{
		"fallback=error": {Fallback: rwsplit.FallbackError},
		"fallback_max":   {FallbackMax: 1},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Reads = rwsplit.ReadsShadow
			cfg.MaxLag = time.Second // which is unknown, so no replica qualifies
			f := newFakeCluster(t, 1, cfg, fakeShape{})
			reader := f.mustConn()
			f.primary.hook(opQuery, 1, 1, func(context.Context, *fakeConn) error {
				var name string
				return f.QueryRow("SELECT server").Scan(&name)
			})
			equal(t, "read", where(t, bg, reader), "primary")
		})
	}
}

// A transaction on a replica must not leave a session behind that is in a
// transaction for ever.
func TestAutocommitStaysOnInATransactionOnAReplica(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	tx, err := f.BeginTx(bg, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("AUTOCOMMIT OFF"); !errors.Is(err, rwsplit.ErrReadOnly) {
		t.Errorf("got error %v, want ErrReadOnly", err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	mustExec(t, f, "INSERT INTO t VALUES (1)")
}

// That sessions start without autocommit is learned from the first of them.
func TestFirstSessionWithoutAutocommitIsInATransaction(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.primary.noAutocommit = true
	conn := f.mustConn()
	if _, err := conn.ExecContext(bg, "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	equal(t, "read in the transaction", where(t, bg, conn), "primary")
}

// A statement that was never sent is no loss.
func TestTextTransactionBeginsOnAFreshConnectionIfTheOldOneIsGone(t *testing.T) {
	for _, text := range []string{"BEGIN", "SET a = 1"} {
		t.Run(text, func(t *testing.T) {
			f := newFakeCluster(t, 1, rwsplit.Config{Pins: rwsplit.PinsConn}, fakeShape{})
			mustExec(t, f, "INSERT INTO t VALUES (1)")
			f.primary.breakOn(opExec, 1, driver.ErrBadConn)
			mustExec(t, f, text)
		})
	}
}
