package rwsplit

import (
	"sync"
	"sync/atomic"
	"time"
)

// writes numbers what a Connector writes. A read that must see everything up
// to number n may run on a replica that is known to have caught up to n.
type writes struct {
	counter atomic.Uint64 // the newest number; starts at 1, which nobody has confirmed
	outside atomic.Uint64 // the newest number of a write outside any session

	// With tracking=table, by table, and for the writes that may have changed any.
	tables  tableNumbers
	unclear numbersByOrigin
	held    atomic.Uint64 // reads that no single table held back

	doubt  deadline      // until then a write of unknown outcome may still land
	doubts atomic.Uint64 // counts how often that was said
	asleep atomic.Bool   // the tracker waits for wake
	wake   chan struct{}

	mu    sync.Mutex // protects opens
	opens map[*openWrite]struct{}
}

func newWrites() *writes {
	w := &writes{wake: make(chan struct{}, 1), opens: make(map[*openWrite]struct{})}
	w.counter.Store(1)
	w.outside.Store(1)
	w.unclear.raise(1, true)
	return w
}

// ended gives a write that has returned its number.
func (w *writes) ended() uint64 {
	n := w.counter.Add(1)
	w.stir()
	return n
}

// doubtful keeps reads that must see everything on the primary until then: a
// write whose outcome is unknown may be executed later than any position that
// is asked for now.
func (w *writes) doubtful(until time.Time) uint64 {
	w.doubtUntil(until)
	return w.ended()
}

// doubtUntil lets nothing new be confirmed until then.
func (w *writes) doubtUntil(until time.Time) {
	w.doubt.extend(until)
	w.doubts.Add(1)
}

func (w *writes) stir() {
	if w.asleep.Load() && w.asleep.CompareAndSwap(true, false) {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// mark returns the highest number that may be confirmed by a position asked
// for from now on: writes that have ended by now, and no open one.
func (w *writes) mark() uint64 {
	// The counter is loaded first: a write that is opened after that has a
	// higher number.
	n := w.counter.Load()
	w.mu.Lock()
	defer w.mu.Unlock()
	for o := range w.opens {
		if k := o.n.Load(); k != 0 && k <= n {
			n = k - 1
		}
	}
	return n
}

// openWrite is the write of one slot that was sent through Query: nobody knows
// when it has ended until the slot is used again or its scope ends.
type openWrite struct {
	n atomic.Uint64 // 0: none
	w *writes
}

func (w *writes) register(o *openWrite) {
	o.w = w
	w.mu.Lock()
	w.opens[o] = struct{}{}
	w.mu.Unlock()
}

func (w *writes) unregister(o *openWrite) {
	w.mu.Lock()
	delete(w.opens, o)
	w.mu.Unlock()
}

// begin takes a number when the write is sent.
func (o *openWrite) begin() uint64 {
	if o.n.Load() != 0 {
		return o.n.Load()
	}
	// A lower bound first: whoever loads the counter after it was raised finds
	// this write open.
	o.n.Store(o.w.counter.Load() + 1)
	n := o.w.counter.Add(1)
	o.w.stir()
	return n
}

// pending reports whether a write is open.
func (o *openWrite) pending() bool { return o.n.Load() != 0 }

// end says that the write has ended.
func (o *openWrite) end() {
	if o.n.Load() != 0 {
		o.n.Store(0)
		o.w.stir()
	}
}
