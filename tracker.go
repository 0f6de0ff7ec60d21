package rwsplit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// tracker turns write numbers into what each replica has caught up with, and
// publishes it on the Connector's board. It asks the primary for its position
// while there are writes that no replica is known to have, and the replicas
// for theirs; where positions can't be had, the passing of sticky_for stands
// for them. It has a goroutine and a connection of its own per backend, from
// the first statement that needs them to Close; a frozen backend delays no
// other.
type tracker struct {
	c      *Connector
	cancel context.CancelFunc
	wg     sync.WaitGroup

	asks atomic.Uint64 // questions to the primary that were begun
	want atomic.Uint64 // the question that somebody waits for

	ddl chan struct{} // the catalog has changed

	sampled atomic.Pointer[Server] // the primary that was asked last
	writer  atomic.Pointer[Server] // another one, to which something was written

	mu      sync.Mutex      // protects following fields
	ring    lagRing         // the primary's positions
	targets []target        // answers that some replica has not reached; the newest last
	watch   []chan struct{} // by backend index: something new for its goroutine
	gen     uint32          // of the roles that ring and targets belong to

	moved chan struct{} // another server is the primary
}

// target is what the primary answered: who has reached pos has every write up
// to number, and everything that anybody had written when question ask was
// begun.
type target struct {
	number uint64
	ask    uint64
	pos    Position
}

const (
	// maxTargets bounds the answers that are kept for slow replicas.
	maxTargets = 64
	// minPause is the least time between two questions to one backend.
	minPause = time.Millisecond
	// maxPause is the most while a replica has not caught up.
	maxPause = 50 * time.Millisecond
)

func newTracker(c *Connector) *tracker {
	t := &tracker{c: c, watch: make([]chan struct{}, len(c.servers)), ddl: make(chan struct{}, 1), moved: make(chan struct{}, 1), gen: c.board.load().gen}
	for i := range t.watch {
		t.watch[i] = make(chan struct{}, 1)
	}
	return t
}

// start runs the goroutines.
func (t *tracker) start() {
	var ctx context.Context
	ctx, t.cancel = context.WithCancel(context.Background())
	if t.c.roles != nil {
		for i := range t.c.servers {
			t.wg.Go(func() { t.c.roles.watch(ctx, i) })
		}
	}
	if r, ok := engineOf(t.c.dialect).(catalogReader); ok && t.c.cfg.Catalog != ToggleOff {
		t.wg.Go(func() { t.watchCatalog(ctx, r) })
	}
	if !t.positions() {
		t.wg.Go(func() { t.watchClock(ctx) })
		return
	}
	if t.c.cfg.Logger != nil {
		t.wg.Go(func() { t.checkOnce(ctx) })
	}
	t.wg.Go(func() { t.watchPrimary(ctx) })
	for i := range t.c.servers {
		if i > 0 || t.c.roles != nil {
			t.wg.Go(func() { t.watchReplica(ctx, i) })
		}
	}
}

// forgetHistory drops what the primary before has answered: its positions say
// nothing about another server's history.
func (t *tracker) forgetHistory(gen uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gen = gen
	t.ring.reset()
	t.targets = nil
	t.writer.Store(nil)
	t.sampled.Store(nil)
}

// rolesMoved has everybody asked again in their new roles.
func (t *tracker) rolesMoved() {
	poke(t.moved)
	t.c.writes.stir()
	for _, ch := range t.watch {
		poke(ch)
	}
	t.c.catalogChanged()
}

// checkOnce logs what would break a promise of the positions.
func (t *tracker) checkOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(len(t.c.servers)+1)*t.c.cfg.ProbeTimeout)
	defer cancel()
	for _, warning := range t.c.Check(ctx) {
		t.c.log(slog.LevelWarn, "rwsplit: "+warning)
	}
}

// stop ends the goroutines and waits for them, at most about a probe_timeout.
func (t *tracker) stop() {
	if t.cancel == nil {
		return
	}
	t.cancel()
	done := make(chan struct{})
	go func() { t.wg.Wait(); close(done) }()
	limit := time.NewTimer(2 * t.c.cfg.ProbeTimeout)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
	}
}

// positions reports whether this engine tells how far its replication is.
func (t *tracker) positions() bool {
	_, ok := engineOf(t.c.dialect).(Positioner)
	return ok && t.c.cfg.Position == PositionNative || t.c.cfg.Position == PositionHeartbeat
}

// positioner is asked for again each time: with MySQL and MariaDB the dialect
// is known once a server was reached.
func (t *tracker) positioner() Positioner {
	if t.c.cfg.Position == PositionHeartbeat {
		return heartbeat{}
	}
	p, _ := t.c.speaks().(Positioner)
	return p
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// request asks for a question that begins from now on, and returns its number.
func (t *tracker) request() uint64 {
	n := t.asks.Load() + 1
	for {
		old := t.want.Load()
		if old >= n || t.want.CompareAndSwap(old, n) {
			break
		}
	}
	t.c.writes.stir()
	return n
}

// watchPrimary asks the primary.
func (t *tracker) watchPrimary(ctx context.Context) {
	snap := t.c.board.load()
	gen := snap.gen
	p := &probe{c: t.c, srv: t.c.servers[max(snap.primary, 0)]}
	defer func() { p.close() }()
	w := t.c.writes
	var (
		number   uint64 // covered by the last answer
		failures int
		lastAsk  time.Time
		met      bool // a primary has answered since the start
		timer    = time.NewTimer(0)
	)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-timer.C:
		case <-t.moved:
		}
		w.asleep.Store(false)

		if snap := t.c.board.load(); snap.gen != gen {
			p.close()
			gen, number, failures, lastAsk = snap.gen, 0, 0, time.Time{}
			p = &probe{c: t.c, srv: t.c.servers[max(snap.primary, 0)]}
		}
		if t.c.board.load().primary == none {
			timer.Reset(t.c.cfg.ProbeInterval)
			continue
		}
		mark := w.mark()
		if now := time.Now(); w.doubt.Load() > now.UnixNano() {
			// A write may still land: nothing new is confirmed before it has.
			mark = min(mark, number)
		}
		began := time.Now()
		idle := began.Sub(lastAsk) < t.c.cfg.ProbeInterval
		if mark <= number && t.want.Load() <= t.asks.Load() && idle {
			t.rest(timer, number)
			continue
		}
		lastAsk = began
		writer := t.writer.Load()
		if writer != nil && p.ci != nil && !p.seen.SameIncarnation(*writer) {
			p.close() // the primary's DSN leads to another server by now
		}
		ask := t.asks.Add(1)
		var pos Position
		err := p.ask(ctx, func(ctx context.Context, s PhysicalConn) (err error) {
			pos, err = t.positioner().PrimaryPosition(ctx, s)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errNoPosition):
			p.close()
			t.c.logOnce("rwsplit: no replication positions; reads stay on the primary for sticky_for after a write", "error", err.Error())
			t.watchClock(ctx)
			return
		case err != nil:
			failures++
			t.c.backendFailed(p.srv, err, failures)
			if errors.Is(err, errNotPrimary) && t.c.roles != nil {
				t.c.roles.look()
			}
			if !met {
				t.startWithout(true)
			}
			if !t.pauseOrMove(ctx, retryAfter(failures)) {
				return
			}
			lastAsk = time.Time{}
			timer.Reset(0)
			continue
		}
		t.c.backendBack(p.srv)
		if !met {
			met = true
			t.startWithout(false)
		}
		if !t.covers(p.seen, writer) {
			mark = min(mark, number)
		}
		failures, number = 0, max(number, mark)
		answered := time.Now()
		t.answered(gen, target{number, ask, pos}, began, answered)
		// Writers keep this loop busy: not more than half of the time.
		if !pauseFor(ctx, max(minPause, answered.Sub(began))) {
			return
		}
		t.rest(timer, number)
	}
}

// startWithout lets a process that starts while its primary is down read from
// the replicas that answer: number 1 stands for what was written before the
// start, and nobody can say any more what that was. It is taken back as soon as
// the primary answers.
func (t *tracker) startWithout(down bool) {
	from, to := uint64(1), uint64(0)
	if down {
		from, to = to, from
	}
	changes := func(b *backendState) bool { return b.epoch != 0 && b.asked == 0 && b.caughtUp == from }
	snap := t.c.board.load()
	for rest := snap.replicas; rest != 0; rest &= rest - 1 {
		if changes(&snap.backends[rest.first()]) {
			t.c.board.update(func(s *snapshot) {
				for i := range s.backends {
					if b := &s.backends[i]; s.replicas.has(i) && changes(b) {
						b.caughtUp = to
					}
				}
			})
			return
		}
	}
}

// wroteTo takes in that something is written through sl. A position of one
// server says nothing of what was written to another one, and one DSN may lead
// to several: before and after a failover, or where somebody balances.
func (t *tracker) wroteTo(sl *slot) {
	if sl.seen.Identity == "" {
		return // can't be told apart
	}
	s := t.sampled.Load()
	if s != nil && (s == sl.sampled || s.SameIncarnation(sl.seen)) {
		sl.sampled = s
		return
	}
	seen := sl.seen
	t.writer.Store(&seen)
}

// covers reports whether a position of the server seen covers what was written
// to writer, if to anybody else. If it does not, and can't be had, the writes so
// far count as in doubt.
func (t *tracker) covers(seen Server, writer *Server) bool {
	if s := t.sampled.Load(); s == nil || *s != seen {
		t.sampled.Store(&seen)
	}
	if writer == nil {
		return true
	}
	t.writer.CompareAndSwap(writer, nil)
	if seen.SameIncarnation(*writer) || seen.Identity == "" {
		return true
	}
	t.c.logOnce("rwsplit: the primary's DSN leads to several servers; reads stay on the primary for sticky_for after a write")
	t.c.writes.doubtUntil(time.Now().Add(t.c.cfg.StickyFor))
	return false
}

// rest sleeps until there is something to ask, or probe_interval is over.
func (t *tracker) rest(timer *time.Timer, number uint64) {
	w := t.c.writes
	pause := t.c.cfg.ProbeInterval
	if w.counter.Load() > number {
		// An open write, or one in doubt.
		pause = min(pause, maxPause)
	}
	timer.Reset(pause)
	w.asleep.Store(true)
	if (w.mark() > number && w.doubt.Load() <= time.Now().UnixNano()) || t.want.Load() > t.asks.Load() {
		w.stir() // it came in between
	}
}

// newestTarget returns the primary's last answer.
func (t *tracker) newestTarget() (target, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.targets) == 0 {
		return target{}, false
	}
	return t.targets[len(t.targets)-1], true
}

// pauseFor waits; false means that ctx is over.
func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// pauseOrMove waits, not beyond a change of the primary; false means that ctx
// is over.
func (t *tracker) pauseOrMove(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-t.moved:
	}
	return true
}

// answered takes in an answer of the primary.
func (t *tracker) answered(gen uint32, tg target, began, answered time.Time) {
	t.mu.Lock()
	if gen != t.gen {
		t.mu.Unlock()
		return // it is not the primary any more
	}
	t.ring.add(tg.pos, began, answered)
	t.targets = append(t.targets, tg)
	if len(t.targets) > maxTargets {
		t.targets = thinTargets(t.targets)
	}
	t.mu.Unlock()
	t.c.board.update(func(s *snapshot) {
		s.asked = tg.ask
		for rest := s.replicas; rest != 0; rest &= rest - 1 {
			// What a replica had replayed before the question may suffice.
			t.judge(s, rest.first())
		}
	})
	for rest := t.c.board.load().replicas; rest != 0; rest &= rest - 1 {
		poke(t.watch[rest.first()])
		t.c.noteState(rest.first())
	}
}

// thinTargets drops every other of the older half.
func thinTargets(ts []target) []target {
	half := len(ts) / 2
	kept := ts[:0]
	for i, tg := range ts {
		if i >= half || i%2 == 0 {
			kept = append(kept, tg)
		}
	}
	return kept
}

// judge works out what replica i has caught up with from its last position.
func (t *tracker) judge(s *snapshot, i int) {
	b := &s.backends[i]
	if b.position.IsZero() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for k := len(t.targets) - 1; k >= 0; k-- {
		tg := &t.targets[k]
		if tg.ask <= b.asked {
			break
		}
		if b.position.Reached(tg.pos) {
			b.caughtUp, b.asked = max(b.caughtUp, tg.number), tg.ask
			break
		}
	}
	b.lag = t.ring.estimate(b.position)
	t.c.judgeLag(s, i, time.Now())
}

// watchReplica asks one replica.
func (t *tracker) watchReplica(ctx context.Context, i int) {
	p := &probe{c: t.c, srv: t.c.servers[i]}
	defer p.close()
	failures := 0
	gen := t.c.board.load().gen
	pause := minPause
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-t.watch[i]:
			if s := t.c.board.load(); s.backends[i].asked >= s.asked && s.up.has(i) {
				continue // it had that already
			}
		}
		if s := t.c.board.load(); !s.replicas.has(i) {
			p.close()
			timer.Reset(t.c.cfg.ProbeInterval)
			continue
		} else if s.gen != gen {
			p.close() // it may have been opened for another role
			gen, failures, pause = s.gen, 0, minPause
		}
		var pos Position
		err := p.ask(ctx, func(ctx context.Context, s PhysicalConn) (err error) {
			pos, err = t.positioner().ReplicaPosition(ctx, s)
			return err
		})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			failures++
			t.replicaUnknown(i, err, failures)
			timer.Reset(retryAfter(failures))
			continue
		}
		failures = 0
		t.c.backendBack(p.srv)
		behind := t.located(i, gen, pos, p.seen)
		switch {
		case behind:
			timer.Reset(pause)
			pause = min(pause*3/2, maxPause)
		default:
			pause = minPause
			timer.Reset(t.c.cfg.ProbeInterval)
		}
	}
}

// located takes in a replica's position. It reports whether the replica lacks
// something that the primary has answered.
func (t *tracker) located(i int, gen uint32, pos Position, seen Server) (behind bool) {
	replaced := false
	t.c.board.update(func(s *snapshot) {
		if s.gen != gen {
			behind = true
			return // it was asked in another history
		}
		b := &s.backends[i]
		// A server that restarted or was replaced may have gone back in time,
		// and one that shows it has.
		if b.epoch == 0 || !b.server.SameIncarnation(seen) || !b.position.IsZero() && !pos.Reached(b.position) {
			replaced = b.epoch > 0 && seen.Identity != ""
			*b = backendState{epoch: b.epoch + 1}
		}
		b.server, b.position = seen, pos
		t.judge(s, i)
		behind = b.asked < s.asked
	})
	if replaced {
		t.c.log(slog.LevelInfo, "rwsplit: replica is another incarnation", "backend", t.c.servers[i].Name)
	}
	t.c.noteState(i)
	return behind
}

// replicaUnknown takes in that a replica did not answer.
func (t *tracker) replicaUnknown(i int, err error, failures int) {
	srv := t.c.servers[i]
	if errors.Is(err, errNoPosition) || errors.Is(err, errNotReplica) {
		// It may serve reads that need nothing, so it is not down.
		if errors.Is(err, errNotReplica) && t.c.roles != nil {
			poke(t.c.roles.hint[i])
		}
		t.c.logOnce("rwsplit: a replica gives no position; it counts as never caught up", "backend", srv.Name, "error", err.Error())
		t.c.board.update(func(s *snapshot) {
			b := &s.backends[i]
			b.position, b.lag = Position{}, lagEstimate{}
			t.c.judgeLag(s, i, time.Now())
		})
		t.c.noteState(i)
		return
	}
	t.c.backendFailed(srv, err, failures)
	if errors.Is(err, errNoAnswer) {
		srv.release() // what waits for it runs elsewhere
	}
}
