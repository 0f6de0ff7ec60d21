package rwsplit

import (
	"context"
	"hash/fnv"
	"regexp"
	"strconv"
	"strings"
)

var _ schemaReader = mysqlDialect{}

// Both engines show a user what its privileges reach: tables with any
// privilege, triggers with TRIGGER on their table, the text of views with SHOW
// VIEW and that of routines with a privilege of their own. What is hidden
// counts as anything at all.
// https://dev.mysql.com/doc/refman/8.4/en/information-schema.html
// https://mariadb.com/kb/en/information-schema-tables/

const mysqlOwnSchemas = `('mysql', 'information_schema', 'performance_schema', 'sys')`

const (
	mysqlSchemaTables = `SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, COALESCE(ENGINE, '')
		FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ` + mysqlOwnSchemas

	mysqlSchemaViews = `SELECT TABLE_SCHEMA, TABLE_NAME, COALESCE(VIEW_DEFINITION, '')
		FROM information_schema.VIEWS WHERE TABLE_SCHEMA NOT IN ` + mysqlOwnSchemas

	mysqlSchemaTriggers = `SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, EVENT_MANIPULATION, COALESCE(ACTION_STATEMENT, ''), SQL_MODE
		FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA NOT IN ` + mysqlOwnSchemas

	mysqlSchemaRoutines = `SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE, ROUTINE_BODY, COALESCE(ROUTINE_DEFINITION, ''), SQL_MODE
		FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA NOT IN ` + mysqlOwnSchemas

	mysqlSchemaCascades = `SELECT UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME, CONSTRAINT_SCHEMA, TABLE_NAME, DELETE_RULE, UPDATE_RULE, CONSTRAINT_NAME
		FROM information_schema.REFERENTIAL_CONSTRAINTS`

	mysqlSchemaKeys = `SELECT REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME
		FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL AND ORDINAL_POSITION = 1`
)

// mysqlPlainEngines keep the rows of their tables themselves. What others
// show, such as FEDERATED, CONNECT and MERGE, may be the rows of other tables.
var mysqlPlainEngines = map[string]bool{
	"innodb": true, "myisam": true, "aria": true, "memory": true, "archive": true, "csv": true, "blackhole": true,
	"rocksdb": true, "tokudb": true, "columnstore": true, "ndbcluster": true, "ndb": true,
}

// readSchema reads what the names of tables and routines hide.
func (d mysqlDialect) readSchema(ctx context.Context, s PhysicalConn) (schemaFacts, error) {
	m := mysqlSchema{
		known: make(map[string]bool), viewText: make(map[string]bool), rules: make(map[string]bool),
		triggers: tableGrants{what: grantOfTriggers}, keys: tableGrants{what: grantOfKeys},
	}
	for _, q := range []struct {
		query string
		each  func(row []string)
	}{
		{"SHOW GRANTS", func(row []string) { m.triggers.read(row[0]); m.keys.read(row[0]) }},
		{mysqlSchemaTables, m.table},
		{mysqlSchemaViews, m.view},
		{mysqlSchemaTriggers, m.trigger},
		{mysqlSchemaRoutines, m.routine},
		{mysqlSchemaCascades, m.cascade},
	} {
		if err := s.queryAll(ctx, q.query, q.each); err != nil {
			return schemaFacts{}, err
		}
	}
	maria := d.engine != engineMySQL
	if maria && m.grantedByTable() {
		if err := s.queryAll(ctx, mysqlSchemaKeys, m.key); err != nil {
			return schemaFacts{}, err
		}
	}
	m.hidden(maria)
	return m.facts, nil
}

// mysqlSchema turns rows of the information schema into facts.
type mysqlSchema struct {
	facts    schemaFacts
	triggers tableGrants
	keys     tableGrants
	known    map[string]bool // keys of tables and views
	viewText map[string]bool // keys of views whose text is known
	rules    map[string]bool // foreign keys whose rules are known
	names    [][3]string     // key, schema and name of tables, for their triggers
}

func mysqlKey(schema, name string) string { return asciiLower(schema) + "\x00" + asciiLower(name) }

func (m *mysqlSchema) link(from string, on events, to string, does events) {
	m.facts.links = append(m.facts.links, schemaLink{from: from, on: on, to: to, does: does})
}

func (m *mysqlSchema) table(row []string) {
	key := mysqlKey(row[0], row[1])
	kind := tablePlain
	switch row[2] {
	case "VIEW", "SYSTEM VIEW":
		kind = tableView
	case "SEQUENCE":
		kind = tableSequence
	case "TEMPORARY":
		return // of this session
	default:
		if !mysqlPlainEngines[asciiLower(row[3])] {
			kind = tableForeign
		}
		m.names = append(m.names, [3]string{key, row[0], row[1]})
	}
	m.known[key] = true
	m.facts.tables = append(m.facts.tables, schemaTable{key: key, name: row[1], kind: kind})
}

func (m *mysqlSchema) view(row []string) {
	if row[2] == "" {
		return
	}
	key := mysqlKey(row[0], row[1])
	m.viewText[key] = true
	m.facts.texts = append(m.facts.texts, schemaText{of: key, on: eventRead | eventWrites, text: row[2]})
}

func (m *mysqlSchema) trigger(row []string) {
	key := mysqlKey(row[0], row[1])
	var on events
	for event, name := range map[events]string{eventInsert: "INSERT", eventUpdate: "UPDATE", eventDelete: "DELETE"} {
		if strings.Contains(row[2], name) {
			on |= event
		}
	}
	if on == 0 || row[3] == "" || strings.Contains(row[4], "ORACLE") {
		m.link(key, eventWrites, anything, 0)
		return
	}
	m.facts.texts = append(m.facts.texts, schemaText{of: key, on: on, text: row[3]})
}

func (m *mysqlSchema) routine(row []string) {
	if row[2] != "FUNCTION" && row[2] != "PROCEDURE" {
		return // a package: what is in it has names that nobody knows
	}
	key := row[2] + "\x00" + mysqlKey(row[0], row[1])
	m.facts.routines = append(m.facts.routines, schemaRoutine{key: key, name: row[1]})
	if row[3] != "SQL" || row[4] == "" || strings.Contains(row[5], "ORACLE") {
		m.link(key, eventRun, anything, 0)
		return
	}
	m.facts.texts = append(m.facts.texts, schemaText{of: key, on: eventRun, text: row[4]})
}

func (m *mysqlSchema) cascade(row []string) {
	child := mysqlKey(row[2], row[3])
	m.rules[child+"\x00"+asciiLower(row[6])] = true
	var onDelete, onUpdate events
	switch row[4] {
	case "RESTRICT", "NO ACTION":
	case "CASCADE":
		onDelete = eventDelete
	default:
		onDelete = eventUpdate
	}
	switch row[5] {
	case "RESTRICT", "NO ACTION":
	default:
		onUpdate = eventUpdate
	}
	m.refers(child, mysqlKey(row[0], row[1]), onDelete, onUpdate)
}

// key takes a foreign key without rules in REFERENTIAL_CONSTRAINTS for one that
// does all that there is: MariaDB 10.11 shows no rules there to a user whose
// privileges are on single tables, but does show the key in KEY_COLUMN_USAGE.
func (m *mysqlSchema) key(row []string) {
	child := mysqlKey(row[2], row[3])
	if !m.rules[child+"\x00"+asciiLower(row[4])] {
		m.refers(child, mysqlKey(row[0], row[1]), eventDelete|eventUpdate, eventUpdate)
	}
}

// refers says what is done to a table when rows that it refers to are deleted or
// updated.
func (m *mysqlSchema) refers(child, parent string, onDelete, onUpdate events) {
	switch {
	case onDelete|onUpdate == 0:
	case !m.known[parent]:
		// Nobody knows what cascades to the parent.
		m.facts.hiddenCascades = true
	default:
		if onDelete != 0 {
			m.link(parent, eventDelete, child, onDelete)
		}
		if onUpdate != 0 {
			m.link(parent, eventUpdate, child, onUpdate)
		}
	}
}

// grantedByTable reports whether what the user may do with some table it may not
// do with the whole schema.
func (m *mysqlSchema) grantedByTable() bool {
	for _, n := range m.names {
		if !m.keys.coverSchema(n[1]) {
			return true
		}
	}
	return false
}

// hidden adds what the user's privileges do not show. With hidesKeys the engine
// shows no foreign keys of a table that the user may only read.
func (m *mysqlSchema) hidden(hidesKeys bool) {
	for _, t := range m.facts.tables {
		if t.kind == tableView && !m.viewText[t.key] {
			m.link(t.key, eventRead|eventWrites, anything, 0)
		}
	}
	for _, n := range m.names {
		if !m.triggers.cover(n[1], n[2]) {
			m.link(n[0], eventWrites, anything, 0)
		}
		if hidesKeys && !m.keys.cover(n[1], n[2]) {
			m.facts.hiddenCascades = true
		}
	}
}

// tableGrants says on which tables the user has one of the privileges what,
// from SHOW GRANTS, which includes those of the roles that are active:
// https://dev.mysql.com/doc/refman/8.4/en/show-grants.html
// https://mariadb.com/kb/en/show-grants/
type tableGrants struct {
	what    *regexp.Regexp
	all     bool
	schemas map[string]bool // false: revoked
	tables  map[string]bool
}

var (
	grantLine       = regexp.MustCompile("^(GRANT|REVOKE) (.+?) ON (\\*|`(?:[^`]|``)+`)\\.(\\*|`(?:[^`]|``)+`) (?:TO|FROM) ")
	grantOfTriggers = regexp.MustCompile(`(?:^|, ?)(?:TRIGGER|ALL PRIVILEGES)(?:,|$)`)
	grantOfKeys     = regexp.MustCompile(`(?:^|, ?)(?:INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|INDEX|REFERENCES|TRIGGER|ALL PRIVILEGES)(?:,|$)`)
)

func (g *tableGrants) read(line string) {
	m := grantLine.FindStringSubmatch(line)
	if m == nil || !g.what.MatchString(m[2]) {
		return
	}
	if g.schemas == nil {
		g.schemas, g.tables = make(map[string]bool), make(map[string]bool)
	}
	grant, schema, table := m[1] == "GRANT", m[3], m[4]
	name := func(quoted string) string {
		return strings.ReplaceAll(strings.Trim(quoted, "`"), "``", "`")
	}
	switch {
	case schema == "*":
		g.all = grant
	case table == "*":
		// A name may be a pattern; only names that are none are trusted.
		g.schemas[strings.NewReplacer(`\\_`, "_", `\_`, "_", `\\%`, "%", `\%`, "%").Replace(name(schema))] = grant
	case grant:
		g.tables[mysqlKey(name(schema), name(table))] = true
	}
}

// cover reports whether the user has the privilege on a table.
func (g *tableGrants) cover(schema, table string) bool {
	return g.coverSchema(schema) || g.tables[mysqlKey(schema, table)]
}

// coverSchema reports whether the user has the privilege on all tables of a
// schema.
func (g *tableGrants) coverSchema(schema string) bool {
	granted, ok := g.schemas[schema]
	return ok && granted || g.all && (!ok || granted)
}

// Every definition that begins to change is counted, by whatever way the
// statement came. One that takes its time is looked for among the statements
// that run, as far as the user sees those: of all users with PROCESS.
const (
	mysqlDefinitionCounters = `SHOW GLOBAL STATUS WHERE Variable_name REGEXP '^Com_(create|alter|drop|rename|grant|revoke|import|install|uninstall)'
		AND Variable_name NOT LIKE '%temporary%'`

	mysqlRunningDefinitions = `SELECT COALESCE(GROUP_CONCAT(ID, ' ', LEFT(INFO, 200) ORDER BY ID), '') FROM information_schema.PROCESSLIST
		WHERE COMMAND <> 'Sleep' AND INFO REGEXP '(^|[*]/)[[:space:]]*(create|alter|drop|rename|import)[[:space:]]'
		AND INFO NOT REGEXP '^[[:space:]]*(create|drop)[[:space:]]+(or[[:space:]]+replace[[:space:]]+)?temporary'`
)

func (mysqlDialect) schemaFingerprint(ctx context.Context, s PhysicalConn) (string, error) {
	h := fnv.New64a()
	err := s.queryAll(ctx, mysqlDefinitionCounters, func(row []string) {
		_, _ = h.Write([]byte(row[0] + "=" + row[1] + "\n"))
	})
	if err != nil {
		return "", err
	}
	running, err := s.QueryText(ctx, mysqlRunningDefinitions)
	if err != nil {
		return "", err
	}
	return strconv.FormatUint(h.Sum64(), 16) + " " + running[0], nil
}
