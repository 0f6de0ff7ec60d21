package rwsqlmw

import (
	"context"
	"database/sql/driver"
)

// middleConn is what sqlmw makes of a connection.
type middleConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
}

// conn is the connection that rwsplit gets. What no interceptor is told of
// goes straight to the base connection. Whether that has a SessionResetter and
// a Validator matters to database/sql and to rwsplit, so that a conn has them
// as the base connection has.
type conn struct {
	middleConn
	inner *innerConn
}

var (
	_ driver.ConnBeginTx        = (*conn)(nil)
	_ driver.ConnPrepareContext = (*conn)(nil)
	_ driver.ExecerContext      = (*conn)(nil)
	_ driver.QueryerContext     = (*conn)(nil)
	_ driver.Pinger             = (*conn)(nil)
	_ driver.NamedValueChecker  = (*conn)(nil)
)

func newConn(middle middleConn, inner *innerConn) driver.Conn {
	c := &conn{middle, inner}
	r, resets := inner.Conn.(driver.SessionResetter)
	v, validates := inner.Conn.(driver.Validator)
	switch {
	case resets && validates:
		return struct {
			*conn
			driver.SessionResetter
			driver.Validator
		}{c, r, v}
	case resets:
		return struct {
			*conn
			driver.SessionResetter
		}{c, r}
	case validates:
		return struct {
			*conn
			driver.Validator
		}{c, v}
	default:
		return c
	}
}

// BaseConn returns the base driver's connection.
func (c *conn) BaseConn() driver.Conn { return c.inner.Conn }

// CheckNamedValue asks the base connection.
func (c *conn) CheckNamedValue(nv *driver.NamedValue) error { return c.inner.CheckNamedValue(nv) }

// ExecContext spares the interceptor what the base connection can't do.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !c.inner.executes() {
		return nil, driver.ErrSkip
	}
	return c.middleConn.ExecContext(ctx, query, args)
}

// QueryContext spares the interceptor what the base connection can't do.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !c.inner.queries() {
		return nil, driver.ErrSkip
	}
	return c.middleConn.QueryContext(ctx, query, args)
}

// Ping spares the interceptor what the base connection can't do.
func (c *conn) Ping(ctx context.Context) error {
	if _, ok := c.inner.Conn.(driver.Pinger); !ok {
		return nil
	}
	return c.middleConn.Ping(ctx)
}

// Prepare is for callers without a context.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// Begin is for callers without a context.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.inner.prepared = nil
	st, err := c.middleConn.PrepareContext(ctx, query)
	base := c.inner.prepared
	c.inner.prepared = nil
	if err != nil {
		return nil, err
	}
	middle, ok := st.(middleStmt)
	if !ok || base == nil {
		return st, nil
	}
	return newStmt(middle, base), nil
}
