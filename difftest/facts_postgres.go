package difftest

import (
	"bufio"
	"bytes"
	_ "embed"
	"regexp"
	"strings"

	pgquery "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// pgFunctions are the functions of schema pg_catalog with their volatility, as
// PostgreSQL 15 reports them:
//
//	select proname, string_agg(distinct provolatile::text, '')
//	from pg_proc where pronamespace = 'pg_catalog'::regnamespace
//	and prokind in ('f', 'a', 'w') group by 1
//
//go:embed testdata/pg_functions.txt
var pgFunctions []byte

// pgVolatileSafe are volatile, and yet as good on a standby.
var pgVolatileSafe = set("clock_timestamp gen_random_uuid pg_sleep pg_sleep_for pg_sleep_until random timeofday " +
	"statement_timestamp pg_database_size pg_indexes_size pg_relation_size pg_table_size pg_tablespace_size " +
	"pg_total_relation_size pg_is_in_recovery bernoulli system current_query lo_get pg_jit_available " +
	"pg_collation_actual_version pg_database_collation_actual_version pg_partition_ancestors pg_partition_tree " +
	// Only a standby has an answer.
	"pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_is_wal_replay_paused " +
	"pg_get_wal_replay_pause_state")

// pgStableUnsafe are stable or immutable by declaration, but speak about the
// session or about one server, or run a query given as text.
var pgStableUnsafe = set("pg_backend_pid pg_current_wal_lsn pg_current_wal_insert_lsn pg_current_wal_flush_lsn " +
	"txid_current pg_current_xact_id txid_current_if_assigned pg_current_xact_id_if_assigned " +
	"pg_walfile_name pg_walfile_name_offset pg_listening_channels pg_my_temp_schema " +
	"query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema " +
	"table_to_xml table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema " +
	"schema_to_xml_and_xmlschema database_to_xml database_to_xmlschema database_to_xml_and_xmlschema " +
	"pg_lock_status pg_prepared_statement pg_cursor pg_prepared_xact ts_stat ts_rewrite pg_read_file pg_ls_dir")

func set(words string) map[string]bool {
	m := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// PGFunction is a function of pg_catalog as seen from here.
type PGFunction struct {
	Name string
	Safe bool
}

// PGFunctions returns the functions of pg_catalog.
func PGFunctions() []PGFunction {
	var all []PGFunction
	scan := bufio.NewScanner(bytes.NewReader(pgFunctions))
	for scan.Scan() {
		name, volatility, _ := strings.Cut(scan.Text(), " ")
		safe := !strings.Contains(volatility, "v") && !pgStableUnsafe[name] && !strings.HasPrefix(name, "pg_stat_get")
		all = append(all, PGFunction{name, safe || pgVolatileSafe[name]})
	}
	return all
}

var pgSafe = func() map[string]bool {
	m := make(map[string]bool)
	for _, f := range PGFunctions() {
		if f.Safe {
			m[f.Name] = true
		}
	}
	return m
}()

// pgLocal are relations that show one server or one session.
func pgLocal(name string) bool {
	return strings.HasPrefix(name, "pg_stat_") || strings.HasPrefix(name, "pg_statio_") || pgLocalNames[name]
}

var pgLocalNames = set("pg_locks pg_prepared_statements pg_prepared_xacts pg_cursors pg_settings pg_file_settings " +
	"pg_hba_file_rules pg_replication_slots pg_backend_memory_contexts pg_shmem_allocations pg_sequences")

// openEnded finds a string that is a single backslash, or ends in one.
var openEnded = regexp.MustCompile(`(^|[^eE\\])'\\'|[A-Za-z:]\\'`)

// PostgresFacts parses a text as PostgreSQL does.
func PostgresFacts(sql string) (Facts, error) {
	tree, err := pgquery.Parse(sql)
	if err != nil {
		return Facts{}, err
	}
	f := Facts{Verdict: Plain}
	if len(tree.Stmts) == 0 || strings.IndexByte(sql, 0) >= 0 {
		f.Verdict = Unknown // the parser stops at a zero byte
		return f, nil
	}
	for _, raw := range tree.Stmts {
		f.pgStatement(raw.GetStmt())
	}
	if openEnded.MatchString(sql) {
		// Where the string ends depends on standard_conforming_strings, which
		// the parser takes to be on.
		f.unknown("a string that ends in a backslash")
	}
	return f, nil
}

// postgresParse only parses.
func postgresParse(sql string) error {
	_, err := pgquery.Parse(sql)
	return err
}

// pgStatement judges one statement of the text.
func (f *Facts) pgStatement(n *pgquery.Node) {
	switch s := n.GetNode().(type) {
	case *pgquery.Node_SelectStmt:
		f.pgWalk(s.SelectStmt.ProtoReflect())
	case *pgquery.Node_ExplainStmt:
		analyze := false
		for _, o := range s.ExplainStmt.GetOptions() {
			analyze = analyze || strings.EqualFold(o.GetDefElem().GetDefname(), "analyze")
		}
		if q := s.ExplainStmt.GetQuery(); q.GetSelectStmt() != nil {
			f.pgStatement(q)
		} else if analyze {
			f.unsafe("EXPLAIN ANALYZE of a write")
		} else {
			f.unknown("EXPLAIN")
		}
	case *pgquery.Node_CopyStmt:
		switch {
		case s.CopyStmt.GetIsFrom() || s.CopyStmt.GetIsProgram() || s.CopyStmt.GetFilename() != "":
			f.unsafe("COPY")
		case s.CopyStmt.GetQuery() != nil:
			f.pgStatement(s.CopyStmt.GetQuery())
		}
	case *pgquery.Node_VariableShowStmt:
		f.unknown("SHOW")
	case *pgquery.Node_TransactionStmt:
		if k := s.TransactionStmt.GetKind(); k == pgquery.TransactionStmtKind_TRANS_STMT_BEGIN ||
			k == pgquery.TransactionStmtKind_TRANS_STMT_START {
			f.unknown("BEGIN")
			return
		}
		f.unsafe("transaction control")
	default:
		f.unsafe("no SELECT")
	}
}

// pgWalk looks at every node below m.
func (f *Facts) pgWalk(m protoreflect.Message) {
	switch x := m.Interface().(type) {
	case *pgquery.InsertStmt, *pgquery.UpdateStmt, *pgquery.DeleteStmt, *pgquery.MergeStmt:
		f.unsafe("a write")
	case *pgquery.LockingClause:
		f.unsafe("a locking clause")
	case *pgquery.IntoClause:
		f.unsafe("INTO")
	case *pgquery.FuncCall:
		f.pgCall(names(x.GetFuncname()))
	case *pgquery.RangeVar:
		switch name := x.GetRelname(); {
		case pgLocal(name):
			f.unsafe("relation of one server")
		case name == "pg_settings":
			f.unknown(name)
		}
	case *pgquery.A_Expr:
		if op := names(x.GetName()); len(op) > 1 && op[0] != "pg_catalog" {
			f.unknown("operator of the user")
		}
	case *pgquery.TypeName:
		if t := names(x.GetNames()); len(t) > 1 && t[0] != "pg_catalog" {
			f.unknown("type of the user")
		}
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if fd.Kind() != protoreflect.MessageKind {
			return true
		}
		if fd.IsList() {
			for l, i := v.List(), 0; i < l.Len(); i++ {
				f.pgWalk(l.Get(i).Message())
			}
		} else {
			f.pgWalk(v.Message())
		}
		return true
	})
}

func (f *Facts) pgCall(name []string) {
	switch {
	case name[len(name)-1] == "current_setting":
		f.unknown("current_setting")
	case len(name) == 2 && name[0] == "pg_catalog" && pgSafe[name[1]], len(name) == 1 && pgSafe[name[0]]:
	case len(name) == 2 && name[0] == "information_schema" && strings.HasPrefix(name[1], "_pg_"): // all immutable or stable
	case len(name) == 1 && notNames[name[0]]:
		f.unknown(name[0])
	default:
		f.unsafe("function " + strings.Join(name, "."))
	}
}

// notNames are key words of PostgreSQL that could name a function without
// quotes, but that the classifier reads as syntax: telling the two apart takes
// a parser, and nobody has such functions (the extension cube's are immutable).
var notNames = set("cube rollup join ilike")

func names(nodes []*pgquery.Node) []string {
	var all []string
	for _, n := range nodes {
		all = append(all, n.GetString_().GetSval())
	}
	return all
}
