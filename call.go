package rwsplit

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// call is one statement on its way: classified, routed, run and, where that is
// safe, run again elsewhere. It lives on the stack of its caller.
type call struct {
	op    Op
	query string
	stmt  *stmt // nil: not prepared
	args  []driver.NamedValue
	opts  driver.TxOptions // of OpBegin

	class   Statement
	foot    footprint   // what it changes or else reads
	by      *classifier // that said so; nil: nobody
	v       verdict
	rerun   bool
	checked bool // args are converted
	quiet   bool // counted and reported before
	lost    bool // the replica that it ran on went away, and not for this call alone
	// promoted: the old primary refused it, and it runs on the new one.
	promoted bool
	shadow   int // where it would have run, with reads=shadow, or none

	rows driver.Rows
	res  driver.Result
	tx   driver.Tx
	slot *slot // that ran it

	need    requirement
	session *sessionState // nil: not in a session, or consistency=eventual
}

// opaqueArgument is what is known of a text that an argument replaces.
var opaqueArgument = Statement{
	Writes: true, Pins: true, Opaque: true, State: StateOpaque, Tx: TxUnknown,
	Reason: "an argument rewrites the text",
}

// do runs a call, in the transaction that waits for its first statement if
// there is one.
func (c *conn) do(ctx context.Context, k *call) error {
	if c.pending != nil {
		if err := c.beginPending(ctx); err != nil {
			return err
		}
	}
	return c.run(ctx, k)
}

// run takes a call from its text to its result.
func (c *conn) run(ctx context.Context, k *call) error {
	if err := c.usable(); err != nil {
		return err
	}
	if err := c.followRoles(); err != nil {
		return err
	}
	h := hintsOf(ctx)
	if h.session != nil && c.c.policy.consistency != Eventual {
		k.session = h.session.of(c.c)
	}
	k.shadow = none
	if !c.resume(k) {
		if err := c.decide(ctx, k, h); err != nil {
			return err
		}
	}
	for {
		sl, err := c.acquire(ctx, k)
		if err != nil {
			return err
		}
		if c.gen != c.c.board.load().gen && c.tx == none {
			// Nothing was sent yet: it goes where it belongs now.
			if err := c.followRoles(); err != nil {
				return err
			}
			if err := c.decide(ctx, k, h); err != nil {
				return err
			}
			continue
		}
		err = c.execute(ctx, k, sl)
		if err == nil {
			return nil
		}
		if err == driver.ErrSkip {
			c.skip = skipped{valid: true, gen: c.gen, query: k.query, v: k.v, class: k.class, foot: k.foot, by: k.by, need: k.need}
			c.skip.v.target = sl.srv.Index
			return err
		}
		if err := c.elsewhere(ctx, k, sl, err); err != nil {
			return err
		}
	}
}

// resume takes up a statement that the base connection returned
// driver.ErrSkip for: database/sql prepares it and executes that. It was
// decided, counted and reported already.
func (c *conn) resume(k *call) bool {
	skip := c.skip
	c.skip.valid = false
	switch {
	case k.op == OpPrepare && skip.valid && skip.query == k.query:
		k.stmt.first = skip
	case k.stmt != nil && k.stmt.first.valid:
		skip = k.stmt.first
		k.stmt.first.valid = false
		if skip.gen != c.gen {
			return false // decided while other servers had other roles
		}
		k.quiet = true
	default:
		return false
	}
	k.v, k.class, k.foot, k.by, k.need = skip.v, skip.class, skip.foot, skip.by, skip.need
	return true
}

// decide classifies and routes.
func (c *conn) decide(ctx context.Context, k *call, h *hints) error {
	switch {
	case k.stmt != nil:
		k.stmt.understand()
		k.class, k.foot, k.by = k.stmt.class, k.stmt.foot, k.stmt.by
	case k.op == OpQuery || k.op == OpExec:
		k.by = c.c.classifier.Load()
		k.class, k.foot = k.by.classify(k.query)
	default:
		k.foot = everyTable
	}
	if k.args != nil && c.rewritten(k.args) {
		k.class, k.foot = opaqueArgument, everyTable
	}
	if k.foot.unknown && c.c.byTable {
		c.c.hintSchema()
	}
	if err := c.settleDoubt(ctx, k); err != nil {
		return err
	}
	c.c.startTracker()
	if k.op == OpPing && c.tx != none {
		k.class.Route = RouteReplica // wherever the transaction is
	}
	q := question{op: k.op, stmt: &k.class, hints: h}
	if k.class.Tx == TxBeginReadOnly && c.tx == none {
		q.op, k.class.Route = OpBegin, RouteReplica
		k.foot = everyTable // what is read in it is not known yet
	}
	at := situation{tx: c.tx, pinned: c.pinned, last: c.last, wrote: c.wrote}
	at.txOnCopy = c.tx != none && c.slots[c.tx].role == RoleReplica
	if k.class.Route == RouteReplica && c.tx == none && (k.op != OpExec || q.op == OpBegin) && h.route != hintReplica {
		k.need = c.needOf(h, k.session, &k.foot) // not by way of q, which would make k escape
		q.need = k.need
	}
	if h.maxLag != 0 {
		q.now = time.Now()
		c.c.ensureTracker()
	}
	snap, err := c.routeCall(ctx, k, &q, &at)
	if k.v.reason == ReasonNotCaughtUp && k.op != OpPrepare {
		c.c.heldBack(snap, &k.need)
	}
	switch {
	case err == errNotInReplicaTx:
		return errNotOnReplica(&k.class, c.slots[k.v.target].srv.Backend)
	case err != nil && k.op == OpPrepare && errors.Is(err, ErrNoReplica):
		// Nobody reads yet; each execution is routed on its own.
		k.v = verdict{target: snap.primary, reason: ReasonReplicasDown}
	case err != nil:
		return err
	}
	if k.v.reason == ReasonHintReplica {
		k.need = noRequirement // where the hint was a comment
	}
	if k.v.reason == ReasonStatement {
		switch k.op {
		case OpBegin:
			k.v.reason = ReasonBegin
		case OpPing:
			k.v.reason = ReasonPing
		case OpRaw:
			k.v.reason = ReasonRaw
		}
	}
	if c.c.shadow && k.v.target == none {
		k.shadow = c.c.balancer.pick(k.v.replicas, c.held)
		k.v = verdict{target: snap.primary, reason: ReasonShadow}
	}
	return nil
}

func (c *conn) rewritten(args []driver.NamedValue) bool {
	checker, ok := c.c.dialect.(ArgChecker)
	if !ok {
		return false
	}
	for i := range args {
		if checker.RewritesQuery(args[i].Value) {
			return true
		}
	}
	return false
}

// report counts the call and tells OnRoute.
func (c *conn) report(ctx context.Context, k *call) {
	if k.quiet || k.op == OpPrepare {
		return
	}
	c.counts.add(k.slot.srv.Index, k.v.reason)
	if c.c.cfg.OnRoute == nil {
		return
	}
	d := Decision{
		Backend: c.c.backend(k.slot.srv.Index, k.slot.role), Reason: k.v.reason, Op: k.op,
		Statement: k.class, Query: k.query, Rerun: k.rerun,
	}
	if k.shadow != none {
		d.Shadow = c.c.backend(k.shadow, RoleReplica)
	}
	c.c.cfg.OnRoute(ctx, d)
}

// execute sends the call to its slot and keeps account of what that did.
func (c *conn) execute(ctx context.Context, k *call, sl *slot) error {
	var prepared driver.Stmt
	if k.stmt != nil {
		var err error
		if prepared, err = k.stmt.on(ctx, c, sl); err != nil {
			return c.note(sl, err)
		}
		if k.op == OpPrepare {
			return nil
		}
	} else if !canRun(sl.ci, k.op) {
		return driver.ErrSkip
	}
	if !k.checked && (k.op == OpQuery || k.op == OpExec) {
		args, err := checkArgs(sl.ci, prepared, k.args)
		if err != nil {
			return err
		}
		k.args, k.checked = args, true
	}

	if c.c.cfg.FallbackMax > 0 && !c.c.shadow && k.fallsBack() {
		if c.c.fallback.Add(1) > int64(c.c.cfg.FallbackMax) {
			c.c.fallback.Add(-1)
			return fmt.Errorf("%w: %s, and fallback_max=%d reads run on the primary already", ErrNoReplica, k.v.reason, c.c.cfg.FallbackMax)
		}
		defer c.c.fallback.Add(-1)
	}

	if sl.role == RolePrimary && c.changesSchema(k) {
		c.beginDDL(sl)
		defer c.endDDL(sl)
	}

	// A write before that is still open has ended when this command is
	// answered. Its rows may still be open; then a base driver refuses this
	// command, which says nothing.
	before := sl.open.pending()
	opened := k.op == OpQuery && c.writesNow(k, sl) || k.op == OpRaw && sl.role == RolePrimary
	if opened {
		ch := c.changeOf(k, sl)
		c.wroteTo(sl)
		c.foresee(&ch)
		c.wroteNow(k.session, sl.open.begin(), &ch)
	}
	err := c.send(ctx, k, sl, prepared)
	if err == driver.ErrSkip {
		if !before {
			sl.open.end()
		}
		return err
	}
	if before && !opened && err == nil {
		sl.open.end()
	}
	c.account(ctx, k, sl, err, opened)
	if opened && !before && err != nil {
		sl.open.end() // there are no rows to wait for
	}
	if err != nil {
		return c.note(sl, err)
	}
	if k.op == OpQuery {
		sl.rows = true
	}
	if k.session != nil && !k.class.Writes && (k.op == OpQuery || k.op == OpBegin) {
		k.session.didRead(c.c, sl, &k.need)
	}
	return nil
}

// fallsBack reports whether the call runs on the primary because no replica is
// healthy enough.
func (k *call) fallsBack() bool {
	switch k.v.reason {
	case ReasonReplicasDown, ReasonLag:
		return true
	case ReasonReplicaFailed:
		return k.lost && k.slot.role == RolePrimary
	default:
		return false
	}
}

// changesSchema reports whether the call may change what others find in the
// catalog. A statement whose tables are known does not, nor does one that makes
// something temporary. Where the schema is watched, what nobody understands is
// left to that.
func (c *conn) changesSchema(k *call) bool {
	st := &k.class
	switch {
	case !st.DDL, !k.foot.all:
		return false
	case st.Opaque:
		return !c.c.byTable || c.c.schema.useless.Load()
	default:
		return st.State&StateTempTable == 0
	}
}

// canRun reports whether the base connection takes a text that is not
// prepared.
func canRun(ci driver.Conn, op Op) bool {
	switch op {
	case OpQuery:
		if _, ok := ci.(driver.QueryerContext); ok {
			return true
		}
		//lint:ignore SA1019 base drivers may still have only this
		_, ok := ci.(driver.Queryer)
		return ok
	case OpExec:
		if _, ok := ci.(driver.ExecerContext); ok {
			return true
		}
		//lint:ignore SA1019 base drivers may still have only this
		_, ok := ci.(driver.Execer)
		return ok
	default:
		return true
	}
}

// send makes the call of the base driver.
func (c *conn) send(ctx context.Context, k *call, sl *slot, prepared driver.Stmt) (err error) {
	load := &c.c.balancer.load[sl.srv.Index]
	load.served.Add(1)
	load.running.Add(1)
	defer load.running.Add(-1) // a base driver that panics must not count for ever
	switch {
	case k.op == OpPing:
		if p, ok := sl.ci.(driver.Pinger); ok {
			err = p.Ping(ctx)
		}
	case k.op == OpBegin:
		k.tx, err = beginBase(ctx, sl.ci, k.opts)
	case k.op == OpRaw:
	case k.op == OpQuery && prepared != nil:
		k.rows, err = queryStmtBase(ctx, prepared, k.args)
	case k.op == OpQuery:
		k.rows, err = queryBase(ctx, sl.ci, k.query, k.args)
	case prepared != nil:
		k.res, err = execStmtBase(ctx, prepared, k.args)
	default:
		k.res, err = execBase(ctx, sl.ci, k.query, k.args)
	}
	if err == nil && k.op != OpRaw {
		load.answered.Add(1)
	}
	return err
}

// elsewhere decides whether a call that failed may run again on another
// backend, and points it there. A write that may have been sent never does. It
// returns what the caller gets to see otherwise.
func (c *conn) elsewhere(ctx context.Context, k *call, sl *slot, err error) error {
	if sl.role == RolePrimary && ctx.Err() == nil && c.c.dialect.Fault(err) == FaultRefusedWrite {
		return c.onNewPrimary(ctx, k, sl, err)
	}
	if !k.v.movable || sl.role == RolePrimary || c.poisoned {
		return err
	}
	if ctx.Err() != nil {
		if errors.Is(err, driver.ErrBadConn) {
			return ctx.Err() // database/sql would throw the whole scope away
		}
		return err
	}
	i := sl.srv.Index
	fault := c.c.dialect.Fault(err)
	if errors.Is(err, driver.ErrBadConn) {
		fault = FaultLost
	}
	primary := verdict{target: c.c.board.load().primary}
	switch fault {
	case FaultRefusedWrite:
		if k.class.Opaque || c.c.refusedIsError || hintsOf(ctx).readOnly {
			return err
		}
		c.c.logRefused(sl.srv, k.query, err)
		k.class.Writes, k.foot = true, everyTable
		primary.reason = ReasonRefused
		k.v = primary
	case FaultMissing:
		primary.reason = ReasonMissing
		k.v = primary
	case FaultConflict, FaultUnavailable, FaultLost:
		if none := c.exclude(k, i, ReasonReplicaFailed, err); none != nil {
			if errors.Is(err, driver.ErrBadConn) {
				return none // database/sql would throw the whole scope away
			}
			return err
		}
		k.v.reason, k.lost = ReasonReplicaFailed, fault != FaultConflict
		c.c.log(slog.LevelInfo, "rwsplit: a read failed on a replica and runs elsewhere", "backend", sl.srv.Name, "error", err.Error())
	default:
		return err
	}
	k.rerun, k.quiet = true, false
	return nil
}
