package rwsplit

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// PhysicalConn gives a [Dialect] simple access to one physical connection.
type PhysicalConn struct {
	driver.Conn
}

// Exec runs a statement without arguments and ignores its result.
func (p PhysicalConn) Exec(ctx context.Context, query string) error {
	_, err := execBase(ctx, p.Conn, query, nil)
	if errors.Is(err, driver.ErrSkip) {
		var st driver.Stmt
		if st, err = prepareBase(ctx, p.Conn, query); err != nil {
			return err
		}
		defer st.Close()
		_, err = execStmtBase(ctx, st, nil)
	}
	return err
}

// QueryRow runs a query without arguments and returns its first row. The
// values are the base driver's; byte slices are copied. io.EOF means no row.
func (p PhysicalConn) QueryRow(ctx context.Context, query string) ([]driver.Value, error) {
	rows, done, err := p.query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer done()
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil {
		return nil, err
	}
	for i, v := range row {
		if b, ok := v.([]byte); ok {
			row[i] = string(b)
		}
	}
	// The rest is read so that a late error is not lost.
	rest := make([]driver.Value, len(row))
	for {
		if err := rows.Next(rest); err == io.EOF {
			return row, nil
		} else if err != nil {
			return nil, err
		}
	}
}

// QueryText is QueryRow with every value as text; NULL is "".
func (p PhysicalConn) QueryText(ctx context.Context, query string) ([]string, error) {
	row, err := p.QueryRow(ctx, query)
	if err != nil {
		return nil, err
	}
	return texts(row), nil
}

// query runs a query, prepared where the base connection can't do without. The
// caller calls done when it is through with the rows.
func (p PhysicalConn) query(ctx context.Context, query string) (rows driver.Rows, done func(), err error) {
	rows, err = queryBase(ctx, p.Conn, query, nil)
	if err == nil {
		return rows, func() { _ = rows.Close() }, nil
	}
	if !errors.Is(err, driver.ErrSkip) {
		return nil, nil, err
	}
	st, err := prepareBase(ctx, p.Conn, query)
	if err != nil {
		return nil, nil, err
	}
	rows, err = queryStmtBase(ctx, st, nil)
	if err != nil {
		_ = st.Close()
		return nil, nil, err
	}
	return rows, func() { _ = rows.Close(); _ = st.Close() }, nil
}

func texts(row []driver.Value) []string {
	out := make([]string, len(row))
	for i, v := range row {
		switch v := v.(type) {
		case nil:
		case []byte:
			out[i] = string(v)
		case time.Time:
			out[i] = v.UTC().Format(time.RFC3339Nano)
		default:
			out[i] = fmt.Sprint(v)
		}
	}
	return out
}

// BaseConn returns the base driver's connection under conn. A connection that
// was put around another, by a Connector from [Config.WrapConnector], shows
// that one with a method BaseConn() driver.Conn; any other is its own.
func BaseConn(conn driver.Conn) driver.Conn {
	for {
		w, ok := conn.(interface{ BaseConn() driver.Conn })
		if !ok {
			return conn
		}
		conn = w.BaseConn()
	}
}

// queryAll runs a query without arguments and calls each for every row, with
// its values as text; NULL is "".
func (p PhysicalConn) queryAll(ctx context.Context, query string, each func(row []string)) error {
	rows, done, err := p.query(ctx, query)
	if err != nil {
		return err
	}
	defer done()
	values := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(values); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		each(texts(values))
	}
}

// wire is the network connection under one physical connection, kept so that a
// stuck call can be ended from another goroutine: a driver.Conn is not for
// concurrent use, a net.Conn is.
type wire struct {
	role Role        // that the connection is opened for; it does not change
	busy atomic.Bool // some scope uses the connection
	nc   atomic.Pointer[net.Conn]

	giveUp context.CancelFunc // ends the dialling; nil: nobody may
}

func (w *wire) set(nc net.Conn) { w.nc.Store(&nc) }

// interrupt makes every pending and later read and write fail. It reports
// whether there was a connection to interrupt.
func (w *wire) interrupt() bool {
	nc := w.nc.Load()
	if nc == nil {
		return false
	}
	_ = (*nc).SetDeadline(time.Unix(1, 0))
	return true
}

// sever closes the network connection, so that the server is rid of it. What is
// above finds out when it is used next.
func (w *wire) sever() {
	if nc := w.nc.Load(); nc != nil {
		_ = (*nc).Close()
	}
}
