package rwsplit

import "sync/atomic"

// sessionTables is what one session wrote, by table. What was told apart by
// knowledge that is gone has a smaller number than what everybody has to see:
// see rememberTables.
type sessionTables struct {
	rest    atomic.Uint64 // the newest write that may have changed any table
	used    atomic.Uint32 // entries; an entry's id never changes
	ids     [maxSessionTables]tableID
	numbers [maxSessionTables]atomic.Uint64
}

// maxSessionTables is how many tables of a session are told apart; what it
// writes to further ones counts for all.
const maxSessionTables = 8

// add notes the number of a write to a table. The session's mu is held.
func (t *sessionTables) add(id tableID, n uint64) {
	used := t.used.Load()
	for i := range used {
		if t.ids[i] == id {
			raise(&t.numbers[i], n)
			return
		}
	}
	if used == maxSessionTables {
		raise(&t.rest, n)
		return
	}
	t.ids[used] = id
	t.numbers[used].Store(n)
	t.used.Store(used + 1)
}

// wroteTables notes a write of the session by the tables that it changed.
func (st *sessionState) wroteTables(n uint64, ch *change) {
	st.mu.Lock()
	defer st.mu.Unlock()
	t := st.tables.Load()
	if !ch.tables.all {
		if t == nil {
			t = new(sessionTables)
			t.rest.Store(st.number.Load())
		}
		for _, id := range ch.tables.tables() {
			t.add(id, n)
		}
		st.tables.Store(t)
	} else if t != nil {
		raise(&t.rest, n)
	}
	raise(&st.number, n)
}

// needed returns the number of the session's newest write that a read of the
// tables of f has to see, and to which of them it belongs, if to one.
func (st *sessionState) needed(f *footprint) (n uint64, to culprit) {
	t := st.tables.Load()
	if f.all || t == nil {
		return st.number.Load(), culprit{}
	}
	n = t.rest.Load()
	for i := range t.used.Load() {
		if !f.has(t.ids[i]) {
			continue
		}
		if k := t.numbers[i].Load(); k > n {
			n, to = k, culpritTable(t.ids[i])
		}
	}
	return n, to
}
