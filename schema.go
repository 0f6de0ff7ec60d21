package rwsplit

import "context"

// schemaReader is implemented by dialects whose engine's catalog tells what
// the names in a statement hide: views, triggers, cascades, partitions.
type schemaReader interface {
	readSchema(ctx context.Context, s PhysicalConn) (schemaFacts, error)
	// schemaFingerprint is a text that changes with everything that readSchema
	// tells. It costs the server little.
	schemaFingerprint(ctx context.Context, s PhysicalConn) (string, error)
}

// schemaFacts is what the catalog says. Objects have keys, which tell those of
// one name apart.
type schemaFacts struct {
	tables   []schemaTable
	routines []schemaRoutine
	parts    []schemaPart
	links    []schemaLink
	texts    []schemaText
	// hiddenCascades: there are tables that this user can't see, and which may
	// pass on deletes and updates.
	hiddenCascades bool
}

// Keys of no object.
const (
	// anything at all may happen; what the user can't see counts as this too.
	anything = ""
	// everyStatement is an event of its own: it is linked to what a statement
	// uses without naming it, such as the functions of operators.
	everyStatement = "*"
)

// schemaTable is a table or view.
type schemaTable struct {
	key, name string
	kind      tableKind
}

type tableKind uint8

const (
	tablePlain    tableKind = iota
	tableView               // has no rows of its own
	tableSequence           // changes by itself: who reads it may see any write
	tableForeign            // its rows are somewhere else, maybe in another table of this schema
)

// schemaRoutine is a function or procedure. What it does is told by links and
// texts.
type schemaRoutine struct {
	key, name string
	// column: it can be called as if it were a column of a table (t.f).
	column bool
}

// schemaPart says that a table is a partition or child of another.
type schemaPart struct{ child, parent string }

// schemaLink says that one of the events on at the object from makes the
// events does happen at the object to; none in does means the same event.
type schemaLink struct {
	from, to string
	on, does events
}

// schemaText says that one of the events on at the object of runs a text: the
// query of a view, the body of a trigger or routine. What happens to a view
// happens to the tables in its text.
type schemaText struct {
	of     string
	on     events
	text   string
	locals []string // tables that exist in this text only
}

// events is a set of things that may happen to a table or routine.
type events uint8

const (
	eventRead events = 1 << iota
	eventInsert
	eventUpdate
	eventDelete // also TRUNCATE
	eventRun    // of a routine

	eventWrites = eventInsert | eventUpdate | eventDelete
	eventAny    = eventWrites | eventRead | eventRun
	eventCount  = 5
	runBit      = 4 // eventRun is 1<<runBit
)
