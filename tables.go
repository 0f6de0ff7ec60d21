package rwsplit

import "sync"

// tableNames hands out the IDs of table names. It is for concurrent use.
type tableNames struct {
	mu    sync.Mutex // protects following fields
	ids   map[string]tableID
	names []string
}

// maxTableNames bounds what is remembered; a database that ever had more of
// them is tracked as a whole.
const maxTableNames = 1 << 16

// id returns the ID of a folded name. ok is false if there are too many.
func (n *tableNames) id(name string) (id tableID, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id, ok = n.ids[name]; ok {
		return id, true
	}
	if len(n.names) == maxTableNames {
		return 0, false
	}
	if n.ids == nil {
		n.ids = make(map[string]tableID)
	}
	id = tableID(len(n.names))
	n.ids[name] = id
	n.names = append(n.names, name)
	return id, true
}

// name returns the name that an ID stands for.
func (n *tableNames) name(id tableID) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.names[id]
}

// count returns how many IDs were handed out; they are those below it.
func (n *tableNames) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.names)
}

// tableIndex knows the names of a schema and what they hide. It is built from
// schemaFacts and never changes.
type tableIndex struct {
	shift  uint32
	hashes []uint32 // 0 is a free slot
	slots  []int32
	list   []tableEntry

	// There are names with letters beyond ASCII, or with quotes in them, which
	// are not compared but match every such name in a text.
	beyondASCII, quotes bool

	// always is touched by every statement.
	always tableEntry
}

// tableEntry is one name: all tables, views and routines that have it.
type tableEntry struct {
	name    string // folded
	id      tableID
	table   bool
	routine bool
	column  bool // a routine that may be called as if it were a column
	// hides is what the name hides, by event; nil for tables that hide nothing.
	hides *[eventCount]tableEffects
}

// tableEffects is what one event at an object comes to.
type tableEffects struct {
	sees    footprint // all that is read or changed
	changes footprint // what is changed
}

// touches adds what events at the entry come to: what they change, or all that
// they touch.
func (e *tableEntry) touches(f *footprint, happens events, changes bool) {
	if e.hides == nil {
		if happens&eventWrites != 0 || happens != 0 && !changes {
			f.add(e.id)
		}
		return
	}
	for i := range e.hides {
		switch {
		case happens&(1<<i) == 0:
		case changes:
			f.union(&e.hides[i].changes)
		default:
			f.union(&e.hides[i].sees)
		}
	}
}

// find returns the entry of a name whose hash is that of hashWord, or -1.
func (ix *tableIndex) find(hash uint32, name string) int32 {
	mask := len(ix.hashes) - 1
	for i := int(hash >> (ix.shift & 31)); ; i++ {
		switch ix.hashes[i&mask] {
		case 0:
			return -1
		case hash | 1:
			if k := ix.slots[i&mask]; equalFold(ix.list[k].name, name) {
				return k
			}
		}
	}
}

// newTableIndex makes an index of entries whose names are folded and differ.
func newTableIndex(list []tableEntry) *tableIndex {
	size, shift := 64, uint32(26)
	for size < 3*len(list) {
		size, shift = size*2, shift-1
	}
	ix := &tableIndex{shift: shift, hashes: make([]uint32, size), slots: make([]int32, size), list: list}
	for k := range list {
		h := hashWord(list[k].name)
		i := int(h >> shift)
		for ix.hashes[i] != 0 {
			i = (i + 1) % size
		}
		ix.hashes[i], ix.slots[i] = h|1, int32(k)
	}
	return ix
}
