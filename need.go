package rwsplit

import (
	"context"
	"errors"
	"time"
)

// needOf works out what a replica must have replayed to serve a read in this
// context on this connection. foot is what it reads.
func (c *conn) needOf(h *hints, ss *sessionState, foot *footprint) requirement {
	var need requirement
	w := c.c.writes
	switch c.c.policy.consistency {
	case Eventual:
		return need
	case Session:
		need.number, need.culprit = w.needed(foot, outsideSessions)
		if c.wroteNumber > need.number {
			need.number, need.culprit = c.wroteNumber, culprit{}
		}
		if ss != nil {
			if n, to := ss.needed(foot); n > need.number {
				need.number, need.culprit = n, to
			}
		}
	case Global:
		need.number = w.counter.Load()
		need.ask = c.c.ensureTracker().requestNow()
		need.unmeetable = c.c.board.load().primary == none // somebody else may know of one
	default:
		need.number, need.culprit = w.needed(foot, anywhere)
	}
	if ss != nil {
		need.readAsk = ss.readAsk.Load()
		need.replica, need.physical = replicaRef(ss.replica.Load()), ss.physical.Load()
		if r := ss.handed.Load(); r != nil {
			need.added = r.against(c.c)
			need.unmeetable = need.unmeetable || r.forcesPrimary(time.Now())
		}
	}
	if h.token != nil {
		r := h.token.meaning(c.c)
		need.token = r.against(c.c)
		need.unmeetable = need.unmeetable || r.forcesPrimary(time.Now())
	}
	return need
}

// routeCall routes k, waiting for a replica to catch up where that is asked
// for.
func (c *conn) routeCall(ctx context.Context, k *call, q *question, at *situation) (*snapshot, error) {
	snap := c.c.board.load()
	var err error
	k.v, err = route(&c.c.policy, q, at, snap)
	global := q.need.ask != 0
	if (c.c.cfg.Wait == 0 && !global) || k.op == OpPrepare || !lateOnly(&k.v, err) || q.need.unmeetable {
		return snap, err
	}

	patience := c.c.cfg.Wait
	answered := !global
	if global {
		patience += c.c.cfg.ProbeTimeout
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		var changed <-chan struct{}
		snap, changed = c.c.board.next()
		k.v, err = route(&c.c.policy, q, at, snap)
		if !lateOnly(&k.v, err) {
			return snap, err
		}
		if !answered && snap.asked >= q.need.ask {
			// The primary has answered; from here on only wait counts.
			answered = true
			if c.c.cfg.Wait == 0 {
				return snap, err
			}
			timer.Reset(c.c.cfg.Wait)
		}
		select {
		case <-changed:
		case <-timer.C:
			return snap, err
		case <-ctx.Done():
			return snap, ctx.Err()
		}
	}
}

// lateOnly reports whether the primary was chosen, or no replica found, for no
// other reason than that replicas have not caught up.
func lateOnly(v *verdict, err error) bool {
	return v.reason == ReasonNotCaughtUp && (err == nil || errors.Is(err, ErrNoReplica))
}

// vouched reports whether what the snapshot says of a replica holds for the
// server that this slot is connected to: one DSN may lead to several servers,
// and one that restarted may have gone back in time.
func (c *conn) vouched(ctx context.Context, sl *slot, need *requirement) bool {
	i := sl.srv.Index
	snap := c.c.board.load()
	b := &snap.backends[i]
	if b.epoch == 0 {
		return true // nobody samples
	}
	if sl.epoch == b.epoch || b.server.SameIncarnation(sl.seen) {
		sl.epoch = b.epoch
		// The statement may have been routed by what was known of the
		// incarnation before.
		return snap.meets(i, need)
	}
	ask := max(need.ask, need.readAsk)
	if need.physical == sl.id && need.replica == newReplicaRef(i, b.epoch) {
		ask = need.ask // the session reads on where it has read
	}
	if sl.own.number >= need.number && sl.own.ask >= ask && need.token == nil && need.added == nil {
		return true
	}
	// Nobody samples this server: it is asked for its own position.
	t := c.c.runningTracker()
	if t == nil || t.positioner() == nil {
		return false
	}
	tg, ok := t.newestTarget()
	if !ok || tg.number < need.number || tg.ask < ask {
		return false
	}
	pos, err := t.positioner().ReplicaPosition(ctx, PhysicalConn{sl.ci})
	if err != nil || !pos.Reached(tg.pos) || !need.tokensReached(pos) {
		return false
	}
	sl.own = tg
	return true
}
