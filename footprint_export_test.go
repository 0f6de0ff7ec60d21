package rwsplit

// What the tests of footprints see of the inside.

// A schema as the tests describe it: see schemaFacts.
type (
	SchemaFacts   = schemaFacts
	SchemaTable   = schemaTable
	SchemaRoutine = schemaRoutine
	SchemaPart    = schemaPart
	SchemaLink    = schemaLink
	SchemaText    = schemaText
)

// Footprints returns a function that tells which tables a text of a dialect
// touches, given a schema: their names in order, or all.
func Footprints(dialect string, facts *schemaFacts) func(query string) (st Statement, names []string, all bool) {
	l, _ := languageOf(dialect)
	var names tableNames
	ix := learnTables(&names, l, facts)
	know := newKnowledge([]string{"safe_fn"}, nil, nil).withTables(ix)
	return func(query string) (Statement, []string, bool) {
		st, f := classifyTables(l, know, query)
		return st, f.names(&names), f.all
	}
}

// Table adds a plain table to the schema.
func (f *schemaFacts) Table(name string) {
	f.tables = append(f.tables, schemaTable{key: name, name: name})
}

// Table kinds.
const (
	TablePlain    = tablePlain
	TableView     = tableView
	TableSequence = tableSequence
	TableForeign  = tableForeign
)

// Events, for links and texts.
const (
	EventRead   = eventRead
	EventInsert = eventInsert
	EventUpdate = eventUpdate
	EventDelete = eventDelete
	EventRun    = eventRun
	EventWrites = eventWrites

	Anything       = anything
	EveryStatement = everyStatement
)

type (
	TableKind = tableKind
	Events    = events
)

// Of adds a table of another kind.
func (f *schemaFacts) Of(kind tableKind, name string) {
	f.tables = append(f.tables, schemaTable{key: name, name: name, kind: kind})
}

// TableAs adds a table whose key is not its name: another one has that.
func (f *schemaFacts) TableAs(key, name string) {
	f.tables = append(f.tables, schemaTable{key: key, name: name})
}

// Part makes a table a partition of another.
func (f *schemaFacts) Part(child, parent string) {
	f.parts = append(f.parts, schemaPart{child: child, parent: parent})
}

// Link adds what an event leads to.
func (f *schemaFacts) Link(from string, on events, to string, does events) {
	f.links = append(f.links, schemaLink{from: from, on: on, to: to, does: does})
}

// Text adds what an event runs.
func (f *schemaFacts) Text(of string, on events, text string, locals ...string) {
	f.texts = append(f.texts, schemaText{of: of, on: on, text: text, locals: locals})
}

// View adds a view.
func (f *schemaFacts) View(name, query string) {
	f.Of(tableView, name)
	f.Text(name, eventRead|eventWrites, query)
}

// Routine adds a function or procedure that runs a text.
func (f *schemaFacts) Routine(name, text string) {
	f.routines = append(f.routines, schemaRoutine{key: name + "()", name: name})
	f.Text(name+"()", eventRun, text)
}

// Column makes a routine one that can be called like a column.
func (f *schemaFacts) Column(name string) {
	for i := range f.routines {
		f.routines[i].column = f.routines[i].column || f.routines[i].name == name
	}
}

// HideCascades says that there are tables which the user can't see.
func (f *schemaFacts) HideCascades() { f.hiddenCascades = true }

// LearnTables returns the index of a schema, or nil if it has too many names.
func LearnTables(dialect string, facts *schemaFacts) any {
	l, _ := languageOf(dialect)
	if ix := learnTables(new(tableNames), l, facts); ix != nil {
		return ix
	}
	return nil
}

// ShowsTriggers reports whether a user with the grants in lines sees the
// triggers of a table.
func ShowsTriggers(lines []string, schema, table string) bool {
	g := tableGrants{what: grantOfTriggers}
	for _, line := range lines {
		g.read(line)
	}
	return g.cover(schema, table)
}
