package difftest

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/rwsplit/rwsplit"
)

// pgKeywords are the words of pg_get_keywords() in PostgreSQL 15, and those
// that came later.
//
//go:embed testdata/pg_keywords.txt
var pgKeywords string

// places are where a call may stand. What is a key word with a parenthesis in
// one of them can be the name of a function in another.
var places = []string{
	"SELECT %(1)", "SELECT % (1)", "SELECT %/**/(1)", "SELECT a, %(1)", "SELECT 1 + %(1)", "SELECT a %(1)", "SELECT (%(1))", "SELECT %()",
	"SELECT * FROM %(1)", "SELECT * FROM a, %(1)", "SELECT * FROM a JOIN %(1) ON true", "SELECT * FROM LATERAL %(1)",
	"SELECT * FROM a WHERE %(1)", "SELECT * FROM a WHERE b = %(1)", "SELECT * FROM a WHERE NOT %(1)", "SELECT * FROM a WHERE b AND %(1)",
	"SELECT b FROM a GROUP BY %(1)", "SELECT b FROM a GROUP BY b, %(1)", "SELECT b FROM a GROUP BY b HAVING %(1)",
	"SELECT b FROM a ORDER BY %(1)", "SELECT b FROM a ORDER BY b, %(1)", "SELECT b FROM a LIMIT %(1)", "SELECT b FROM a OFFSET %(1)",
	"VALUES (%(1))", "SELECT CASE WHEN %(1) THEN 1 END", "SELECT CASE WHEN b THEN %(1) END", "SELECT CASE WHEN b THEN 1 ELSE %(1) END",
	"SELECT CASE %(1) WHEN b THEN 1 END", "SELECT x IN (%(1))", "SELECT x BETWEEN %(1) AND 2", "SELECT x BETWEEN 1 AND %(1)",
	"SELECT count(*) FILTER (WHERE %(1)) FROM a", "SELECT sum(b) OVER (PARTITION BY %(1)) FROM a", "SELECT sum(b) OVER (ORDER BY %(1)) FROM a",
	"SELECT b::%(1)", "SELECT CAST(b AS %(1))", "SELECT -%(1)", "SELECT b[%(1)] FROM a", "SELECT b || %(1) FROM a", "SELECT ARRAY[%(1)]",
	"SELECT b LIKE %(1)", "SELECT b IS DISTINCT FROM %(1)", "SELECT b AT TIME ZONE %(1)", "SELECT DISTINCT %(1)", "SELECT DISTINCT ON (%(1)) b FROM a",
	"SELECT b AS %(1)", "SELECT * FROM a AS %(b)", "SELECT * FROM a %(b)", "WITH %(b) AS (SELECT 1) SELECT 1", "SELECT * FROM a JOIN b ON %(1)",
	"SELECT * FROM a JOIN b USING (%(1))", "SELECT x.%(1)", "SELECT @@%(1)", "SELECT * FROM a TABLESAMPLE %(1)", "SELECT EXTRACT(YEAR FROM %(1))",
	"SELECT substring(%(1) FROM 1 FOR 2)", "SELECT substring('a' FROM %(1))", "SELECT substring('a' FROM 1 FOR %(1))", "SELECT lower(%(1))",
	"SELECT coalesce(b, %(1))", "SELECT (SELECT %(1))", "SELECT 1 UNION SELECT %(1)", "(SELECT %(1))", "EXPLAIN SELECT %(1)", "SELECT ROW(%(1))",
	"SELECT INTERVAL %(1)", "SELECT DATE %(1)", "SELECT b INTERVAL %(1)", "SELECT b IN %(1)", "SELECT EXISTS %(1)", "SELECT x = ANY %(1)", "SELECT %(1) FROM a",
	"SELECT %(1) OVER ()", "SELECT b, %(1) c FROM a", "SELECT ALL %(1)", "SELECT % % (1)", "SELECT b % (1)", "SELECT b AS c, % (SELECT 1)", "SELECT 'x' %(1)",
	"SELECT 1 %(1)", "SELECT (1) %(1)", "SELECT $1 %(1)", "SELECT ? %(1)", "SELECT * FROM (SELECT 1) %(1)", "SELECT * FROM (a) %(1)",
}

// TestKeywordsAsFunctions puts every key word where a call may stand: where the
// parser sees a call of a function that is not known to be safe, so must the
// classifier.
func TestKeywordsAsFunctions(t *testing.T) {
	words := map[string][]string{"postgres": strings.Fields(pgKeywords)}
	for _, k := range parser.Keywords {
		words["mysql"] = append(words["mysql"], strings.ToLower(k.Word))
	}
	words["mysql"] = append(words["mysql"], "x", "b", "n", "_utf8mb4", "_binary", "_x")
	words["postgres"] = append(words["postgres"], "x", "b", "n", "e", "u")
	words["mariadb"], words["mysql/mariadb"] = words["mysql"], words["mysql"]
	for dialect, parse := range parsers() {
		calls := 0
		for _, word := range words[dialect] {
			if dialect == "postgres" && notNames[word] {
				continue
			}
			for _, place := range places {
				sql := strings.ReplaceAll(place, "%", word)
				facts, err := parse(sql)
				if err != nil || facts.Verdict != Unsafe {
					continue
				}
				calls++
				if got := rwsplit.Classify(dialect, sql); got.Route == rwsplit.RouteReplica {
					t.Errorf("%s: replica (%s), but the tree has %s:\n%q", dialect, got.Reason, facts.Why, sql)
				}
			}
		}
		t.Logf("%s: %d unsafe texts of %d words", dialect, calls, len(words[dialect]))
		if calls == 0 {
			t.Errorf("%s: no calls", dialect)
		}
	}
}
