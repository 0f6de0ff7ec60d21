package difftest

import (
	"math/rand/v2"
	"regexp"
	"strings"
)

// tokens splits a text roughly: enough to cut it up at likely places.
var tokens = regexp.MustCompile(`(?s)\s+|\w+|'[^']*'|"[^"]*"|` + "`[^`]*`" + `|--[^\n]*|/\*.*?\*/|.`)

// injected are pieces that change what is a string, a comment or a statement.
var injected = []string{
	"'", `"`, "`", "''", `\`, "$$", "$a$", "--", "-- ", "--\n", "-- x\n", "#", "# x\n", "/*", "*/", "/**/", "/*!", "/*!40000 ",
	"/*M! ", "/* ' */", "/* /* */", ";", "; ", "(", ")", "()", ",", ".", " FOR UPDATE", " FOR SHARE", " LOCK IN SHARE MODE", " INTO ", "\n", "\r",
	"\t", "\f", "\v", "\x00", "\u00a0", "é", "E", "N", "U&", "_utf8mb4", "x", "@", "@@", ":", "::", ":=", "?", "$1", "*", "1", ".5", "{", "}", "[", "]",
	" DELETE FROM comments ", "; DELETE FROM comments", " UNION ", " SELECT ", " WITH x AS (", " AS ", " ANALYZE ", " EXPLAIN ", " RETURNING * ",
	" nextval('s') ", " GET_LOCK('a', 1) ", " LAST_INSERT_ID() ", " @v ", "E'\\''", "'\\'", "$$ $$", "--\r",
}

// mutator makes new texts of old ones.
type mutator struct {
	r     *rand.Rand
	texts []string
}

func newMutator(seed uint64, texts []string) *mutator {
	return &mutator{rand.New(rand.NewPCG(seed, 0xa1)), texts}
}

// Next returns a mutant.
func (m *mutator) Next() string {
	sql := m.any()
	for i := 1 + m.r.IntN(3); i > 0; i-- {
		sql = m.mutate(sql)
	}
	return sql
}

func (m *mutator) any() string { return m.texts[m.r.IntN(len(m.texts))] }

func (m *mutator) mutate(sql string) string {
	t := tokens.FindAllString(sql, -1)
	if len(t) == 0 {
		return m.any()
	}
	i, j := m.r.IntN(len(t)), m.r.IntN(len(t))
	switch m.r.IntN(16) {
	case 0, 1: // lose a token
		t = append(t[:i], t[i+1:]...)
	case 2: // swap two
		t[i], t[j] = t[j], t[i]
	case 3: // double one
		t[i] += t[i]
	case 4: // copy one elsewhere
		t[i] += t[j]
	case 5: // lose a stretch
		t = append(t[:min(i, j)], t[max(i, j):]...)
	case 6, 7, 8: // inject
		t[i] += injected[m.r.IntN(len(injected))]
	case 9: // splice with another
		other := tokens.FindAllString(m.any(), -1)
		if len(other) > 0 {
			t = append(t[:i], other[m.r.IntN(len(other)):]...)
		}
	case 10: // put another inside
		t[i] += " (" + strings.TrimRight(m.any(), "; \n") + ") "
	case 11:
		return sql + ";" + m.any()
	case 12:
		return "WITH m AS (" + strings.TrimRight(m.any(), "; \n") + ") " + sql
	case 13:
		return strings.TrimRight(sql, "; \n") + " UNION ALL (" + strings.TrimRight(m.any(), "; \n") + ")"
	case 14: // cut
		return strings.Join(t[:i], "")
	default: // case
		t[i] = strings.ToUpper(t[i])
	}
	return strings.Join(t, "")
}
