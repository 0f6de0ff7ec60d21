package rwsplit

import (
	"context"
	"slices"
)

// TestSchema is a schema as tests describe it, and what the server says of it.
type TestSchema struct {
	Tables   []string
	Views    map[string]string   // the text of each
	Triggers map[string][]string // by table: the texts of what runs after every write to it
	Cascades map[string][]string // by table: those that change with it

	Fingerprint string
	Err         error // of reading it
	PrintErr    error // of the fingerprint
}

// SchemaTestDialect makes a dialect that reads texts as PostgreSQL does, and
// whose servers tell their schema.
func SchemaTestDialect(d SchemaTestBase, schema func(s PhysicalConn, read bool) TestSchema) Dialect {
	return schemaTestDialect{d, schema}
}

// SchemaTestBase is what such a dialect is made of.
type SchemaTestBase interface {
	Dialect
	TxProber
	Positioner
}

type schemaTestDialect struct {
	SchemaTestBase
	schema func(s PhysicalConn, read bool) TestSchema
}

var _ schemaReader = schemaTestDialect{}

func (schemaTestDialect) Name() string { return "postgres" }

func (d schemaTestDialect) schemaFingerprint(_ context.Context, s PhysicalConn) (string, error) {
	schema := d.schema(s, false)
	return schema.Fingerprint, schema.PrintErr
}

func (d schemaTestDialect) readSchema(_ context.Context, s PhysicalConn) (schemaFacts, error) {
	schema := d.schema(s, true)
	var facts schemaFacts
	for _, name := range schema.Tables {
		facts.tables = append(facts.tables, schemaTable{key: name, name: name})
	}
	for name, text := range schema.Views {
		facts.tables = append(facts.tables, schemaTable{key: name, name: name, kind: tableView})
		facts.texts = append(facts.texts, schemaText{of: name, on: eventRead, text: text})
	}
	for table, bodies := range schema.Triggers {
		for _, body := range bodies {
			facts.texts = append(facts.texts, schemaText{of: table, on: eventWrites, text: body})
		}
	}
	for parent, children := range schema.Cascades {
		for _, child := range children {
			facts.links = append(facts.links, schemaLink{from: parent, to: child, on: eventWrites})
		}
	}
	return facts, schema.Err
}

// TablesOf returns the names of the tables that c counts a text for, sorted;
// all is true if it counts for every table.
func TablesOf(c *Connector, query string) (names []string, all bool) {
	_, foot := c.classifier.Load().classify(query)
	if foot.all {
		return nil, true
	}
	for _, id := range foot.tables() {
		names = append(names, c.tableNames.name(id))
	}
	slices.Sort(names)
	return names, false
}
