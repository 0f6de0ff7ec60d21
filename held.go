package rwsplit

import (
	"cmp"
	"slices"
)

// culprit is what holds a read back: the writes to one table, or those to the
// whole database, which is the zero value.
type culprit struct {
	table uint32 // a tableID plus one, or 0
}

func culpritTable(id tableID) culprit { return culprit{uint32(id) + 1} }

// heldBack counts a read that no replica may serve since none is known to have
// replayed what the read has to see, if that is a write.
func (c *Connector) heldBack(snap *snapshot, need *requirement) {
	for rest := snap.up & snap.fresh; rest != 0; rest &= rest - 1 {
		if snap.backends[rest.first()].caughtUp >= need.number {
			return // a token, or what its session has read, holds it back
		}
	}
	if id := need.culprit.table; id != 0 {
		if t := c.writes.tables.of(tableID(id - 1)); t != nil {
			t.held.Add(1)
			return
		}
	}
	c.writes.held.Add(1)
}

// HeldReads counts the reads that were routed to the primary, or refused with
// [ErrNoReplica], since no replica was known to have replayed a write that they
// had to see.
type HeldReads struct {
	// Tables counts them by the table of the newest such write: the 100 tables
	// with the most. A table is named by the last part of its name, in lower
	// case.
	Tables map[string]uint64
	// OtherTables counts those held back by further tables.
	OtherTables uint64
	// Database counts those held back by writes that count for every table,
	// and those of which is not known what they read: with tracking=database
	// all of them.
	Database uint64
}

// maxHeldTables bounds what Stats tells apart.
const maxHeldTables = 100

// heldReads returns what was counted so far.
func (c *Connector) heldReads() HeldReads {
	h := HeldReads{Tables: make(map[string]uint64), Database: c.writes.held.Load()}
	type entry struct {
		id tableID
		n  uint64
	}
	var list []entry
	c.writes.tables.each(func(id tableID, t *tableNumber) {
		if n := t.held.Load(); n != 0 {
			list = append(list, entry{id, n})
		}
	})
	slices.SortFunc(list, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.id, b.id))
	})
	for i, e := range list {
		if i < maxHeldTables {
			h.Tables[c.tableNames.name(e.id)] += e.n
		} else {
			h.OtherTables += e.n
		}
	}
	return h
}
