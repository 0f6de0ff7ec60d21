package rwsplit_test

import "database/sql/driver"

// fakeShape says which optional interfaces a server's connections, statements
// and rows have. Go wants a type for each set of methods: a struct that embeds
// the interfaces that are present, each of them filled with the one value that
// has all.
type fakeShape struct {
	conn          string // of connShapes; empty: all
	stmt          string // of stmtShapes; empty: all
	rows          string // of rowsShapes; empty: all
	unknownInputs bool   // NumInput is -1
}

func (s fakeShape) String() string {
	name := ""
	for _, part := range []struct{ what, shape string }{{"conn", s.conn}, {"stmt", s.stmt}, {"rows", s.rows}} {
		if part.shape != "" {
			name += " " + part.what + " " + part.shape
		}
	}
	if s.unknownInputs {
		name += " unknown inputs"
	}
	if name == "" {
		return "all"
	}
	return name[1:]
}

// What database/sql calls Execer and Queryer, which old drivers still have.
type (
	oldExecer interface {
		Exec(query string, args []driver.Value) (driver.Result, error)
	}
	oldQueryer interface {
		Query(query string, args []driver.Value) (driver.Rows, error)
	}
)

// Short names for the interfaces of a connection.
type (
	fPing    = driver.Pinger
	fReset   = driver.SessionResetter
	fValid   = driver.Validator
	fCheck   = driver.NamedValueChecker
	fExec    = driver.ExecerContext
	fQuery   = driver.QueryerContext
	fOldEx   = oldExecer
	fOldQu   = oldQueryer
	fPrepare = driver.ConnPrepareContext
	fBegin   = driver.ConnBeginTx
)

func (s fakeShape) wrapConn(c *fakeConn) driver.Conn {
	for _, shape := range connShapes {
		if shape.name == s.conn {
			return shape.wrap(c)
		}
	}
	if s.conn != "" {
		panic("fakedb: no such connection shape: " + s.conn)
	}
	return c
}

type connShape struct {
	name string
	wrap func(c *fakeConn) driver.Conn
}

var connShapes = []connShape{
	{"bare", func(c *fakeConn) driver.Conn { return struct{ fakeCore }{c} }},

	{"+Pinger", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fPing
		}{c, c}
	}},
	{"+SessionResetter", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fReset
		}{c, c}
	}},
	{"+Validator", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fValid
		}{c, c}
	}},
	{"+NamedValueChecker", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fCheck
		}{c, c}
	}},
	{"+ExecerContext", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fExec
		}{c, c}
	}},
	{"+QueryerContext", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fQuery
		}{c, c}
	}},
	{"+Execer", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fOldEx
		}{c, c}
	}},
	{"+Queryer", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fOldQu
		}{c, c}
	}},
	{"+ConnPrepareContext", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fPrepare
		}{c, c}
	}},
	{"+ConnBeginTx", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fBegin
		}{c, c}
	}},

	{"-Pinger", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fReset
			fValid
			fCheck
			fExec
			fQuery
			fPrepare
			fBegin
		}{c, c, c, c, c, c, c, c}
	}},
	{"-SessionResetter", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fPing
			fValid
			fCheck
			fExec
			fQuery
			fPrepare
			fBegin
		}{c, c, c, c, c, c, c, c}
	}},
	{"-Validator", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fPing
			fReset
			fCheck
			fExec
			fQuery
			fPrepare
			fBegin
		}{c, c, c, c, c, c, c, c}
	}},
	{"-NamedValueChecker", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fPing
			fReset
			fValid
			fExec
			fQuery
			fPrepare
			fBegin
		}{c, c, c, c, c, c, c, c}
	}},
	{"-ExecerContext", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fPing
			fReset
			fValid
			fCheck
			fQuery
			fPrepare
			fBegin
		}{c, c, c, c, c, c, c, c}
	}},
	{"-QueryerContext", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fPing
			fReset
			fValid
			fCheck
			fExec
			fPrepare
			fBegin
		}{c, c, c, c, c, c, c, c}
	}},
	{"-ConnPrepareContext", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fPing
			fReset
			fValid
			fCheck
			fExec
			fQuery
			fBegin
		}{c, c, c, c, c, c, c, c}
	}},
	{"-ConnBeginTx", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fPing
			fReset
			fValid
			fCheck
			fExec
			fQuery
			fPrepare
		}{c, c, c, c, c, c, c, c}
	}},

	{"-Validator-SessionResetter", func(c *fakeConn) driver.Conn { // as lib/pq once, and most small drivers
		return struct {
			fakeCore
			fPing
			fCheck
			fExec
			fQuery
			fPrepare
			fBegin
		}{c, c, c, c, c, c, c}
	}},
	{"-ExecerContext-QueryerContext", func(c *fakeConn) driver.Conn { // everything is prepared
		return struct {
			fakeCore
			fPing
			fReset
			fValid
			fCheck
			fPrepare
			fBegin
		}{c, c, c, c, c, c, c}
	}},
	{"+Execer+Queryer", func(c *fakeConn) driver.Conn { // before contexts
		return struct {
			fakeCore
			fOldEx
			fOldQu
		}{c, c, c}
	}},
	{"+Execer+Queryer+NamedValueChecker", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fOldEx
			fOldQu
			fCheck
		}{c, c, c, c}
	}},
	{"+ExecerContext+Execer+QueryerContext+Queryer", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fExec
			fOldEx
			fQuery
			fOldQu
		}{c, c, c, c, c}
	}},
	{"+ExecerContext+QueryerContext", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fExec
			fQuery
		}{c, c, c}
	}},
	{"+ConnPrepareContext+NamedValueChecker", func(c *fakeConn) driver.Conn {
		return struct {
			fakeCore
			fPrepare
			fCheck
		}{c, c, c}
	}},
}
