package rwsplit

import (
	"context"
	"errors"
	"time"
)

// watchPrimary asks the primary.
func (t *tracker) watchPrimary(ctx context.Context) {
	history := t.c.board.load().history
	p := &probe{c: t.c, srv: t.c.servers[history.of]}
	defer func() { p.close() }()
	w := t.c.writes
	var (
		number   uint64 // covered by the last answer
		failures int
		lastAsk  time.Time
		settled  uint64 // doubts that had come up before a question that was answered
		met      bool   // a primary has answered since the start
		look     = schemaLook{c: t.c}
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

		snap := t.c.board.load()
		if snap.history != history {
			p.close()
			history, number, failures, lastAsk = snap.history, 0, 0, time.Time{}
			look = schemaLook{c: t.c}
			p = &probe{c: t.c, srv: t.c.servers[history.of]}
		}
		if snap.primary == none && !met {
			t.startWithout(true)
			timer.Reset(min(t.c.cfg.ProbeInterval, hurriedProbe))
			continue
		}
		mark := w.mark()
		doubts := w.doubts.Load()
		if w.doubt.left() > 0 || doubts != settled {
			// A write may still land: nothing new is confirmed before it has.
			mark = min(mark, number)
		}
		began := time.Now()
		idle := began.Sub(lastAsk) < t.c.cfg.ProbeInterval
		looks := look.due(began, w.counter.Load() <= number)
		if mark <= number && t.want.Load() <= t.asks.Load() && idle && !looks && doubts == settled {
			t.rest(timer, number)
			continue
		}
		lastAsk = began
		writer := t.writer.Load()
		if writer != nil && p.ci != nil && !p.seen.SameIncarnation(*writer) {
			p.close() // the primary's DSN leads to another server by now
		}
		select {
		case <-t.wanted: // whoever it was has this question answered
		default:
		}
		ask := t.asks.Add(1)
		var pos Position
		err := p.ask(ctx, func(ctx context.Context, s PhysicalConn) (err error) {
			pos, err = t.positionerOf(p.seen).PrimaryPosition(ctx, s)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && snap.primary == none:
			// It was the primary, and can't be asked as one any more.
			p.close()
			timer.Reset(t.c.cfg.ProbeInterval)
			continue
		case errors.Is(err, errNoPosition) && !t.notPrimary(err):
			p.close()
			t.c.logOnce("rwsplit: no replication positions; reads stay on the primary for sticky_for after a write", "error", err.Error())
			t.watchClock(ctx)
			return
		case err != nil:
			p.close()
			failures++
			t.c.backendFailed(p.srv, err, failures)
			if t.c.roles != nil && t.notPrimary(err) {
				t.c.roles.look()
			}
			if !met && (failures > 1 || !errors.Is(err, errNoAnswer)) {
				t.startWithout(true) // one late answer may be that of a busy machine
			}
			if !pauseUnless(ctx, retryAfter(failures), t.moved) {
				return
			}
			lastAsk = time.Time{}
			timer.Reset(0)
			continue
		}
		t.c.backendBack(p.srv)
		if doubts != settled {
			// What hangs in a server that does not answer lands when it does
			// again: the time counts from now on.
			settled = doubts
			w.doubt.extend(time.Now().Add(t.c.cfg.StickyFor))
		}
		if !met {
			met = true
			t.startWithout(false)
		}
		if !t.covers(p.seen, writer) {
			mark = min(mark, number)
		}
		failures, number = 0, max(number, mark)
		answered := time.Now()
		least := max(minPause, answered.Sub(began)) // writers keep this loop busy: not more than half of the time
		if looks {
			// Before the answer counts: what it confirms may have changed the
			// schema.
			urgent := look.urgent()
			look.look(ctx, p, mark)
			if urgent {
				least = max(least, urgentShare*look.cost)
			}
		}
		t.answered(history, target{number, ask, answered, pos}, began, answered)
		if !t.pauseAsking(ctx, least) {
			return
		}
		t.rest(timer, number)
	}
}

// notPrimary reports that an answer comes from a server that is read-only: it is
// the primary no more, or not yet.
func (t *tracker) notPrimary(err error) bool {
	return errors.Is(err, errNotPrimary) || t.c.dialect.Fault(err) == FaultRefusedWrite
}

// pauseAsking waits until the primary is to be asked again; false means that
// ctx is over. Where replicas need long an eighth of that lies between two
// questions, which is little beside what a write waits for them anyway. Who
// waits for an answer cuts that short, but not below least.
func (t *tracker) pauseAsking(ctx context.Context, least time.Duration) bool {
	if !pauseFor(ctx, least) {
		return false
	}
	var reached uint64 // by any replica
	snap := t.c.board.load()
	for rest := snap.replicas; rest != 0; rest &= rest - 1 {
		reached = max(reached, snap.backends[rest.first()].asked)
	}
	more := t.patience(reached) - least
	return more <= 0 || pauseUnless(ctx, more, t.wanted)
}

// patience is what lies between two questions about what is beyond question
// reached.
func (t *tracker) patience(reached uint64) time.Duration {
	return min(t.lacking(reached, time.Now())/8, maxPause)
}

// lacking returns how long ago the primary gave the oldest answer beyond the
// one to question reached; 0 if there is none.
func (t *tracker) lacking(reached uint64, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.targets {
		if tg := &t.targets[i]; tg.ask > reached {
			return now.Sub(tg.at)
		}
	}
	return 0
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
	if t.c.schema.hinted.Load() {
		pause = min(pause, hintedLook)
	}
	timer.Reset(pause)
	w.asleep.Store(true)
	if (w.mark() > number && w.doubt.left() <= 0) || t.want.Load() > t.asks.Load() {
		w.stir() // it came in between
	}
}
