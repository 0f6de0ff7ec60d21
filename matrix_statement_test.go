package rwsplit_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
)

var bg = context.Background()

// twoSets is a reply with two result sets.
var twoSets = fakeReply{sets: []fakeSet{
	{cols: []string{"id", "name"}, rows: [][]driver.Value{{int64(1), "ann"}, {int64(2), nil}}},
	{cols: []string{"n"}, rows: [][]driver.Value{{2.5}}},
}}

var statementScenarios = []scenario{
	{name: "query", run: func(s *scene) {
		s.script(func(f *fakeServer) { f.reply("SELECT id, name FROM users", twoSets) })
		rows, err := s.db.Query("SELECT id, name FROM users")
		s.rows("query", rows, err)
		rows, err = s.db.QueryContext(bg, "SELECT ?, ?", 1, "two")
		s.rows("query with arguments", rows, err)
	}},
	{name: "query row", run: func(s *scene) {
		s.script(func(f *fakeServer) {
			f.reply("SELECT name FROM nobody", fakeReply{sets: []fakeSet{{cols: []string{"name"}}}})
			f.reply("SELECT late", fakeReply{sets: []fakeSet{{cols: []string{"name"}, err: errFake}}})
		})
		var name string
		s.err("row", s.db.QueryRow("SELECT name").Scan(&name))
		s.note("name %q", name)
		s.err("no row", s.db.QueryRow("SELECT name FROM nobody").Scan(&name))
		s.err("late error", s.db.QueryRow("SELECT late").Scan(&name))
		row := s.db.QueryRow("SELECT name")
		s.err("row.Err", row.Err())
		s.err("row after Err", row.Scan(&name))
		var n int
		s.err("bad scan", s.db.QueryRow("SELECT name").Scan(&n))
	}},
	{name: "exec", run: func(s *scene) {
		res, err := s.db.Exec("INSERT INTO t VALUES (?, ?)", 1, 2)
		s.result("insert", res, err)
		res, err = s.db.ExecContext(bg, "DELETE FROM t")
		s.result("delete", res, err)
		s.script(func(f *fakeServer) { f.reply("DROP TABLE t", fakeReply{result: driver.ResultNoRows}) })
		res, err = s.db.Exec("DROP TABLE t")
		s.result("no rows", res, err)
		s.script(func(f *fakeServer) { f.reply("UPDATE t SET a = 1", fakeReply{result: driver.RowsAffected(7)}) })
		res, err = s.db.Exec("UPDATE t SET a = 1")
		s.result("update", res, err)
	}},
	{name: "write through query, read through exec", routed: true, run: func(s *scene) {
		rows, err := s.db.Query("INSERT INTO t VALUES (1) RETURNING id")
		s.rows("returning", rows, err)
		res, err := s.db.Exec("SELECT 1")
		s.result("exec of a read", res, err)
	}},
	{name: "server errors", run: func(s *scene) {
		s.script(func(f *fakeServer) {
			f.reply("SELECT 1/0", fakeReply{err: errFake})
			f.reply("INSERT INTO t VALUES (1/0)", fakeReply{err: errFake})
			f.reply("SELEKT", fakeReply{prepareErr: errFake, err: errFake})
		})
		_, err := s.db.Query("SELECT 1/0")
		s.err("query", err)
		_, err = s.db.Exec("INSERT INTO t VALUES (1/0)")
		s.err("exec", err)
		_, err = s.db.Prepare("SELEKT")
		s.err("prepare", err)
		_, err = s.db.Query("SELEKT")
		s.err("query with a syntax error", err)
		_, err = s.db.Exec("SELEKT")
		s.err("exec with a syntax error", err)
		s.pool("after errors")
	}},
	{name: "ErrSkip", run: func(s *scene) {
		s.script(func(f *fakeServer) { f.failAll(opQuery, driver.ErrSkip); f.failAll(opExec, driver.ErrSkip) })
		rows, err := s.db.Query("SELECT ?", 1)
		s.rows("query", rows, err)
		res, err := s.db.Exec("INSERT INTO t VALUES (?)", 1)
		s.result("exec", res, err)
		s.script(func(f *fakeServer) { f.reply("SELECT 1/0", fakeReply{err: errFake}) })
		_, err = s.db.Query("SELECT 1/0")
		s.err("query fails in the statement", err)
		s.script(func(f *fakeServer) { f.reply("SELEKT ?", fakeReply{prepareErr: errFake}) })
		_, err = s.db.Query("SELEKT ?", 1)
		s.err("query fails in prepare", err)
		_, err = s.db.Exec("INSERT INTO t VALUES (?)")
		s.err("too few arguments", err)
	}},
	{name: "ErrSkip from a statement", routed: true, run: func(s *scene) {
		s.script(func(f *fakeServer) { f.failAll(opStmtExec, driver.ErrSkip); f.failAll(opStmtQuery, driver.ErrSkip) })
		st, err := s.db.Prepare("SELECT ?")
		s.err("prepare", err)
		_, err = st.Query(1)
		s.err("query", err)
		s.err("close", st.Close())
		st, err = s.db.Prepare("INSERT INTO t VALUES (?)")
		s.err("prepare", err)
		_, err = st.Exec(1)
		s.err("exec", err)
		s.err("close", st.Close())
	}},
	{name: "prepared", run: func(s *scene) {
		st, err := s.db.Prepare("SELECT ?")
		s.err("prepare", err)
		for i := range 3 {
			rows, err := st.Query(i)
			s.rows("query", rows, err)
		}
		var v any
		s.err("row", st.QueryRow("x").Scan(&v))
		s.note("row %v", v)
		_, err = st.Query()
		s.err("too few", err)
		_, err = st.Query(1, 2)
		s.err("too many", err)
		s.err("close", st.Close())
		s.err("close again", st.Close())
		_, err = st.Query(1)
		s.err("after close", err)

		ins, err := s.db.Prepare("INSERT INTO t VALUES (?, ?)")
		s.err("prepare", err)
		res, err := ins.Exec(1, "a")
		s.result("exec", res, err)
		_, err = ins.Exec(1)
		s.err("too few", err)
		s.err("close", ins.Close())
	}},
	{name: "prepared on several connections", run: func(s *scene) {
		st, err := s.db.Prepare("SELECT ?")
		s.err("prepare", err)
		var open []*sql.Rows
		for i := range 3 {
			rows, err := st.Query(i)
			s.err("query", err)
			open = append(open, rows)
		}
		s.pool("three open")
		for i, rows := range open {
			s.rows(fmt.Sprint("rows ", i), rows, nil)
		}
		s.err("close", st.Close())
	}},
	{name: "statement closed before its rows", run: func(s *scene) {
		st, err := s.db.Prepare("SELECT ?")
		s.err("prepare", err)
		rows, err := st.Query(1)
		s.err("close", st.Close())
		s.rows("query", rows, err)
	}},
	{name: "rows", run: func(s *scene) {
		s.script(func(f *fakeServer) {
			f.reply("SELECT a, b", fakeReply{sets: []fakeSet{
				{cols: []string{"a", "b"}, rows: [][]driver.Value{{int64(1), "x"}}, err: errFake},
			}})
			f.reply("SELECT t", twoSets)
		})
		rows, err := s.db.Query("SELECT a, b")
		s.rows("late error", rows, err)

		rows, err = s.db.Query("SELECT t")
		s.err("query", err)
		types, err := rows.ColumnTypes()
		s.err("types", err)
		for _, ct := range types {
			l, lok := ct.Length()
			n, nok := ct.Nullable()
			p, sc, pok := ct.DecimalSize()
			s.note("%s %s %v %d %v %v %v %d %d %v", ct.Name(), ct.DatabaseTypeName(), ct.ScanType(), l, lok, n, nok, p, sc, pok)
		}
		s.err("close early", rows.Close())
		s.note("next after close %v", rows.Next())

		rows, err = s.db.Query("SELECT t")
		s.err("query", err)
		s.note("next set %v", rows.NextResultSet())
		s.rows("second set", rows, nil)

		s.script(func(f *fakeServer) { f.fail(opRowsClose, 1, errFake) })
		rows, err = s.db.Query("SELECT t")
		s.err("query", err)
		s.err("close fails", rows.Close())
		s.pool("after rows")
	}},
	{name: "raw bytes", run: func(s *scene) {
		s.script(func(f *fakeServer) {
			f.reply("SELECT b", fakeReply{sets: []fakeSet{{cols: []string{"b"}, rows: [][]driver.Value{{[]byte("bytes")}}}}})
		})
		rows, err := s.db.Query("SELECT b")
		s.err("query", err)
		var raw sql.RawBytes
		for rows.Next() {
			s.err("scan", rows.Scan(&raw))
			s.note("raw %q", raw)
		}
		s.err("rows", rows.Err())
	}},
	{name: "ping", run: func(s *scene) {
		s.err("ping", s.db.Ping())
		s.script(func(f *fakeServer) { f.fail(opPing, 1, errFake) })
		s.err("ping fails", s.db.Ping())
		s.script(func(f *fakeServer) { f.unhook(opPing); f.fail(opPing, 1, driver.ErrBadConn) })
		s.err("ping of a bad connection", s.db.Ping())
		s.pool("after ping")
	}},
	{name: "conn", run: func(s *scene) {
		conn, err := s.db.Conn(bg)
		s.err("conn", err)
		s.pool("conn")
		res, err := conn.ExecContext(bg, "INSERT INTO t VALUES (?)", 1)
		s.result("exec", res, err)
		rows, err := conn.QueryContext(bg, "SELECT ?", 2)
		s.rows("query", rows, err)
		st, err := conn.PrepareContext(bg, "SELECT ?, ?")
		s.err("prepare", err)
		rows, err = st.Query(3, 4)
		s.rows("prepared", rows, err)
		s.err("stmt close", st.Close())
		s.err("ping", conn.PingContext(bg))
		s.err("raw", conn.Raw(func(any) error { return errFake }))
		s.err("close", conn.Close())
		s.err("close again", conn.Close())
		s.err("ping after close", conn.PingContext(bg))
		s.err("raw after close", conn.Raw(func(any) error { return nil }))
		s.pool("after conn")
	}},
}
