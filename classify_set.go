package rwsplit

// set reads SET.
func (s *scanner) set(w *wordEntry) {
	switch {
	case s.r.lang == langPostgres:
		inTx := s.is("local") || s.is("transaction") || s.is("constraints")
		s.apply(effSetting, w.startReason)
		s.skip()
		if inTx && !s.broken { // nothing is left of it when the transaction ends
			s.st.Pins, s.st.State = true, 0
		}
		return
	case !s.r.lang.mysqlFamily():
		s.apply(effOpaqueTx, w.startReason)
		s.st.State |= StateSetting
		s.skip()
		return
	}
	switch {
	case s.is("role"), s.is("resource"), s.is("transaction"):
		s.apply(effSetting, w.startReason)
		s.skip()
	case s.is("default"):
		s.apply(effCommit, "write (SET DEFAULT ROLE)")
		s.skip()
	case s.is("statement") && s.r.lang == langMariaDB:
		s.next()
		s.setStatement()
	default:
		s.assignments(w)
	}
}

// setStatement reads SET STATEMENT v=x, .. FOR statement of MariaDB.
func (s *scanner) setStatement() {
	for depth, prev := 0, tokWord; depth > 0 || !s.is("for"); s.next() {
		switch s.kind {
		case tokLParen:
			depth++
		case tokRParen:
			depth--
		}
		call := s.kind == tokLParen && (prev == tokWord || prev == tokQuoted)
		if s.atEnd() || call || depth < 0 || s.kind == tokVar || s.kind == tokSysVar || s.kind == tokBad {
			s.unknown()
			return
		}
		prev = s.kind
	}
	s.next()
	s.begin()
}

// assignments reads the list of SET.
func (s *scanner) assignments(w *wordEntry) {
	for first := true; ; first = false {
		sc := scopeSession
		autocommit := false
		switch s.kind {
		case tokVar:
			s.apply(effUserVar, "user variable (SET @)")
			sc = scopeNone
			s.next()
		case tokSysVar:
			text := s.text()[2:]
			sc = max(scopeSession, variableScope(text))
			autocommit = s.variableName(text, variableScope(text) != scopeNone)
		case tokWord, tokQuoted:
			if s.is("names") || s.is("character") || s.is("charset") {
				s.apply(effSetting, w.startReason)
				for !s.atEnd() && s.kind != tokComma && s.kind != tokBad {
					s.next()
				}
				if s.kind != tokComma {
					return
				}
				s.next()
				continue
			}
			if s.is("password") {
				s.apply(effCommit, "write (SET PASSWORD)")
				s.skip()
				return
			}
			text := s.text()
			if vs := variableScope(text); vs != scopeNone && s.kind == tokWord {
				if s.next(); first && s.is("transaction") {
					s.setScope(vs, w)
					s.skip()
					return
				}
				sc, text = vs, s.text()
			}
			if !s.isName() {
				s.unknown()
				return
			}
			autocommit = s.variableName(text, false)
		default:
			s.unknown()
			return
		}
		if !s.isOp('=') && s.kind != tokAssign {
			s.unknown()
			return
		}
		s.next()
		s.setScope(sc, w)
		if autocommit && sc == scopeSession {
			s.autocommit()
		}
		s.stop = stopComma
		s.body(bodyQuery)
		s.stop = stopNone
		if s.broken || s.kind != tokComma {
			return
		}
		s.next()
	}
}

func (s *scanner) setScope(sc scope, w *wordEntry) {
	switch sc {
	case scopeSession:
		s.apply(effSetting, w.startReason)
	case scopeGlobal:
		s.apply(effWrite, "write (SET GLOBAL)")
	}
}

// variableName reads the name of a variable, whose first part is the current
// token, and reports whether it is autocommit. scoped says that the first part
// is the scope if a second one follows.
func (s *scanner) variableName(first string, scoped bool) bool {
	found := isAutocommit(first)
	s.next()
	for s.kind == tokDot {
		if s.next(); !s.isName() {
			return false // and no assignment follows
		}
		found = scoped && isAutocommit(s.text())
		scoped = false
		s.next()
	}
	return found
}

func isAutocommit(name string) bool {
	if len(name) > 0 && name[0] == '`' {
		name, _ = unquote(name)
	}
	return equalFold("autocommit", name)
}

// autocommit reads the value of autocommit without moving on. What is no
// literal can only be known from the server.
func (s *scanner) autocommit() {
	tx := TxUnknown
	text := s.text()
	if s.kind == tokString || s.kind == tokQuoted {
		text = text[1 : len(text)-1]
	}
	switch {
	case s.kind == tokNumber && text == "0", equalFold("off", text), s.kind == tokWord && equalFold("false", text):
		tx = TxAutocommitOff
	case s.kind == tokNumber && text == "1", equalFold("on", text), s.kind == tokWord && equalFold("true", text):
		tx = TxAutocommitOn
	}
	if next := s.peekKind(); next != tokEOF && next != tokComma && next != tokSemicolon || s.st.Tx != TxNone {
		tx = TxUnknown
	}
	s.st.Tx = tx
}
