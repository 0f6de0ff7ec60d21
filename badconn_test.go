package rwsplit_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/rwsplit/rwsplit"
)

// driver.ErrBadConn makes database/sql throw away the whole pooled connection
// and try again, with all its slots and its scope: a replica's must stay inside.
func TestBadConnOfAReplicaNeverGetsOut(t *testing.T) {
	read := func(t *testing.T, f *fakeCluster) { where(t, bg, f) }
	for _, tt := range []struct {
		op    fakeOp
		shape fakeShape
		run   func(t *testing.T, f *fakeCluster)
	}{
		{opQuery, fakeShape{}, read},
		{opPrepare, fakeShape{conn: "bare"}, read},
		{opStmtQuery, fakeShape{conn: "bare"}, read},
		{opStmtQuery, fakeShape{}, func(t *testing.T, f *fakeCluster) {
			st, err := f.Prepare("SELECT server")
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			var name string
			if err := st.QueryRow().Scan(&name); err != nil {
				t.Error(err)
			}
		}},
		{opBegin, fakeShape{}, func(t *testing.T, f *fakeCluster) {
			tx, err := f.BeginTx(bg, &sql.TxOptions{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			where(t, bg, tx)
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}
		}},
		{opPing, fakeShape{}, func(t *testing.T, f *fakeCluster) {
			if err := f.PingContext(rwsplit.WithReplica(bg)); err != nil {
				t.Error(err)
			}
		}},
		{opConnect, fakeShape{}, read},
	} {
		t.Run(string(tt.op)+" "+tt.shape.String(), func(t *testing.T) {
			f := newFakeCluster(t, 2, rwsplit.Config{}, tt.shape)
			conn := f.mustConn() // a second pooled connection, whose scope must live
			mustExec(t, conn, "INSERT INTO t VALUES (1)")
			for _, r := range f.replicas {
				r.failAll(tt.op, driver.ErrBadConn)
			}
			opened := f.Stats().OpenConnections
			tt.run(t, f)
			if opened == 1 {
				opened++ // the first of its own
			}
			equal(t, "pooled connections", f.Stats().OpenConnections, opened)
			for _, r := range f.replicas {
				if r.count(tt.op) == 0 {
					t.Errorf("%s was not tried", r.name)
				}
			}
			equal(t, "writes", len(ranWrites(f.primary)), 1)
		})
	}
}

func TestBadConnOfAReplicaKeepsTheScope(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	conn := f.mustConn()
	equal(t, "read", where(t, bg, conn), "replica1")
	f.replicas[0].killConns()
	where(t, bg, conn)
	mustExec(t, conn, "INSERT INTO t VALUES (1)")
	equal(t, "read after a write", where(t, bg, conn), "primary")
}

// pgx says so of a query that it did not send because the context had ended.
func TestBadConnOfAReplicaInAContextThatHasEndedKeepsTheScope(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	conn := f.mustConn()
	equal(t, "read", where(t, bg, conn), "replica1")
	ctx, cancel := context.WithCancel(bg)
	cancel()
	f.replicas[0].fail(opQuery, 1, driver.ErrBadConn)
	_, err := conn.QueryContext(ctx, "SELECT 1")
	equal(t, "error", err, context.Canceled)
	where(t, bg, conn) // wherever: the connection is still there
}

func TestPrimaryThatWasRestartedWhileIdleLosesNothing(t *testing.T) {
	for _, shape := range []fakeShape{{}, {conn: "bare"}, {conn: "-Validator"}, {conn: "-SessionResetter"}} {
		t.Run(shape.String(), func(t *testing.T) {
			f := newFakeCluster(t, 1, rwsplit.Config{}, shape)
			mustExec(t, f, "INSERT INTO t VALUES (1)")
			f.primary.killConns()
			mustExec(t, f, "INSERT INTO t VALUES (2)")
			tx, err := f.Begin()
			if err != nil {
				t.Fatal(err)
			}
			mustExec(t, tx, "INSERT INTO t VALUES (3)")
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			equal(t, "writes", len(ranWrites(f.primary)), 3)
		})
	}
}

// A statement that may have been sent is not sent again, whoever asks.
func TestLostWriteIsNotRepeated(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.primary.breakOn(opExec, 1, errFakeLost)
	_, err := f.Exec("INSERT INTO t VALUES (1)")
	if err != error(errFakeLost) {
		t.Errorf("got error %v, want %v", err, errFakeLost)
	}
	equal(t, "attempts", f.primary.count(opExec), 1)
	f.primary.breakOn(opQuery, 1, errFakeLost)
	rows, err := f.Query("INSERT INTO t VALUES (2) RETURNING id")
	if err != error(errFakeLost) {
		t.Errorf("got %v and error %v, want %v", rows, err, errFakeLost)
	}
	equal(t, "attempts", f.primary.count(opQuery), 1)
}

// ranWrites returns the texts that Exec ran without error.
func ranWrites(s *fakeServer) []string {
	var out []string
	for _, c := range s.log(opExec, opStmtExec) {
		if c.Err == nil {
			out = append(out, c.Query)
		}
	}
	return out
}
