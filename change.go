package rwsplit

// change is what a write may have changed. It holds as long as by is the
// Connector's classifier: another one may know of a trigger, or of nothing.
type change struct {
	tables footprint
	by     *classifier // nil: of no classifier yet, and no table
}

// anyChange is that of what nobody understands.
var anyChange = change{tables: everyTable}

// add adds what by said that a statement changes.
func (ch *change) add(f *footprint, by *classifier) {
	if ch.by == nil {
		ch.by = by
	}
	if ch.by != by {
		ch.tables.all = true
	}
	ch.tables.union(f)
}

// changeOf returns what a write may have changed that counts by writesNow.
func (c *conn) changeOf(k *call, sl *slot) change {
	if !c.c.byTable {
		return anyChange
	}
	st := &k.class
	switch {
	case st.Opaque, k.op == OpRaw, st.Tx == TxUnknown, st.Tx == TxXAStart, st.Tx == TxXAEnd:
		return anyChange
	case sl.tx.guessed, sl.tx.left, sl.tx.doubt:
		return anyChange // what it was in is not known
	}
	var ch change
	if sl.tx.active() {
		ch = sl.tx.changed
	}
	if st.Writes {
		ch.add(&k.foot, k.by)
	}
	return ch
}

// committed returns what the transaction of a slot has changed.
func (c *conn) committed(sl *slot) change {
	if !c.c.byTable || sl.tx.guessed || sl.tx.left || sl.tx.doubt {
		return anyChange
	}
	return sl.tx.changed
}

// ended numbers a write that has returned, and hands the number to whom it
// concerns.
func (c *conn) ended(sl *slot, ss *sessionState, ch *change) {
	c.wroteTo(sl)
	c.foresee(ch)
	c.wroteNow(ss, c.c.writes.ended(), ch)
}

// foresee comes before a write gets its number.
func (c *conn) foresee(ch *change) {
	if c.c.byTable && ch.tables.all {
		c.c.writes.foresee()
	}
}

// wroteNow hands the number of a write to whom it concerns.
func (c *conn) wroteNow(ss *sessionState, n uint64, ch *change) {
	c.wrote, c.wroteNumber = true, max(c.wroteNumber, n)
	w := c.c.writes
	if ss == nil {
		raise(&w.outside, n)
	}
	if c.c.byTable {
		w.changed(n, &ch.tables, ss == nil)
		// Who changes the classifier counts everything for every table after
		// that: either it sees this number, or it is seen here.
		if !ch.tables.all && ch.by != c.c.classifier.Load() {
			ch.tables.all = true
			w.changed(n, &everyTable, ss == nil)
		}
	}
	if ss != nil {
		ss.wroteNumber(n, ch)
	}
}
