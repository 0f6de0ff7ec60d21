package difftest

import (
	"fmt"
	"strings"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/mysql"

	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the parser needs values
)

// mySafe are functions that neither write nor speak about the session or one
// server, from the function reference of MySQL:
// https://dev.mysql.com/doc/refman/8.4/en/built-in-function-reference.html
var mySafe = set("abs acos adddate addtime aes_decrypt aes_encrypt any_value ascii asin atan atan2 avg bin " +
	"bin_to_uuid bit_and bit_count bit_length bit_or bit_xor cast ceil ceiling char char_func char_length " +
	"character_length charset coalesce coercibility collation compress concat concat_ws conv convert " +
	"convert_tz cos cot count crc32 cume_dist curdate current_date current_role current_time " +
	"current_timestamp current_user curtime database date date_add date_format date_sub datediff day " +
	"dayname dayofmonth dayofweek dayofyear default degrees dense_rank elt exp export_set extract " +
	"extractvalue field find_in_set first_value floor format format_bytes format_pico_time from_base64 " +
	"from_days from_unixtime get_format greatest group_concat grouping hex hour icu_version if ifnull in " +
	"inet6_aton inet6_ntoa inet_aton inet_ntoa insert insert_func instr interval is_ipv4 is_ipv4_compat " +
	"is_ipv4_mapped is_ipv6 is_uuid isnull json_array json_array_append json_array_insert json_arrayagg " +
	"json_contains json_contains_path json_depth json_extract json_insert json_keys json_length " +
	"json_memberof json_merge json_merge_patch json_merge_preserve json_object json_objectagg " +
	"json_overlaps json_pretty json_quote json_remove json_replace json_schema_valid json_search json_set " +
	"json_storage_free json_storage_size json_type json_unquote json_valid json_value lag last_day " +
	"last_value lcase lead least left length like ln localtime localtimestamp locate log log10 log2 lower " +
	"lpad ltrim make_set makedate maketime max md5 microsecond mid min minute mod month monthname now " +
	"nth_value ntile nullif oct octet_length ord percent_rank period_add period_diff pi position pow power " +
	"quarter quote radians rand random_bytes rank regexp_instr regexp_like regexp_replace regexp_substr " +
	"repeat replace reverse right round row_number rpad rtrim schema sec_to_time second session_user sha " +
	"sha1 sha2 sign sin sleep soundex space sqrt statement_digest statement_digest_text std stddev " +
	"stddev_pop stddev_samp str_to_date strcmp subdate substr substring substring_index subtime sum sysdate " +
	"system_user tan time time_format time_to_sec timediff timestamp timestampadd timestampdiff to_base64 " +
	"to_days to_seconds trim truncate ucase uncompress uncompressed_length unhex unix_timestamp updatexml " +
	"upper user utc_date utc_time utc_timestamp uuid uuid_to_bin validate_password_strength var_pop " +
	"var_samp variance version week weekday weekofyear weight_string year yearweek convertfunc values " +
	"current_role_in current_user_in etag " + // since 9.x
	"returning " + // reserved in MariaDB: no name
	"json_detailed json_compact json_loose json_query json_exists json_equals json_normalize nvl nvl2 chr lengthb " +
	"add_months to_char sformat natural_sort_key sys_guid crc32c decode_oracle trim_oracle column_json column_create " +
	"column_get password x y translate point linestring polygon multipoint multilinestring multipolygon geometrycollection")

// myReplicaVars tell which server answers, and are wanted from replicas.
var myReplicaVars = set("port hostname server_id version version_comment")

// MySQLParser parses texts as MySQL does, under every sql_mode that changes
// where strings end.
type MySQLParser struct{ modes []*parser.Parser }

// NewMySQLParser returns a parser. It is not for concurrent use.
func NewMySQLParser() *MySQLParser {
	p := &MySQLParser{}
	for _, mode := range []mysql.SQLMode{
		mysql.ModeNone, mysql.ModeNoBackslashEscapes, mysql.ModeANSIQuotes,
		mysql.ModeNoBackslashEscapes | mysql.ModeANSIQuotes,
	} {
		one := parser.New()
		one.SetSQLMode(mode)
		p.modes = append(p.modes, one)
	}
	return p
}

// Facts parses a text. It is unsafe if it is so in any mode, and plain if it is
// so in the default mode and unsafe in none.
func (p *MySQLParser) Facts(sql string) (Facts, error) {
	modes := p.modes
	if !strings.ContainsAny(sql, `\"`) {
		modes = modes[:1] // the modes can't differ
	}
	var (
		first    Facts
		firstErr error
		parsed   bool
	)
	for i, one := range modes {
		f, err := myParse(one, sql)
		if i == 0 {
			first, firstErr = f, err
		}
		if err == nil {
			parsed = true
			if f.Verdict == Unsafe {
				return f, nil
			}
			if f.Verdict == Unknown {
				first.unknown(f.Why)
			}
		} else {
			first.unknown("not SQL in every mode")
		}
	}
	if parsed && firstErr != nil {
		return Facts{Verdict: Unknown, Why: "not SQL in the default mode"}, nil
	}
	return first, firstErr
}

func myParse(p *parser.Parser, sql string) (f Facts, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the parser panics: %v", r)
		}
	}()
	statements, _, err := p.Parse(sql, "", "")
	if err != nil {
		return f, err
	}
	f.Verdict = Plain
	if len(statements) == 0 {
		f.Verdict = Unknown
	}
	for _, s := range statements {
		f.myStatement(s)
	}
	return f, nil
}

func (f *Facts) myStatement(s ast.StmtNode) {
	switch s := s.(type) {
	case *ast.SelectStmt, *ast.SetOprStmt:
		s.Accept(&myVisitor{f})
	case *ast.ExplainStmt:
		switch inner := s.Stmt.(type) {
		case nil, *ast.ShowStmt:
			f.unknown("DESCRIBE")
		case *ast.SelectStmt, *ast.SetOprStmt:
			f.myStatement(inner)
		default:
			f.unsafe("EXPLAIN of a write")
		}
	case *ast.ShowStmt, *ast.HelpStmt, *ast.ExplainForStmt:
		f.unknown("SHOW")
	case *ast.BeginStmt:
		f.unknown("BEGIN")
	default:
		f.unsafe(fmt.Sprintf("%T", s))
	}
}

type myVisitor struct{ f *Facts }

// Enter looks at a node.
func (v *myVisitor) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt:
		v.f.unsafe("a write")
	case *ast.SelectStmt:
		if n.LockInfo != nil && n.LockInfo.LockType != ast.SelectLockNone {
			v.f.unsafe("a locking clause")
		}
		if n.SelectIntoOpt != nil {
			v.f.unsafe("INTO")
		}
		if n.SelectStmtOpts != nil && n.SelectStmtOpts.CalcFoundRows {
			v.f.unsafe("SQL_CALC_FOUND_ROWS")
		}
	case *ast.VariableExpr:
		if !n.IsSystem || !myReplicaVars[strings.ToLower(n.Name)] {
			if n.IsSystem {
				v.f.unknown("@@" + n.Name)
			} else {
				v.f.unsafe("@" + n.Name)
			}
		}
	case *ast.FuncCallExpr:
		name := n.FnName.L
		literal := strings.HasPrefix(name, "'tidb`.(") // how the parser spells DATE '2020-01-01'
		if n.Schema.L != "" || !mySafe[name] && !literal && !strings.HasPrefix(name, "st_") {
			v.f.unsafe("function " + name)
		}
	case *ast.AggregateFuncExpr:
		if !mySafe[strings.ToLower(n.F)] {
			v.f.unknown("aggregate " + n.F)
		}
	case *ast.WindowFuncExpr:
		if !mySafe[strings.ToLower(n.Name)] {
			v.f.unknown("window function " + n.Name)
		}
	}
	return n, false
}

// Leave goes on.
func (v *myVisitor) Leave(n ast.Node) (ast.Node, bool) { return n, true }
