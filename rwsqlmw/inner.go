package rwsqlmw

//lint:file-ignore SA1019 old base drivers have only what is deprecated

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// innerConn stands between sqlmw and a base connection: it has every optional
// method, and those that the base connection lacks do what database/sql does
// without them.
type innerConn struct {
	driver.Conn
	prepared driver.Stmt // the statement that was prepared last
}

var (
	_ driver.ConnBeginTx        = (*innerConn)(nil)
	_ driver.ConnPrepareContext = (*innerConn)(nil)
	_ driver.ExecerContext      = (*innerConn)(nil)
	_ driver.QueryerContext     = (*innerConn)(nil)
	_ driver.Pinger             = (*innerConn)(nil)
	_ driver.NamedValueChecker  = (*innerConn)(nil)
)

func (c *innerConn) executes() bool {
	if _, ok := c.Conn.(driver.ExecerContext); ok {
		return true
	}
	_, ok := c.Conn.(driver.Execer)
	return ok
}

func (c *innerConn) queries() bool {
	if _, ok := c.Conn.(driver.QueryerContext); ok {
		return true
	}
	_, ok := c.Conn.(driver.Queryer)
	return ok
}

func (c *innerConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if e, ok := c.Conn.(driver.ExecerContext); ok {
		return e.ExecContext(ctx, query, args)
	}
	e, ok := c.Conn.(driver.Execer)
	if !ok {
		return nil, driver.ErrSkip
	}
	values, err := positional(ctx, args)
	if err != nil {
		return nil, err
	}
	return e.Exec(query, values)
}

func (c *innerConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := c.Conn.(driver.QueryerContext); ok {
		return q.QueryContext(ctx, query, args)
	}
	q, ok := c.Conn.(driver.Queryer)
	if !ok {
		return nil, driver.ErrSkip
	}
	values, err := positional(ctx, args)
	if err != nil {
		return nil, err
	}
	return q.Query(query, values)
}

func (c *innerConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	st, err := c.prepare(ctx, query)
	c.prepared = st
	return st, err
}

func (c *innerConn) prepare(ctx context.Context, query string) (driver.Stmt, error) {
	if p, ok := c.Conn.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	st, err := c.Conn.Prepare(query)
	if err == nil && ctx.Err() != nil {
		_ = st.Close()
		return nil, ctx.Err()
	}
	return st, err
}

func (c *innerConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if b, ok := c.Conn.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, opts)
	}
	if opts.Isolation != driver.IsolationLevel(sql.LevelDefault) {
		return nil, errors.New("sql: driver does not support non-default isolation level")
	}
	if opts.ReadOnly {
		return nil, errors.New("sql: driver does not support read-only transactions")
	}
	tx, err := c.Conn.Begin()
	if err == nil && ctx.Err() != nil {
		_ = tx.Rollback()
		return nil, ctx.Err()
	}
	return tx, err
}

func (c *innerConn) Ping(ctx context.Context) error {
	if p, ok := c.Conn.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// CheckNamedValue leaves a value to the caller where the base connection has
// no opinion.
func (c *innerConn) CheckNamedValue(nv *driver.NamedValue) error {
	if k, ok := c.Conn.(driver.NamedValueChecker); ok {
		return k.CheckNamedValue(nv)
	}
	return driver.ErrSkip
}

// positional turns named values into plain ones for drivers without contexts.
func positional(ctx context.Context, args []driver.NamedValue) ([]driver.Value, error) {
	values := make([]driver.Value, len(args))
	for i, a := range args {
		if a.Name != "" {
			return nil, errors.New("sql: driver does not support the use of Named Parameters")
		}
		values[i] = a.Value
	}
	return values, ctx.Err()
}
