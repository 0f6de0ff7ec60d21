package rwsplit

import (
	"context"
	"strconv"
)

var _ schemaReader = postgresDialect{}

// Objects of users have OIDs from 16384 on (FirstNormalObjectId), see
// https://www.postgresql.org/docs/current/catalogs.html. Keys are OIDs, with
// an f before those of functions.
//
// Relations of sessions (temporary ones) are left out: their names are unknown.
const postgresSchemaTables = `SELECT oid::text, relname::text, relkind::text FROM pg_catalog.pg_class
	WHERE oid >= 16384 AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relpersistence <> 't'`

var postgresTableKinds = map[string]tableKind{"v": tableView, "f": tableForeign, "S": tableSequence}

const (
	postgresSchemaParts = `SELECT i.inhrelid::text, i.inhparent::text FROM pg_catalog.pg_inherits i
		JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relkind IN ('r', 'p', 'f')`

	postgresSchemaCascades = `SELECT confrelid::text, conrelid::text, confdeltype::text, confupdtype::text
		FROM pg_catalog.pg_constraint WHERE contype = 'f'
		AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))`

	postgresSchemaTriggers = `SELECT t.tgrelid::text, t.tgtype::text, t.tgfoid::text, p.proname::text,
		coalesce(t.tgoldtable::text, ''), coalesce(t.tgnewtable::text, '')
		FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
		WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'`

	// The body of a function in SQL may be kept as a parse tree.
	postgresSchemaRoutines = `SELECT p.oid::text, p.proname::text, l.lanname::text, p.prokind::text, p.provolatile::text,
		coalesce(e.extname::text, ''),
		CASE WHEN p.pronargs - p.pronargdefaults <= 1 AND p.pronargs > 0
			AND (SELECT typtype FROM pg_catalog.pg_type WHERE oid = p.proargtypes[0]) IN ('c', 'p') THEN 'column' ELSE '' END,
		CASE WHEN l.lanname IN ('sql', 'plpgsql') THEN coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc) ELSE '' END
		FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_language l ON l.oid = p.prolang
		LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
			AND d.objid = p.oid AND d.deptype = 'e'
		LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
		WHERE p.oid >= 16384`

	postgresSchemaAggregates = `SELECT a.aggfnoid::oid::text, f.f::oid::text
		FROM pg_catalog.pg_aggregate a, LATERAL (VALUES (a.aggtransfn), (a.aggfinalfn), (a.aggcombinefn), (a.aggserialfn),
			(a.aggdeserialfn), (a.aggmtransfn), (a.aggminvtransfn), (a.aggmfinalfn)) AS f (f)
		WHERE a.aggfnoid::oid >= 16384 AND f.f::oid >= 16384`

	postgresSchemaViews = `SELECT oid::text, coalesce(pg_catalog.pg_get_viewdef(oid), '') FROM pg_catalog.pg_class
		WHERE oid >= 16384 AND relkind = 'v' AND relpersistence <> 't'`

	postgresSchemaRules = `SELECT ev_class::text, ev_type::text, coalesce(pg_catalog.pg_get_ruledef(oid), '')
		FROM pg_catalog.pg_rewrite WHERE oid >= 16384 AND ev_type <> '1'`

	postgresSchemaPolicies = `SELECT polrelid::text, coalesce(pg_catalog.pg_get_expr(polqual, polrelid), ''),
		coalesce(pg_catalog.pg_get_expr(polwithcheck, polrelid), '') FROM pg_catalog.pg_policy`

	// Functions that run with every write of a table, for its defaults and
	// checks; with a relation of 0 they belong to a domain.
	postgresSchemaUses = `SELECT DISTINCT coalesce(a.adrelid, k.conrelid)::text, d.refobjid::text
		FROM pg_catalog.pg_depend d
		LEFT JOIN pg_catalog.pg_attrdef a ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND a.oid = d.objid
		LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = d.objid
		WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid >= 16384
		AND (a.oid IS NOT NULL OR k.oid IS NOT NULL)`

	// Functions behind operators and casts, which a text does not name.
	postgresSchemaOperators = `SELECT p.oid::text FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname NOT IN ('c', 'internal')
		WHERE p.oid >= 16384 AND (EXISTS (SELECT 1 FROM pg_catalog.pg_operator o WHERE o.oprcode = p.oid)
			OR EXISTS (SELECT 1 FROM pg_catalog.pg_cast c WHERE c.castfunc = p.oid))`
)

// readSchema reads what the names of relations and functions hide.
func (postgresDialect) readSchema(ctx context.Context, s PhysicalConn) (schemaFacts, error) {
	var facts schemaFacts
	locals := make(map[string][]string) // transition tables, by function
	link := func(from string, on events, to string, does events) {
		facts.links = append(facts.links, schemaLink{from: from, on: on, to: to, does: does})
	}
	for _, q := range []struct {
		query string
		each  func(row []string)
	}{
		{postgresSchemaTables, func(row []string) {
			facts.tables = append(facts.tables, schemaTable{key: row[0], name: row[1], kind: postgresTableKinds[row[2]]})
		}},
		{postgresSchemaParts, func(row []string) {
			facts.parts = append(facts.parts, schemaPart{child: row[0], parent: row[1]})
		}},
		{postgresSchemaCascades, func(row []string) {
			if does := postgresCascade(row[2]); does != 0 {
				link(row[0], eventDelete, row[1], does)
			}
			if postgresCascade(row[3]) != 0 {
				link(row[0], eventUpdate, row[1], eventUpdate)
			}
		}},
		{postgresSchemaTriggers, func(row []string) {
			on := postgresTriggerEvents(row[1])
			if harmlessTriggers[row[3]] && len(row[2]) < len("16384") {
				return
			}
			link(row[0], on, "f"+row[2], eventRun)
			for _, name := range row[4:] {
				if name != "" {
					locals["f"+row[2]] = append(locals["f"+row[2]], name)
				}
			}
		}},
		{postgresSchemaRoutines, func(row []string) {
			key := "f" + row[0]
			facts.routines = append(facts.routines, schemaRoutine{key: key, name: row[1], column: row[6] != ""})
			switch lang := row[2]; {
			case row[3] == "a": // its parts are told apart
			case lang == "sql", lang == "plpgsql":
				facts.texts = append(facts.texts, schemaText{of: key, on: eventRun, text: row[7], locals: locals[key]})
			case lang == "c" && (row[4] == "i" && row[5] != "" || pureExtensions[row[5]]):
			default:
				link(key, eventRun, anything, 0)
			}
		}},
		{postgresSchemaAggregates, func(row []string) { link("f"+row[0], eventRun, "f"+row[1], eventRun) }},
		{postgresSchemaViews, func(row []string) {
			facts.texts = append(facts.texts, schemaText{of: row[0], on: eventRead | eventWrites, text: row[1]})
		}},
		{postgresSchemaRules, func(row []string) {
			action, ok := ruleAction(row[2])
			if on := postgresRuleEvents[row[1]]; on != 0 && ok {
				facts.texts = append(facts.texts, schemaText{of: row[0], on: on, text: action})
			} else {
				link(row[0], eventWrites, anything, 0)
			}
		}},
		{postgresSchemaPolicies, func(row []string) {
			for _, text := range row[1:] {
				facts.texts = append(facts.texts, schemaText{of: row[0], on: eventRead | eventWrites, text: text})
			}
		}},
		{postgresSchemaUses, func(row []string) {
			if row[0] == "0" {
				link(everyStatement, eventRun, "f"+row[1], eventRun)
				return
			}
			link(row[0], eventInsert|eventUpdate, "f"+row[1], eventRun)
		}},
		{postgresSchemaOperators, func(row []string) { link(everyStatement, eventRun, "f"+row[0], eventRun) }},
	} {
		if err := s.queryAll(ctx, q.query, q.each); err != nil {
			return schemaFacts{}, err
		}
	}
	return facts, nil
}

// postgresCascade returns what an action of a foreign key does to the table
// that has it: https://www.postgresql.org/docs/current/catalog-pg-constraint.html
func postgresCascade(action string) events {
	switch action {
	case "c":
		return eventDelete
	case "n", "d":
		return eventUpdate
	}
	return 0
}

// postgresTriggerEvents reads the bits of pg_trigger.tgtype, TRIGGER_TYPE_* in
// catalog/pg_trigger.h.
func postgresTriggerEvents(tgtype string) (on events) {
	bits, err := strconv.Atoi(tgtype)
	if err != nil {
		return eventWrites
	}
	if bits&4 != 0 {
		on |= eventInsert
	}
	if bits&(8|32) != 0 { // DELETE, TRUNCATE
		on |= eventDelete
	}
	if bits&16 != 0 {
		on |= eventUpdate
	}
	return on
}

// postgresRuleEvents are those of pg_rewrite.ev_type.
var postgresRuleEvents = map[string]events{"2": eventUpdate, "3": eventInsert, "4": eventDelete}

// harmlessTriggers are built in and change nothing but the row.
var harmlessTriggers = map[string]bool{
	"suppress_redundant_updates_trigger": true,
	"tsvector_update_trigger":            true,
	"tsvector_update_trigger_column":     true,
}

// pureExtensions have functions in C, some of them not declared immutable,
// that read no tables.
var pureExtensions = map[string]bool{
	"btree_gin": true, "btree_gist": true, "citext": true, "cube": true, "earthdistance": true, "fuzzystrmatch": true,
	"hstore": true, "intarray": true, "isn": true, "ltree": true, "pg_trgm": true, "pgcrypto": true, "seg": true,
	"unaccent": true, "uuid-ossp": true, "vector": true,
}

// ruleAction returns what stands behind DO in the definition of a rule.
func ruleAction(rule string) (action string, ok bool) {
	l := lexer{src: rule, rules: &ruleSets[langPostgres]().lex}
	for depth := 0; ; {
		l.next()
		switch {
		case l.kind == tokLParen:
			depth++
		case l.kind == tokRParen:
			depth--
		case l.kind == tokEOF, l.kind == tokBad:
			return "", false
		case l.kind == tokWord && depth == 0 && equalFold("do", l.text()):
			return rule[l.pos:], true
		}
	}
}

// postgresSchemaFingerprint is made of what readSchema reads: the rows'
// versions (xmin) where nothing but DDL makes new ones, and columns of
// pg_class, of which ANALYZE and TRUNCATE make new versions too.
const postgresSchemaFingerprint = `SELECT pg_catalog.concat_ws('/',
	(SELECT pg_catalog.concat_ws(',', count(*), sum(pg_catalog.hashtext(oid::text || relkind::text || relnamespace::text || relname)::bigint))
		FROM pg_catalog.pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relpersistence <> 't'),
	(SELECT pg_catalog.concat_ws(',', count(*), sum(pg_catalog.hashtext(r.oid::text || r.xmin::text)::bigint))
		FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relpersistence <> 't' WHERE r.oid >= 16384),
	(SELECT pg_catalog.concat_ws(',', count(*), sum(pg_catalog.hashtext(t.oid::text || t.xmin::text)::bigint))
		FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid AND c.relpersistence <> 't' WHERE NOT t.tgisinternal),
	(SELECT pg_catalog.concat_ws(',', count(*), sum(pg_catalog.hashtext(oid::text || xmin::text)::bigint))
		FROM pg_catalog.pg_proc WHERE oid >= 16384),
	(SELECT pg_catalog.concat_ws(',', count(*), sum(pg_catalog.hashtext(k.oid::text || k.xmin::text)::bigint))
		FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid AND c.relpersistence <> 't' WHERE k.contype = 'f'),
	(SELECT pg_catalog.concat_ws(',', count(*), sum(pg_catalog.hashtext(i.inhrelid::text || i.inhparent::text)::bigint))
		FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relpersistence <> 't'),
	(SELECT pg_catalog.concat_ws(',', count(*), sum(pg_catalog.hashtext(oid::text || xmin::text)::bigint)) FROM pg_catalog.pg_policy),
	(SELECT pg_catalog.concat_ws(',', count(*), sum(pg_catalog.hashtext(classid::text || objid::text || refobjid::text)::bigint))
		FROM pg_catalog.pg_depend WHERE refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND refobjid >= 16384),
	(SELECT pg_catalog.concat_ws(',', count(*), sum(oid::bigint)) FROM pg_catalog.pg_operator WHERE oid >= 16384),
	(SELECT pg_catalog.concat_ws(',', count(*), sum(oid::bigint)) FROM pg_catalog.pg_cast WHERE oid >= 16384),
	(SELECT pg_catalog.concat_ws(',', count(*), sum(oid::bigint)) FROM pg_catalog.pg_extension))`

func (postgresDialect) schemaFingerprint(ctx context.Context, s PhysicalConn) (string, error) {
	row, err := s.QueryText(ctx, postgresSchemaFingerprint)
	if err != nil {
		return "", err
	}
	return row[0], nil
}
