package rwsplit_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rwsplit/rwsplit"
)

// verdict is what a test says about a text: the queries of one line of a
// manual and what they all do.
type verdict struct {
	want    string // as summary formats it
	queries []string
}

// summary is a Statement without its reason, in the order of its fields.
func summary(st rwsplit.Statement) string {
	parts := []string{st.Route.String()}
	add := func(ok bool, word string) {
		if ok {
			parts = append(parts, word)
		}
	}
	add(st.Writes, "write")
	add(st.Opaque, "opaque")
	add(st.DDL, "ddl")
	add(st.Tx != rwsplit.TxNone, "tx:"+txSummary[st.Tx])
	add(st.Pins, "pins:"+states(st.State))
	add(!st.Pins && st.State != 0, "state without pins")
	add(st.Clears != 0, "clears:"+states(st.Clears))
	return strings.Join(parts, " ")
}

var txSummary = map[rwsplit.TxControl]string{
	rwsplit.TxBegin: "begin", rwsplit.TxBeginReadOnly: "begin-ro", rwsplit.TxCommit: "commit",
	rwsplit.TxRollback: "rollback", rwsplit.TxChain: "chain", rwsplit.TxSavepoint: "savepoint",
	rwsplit.TxImplicitCommit: "implicit", rwsplit.TxAutocommitOff: "off", rwsplit.TxAutocommitOn: "on",
	rwsplit.TxXAStart: "xa-start", rwsplit.TxXAEnd: "xa-end", rwsplit.TxUnknown: "unknown",
}

func states(s rwsplit.SessionState) string {
	if s == rwsplit.StateAll {
		return "all"
	}
	var names []string
	for i, name := range []string{"setting", "uservar", "prepared", "cursor", "temp", "tablelock", "advisory", "listen", "opaque"} {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// checkVerdicts classifies every query, alone and with a semicolon.
func checkVerdicts(t *testing.T, dialect string, verdicts []verdict) {
	t.Helper()
	for _, v := range verdicts {
		for _, query := range v.queries {
			for _, text := range []string{query, "  " + query + " ; "} {
				st := rwsplit.Classify(dialect, text)
				if got := summary(st); got != v.want {
					t.Errorf("%s: got %q (%s), want %q: %s", dialect, got, st.Reason, v.want, text)
				}
				if st.Reason == "" {
					t.Errorf("%s: no reason: %s", dialect, text)
				}
			}
		}
	}
}

const (
	replica   = "replica"
	primary   = "primary"
	last      = "last"
	write     = "primary write"
	writeDDL  = "primary write ddl"
	unknownFn = "primary write opaque ddl pins:opaque"
	unknown   = "primary write opaque ddl tx:unknown pins:opaque"
)

// What a session has of its own is asked in a transaction wherever that runs;
// what only the primary knows is not.
func TestWhatATransactionOnAReplicaRuns(t *testing.T) {
	mysqlRuns := []string{
		"SELECT CONNECTION_ID()", "SELECT ROW_COUNT()", "SELECT @@autocommit, @@session.timestamp", "SELECT @@pseudo_thread_id",
		"SELECT SQL_CALC_FOUND_ROWS id FROM users LIMIT 1", "SELECT FOUND_ROWS()", "SELECT FOUND_ROWS(), CONNECTION_ID()", "SELECT @a, CONNECTION_ID()",
	}
	mysqlNot := []string{
		"SELECT LAST_INSERT_ID()", "SELECT CONNECTION_ID(), LAST_INSERT_ID()", "SELECT LAST_INSERT_ID(), CONNECTION_ID()", "SELECT @@identity", "SELECT @@read_only", "SELECT @@gtid_executed",
		"SELECT CONNECTION_ID() FROM users FOR UPDATE", "SELECT SQL_CALC_FOUND_ROWS id FROM users LOCK IN SHARE MODE", "SELECT CONNECTION_ID(), GET_LOCK('a', 0)", "SELECT CONNECTION_ID(), f(1)",
		"SELECT CONNECTION_ID(); SELECT 1", "SELECT CONNECTION_ID(); DELETE FROM users", "INSERT INTO users SELECT CONNECTION_ID()",
	}
	for _, tt := range []struct {
		dialect   string
		runs, not []string
	}{
		{"mysql", mysqlRuns, mysqlNot},
		{"mariadb", mysqlRuns, mysqlNot},
		{"mysql/mariadb", mysqlRuns, mysqlNot},
		{
			"postgres",
			[]string{
				"SELECT pg_backend_pid()", "SELECT txid_current_if_assigned(), pg_trigger_depth()", "SELECT setting FROM pg_settings WHERE name = 'work_mem'", "SELECT count(*) FROM pg_catalog.pg_cursors",
				"SHOW transaction_read_only", "SELECT current_setting('transaction_read_only')", "SHOW \"is_superuser\"",
			},
			[]string{
				"SELECT currval('s')", "SELECT pg_backend_pid(), lastval()", "SELECT pg_backend_pid() FROM users FOR SHARE", "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()",
				"SHOW default_transaction_read_only", "SELECT current_setting('in_hot_standby')", "SHOW ALL", "SELECT pg_export_snapshot()", "SELECT pg_backend_pid(), nextval('s')", "SELECT pg_backend_pid(), pg_advisory_xact_lock(1)", "SELECT pg_backend_pid(); SELECT 1",
			},
		},
	} {
		for _, query := range tt.runs {
			if !rwsplit.RunsInReplicaTx(tt.dialect, query) {
				t.Errorf("%s: not run in a transaction on a replica: %s", tt.dialect, query)
			}
			if st := rwsplit.Classify(tt.dialect, query); st.Route == rwsplit.RouteReplica {
				t.Errorf("%s: routed to a replica without one: %s", tt.dialect, query)
			}
		}
		for _, query := range tt.not {
			if rwsplit.RunsInReplicaTx(tt.dialect, query) {
				t.Errorf("%s: run in a transaction on a replica: %s", tt.dialect, query)
			}
		}
	}
}

func TestClassifyRefusesTextThatNoEngineReads(t *testing.T) {
	for _, dialect := range []string{"postgres", "mysql", "mariadb", "sqlite", "generic", "nosuch"} {
		for _, query := range []string{
			"SELECT 'a", `SELECT "a`, "SELECT 1 /* a", "SELECT (1", "SELECT 1)", "SELECT \x00 1", "SELECT 1\x00",
			"SELECT '\xff'", "SELECT \xc3\x28", "SELECT '\x00'", "SELECT \\ 1", "frobnicate",
			"SELECT 1; frobnicate", "(frobnicate)", "1", "'SELECT 1'", `"SELECT" 1`, "(1)", "; SELECT (", "SELECT (1;)",
			"\x01SELECT 1", "SELECT 1\x02", "\ufeffSELECT 1x", strings.Repeat("(", 100000) + "SELECT 1",
			"SELECT " + strings.Repeat("(", 100000) + "1" + strings.Repeat(")", 100000),
		} {
			st := rwsplit.Classify(dialect, query)
			if got := summary(st); !strings.Contains(got, "primary write opaque") || !strings.Contains(got, "opaque") {
				t.Errorf("%s: got %q, want primary, write, opaque, pins: %.80q", dialect, got, query)
			}
			assert.True(t, st.Pins, query)
		}
	}
}

func TestClassifyEmptyText(t *testing.T) {
	for _, dialect := range []string{"postgres", "mysql", "mariadb", "sqlite", "generic"} {
		for _, query := range []string{"", " ", ";", " ;; ", "/* nothing */", "-- nothing\n", "-- nothing"} {
			assert.Equal(t, primary, summary(rwsplit.Classify(dialect, query)), "%s: %q", dialect, query)
		}
	}
}

func TestClassifyUnknownDialectReadsAsGeneric(t *testing.T) {
	for _, query := range []string{"SELECT 1", "SELECT f(1)", "SELECT `a`", "SELECT $1"} {
		assert.Equal(t, rwsplit.Classify("generic", query), rwsplit.Classify("PostgreSQL", query), query)
	}
}

func TestClassifySeveralStatements(t *testing.T) {
	tests := []struct{ dialect, query, want string }{
		{"postgres", "SELECT 1; SELECT 2", "replica opaque"},
		{"postgres", ";SELECT 1;;", replica},
		{"postgres", "SELECT 1; DELETE FROM t", "primary write opaque"},
		{"postgres", "DELETE FROM t; SELECT 1", "primary write opaque"},
		{"postgres", "BEGIN; SELECT 1; COMMIT", "primary opaque tx:unknown"},
		{"postgres", "BEGIN READ ONLY; SELECT 1", "primary opaque tx:unknown"},
		{"postgres", "SELECT 1; SET x = 1", "primary opaque pins:setting"},
		{"postgres", "SET x = 1; RESET ALL; LISTEN c", "primary opaque pins:setting,listen"},
		{"postgres", "LISTEN c; UNLISTEN *", "primary opaque pins:listen"},
		{"postgres", "SELECT 1; SELECT 1 FOR UPDATE", "primary opaque"},
		{"postgres", "SELECT 1; SELECT 'a", unknown},
		{"mysql", "SELECT 1; SELECT 2;", "replica opaque"},
		{"mysql", "SELECT GET_LOCK('a', 1); INSERT INTO t VALUES (1)", "primary write opaque pins:advisory"},
		{"mysql", "SELECT 1; SHOW WARNINGS", "primary opaque"},
		{"mysql", "SET autocommit=0; SELECT 1", "primary opaque tx:unknown pins:setting"},
		{"sqlite", "SELECT 1; SELECT 2", "replica opaque"},
		{"generic", "SELECT 1; UPDATE t SET a = 1", "primary write opaque"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, summary(rwsplit.Classify(tt.dialect, tt.query)), "%s: %s", tt.dialect, tt.query)
	}
}

func TestClassifyReadsTheLeadingHint(t *testing.T) {
	tests := []struct {
		query string
		want  rwsplit.CommentHint
	}{
		{"/* rwsplit:primary */ SELECT 1", rwsplit.HintPrimary},
		{" \n/*rwsplit:replica*/SELECT 1", rwsplit.HintReplica},
		{"/*  rwsplit: replica  */ DELETE FROM t", rwsplit.HintReplica},
		{"SELECT 1 /* rwsplit:primary */", rwsplit.HintNone},
		{"/* rwsplit:primary now */ SELECT 1", rwsplit.HintNone},
		{"/* rwsplit:other */ SELECT 1", rwsplit.HintNone},
		{"/* rwsplit:", rwsplit.HintNone},
		{"/* rwsplit:primary", rwsplit.HintNone},
		{"/*", rwsplit.HintNone},
		{"", rwsplit.HintNone},
		{"-- rwsplit:primary\nSELECT 1", rwsplit.HintNone},
		{"SELECT 1", rwsplit.HintNone},
	}
	for _, tt := range tests {
		for _, dialect := range []string{"postgres", "mysql", "sqlite", "generic"} {
			assert.Equal(t, tt.want, rwsplit.Classify(dialect, tt.query).Hint, "%s: %s", dialect, tt.query)
		}
	}
	assert.Equal(t, replica, summary(rwsplit.Classify("mysql", "/* rwsplit:replica */ SELECT 1")))
}

func TestClassifyNamesTheReason(t *testing.T) {
	tests := []struct{ dialect, query, want string }{
		{"postgres", "SELECT 1", "plain read"},
		{"postgres", "SELECT 1 FOR UPDATE", "locking read (FOR UPDATE)"},
		{"postgres", "SELECT f(1)", "unknown function"},
		{"postgres", "SELECT nextval('s')", "changes a sequence (nextval)"},
		{"postgres", "INSERT INTO t VALUES (f(1))", "write (INSERT)"},
		{"postgres", "SELECT 1 FROM t FOR UPDATE; SELECT f(1)", "unknown function"},
		{"postgres", "EXPLAIN DELETE FROM t", "EXPLAIN of a write"},
		{"postgres", "frobnicate", "unknown statement"},
		{"postgres", "SELECT 'a", "malformed text"},
		{"mysql", "SHOW WARNINGS", "about the statement before (SHOW WARNINGS)"},
		{"mysql", "SELECT @a", "user variable"},
		{"mysql", "SET NAMES utf8mb4", "session setting (SET)"},
		{"mysql", "SELECT \x00", "zero byte"},
		{"mysql", "SELECT '\xff'", "text is not UTF-8"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, rwsplit.Classify(tt.dialect, tt.query).Reason, "%s: %s", tt.dialect, tt.query)
	}
}

func TestClassifyFamilyIsSafeUnderBoth(t *testing.T) {
	tests := []struct{ query, want string }{
		{"SELECT * FROM t WHERE id = ?", replica},
		{"SELECT ANY_VALUE(a) FROM t", unknownFn},           // MySQL only
		{"SELECT MEDIAN(a) OVER () FROM t", unknownFn},      // MariaDB only
		{"SELECT s.nextval", write},                         // a column in MySQL
		{"SELECT 1 /*M! FOR UPDATE */", primary},            // a comment in MySQL
		{"SELECT 1 /*!50000 FOR UPDATE */", primary},        // depends on the version
		{"ANALYZE SELECT 1", unknown},                       // MariaDB only
		{"SET STATEMENT a=1 FOR SELECT 1", unknown},         // MariaDB only
		{"SHOW WARNINGS", last},                             //
		{"SET autocommit=0", "primary tx:off pins:setting"}, //
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, summary(rwsplit.ClassifyFamily(tt.query)), tt.query)
	}
}

func TestClassifyAllocatesNothing(t *testing.T) {
	for _, dialect := range []string{"postgres", "mysql", "mariadb", "sqlite", "generic"} {
		cached, _ := rwsplit.CachedClassify(dialect)
		for _, query := range []string{
			sizedQuery(30), sizedQuery(3000), "INSERT INTO t (a) VALUES (1)", "SELECT unknown_f(1)", "SELECT 'open",
			"SELECT 'it\\'s' /*!50000 , 1 */", "SET autocommit = 0, @a = 1", "BEGIN", "SELECT nextval('s')",
			"SHOW VARIABLES LIKE 'a_b'", "PRAGMA user_version", "EXPLAIN (ANALYZE) SELECT 1", "SELECT @@session.read_only",
		} {
			assert.Zero(t, testing.AllocsPerRun(20, func() { rwsplit.Classify(dialect, query) }), "%s: %.80s", dialect, query)
			cached(query)
			cached(query)
			assert.Zero(t, testing.AllocsPerRun(20, func() { cached(query) }), "cached %s: %.80s", dialect, query)
		}
		assert.Zero(t, testing.AllocsPerRun(20, func() { rwsplit.ClassifyFamily(sizedQuery(30)) }))
	}
}

// A text that goes on like this for a hundred megabytes would be the end of the
// whole program, if every statement in it took a part of the stack.
func TestClassifyStatementsInsideOfStatements(t *testing.T) {
	for dialect, outer := range map[string]string{
		"postgres": "EXPLAIN ",
		"sqlite":   "EXPLAIN ",
		"generic":  "EXPLAIN ",
		"mariadb":  "SET STATEMENT max_statement_time = 1 FOR ",
	} {
		st := rwsplit.Classify(dialect, outer+"SELECT 1")
		assert.Equal(t, rwsplit.RouteReplica, st.Route, dialect)
		for _, n := range []int{100, 3_000_000} {
			st = rwsplit.Classify(dialect, strings.Repeat(outer, n)+"SELECT 1")
			assert.Equal(t, rwsplit.RoutePrimary, st.Route, dialect)
			assert.True(t, st.Writes && st.Opaque, dialect)
			assert.Equal(t, "nested too deeply", st.Reason, dialect)
		}
	}
}
