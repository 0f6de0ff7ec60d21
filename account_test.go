package rwsplit_test

import (
	"context"
	"database/sql"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

// A write that nobody took a number for is a stale read for whoever comes
// next. Each of these ways to write ends with a statement that makes the write
// visible, long after everything before it was replayed.
func TestEveryWayToCommitIsAWrite(t *testing.T) {
	var open *sql.Tx
	begin := func(t *testing.T, conn *sql.Conn) *sql.Tx {
		tx, err := conn.BeginTx(bg, nil)
		if err != nil {
			t.Fatal(err)
		}
		open = tx
		return tx
	}
	for _, tt := range []struct {
		name string
		// prepare returns what makes the write visible.
		prepare func(t *testing.T, f *fakeCluster, conn *sql.Conn) func()
	}{
		{"commit of what a procedure began", func(t *testing.T, f *fakeCluster, conn *sql.Conn) func() {
			f.primary.hook(opExec, 1, 1, func(_ context.Context, c *fakeConn) error {
				c.textTx = true
				return nil
			})
			mustExec(t, conn, "CALL p()")
			return func() { mustExec(t, conn, "COMMIT") }
		}},
		{"commit after a BEGIN that only warned", func(t *testing.T, f *fakeCluster, conn *sql.Conn) func() {
			mustExec(t, conn, "BEGIN")
			mustExec(t, conn, "INSERT INTO t VALUES (1)")
			mustExec(t, conn, "BEGIN")
			return func() { mustExec(t, conn, "COMMIT") }
		}},
		{"write after an implicit commit in a transaction", func(t *testing.T, f *fakeCluster, conn *sql.Conn) func() {
			tx := begin(t, conn)
			mustExec(t, tx, "CREATE TABLE u (a int)")
			return func() { mustExec(t, tx, "INSERT INTO t VALUES (1)") }
		}},
		{"write after a COMMIT by text in a transaction", func(t *testing.T, f *fakeCluster, conn *sql.Conn) func() {
			tx := begin(t, conn)
			mustExec(t, tx, "COMMIT")
			return func() { mustExec(t, tx, "INSERT INTO t VALUES (1)") }
		}},
		{"commit after autocommit was set that was on", func(t *testing.T, f *fakeCluster, conn *sql.Conn) func() {
			mustExec(t, conn, "BEGIN")
			mustExec(t, conn, "INSERT INTO t VALUES (1)")
			mustExec(t, conn, "AUTOCOMMIT ON")
			return func() { mustExec(t, conn, "COMMIT") }
		}},
		{"commit of a transaction in which autocommit was set", func(t *testing.T, f *fakeCluster, conn *sql.Conn) func() {
			tx := begin(t, conn)
			mustExec(t, tx, "INSERT INTO t VALUES (1)")
			mustExec(t, tx, "AUTOCOMMIT ON")
			return func() {
				if err := tx.Commit(); err != nil {
					t.Error(err)
				}
			}
		}},
		{"write after a procedure in a transaction", func(t *testing.T, f *fakeCluster, conn *sql.Conn) func() {
			tx := begin(t, conn)
			mustExec(t, tx, "CALL p()")
			return func() { mustExec(t, tx, "INSERT INTO t VALUES (1)") }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeCluster(t, 1, rwsplit.Config{Consistency: rwsplit.Process, StickyFor: time.Second}, fakeShape{})
				defer f.end()
				conn := f.mustConn()
				defer conn.Close()
				open = nil
				defer func() {
					if open != nil {
						_ = open.Rollback()
					}
				}()
				reveal := tt.prepare(t, f, conn)
				where(t, bg, f)
				time.Sleep(5 * time.Second)
				equal(t, "read before", where(t, bg, f), "replica1")
				reveal()
				equal(t, "read after", where(t, bg, f), "primary")
			})
		})
	}
}

// Programs often give the request's context to the statements of a transaction
// and not to Begin: what they write is the request's all the same.
func TestSessionOfAStatementWroteWhatItsTransactionCommits(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{Consistency: rwsplit.Session}, fakeShape{})
	ctx := rwsplit.WithSession(bg)
	tx, err := f.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	equal(t, "last write before the commit", rwsplit.LastWrite(ctx, f.DB), 0)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if rwsplit.LastWrite(ctx, f.DB) == 0 {
		t.Error("the session wrote nothing")
	}
}

// MySQL forgets warnings and counts with the next statement, also with one that
// asks whether a transaction is open.
func TestNothingComesBetweenAProcedureAndAQuestionAboutIt(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	conn := f.mustConn()
	mustExec(t, conn, "CALL p()")
	for _, query := range []string{"SELECT LAST", "SELECT count FOR UPDATE"} {
		var v any
		if err := conn.QueryRowContext(bg, query).Scan(&v); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "statements", len(f.primary.ran()), 3)
	equal(t, "questions about a transaction", f.primary.count(opProbe), 0)
	mustExec(t, conn, "INSERT INTO t VALUES (1)")
	equal(t, "questions about a transaction", f.primary.count(opProbe), 1)
}
