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

// tableLevel is the state of one pair of parentheses.
type tableLevel struct {
	from   tablePlace
	query  bool // SELECT or a data change has begun here, so FROM is followed by tables
	change bool // behind INSERT, UPDATE, DELETE: names may be what is changed
	with   bool // in the list of a WITH
	after  bool // behind RETURNING, where INTO is followed by a variable
}

// expects reports whether the name of a table comes next.
func (l *tableLevel) expects() bool { return l.from == placeTable || l.from == placeTarget }

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
		if t.lev.expects() {
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
		if t.lev.expects() {
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
	if t.lev.expects() {
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
