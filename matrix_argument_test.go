package rwsplit_test

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math"
	"time"
)

// argumentLists are what the argument scenarios pass.
var argumentLists = []struct {
	name string
	args []any
}{
	{"int", []any{1}},
	{"uint8 and float32", []any{uint8(7), float32(1.5)}},
	{"big uint64", []any{uint64(math.MaxUint64)}},
	{"string and bytes", []any{"s", []byte("b")}},
	{"bool, time and nil", []any{true, time.Unix(0, 0).UTC(), nil}},
	{"pointer", []any{new(int), (*string)(nil)}},
	{"valuer", []any{fakeValuer{int64(5)}, sql.NullString{String: "n", Valid: true}, sql.NullInt64{}}},
	{"nil pointer to a valuer", []any{(*sql.NullString)(nil)}},
	{"valuer of a value no driver takes", []any{fakeValuer{struct{}{}}}},
	{"valuer that fails", []any{1, fakeFailer{errFake}}},
	{"type of the driver's own", []any{fakeOwn{3}, 1}},
	{"removed", []any{fakeRemove{}, 1}},
	{"removed, last", []any{1, fakeRemove{}}},
	{"refused by the driver", []any{1, fakeRefuse{}}},
	{"struct", []any{struct{ A int }{1}}},
	{"channel", []any{make(chan int)}},
	{"named", []any{sql.Named("x", 1), sql.Named("y", "z")}},
	{"named valuer and removed", []any{sql.Named("x", fakeValuer{"v"}), fakeRemove{}}},
	{"decimal-like kind", []any{fakeKind(9)}},
}

type fakeKind int16

// placeholders returns a list of n.
func placeholders(n int) string {
	list := ""
	for i := range n {
		if i > 0 {
			list += ", "
		}
		list += "?"
	}
	return list
}

var argumentScenarios = []scenario{
	{name: "arguments of a query", run: func(s *scene) {
		for _, a := range argumentLists {
			rows, err := s.db.Query("SELECT "+placeholders(len(a.args)), a.args...)
			s.rows(a.name, rows, err)
		}
		s.pool("after arguments")
	}},
	{name: "arguments of an exec", run: func(s *scene) {
		for _, a := range argumentLists {
			res, err := s.db.Exec("INSERT INTO t VALUES ("+placeholders(len(a.args))+")", a.args...)
			s.result(a.name, res, err)
		}
		s.pool("after arguments")
	}},
	{name: "arguments of a prepared statement", run: func(s *scene) {
		for _, a := range argumentLists {
			st, err := s.db.Prepare("SELECT " + placeholders(len(a.args)))
			s.err("prepare", err)
			rows, err := st.Query(a.args...)
			s.rows(a.name, rows, err)
			s.err("close", st.Close())
			st, err = s.db.Prepare("INSERT INTO t VALUES (" + placeholders(len(a.args)) + ")")
			s.err("prepare", err)
			res, err := st.Exec(a.args...)
			s.result(a.name, res, err)
			s.err("close", st.Close())
		}
	}},
	{name: "arguments in a transaction", run: func(s *scene) {
		for _, a := range argumentLists {
			tx, err := s.db.Begin()
			s.err("begin", err)
			rows, err := tx.Query("SELECT "+placeholders(len(a.args)), a.args...)
			s.rows(a.name, rows, err)
			s.err("commit", tx.Commit())
		}
	}},
	{name: "removed arguments", run: func(s *scene) {
		// The text has a placeholder less than the call has arguments.
		rows, err := s.db.Query("SELECT ?", fakeRemove{}, 1)
		s.rows("query", rows, err)
		res, err := s.db.Exec("INSERT INTO t VALUES (?)", 1, fakeRemove{})
		s.result("exec", res, err)
		st, err := s.db.Prepare("SELECT ?, ?")
		s.err("prepare", err)
		rows, err = st.Query(1, fakeRemove{}, 2)
		s.rows("prepared", rows, err)
		rows, err = st.Query(fakeRemove{}, sql.Named("n", 2))
		s.rows("prepared, too few", rows, err)
		s.err("close", st.Close())
	}},
	{name: "wrong number of arguments", run: func(s *scene) {
		for _, args := range [][]any{nil, {1}, {1, 2, 3}} {
			what := fmt.Sprint(len(args), " for two")
			_, err := s.db.Query("SELECT ?, ?", args...)
			s.err("query "+what, err)
			_, err = s.db.Exec("INSERT INTO t VALUES (?, ?)", args...)
			s.err("exec "+what, err)
		}
		s.pool("after errors")
	}},
	{name: "out arguments", run: func(s *scene) {
		var out string
		_, err := s.db.Exec("INSERT INTO t VALUES (?)", sql.Out{Dest: &out})
		s.err("exec", err)
		s.note("out %q", out)
		_, err = s.db.Exec("INSERT INTO t VALUES (:o, :i)", sql.Named("o", sql.Out{Dest: &out, In: true}), sql.Named("i", 1))
		s.err("named", err)
		s.note("out %q", out)
		st, err := s.db.Prepare("UPDATE t SET a = ?")
		s.err("prepare", err)
		_, err = st.Exec(sql.Out{Dest: &out})
		s.err("prepared", err)
		s.note("out %q", out)
		s.err("close", st.Close())
	}},
	{name: "badly named arguments", silent: true, run: func(s *scene) {
		// database/sql refuses these before a driver that has Queryer and
		// Execer is asked, after Prepare otherwise.
		_, err := s.db.Query("SELECT ?", sql.Named("1x", 1))
		s.err("query", err)
		_, err = s.db.Exec("INSERT INTO t VALUES (?)", sql.Named("1x", 1))
		s.err("exec", err)
	}},
	{name: "arguments with a replaced text", run: func(s *scene) {
		// ErrSkip with arguments that only the driver understands.
		s.script(func(f *fakeServer) { f.failAll(opQuery, driver.ErrSkip); f.failAll(opExec, driver.ErrSkip) })
		rows, err := s.db.Query("SELECT ?, ?", fakeOwn{1}, sql.Named("n", fakeValuer{"v"}))
		s.rows("query", rows, err)
		rows, err = s.db.Query("SELECT ?", fakeRemove{}, 2)
		s.rows("query with a removed argument", rows, err)
		_, err = s.db.Exec("INSERT INTO t VALUES (?)", fakeRefuse{})
		s.err("exec with a refused argument", err)
	}},
}
