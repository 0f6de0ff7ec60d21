package rwsplit

import (
	"context"
	"database/sql/driver"
	"errors"
)

// The functions of this file call a base driver the way database/sql does:
// the context variant where there is one, else the older one with the same
// checks and the same words in its errors.

var errNamedParameters = errors.New("sql: driver does not support the use of Named Parameters")

// queryBase returns driver.ErrSkip where the base connection can't run a query
// without preparing it.
func queryBase(ctx context.Context, ci driver.Conn, query string, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := ci.(driver.QueryerContext); ok {
		return q.QueryContext(ctx, query, args)
	}
	//lint:ignore SA1019 base drivers may still have only this
	q, ok := ci.(driver.Queryer)
	if !ok {
		return nil, driver.ErrSkip
	}
	values, err := positional(ctx, args)
	if err != nil {
		return nil, err
	}
	return q.Query(query, values)
}

// execBase returns driver.ErrSkip where the base connection can't execute a
// statement without preparing it.
func execBase(ctx context.Context, ci driver.Conn, query string, args []driver.NamedValue) (driver.Result, error) {
	if e, ok := ci.(driver.ExecerContext); ok {
		return e.ExecContext(ctx, query, args)
	}
	//lint:ignore SA1019 base drivers may still have only this
	e, ok := ci.(driver.Execer)
	if !ok {
		return nil, driver.ErrSkip
	}
	values, err := positional(ctx, args)
	if err != nil {
		return nil, err
	}
	return e.Exec(query, values)
}

func prepareBase(ctx context.Context, ci driver.Conn, query string) (driver.Stmt, error) {
	if p, ok := ci.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	st, err := ci.Prepare(query)
	if err == nil && ctx.Err() != nil {
		_ = st.Close()
		return nil, ctx.Err()
	}
	return st, err
}

func execStmtBase(ctx context.Context, st driver.Stmt, args []driver.NamedValue) (driver.Result, error) {
	if s, ok := st.(driver.StmtExecContext); ok {
		return s.ExecContext(ctx, args)
	}
	values, err := positional(ctx, args)
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 base drivers may still have only this
	return st.Exec(values)
}

func queryStmtBase(ctx context.Context, st driver.Stmt, args []driver.NamedValue) (driver.Rows, error) {
	if s, ok := st.(driver.StmtQueryContext); ok {
		return s.QueryContext(ctx, args)
	}
	values, err := positional(ctx, args)
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 base drivers may still have only this
	return st.Query(values)
}

func beginBase(ctx context.Context, ci driver.Conn, opts driver.TxOptions) (driver.Tx, error) {
	if b, ok := ci.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, opts)
	}
	if opts.Isolation != 0 {
		return nil, errors.New("sql: driver does not support non-default isolation level")
	}
	if opts.ReadOnly {
		return nil, errors.New("sql: driver does not support read-only transactions")
	}
	//lint:ignore SA1019 base drivers may still have only this
	tx, err := ci.Begin()
	if err == nil && ctx.Err() != nil {
		_ = tx.Rollback()
		return nil, ctx.Err()
	}
	return tx, err
}

// positional turns named values into plain ones for drivers without contexts.
func positional(ctx context.Context, args []driver.NamedValue) ([]driver.Value, error) {
	values := make([]driver.Value, len(args))
	for i, a := range args {
		if a.Name != "" {
			return nil, errNamedParameters
		}
		values[i] = a.Value
	}
	return values, ctx.Err()
}
