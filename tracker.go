package rwsplit

import (
	"context"
	"time"
)

// tracker turns write numbers into what each replica has caught up with, and
// publishes it in the Connector's snapshot. It runs on one goroutine, from the
// first connection to Close.
//
// Without positions the passing of time stands for them: after sticky_for a
// write counts as replayed everywhere.
type tracker struct {
	c    *Connector
	done chan struct{}
}

// mark is a number that counts as replayed from a moment on.
type mark struct {
	n    uint64
	ripe time.Time
}

// marksPerWindow is how finely a steady stream of writes is confirmed: the
// newest number is noted this often within sticky_for.
const marksPerWindow = 8

func (t *tracker) run(ctx context.Context) {
	defer close(t.done)
	w := t.c.writes
	sticky := t.c.stickyFor
	step := max(sticky/marksPerWindow, time.Millisecond)

	var marks []mark
	timer := time.NewTimer(0)
	defer timer.Stop()
	var confirmed uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-timer.C:
		}
		newest := w.mark()
		now := time.Now()
		if len(marks) == 0 || marks[len(marks)-1].n < newest {
			marks = append(marks, mark{newest, now.Add(sticky)})
		}
		for len(marks) > 0 && !marks[0].ripe.After(now) {
			confirmed = max(confirmed, marks[0].n)
			marks = marks[1:]
		}
		if doubt := time.Unix(0, w.doubt.Load()); doubt.After(now) {
			// Nothing is confirmed while a write may still land.
			marks = nil
			timer.Reset(doubt.Sub(now))
			continue
		}
		t.c.confirm(confirmed)

		switch {
		case w.counter.Load() > newest || len(marks) > 1:
			timer.Reset(step)
		case len(marks) == 1:
			timer.Reset(max(marks[0].ripe.Sub(now), time.Millisecond))
		default:
			w.asleep.Store(true)
			// A write may have come in between.
			if w.counter.Load() != confirmed && w.asleep.CompareAndSwap(true, false) {
				timer.Reset(step)
			}
		}
	}
}
