package rwsplit

import (
	"context"
	"time"
)

// mark is a write number, and a question, that count as replayed from a moment
// on.
type mark struct {
	number, ask uint64
	ripe        time.Time
}

// marksPerWindow is how finely a steady stream of writes is confirmed: the
// newest number is noted this often within sticky_for.
const marksPerWindow = 8

// watchClock stands in for positions: after sticky_for a write counts as
// replayed everywhere. That is a guess.
func (t *tracker) watchClock(ctx context.Context) {
	t.c.giveUpTables("there are no replication positions beside which the schema could be watched")
	w := t.c.writes
	sticky := t.c.cfg.StickyFor
	step := max(sticky/marksPerWindow, time.Millisecond)

	var marks []mark
	var newest, done mark // the last that was noted, and that became ripe
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-timer.C:
		}
		w.asleep.Store(false)
		n, want := w.mark(), t.want.Load()
		now := time.Now()
		if left := w.doubt.left(); left > 0 {
			// Nothing new counts as replayed while a write may still land.
			timer.Reset(left)
			continue
		}
		if n > newest.number || want > newest.ask {
			t.asks.Store(max(want, t.asks.Load()))
			newest = mark{n, want, now.Add(sticky)}
			marks = append(marks, newest)
		}
		for len(marks) > 0 && !marks[0].ripe.After(now) {
			done = marks[0]
			marks = marks[1:]
		}
		t.ripen(done)

		switch {
		case w.counter.Load() > newest.number || len(marks) > 1:
			timer.Reset(step)
		case len(marks) == 1:
			timer.Reset(max(marks[0].ripe.Sub(now), time.Millisecond))
		default:
			w.asleep.Store(true)
			if w.counter.Load() > newest.number || t.want.Load() > newest.ask {
				w.stir() // it came in between
			}
		}
	}
}

// ripen says that every replica has caught up with m.
func (t *tracker) ripen(m mark) {
	s := t.c.board.load()
	ripe := s.asked >= m.ask
	for rest := s.replicas; rest != 0; rest &= rest - 1 {
		ripe = ripe && s.backends[rest.first()].caughtUp >= m.number
	}
	if ripe {
		return
	}
	t.c.board.update(func(s *snapshot) {
		s.asked = max(s.asked, m.ask)
		for rest := s.replicas; rest != 0; rest &= rest - 1 {
			b := &s.backends[rest.first()]
			b.caughtUp, b.asked = max(b.caughtUp, m.number), max(b.asked, m.ask)
		}
	})
}
