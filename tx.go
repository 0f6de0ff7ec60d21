package rwsplit

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"
)

// tx is a transaction begun by BeginTx. All of it runs on one physical
// connection.
type tx struct {
	c    *conn
	opts driver.TxOptions
	done <-chan struct{} // of the context that began it
	sl   *slot           // nil: not begun yet
	gen  uint32
	base driver.Tx

	session *sessionState // that it was begun in

	// The context of BeginTx, kept until the transaction begins with its first
	// statement: its hints are the transaction's, and base drivers go on using
	// the context that they began with (pgx commits with it).
	ctx     context.Context //nolint:containedctx // see above
	release func()          // of what ctx became when it began; nil: nothing
}

var _ driver.Tx = (*tx)(nil)

// BeginTx begins a transaction: read-only ones on a replica, others on the
// primary. With lazy_begin the server learns of it with its first statement.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.usable(); err != nil {
		return nil, err
	}
	t := &tx{c: c, opts: opts, done: ctx.Done()}
	if c.c.lazyBegin {
		t.ctx = ctx
		c.pending = t
		return t, nil
	}
	if err := t.begin(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// begin routes the transaction and begins it there.
func (t *tx) begin(ctx context.Context) error {
	k := call{op: OpBegin, opts: t.opts, class: Statement{Reason: "transaction"}}
	if t.opts.ReadOnly && !t.c.c.refusedOnReplica(t.opts) {
		k.class = Statement{Route: RouteReplica, Reason: "read-only transaction"}
	}
	if err := t.c.run(ctx, &k); err != nil {
		return err
	}
	t.sl, t.gen, t.base, t.session = k.slot, k.slot.gen, k.tx, k.session
	return nil
}

// refusedOnReplica reports whether the engine's replicas refuse a read-only
// transaction of this isolation level: a PostgreSQL standby can't do
// serializable, see
// https://www.postgresql.org/docs/current/hot-standby.html.
func (c *Connector) refusedOnReplica(opts driver.TxOptions) bool {
	return sql.IsolationLevel(opts.Isolation) == sql.LevelSerializable && c.dialect.Name() == "postgres"
}

// beginPending begins a transaction that waited for its first statement, in the
// context of BeginTx. The statement's context, ctx, bounds no more than that.
func (c *conn) beginPending(ctx context.Context) error {
	t := c.pending
	c.pending = nil
	begun, release := context.WithCancel(t.ctx)
	bounded := context.AfterFunc(ctx, release)
	err := t.begin(begun)
	// database/sql begins again on another connection, but does not repeat a
	// transaction's first statement.
	for again := 0; again < 2 && errors.Is(err, driver.ErrBadConn) && !c.poisoned; again++ {
		err = t.begin(begun)
	}
	if !bounded() { // the statement's context ended, and begun with it
		if err == nil {
			t.end(t.base.Rollback())
		}
		t.sl, t.base = nil, nil
		err = ctx.Err()
	}
	if err != nil {
		release()
		c.pending = t
		return err
	}
	t.release = release
	return nil
}

// Commit ends the transaction. Its writes get their number here, also if it
// fails: the server may have committed before the error.
func (t *tx) Commit() error {
	if err := t.ready(); err != nil || t.sl == nil {
		return err
	}
	err := t.base.Commit()
	if t.sl.tx.wrote {
		ch := t.c.committed(t.sl)
		if err != nil && t.c.outcomeUnknown(t.sl, err) {
			t.c.foresee(&ch)
			t.c.wroteNow(t.session, t.c.c.writes.doubtful(time.Now().Add(t.c.c.cfg.StickyFor)), &ch)
		} else {
			t.c.ended(t.sl, t.session, &ch)
		}
		t.sl.tx.tell(t.c.wroteNumber, &ch)
	}
	t.end(err)
	return err
}

// Rollback ends the transaction.
func (t *tx) Rollback() error {
	if err := t.ready(); err != nil || t.sl == nil {
		return err
	}
	err := t.base.Rollback()
	t.end(err)
	if t.sl.ci != nil && t.cancelled() && !keepsAfterRollback(t.sl.ci) {
		// database/sql keeps this connection, because it can be reset and
		// validated; it would not have kept the base connection.
		t.c.retire(t.sl)
	}
	return err
}

// ready reports an error if the transaction's connection is gone.
func (t *tx) ready() error {
	if t.c.pending == t {
		t.c.pending = nil
		return nil // no server ever heard of it
	}
	if t.sl == nil {
		return nil
	}
	if err := t.c.followRoles(); err != nil {
		return err
	}
	if t.sl.ci == nil || t.sl.gen != t.gen {
		if t.release != nil {
			t.release()
		}
		return driver.ErrBadConn
	}
	return nil
}

// end forgets the transaction. If the server did not confirm its end and is
// still there, it is asked before the next statement.
func (t *tx) end(err error) {
	if t.release != nil {
		t.release()
	}
	t.sl.rows = t.sl.tx.rowsBefore // database/sql has closed the transaction's own
	t.sl.tx = slotTx{autocommitOff: t.sl.tx.autocommitOff, doubt: err != nil, over: err != nil}
	t.c.findTx()
	if err == nil {
		t.sl.open.end()
	}
	t.c.endDDL(t.sl)
	switch {
	case t.sl.broken:
		t.c.drop(t.sl)
	case err != nil:
		_ = t.c.note(t.sl, err)
	}
}

func (t *tx) cancelled() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// keepsAfterRollback is database/sql's own condition for keeping a connection
// whose transaction ended with its context.
func keepsAfterRollback(ci driver.Conn) bool {
	_, resets := ci.(driver.SessionResetter)
	_, validates := ci.(driver.Validator)
	return resets && validates
}
