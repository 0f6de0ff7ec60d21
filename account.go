package rwsplit

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"
)

// What a statement did to its session is kept account of here: transactions,
// session state, writes, and whether the physical connection survived.

// writesNow reports whether the call counts as a write that others may see as
// soon as it has ended: not inside a transaction, unless it ends one.
func (c *conn) writesNow(k *call, sl *slot) bool {
	st := &k.class
	if sl.role == RoleReplica {
		return false
	}
	if !sl.tx.active() || (sl.tx.guessed || sl.tx.left) && st.Writes {
		return st.Writes
	}
	if k.op == OpBegin {
		return sl.tx.wrote // BEGIN commits what autocommit=0 has left open
	}
	switch st.Tx {
	case TxCommit, TxChain, TxXAEnd, TxAutocommitOn, TxImplicitCommit, TxBegin, TxBeginReadOnly:
		return sl.tx.wrote || st.Writes
	case TxUnknown:
		return true
	default:
		return st.Opaque && st.Writes
	}
}

// wroteTo lets the tracker know which server it has to ask for a position that
// covers a write on sl; it is called before the write gets its number.
func (c *conn) wroteTo(sl *slot) {
	if t := c.c.runningTracker(); t != nil && sl.role == RolePrimary {
		t.wroteTo(sl)
	}
}

// account is called once for every statement that was sent, err or not.
func (c *conn) account(ctx context.Context, k *call, sl *slot, err error, opened bool) {
	st := &k.class
	i := sl.srv.Index
	c.last = i

	if now := c.writesNow(k, sl); now && k.op != OpRaw {
		ch := c.changeOf(k, sl)
		switch {
		case err != nil && !st.Opaque && !sl.tx.active() && c.c.dialect.Fault(err) == FaultRefusedWrite:
			// It was not executed: nobody has to wait for it.
		case err != nil && (ctx.Err() != nil || c.outcomeUnknown(sl, err)):
			c.foresee(&ch)
			c.wroteNow(k.session, c.c.writes.doubtful(time.Now().Add(c.c.cfg.StickyFor)), &ch)
		case !opened:
			c.ended(sl, k.session, &ch)
		}
		sl.tx.tell(c.wroteNumber, &ch)
	}
	if st.Writes && sl.role == RolePrimary {
		c.wrote = true
		if sl.tx.active() {
			sl.tx.wrote = true
			sl.tx.changed.add(&k.foot, k.by)
			if k.session != nil {
				sl.tx.writer = k.session
			}
		}
	}

	if errors.Is(err, driver.ErrBadConn) {
		return // nothing was sent, so the session is as it was
	}
	if st.Pins {
		sl.state |= st.State
		c.pinned = i
	}
	if st.Clears != 0 && err == nil {
		sl.state &^= st.Clears
		if c.c.pinsConn && sl.state == 0 && c.pinned == i {
			c.pinned = none
		}
	}
	if k.op == OpBegin {
		if err == nil {
			sl.tx.open, sl.tx.api, sl.tx.doubt = true, true, false
			sl.tx.rowsBefore = sl.rows
			c.tx = i
		}
		return
	}
	if st.Tx != TxNone {
		sl.tx.control(st.Tx, err)
		c.findTx()
	}
	c.endDDL(sl)
}

// tell hands the number of a commit to the session that wrote in the
// transaction, which need not be the one that began or ended it.
func (t *slotTx) tell(n uint64, ch *change) {
	if t.writer != nil {
		t.writer.wroteNumber(n, ch)
	}
}

// forgetWrites begins anew after what ended the transaction.
func (t *slotTx) forgetWrites() {
	t.wrote, t.writer, t.changed = false, nil, change{}
}

// control follows transaction control by SQL text.
func (t *slotTx) control(tc TxControl, err error) {
	if err != nil && tc != TxSavepoint {
		// It may have failed before or after it took effect.
		tc = TxUnknown
	}
	if tc == TxAutocommitOn && t.open && !t.autocommitOff {
		// Autocommit that is on already commits nothing when it is set.
		tc = TxUnknown
	}
	if tc != TxUnknown && tc != TxSavepoint && tc != TxNone {
		t.guessed = false
	}
	switch tc {
	case TxCommit, TxRollback, TxXAEnd, TxImplicitCommit, TxAutocommitOn, TxUnknown:
		t.left = t.api
	}
	switch tc {
	case TxBegin, TxBeginReadOnly, TxXAStart:
		t.open = true // one that is open already may go on: PostgreSQL only warns
	case TxCommit, TxRollback, TxXAEnd, TxImplicitCommit:
		t.forgetWrites()
		t.open = t.api
	case TxChain:
		t.forgetWrites()
	case TxAutocommitOff:
		t.autocommitOff = true
	case TxAutocommitOn:
		t.forgetWrites()
		t.autocommitOff = false
		t.open = t.api
	case TxUnknown:
		t.doubt, t.over = !t.api, false
	}
}

// settleDoubt asks the server whether a transaction is open where an opaque
// statement may have begun or ended one.
//
// What goes to that session anyway and changes nothing comes first, since it
// may be about the opaque statement: ROW_COUNT(), SHOW WARNINGS.
func (c *conn) settleDoubt(ctx context.Context, k *call) error {
	asks := (k.op == OpQuery || k.op == OpExec) && !k.class.Writes && k.class.Tx == TxNone
	for i := range c.slots {
		sl := &c.slots[i]
		if !sl.tx.doubt || sl.ci == nil || asks && c.pinned == i {
			continue
		}
		sl.tx.doubt = false
		sl.tx.open, sl.tx.guessed = true, true // doubt means so
		if p, ok := c.c.dialect.(TxProber); ok {
			in, err := p.InTransaction(ctx, PhysicalConn{sl.ci})
			switch {
			case err == nil:
				sl.tx.open, sl.tx.guessed = in, false
			case !c.alive(sl) && sl.tx.over:
				sl.tx = slotTx{autocommitOff: sl.tx.autocommitOff}
				if c.drop(sl); c.poisoned {
					return c.usable()
				}
			case !c.alive(sl):
				c.lose(sl)
				return c.usable()
			default:
				sl.tx.doubt = true // rows may be open: asked again next time
			}
		}
		if sl.tx.open {
			// Whoever began it may have written, too, and to anything.
			sl.tx.wrote, sl.tx.changed = true, anyChange
		} else {
			sl.tx.forgetWrites()
		}
		c.findTx()
	}
	return nil
}

// outcomeUnknown reports whether a command that failed may have been executed,
// or may be yet.
func (c *conn) outcomeUnknown(sl *slot, err error) bool {
	if errors.Is(err, driver.ErrBadConn) || !c.alive(sl) {
		return true
	}
	f := c.c.dialect.Fault(err)
	return f == FaultLost || f == FaultUnavailable
}

// note looks at an error of a backend: a physical connection that did not
// survive is dropped. It returns the error for the caller.
func (c *conn) note(sl *slot, err error) error {
	if sl.ci == nil {
		return err
	}
	// A Validator may say no while rows are being read: go-sql-driver/mysql's
	// does.
	bad := errors.Is(err, driver.ErrBadConn)
	lost := bad || !sl.rows && !c.alive(sl)
	if !lost {
		f := c.c.dialect.Fault(err)
		lost = f == FaultLost || f == FaultUnavailable
	}
	switch {
	case !lost:
		return err
	case sl.tx.api:
		// The transaction goes on with this connection or not at all; what
		// comes next hears of it from the base driver.
		sl.broken = true
		return err
	case bad && c.relies(sl):
		c.lose(sl)
		err, c.lost = c.lost, nil
		return err
	}
	c.drop(sl)
	return err
}
