package rwsplit

// name is an identifier that may turn out to be the name of a function.
type name struct {
	start, end int
	word       *wordEntry // nil if quoted
	role       nameRole
	operand    bool       // stands right after a value
	before     *wordEntry // the word right before it, if one stands there
	parts      int        // qualifiers before it
	qual       struct {
		start, end int
		quoted     bool
	}
}

const reasonPrimaryOnly = "relation that a replica can't serve"

// bodyMode says how names are read that a parenthesis follows.
type bodyMode uint8

const (
	bodyQuery  bodyMode = iota // they are calls
	bodyLoose                  // unknown ones are no calls: GRANT, ALTER
	bodyCreate                 // like bodyLoose, until a query starts: CREATE TABLE .. AS SELECT
)

// body reads a statement up to its end, from the current token on.
func (s *scanner) body(mode bodyMode) {
	var (
		loose  = mode != bodyQuery
		n      name
		lev    = unpackLevel(s.levels[s.depth])
		prev   = tokLParen // so that WITH may start here
		kw     keyword     // of the token before, if a word
		kw2    keyword     // of the one before that
		byName = s.know != nil && len(s.know.relations) > 0
		local  = len(s.r.localPrefix) > 0
	)
	for {
		if s.tabs != nil {
			s.tabs.see(&s.lexer)
		}
		cur := kwNone
		switch s.kind {
		case tokWord, tokQuoted:
			w := s.word
			if s.kind == tokQuoted {
				w = &noWord
			}
			n.operand = valueBefore(prev, kw)
			if n.before = nil; prev == tokWord {
				n.before = n.word
			}
			if prev == tokDot {
				n.parts++
				n.qual.start, n.qual.end, n.qual.quoted = n.start, n.end, n.word == nil
				if n.role != roleType && n.role != roleTarget {
					n.role = roleCall
				}
			} else {
				n.parts = 0
				n.role = roleCall
				cur = w.kw
				switch {
				case prev == tokCast:
					n.role = roleType
					cur = kwNone
				case kw == kwAs, kw == kwSample:
					n.role = roleType
					if cur != kwSelect && cur != kwValues && cur != kwWith {
						cur = kwNone
					}
				case lev.with && (prev == tokComma || kw == kwWith):
					n.role = roleList
					if cur != kwWith {
						cur = kwNone
					}
				}
			}
			n.start, n.end = s.start, s.pos
			n.word = w
			if s.kind == tokQuoted {
				n.word = nil
			}
			if n.parts == 1 && lev.from == fromNamed && !loose {
				s.schemaRelation(&n)
			}
			if cur <= kwValue {
				switch lev.from {
				case fromTable:
					lev.from = fromNamed
				case fromNamed:
					if prev != tokDot {
						lev.from = fromDone
						if n.role == roleCall && n.operand {
							n.role = roleList
						}
					}
				case fromTarget:
					lev.from = fromInto
					n.role = roleTarget
				}
				if w.bareEff != effNone && kw != kwAs { // behind AS it is a name of the text's own
					s.apply(w.bareEff, w.bareReason)
				} else if local && maybeLocal(s.src[s.start], s.pos-s.start) {
					s.localName(loose)
				}
			} else if !loose {
				cur = s.keyword(cur, kw, kw2, prev, &lev)
			} else if mode == bodyCreate && (cur == kwSelect || (cur == kwWith || cur == kwValues) && kw == kwAs) {
				loose = false
				cur = s.keyword(cur, kw, kw2, prev, &lev)
			}
			if byName && n.role == roleCall && s.primaryOnly(&n) {
				s.apply(effPrimary, reasonPrimaryOnly)
			}
		case tokLParen, tokLBracket:
			if lev.with && prev == tokRParen {
				lev.with = false // WITH a AS (..) (SELECT ..)
			}
			inner := level{brack: s.kind == tokLBracket}
			switch {
			case s.kind == tokLBracket:
			case prev == tokNumber && !loose:
				// MySQL reads a name after a dot, even if it starts with a digit: db.1st(x)
				s.apply(effOpaque, "unknown function")
			case kw == kwOn && kw2 == kwDistinct || kw == kwTop:
				inner.on = true
			case prev == tokWord || prev == tokQuoted:
				if n.role == roleCall && !s.call(&n, loose) && lev.from == fromTable {
					inner.from = fromTable // FROM (a JOIN b)
				}
				if n.role == roleTarget {
					lev.from = fromNone
				}
			case lev.from == fromTable:
				inner.from = fromTable
			}
			if s.depth >= maxDepth {
				s.unreadable("nested too deeply")
				return
			}
			s.levels[s.depth] = lev.pack()
			s.depth++
			lev = inner
		case tokRParen, tokRBracket:
			if s.depth == 0 && s.stop == stopParen && s.kind == tokRParen {
				if lev.with {
					s.unreadable("WITH without a query")
					return
				}
				s.next()
				return
			}
			if s.depth == 0 || lev.brack != (s.kind == tokRBracket) {
				s.unreadable("unbalanced parentheses")
				return
			}
			if lev.with {
				s.unreadable("WITH without a query")
				return
			}
			on := lev.on
			s.depth--
			lev = unpackLevel(s.levels[s.depth])
			if lev.from == fromTable {
				lev.from = fromNamed
			}
			if on {
				prev, kw2, kw = tokComma, kwNone, kwNone
				s.next()
				continue
			}
		case tokComma:
			if s.depth == 0 && s.stop == stopComma {
				return
			}
			if lev.from == fromNamed || lev.from == fromDone {
				lev.from = fromTable
			}
		case tokVar:
			if !loose || !valueBefore(prev, kw) { // not user@host
				s.apply(effUserVar, "user variable")
			}
		case tokSysVar:
			s.sysVar()
		case tokSemicolon, tokEOF:
			if s.depth != 0 {
				s.unreadable("unbalanced parentheses")
			} else if lev.with {
				s.unreadable("WITH without a query")
			} else if kw == kwInto {
				s.apply(effOpaqueTx, "malformed INTO")
			}
			return
		case tokBad:
			s.unreadable("malformed text")
			return
		}
		prev, kw2, kw = s.kind, kw, cur
		s.next()
	}
}

// localName reads a name that may be that of a relation which one server or one
// session has for itself.
func (s *scanner) localName(loose bool) {
	quoted := s.kind == tokQuoted
	text := s.nameText(s.start, s.pos, quoted)
	if s.r.localRelation(text) {
		if !loose {
			s.apply(effPrimary, "relation of one server (pg_stat_*)")
		}
		return
	}
	if !quoted {
		return
	}
	if e := s.rules.words.find(text); e.name == text && e.bareEff != effNone {
		s.apply(e.bareEff, e.bareReason)
	}
}

// maybeLocal is a quick look before localName: every prefix starts with pg_ and
// is long, and so is every relation with its quotes.
func maybeLocal(first byte, length int) bool {
	return length > 8 && (first|0x20 == 'p' || first == '"')
}

// valueBefore reports whether the token before ends a value, so that a name
// right after it can't be the name of a function in any valid text.
func valueBefore(prev tokenKind, kw keyword) bool {
	if prev == tokWord {
		return kw <= kwValue || kw == kwOrdinality
	}
	return endsValue&(1<<prev) != 0
}

// endsValue is the set of tokens that end a value, besides words.
const endsValue = 1<<tokRParen | 1<<tokRBracket | 1<<tokString | 1<<tokNumber | 1<<tokParam | 1<<tokQuoted | 1<<tokVar | 1<<tokSysVar

// keyword reads a keyword in the body of a query. kw and kw2 are the keywords
// before it. It returns the keyword, or kwNone for a name.
func (s *scanner) keyword(cur, kw, kw2 keyword, prev tokenKind, lev *level) keyword {
	switch cur {
	case kwSelect, kwValues:
		if cur == kwSelect || lev.with {
			lev.from = fromNone
			lev.with = false
		}
	case kwWith:
		if prev == tokLParen {
			lev.with = true
			return cur
		}
	case kwFrom, kwJoin:
		lev.from = fromTable
		return cur
	case kwLateral, kwTarget:
		return cur
	case kwOrdinality:
		lev.from = fromNamed
		return cur
	case kwClause:
		lev.from, lev.with = fromNone, false
		return cur
	case kwInto:
		s.into(kw, lev)
		return cur
	case kwUpdate:
		if kw == kwFor || kw == kwKey {
			s.apply(effLock, "locking read (FOR UPDATE)")
			return cur
		}
		return s.dml(cur, prev, kw, lev, fromTable, "write inside a query (UPDATE)")
	case kwInsert:
		if s.dmlCall() {
			return cur
		}
		return s.dml(cur, prev, kw, lev, fromTarget, "write inside a query (INSERT)")
	case kwDelete:
		return s.dml(cur, prev, kw, lev, fromDone, "write inside a query (DELETE, MERGE)")
	case kwShare:
		if kw == kwFor || kw == kwKey {
			s.apply(effLock, "locking read (FOR SHARE)")
		}
	case kwNo, kwKey:
		if kw == kwFor {
			s.apply(effLock, "locking read (FOR KEY SHARE)")
		}
	case kwLock:
		s.apply(effLock, "locking read (LOCK IN SHARE MODE)")
	case kwFor:
		if kw == kwNextOf && kw2 == kwNext {
			s.apply(effWrite, "changes a sequence (NEXT VALUE FOR)")
		} else if kw == kwNextOf && kw2 == kwPrevious {
			s.apply(effPrimary, "value of this session (PREVIOUS VALUE FOR)")
		}
	}
	if lev.from == fromNamed || lev.from == fromTable && cur != kwValues {
		lev.from = fromDone
	}
	return cur
}

// dml reads a keyword of a data change; from is where the FROM clause stands
// after it. In valid texts it is a name where only a value or a table can
// stand: right after an operator, a comma, or a keyword that wants one; and where
// no statement can begin, for a list goes on or ends: t (update, delete).
func (s *scanner) dml(cur keyword, prev tokenKind, kw keyword, lev *level, from fromState, reason string) keyword {
	name := false
	switch prev {
	case tokComma, tokOp, tokCast, tokDot, tokLBracket:
		name = true
	case tokWord:
		switch kw {
		case kwSelect, kwDistinct, kwClause, kwOn, kwFrom, kwJoin:
			name = true
		}
	}
	if !name {
		switch s.peekKind() {
		case tokComma, tokRParen, tokCast:
			name = true
		}
	}
	if name {
		if lev.from == fromTable {
			lev.from = fromNamed
		}
		return kwNone
	}
	s.apply(effWrite, reason)
	lev.from, lev.with = from, false
	return cur
}

// dmlCall reports whether INSERT or REPLACE is a function of that name here.
func (s *scanner) dmlCall() bool {
	return s.word.call != callSyntax && s.peekKind() == tokLParen
}

// intoTemp reports whether SELECT INTO makes a temporary table.
func (s *scanner) intoTemp() bool {
	if s.is("local") || s.is("global") || s.is("table") {
		s.next()
	}
	return s.is("temp") || s.is("temporary") || s.isName() && s.nameIs(s.start, s.pos, s.kind == tokQuoted, "pg_temp")
}

// into reads INTO and what stands after it.
func (s *scanner) into(kw keyword, lev *level) {
	if s.st.Writes && (kw == kwInsert || kw == kwTarget || kw == kwDelete) {
		lev.from = fromTarget
		return
	}
	saved := s.lexer
	s.next()
	switch {
	case s.kind == tokVar:
		s.apply(effUserVar, "user variable (INTO @)")
	case s.r.lang.mysqlFamily() && (s.is("outfile") || s.is("dumpfile")):
		s.apply(effPrimary, "writes a file of the server (INTO OUTFILE)")
	case s.r.lang == langPostgres && s.intoTemp():
		s.apply(effTempTable, "temporary table (SELECT INTO TEMP)")
		s.st.DDL = true
	case s.r.lang == langPostgres:
		s.apply(effDDL, "write (SELECT INTO)")
	default:
		s.apply(effOpaque, "unknown INTO")
	}
	s.lexer = saved
}
