package difftest

import (
	"math/rand/v2"
	"strings"
)

// Sample is a generated text.
type Sample struct {
	SQL string
	// Unsafe says what the generator put in that a replica must not see.
	Unsafe string
}

// generator writes one text at a time. It knows what it puts in.
type generator struct {
	r      *rand.Rand
	b      strings.Builder
	l      *lexicon
	plain  bool   // forbids everything unsafe
	unsafe string // what was put in
	depth  int
}

// lexicon is what differs between the engines.
type lexicon struct {
	postgres bool
	names    []string
	quoted   []string
	// strings are literals as they stand, noise is what separates words.
	strings []string
	noise   []string
	// safe and unsafe are calls.
	safe, unsafeCalls []string
	aggregates        []string
	operators         []string
	casts             []string
	locks             []string
	writes            []string
	explain           []string
	others            []string // unsafe statements, whole
}

func newGenerator(seed uint64, l *lexicon) *generator {
	return &generator{r: rand.New(rand.NewPCG(seed, 0x5d1ff)), l: l}
}

// Next returns a text; about half of all are plain reads.
func (g *generator) Next() Sample {
	g.b.Reset()
	g.unsafe, g.depth = "", 0
	g.plain = g.chance(1, 2)
	g.text()
	return Sample{g.b.String(), g.unsafe}
}

func (g *generator) chance(n, of int) bool { return g.r.IntN(of) < n }

func (g *generator) pick(from []string) string { return from[g.r.IntN(len(from))] }

// space separates two words, nearly always by a blank.
func (g *generator) space() {
	switch n := g.r.IntN(40); {
	case n > 3:
		g.b.WriteByte(' ')
	case n > 0:
		g.b.WriteString([]string{"\n", "\t", "  ", "\r\n", "\n\n "}[g.r.IntN(5)])
	default:
		g.b.WriteString(g.pick(g.l.noise))
	}
}

// w writes words, in any case.
func (g *generator) w(words string) {
	for _, word := range strings.Fields(words) {
		g.space()
		switch g.r.IntN(12) {
		case 0:
			word = strings.ToLower(word)
		case 1:
			b := []byte(word)
			for i := range b {
				if g.chance(1, 2) {
					b[i] = strings.ToLower(word)[i]
				}
			}
			word = string(b)
		}
		g.b.WriteString(word)
	}
}

// raw writes a token as it stands.
func (g *generator) raw(s string) {
	g.space()
	g.b.WriteString(s)
}

// open and end write parentheses, with or without blanks around.
func (g *generator) open() {
	if g.chance(1, 2) {
		g.space()
	}
	g.b.WriteByte('(')
}

func (g *generator) end() {
	if g.chance(1, 4) {
		g.space()
	}
	g.b.WriteByte(')')
}

func (g *generator) comma() { g.b.WriteByte(',') }

// taint reports whether something unsafe may go here, and notes it.
func (g *generator) taint(n, of int, what string) bool {
	if g.plain || !g.chance(n, of) {
		return false
	}
	g.unsafe = what
	return true
}

func (g *generator) name() {
	if g.chance(1, 4) {
		g.raw(g.pick(g.l.quoted))
		return
	}
	g.raw(g.pick(g.l.names))
}

// alias writes a name without a qualifier.
func (g *generator) alias() {
	for {
		from := g.l.names
		if g.chance(1, 4) {
			from = g.l.quoted
		}
		if name := g.pick(from); !strings.Contains(name, ".") {
			g.raw(name)
			return
		}
	}
}

// call writes the name of a function whose parenthesis MySQL wants right
// behind it, and the parenthesis.
func (g *generator) call(name string) {
	g.w(name)
	if g.l.postgres {
		g.open()
		return
	}
	g.b.WriteByte('(')
}

// text writes one statement, or several.
func (g *generator) text() {
	if g.chance(1, 30) {
		g.b.WriteString(g.pick(g.l.noise))
	}
	g.statement()
	for g.chance(1, 25) {
		g.b.WriteByte(';')
		g.statement()
	}
	if g.chance(1, 10) {
		g.b.WriteByte(';')
	}
	if g.chance(1, 30) {
		g.b.WriteString(g.pick(g.l.noise))
	}
}

func (g *generator) statement() {
	switch n := g.r.IntN(20); {
	case n == 0:
		explain := g.pick(g.l.explain)
		g.w(explain)
		if g.taint(1, 3, "EXPLAIN of a write") {
			g.write()
			if g.l.postgres && !strings.Contains(explain, "ANALY") {
				g.unsafe = "" // nothing runs
				g.plain = true
			}
			return
		}
		g.query()
	case n == 1 && g.taint(1, 1, "a statement that is no query"):
		g.raw(g.pick(g.l.others))
	case n < 4 && g.taint(1, 1, "a write"):
		g.write()
	default:
		g.query()
	}
}

// query writes a SELECT with all that may stand around it.
func (g *generator) query() {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 5 {
		g.w("SELECT 1")
		return
	}
	if g.chance(1, 8) {
		g.with()
	}
	if g.chance(1, 10) {
		g.open()
		g.query()
		g.end()
		return
	}
	g.core()
	grouped := false
	for g.chance(1, 8) {
		grouped = true
		g.w(g.pick([]string{"UNION", "UNION ALL", "INTERSECT", "EXCEPT"}))
		if g.chance(1, 3) {
			g.open()
			g.query()
			g.end()
		} else {
			g.core()
		}
	}
	if g.chance(1, 5) {
		g.w("ORDER BY 1")
		if g.chance(1, 3) {
			g.w("DESC")
		}
	}
	if g.chance(1, 5) {
		g.w("LIMIT 10")
		if g.chance(1, 3) {
			g.w("OFFSET 5")
		}
	}
	if !grouped && g.taint(1, 12, "a locking clause") {
		g.w(g.pick(g.l.locks))
	}
}

func (g *generator) with() {
	g.w("WITH")
	if g.chance(1, 4) {
		g.w("RECURSIVE")
	}
	for i := 0; i == 0 || i < 3 && g.chance(1, 3); i++ {
		if i > 0 {
			g.comma()
		}
		g.alias()
		if g.chance(1, 8) {
			g.open()
			g.alias()
			g.end()
		}
		g.w("AS")
		if g.l.postgres && g.chance(1, 5) {
			g.w(g.pick([]string{"MATERIALIZED", "NOT MATERIALIZED"}))
		}
		g.open()
		if g.l.postgres && g.taint(1, 6, "a write in WITH") {
			g.write()
		} else {
			g.query()
		}
		g.end()
	}
}

// core is a SELECT without what may follow parentheses.
func (g *generator) core() {
	if g.chance(1, 25) {
		g.w("VALUES")
		if !g.l.postgres {
			g.w("ROW")
		}
		g.open()
		g.expr()
		g.end()
		return
	}
	if g.chance(1, 30) {
		g.w("TABLE")
		g.name()
		return
	}
	g.w("SELECT")
	if g.chance(1, 8) {
		g.w("DISTINCT")
	}
	for i := 0; i == 0 || i < 4 && g.chance(1, 2); i++ {
		if i > 0 {
			g.comma()
		}
		if g.chance(1, 6) {
			g.raw("*")
			break
		}
		g.expr()
		if g.chance(1, 3) {
			g.w("AS")
			g.alias()
		}
	}
	if g.l.postgres && g.depth == 1 && g.taint(1, 25, "INTO") {
		g.w(g.pick([]string{"INTO t9", "INTO TEMP t9", "INTO TABLE t9", "INTO UNLOGGED t9"}))
	}
	if g.chance(1, 8) {
		return
	}
	g.w("FROM")
	g.from()
	if g.chance(1, 2) {
		g.w("WHERE")
		g.cond()
	}
	if g.chance(1, 6) {
		g.w("GROUP BY")
		g.expr()
		if g.chance(1, 3) {
			g.w("HAVING")
			g.cond()
		}
	}
}

func (g *generator) from() {
	g.table()
	for g.chance(1, 4) {
		switch g.r.IntN(3) {
		case 0:
			g.comma()
			g.table()
		default:
			g.w(g.pick([]string{"JOIN", "LEFT JOIN", "INNER JOIN", "RIGHT JOIN"}))
			g.table()
			if g.chance(1, 3) {
				g.w("USING")
				g.open()
				g.alias()
				g.end()
			} else {
				g.w("ON")
				g.cond()
			}
		}
	}
}

func (g *generator) table() {
	switch g.r.IntN(8) {
	case 0:
		g.open()
		g.query()
		g.end()
		if g.chance(1, 2) {
			g.w("AS")
		}
		g.raw("sub")
		if g.l.postgres && g.chance(1, 3) {
			g.open()
			g.alias()
			g.end()
		}
	case 1:
		if g.l.postgres {
			if g.taint(1, 8, "an unsafe call in FROM") {
				g.raw(g.pick(g.l.unsafeCalls))
			} else {
				g.raw(g.pick([]string{"generate_series(1, 3)", "unnest(ARRAY[1, 2])", "jsonb_array_elements('[1]')", "LATERAL (SELECT 1)"}))
			}
			g.w("AS")
			g.raw("fn")
			return
		}
		fallthrough
	default:
		g.name()
		if g.chance(1, 3) {
			if g.chance(1, 2) {
				g.w("AS")
			}
			g.raw("x")
		}
	}
}

func (g *generator) cond() {
	g.expr()
	switch g.r.IntN(7) {
	case 0:
		g.w("IS NOT NULL")
	case 1:
		g.w("IN")
		g.open()
		if g.chance(1, 3) {
			g.query()
		} else {
			g.expr()
		}
		g.end()
	case 2:
		g.w("BETWEEN")
		g.expr()
		g.w("AND")
		g.expr()
	default:
		g.raw(g.pick([]string{"=", "<", ">=", "<>"}))
		g.expr()
	}
	if g.chance(1, 5) {
		g.w(g.pick([]string{"AND", "OR"}))
		g.cond()
	}
}

func (g *generator) expr() {
	g.depth++
	defer func() { g.depth-- }()
	n := g.r.IntN(24)
	if g.depth > 7 {
		n %= 10
	}
	switch {
	case n < 5:
		g.name()
	case n < 7:
		g.raw(g.pick(g.l.strings))
	case n < 10:
		g.raw(g.pick([]string{"1", "42", "1.5", ".5", "1e3", "0", "NULL"}))
	case n < 13:
		if g.taint(1, 10, "an unsafe call") {
			g.raw(g.pick(g.l.unsafeCalls))
		} else {
			g.raw(g.pick(g.l.safe))
		}
	case n == 13:
		g.raw(g.pick(g.l.aggregates))
		if g.chance(1, 3) {
			g.w("OVER")
			g.open()
			if g.chance(1, 2) {
				g.w("PARTITION BY")
				g.name()
			}
			g.w("ORDER BY")
			g.name()
			g.end()
		}
	case n == 14:
		g.open()
		g.query()
		g.end()
	case n == 15:
		g.w("EXISTS")
		g.open()
		g.query()
		g.end()
	case n == 16:
		g.w("CASE WHEN")
		g.cond()
		g.w("THEN")
		g.expr()
		g.w("ELSE")
		g.expr()
		g.w("END")
	case n == 17:
		g.call("COALESCE")
		g.expr()
		g.comma()
		g.expr()
		g.end()
	case n == 18:
		g.call("CAST")
		g.expr()
		g.w("AS")
		g.raw(g.pick(g.l.casts))
		g.end()
	case n == 19:
		g.call("SUBSTRING")
		g.raw(g.pick(g.l.strings))
		g.w("FROM 1 FOR 2")
		g.end()
	default:
		g.open()
		g.expr()
		g.end()
		g.raw(g.pick(g.l.operators))
		g.expr()
	}
}

func (g *generator) write() {
	switch g.r.IntN(4) {
	case 0:
		g.w("INSERT INTO t (a)")
		if g.chance(1, 2) {
			g.w("SELECT 1")
		} else {
			g.w("VALUES (1)")
		}
	case 1:
		g.w("UPDATE t SET a =")
		g.raw(g.pick(g.l.strings))
	case 2:
		g.w("DELETE FROM t WHERE")
		g.cond()
	default:
		g.raw(g.pick(g.l.writes))
		return
	}
	if g.l.postgres && g.chance(1, 2) {
		g.w("RETURNING *")
	}
}
