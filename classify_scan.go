package rwsplit

import "strings"

// maxDepth bounds the parentheses that a statement may nest. Statements of
// programs stay far below it; deeper ones go to the primary.
const maxDepth = 250

// maxInside bounds the statements inside of statements: EXPLAIN, SET STATEMENT.
// No engine takes more than a few, and each takes stack.
const maxInside = 8

// scanner walks once over the tokens of a text. A read is a statement that
// begins like one and in which nothing was found that a replica must not do:
// row locks, INTO, data changes at any depth, calls of functions outside the
// safe lists, session variables, sequences.
type scanner struct {
	lexer
	r       *languageRules
	know    *knowledge
	tabs    *tableScan // nil: nobody asks for tables
	st      Statement  // of the current statement; Route stays 0 until finish
	rank    uint8      // of the effect that gave the reason
	last    bool       // some effect asked for RouteLast
	demands bool       // some effect asked for the primary, and no session would do

	explain bool // planned, not executed
	broken  bool // the rest of the text can't be read
	stop    stopAt

	inside int // statements around this one, and itself
	depth  int
	levels [maxDepth + 1]uint8 // packed
}

// level is the state of one pair of parentheses.
type level struct {
	from  fromState
	with  bool // in the list of a WITH
	brack bool // a bracket
	on    bool // the parentheses of DISTINCT ON: what follows is a new operand
}

func (l level) pack() uint8 {
	p := uint8(l.from)
	if l.with {
		p |= 1 << 3
	}
	if l.brack {
		p |= 1 << 4
	}
	if l.on {
		p |= 1 << 5
	}
	return p
}

func unpackLevel(p uint8) level {
	return level{from: fromState(p & 7), with: p&(1<<3) != 0, brack: p&(1<<4) != 0, on: p&(1<<5) != 0}
}

// stopAt says where a body ends before its statement does.
type stopAt uint8

const (
	stopNone  stopAt = iota
	stopParen        // behind the closing parenthesis
	stopComma        // at a comma outside of parentheses
)

// fromState tells where in a FROM clause a name stands.
type fromState uint8

const (
	fromNone   fromState = iota
	fromTable            // a table is expected
	fromNamed            // a table was read: an alias may follow
	fromDone             // an alias was read
	fromTarget           // the table of an INSERT is expected
	fromInto             // it was read: a list of columns may follow
)

// nameRole says what a parenthesis after a name would mean.
type nameRole uint8

const (
	roleCall   nameRole = iota // a call
	roleType                   // an alias with columns, or a type with a length
	roleList                   // a list of columns
	roleTarget                 // the table of an INSERT
)

// scan classifies a text in one reading. Its tables are added to what t holds,
// unless t is nil.
func scan(r *languageRules, lex *lexRules, k *knowledge, query string, t *tableScan) (Statement, lexFlags) {
	var s scanner
	s.src, s.rules, s.r, s.know, s.tabs = query, lex, r, k, t
	var all Statement
	n := 0
	for s.next(); s.kind != tokEOF; {
		if s.kind == tokSemicolon {
			s.next()
			continue
		}
		s.statement()
		if s.broken {
			if n > 0 {
				s.st.State |= all.State
				if r.lang != langPostgres { // which reads the whole text first
					s.flags &^= lexSoftBad // what stands before it may run
				}
			}
			s.st.Writes, s.st.DDL, s.st.Pins, s.st.Clears = true, true, true, 0
			t.give()
			return s.st, s.flags
		}
		if n++; n == 1 {
			all = s.st
		} else {
			all = batch(all, s.st)
		}
	}
	if n == 0 {
		t.give()
		return Statement{Reason: "empty statement"}, s.flags
	}
	return all, s.flags
}

// batch joins the verdicts on two statements of one text.
func batch(a, b Statement) Statement {
	tx := TxNone
	if a.Tx != TxNone || b.Tx != TxNone {
		tx = TxUnknown
	}
	if tx == TxNone && a.Route == RouteReplica && b.Route == RouteReplica {
		a.Opaque = true
		return a
	}
	a = merge(a, b)
	a.Route, a.Opaque, a.Tx, a.Clears = RoutePrimary, true, tx, 0
	return a
}

// apply adds what a part of the statement does.
func (s *scanner) apply(id effectID, reason string) {
	e := &effects[id]
	if e.rank > s.rank {
		s.rank, s.st.Reason = e.rank, reason
	}
	s.last = s.last || e.route == RouteLast
	s.demands = s.demands || e.route == RoutePrimary && !e.own
	s.st.Writes = s.st.Writes || e.writes
	s.st.Opaque = s.st.Opaque || e.opaque
	s.st.DDL = s.st.DDL || e.ddl
	s.st.State |= e.state
	if e.tx != TxNone {
		s.st.Tx = e.tx
	}
}

// unreadable gives up on the text.
func (s *scanner) unreadable(reason string) {
	s.broken = true
	s.apply(effOpaqueTx, reason)
	s.st.Reason = reason
}

// finish turns what was found into a verdict.
func (s *scanner) finish() {
	if s.explain && !s.st.Opaque {
		if s.st.Writes {
			s.st.Reason = "EXPLAIN of a write"
		}
		s.st.Writes, s.st.DDL, s.st.Tx = false, false, TxNone
	}
	if s.st.Opaque && !s.broken {
		s.st.Clears = 0
	}
	s.st.Pins = s.st.Pins || s.st.State != 0
	switch s.rank {
	case effects[effNone].rank:
		s.st.Route = RouteReplica
	case effects[effLast].rank:
		s.st.Route = RouteLast
	default:
		s.st.own = !s.demands
	}
}

// is reports whether the token is the word lower, which is in lower case.
func (s *scanner) is(lower string) bool {
	return s.kind == tokWord && equalFold(lower, s.text())
}

// isOp reports whether the token is the operator byte c.
func (s *scanner) isOp(c byte) bool { return s.kind == tokOp && s.src[s.start] == c }

// accept skips the token if it is the word lower.
func (s *scanner) accept(lower string) bool {
	if !s.is(lower) {
		return false
	}
	s.next()
	return true
}

// isName reports whether the token is a name or a keyword.
func (s *scanner) isName() bool { return s.kind == tokWord || s.kind == tokQuoted }

// acceptValue skips the token if it is a name, a keyword, a string or a number.
func (s *scanner) acceptValue() bool {
	if !s.isName() && s.kind != tokString && s.kind != tokNumber {
		return false
	}
	s.next()
	return true
}

// atEnd reports whether the statement ends here.
func (s *scanner) atEnd() bool { return s.kind == tokEOF || s.kind == tokSemicolon }

// peekKind returns the kind of the token after this one.
func (s *scanner) peekKind() tokenKind {
	saved := s.lexer
	s.next()
	kind := s.kind
	s.lexer = saved
	return kind
}

// skip reads over the rest of the statement.
func (s *scanner) skip() {
	for ; !s.atEnd(); s.next() {
		if s.kind == tokBad {
			s.unreadable("malformed text")
			return
		}
	}
}

// prefixed reports whether s begins with prefix in any case.
func prefixed(s, prefix string) bool {
	return len(s) >= len(prefix) && equalFold(prefix, s[:len(prefix)])
}

// unquote returns a name without its quotes. ok is false if it holds escapes.
func unquote(text string) (name string, ok bool) {
	if len(text) < 2 || strings.IndexByte("\"`[", text[0]) < 0 {
		return "", false // U&"..": may hold escapes
	}
	name = text[1 : len(text)-1]
	return name, text[0] == '[' || strings.IndexByte(name, text[0]) < 0
}

// tables says that the tables of the statement are told by the text from here
// on. With verbs it changes the table that is named next.
func (s *scanner) tables(verbs events) {
	if s.tabs == nil {
		return
	}
	s.tabs.on = true
	if verbs != 0 {
		s.tabs.change(verbs, true)
	}
}

// loadTables is tables for LOAD DATA, whose SET may call anything.
func (s *scanner) loadTables() {
	if s.tabs != nil {
		s.tabs.on, s.tabs.strict = true, true
		s.tabs.change(eventInsert, false)
	}
}

// seen shows the current token to the search for tables, where body does not.
func (s *scanner) seen() {
	if s.tabs != nil {
		s.tabs.see(&s.lexer)
	}
}
