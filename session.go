package rwsplit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// session is what belongs to one request or job: what it wrote and read, so
// that it reads its own writes and never goes back in time. It is safe for
// concurrent use. What it knows is kept per Connector, since numbers of one
// mean nothing to another.
type session struct {
	first atomic.Pointer[sessionState]
}

// sessionState is a session as one Connector sees it.
type sessionState struct {
	c    *Connector
	next *sessionState

	number atomic.Uint64                 // of its newest write
	tables atomic.Pointer[sessionTables] // nil: not told apart
	wrote  atomic.Bool
	handed atomic.Pointer[readToken] // by AddToken, merged; nil: none

	mu       sync.Mutex    // held by those who change tables and following fields
	readAsk  atomic.Uint64 // the question that must be answered before it reads elsewhere
	replica  atomic.Uint64 // replicaRef that it reads from
	physical atomic.Uint64 // the connection that it does so by, where servers have no identity
}

// of returns the session's state for c.
func (s *session) of(c *Connector) *sessionState {
	var fresh *sessionState
	for {
		first := s.first.Load()
		for st := first; st != nil; st = st.next {
			if st.c == c {
				return st
			}
		}
		if fresh == nil {
			fresh = &sessionState{c: c}
		}
		fresh.next = first
		if s.first.CompareAndSwap(first, fresh) {
			return fresh
		}
	}
}

// WithSession returns a context that is a session of its own: with
// consistency=session its reads see what it wrote, and at every level but
// eventual its reads do not go back in time. A context that is in a session
// already is returned as it is. Use one session per request or job; it may be
// used by many goroutines at once.
func WithSession(ctx context.Context) context.Context {
	if hintsOf(ctx).session != nil {
		return ctx
	}
	return withHints(ctx, func(h *hints) { h.session = new(session) })
}

// WithToken returns a context, in a session, whose reads see what token stands
// for; see [Token]. Tokens add up. A token that is malformed, of another
// cluster, or of a history that no server has never makes a read fail or
// stale: the reads run on the primary. An empty token changes nothing but opens
// the session.
func WithToken(ctx context.Context, token string) context.Context {
	ctx = WithSession(ctx)
	if token == "" {
		return ctx
	}
	return withHints(ctx, func(h *hints) {
		h.token = &handedToken{text: token, before: h.token}
	})
}

// WithMaxLag returns a context whose reads may use a replica only if its data
// is known to be at most d old; with a d of 0 or less that is none. It replaces
// the Config's MaxLag, also upwards. It does not relax the consistency level.
func WithMaxLag(ctx context.Context, d time.Duration) context.Context {
	return withHints(ctx, func(h *hints) { h.maxLag = max(d, 1) })
}

// handedToken is a token as it came, and what it was found to mean.
type handedToken struct {
	text   string
	before *handedToken // handed in earlier; they add up
	read   atomic.Pointer[readToken]
}

// readToken is what a handedToken and those before it mean to one Connector.
type readToken struct {
	c     *Connector
	token token
	err   error     // the reads belong on the primary
	since time.Time // when it was read first
}

// against returns the token as it reads beside what the tracker knows. A token
// is news from elsewhere: where no replica is known to have what it names, the
// servers are asked again, for as long as replicas may be expected to come
// there, so that a token that nobody can meet does not keep them busy.
func (r *readToken) against(c *Connector) *token {
	if len(r.token.positions) == 0 {
		return &r.token
	}
	snap := c.board.load()
	for rest := snap.replicas; rest != 0; rest &= rest - 1 {
		if r.token.reached(snap.backends[rest.first()].position) {
			return &r.token
		}
	}
	t := c.ensureTracker()
	if !t.positions() {
		return &r.token
	}
	if time.Since(r.since) < c.cfg.StickyFor {
		t.request()
	}
	if tg, ok := t.newestTarget(); ok {
		settled := r.token.settle(tg.pos)
		return &settled
	}
	return &r.token
}

// meaning decodes the token once per Connector.
func (h *handedToken) meaning(c *Connector) *readToken {
	if r := h.read.Load(); r != nil && r.c == c {
		return r
	}
	r := &readToken{c: c, since: time.Now()}
	r.token, r.err = decodeToken(h.text, c.cfg.Cluster)
	if r.err != nil {
		c.logOnce("rwsplit: a token can't be used; its bearer reads from the primary", "error", r.err.Error())
	}
	if h.before != nil {
		r.add(h.before.meaning(c))
	}
	h.read.Store(r)
	return r
}

// forcesPrimary reports whether no replica can be known to meet r now.
func (r *readToken) forcesPrimary(now time.Time) bool {
	return r.err != nil || !r.token.primaryUntil(now).IsZero()
}

// add makes r mean what b does as well.
func (r *readToken) add(b *readToken) {
	if r.err == nil && b.err == nil {
		r.token = r.token.merge(b.token, r.c.cfg.StickyFor)
	} else if r.err == nil {
		r.err = b.err
	}
}

// hand takes in a token that came after the session was opened.
func (st *sessionState) hand(text string) {
	fresh := (&handedToken{text: text}).meaning(st.c)
	for {
		old := st.handed.Load()
		r := *fresh
		if old != nil {
			r.add(old)
		}
		if st.handed.CompareAndSwap(old, &r) {
			return
		}
	}
}

// wroteNumber notes a write of the session.
func (st *sessionState) wroteNumber(n uint64, ch *change) {
	if st.c.byTable {
		st.wroteTables(n, ch)
	} else {
		raise(&st.number, n)
	}
	st.wrote.Store(true)
}

// choose settles on one replica out of set for the session, or keeps the one
// that it has. held prefers what the connection has dialled.
func (st *sessionState) choose(snap *snapshot, set, held replicaSet, b *balancer) int {
	if i, ok := st.kept(snap, set); ok {
		return i
	}
	i := b.pick(set, held)
	st.mu.Lock()
	defer st.mu.Unlock()
	if j, ok := st.kept(snap, set); ok {
		return j // another goroutine of the session was faster
	}
	// A replica that is not as far as the session has seen (WithReplica reads
	// from such, and so does what was routed before the session saw it) does
	// not become the one that it may go on reading from.
	if snap.backends[i].asked >= st.readAsk.Load() {
		st.replica.Store(uint64(newReplicaRef(i, snap.backends[i].epoch)))
		st.physical.Store(0)
	}
	return i
}

// kept returns the replica that the session reads from if it is in set.
func (st *sessionState) kept(snap *snapshot, set replicaSet) (int, bool) {
	ref := replicaRef(st.replica.Load())
	i := ref.index()
	return i, ref != 0 && set.has(i) && newReplicaRef(i, snap.backends[i].epoch) == ref
}

// didRead notes where a read of the session ran that needed need.
func (st *sessionState) didRead(c *Connector, sl *slot, need *requirement) {
	t := c.runningTracker()
	if t == nil {
		return
	}
	i := sl.srv.Index
	st.mu.Lock()
	defer st.mu.Unlock()
	if sl.role == RoleReplica {
		// The slot must lead to the server that is sampled: one DSN may lead to
		// several.
		b := &c.board.load().backends[i]
		keeps := sl.epoch == b.epoch
		if !keeps && b.server.Identity == "" {
			// Servers that can't be told apart: but a connection leads to one and
			// the same. It may become the session's if the session has read
			// nothing since the connection was found to be as far.
			by := st.physical.Load()
			keeps = by == sl.id || by == 0 && st.readAsk.Load() == need.readAsk
		}
		if keeps && st.replica.Load() == uint64(newReplicaRef(i, b.epoch)) {
			if sl.epoch != b.epoch {
				st.physical.Store(sl.id)
			}
			// Another replica would have to be as far as this one is now.
			raise(&st.readAsk, t.asks.Load()+1)
			return
		}
	}
	st.replica.Store(0)
	st.physical.Store(0)
	raise(&st.readAsk, t.request())
}

// raise sets v to n unless it is higher already.
func raise(v *atomic.Uint64, n uint64) {
	for {
		old := v.Load()
		if old >= n || v.CompareAndSwap(old, n) {
			return
		}
	}
}
