package rwsplit_test

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// The matrix: the same scenarios on the bare fake driver and through rwsplit,
// for every shape of driver. What a scenario sees and what the server was asked
// is written down as text; both texts must be the same.

// scene is one run of one scenario.
type scene struct {
	t       *testing.T
	db      *sql.DB
	servers []*fakeServer
	seen    []string
}

// primary is the server that the scenario scripts; with replicas all of them
// are scripted alike.
func (s *scene) script(f func(*fakeServer)) {
	for _, srv := range s.servers {
		f(srv)
	}
}

func (s *scene) note(format string, args ...any) {
	s.seen = append(s.seen, fmt.Sprintf(format, args...))
}

// err writes down an error: which of the known values it is, else its words.
func (s *scene) err(what string, err error) {
	s.note("%s: %s", what, describe(err))
}

func describe(err error) string {
	if err == nil {
		return "ok"
	}
	for _, known := range []error{
		errFake, errFakeLost, errFakeArgument, errFakeIsolation, errFakeReadOnly, errFakeMissing,
		driver.ErrBadConn, sql.ErrNoRows, sql.ErrTxDone, sql.ErrConnDone, context.Canceled, context.DeadlineExceeded,
	} {
		if err == known {
			return "the very " + fmt.Sprintf("%T %v", known, known)
		}
		if errors.Is(err, known) {
			return fmt.Sprintf("%v (wraps %v)", err, known)
		}
	}
	return err.Error()
}

// rows reads rows to their end and writes down all there is.
func (s *scene) rows(what string, rows *sql.Rows, err error) {
	if err != nil {
		s.err(what, err)
		return
	}
	defer rows.Close()
	for set := 1; ; set++ {
		cols, err := rows.Columns()
		s.note("%s: set %d columns %q %v", what, set, cols, err)
		for rows.Next() {
			vals, ptrs := make([]any, len(cols)), make([]any, len(cols))
			for i := range vals {
				ptrs[i] = &vals[i]
			}
			err := rows.Scan(ptrs...)
			line := ""
			for _, v := range vals {
				line += fmt.Sprintf(" %T:%v", v, v)
			}
			s.note("%s: row%s %v", what, line, err)
		}
		if !rows.NextResultSet() {
			break
		}
	}
	s.err(what+" rows.Err", rows.Err())
	s.err(what+" rows.Close", rows.Close())
}

func (s *scene) result(what string, res sql.Result, err error) {
	if err != nil {
		s.err(what, err)
		return
	}
	id, idErr := res.LastInsertId()
	n, nErr := res.RowsAffected()
	s.note("%s: id %d %v, affected %d %v", what, id, idErr, n, nErr)
}

// pool writes down what of the pool's state does not depend on timing.
func (s *scene) pool(what string) {
	st := s.db.Stats()
	s.note("%s: open %d, in use %d, idle %d, waited %d, idle closed %d",
		what, st.OpenConnections, st.InUse, st.Idle, st.WaitCount, st.MaxIdleClosed)
}

// eventually waits for what another goroutine does.
func (s *scene) eventually(what string, f func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !f(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(deadline) {
			s.t.Errorf("%s did not come", what)
			return
		}
	}
}

// panics runs f and writes down what it panics with.
func (s *scene) panics(what string, f func()) {
	defer func() { s.note("%s: panic %v", what, recover()) }()
	f()
}

// matrixMode is a way to the fake servers.
type matrixMode struct {
	name     string
	replicas int
	open     func(t *testing.T, servers []*fakeServer) *sql.DB
}

var bareMode = matrixMode{name: "bare", open: func(_ *testing.T, servers []*fakeServer) *sql.DB {
	return sql.OpenDB(servers[0].connector())
}}

// play runs one scenario in one mode and returns what was seen.
func play(t *testing.T, sc scenario, shape fakeShape, mode matrixMode) (seen, askedAll, askedNoPrepares string) {
	t.Helper()
	servers := make([]*fakeServer, 1+mode.replicas)
	for i := range servers {
		servers[i] = newFakeServer("server", shape) // all look alike
		servers[i].readOnly = i > 0
	}
	s := &scene{t: t, db: mode.open(t, servers), servers: servers}
	sc.run(s)
	s.err("db.Close", s.db.Close())
	for _, srv := range servers {
		if sc.leaks {
			srv.check(t)
		} else {
			srv.checkClosed(t)
		}
	}
	join := func(lines []string) string { return strings.Join(lines, "\n") + "\n" }
	return join(s.seen), join(asked(servers, true)), join(asked(servers, false))
}

// asked returns what the servers were asked to do, in order. This is the list
// of what may differ between the bare driver and rwsplit:
//
//   - Connect, ResetSession, IsValid and the closing of statements and
//     connections: rwsplit dials late, resets late and closes late, and asks a
//     new session who it is.
//   - Which connection it was: a pooled connection has one for each server.
//   - Calls in vain, on a connection that was dead or with a context that had
//     ended: rwsplit may see that before the base driver does.
//   - With replicas, Prepare: a statement is prepared on each server that runs
//     it.
func asked(servers []*fakeServer, prepares bool) []string {
	ops := []fakeOp{opPing, opExec, opQuery, opStmtExec, opStmtQuery, opBegin, opCommit, opRollback}
	if prepares {
		ops = append(ops, opPrepare)
	}
	var calls []fakeCall
	for _, s := range servers {
		calls = append(calls, s.log(ops...)...)
	}
	slices.SortFunc(calls, func(a, b fakeCall) int { return cmp.Compare(a.Seq, b.Seq) })
	var out []string
	for _, c := range calls {
		if c.Vain {
			continue
		}
		c.Server, c.Conn = "asked", 0
		out = append(out, c.String())
	}
	return out
}

// scenario is one small program.
type scenario struct {
	name string
	// routed says that where statements run shows in what is seen: the
	// scenario is not played with replicas.
	routed bool
	// silent says that what the servers were asked is not compared; the
	// scenario says why.
	silent bool
	// leaks says that database/sql itself loses connections here.
	leaks bool
	run   func(s *scene)
}

// matrixShapes are the drivers that the matrix is played with.
func matrixShapes() []fakeShape {
	shapes := []fakeShape{{}, {stmt: "bare"}, {unknownInputs: true}, {conn: "bare", unknownInputs: true}}
	for _, c := range connShapes {
		shapes = append(shapes, fakeShape{conn: c.name})
	}
	for _, st := range stmtShapes {
		// Without Execer and Queryer every argument goes through a statement.
		shapes = append(shapes, fakeShape{conn: "bare", stmt: st.name}, fakeShape{conn: "-ExecerContext-QueryerContext", stmt: st.name})
	}
	return shapes
}

func TestMatrixOfOptionalInterfaces(t *testing.T) {
	all := slices.Concat(statementScenarios, argumentScenarios, txScenarios, faultScenarios, openRowsScenarios, poolScenarios)
	for _, shape := range matrixShapes() {
		playMatrix(t, shape, all)
	}
	for _, r := range rowsShapes {
		playMatrix(t, fakeShape{rows: r.name}, statementScenarios)
		playMatrix(t, fakeShape{conn: "bare", stmt: "bare", rows: r.name}, statementScenarios)
	}
}

// playMatrix plays the scenarios in every mode and compares.
func playMatrix(t *testing.T, shape fakeShape, scenarios []scenario) {
	t.Run(shape.String(), func(t *testing.T) {
		t.Parallel()
		for _, sc := range scenarios {
			want, wantAsked, wantAskedNP := play(t, sc, shape, bareMode)
			for _, mode := range matrixModes {
				if sc.routed && mode.replicas > 0 {
					continue
				}
				got, gotAsked, gotAskedNP := play(t, sc, shape, mode)
				if got != want {
					t.Errorf("%s, %s:\n%s", sc.name, mode.name, diffLines(got, want))
				} else if sc.silent {
					continue
				} else if mode.replicas == 0 && gotAsked != wantAsked {
					t.Errorf("%s, %s, what the server was asked:\n%s", sc.name, mode.name, diffLines(gotAsked, wantAsked))
				} else if gotAskedNP != wantAskedNP {
					t.Errorf("%s, %s, what the servers were asked:\n%s", sc.name, mode.name, diffLines(gotAskedNP, wantAskedNP))
				}
			}
		}
	})
}

// diffLines shows two texts side by side from their first difference on.
func diffLines(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	return fmt.Sprintf("same up to:\n  %s\ngot:\n  %s\nwant, as the bare driver:\n  %s",
		strings.Join(g[max(0, i-2):i], "\n  "), strings.Join(g[i:min(i+8, len(g))], "\n  "), strings.Join(w[i:min(i+8, len(w))], "\n  "))
}
