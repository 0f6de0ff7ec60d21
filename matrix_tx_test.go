package rwsplit_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

var txScenarios = []scenario{
	{name: "transaction", run: func(s *scene) {
		tx, err := s.db.Begin()
		s.err("begin", err)
		res, err := tx.Exec("INSERT INTO t VALUES (?)", 1)
		s.result("exec", res, err)
		rows, err := tx.Query("SELECT ?", 1)
		s.rows("query", rows, err)
		st, err := tx.Prepare("SELECT ?")
		s.err("prepare", err)
		rows, err = st.Query(2)
		s.rows("prepared", rows, err)
		s.err("commit", tx.Commit())
		s.err("commit again", tx.Commit())
		s.err("rollback after commit", tx.Rollback())
		_, err = tx.Exec("INSERT INTO t VALUES (1)")
		s.err("exec after commit", err)
		_, err = st.Query(2)
		s.err("prepared after commit", err)

		tx, err = s.db.Begin()
		s.err("begin", err)
		_, err = tx.Exec("INSERT INTO t VALUES (2)")
		s.err("exec", err)
		s.err("rollback", tx.Rollback())
		s.pool("after transactions")
	}},
	{name: "transaction options", routed: true, run: func(s *scene) {
		for _, opts := range []*sql.TxOptions{
			nil,
			{},
			{Isolation: sql.LevelReadCommitted},
			{Isolation: sql.LevelSerializable},
			{Isolation: sql.LevelLinearizable}, // the fake refuses it
			{ReadOnly: true},
			{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
		} {
			tx, err := s.db.BeginTx(bg, opts)
			s.err("begin", err)
			if err == nil {
				rows, err := tx.Query("SELECT 1")
				s.rows("query", rows, err)
				s.err("commit", tx.Commit())
			}
		}
		s.pool("after transactions")
	}},
	{name: "statements in a transaction", run: func(s *scene) {
		st, err := s.db.Prepare("SELECT ?")
		s.err("prepare", err)
		rows, err := st.Query(0)
		s.rows("outside", rows, err)
		tx, err := s.db.Begin()
		s.err("begin", err)
		inTx := tx.Stmt(st)
		rows, err = inTx.Query(1)
		s.rows("inside", rows, err)
		rows, err = tx.StmtContext(bg, inTx).Query(2)
		s.rows("twice inside", rows, err)
		s.err("commit", tx.Commit())
		_, err = inTx.Query(3)
		s.err("after commit", err)
		rows, err = st.Query(4)
		s.rows("outside again", rows, err)
		s.err("close", st.Close())
	}},
	{name: "transaction errors", run: func(s *scene) {
		s.script(func(f *fakeServer) { f.reply("INSERT INTO t VALUES (1/0)", fakeReply{err: errFake}) })
		for _, op := range []fakeOp{opBegin, opCommit, opRollback} {
			s.script(func(f *fakeServer) { f.fail(op, 1, errFake) })
			tx, err := s.db.Begin()
			s.err("begin with "+string(op), err)
			if err == nil {
				_, err = tx.Exec("INSERT INTO t VALUES (1/0)")
				s.err("exec", err)
				if op == opRollback {
					s.err("rollback", tx.Rollback())
				} else {
					s.err("commit", tx.Commit())
				}
			}
			s.script(func(f *fakeServer) { f.unhook(op) })
			s.forgetTx()
		}
	}},
	{name: "begin on a bad connection", run: func(s *scene) {
		s.script(func(f *fakeServer) { f.fail(opBegin, 1, driver.ErrBadConn) })
		tx, err := s.db.Begin()
		s.err("begin", err)
		s.err("commit", tx.Commit())
		s.pool("after")
	}},
	{name: "transaction whose connection dies", run: func(s *scene) {
		tx, err := s.db.Begin()
		s.err("begin", err)
		_, err = tx.Exec("INSERT INTO t VALUES (1)")
		s.err("exec", err)
		s.script((*fakeServer).killConns)
		_, err = tx.Exec("INSERT INTO t VALUES (2)")
		s.err("exec on the dead", err)
		_, err = tx.Query("SELECT 1")
		s.err("query on the dead", err)
		s.err("commit", tx.Commit())
		var v any
		s.err("later", s.db.QueryRow("SELECT ?", 1).Scan(&v))
	}},
	{name: "transaction with a cancelled context", run: func(s *scene) {
		ctx, cancel := context.WithCancel(bg)
		tx, err := s.db.BeginTx(ctx, nil)
		s.err("begin", err)
		_, err = tx.Exec("INSERT INTO t VALUES (1)")
		s.err("exec", err)
		cancel()
		s.eventually("the rollback", func() bool { return s.ended() })
		_, err = tx.Exec("INSERT INTO t VALUES (2)")
		s.err("exec after", err)
		s.note("commit failed: %v", tx.Commit() != nil)
		var v any
		s.err("later", s.db.QueryRow("SELECT ?", 1).Scan(&v))
	}},
	{name: "transaction on a conn", run: func(s *scene) {
		conn, err := s.db.Conn(bg)
		s.err("conn", err)
		tx, err := conn.BeginTx(bg, nil)
		s.err("begin", err)
		_, err = tx.Exec("INSERT INTO t VALUES (1)")
		s.err("exec", err)
		s.err("commit", tx.Commit())
		tx, err = conn.BeginTx(bg, nil)
		s.err("begin", err)
		s.err("rollback", tx.Rollback())
		s.err("close", conn.Close())
		s.pool("after")
	}},
	{name: "transaction as text", run: func(s *scene) {
		conn, err := s.db.Conn(bg)
		s.err("conn", err)
		for _, q := range []string{"BEGIN", "INSERT INTO t VALUES (1)", "COMMIT", "BEGIN", "ROLLBACK"} {
			_, err = conn.ExecContext(bg, q)
			s.err(q, err)
		}
		s.err("close", conn.Close())
	}},
}

// ended reports that no server has a transaction open.
func (s *scene) ended() bool {
	for _, srv := range s.servers {
		srv.mu.Lock()
		n := srv.txs
		srv.mu.Unlock()
		if n != 0 {
			return false
		}
	}
	return true
}

// forgetTx ends the transactions that a failed Commit or Rollback left open in
// the fake: a server would have ended them.
func (s *scene) forgetTx() {
	s.script(func(f *fakeServer) {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, c := range f.conns {
			if c.tx != nil && !c.closed.Load() {
				c.tx = nil
				f.txs--
			}
		}
	})
}
