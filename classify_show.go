package rwsplit

// explainStatement reads EXPLAIN, DESCRIBE and DESC. What is explained without
// ANALYZE is planned and not executed.
func (s *scanner) explainStatement(w *wordEntry) {
	switch s.r.lang {
	case langPostgres:
		s.explainPostgres()
	case langSQLite:
		if s.accept("query") {
			s.accept("plan")
		}
		s.explain = true
		s.begin()
	case langGeneric:
		s.begin() // as if it were executed
	default:
		s.explainMySQL(w)
	}
}

func (s *scanner) explainPostgres() {
	analyze := false
	if s.kind == tokLParen {
		saved := s.lexer
		s.next()
		if s.kind == tokLParen || s.kind == tokWord && s.word.start == startQuery {
			s.lexer = saved
		} else if !s.explainOptions(&analyze) {
			return
		}
	} else {
		analyze = s.accept("analyze") || s.accept("analyse")
		s.accept("verbose")
	}
	s.explain = !analyze
	s.begin()
}

// explainOptions reads (ANALYZE off, VERBOSE, FORMAT JSON) from behind its
// parenthesis. An option that may be ANALYZE and is not plainly off is on.
func (s *scanner) explainOptions(analyze *bool) bool {
	for s.kind != tokRParen {
		if s.atEnd() || s.kind == tokBad || s.kind == tokLParen {
			s.unknown()
			return false
		}
		option := s.is("analyze") || s.is("analyse") || s.kind == tokQuoted
		s.next()
		if option && !s.off() {
			*analyze = true
		}
		for s.kind != tokComma && s.kind != tokRParen {
			if s.atEnd() || s.kind == tokBad || s.kind == tokLParen {
				s.unknown()
				return false
			}
			s.next()
		}
		if s.kind == tokComma {
			s.next()
		}
	}
	s.next()
	return true
}

// off reports whether the token is a false value.
func (s *scanner) off() bool {
	text := s.text()
	if s.kind == tokString && len(text) > 2 && text[0] == '\'' {
		text = text[1 : len(text)-1]
	}
	return equalFold("off", text) || equalFold("false", text) || text == "0"
}

func (s *scanner) explainMySQL(w *wordEntry) {
	analyze := false
	for {
		switch {
		case s.accept("extended"), s.accept("partitions"):
			continue
		case s.is("analyze"):
			s.next()
			analyze = true
			continue
		case s.is("format"):
			s.next()
			if !s.isOp('=') {
				s.describe()
				return
			}
			s.next()
			if !s.acceptValue() {
				s.unknown()
				return
			}
			continue
		case s.accept("into"):
			if s.kind != tokVar {
				s.unknown()
				return
			}
			s.apply(effUserVar, "user variable (EXPLAIN INTO @)")
			s.next()
			continue
		case s.accept("for"):
			if (s.accept("schema") || s.accept("database")) && s.acceptValue() {
				continue
			}
			s.apply(effPrimary, "session of this server (EXPLAIN FOR CONNECTION)")
			s.skip()
			return
		}
		break
	}
	if s.kind == tokLParen || s.kind == tokWord && (s.word.start == startQuery || s.word.start == startDML) {
		s.explain = !analyze
		s.begin()
		return
	}
	if analyze || s.atEnd() {
		s.unknown()
		return
	}
	s.describe()
}

// describe reads the rest of DESCRIBE table.
func (s *scanner) describe() {
	if s.rank == 0 {
		s.st.Reason = reasonPlainRead
	}
	for ; !s.atEnd(); s.next() {
		switch s.kind {
		case tokWord, tokQuoted, tokString, tokDot:
			if s.kind != tokWord || s.word.start != startQuery && s.word.start != startDML {
				continue
			}
		}
		s.unknown()
		return
	}
}

// analyze reads ANALYZE TABLE, and ANALYZE statement of MariaDB, which
// executes it.
func (s *scanner) analyze(w *wordEntry) {
	if s.is("table") || s.is("tables") || s.is("local") || s.is("no_write_to_binlog") {
		s.apply(w.startEff, w.startReason)
		s.skip()
		return
	}
	if s.r.lang != langMariaDB {
		s.unknown()
		return
	}
	if s.accept("format") {
		if !s.isOp('=') {
			s.unknown()
			return
		}
		if s.next(); !s.acceptValue() {
			s.unknown()
			return
		}
	}
	if s.kind == tokLParen || s.kind == tokWord && (s.word.start == startQuery || s.word.start == startDML) {
		s.begin()
		return
	}
	s.unknown()
}

// show reads SHOW.
func (s *scanner) show(w *wordEntry) {
	s.st.Reason = reasonPlainRead
	if s.r.lang == langPostgres {
		text, plain := s.text(), true
		if s.kind == tokQuoted {
			text, plain = unquote(text)
		}
		id := s.settingEffect(text)
		if s.is("all") || !plain {
			id = effPrimary
		}
		s.apply(id, "setting that tells what the server may do")
		if s.atEnd() {
			s.unknown()
		}
		s.skip()
		return
	}
	for s.is("full") || s.is("extended") || s.is("global") || s.is("session") || s.is("local") {
		s.next()
	}
	var buf [maxNameLen]byte
	text := s.text()
	if s.kind != tokWord || len(text) > len(buf) {
		s.unknown()
		return
	}
	rule, ok := mysqlShow[string(fold(buf[:0], text))]
	if !ok {
		s.apply(effPrimary, "state of one server (SHOW)")
		s.body(bodyLoose)
		return
	}
	s.next()
	if equalFold("variables", text) {
		if s.is("like") {
			s.showVariables()
			return
		}
		saved := s.lexer
		if s.accept("where") && s.showVariablesWhere() {
			return
		}
		s.lexer = saved
	}
	s.apply(rule.effect, rule.reason)
	if s.rank == 0 && (s.atEnd() || equalFold("grants", text) || equalFold("create", text)) {
		s.body(bodyLoose)
		return
	}
	s.body(bodyQuery)
}

// showVariables reads SHOW VARIABLES LIKE 'pattern' from behind LIKE.
func (s *scanner) showVariables() {
	s.next()
	text := s.text()
	if s.kind != tokString && s.kind != tokQuoted || len(text) > maxNameLen {
		s.unknown()
		return
	}
	s.variablePattern(text[1 : len(text)-1])
	s.next()
	if !s.atEnd() {
		s.unknown()
	}
}

// showVariablesWhere reads what is behind WHERE, if all that it does is to
// choose variables by their names: Variable_name = 'x' OR .. It reports whether
// that is so.
func (s *scanner) showVariablesWhere() bool {
	for {
		if !s.is("variable_name") && (s.kind != tokQuoted || s.text() != "`Variable_name`" && s.text() != "`variable_name`") {
			return false
		}
		s.next()
		switch {
		case s.isOp('='), s.is("like"):
			s.next()
			if !s.variableString() {
				return false
			}
		case s.accept("in") && s.kind == tokLParen:
			for s.kind != tokRParen {
				s.next() // the parenthesis or a comma
				if !s.variableString() || s.kind != tokComma && s.kind != tokRParen {
					return false
				}
			}
			s.next()
		default:
			return false
		}
		if s.atEnd() {
			return true
		}
		if !s.accept("or") {
			return false
		}
	}
}

// variableString reads a string that is the name of a variable, or a pattern of
// names.
func (s *scanner) variableString() bool {
	if s.kind != tokString || s.pos-s.start > maxNameLen {
		return false
	}
	s.variablePattern(s.src[s.start+1 : s.pos-1])
	s.next()
	return true
}

// variablePattern notes whether the answer holds a variable whose value must
// come from the primary.
func (s *scanner) variablePattern(pattern string) {
	for name, rule := range s.r.sysVars {
		if rule.effect != effNone && likeMatches(pattern, name) {
			s.apply(effPrimary, "setting that tells what the server may do")
			return
		}
	}
}

// likeMatches reports whether a pattern of LIKE may match the name of a system
// variable. What is not plain in such a pattern counts as a match: letters that
// a collation may take for others, and blanks, which it may not compare.
func likeMatches(pattern, name string) bool {
	p, n := 0, 0
	star, from := -1, 0 // behind the last %, and where it ended in name
	for n < len(name) {
		c := byte(0)
		if p < len(pattern) {
			c = pattern[p]
		}
		if c == '\\' && p+1 < len(pattern) && pattern[p+1] == '_' {
			p++ // with its backslash or not, it matches one byte at most
			c = '_'
		}
		switch {
		case c == '%':
			p++
			star, from = p, n
		case c == '_', isWordByte(c) && c < 0x80 && c|0x20 == name[n]|0x20:
			p, n = p+1, n+1
		case c != 0 && !(isWordByte(c) && c < 0x80):
			return true
		case star < 0:
			return false
		default:
			from++
			p, n = star, from
		}
	}
	for ; p < len(pattern); p++ {
		if isWordByte(pattern[p]) && pattern[p] < 0x80 {
			return false
		}
	}
	return true
}
