package rwsplit

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"
)

// conn is one pooled connection. database/sql uses it on one goroutine at a
// time, so it holds no lock.
type conn struct {
	c      *Connector
	slots  []slot // by backend index
	held   replicaSet
	counts counters
	gen    uint32 // the roles that the slots were last held against
	owns   bool   // made by Driver.Open: closes its Connector

	poisoned bool       // something that the application relies on is gone
	lost     error      // what the first call after that returns
	tx       int        // slot with an open transaction, or none
	pending  *tx        // a transaction that begins with its first statement
	left     []leftConn // given up in this scope, while rows of them were read

	// The scope: since checkout.
	since  time.Time
	pinned int // slot whose session state the scope relies on, or none
	last   int // slot of the last statement, or none
	wrote  bool
	// wroteNumber is the number of the scope's newest write.
	wroteNumber uint64
	skip        skipped
}

var (
	_ driver.Conn               = (*conn)(nil)
	_ driver.Pinger             = (*conn)(nil)
	_ driver.ExecerContext      = (*conn)(nil)
	_ driver.QueryerContext     = (*conn)(nil)
	_ driver.ConnPrepareContext = (*conn)(nil)
	_ driver.ConnBeginTx        = (*conn)(nil)
	_ driver.NamedValueChecker  = (*conn)(nil)
	_ driver.SessionResetter    = (*conn)(nil)
	_ driver.Validator          = (*conn)(nil)
)

// skipped remembers a text for which the base connection returned
// driver.ErrSkip: database/sql prepares it next, and that is still the same
// statement.
type skipped struct {
	valid bool
	gen   uint32
	query string
	v     verdict
	class Statement
	foot  footprint
	by    *classifier
	need  requirement
}

func newConn(c *Connector) *conn {
	cn := &conn{c: c, slots: make([]slot, len(c.servers)), counts: newCounters(len(c.servers)), tx: none}
	snap := c.board.load()
	cn.gen = snap.gen
	for i := range cn.slots {
		cn.slots[i].srv = c.servers[i]
		cn.slots[i].role = snap.role(i)
		c.writes.register(&cn.slots[i].open)
	}
	cn.beginScope()
	return cn
}

// index returns the backend index of one of c's slots.
func (c *conn) index(sl *slot) int { return sl.srv.Index }

// beginScope starts over what lasts from one checkout to the next.
func (c *conn) beginScope() {
	c.since = time.Now()
	c.pinned, c.last, c.wrote, c.wroteNumber, c.skip.valid = none, none, false, 0, false
	for i := range c.slots {
		sl := &c.slots[i]
		if sl.ci == nil {
			sl.tx = c.c.freshTx(sl.role)
		} else if c.c.pinsConn && sl.state != 0 {
			c.pinned = i
		}
	}
	c.findTx()
}

// findTx looks for the slot that has a transaction open.
func (c *conn) findTx() {
	c.tx = none
	for i := range c.slots {
		if c.slots[i].tx.active() {
			c.tx = i
			return
		}
	}
}

// relies reports whether the application relies on this slot's session beyond
// the scope, so that it must not be exchanged for a fresh one in silence.
func (c *conn) relies(sl *slot) bool {
	return sl.tx.open || sl.tx.wrote || sl.tx.doubt && !sl.tx.over || c.c.pinsConn && sl.state != 0
}

// ResetSession begins a scope. Physical connections are reset when they are
// first used in it, except those on which the application relies.
func (c *conn) ResetSession(ctx context.Context) error {
	if c.poisoned && c.lost == nil {
		return driver.ErrBadConn
	}
	c.beginScope()
	for i := range c.slots {
		sl := &c.slots[i]
		if sl.ci == nil {
			continue
		}
		sl.stale = true
		switch {
		case c.relies(sl) && !c.alive(sl):
			c.lose(sl)
			return nil // the first statement of the scope reports it
		case c.relies(sl):
			if err := c.reset(ctx, sl); err != nil {
				if !c.answers(ctx, sl) {
					c.lose(sl)
					return nil
				}
				// As with the base driver alone: it does not want to go on,
				// as pgx in a transaction.
				c.poisoned = true
				return driver.ErrBadConn
			}
		case sl.role == RoleReplica && sl.state == 0 && c.since.Sub(sl.lastUse) > c.c.slotIdle:
			c.forget(sl)
		}
	}
	return nil
}

// answers reports whether a physical connection that the base driver refused to
// reset is still there, as far as the dialect can tell.
func (c *conn) answers(ctx context.Context, sl *slot) bool {
	p, ok := c.c.dialect.(TxProber)
	if !ok {
		return true
	}
	_, err := p.InTransaction(ctx, PhysicalConn{sl.ci})
	return err == nil && c.alive(sl)
}

// lose poisons the connection because sl is gone with something in it that
// the application relies on. The next call says so; it must not be
// driver.ErrBadConn, on which database/sql would run the statement again on
// another connection, as if nothing had been lost.
func (c *conn) lose(sl *slot) {
	what := "its session state"
	if sl.tx.active() {
		what = "an open transaction"
	}
	c.poisoned = true
	c.lost = fmt.Errorf("rwsplit: the connection to %s is gone, and %s with it; begin again", sl.srv.Name, what)
	c.retire(sl)
}

// usable returns what a call on a poisoned connection returns.
func (c *conn) usable() error {
	if !c.poisoned {
		return nil
	}
	if err := c.lost; err != nil {
		c.lost = nil
		return err
	}
	return driver.ErrBadConn
}

// IsValid ends a scope. Physical connections that broke, or whose server has
// another role now, are dropped; the rest of the pooled connection lives on,
// unless something was lost.
func (c *conn) IsValid() bool {
	valid := !c.poisoned || c.lost != nil
	for i := range c.slots {
		sl := &c.slots[i]
		if sl.ci != nil && sl.open.pending() && (sl.broken || !c.alive(sl)) {
			c.cutShort(sl)
		}
		sl.open.end()
		c.endDDL(sl)
		sl.rows = false
		if sl.ci != nil && (sl.broken || !c.relies(sl) && !c.alive(sl)) {
			c.forget(sl)
		}
		if sl.ci != nil && !sl.readsOn() {
			sl.wire.busy.Store(false)
		}
	}
	// Roles that change from here on find the connections idle.
	snap := c.c.board.load()
	for i := range c.slots {
		sl := &c.slots[i]
		switch {
		case sl.ci == nil || sl.role == snap.role(i) || sl.readsOn():
		case c.relies(sl):
			sl.wire.sever() // the next call hears of it
		default:
			c.forget(sl)
		}
	}
	c.closeAllLeft()
	return valid
}

func (c *conn) closeAllLeft() {
	for _, l := range c.left {
		c.c.closeLeft(l)
	}
	c.left = nil
}

// Close closes all physical connections, off the caller's path.
func (c *conn) Close() error {
	for i := range c.slots {
		sl := &c.slots[i]
		if sl.ci != nil {
			c.forget(sl)
		}
		c.c.writes.unregister(&sl.open)
	}
	c.closeAllLeft()
	c.poisoned, c.lost = true, nil
	c.c.forgetConn(c)
	if c.owns {
		return c.c.Close()
	}
	return nil
}

func (c *Connector) forgetConn(cn *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.open[cn]; !ok {
		return
	}
	delete(c.open, cn)
	c.past.addAll(&cn.counts)
	c.conns.Add(-1)
}

// CheckNamedValue accepts everything: which backend's checker applies is known
// only after routing.
func (c *conn) CheckNamedValue(*driver.NamedValue) error { return nil }

// QueryContext runs a statement that returns rows where it belongs. The rows
// are the base driver's.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	k := call{op: OpQuery, query: query, args: args}
	err := c.do(ctx, &k)
	return k.rows, err
}

// ExecContext runs a statement where it belongs. The result is the base
// driver's.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	k := call{op: OpExec, query: query, args: args}
	err := c.do(ctx, &k)
	return k.res, err
}

// Ping asks the primary, or a replica under WithReplica, or the server of an
// open transaction.
func (c *conn) Ping(ctx context.Context) error {
	k := call{op: OpPing, class: Statement{Reason: "ping"}}
	if hintsOf(ctx).route == hintReplica {
		k.class.Route = RouteReplica
	}
	return c.run(ctx, &k)
}

// Format names the connection, which sql.Conn.Raw hands out: left to package
// fmt, some verbs would show the base DSNs.
func (c *conn) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "rwsplit connection") }

// errLegacy is returned by the methods without context that database/sql does
// not call on a connection that has the others.
var errLegacy = errors.New("rwsplit: use the method with a context")

// Begin is not called by database/sql.
func (c *conn) Begin() (driver.Tx, error) { return nil, errLegacy }

// Prepare prepares like PrepareContext, without a context.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}
