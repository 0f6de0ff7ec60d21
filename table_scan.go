package rwsplit

// tableScan collects the tables that stand in a text. It sees each token once,
// beside the scanner that classifies the text, or alone in the body of a
// routine.
//
// Every identifier that is the name of a table counts, wherever it stands: a
// column of that name costs no more than offload. Besides, a name that nobody
// knows where a table is expected makes the statement count for all tables.
type tableScan struct {
	ix    *tableIndex
	sum   footprint // of the statements so far
	lang  language
	limit int // longer names are cut

	// A text that is not the catalog's own, whose calls nobody else judges: a
	// call of an unknown function counts for all tables.
	strict bool

	on      bool // the statement's tables are told by its text
	all     bool
	unknown bool
	verbs   events // that stand in the statement
	found   [maxFound]foundTable
	n       int
	strange spans // names that nobody knows, where a table is expected
	named   spans // names of WITH

	depth  int
	levels [maxDepth + 1]tableLevel
	lev    tableLevel
	before tableLevel // what lev was before INSERT or REPLACE, which may be a function

	verbsBefore events // what verbs was then

	prev     tokenKind
	prevWord tableWord
	operand  bool // the token before ends a value

	name tableName // that is being read, if it.end > 0

	// The name behind WITH, until it shows whether a query follows.
	withNext bool
	with     span
	withAt   int
}

// maxFound bounds the names of one text that are looked at; what has more
// counts for all tables.
const maxFound = 24

// foundTable is an entry of the index that stands in the text.
type foundTable struct {
	entry int32
	what  foundRole
}

type foundRole uint8

const (
	foundSource foundRole = 1 << iota
	foundTarget           // it may be what is changed
	foundCall
)

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

// tableLevel is the state of one pair of parentheses.
type tableLevel struct {
	from   tablePlace
	query  bool // SELECT or a data change has begun here, so FROM is followed by tables
	change bool // behind INSERT, UPDATE, DELETE: names may be what is changed
	with   bool // in the list of a WITH
	after  bool // behind RETURNING, where INTO is followed by a variable
}

// tablePlace says where in a list of tables a name stands.
type tablePlace uint8

const (
	placeNone   tablePlace = iota
	placeTable             // a table is expected
	placeTarget            // so is one that is changed: a list of columns may follow
	placeNamed             // behind it: a comma makes the next one expected
)

// begin starts with a new statement.
func (t *tableScan) begin(r *languageRules, strict bool) {
	t.lang, t.limit, t.strict = r.lang, r.nameLimit, strict
	t.on, t.all, t.unknown, t.verbs = false, false, false, 0
	t.n, t.strange.n, t.named.n = 0, 0, 0
	t.depth, t.lev = 0, tableLevel{}
	t.prev, t.prevWord, t.operand = tokSemicolon, tableNone, false
	t.name.end = 0
	t.withNext, t.with.end = false, 0
}

// change says that a change of the kind verbs has begun; the name of a table
// is expected if now.
func (t *tableScan) change(verbs events, now bool) {
	t.verbs |= verbs
	t.lev = tableLevel{query: true, change: true}
	if now {
		t.lev.from = placeTarget
	}
}

// see takes the lexer's token.
func (t *tableScan) see(l *lexer) {
	kind := l.kind
	if kind == tokWord || kind == tokQuoted {
		t.seeName(l)
		return
	}
	if kind == tokDot && t.name.end > 0 {
		t.prev, t.prevWord = tokDot, tableNone
		return
	}
	if t.with.end > 0 && t.depth == t.withAt && kind != tokLParen && kind != tokRParen {
		t.with.end = 0
	}
	t.withNext = false
	switch kind {
	case tokLParen, tokLBracket:
		t.open(l)
	case tokRParen, tokRBracket:
		t.settle(l.src, false)
		if t.depth == 0 {
			t.all = true
			break
		}
		t.depth--
		t.lev = t.levels[t.depth]
		if t.lev.from == placeTable || t.lev.from == placeTarget {
			t.lev.from = placeNamed
		}
	case tokComma:
		t.settle(l.src, false)
		switch {
		case t.lev.from == placeNamed:
			t.lev.from = placeTable
		case t.lev.from != placeNone:
			t.all = true
		}
		t.withNext = t.lev.with
	case tokSemicolon:
		t.settle(l.src, false)
		t.lev = tableLevel{}
		t.depth = 0
	default:
		t.settle(l.src, false)
		if t.lev.from == placeTable || t.lev.from == placeTarget {
			// Something that is no name stands for the table.
			t.all = t.all || kind != tokEOF
			t.lev.from = placeNamed
		}
	}
	t.operand = endsValue&(1<<kind) != 0
	t.prev, t.prevWord = kind, tableNone
}

// open reads an opening parenthesis or bracket.
func (t *tableScan) open(l *lexer) {
	round := l.kind == tokLParen
	if round && t.prev == tokWord && (t.prevWord == tableInsert || t.prevWord == tableTruncate) {
		// A function, or the INSERT of a MERGE.
		t.lev, t.verbs = t.before, t.verbsBefore
	}
	t.settle(l.src, round)
	inner := tableLevel{change: t.lev.change}
	if t.lev.from == placeTable || t.lev.from == placeTarget {
		inner.from = t.lev.from // FROM (a JOIN b)
	}
	if round && t.with.end > 0 && t.depth == t.withAt && (t.prevWord == tableAs || t.prevWord == tableShaped) {
		if !t.named.add(t.with) {
			t.all = true
		}
		t.with.end = 0
	}
	if t.depth == maxDepth {
		t.all = true
		return
	}
	t.levels[t.depth] = t.lev
	t.depth++
	t.lev = inner
}

// seeName takes a word or a quoted name.
func (t *tableScan) seeName(l *lexer) {
	word := tableNone
	name := span{l.start, l.pos}
	var entry *wordEntry
	hash := l.hash
	if l.kind == tokWord {
		entry = l.word
		word = entry.table
	}
	part := t.prev == tokDot && t.name.end > 0
	if part {
		t.name.parts++
		t.name.system = t.name.system || t.systemSchema(l.src)
		word = tableNone
	} else {
		t.settle(l.src, false)
	}
	if t.with.end > 0 && t.depth == t.withAt && word != tableAs && word != tableShaped {
		t.with.end = 0
	}
	expect := t.lev.from
	if part {
		expect = t.name.expect
	} else if expect == placeNamed {
		expect = placeNone
	}
	if !part && word != tableNone && t.keyword(l, word, expect) {
		expect = placeNone
	} else if expect != placeNone {
		t.lev.from = placeNamed
	}
	if t.withNext {
		t.withNext = word == tableWith
		if word != tableWith && !part {
			t.with, t.withAt = name, t.depth
		}
	} else if word == tableWith {
		t.withNext = true
	}

	found := t.lookup(l, name, hash)
	if found >= 0 && t.ix.list[found].table {
		role := foundSource
		if t.lev.change {
			role = foundTarget
		}
		t.note(found, role)
	}
	if !part {
		t.name = tableName{expect: expect, operand: t.operand, called: t.prevWord == tableCall, renaming: t.prevWord == tableAs}
	}
	t.name.span, t.name.entry, t.name.word = name, found, entry
	t.operand = entry == nil || part || word == tableNone && entry.kw <= kwValue || entry.kw == kwOrdinality
	t.prev, t.prevWord = l.kind, word
}

// keyword reads a word that has a meaning, unless the name of a table is
// expected and it can be one. It reports whether it was read.
func (t *tableScan) keyword(l *lexer, word tableWord, expect tablePlace) bool {
	if expect != placeNone {
		switch word {
		case tableOnly, tableTable, tableInto:
			return true
		case tableSet, tableOr:
			t.lev.from = placeNone
			return true
		case tableDual:
			t.lev.from = placeNamed
			return true
		case tableSelect, tableValues, tableWith:
		default:
			return false
		}
	}
	lev := &t.lev
	switch word {
	case tableSelect:
		*lev = tableLevel{query: true}
	case tableValues:
		lev.from, lev.with = placeNone, false
	case tableTable:
		*lev = tableLevel{query: true, from: placeTable}
	case tableFrom:
		if lev.query && t.prevWord != tableApart {
			lev.from = placeTable
		}
	case tableJoin:
		lev.from = placeTable
	case tableUsing:
		if lev.query && lev.change {
			lev.from = placeTable
		}
	case tableInto:
		lev.from = placeNone
		if lev.query && lev.change && !lev.after {
			lev.from = placeTarget
		}
	case tableInsert:
		t.before, t.verbsBefore = *lev, t.verbs
		verbs := eventInsert
		if l.word.name == "replace" {
			verbs |= eventDelete
		}
		t.change(verbs, true)
	case tableUpdate:
		if t.prevWord == tableFor { // FOR UPDATE, ON DUPLICATE KEY UPDATE
			t.verbs |= eventUpdate
			lev.from = placeNone
			break
		}
		t.change(eventUpdate, true)
	case tableDelete:
		verbs := eventDelete
		if l.word.name != "delete" {
			verbs = eventWrites
		}
		t.change(verbs, false)
	case tableSet:
		lev.from = placeNone
	case tableClause:
		lev.from = placeNone
		if l.word.name == "returning" {
			lev.after = true
		}
	case tableWith:
		lev.with = true
		if lev.from != placeNamed {
			lev.from = placeNone
		}
	case tableTruncate:
		if t.strict {
			t.before, t.verbsBefore = *lev, t.verbs
			t.change(eventDelete, true)
		}
	case tableCascade:
		t.all = t.all || t.verbs&eventDelete != 0
	case tableDynamic:
		t.all = t.all || t.strict
	}
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

// note remembers an entry of the index.
func (t *tableScan) note(entry int32, what foundRole) {
	for i := range t.found[:t.n] {
		if f := &t.found[i]; f.entry == entry {
			f.what |= what
			return
		}
	}
	if t.n == maxFound {
		t.all = true
		return
	}
	t.found[t.n] = foundTable{entry, what}
	t.n++
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
	text := src[t.name.start:t.name.end]
	if t.name.word == nil {
		text, _ = unquote(text)
	}
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
	text := src[t.name.start:t.name.end]
	if t.name.word == nil {
		text, _ = unquote(text)
	}
	return t.lang == langPostgres && t.name.parts == 0 && prefixed(text, "pg_")
}

// finish ends the statement. What nobody knows is no table if a WITH gives it
// its name.
func (t *tableScan) finish(src string, locals []string) {
	t.settle(src, false)
	for _, p := range t.strange.list[:t.strange.n] {
		if !t.isLocal(src, src[p.start:p.end], locals) {
			t.all, t.unknown = true, true
			return
		}
	}
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

// footprint returns what the statement touches, once it has ended: what it
// changes if it writes, or else what it reads.
func (t *tableScan) footprint(writes bool) footprint {
	f := footprint{all: t.all || !t.on, unknown: t.unknown}
	if f.all {
		return f
	}
	t.ix.always.touches(&f, eventRun, writes)
	target := false
	for _, found := range t.found[:t.n] {
		if f.all {
			break
		}
		e := &t.ix.list[found.entry]
		happens := eventRead
		if writes && found.what&foundTarget != 0 {
			happens |= t.verbs
			target = true
		}
		if found.what&(foundSource|foundTarget) == 0 {
			happens = 0
		}
		if found.what&foundCall != 0 {
			happens |= eventRun
		}
		e.touches(&f, happens, writes)
	}
	f.all = f.all || writes && t.verbs != 0 && !target
	return f
}

// end adds the statement that was read, given its verdict.
func (t *tableScan) end(src string, st *Statement) {
	t.finish(src, nil)
	if st.Opaque || st.DDL {
		t.all = true
	}
	f := t.footprint(st.Writes)
	t.sum.union(&f)
}

// give says that the text may touch anything. t may be nil.
func (t *tableScan) give() {
	if t != nil {
		t.sum.all = true
	}
}
