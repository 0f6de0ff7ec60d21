package rwsplit_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"runtime"
	"time"
)

// everyCall runs one call of each kind and writes down its error.
func (s *scene) everyCall(ctx context.Context) {
	rows, err := s.db.QueryContext(ctx, "SELECT ?", 1)
	s.rows("query", rows, err)
	_, err = s.db.ExecContext(ctx, "INSERT INTO t VALUES (1)")
	s.err("exec", err)
	st, err := s.db.PrepareContext(ctx, "SELECT ?")
	s.err("prepare", err)
	if err == nil {
		rows, err := st.QueryContext(ctx, 2)
		s.rows("stmt query", rows, err)
		s.err("stmt close", st.Close())
	}
	tx, err := s.db.BeginTx(ctx, nil)
	s.err("begin", err)
	if err == nil {
		s.err("commit", tx.Commit())
	}
	s.err("ping", s.db.PingContext(ctx))
}

// warmConn returns a sql.Conn that has been used: rwsplit has dialled its
// primary, as the bare driver did at once.
func (s *scene) warmConn() *sql.Conn {
	conn, err := s.db.Conn(bg)
	s.err("conn", err)
	_, err = conn.ExecContext(bg, "INSERT INTO t VALUES (0)")
	s.err("first use", err)
	return conn
}

var faultScenarios = []scenario{
	{name: "context cancelled before", run: func(s *scene) {
		ctx, cancel := context.WithCancel(bg)
		cancel()
		s.everyCall(ctx)
		_, err := s.db.Conn(ctx)
		s.err("conn", err)

		conn := s.warmConn()
		_, err = conn.QueryContext(ctx, "SELECT 1")
		s.err("conn query", err)
		_, err = conn.ExecContext(ctx, "INSERT INTO t VALUES (1)")
		s.err("conn exec", err)
		_, err = conn.PrepareContext(ctx, "SELECT 1")
		s.err("conn prepare", err)
		_, err = conn.BeginTx(ctx, nil)
		s.err("conn begin", err)
		s.err("conn ping", conn.PingContext(ctx))
		s.err("close", conn.Close())
		s.pool("after")
	}},
	{name: "context cancelled during a call", run: func(s *scene) {
		for _, op := range []fakeOp{opQuery, opExec, opPrepare, opStmtQuery, opStmtExec, opBegin, opPing} {
			ctx, cancel := context.WithCancel(bg)
			s.script(func(f *fakeServer) {
				f.hook(op, 1, 1, func(ctx context.Context, _ *fakeConn) error {
					if ctx.Done() == nil && (op == opQuery || op == opStmtQuery) {
						return nil // database/sql closes the rows at any moment
					}
					cancel()
					return ctx.Err()
				})
			})
			s.note("cancelled in %s", op)
			s.everyCall(ctx)
			cancel()
			s.script(func(f *fakeServer) { f.unhook(op) })
			s.eventually("the rollback", s.ended)
		}
	}},
	{name: "deadline", run: func(s *scene) {
		s.script(func(f *fakeServer) {
			f.hook(opQuery, 1, 1, func(ctx context.Context, _ *fakeConn) error {
				return ctx.Err() // old drivers have none
			})
		})
		ctx, cancel := context.WithTimeout(bg, time.Millisecond)
		defer cancel()
		conn := s.warmConn()
		<-ctx.Done()
		_, err := conn.QueryContext(ctx, "SELECT 1")
		s.err("query", err)
		s.err("close", conn.Close())
	}},
	{name: "rows cancelled", run: func(s *scene) {
		s.script(func(f *fakeServer) { f.reply("SELECT t", twoSets) })
		ctx, cancel := context.WithCancel(bg)
		rows, err := s.db.QueryContext(ctx, "SELECT t")
		s.err("query", err)
		s.note("next %v", rows.Next())
		cancel()
		s.eventually("the end of the rows", func() bool { return s.db.Stats().InUse == 0 })
		s.note("next %v", rows.Next())
		s.err("rows", rows.Err())
		s.err("close", rows.Close())
	}},
	{name: "bad connection once", routed: true, run: func(s *scene) {
		for _, op := range []fakeOp{opQuery, opExec, opPrepare, opBegin, opPing} {
			s.script(func(f *fakeServer) { f.fail(op, 1, driver.ErrBadConn) })
			s.note("bad connection in %s", op)
			s.everyCall(bg)
			s.script(func(f *fakeServer) { f.unhook(op) })
			s.pool("after")
		}
	}},
	{name: "bad connection in a statement", routed: true, run: func(s *scene) {
		s.script(func(f *fakeServer) {
			f.fail(opStmtQuery, 1, driver.ErrBadConn)
			f.fail(opStmtExec, 1, driver.ErrBadConn)
		})
		st, err := s.db.Prepare("SELECT ?")
		s.err("prepare", err)
		rows, err := st.Query(1)
		s.rows("query", rows, err)
		s.err("close", st.Close())
		st, err = s.db.Prepare("INSERT INTO t VALUES (?)")
		s.err("prepare", err)
		_, err = st.Exec(1)
		s.err("exec", err)
		s.err("close", st.Close())
	}},
	{name: "connections die while idle", routed: true, run: func(s *scene) {
		s.everyCall(bg)
		s.script((*fakeServer).killConns)
		s.everyCall(bg)
		s.pool("after")
	}},
	{name: "connection lost", routed: true, run: func(s *scene) {
		s.script(func(f *fakeServer) { f.breakOn(opExec, 1, errFakeLost); f.breakOn(opStmtExec, 1, errFakeLost) })
		_, err := s.db.Exec("INSERT INTO t VALUES (1)")
		s.err("exec", err)
		_, err = s.db.Exec("INSERT INTO t VALUES (2)")
		s.err("exec after", err)
		s.everyCall(bg)
	}},
	{name: "connection lost in rows", routed: true, run: func(s *scene) {
		s.script(func(f *fakeServer) { f.reply("SELECT t", twoSets); f.breakOn(opNext, 2, errFakeLost) })
		rows, err := s.db.Query("SELECT t")
		s.rows("query", rows, err)
		s.everyCall(bg)
	}},
	{name: "server never good", routed: true, run: func(s *scene) {
		s.script(func(f *fakeServer) {
			for _, op := range []fakeOp{opQuery, opExec, opPrepare, opBegin, opPing} {
				f.failAll(op, driver.ErrBadConn)
			}
		})
		s.everyCall(bg)
		s.pool("after")
	}},
	{name: "connect fails", routed: true, run: func(s *scene) {
		s.script(func(f *fakeServer) { f.failAll(opConnect, errFake) })
		s.everyCall(bg)
		s.script(func(f *fakeServer) { f.unhook(opConnect) })
		s.everyCall(bg)
	}},
	{name: "reset fails", routed: true, run: func(s *scene) {
		s.everyCall(bg)
		s.script(func(f *fakeServer) { f.fail(opReset, 1, driver.ErrBadConn) })
		s.everyCall(bg)
	}},
	{name: "panics", routed: true, leaks: true, run: func(s *scene) {
		for _, op := range []fakeOp{opQuery, opExec, opPrepare, opStmtQuery, opStmtExec, opBegin, opPing} {
			s.script(func(f *fakeServer) { f.panicOn(op, 1, "oh no") })
			s.panics(string(op), func() { s.everyCall(bg) })
			s.script(func(f *fakeServer) { f.unhook(op) })
		}
	}},
	{name: "raw panics", run: func(s *scene) {
		conn, err := s.db.Conn(bg)
		s.err("conn", err)
		s.panics("raw", func() { _ = conn.Raw(func(any) error { panic("oh no") }) })
		s.err("ping after", conn.PingContext(bg))
		s.err("close", conn.Close())
		s.pool("after")
	}},
}

// invalidWhileReading makes connections say, as those of go-sql-driver/mysql do,
// that they are not valid while a result is being read.
func (s *fakeServer) invalidWhileReading() {
	s.hook(opValid, 1, -1, func(context.Context, *fakeConn) error {
		if s.openRows() > 0 {
			return errFake
		}
		return nil
	})
}

// openRowsScenarios are what a statement that fails does to rows that are
// being read on the same connection: nothing.
var openRowsScenarios = []scenario{
	{name: "statement fails in a transaction while rows are open", silent: true, run: func(s *scene) {
		for _, fault := range []error{errFake, driver.ErrBadConn, errFakeLost} {
			s.script(func(f *fakeServer) { f.reply("SELECT t", twoSets); f.invalidWhileReading() })
			tx, err := s.db.Begin()
			s.err("begin", err)
			rows, err := tx.Query("SELECT t")
			s.err("query", err)
			s.note("next %v", rows.Next())
			s.script(func(f *fakeServer) { f.failAll(opExec, fault); f.failAll(opStmtExec, fault) })
			_, err = tx.Exec("INSERT INTO t VALUES (1)")
			s.err("exec", err)
			s.script(func(f *fakeServer) { f.unhook(opExec); f.unhook(opStmtExec) })
			runtime.Gosched() // whoever closes the connection now shall meet the rows
			s.note("next %v", rows.Next())
			s.note("next %v", rows.Next())
			s.err("rows", rows.Err())
			s.err("close", rows.Close())
			_, err = tx.Exec("INSERT INTO t VALUES (2)")
			s.err("exec after", err)
			s.err("commit", tx.Commit())
			s.script(func(f *fakeServer) { f.unhook(opValid) })
		}
		s.everyCall(bg)
	}},
	{name: "statement fails on a conn while rows are open", routed: true, silent: true, run: func(s *scene) {
		s.script((*fakeServer).invalidWhileReading)
		for _, fault := range []error{errFake, errFakeLost, errFakeShutdown} {
			s.script(func(f *fakeServer) { f.reply("SELECT t", twoSets) })
			conn, err := s.db.Conn(bg)
			s.err("conn", err)
			_, err = conn.ExecContext(bg, "SET role = app")
			s.err("set", err)
			rows, err := conn.QueryContext(bg, "SELECT t")
			s.err("query", err)
			s.note("next %v", rows.Next())
			s.script(func(f *fakeServer) { f.failAll(opExec, fault); f.failAll(opStmtExec, fault) })
			_, err = conn.ExecContext(bg, "INSERT INTO t VALUES (1)")
			s.err("exec", err)
			s.script(func(f *fakeServer) { f.unhook(opExec); f.unhook(opStmtExec) })
			runtime.Gosched() // whoever closes the connection now shall meet the rows
			s.note("next %v", rows.Next())
			s.note("next %v", rows.Next())
			s.err("rows", rows.Err())
			s.err("close", rows.Close())
			if fault == error(errFake) { // the others end the connection
				_, err = conn.ExecContext(bg, "INSERT INTO t VALUES (2)")
				s.err("exec after", err)
			}
			s.err("conn close", conn.Close())
		}
		s.everyCall(bg)
	}},
}
