package rwsplit

// Names as a tableScan reads them: what they are, once it is known what follows.

// tableName is the last part of a name with what stands before it.
type tableName struct {
	span
	word     *wordEntry // nil if quoted
	entry    int32
	parts    int
	expect   tablePlace
	system   bool // the schema before it is the engine's own
	called   bool // CALL stands before it
	operand  bool // a value stands before it
	renaming bool // AS stands before it
}

// text is the name's last part, without quotes.
func (n *tableName) text(src string) string {
	text := src[n.start:n.end]
	if n.word == nil {
		text, _ = unquote(text)
	}
	return text
}

// span is a part of the text.
type span struct{ start, end int }

// spans is a short list of them.
type spans struct {
	list [8]span
	n    int
}

// add reports whether there was room.
func (s *spans) add(p span) bool {
	if s.n == len(s.list) {
		return false
	}
	s.list[s.n] = p
	s.n++
	return true
}

// settle ends the name that was read before. call says that a parenthesis
// follows.
func (t *tableScan) settle(src string, call bool) {
	n := &t.name
	if n.end == 0 {
		return
	}
	call = call || n.called
	if n.entry >= 0 {
		e := &t.ix.list[n.entry]
		if e.routine && (call || e.column) {
			t.note(n.entry, foundCall)
		}
	}
	table := n.entry >= 0 && t.ix.list[n.entry].table
	switch {
	case n.expect == placeTarget && !table, n.expect == placeTable && !table && !call:
		if n.parts > 0 || !t.strange.add(n.span) {
			t.all, t.unknown = true, true
		}
	case n.expect != placeNone && (n.system || t.systemTable(src)):
		t.all = true
	}
	if call && n.expect != placeTarget {
		t.call()
	}
	n.end = 0
}

// call judges a name that a parenthesis follows, as far as the classifier does
// not.
func (t *tableScan) call() {
	n := &t.name
	w := n.word
	if w == nil {
		w = &noWord
	}
	switch {
	case w.table == tableHidden:
		t.all = true
	case !t.strict:
	case w.call == callEffect:
		t.all = t.all || w.callEff == effOpaque
	case w.call != callUnknown, w.table != tableNone, w.kw != kwNone:
	case n.entry >= 0:
	case (n.operand || n.renaming || t.with.end > 0) && !n.called: // a list of columns
	default:
		t.all = true
	}
}

// trusts says that the text calls a function which is trusted by its name.
func (t *tableScan) trusts(l *lexer, name span) {
	if i := t.lookup(l, name, hashWord(l.src[name.start:name.end])); i < 0 || !t.ix.list[i].routine {
		t.all = true
	}
}

// lookup returns the entry of a name, or -1.
func (t *tableScan) lookup(l *lexer, name span, hash uint32) int32 {
	text := l.src[name.start:name.end]
	if c := text[0]; l.kind == tokQuoted || c == '"' || c == '`' || c == '[' {
		var ok bool
		if text, ok = unquote(text); !ok {
			// Escapes: no table has such a name, unless one has.
			t.all = t.all || t.ix.quotes || c != '"' && c != '`' && c != '['
			return -1
		}
		hash = hashWord(text)
	}
	if t.limit > 0 && len(text) > t.limit {
		text = text[:t.limit]
		hash = hashWord(text)
	}
	if t.ix.beyondASCII {
		for i := range len(text) {
			if text[i] >= 0x80 {
				t.all = true // it is folded by rules that are not known here
				return -1
			}
		}
	}
	return t.ix.find(hash, text)
}

// systemSchema reports whether the name read so far is that of a schema of the
// engine's own.
func (t *tableScan) systemSchema(src string) bool {
	text := t.name.text(src)
	for _, schema := range systemSchemas {
		if equalFold(schema, text) {
			return true
		}
	}
	return false
}

var systemSchemas = [...]string{"pg_catalog", "information_schema", "pg_toast", "mysql", "performance_schema", "sys"}

// systemTable reports whether the name read may be that of a table of the
// engine's own, which comes before others of that name.
func (t *tableScan) systemTable(src string) bool {
	return t.lang == langPostgres && t.name.parts == 0 && prefixed(t.name.text(src), "pg_")
}

func (t *tableScan) isLocal(src, name string, locals []string) bool {
	name, quoted := bareName(name)
	for _, p := range t.named.list[:t.named.n] {
		other, otherQuoted := bareName(src[p.start:p.end])
		if name == other || !quoted && !otherQuoted && len(name) == len(other) && foldsTo(name, other) {
			return true
		}
	}
	for _, other := range locals {
		if len(name) == len(other) && foldsTo(name, other) {
			return true
		}
	}
	return false
}

// foldsTo reports whether two names of one length differ in ASCII case only.
func foldsTo(a, b string) bool {
	for i := range len(a) {
		x, y := a[i], b[i]
		if x-'A' <= 'Z'-'A' {
			x |= 0x20
		}
		if y-'A' <= 'Z'-'A' {
			y |= 0x20
		}
		if x != y {
			return false
		}
	}
	return true
}

// bareName returns a name without quotes, and whether it had some.
func bareName(text string) (name string, quoted bool) {
	if name, ok := unquote(text); ok {
		return name, true
	}
	return text, false
}
