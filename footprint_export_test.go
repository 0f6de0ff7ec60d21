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
