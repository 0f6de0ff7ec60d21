package rwsplit

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// roleKeeper decides who the primary is where roles=auto: it asks every server
// whether it refuses writes, once in a probe_interval and whenever something
// hints at a change. The server in charge stays so until it says that it is
// read-only, or does not answer while another one takes writes.
type roleKeeper struct {
	c    *Connector
	hint []chan struct{} // by backend index: look now

	mu      sync.Mutex // protects following fields
	seen    []sighting // by backend index
	news    chan struct{}
	changes map[string]uint64
	notes   []func() // to be logged when mu is free
}

// sighting is what a server said last about its role.
type sighting struct {
	claim    claim
	asked    time.Time // when the question was sent that was answered last
	since    time.Time // when it was first seen to claim what it claims
	failures int       // questions in a row without an answer
	// rival: it took writes while the one in charge did too.
	rival bool
	// out: it is no replica to read from: it takes writes beside the one in
	// charge, or was in charge and has not said yet that it follows.
	out bool
}

type claim uint8

const (
	claimNone claim = iota // never answered
	claimPrimary
	claimReplica
)

const (
	// rivalPatience is how many questions the one in charge may leave without
	// an answer before a rival takes its place.
	rivalPatience = 3
	// leastLook is the least time between two looks.
	leastLook = 20 * time.Millisecond
	// hurriedProbe is the longest time between two looks while nobody is known
	// to be in charge.
	hurriedProbe = 250 * time.Millisecond
)

func newRoleKeeper(c *Connector) *roleKeeper {
	r := &roleKeeper{
		c: c, hint: make([]chan struct{}, len(c.servers)), seen: make([]sighting, len(c.servers)),
		news: make(chan struct{}), changes: make(map[string]uint64),
	}
	for i := range r.hint {
		r.hint[i] = make(chan struct{}, 1)
	}
	return r
}

// look asks all servers now.
func (r *roleKeeper) look() {
	for _, ch := range r.hint {
		poke(ch)
	}
}

// watch asks one server until ctx ends.
func (r *roleKeeper) watch(ctx context.Context, i int) {
	p := &probe{c: r.c, srv: r.c.servers[i]}
	defer p.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-r.hint[i]:
		}
		var server Server
		asked := time.Now()
		err := p.ask(ctx, func(ctx context.Context, s PhysicalConn) (err error) {
			server, err = r.c.dialect.Inspect(ctx, s)
			return err
		})
		if ctx.Err() != nil {
			return
		}
		hurry := r.saw(i, server, asked, err)
		pause := r.c.cfg.ProbeInterval
		if hurry {
			pause = min(pause, hurriedProbe)
		}
		if !pauseFor(ctx, leastLook) { // hints may come in a stream
			return
		}
		timer.Reset(pause)
	}
}

// saw takes in an answer. It reports whether the next look is urgent.
func (r *roleKeeper) saw(i int, server Server, asked time.Time, err error) (hurry bool) {
	r.mu.Lock()
	defer func() {
		notes := r.notes
		r.notes = nil
		r.mu.Unlock()
		for _, note := range notes {
			note()
		}
	}()
	s := &r.seen[i]
	if err != nil {
		s.failures++
	} else {
		now := claimPrimary
		if server.ReadOnly {
			now = claimReplica
			s.rival, s.out = false, false
		}
		if s.claim != now || s.failures > 0 {
			s.since = asked
		}
		s.claim, s.asked, s.failures = now, asked, 0
		r.c.servers[i].seen.Store(&server)
	}
	r.electLocked()
	close(r.news)
	r.news = make(chan struct{})
	p := r.c.board.load().primary
	return p == none || r.seen[p].failures > 0
}

// electLocked works out who is in charge from what everybody said last.
func (r *roleKeeper) electLocked() {
	p := r.c.board.load().primary
	next, why := p, ""
	switch {
	case p != none && r.seen[p].claim == claimNone && r.seen[p].failures == 0:
		// Not asked yet.
	case p != none && r.seen[p].failures == 0 && r.seen[p].claim == claimPrimary:
		r.refuseLocked(p)
	case p != none && r.seen[p].failures > 0:
		if i := r.candidateLocked(p, r.seen[p].failures >= rivalPatience); i != none {
			next, why = i, "takeover"
			r.seen[p].out = true
		}
	default:
		next, why = r.candidateLocked(p, true), "promotion"
		if next == none && p != none {
			why = "demotion"
			if !r.askedSinceLocked(p) {
				next = p // somebody may have been promoted just now
			}
		}
	}
	r.publishLocked(next, why)
}

// noteLocked logs when the lock is free: a logger is the user's code.
func (r *roleKeeper) noteLocked(level slog.Level, msg string, args ...any) {
	r.notes = append(r.notes, func() { r.c.log(level, msg, args...) })
}

// candidateLocked returns the only server beside p that takes writes, or none.
// One that was found to do so beside the one in charge counts only if rivals do.
func (r *roleKeeper) candidateLocked(p int, rivals bool) int {
	found := none
	for i := range r.seen {
		s := &r.seen[i]
		if i == p || s.claim != claimPrimary || s.failures > 0 || s.rival && !rivals {
			continue
		}
		if found != none {
			one, other := r.c.servers[found].Name, r.c.servers[i].Name
			r.notes = append(r.notes, func() {
				r.c.logOnce("rwsplit: several servers say that they are the primary, and none of them is put in charge; make all but one read-only",
					"backend", one, "other", other)
			})
			return none
		}
		found = i
	}
	return found
}

// askedSinceLocked reports whether all others were asked after p was found to
// be read-only; those that were not are asked now.
func (r *roleKeeper) askedSinceLocked(p int) bool {
	all := true
	for i := range r.seen {
		if s := &r.seen[i]; i != p && s.failures == 0 && !s.asked.After(r.seen[p].since) {
			poke(r.hint[i])
			all = false
		}
	}
	return all
}

// refuseLocked finds those that take writes beside p, which is in charge and
// was asked later than they were first seen to.
func (r *roleKeeper) refuseLocked(p int) {
	for i := range r.seen {
		s := &r.seen[i]
		if i == p || s.claim != claimPrimary || s.failures > 0 {
			continue
		}
		s.out = true
		if s.rival {
			continue
		}
		if !r.seen[p].asked.After(s.since) {
			poke(r.hint[p]) // it may have gone since it was asked
			continue
		}
		s.rival = true
		r.changes["refused"]++
		r.noteLocked(slog.LevelError, "rwsplit: split brain: two servers say that they are the primary; the newcomer gets neither reads nor writes until it is read-only",
			"in_charge", r.c.servers[p].Name, "refused", r.c.servers[i].Name)
	}
}

// publishLocked puts next in charge, and those that follow it to work.
func (r *roleKeeper) publishLocked(next int, why string) {
	c := r.c
	old := c.board.load()
	replicas := replicaSet(0)
	for i := range r.seen {
		if i != next && !r.seen[i].out {
			replicas = replicas.with(i)
		}
	}
	if next == old.primary && replicas == old.replicas {
		return
	}
	moved := next != old.primary
	hist := old.history
	t := c.runningTracker()
	if moved && next != none {
		hist = history{hist.n + 1, next}
		if t != nil {
			t.forgetHistory(hist)
		}
	}
	c.board.update(func(s *snapshot) {
		joined := replicas &^ s.replicas
		s.primary, s.replicas = next, replicas
		for i := range r.seen {
			if joined.has(i) && r.seen[i].failures == 0 {
				s.up = s.up.with(i)
			}
		}
		s.up &= replicas
		if c.cfg.MaxLag == 0 {
			s.fresh = replicas
		} else {
			s.fresh &= replicas
		}
		if !moved {
			return
		}
		s.gen++
		if s.history == hist {
			return // nobody writes, so what is known of the replicas holds
		}
		s.history = hist
		for i := range s.backends {
			// What was replayed of the old history says nothing about the new.
			b := &s.backends[i]
			b.caughtUp, b.asked, b.position, b.lag = 0, 0, Position{}, lagEstimate{}
			if b.epoch > 0 {
				b.epoch++
			}
		}
		if c.cfg.MaxLag > 0 {
			s.fresh = 0
		}
	})
	r.notes = append(r.notes, func() {
		for i := range c.servers {
			c.noteState(i)
		}
	})
	if !moved {
		return
	}
	r.changes[why]++
	if old.primary != none && r.seen[old.primary].failures > 0 {
		c.servers[old.primary].release() // what waits for it waits in vain
	}
	if next == none {
		r.noteLocked(slog.LevelError, "rwsplit: there is no primary: the one in charge says that it is read-only, and no other takes writes; writes fail until one does",
			"was", c.servers[old.primary].Name)
	} else {
		was := "nobody"
		if old.primary != none {
			was = c.servers[old.primary].Name
		}
		r.noteLocked(slog.LevelWarn, "rwsplit: another server is the primary", "reason", why, "now", c.servers[next].Name, "was", was)
	}
	if t != nil {
		t.rolesMoved()
	}
	snap := c.board.load()
	for i, srv := range c.servers {
		go srv.severIdle(snap.role(i)) // whatever a base driver's network connection does when it is closed
	}
}

// successor waits until another server than old is in charge, or old says that
// it takes writes after all, at most probe_timeout. ok is false if nobody is.
func (r *roleKeeper) successor(ctx context.Context, old int) (primary int, ok bool) {
	began := time.Now()
	r.look()
	limit := time.NewTimer(r.c.cfg.ProbeTimeout + r.c.cfg.ProbeInterval)
	defer limit.Stop()
	for {
		r.mu.Lock()
		news := r.news
		s := r.seen[old]
		p := r.c.board.load().primary
		r.mu.Unlock()
		switch {
		case p != old && p != none:
			return p, true
		case p == old && s.claim == claimPrimary && s.asked.After(began):
			return none, false // it has other reasons
		}
		select {
		case <-news:
		case <-limit.C:
			return none, false
		case <-ctx.Done():
			return none, false
		}
	}
}

// counted returns a copy of the changes by reason.
func (r *roleKeeper) counted() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[string]uint64, len(r.changes))
	for why, n := range r.changes {
		out[why] = n
	}
	return out
}

// role is what a backend is used for.
func (s *snapshot) role(i int) Role {
	if i == s.primary {
		return RolePrimary
	}
	return RoleReplica
}

// backend names backend i in its present role.
func (c *Connector) backend(i int, role Role) Backend {
	b := c.servers[i].Backend
	b.Role = role
	return b
}

// errNoPrimary is the error of what belongs on the primary while no server says
// that it is one.
func (c *Connector) errNoPrimary() error {
	return fmt.Errorf("%w: every server that answers says that it is read-only; promote one, or make it writable", ErrNoPrimary)
}

// followRoles gives up the physical connections that were made for another
// role than their server has now.
func (c *conn) followRoles() error {
	snap := c.c.board.load()
	if snap.gen == c.gen {
		return nil
	}
	c.gen = snap.gen
	c.skip.valid = false
	var gone *slot
	for i := range c.slots {
		sl := &c.slots[i]
		role := snap.role(i)
		switch {
		case sl.role == role:
		case sl.ci == nil:
			sl.role = role
			sl.tx = c.c.freshTx(role)
		case sl.readsOn():
			c.gen--
		default:
			if c.relies(sl) || c.pinned == i {
				gone = sl
			}
			c.leave(sl)
			sl.role = role
			sl.tx = c.c.freshTx(role)
		}
	}
	c.findTx()
	if gone == nil {
		return nil
	}
	c.poisoned = true
	return fmt.Errorf("rwsplit: the roles have changed: %s is a %s now, and the transaction or session state on it is gone; begin again",
		gone.srv.Name, gone.role)
}

// onNewPrimary points a write at the server that has become the primary, where
// the old one refused it and so did not execute it. It waits for that for one
// probe at most.
func (c *conn) onNewPrimary(ctx context.Context, k *call, sl *slot, err error) error {
	if c.c.roles == nil {
		c.c.logOnce("rwsplit: the primary refuses writes: it is read-only; was another server promoted? set roles=auto, or let primary= name that one",
			"backend", sl.srv.Name)
		return err
	}
	c.c.roles.look()
	if k.promoted || c.tx != none || c.pinned != none || k.class.Opaque || k.class.Tx != TxNone || c.poisoned {
		return err
	}
	i, ok := c.c.roles.successor(ctx, sl.srv.Index)
	if !ok || ctx.Err() != nil || c.followRoles() != nil {
		return err
	}
	k.promoted, k.rerun, k.quiet = true, true, false
	k.v = verdict{target: i, reason: ReasonRefused}
	return nil
}
