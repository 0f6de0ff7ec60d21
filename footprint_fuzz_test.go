package rwsplit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rwsplit/rwsplit"
)

// fuzzTables are the tables of the schema that fuzzed texts are read with.
const fuzzTables = "a b c t u users orders"

// fuzzFootprint tells what a text touches in that schema.
type fuzzFootprint func(query string) (st rwsplit.Statement, names []string, all bool)

func fuzzFootprints() map[string]fuzzFootprint {
	m := make(map[string]fuzzFootprint)
	for _, d := range footprintDialects {
		m[d.name] = rwsplit.Footprints(d.name, plainSchema(fuzzTables+" zz"))
	}
	return m
}

func addFootprintSeeds(f *testing.F) {
	addSeeds(f)
	for i, tt := range footprintTests {
		f.Add(tt.query, uint64(i))
	}
}

// covers reports whether a footprint holds all of these names.
func covers(names []string, all bool, want []string) bool {
	for _, name := range want {
		if !all && !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

// A read's footprint has every table that stands in its text outside of
// strings and comments; where the text stands in a larger one, so has that.
func FuzzFootprintOfReads(f *testing.F) {
	addFootprintSeeds(f)
	footprints := fuzzFootprints()
	f.Fuzz(func(t *testing.T, query string, n uint64) {
		for _, d := range footprintDialects {
			st, names, all := footprints[d.name](query)
			if _, again, allAgain := footprints[d.name](query); allAgain != all || !slices.Equal(again, names) {
				t.Errorf("%s: got %v %v, then %v %v: %q", d.name, names, all, again, allAgain, query)
			}
			if st != rwsplit.ClassifyKnowing(d.name, query, []string{"safe_fn"}, nil, nil) && d.name != "mysql/mariadb" {
				t.Errorf("%s: the verdict is another one with tables: %q", d.name, query)
			}
			if st.Route != rwsplit.RouteReplica || !isQuery(d.name, query) {
				continue
			}
			if d.name != "mysql/mariadb" {
				if want := tableWords(d.name, query); !covers(names, all, want) {
					t.Errorf("%s: got %v, want all of %v: %q", d.name, names, want, query)
				}
			}
			for _, wrapped := range []string{
				"SELECT * FROM zz WHERE EXISTS (" + query + "\n)",
				"WITH w AS (" + query + "\n) SELECT * FROM w, zz",
				"/* a */ " + query + "\n UNION SELECT * FROM zz -- b",
			} {
				got, more, allMore := footprints[d.name](wrapped)
				if got.Route == rwsplit.RouteReplica && !covers(more, allMore, append(slices.Clone(names), "zz")) {
					t.Errorf("%s: got %v of %q, %v of %q", d.name, names, query, more, wrapped)
				}
			}
			if strings.ContainsAny(query, "'\"`[$\\") || d.name == "mysql/mariadb" {
				continue
			}
			if _, upper, allUpper := footprints[d.name](upperASCII(query)); allUpper != all || !slices.Equal(upper, names) {
				t.Errorf("%s: got %v %v in lower case, %v %v in upper case: %q", d.name, names, all, upper, allUpper, query)
			}
		}
	})
}

// isQuery reports whether a text is one statement that is a query itself.
func isQuery(dialect, query string) bool {
	if dialect == "mysql/mariadb" {
		dialect = "mariadb"
	}
	tokens, _ := rwsplit.Tokens(dialect, query)
	if len(tokens) == 0 || strings.Contains(query, ";") {
		return false
	}
	switch strings.ToLower(tokens[0].Text) {
	case "select", "with", "values", "table", "(":
		return true
	}
	return false
}

func upperASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c-'a' <= 'z'-'a' {
			b[i] = c &^ 0x20
		}
	}
	return string(b)
}

// tableWords returns the tables that stand in a text as words. The parts of a
// system variable (@@session.a) are none.
func tableWords(dialect, query string) []string {
	tokens, _ := rwsplit.Tokens(dialect, query)
	var names []string
	variable, dot := false, false
	for _, token := range tokens {
		switch {
		case strings.HasPrefix(token.Text, "@@"):
			variable = true
		case token.Text != "." && !dot:
			variable = false
		}
		dot = token.Text == "."
		if word := strings.ToLower(token.Text); token.Word && !variable && slices.Contains(strings.Fields(fuzzTables), word) {
			names = append(names, word)
		}
	}
	return names
}

// However a write goes on, and wherever it is cut, its footprint has the table
// that it began with.
func FuzzFootprintOfWrites(f *testing.F) {
	for _, start := range footprintStarts {
		f.Add(start, " SELECT a.x FROM a JOIN b ON true", "")
		f.Add(start, " (x, y) VALUES (1, f(2)) ON CONFLICT (x) DO UPDATE SET y = 1", "WITH q AS (SELECT * FROM c)")
		f.Add(start, " SET x = (SELECT y FROM nobody), z = 2", "EXPLAIN ANALYZE")
		f.Add(start, " USING c WHERE 'it''s' = \"zz\"; SELECT 1", "SELECT * FROM u;")
	}
	footprints := fuzzFootprints()
	f.Fuzz(func(t *testing.T, start, rest, before string) {
		if !slices.Contains(footprintStarts, start) {
			return
		}
		for _, d := range footprintDialects {
			for n := 0; n <= len(rest); n++ {
				query := start + " " + rest[:n]
				st, names, all := footprints[d.name](query)
				if st.Writes && !covers(names, all, []string{"zz"}) {
					t.Fatalf("%s: got %v: %q", d.name, names, query)
				}
			}
			query := before + " " + start + " " + rest
			st, names, all := footprints[d.name](query)
			plain := !strings.ContainsAny(before, "'\"`[]$\\/-#*")
			if plain && st.Writes && !covers(names, all, []string{"zz"}) {
				t.Fatalf("%s: got %v: %q", d.name, names, query)
			}
		}
	})
}

// footprintStarts begin writes to zz.
var footprintStarts = []string{
	"INSERT INTO zz", "INSERT INTO shop.zz", "UPDATE zz", "DELETE FROM zz", "REPLACE INTO zz", "INSERT IGNORE zz",
	"UPDATE ONLY \"zz\"", "UPDATE `zz`", "DELETE FROM zz USING", "MERGE INTO zz", "TRUNCATE TABLE zz", "COPY zz FROM",
	"WITH w AS (DELETE FROM zz RETURNING *) SELECT", "LOAD DATA INFILE 'x' INTO TABLE zz", "INSERT OR IGNORE INTO zz",
	"DELETE zz FROM zz JOIN", "UPDATE a, zz SET", "UPDATE a JOIN zz", "INSERT INTO Zz SELECT", "/* x */ insert into ZZ",
}
