package rwsplit_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"sync/atomic"

	"github.com/rwsplit/rwsplit"
)

// fakeConn is one physical connection with every optional interface there is;
// fakeShape hides those that a test wants absent.
type fakeConn struct {
	s  *fakeServer
	id int

	busy   atomic.Bool // a call is running
	broken atomic.Bool // the server has ended it
	closed atomic.Bool
	rows   atomic.Int32 // open

	// The calls on a connection come one at a time: these need no lock.
	tx       *fakeTx
	textTx   bool     // BEGIN as text
	settings []string // SET as text
	readOnly bool     // the session refuses writes
	resets   int
	wire     [2]net.Conn // the client's end and the server's, if there is a network
}

// fakeCore is what every shape of a connection has: driver.Conn and the way
// back to what is inside.
type fakeCore interface {
	driver.Conn
	fake() *fakeConn
}

var (
	_ fakeCore                  = (*fakeConn)(nil)
	_ driver.Pinger             = (*fakeConn)(nil)
	_ driver.SessionResetter    = (*fakeConn)(nil)
	_ driver.Validator          = (*fakeConn)(nil)
	_ driver.NamedValueChecker  = (*fakeConn)(nil)
	_ driver.ExecerContext      = (*fakeConn)(nil)
	_ driver.QueryerContext     = (*fakeConn)(nil)
	_ oldExecer                 = (*fakeConn)(nil)
	_ oldQueryer                = (*fakeConn)(nil)
	_ driver.ConnPrepareContext = (*fakeConn)(nil)
	_ driver.ConnBeginTx        = (*fakeConn)(nil)
)

func (c *fakeConn) fake() *fakeConn { return c }

func (c *fakeConn) kill() { c.broken.Store(true) }

// dialWire makes the network connection and hands it to rwsplit, as the
// dialects of real drivers do.
func (c *fakeConn) dialWire(ctx context.Context) {
	client, server := net.Pipe()
	c.wire = [2]net.Conn{client, server}
	c.s.mu.Lock()
	c.s.ends = append(c.s.ends, server)
	c.s.mu.Unlock()
	rwsplit.Dialled(ctx, client)
}

// cut returns a channel that is closed when the network connection has been
// ended from outside: a read that waits for the server returns.
func (c *fakeConn) cut() <-chan struct{} {
	if c.wire[0] == nil {
		return nil
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = c.wire[0].Read(make([]byte, 1))
	}()
	return ended
}

// do runs one call: alone, logged, with the hooks, unless the connection is
// closed or broken.
func (c *fakeConn) do(ctx context.Context, op fakeOp, query, args string, f func() error) (err error) {
	if !c.busy.CompareAndSwap(false, true) {
		c.s.misuse("%s while another call runs on connection %d", op, c.id)
		return errors.New("fakedb: connection is busy")
	}
	defer c.busy.Store(false)
	if c.closed.Load() {
		c.s.misuse("%s on connection %d, which is closed", op, c.id)
		return errors.New("fakedb: connection is closed")
	}
	late, dead := ctx.Err() != nil, c.broken.Load()
	call, err := c.s.begin(ctx, c, op, query, args)
	defer func() { c.s.end(call, err) }()
	if late || dead {
		c.s.vain(call)
	}
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if dead {
		return driver.ErrBadConn
	}
	if f == nil {
		return nil
	}
	return f()
}

func (c *fakeConn) Close() error {
	if !c.busy.CompareAndSwap(false, true) {
		c.s.misuse("Close while another call runs on connection %d", c.id)
		return errors.New("fakedb: connection is busy")
	}
	defer c.busy.Store(false)
	if c.closed.Swap(true) {
		c.s.misuse("connection %d closed twice", c.id)
		return errors.New("fakedb: connection is closed")
	}
	if n := c.rows.Load(); n > 0 {
		c.s.misuse("connection %d closed with %d rows open", c.id, n)
	}
	call, err := c.s.begin(context.Background(), c, opClose, "", "")
	for _, nc := range c.wire {
		if nc != nil {
			_ = nc.Close()
		}
	}
	c.s.mu.Lock()
	c.s.open--
	if c.tx != nil {
		c.s.txs-- // the server rolls it back
	}
	c.s.mu.Unlock()
	c.s.end(call, err)
	return err
}

func (c *fakeConn) Ping(ctx context.Context) error { return c.do(ctx, opPing, "", "", nil) }

func (c *fakeConn) ResetSession(ctx context.Context) error {
	return c.do(ctx, opReset, "", "", func() error {
		c.resets++
		if c.tx != nil {
			c.s.misuse("ResetSession of connection %d in a transaction", c.id)
		}
		return nil
	})
}

func (c *fakeConn) IsValid() bool {
	err := c.do(context.Background(), opValid, "", "", nil)
	return err == nil && !c.broken.Load()
}

func (c *fakeConn) CheckNamedValue(nv *driver.NamedValue) error { return fakeCheck(nv) }

func (c *fakeConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *fakeConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	st := &fakeStmt{c: c, query: query, inputs: countPlaceholders(query)}
	err := c.do(ctx, opPrepare, query, "", func() error {
		if r := c.s.replyTo(query); r.prepareErr != nil {
			return r.prepareErr
		}
		c.s.add(&c.s.stmts, 1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.s.shape.wrapStmt(st), nil
}

func (c *fakeConn) Begin() (driver.Tx, error) {
	return c.begin(context.Background(), "")
}

func (c *fakeConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	mode := ""
	if opts.Isolation != 0 {
		mode = " isolation " + isolationName(opts.Isolation)
	}
	if opts.ReadOnly {
		mode += " read only"
	}
	return c.begin(ctx, mode)
}

func (c *fakeConn) begin(ctx context.Context, mode string) (driver.Tx, error) {
	tx := &fakeTx{c: c}
	err := c.do(ctx, opBegin, "", mode, func() error {
		if mode == " isolation Linearizable" {
			return errFakeIsolation
		}
		if c.tx != nil {
			c.s.misuse("Begin on connection %d, which has a transaction", c.id)
		}
		if c.tx != nil || c.textTx {
			return errors.New("fakedb: there is already a transaction")
		}
		c.tx = tx
		c.s.add(&c.s.txs, 1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tx, nil
}

func (c *fakeConn) Exec(query string, args []driver.Value) (driver.Result, error) {
	return c.ExecContext(context.Background(), query, named(args))
}

func (c *fakeConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (res driver.Result, err error) {
	err = c.do(ctx, opExec, query, formatArgs(args), func() error {
		res, err = c.exec(query, args)
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

func (c *fakeConn) Query(query string, args []driver.Value) (driver.Rows, error) {
	return c.QueryContext(context.Background(), query, named(args))
}

func (c *fakeConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = c.do(ctx, opQuery, query, formatArgs(args), func() error {
		rows, err = c.query(query, args)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// fakeTx is a transaction opened by Begin or BeginTx.
type fakeTx struct{ c *fakeConn }

func (tx *fakeTx) Commit() error   { return tx.finish(opCommit) }
func (tx *fakeTx) Rollback() error { return tx.finish(opRollback) }

func (tx *fakeTx) finish(op fakeOp) error {
	c := tx.c
	return c.do(context.Background(), op, "", "", func() error {
		if c.tx != tx {
			c.s.misuse("%s of a transaction that has ended, connection %d", op, c.id)
			return errors.New("fakedb: the transaction has ended")
		}
		c.tx = nil
		c.s.add(&c.s.txs, -1)
		return nil
	})
}
