package rwsplit_test

import (
	"database/sql"
	"testing"

	"github.com/rwsplit/rwsplit"
)

// Whatever the application relied on is gone with its connection: nothing may
// go on as if it were still there.

func TestScopeDiesWithWhatItReliesOn(t *testing.T) {
	for _, tt := range []struct {
		name string
		rely func(t *testing.T, conn *sql.Conn)
	}{
		{"transaction by text", func(t *testing.T, conn *sql.Conn) {
			mustExec(t, conn, "BEGIN")
			mustExec(t, conn, "INSERT INTO t VALUES (1)")
		}},
		{"session state", func(t *testing.T, conn *sql.Conn) { mustExec(t, conn, "SET role = app") }},
		{"opaque statement", func(t *testing.T, conn *sql.Conn) { mustExec(t, conn, "CALL p()") }},
	} {
		for _, shape := range []fakeShape{{}, {conn: "bare"}} {
			t.Run(tt.name+", "+shape.String(), func(t *testing.T) {
				f := newFakeCluster(t, 1, rwsplit.Config{}, shape)
				conn := f.mustConn()
				tt.rely(t, conn)
				dialled, sent := f.primary.count(opConnect), len(ranWell(f.primary))
				f.primary.killConns()
				for i := range 3 {
					if _, err := conn.ExecContext(bg, "INSERT INTO t VALUES (2)"); err == nil {
						t.Errorf("exec %d went through", i)
					}
					var name string
					if err := conn.QueryRowContext(bg, "SELECT server").Scan(&name); err == nil {
						t.Errorf("read %d went to %s", i, name)
					}
				}
				if _, err := conn.BeginTx(bg, nil); err == nil {
					t.Error("begin went through")
				}
				equal(t, "connections dialled", f.primary.count(opConnect), dialled)
				equal(t, "statements that ran", len(ranWell(f.primary)), sent)
				_ = conn.Close()

				mustExec(t, f, "INSERT INTO t VALUES (3)") // another scope is free
			})
		}
	}
}

// As above, but the base driver's error is one after which database/sql goes on
// with the sql.Conn.
func TestScopeDiesWithWhatItReliesOnWhateverTheError(t *testing.T) {
	for _, state := range []string{"BEGIN", "SET role = app", "CALL p()"} {
		for _, shape := range []fakeShape{{}, {conn: "bare"}, {conn: "-Validator"}} {
			t.Run(state+", "+shape.String(), func(t *testing.T) {
				f := newFakeCluster(t, 1, rwsplit.Config{}, shape)
				conn := f.mustConn()
				mustExec(t, conn, state)
				f.primary.breakOn(opExec, 1, errFakeLost)
				f.primary.breakOn(opStmtExec, 1, errFakeLost)
				if _, err := conn.ExecContext(bg, "INSERT INTO t VALUES (1)"); err != error(errFakeLost) {
					t.Errorf("got error %v, want %v", err, errFakeLost)
				}
				if _, err := conn.ExecContext(bg, "INSERT INTO t VALUES (2)"); err == nil {
					t.Error("the scope went on")
				}
				var name string
				if err := conn.QueryRowContext(bg, "SELECT server").Scan(&name); err == nil {
					t.Errorf("a read went to %s", name)
				}
				equal(t, "dials", f.dials(), "[1 0]")
				_ = conn.Close()
				mustExec(t, f, "INSERT INTO t VALUES (3)")
			})
		}
	}
}

func TestTransactionDiesWithItsConnection(t *testing.T) {
	for _, shape := range []fakeShape{{}, {conn: "bare"}} {
		t.Run(shape.String(), func(t *testing.T) {
			f := newFakeCluster(t, 1, rwsplit.Config{}, shape)
			conn := f.mustConn()
			tx, err := conn.BeginTx(bg, nil)
			if err != nil {
				t.Fatal(err)
			}
			mustExec(t, tx, "INSERT INTO t VALUES (1)")
			f.primary.killConns()
			for i := range 3 {
				if _, err := tx.Exec("INSERT INTO t VALUES (2)"); err == nil {
					t.Errorf("exec %d went through", i)
				}
				var name string
				if err := tx.QueryRow("SELECT server").Scan(&name); err == nil {
					t.Errorf("read %d went to %s", i, name)
				}
			}
			if err := tx.Commit(); err == nil {
				t.Error("the commit went through")
			}
			if _, err := conn.ExecContext(bg, "INSERT INTO t VALUES (3)"); err == nil {
				t.Error("the scope went on")
			}
			equal(t, "dials", f.dials(), "[1 0]")
			equal(t, "statements that ran", len(ranWell(f.primary)), 1)
		})
	}
}

// ranWell returns the texts that ran without error.
func ranWell(s *fakeServer) []string {
	var out []string
	for _, c := range s.log(opExec, opQuery, opStmtExec, opStmtQuery) {
		if c.Err == nil {
			out = append(out, c.Query)
		}
	}
	return out
}

// A program that opens its transactions by text, with one pooled connection,
// must hear of the loss before a statement runs outside of any transaction.
//
// With a SessionResetter and no Validator nobody can tell a lost connection
// from one whose driver refuses to go on in a transaction, as pgx does: then
// it is as with the bare driver, where database/sql takes another connection.
func TestTextTransactionLostBetweenCallsIsReported(t *testing.T) {
	for _, shape := range []fakeShape{{}, {conn: "bare"}, {conn: "-SessionResetter"}} {
		t.Run(shape.String(), func(t *testing.T) {
			f := newFakeCluster(t, 1, rwsplit.Config{}, shape)
			f.SetMaxOpenConns(1)
			mustExec(t, f, "BEGIN")
			mustExec(t, f, "INSERT INTO t VALUES (1)")
			f.primary.killConns()
			if _, err := f.Exec("INSERT INTO t VALUES (2)"); err == nil {
				t.Error("a statement of the lost transaction went through")
			}
			mustExec(t, f, "INSERT INTO t VALUES (3)") // the program was told
		})
	}
}

func TestSettingLostBetweenCallsIsReportedWithPinsConn(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{Pins: rwsplit.PinsConn}, fakeShape{})
	f.SetMaxOpenConns(1)
	mustExec(t, f, "SET role = app")
	equal(t, "read after SET", where(t, bg, f), "primary")
	f.primary.killConns()
	var name string
	if err := f.QueryRow("SELECT server").Scan(&name); err == nil {
		t.Errorf("read went to %s, without the setting", name)
	}
	equal(t, "connections dialled", f.primary.count(opConnect), 1)
}

func TestReplicaLostInAReadOnlyTransactionIsNotReplaced(t *testing.T) {
	f := newFakeCluster(t, 2, rwsplit.Config{}, fakeShape{})
	tx, err := f.BeginTx(bg, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	where(t, bg, tx)
	for _, r := range f.replicas {
		r.killConns()
	}
	var name string
	if err := tx.QueryRow("SELECT server").Scan(&name); err == nil {
		t.Errorf("the transaction went on at %s", name)
	}
	if err := tx.Commit(); err == nil {
		t.Error("the commit went through")
	}
	where(t, bg, f)
}

// The losses of a scope are its own: another one on the same pool sees nothing.
func TestLossOfOneScopeLeavesOthersAlone(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	a, b := f.mustConn(), f.mustConn()
	mustExec(t, a, "BEGIN")
	mustExec(t, b, "BEGIN")
	f.primary.breakOn(opExec, 1, errFakeLost)
	if _, err := a.ExecContext(bg, "INSERT INTO t VALUES (1)"); err == nil {
		t.Error("the lost statement went through")
	}
	mustExec(t, b, "INSERT INTO t VALUES (2)")
	mustExec(t, b, "COMMIT")
}
