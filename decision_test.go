package rwsplit_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/rwsplit/rwsplit"
)

// told returns what OnRoute was told since the last call, one line for each
// statement.
func (f *fakeCluster) told() string {
	var lines []string
	for _, d := range f.routes() {
		line := fmt.Sprintf("%s %s: %s", d.Op, d.Backend.Name, d.Reason)
		if d.Rerun {
			line += ", rerun"
		}
		if d.Shadow.Name != "" {
			line += ", shadow " + d.Shadow.Name
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestOnRouteIsToldOfEveryStatementOnce(t *testing.T) {
	for _, shape := range []fakeShape{{}, {conn: "+ConnBeginTx"}} {
		t.Run(shape.String(), func(t *testing.T) {
			f := newFakeCluster(t, 1, rwsplit.Config{}, shape)
			f.SetMaxOpenConns(1)
			where(t, bg, f)
			equal(t, "read", f.told(), "query replica1: plain read")
			mustExec(t, f, "INSERT INTO t VALUES (?)", 1)
			equal(t, "write", f.told(), "exec primary: statement belongs on the primary")
			if err := f.Ping(); err != nil {
				t.Error(err)
			}
			equal(t, "ping", f.told(), "ping primary: ping")

			st := f.mustPrepare("SELECT server")
			equal(t, "prepare", f.told(), "")
			for range 2 {
				rows, err := st.Query()
				if err != nil {
					t.Fatal(err)
				}
				_ = rows.Close()
			}
			equal(t, "prepared read", f.told(), "query replica1: plain read\nquery replica1: plain read")

			tx, err := f.Begin()
			if err != nil {
				t.Fatal(err)
			}
			where(t, bg, tx)
			mustExec(t, tx, "INSERT INTO t VALUES (1)")
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}
			equal(t, "transaction", f.told(),
				"begin primary: transaction\nquery primary: in a transaction\nexec primary: in a transaction")

			beginAndEnd(t, f, &sql.TxOptions{ReadOnly: true})
			equal(t, "read-only transaction", f.told(), "begin replica1: read-only transaction")

			conn := f.mustConn()
			_ = conn.Raw(func(c any) error {
				_, err := c.(rwsplit.Conn).Primary(bg)
				return err
			})
			equal(t, "raw", f.told(), "raw primary: raw connection")
			where(t, bg, conn)
			equal(t, "after raw", f.told(), "query primary: pinned by session state")
			_ = conn.Close()
			where(t, rwsplit.WithPrimary(bg), f)
			equal(t, "hint", f.told(), "query primary: hint: primary")
		})
	}
}

// The number of statements that were counted is the number that was reported.
func TestStatsAgreeWithOnRoute(t *testing.T) {
	f := newFakeCluster(t, 2, rwsplit.Config{}, fakeShape{})
	f.SetMaxOpenConns(4)
	f.traffic(t, 8, 20)
	told := map[string]uint64{}
	for _, d := range f.routes() {
		told[d.Backend.Name+" "+d.Reason.String()]++
	}
	st, err := rwsplit.StatsOf(f.DB)
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]uint64{}
	for _, b := range st.Backends {
		for r, n := range b.Reasons {
			counted[b.Name+" "+r.String()] = n
		}
		equal(t, "reads under way on "+b.Name, b.Running, 0)
	}
	equal(t, "counts", fmt.Sprint(counted), fmt.Sprint(told))
}

func TestShadowTellsWhereAReadWouldHaveRun(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{Reads: rwsplit.ReadsShadow}, fakeShape{})
	equal(t, "read", where(t, bg, f), "primary")
	equal(t, "decision", f.told(), "query primary: reads=shadow, shadow replica1")
}
