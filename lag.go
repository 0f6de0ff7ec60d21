package rwsplit

import (
	"sort"
	"time"
)

// lagRing remembers where the primary stood at which time, so that a replica's
// position tells how old its data is: without privileges, without clocks in
// step, and without an idle primary looking like lag. All times are this
// process's own.
//
// It holds at most lagSamples entries. The newest are kept as they came, older
// ones the sparser the older they are, so it reaches from milliseconds back to
// hours, with an error that is a fraction of the lag.
//
// It is not safe for concurrent use.
type lagRing struct {
	samples []lagSample // the oldest first, each position beyond the one before
}

const lagSamples = 128

// lagSample is a position and the time through which the primary is known to
// have stood there.
type lagSample struct {
	pos Position
	// first is when the primary had answered with pos for the first time: what
	// pos covers was written before.
	first time.Time
	// last is when the primary was asked the last time and answered with pos:
	// what pos does not cover was written later.
	last time.Time
}

// add takes in that the primary, asked at asked, had answered with pos by
// answered. Answers come in the order of their questions. A position that does
// not go on from the one before starts the ring anew: the primary was replaced,
// or its history was.
func (r *lagRing) add(pos Position, asked, answered time.Time) {
	if pos.IsZero() {
		return
	}
	if n := len(r.samples); n > 0 {
		newest := &r.samples[n-1]
		switch {
		case !pos.Reached(newest.pos):
			r.reset()
		case newest.pos.Reached(pos):
			newest.last = asked
			return
		}
	}
	if len(r.samples) == lagSamples {
		r.thin(answered)
	}
	r.samples = append(r.samples, lagSample{pos: pos, first: answered, last: asked})
}

// reset forgets everything.
func (r *lagRing) reset() {
	clear(r.samples)
	r.samples = r.samples[:0]
}

// thin removes the sample whose absence matters least: the gap that it leaves
// is the smallest in proportion to its age. The oldest and the newest stay.
func (r *lagRing) thin(now time.Time) {
	best, least := 1, 0.0
	for i := 1; i < len(r.samples)-1; i++ {
		gap := r.samples[i+1].first.Sub(r.samples[i-1].last)
		age := now.Sub(r.samples[i].first) + time.Millisecond
		if cost := float64(gap) / float64(age); i == 1 || cost < least {
			best, least = i, cost
		}
	}
	copy(r.samples[best:], r.samples[best+1:])
	r.samples[len(r.samples)-1] = lagSample{}
	r.samples = r.samples[:len(r.samples)-1]
}

// estimate says how old the data of a replica at have is. It compares a
// logarithmic number of positions.
func (r *lagRing) estimate(have Position) lagEstimate {
	// The samples are a chain, so what is reached is a prefix of them.
	i := sort.Search(len(r.samples), func(i int) bool { return !have.Reached(r.samples[i].pos) })
	var e lagEstimate
	if i > 0 {
		e.known = true
		e.asOf = r.samples[i-1].last
	}
	if i < len(r.samples) {
		e.behindSince = r.samples[i].first
	}
	return e
}

// lagEstimate is what the primary's samples say about one replica. The lag
// grows as time passes without another estimate, so it is kept as points in
// time. The zero value is an unknown lag.
type lagEstimate struct {
	// known reports that the replica has reached at least one sample. If it has
	// not (it is further behind than the ring reaches back, the ring has just
	// begun, its history is another one), behindSince is only a lower bound.
	known bool
	// asOf: everything that was written before this time is on the replica.
	asOf time.Time
	// behindSince: something written before this time is not on the replica;
	// zero if it has all that is known of.
	behindSince time.Time
}

// lag returns for how long the replica has been known to miss something; 0 if
// it has all that the primary was last known to have. It is never more than the
// true lag, and less by at most the time between two samples. ok is false if
// the lag is not known; then it is at least what is returned.
func (e lagEstimate) lag(now time.Time) (lag time.Duration, ok bool) {
	if !e.behindSince.IsZero() {
		lag = max(now.Sub(e.behindSince), 0)
	}
	return lag, e.known
}

// atMost returns a bound that the true lag does not exceed: the time since the
// primary was last asked and had nothing that the replica lacks. It grows while
// the primary is not asked. ok is false if there is no bound.
func (e lagEstimate) atMost(now time.Time) (bound time.Duration, ok bool) {
	if !e.known {
		return 0, false
	}
	return max(now.Sub(e.asOf), 0), true
}
