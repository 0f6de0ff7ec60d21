package rwsplit_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
)

// fakeStmt is a prepared statement with every optional interface.
type fakeStmt struct {
	c      *fakeConn
	query  string
	inputs int
	closed bool
}

var (
	_ driver.Stmt              = (*fakeStmt)(nil)
	_ driver.StmtExecContext   = (*fakeStmt)(nil)
	_ driver.StmtQueryContext  = (*fakeStmt)(nil)
	_ driver.NamedValueChecker = (*fakeStmt)(nil)
	_ fConvert                 = (*fakeStmt)(nil)
)

func (st *fakeStmt) NumInput() int {
	if st.c.s.shape.unknownInputs {
		return -1
	}
	return st.inputs
}

func (st *fakeStmt) Close() error {
	return st.c.doStmtClose(st)
}

// doStmtClose is open to a broken connection, too: database/sql closes the
// statements of a connection before it closes that.
func (c *fakeConn) doStmtClose(st *fakeStmt) error {
	if !c.busy.CompareAndSwap(false, true) {
		c.s.misuse("Stmt.Close while another call runs on connection %d", c.id)
		return errors.New("fakedb: connection is busy")
	}
	defer c.busy.Store(false)
	if st.closed {
		c.s.misuse("statement %q closed twice, connection %d", st.query, c.id)
		return errors.New("fakedb: statement is closed")
	}
	if c.closed.Load() {
		c.s.misuse("Stmt.Close on connection %d, which is closed", c.id)
	}
	st.closed = true
	call, err := c.s.begin(context.Background(), c, opStmtClose, st.query, "")
	c.s.add(&c.s.stmts, -1)
	c.s.end(call, err)
	return err
}

func (st *fakeStmt) Exec(args []driver.Value) (driver.Result, error) {
	return st.ExecContext(context.Background(), named(args))
}

func (st *fakeStmt) Query(args []driver.Value) (driver.Rows, error) {
	return st.QueryContext(context.Background(), named(args))
}

func (st *fakeStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (res driver.Result, err error) {
	err = st.c.do(ctx, opStmtExec, st.query, formatArgs(args), func() error {
		st.checkOpen()
		res, err = st.c.exec(st.query, args)
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

func (st *fakeStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = st.c.do(ctx, opStmtQuery, st.query, formatArgs(args), func() error {
		st.checkOpen()
		rows, err = st.c.query(st.query, args)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func (st *fakeStmt) checkOpen() {
	if st.closed {
		st.c.s.misuse("statement %q used after Close, connection %d", st.query, st.c.id)
	}
}

func (st *fakeStmt) CheckNamedValue(nv *driver.NamedValue) error { return fakeCheck(nv) }

func (st *fakeStmt) ColumnConverter(int) driver.ValueConverter { return fakeConverter{} }

// fakeRows are rows with every optional interface.
type fakeRows struct {
	c      *fakeConn
	query  string
	sets   []fakeSet
	at     int
	closed bool
}

var (
	_ driver.RowsNextResultSet              = (*fakeRows)(nil)
	_ driver.RowsColumnTypeScanType         = (*fakeRows)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*fakeRows)(nil)
	_ driver.RowsColumnTypeLength           = (*fakeRows)(nil)
	_ driver.RowsColumnTypeNullable         = (*fakeRows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*fakeRows)(nil)
)

func (r *fakeRows) Columns() []string { return r.sets[0].cols }

func (r *fakeRows) Close() error {
	if r.closed {
		return nil // database/sql may
	}
	r.closed = true
	r.c.s.add(&r.c.s.rows, -1)
	r.c.rows.Add(-1)
	return r.c.do(context.Background(), opRowsClose, r.query, "", nil)
}

func (r *fakeRows) Next(dest []driver.Value) error {
	return r.c.do(context.Background(), opNext, r.query, "", func() error {
		if r.closed {
			r.c.s.misuse("Next after Close of rows, connection %d", r.c.id)
		}
		set := r.sets[0]
		if r.at == len(set.rows) {
			if set.err != nil {
				return set.err
			}
			return io.EOF
		}
		copy(dest, set.rows[r.at])
		r.at++
		return nil
	})
}

func (r *fakeRows) HasNextResultSet() bool { return len(r.sets) > 1 }

func (r *fakeRows) NextResultSet() error {
	return r.c.do(context.Background(), opNextSet, r.query, "", func() error {
		if len(r.sets) < 2 {
			return io.EOF
		}
		r.sets, r.at = r.sets[1:], 0
		return nil
	})
}

func (r *fakeRows) ColumnTypeScanType(int) reflect.Type          { return reflect.TypeFor[fakeOwn]() }
func (r *fakeRows) ColumnTypeDatabaseTypeName(int) string        { return "FAKE" }
func (r *fakeRows) ColumnTypeLength(i int) (int64, bool)         { return int64(10 + i), true }
func (r *fakeRows) ColumnTypeNullable(i int) (nullable, ok bool) { return i%2 == 0, true }
func (r *fakeRows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	return int64(i), 2, true
}
