package rwsplit

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"
)

// slot is a pooled connection's place for one physical connection to one
// backend. Like its conn it is used by one goroutine at a time.
type slot struct {
	srv  *server
	role Role        // that ci was dialled for, or would be
	ci   driver.Conn // nil until dialled
	gen  uint32      // counts dials: statements of an older one are gone
	id   uint64      // of ci among all physical connections
	seen Server      // the incarnation that ci was dialled to
	wire *wire

	stale   bool      // a scope began since the last use: reset before the next
	rows    bool      // rows that the scope got from ci may not be closed yet
	broken  bool      // ci is no good, but rows of it may still be read
	lastUse time.Time // the checkout of the scope that last used it

	tx    slotTx
	state SessionState // made on ci and not undone

	epoch uint32 // of the sampled incarnation that ci leads to; 0: not compared yet
	own   target // what this very server was found to have reached

	sampled *Server // the primary that was asked for its position and is this one

	ddl bool // the catalog may be changing by what was sent

	stmts  []*stmt       // those with a statement prepared on ci
	closed []driver.Stmt // of ci, no longer needed; closed before the next use
	open   openWrite
}

// slotTx is the transaction of a slot's session.
type slotTx struct {
	open          bool // begun by text or by BeginTx
	api           bool // begun by BeginTx: database/sql ends it
	rowsBefore    bool // rows from before it may not be closed yet
	left          bool // the server may have ended it by text, before database/sql does
	wrote         bool
	changed       change        // what was written
	writer        *sessionState // in which something was written, if any
	guessed       bool          // open is not what the server said
	doubt         bool          // an opaque statement may have begun or ended one
	over          bool          // what is in doubt is one that database/sql has ended
	autocommitOff bool          // every statement is in a transaction
}

func (t *slotTx) active() bool { return t.open || t.autocommitOff }

// readsOn reports that the slot has a transaction on a replica: whatever its
// server becomes, it reads what it began with, and is given up when it has
// ended.
func (sl *slot) readsOn() bool { return sl.role == RoleReplica && sl.tx.active() }

// dialTimeout bounds the dialling of a replica: a frozen one must not hold a
// read that others could serve.
const dialTimeout = 3 * time.Second

// dial makes the physical connection and finds out what it has reached.
func (c *conn) dial(ctx context.Context, sl *slot) error {
	// To the caller the connection is there already: what base drivers say of a
	// dial that was cancelled is not what he would get from it.
	if err := ctx.Err(); err != nil {
		return err
	}
	role := c.c.board.load().role(sl.srv.Index)
	w := &wire{role: role}
	if role == RoleReplica {
		ctx, w.giveUp = context.WithTimeout(ctx, dialTimeout)
		defer w.giveUp()
		c.c.startWatchdog()
	}
	if err := sl.srv.gate.enter(ctx, c.c.conns.Load, closeTimeout); err != nil {
		return err
	}
	w.busy.Store(true)
	sl.srv.track(w)
	ci, seen, err := c.c.connect(ctx, sl.srv, role, w)
	if err != nil {
		return err
	}
	c.c.replicaDialled(sl.srv)
	sl.ci, sl.wire, sl.seen, sl.role = ci, w, seen, role
	sl.gen++
	sl.id = c.c.dials.Add(1)
	sl.stale = false
	sl.epoch, sl.own = 0, target{}
	if role == RoleReplica {
		c.held = c.held.with(c.index(sl))
	}
	sl.state = 0
	if sl.tx = c.c.freshTx(sl.role); sl.tx.active() {
		c.findTx()
	}
	return nil
}

// connect dials and greets. Whatever goes wrong, also a panic of the base
// driver, nothing is left behind.
func (c *Connector) connect(ctx context.Context, srv *server, role Role, w *wire) (ci driver.Conn, seen Server, err error) {
	done := false
	defer func() {
		switch {
		case done:
		case ci != nil:
			c.closePhysical(srv, ci, w, nil)
		default:
			srv.untrack(w)
			srv.gate.leave()
		}
	}()
	if ci, err = srv.as(role).Connect(context.WithValue(ctx, dialKey{}, w)); err != nil {
		return nil, seen, err
	}
	if seen, err = c.greet(ctx, srv, role, ci); err != nil {
		return ci, seen, err
	}
	done = true
	return ci, seen, nil
}

// greet prepares a fresh session and learns which server it has reached.
func (c *Connector) greet(ctx context.Context, srv *server, role Role, ci driver.Conn) (Server, error) {
	p := PhysicalConn{ci}
	seen, err := c.dialect.Inspect(ctx, p)
	if err != nil {
		// A server that does not know the question is used all the same; one
		// that went away is not.
		if ctx.Err() != nil || errors.Is(err, driver.ErrBadConn) || c.dialect.Fault(err) != FaultNone {
			return seen, err
		}
		seen = Server{}
		c.logOnce("rwsplit: a server does not tell which one it is; restarts can't be told apart", "backend", srv.Name, "error", err.Error())
	}
	c.minds(srv, role, seen)
	if role == RoleReplica {
		if err := c.dialect.Setup(ctx, p, c.readOnlyReplicas); err != nil {
			return seen, err
		}
	} else if seen.AutocommitOff {
		c.autocommitOff.Store(true)
	}
	c.learnDialect(seen)
	srv.seen.Store(&seen)
	return seen, nil
}

// alive reports, without I/O, whether the base driver still believes in the
// physical connection.
func (c *conn) alive(sl *slot) bool {
	if v, ok := sl.ci.(driver.Validator); ok && !v.IsValid() {
		return false
	}
	if p, ok := c.c.dialect.(LivenessProber); ok && !p.Alive(sl.ci) {
		return false
	}
	return true
}

// errSlotLost is what reset says of a physical connection that can't be used
// again, though nothing that the application relies on was lost with it.
var errSlotLost = errors.New("rwsplit: physical connection lost while idle")

// reset does what database/sql does with a connection between two uses.
func (c *conn) reset(ctx context.Context, sl *slot) error {
	sl.stale = false
	sl.wire.busy.Store(true)
	if !c.alive(sl) {
		return errSlotLost
	}
	if r, ok := sl.ci.(driver.SessionResetter); ok {
		if err := r.ResetSession(ctx); errors.Is(err, driver.ErrBadConn) {
			return errSlotLost
		}
	}
	return nil
}

// ready makes the slot usable: dialled, reset, and rid of statements that were
// closed. Whatever it returns, nothing of the statement has been sent.
func (c *conn) ready(ctx context.Context, sl *slot, movable bool) error {
	if sl.ci != nil && sl.stale {
		if err := c.reset(ctx, sl); err != nil {
			if c.drop(sl); c.poisoned {
				return driver.ErrBadConn
			}
		}
	}
	if len(sl.closed) != 0 && !closeMarked(ctx, sl) {
		if c.drop(sl); c.poisoned || sl.broken {
			return driver.ErrBadConn
		}
	}
	if sl.ci == nil {
		if movable && !c.c.board.load().up.has(c.index(sl)) {
			return errReplicaDown
		}
		if err := c.dial(ctx, sl); err != nil {
			return err
		}
	}
	sl.lastUse = c.since
	return nil
}

// closeMarked closes the statements that Stmt.Close left behind. A server that
// does not answer is cut off after a while: statements are closed without a
// context. It reports whether the connection survived.
func closeMarked(ctx context.Context, sl *slot) bool {
	limit := closeTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline))
	}
	w := sl.wire
	timer := time.AfterFunc(limit, func() { w.interrupt() })
	for i, st := range sl.closed {
		_ = st.Close()
		sl.closed[i] = nil
	}
	sl.closed = sl.closed[:0]
	return timer.Stop() || w.nc.Load() == nil
}

// drop gives up the physical connection. If a transaction or the session state
// that the scope relies on goes with it, the scope is poisoned.
func (c *conn) drop(sl *slot) {
	if sl.ci == nil {
		return
	}
	if c.relies(sl) || c.pinned == c.index(sl) {
		c.poisoned = true
	}
	c.retire(sl)
}

// leave gives up the physical connection for another one, also while somebody
// may be reading rows of it: then it is closed with the scope.
func (c *conn) leave(sl *slot) {
	if !sl.rows {
		c.forget(sl)
		return
	}
	c.left = append(c.left, c.detach(sl))
}

// retire closes the physical connection: at once, or with the scope if
// somebody may still be reading rows of it. A base connection is not for use
// by two goroutines, and database/sql would not close it under its rows either.
func (c *conn) retire(sl *slot) {
	if sl.rows {
		sl.broken = true
		return
	}
	c.forget(sl)
}

// forget closes the physical connection off the caller's path.
func (c *conn) forget(sl *slot) { c.c.closeLeft(c.detach(sl)) }

// leftConn is a physical connection that no slot has any more.
type leftConn struct {
	srv   *server
	ci    driver.Conn
	wire  *wire
	stmts []driver.Stmt // to be closed before it
}

// detach empties the slot.
func (c *conn) detach(sl *slot) leftConn {
	l := leftConn{sl.srv, sl.ci, sl.wire, sl.closed}
	for _, st := range sl.stmts {
		if b := st.detach(sl); b != nil {
			l.stmts = append(l.stmts, b)
		}
	}
	c.held = c.held.without(c.index(sl))
	sl.ci, sl.wire, sl.closed, sl.stmts = nil, nil, nil, nil
	sl.rows, sl.broken = false, false
	c.cutShort(sl)
	sl.state = 0
	sl.tx = c.c.freshTx(sl.role)
	c.endDDL(sl)
	return l
}

func (c *Connector) closeLeft(l leftConn) { c.closePhysical(l.srv, l.ci, l.wire, l.stmts) }

// cutShort says that the connection ended before the slot's open write was
// known to have ended: it may still do so.
func (c *conn) cutShort(sl *slot) {
	if sl.open.pending() {
		c.c.writes.doubtful(time.Now().Add(c.c.cfg.StickyFor))
		sl.open.end()
	}
}

// freshTx is the transaction state of a session that was just dialled, or
// would be now.
func (c *Connector) freshTx(role Role) slotTx {
	return slotTx{autocommitOff: role == RolePrimary && c.autocommitOff.Load()}
}

// closeTimeout bounds how long a physical connection may take to close before
// it is cut off, and how long anybody waits for that.
const closeTimeout = time.Second

// closePhysical closes stmts and then ci on a goroutine of its own: base
// drivers wait for the server, pgx for seconds.
func (c *Connector) closePhysical(srv *server, ci driver.Conn, w *wire, stmts []driver.Stmt) {
	srv.gate.closes()
	go func() {
		defer srv.gate.done()
		defer srv.untrack(w)
		cut := time.AfterFunc(closeTimeout, func() { w.interrupt() })
		defer cut.Stop()
		// A base driver that panics here would take the process down from a
		// goroutine that nobody can recover on.
		defer func() { _ = recover() }()
		for _, st := range stmts {
			_ = st.Close()
		}
		_ = ci.Close()
	}()
}
