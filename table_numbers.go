package rwsplit

import (
	"sync"
	"sync/atomic"
)

// origin tells writes apart by where they were made.
type origin uint8

const (
	anywhere origin = iota
	outsideSessions
	originCount
)

// numbersByOrigin are the numbers of the newest writes.
type numbersByOrigin [originCount]atomic.Uint64

func (v *numbersByOrigin) raise(n uint64, outside bool) {
	raise(&v[anywhere], n)
	if outside {
		raise(&v[outsideSessions], n)
	}
}

// tableNumber is what is counted for one table.
type tableNumber struct {
	newest numbersByOrigin // of the writes that may have changed it
	held   atomic.Uint64   // reads that it kept off the replicas
}

// tableNumbers are the numbers of all tables. They are read and raised without
// a lock, and grow by whole pieces, which never move.
type tableNumbers struct {
	pieces atomic.Pointer[[]*tablePiece]
	mu     sync.Mutex // held by who grows it
}

const tablesPerPiece = 256

type tablePiece [tablesPerPiece]tableNumber

// grow makes room for the tables up to n, the highest number of a tableID plus
// one. Whoever hands out an ID does that first.
func (t *tableNumbers) grow(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var pieces []*tablePiece
	if old := t.pieces.Load(); old != nil {
		pieces = append(pieces, *old...)
	}
	for len(pieces)*tablesPerPiece < n {
		pieces = append(pieces, new(tablePiece))
	}
	t.pieces.Store(&pieces)
}

// of returns what is counted for a table, or nil if no room was made for it.
func (t *tableNumbers) of(id tableID) *tableNumber {
	pieces := t.pieces.Load()
	if pieces == nil || int(id/tablesPerPiece) >= len(*pieces) {
		return nil
	}
	return &(*pieces)[id/tablesPerPiece][id%tablesPerPiece]
}

// each calls fn for every table that there is room for.
func (t *tableNumbers) each(fn func(tableID, *tableNumber)) {
	pieces := t.pieces.Load()
	if pieces == nil {
		return
	}
	for i, p := range *pieces {
		for k := range p {
			fn(tableID(i*tablesPerPiece+k), &p[k])
		}
	}
}

// changed notes that the write with number n may have changed the tables of f.
// outside: it was made outside any session.
func (w *writes) changed(n uint64, f *footprint, outside bool) {
	all := f.all
	if !all {
		for _, id := range f.tables() {
			t := w.tables.of(id)
			if t == nil {
				all = true
				break
			}
			t.newest.raise(n, outside)
		}
	}
	if all {
		w.unclear.raise(n, outside)
	}
}

// changedAll counts everything that was written so far for every table.
func (w *writes) changedAll() {
	n := w.ended()
	raise(&w.outside, n)
	w.changed(n, &everyTable, true)
}

// foresee notes that the next write may have changed any table. The tracker
// confirms no such write before it has asked whether the schema changed, so it
// has to know of one as soon as it can have seen its number.
func (w *writes) foresee() {
	raise(&w.unclear[anywhere], w.counter.Load()+1)
}

// needed returns the number of the newest write from there that a read of the
// tables of f has to see, and to which of them it belongs, if to one.
func (w *writes) needed(f *footprint, from origin) (n uint64, to culprit) {
	if f.all {
		return w.newest(from), culprit{}
	}
	n = w.unclear[from].Load()
	for _, id := range f.tables() {
		t := w.tables.of(id)
		if t == nil {
			return w.newest(from), culprit{}
		}
		if k := t.newest[from].Load(); k > n {
			n, to = k, culpritTable(id)
		}
	}
	return n, to
}

// newest returns the number of the newest write from there to any table.
func (w *writes) newest(from origin) uint64 {
	if from == outsideSessions {
		return w.outside.Load()
	}
	return w.counter.Load()
}
