package rwsplit

import (
	"context"
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

	wanted chan struct{} // somebody waits for question want
	ddl    chan struct{} // the catalog has changed

	sampled atomic.Pointer[Server] // the primary that was asked last
	writer  atomic.Pointer[Server] // another one, to which something was written

	mu      sync.Mutex      // protects following fields
	ring    lagRing         // the primary's positions
	targets []target        // answers that some replica has not reached; the newest last
	watch   []chan struct{} // by backend index: something new for its goroutine
	history history         // that ring and targets belong to

	moved chan struct{} // another server is the primary
}

// target is what the primary answered: who has reached pos has every write up
// to number, and everything that anybody had written when question ask was
// begun.
type target struct {
	number uint64
	ask    uint64
	at     time.Time // when it answered
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
	t := &tracker{c: c, watch: make([]chan struct{}, len(c.servers)), wanted: make(chan struct{}, 1), ddl: make(chan struct{}, 1), moved: make(chan struct{}, 1), history: c.board.load().history}
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
	if t.readsCatalog() {
		t.wg.Go(func() { t.watchCatalog(ctx) })
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
func (t *tracker) forgetHistory(next history) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.history = next
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
	t.c.forgetTables()
	t.c.catalogChanged()
}

// checkOnce logs what would break a promise of the positions.
func (t *tracker) checkOnce(life context.Context) {
	ctx, cancel := context.WithTimeout(life, time.Duration(len(t.c.servers)+1)*t.c.cfg.ProbeTimeout)
	defer cancel()
	warnings := t.c.Check(ctx)
	if life.Err() != nil {
		return // closed meanwhile: what was cut off by that is no news
	}
	for _, warning := range warnings {
		t.c.log(slog.LevelWarn, "rwsplit: "+warning)
	}
}

// stop ends the goroutines and waits for them, at most about a probe_timeout.
func (t *tracker) stop() {
	if t.cancel == nil {
		return
	}
	t.cancel()
	waitAtMost(&t.wg, 2*t.c.cfg.ProbeTimeout)
}

// positions reports whether this engine tells how far its replication is.
func (t *tracker) positions() bool {
	_, ok := engineOf(t.c.dialect).(Positioner)
	return ok && t.c.cfg.Position == PositionNative || t.c.cfg.Position == PositionHeartbeat
}

// positionerOf is the positioner for a server that is asked as the primary.
func (t *tracker) positionerOf(primary Server) Positioner {
	if t.c.cfg.Position == PositionHeartbeat {
		return heartbeatOf(primary)
	}
	return t.positioner()
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
// It is asked in its turn.
func (t *tracker) request() uint64 {
	n := t.asks.Load() + 1
	raise(&t.want, n)
	t.c.writes.stir()
	return n
}

// requestNow is request for those who wait for the answer.
func (t *tracker) requestNow() uint64 {
	n := t.request()
	poke(t.wanted)
	return n
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
func pauseFor(ctx context.Context, d time.Duration) bool { return pauseUnless(ctx, d, nil) }

// pauseUnless is pauseFor, cut short by early.
func pauseUnless(ctx context.Context, d time.Duration, early <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-early:
	}
	return true
}

// answered takes in an answer of the primary.
func (t *tracker) answered(h history, tg target, began, answered time.Time) {
	t.mu.Lock()
	if h != t.history {
		t.mu.Unlock()
		return // another one is the primary
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
