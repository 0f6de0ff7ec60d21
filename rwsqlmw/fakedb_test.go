package rwsqlmw_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
)

// baseConn is a base connection with none of the optional interfaces, which
// writes down what it is told.
type baseConn struct {
	log       *[]string
	converter bool
}

func (c *baseConn) note(text string) { *c.log = append(*c.log, text) }

func (c *baseConn) Prepare(query string) (driver.Stmt, error) {
	c.note("prepare " + query)
	st := &baseStmt{c, query}
	if c.converter {
		return &convertingStmt{st}, nil
	}
	return st, nil
}

func (c *baseConn) Begin() (driver.Tx, error) {
	c.note("begin")
	return baseTx{c}, nil
}

func (c *baseConn) Close() error {
	c.note("close")
	return nil
}

type baseTx struct{ c *baseConn }

func (t baseTx) Commit() error   { t.c.note("commit"); return nil }
func (t baseTx) Rollback() error { t.c.note("rollback"); return nil }

type baseStmt struct {
	c     *baseConn
	query string
}

func (s *baseStmt) Close() error  { return nil }
func (s *baseStmt) NumInput() int { return -1 }

func (s *baseStmt) Exec(args []driver.Value) (driver.Result, error) {
	s.c.note("exec " + s.query)
	for _, a := range args {
		if text, ok := a.(string); ok {
			s.c.note("argument " + text)
		}
	}
	return driver.RowsAffected(1), nil
}

func (s *baseStmt) Query([]driver.Value) (driver.Rows, error) {
	s.c.note("query " + s.query)
	return &oneRow{}, nil
}

// convertingStmt is a statement that knows its parameters' types.
type convertingStmt struct{ *baseStmt }

func (s *convertingStmt) NumInput() int { return 1 }

func (s *convertingStmt) ColumnConverter(int) driver.ValueConverter { return shout{} }

type shout struct{}

func (shout) ConvertValue(v any) (driver.Value, error) {
	if text, ok := v.(string); ok {
		return text + "!", nil
	}
	return nil, errors.New("not a text")
}

type oneRow struct{ done bool }

func (r *oneRow) Columns() []string { return []string{"x"} }
func (r *oneRow) Close() error      { return nil }

func (r *oneRow) Next(dest []driver.Value) error {
	if r.done {
		return io.EOF
	}
	r.done = true
	dest[0] = int64(1)
	return nil
}

// modernConn has what current drivers have.
type modernConn struct {
	*baseConn
}

func (c *modernConn) ResetSession(context.Context) error { c.note("reset"); return nil }
func (c *modernConn) IsValid() bool                      { c.note("valid?"); return true }

var errRefused = errors.New("refused")

func (c *modernConn) ExecContext(_ context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) > 0 {
		return nil, driver.ErrSkip
	}
	c.note("exec " + query)
	if query == "FAIL" {
		return nil, errRefused
	}
	return driver.RowsAffected(1), nil
}

func (c *modernConn) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	c.note("query " + query)
	return &oneRow{}, nil
}

func (c *modernConn) BeginTx(_ context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if opts.ReadOnly {
		c.note("begin read only")
		return baseTx{c.baseConn}, nil
	}
	return c.Begin()
}

func (c *modernConn) Ping(context.Context) error {
	c.note("ping")
	return nil
}

func (c *modernConn) CheckNamedValue(nv *driver.NamedValue) error {
	if _, ok := nv.Value.(complex128); ok {
		nv.Value = "complex"
		return nil
	}
	return driver.ErrSkip
}

// connector makes connections of one kind.
type connector struct {
	make   func() driver.Conn
	closed int
}

func (c *connector) Connect(context.Context) (driver.Conn, error) { return c.make(), nil }
func (c *connector) Driver() driver.Driver                        { return theDriver }

func (c *connector) Close() error {
	c.closed++
	return nil
}

type noDriver struct{ driver.Driver }

var theDriver = &noDriver{}
