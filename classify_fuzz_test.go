package rwsplit_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rwsplit/rwsplit"
)

var dialects = []string{"postgres", "mysql", "mariadb", "sqlite", "generic"}

var fuzzSeeds = []string{
	"SELECT 1", "SELECT * FROM t WHERE a = $1 AND b = ? FOR UPDATE", "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
	"SELECT 'it''s', \"a\"\"b\", `c`, [d], E'e\\'f', U&\"g\", $$h$$, $i$ j $i$, 0x1F, 1.5e3, @k, @@l, :m FROM t -- n\n # o\n",
	"SELECT /* a /* b */ c */ 1 /*! d */ /*!50000 e */ /*M! f */ /*+ g */", "SELECT 'a\\' FOR UPDATE -- '", "SELECT \"a\\\" FOR UPDATE -- \"",
	"SET autocommit = 0, @a := 1, @@session.b = c(1)", "SET STATEMENT a = 1 FOR SELECT 1", "EXPLAIN (ANALYZE off) DELETE FROM t", "EXPLAIN FORMAT=JSON SELECT 1",
	"BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY", "COMMIT AND CHAIN", "ROLLBACK TO SAVEPOINT a", "COPY (SELECT 1) TO STDOUT", "COPY t (a) FROM STDIN",
	"INSERT INTO t (a, b) VALUES (1, f(2)) ON CONFLICT (a) DO UPDATE SET b = 3", "CREATE PROCEDURE p() BEGIN SELECT 1; END", "CREATE TEMPORARY TABLE t AS SELECT 1", "CREATE USER a@b",
	"SELECT * FROM f(1) WITH ORDINALITY x(a, b), LATERAL (VALUES (1)) y(c) JOIN ROWS FROM (g(1)) z ON true", "SELECT DISTINCT ON (a) f(1), x::varchar(10), CAST(y AS numeric(1, 2)) OVER (PARTITION BY z)",
	"SELECT NEXT VALUE FOR s", "SELECT s.nextval", "SHOW VARIABLES LIKE 'a_b'", "SHOW COUNT(*) WARNINGS", "PRAGMA a.table_info(b)", "XA START 'a'", "SELECT current_setting('a')", "SELECT pg_advisory_unlock_all()",
	"SELECT E'a'\n'b\\'c'", "SELECT {d '2020-01-01'}", "((((SELECT 1))))", ";;SELECT 1;;", "/* rwsplit:primary */ SELECT 1", "DESCRIBE t", "GET DIAGNOSTICS @a = NUMBER", "UNLOCK TABLES", "LOCK TABLE t",
	"SELECT 1 INTO @a", "SELECT 1 INTO OUTFILE 'a'", "SELECT a INTO LOCAL TEMP b", "WITH a AS (SELECT 1) (SELECT 2) ORDER BY f(1)", "VALUES (1), (2)", "TABLE t", "DO $$ a $$", "CALL p(@a)",
}

func addSeeds(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s, uint64(1))
	}
	for _, v := range mysqlBoth {
		for i, q := range v.queries {
			if i%8 == 0 {
				f.Add(q, uint64(i))
			}
		}
	}
}

// What is taken for a plain read at first glance is one for the scanner too.
func FuzzPlainRead(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, query string, _ uint64) {
		if utf8.ValidString(query) && !strings.Contains(query, "\x00") { // others don't come that far
			for _, dialect := range dialects {
				checkPlainRead(t, dialect, query)
				checkPlainRead(t, dialect, "SELECT "+query)
			}
		}
	})
}

func checkPlainRead(t *testing.T, dialect, query string) (short bool) {
	t.Helper()
	for _, primaryOnly := range [][]string{nil, {"Abc", `app."abcd"`, `"users"`, "é", `"a b"`, `"` + strings.Repeat("x", 63) + `"`}} {
		ok, full, same := rwsplit.PlainRead(dialect, query, primaryOnly...)
		if want := (rwsplit.Statement{Route: rwsplit.RouteReplica, Reason: "plain read"}); ok && (full != want || !same) {
			t.Fatalf("%s: taken for a plain read, but the scanner says %+v (no other reading: %v; relations %q): %q", dialect, full, same, primaryOnly, query)
		}
		short = short || ok
	}
	return short
}

// Whatever the text is, the verdict is the same each time, the cache gives the
// same, its fields agree with each other, and it holds for either engine as
// long as it is not known which of MySQL and MariaDB is there.
func FuzzClassify(f *testing.F) {
	addSeeds(f)
	cached := make(map[string]func(string) rwsplit.Statement)
	for _, dialect := range dialects {
		cached[dialect], _ = rwsplit.CachedClassify(dialect)
	}
	f.Fuzz(func(t *testing.T, query string, _ uint64) {
		for _, dialect := range dialects {
			st := rwsplit.Classify(dialect, query)
			if again := rwsplit.Classify(dialect, query); again != st {
				t.Errorf("%s: got %+v, then %+v: %q", dialect, st, again, query)
			}
			for range 3 {
				if got := cached[dialect](query); got != st {
					t.Errorf("%s: got %+v from the cache, want %+v: %q", dialect, got, st, query)
				}
			}
			checkStatement(t, dialect, query, st)
			if tokens, covered := rwsplit.CountTokens(dialect, query); tokens > len(query) || covered != len(query) {
				t.Errorf("%s: got %d tokens over %d bytes: %q", dialect, tokens, covered, query)
			}
		}
		family := rwsplit.ClassifyFamily(query)
		checkStatement(t, "family", query, family)
		for _, dialect := range []string{"mysql", "mariadb"} {
			checkAsCareful(t, dialect, query, family, rwsplit.Classify(dialect, query))
		}
	})
}

// checkStatement holds what is true of every verdict.
func checkStatement(t *testing.T, dialect, query string, st rwsplit.Statement) {
	t.Helper()
	switch {
	case st.Reason == "":
		t.Errorf("%s: no reason: %q", dialect, query)
	case st.Route != rwsplit.RoutePrimary && st.Writes:
		t.Errorf("%s: a write off the primary: %q", dialect, query)
	case st.Route == rwsplit.RouteReplica && (st.Pins || st.DDL || st.Tx != rwsplit.TxNone && st.Tx != rwsplit.TxBeginReadOnly):
		t.Errorf("%s: got %s: %q", dialect, summary(st), query)
	case st.State != 0 && !st.Pins:
		t.Errorf("%s: state %s without pins: %q", dialect, states(st.State), query)
	case st.State&st.Clears != 0:
		t.Errorf("%s: state %s both made and cleared: %q", dialect, states(st.State&st.Clears), query)
	case (!utf8.ValidString(query) || strings.Contains(query, "\x00")) && (!st.Writes || !st.Opaque || !st.Pins):
		t.Errorf("%s: got %s for text that no server reads: %q", dialect, summary(st), query)
	}
}

// checkAsCareful checks that got promises no more than want.
func checkAsCareful(t *testing.T, dialect, query string, got, want rwsplit.Statement) {
	t.Helper()
	if got.Route != want.Route && got.Route != rwsplit.RoutePrimary || want.Writes && !got.Writes || want.Pins && !got.Pins ||
		want.State&^got.State != 0 || got.Clears&^want.Clears != 0 || want.DDL && !got.DDL || want.Opaque && !got.Opaque ||
		got.Tx != want.Tx && got.Tx != rwsplit.TxUnknown {
		t.Errorf("got %s for the family, want it as careful as %s: %s: %q", summary(got), dialect, summary(want), query)
	}
}

// Case, white space and comments between tokens never change the verdict.
func FuzzSpelling(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, query string, seed uint64) {
		if !utf8.ValidString(query) || strings.Contains(query, "\x00") || strings.Contains(query, "/*") || strings.Contains(query, "--") {
			return
		}
		for _, dialect := range dialects {
			tokens, ok := rwsplit.Tokens(dialect, query)
			if !ok {
				continue
			}
			respelt := respell(dialect, tokens, rand.New(rand.NewPCG(seed, 1)))
			want, got := rwsplit.Classify(dialect, query), rwsplit.Classify(dialect, respelt)
			if summary(got) != summary(want) {
				t.Errorf("%s: got %s (%s), want %s (%s):\n%q\n%q", dialect, summary(got), got.Reason, summary(want), want.Reason, respelt, query)
			}
		}
	})
}

func respell(dialect string, tokens []rwsplit.LexToken, r *rand.Rand) string {
	gaps := []string{" ", "\n", "\t ", " /* a */ ", "/**/", " -- b ' \n"}
	if dialect == "mysql" || dialect == "mariadb" {
		gaps = append(gaps, " # c \" \n", " --\n")
	}
	if dialect == "postgres" {
		gaps = append(gaps, " /* d /* ' */ */ ", " /* d /*/ ' */ */ ", " -- e\r")
	}
	if dialect == "generic" {
		gaps = gaps[:5]
	}
	if slices.ContainsFunc(tokens, func(t rwsplit.LexToken) bool { return strings.Contains(t.Text, `\`) }) {
		// In another reading a string may go on into a comment, up to a quote there.
		gaps = slices.DeleteFunc(gaps, func(gap string) bool { return strings.ContainsAny(gap, `'"`) })
	}
	var b strings.Builder
	for _, token := range tokens {
		b.WriteString(gaps[r.IntN(len(gaps))])
		if !token.Word {
			b.WriteString(token.Text)
			continue
		}
		for i := range len(token.Text) {
			c := token.Text[i]
			if (c|0x20) >= 'a' && (c|0x20) <= 'z' && c < 0x80 && r.IntN(2) == 0 {
				c ^= 0x20
			}
			b.WriteByte(c)
		}
	}
	b.WriteString(gaps[r.IntN(len(gaps))])
	return b.String()
}

// A write behind whatever came before it is seen.
func FuzzAppendedWrite(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, query string, _ uint64) {
		for _, dialect := range dialects {
			text := query + "\n; DELETE FROM t"
			if st := rwsplit.Classify(dialect, text); st.Route != rwsplit.RoutePrimary || !st.Writes || !st.Opaque && strings.Trim(query, " ;\t\r\n\f\v") != "" && !onlyComments(dialect, query) {
				t.Errorf("%s: got %s (%s): %q", dialect, summary(st), st.Reason, text)
			}
		}
	})
}

func onlyComments(dialect, query string) bool {
	tokens, ok := rwsplit.Tokens(dialect, query+"\n;")
	for _, token := range tokens {
		if token.Text != ";" {
			return false
		}
	}
	return ok
}

// A statement that starts as a write is none the less one when it is cut.
func FuzzTruncatedWrite(f *testing.F) {
	for _, s := range writeStarts {
		f.Add(s, "INTO t VALUES (f(1), 'a')")
	}
	f.Fuzz(func(t *testing.T, start, rest string) {
		start = strings.ToUpper(start)
		known := false
		for _, w := range writeStarts {
			known = known || w == start
		}
		if !known {
			return
		}
		query := start + " " + rest
		for _, dialect := range dialects {
			from := 1
			if start[0] == 'E' { // EXPLAIN A describes a table in MySQL
				from = len(start)
			}
			for n := from; n <= len(query); n++ {
				if st := rwsplit.Classify(dialect, query[:n]); st.Route == rwsplit.RouteReplica {
					t.Fatalf("%s: got a read: %q of %q", dialect, query[:n], query)
				}
			}
		}
	})
}

var writeStarts = []string{
	"INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "CREATE", "ALTER", "DROP", "TRUNCATE", "GRANT", "REVOKE", "CALL", "DO", "LOAD", "VACUUM", "LOCK", "SET", "PREPARE", "EXECUTE", "XA", "USE", "HANDLER", "COMMIT", "ROLLBACK", "SAVEPOINT",
	"WITH A AS (DELETE FROM T)", "WITH A AS (SELECT 1), B AS (UPDATE T SET C = 1 RETURNING *) SELECT", "EXPLAIN ANALYZE DELETE", "COPY T FROM",
}

// What stands in strings, quoted names and comments is not read as code, and
// what stands outside of them is.
func FuzzWrapped(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, text string, _ uint64) {
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00'\"`[]\\$\r\n") || strings.Contains(text, "*/") || strings.Contains(text, "/*") {
			return
		}
		for _, dialect := range dialects {
			wrapped := []string{"SELECT '" + text + "'", "SELECT 1 AS \"" + text + "x\"", "SELECT 1 /* " + text + " */", "SELECT 1 -- " + text, "SELECT 1 /* " + text + " */ FROM t"}
			if dialect == "postgres" {
				wrapped = append(wrapped, "SELECT $$"+text+"$$", "SELECT $a$"+text+"$a$", "SELECT E'"+text+"'", "SELECT 1 /* /* "+text+" */ */")
			}
			if dialect == "mysql" || dialect == "mariadb" {
				wrapped = append(wrapped, "SELECT 1 # "+text, "SELECT 1 AS `"+text+"x`")
			}
			for _, query := range wrapped {
				if st := rwsplit.Classify(dialect, query); summary(st) != replica {
					t.Errorf("%s: got %s (%s): %q", dialect, summary(st), st.Reason, query)
				}
				if st := rwsplit.Classify(dialect, query+"\n FOR UPDATE"); st.Route == rwsplit.RouteReplica && dialect != "sqlite" {
					t.Errorf("%s: the lock was not seen: %q", dialect, query)
				}
			}
		}
	})
}
