package rwsplit

import "slices"

// tableID stands for all tables of one name: names are compared by their last
// part, without regard to case. IDs are handed out by a Connector's tableNames
// and mean the same for as long as it lives.
type tableID uint32

// maxFootprint is the number of tables that a footprint can name. Statements
// of programs touch fewer; what touches more counts for all tables.
const maxFootprint = 12

// footprint is the set of tables that a statement may change, if it writes, or
// else may read, with all that their names hide: views, triggers, cascades. The
// zero value is no table at all. It is a plain value, so that it costs no
// allocation.
type footprint struct {
	ids [maxFootprint]tableID
	n   uint8
	// all: any table. It is unclear which, or there are too many of them.
	all bool
	// unknown: all, for a name in the text that nobody knows, though a table's
	// is expected there. What is known of the schema may be old.
	unknown bool
}

// everyTable is the footprint of what nobody understands.
var everyTable = footprint{all: true}

// tables returns the tables of a footprint that is not all.
func (f *footprint) tables() []tableID { return f.ids[:f.n] }

// has reports whether the footprint covers a table.
func (f *footprint) has(id tableID) bool {
	if f.all {
		return true
	}
	for _, other := range f.ids[:f.n] {
		if other == id {
			return true
		}
	}
	return false
}

// add adds a table.
func (f *footprint) add(id tableID) {
	if f.has(id) {
		return
	}
	if f.n == maxFootprint {
		f.all = true
		return
	}
	f.ids[f.n] = id
	f.n++
}

// union adds everything that other covers.
func (f *footprint) union(other *footprint) {
	f.all = f.all || other.all
	f.unknown = f.unknown || other.unknown
	if f.all {
		return
	}
	for _, id := range other.ids[:other.n] {
		f.add(id)
	}
}

// names returns the tables' names in order.
func (f *footprint) names(names *tableNames) []string {
	var list []string
	for _, id := range f.tables() {
		list = append(list, names.name(id))
	}
	slices.Sort(list)
	return list
}
