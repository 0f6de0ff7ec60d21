package rwsplit

// call reads a name that a parenthesis follows. It reports whether it is that
// of a function.
func (s *scanner) call(n *name, loose bool) bool {
	e := n.word
	quoted := e == nil
	builtin := n.parts == 0
	if n.parts == 1 && s.r.qualifier != "" {
		builtin = s.nameIs(n.qual.start, n.qual.end, n.qual.quoted, s.r.qualifier) ||
			s.r.lang == langPostgres && s.nameIs(n.qual.start, n.qual.end, n.qual.quoted, "information_schema")
	}
	if quoted {
		e = &noWord
		if s.r.quotedCalls && builtin {
			e = s.quotedFunction(n)
		}
	}
	if builtin {
		switch e.call {
		case callSyntax:
			if n.parts == 0 && !quoted {
				return false
			}
		case callContext:
			if n.parts == 0 && !quoted && (n.operand || e.follows(n.before) && (s.st.Writes || !e.write)) {
				return false
			}
		case callOperator:
			if n.parts == 0 && !quoted && n.operand {
				s.operatorSchema()
				return false
			}
		case callSafe:
			return true
		case callSetting:
			s.settingArgument()
			return true
		case callEffect:
			s.apply(e.callEff, e.callReason)
			return true
		}
	}
	if loose {
		return true
	}
	if s.readFunction(n, quoted) {
		if s.tabs != nil {
			s.tabs.trusts(&s.lexer, span{n.start, n.end})
		}
		return true
	}
	if builtin && s.r.lang == langPostgres && prefixed(s.nameText(n.start, n.end, quoted), "pg_stat_get_") {
		s.apply(effPrimary, "statistics of one server")
		return true
	}
	s.apply(effOpaque, "unknown function")
	return true
}

// quotedFunction returns the built-in function that a quoted name stands for.
func (s *scanner) quotedFunction(n *name) *wordEntry {
	text, ok := unquote(s.src[n.start:n.end])
	if !ok {
		return &noWord
	}
	e := s.rules.words.find(text)
	if !s.r.quotedFold && e.name != text {
		return &noWord
	}
	return e
}

// operatorSchema reads the schema in OPERATOR (schema.+) without leaving the
// parenthesis. An operator is a function by another name.
func (s *scanner) operatorSchema() {
	saved := s.lexer
	s.next()
	if named := s.kind == tokWord || s.kind == tokQuoted; named && !s.nameIs(s.start, s.pos, s.kind == tokQuoted, s.r.qualifier) {
		s.apply(effOpaque, "unknown operator")
	}
	s.lexer = saved
}

// settingArgument reads the name in current_setting('name') without leaving
// the parenthesis.
func (s *scanner) settingArgument() {
	saved := s.lexer
	s.next()
	text := s.text()
	plain := s.kind == tokString && text[0] == '\''
	s.next()
	id := effPrimary
	if plain && (s.kind == tokRParen || s.kind == tokComma) {
		id = s.settingEffect(text[1 : len(text)-1])
	}
	s.apply(id, "setting that tells what the server may do")
	s.lexer = saved
}

// settingEffect says where the value of a setting must come from.
func (s *scanner) settingEffect(setting string) effectID {
	var buf [maxNameLen]byte
	if len(setting) > len(buf) {
		return effPrimary
	}
	name := fold(buf[:0], setting)
	if _, found := s.r.settings[string(name)]; found {
		return effPrimary
	}
	if _, found := s.r.ownSettings[string(name)]; found {
		return effOwn
	}
	return effNone
}

// sysVar reads @@v, @@scope.v, @@cache.v and stops at the last part.
func (s *scanner) sysVar() {
	s.sysVarRead(s.text()[2:])
	for {
		saved := s.lexer
		if s.next(); s.kind == tokDot {
			if s.next(); s.isName() {
				s.sysVarRead(s.text())
				continue
			}
		}
		s.lexer = saved
		return
	}
}

func (s *scanner) sysVarRead(text string) {
	if len(text) > 0 && text[0] == '`' {
		text, _ = unquote(text)
	}
	var buf [maxNameLen]byte
	if len(text) == 0 || len(text) > len(buf) {
		s.apply(effOpaque, "unknown system variable")
		return
	}
	for i := range len(text) {
		if text[i] >= 0x80 {
			s.apply(effOpaque, "unknown system variable")
			return
		}
	}
	if v, ok := s.r.sysVars[string(fold(buf[:0], text))]; ok {
		s.apply(v.effect, v.reason)
	}
}

// scope is where a system variable is set.
type scope uint8

const (
	scopeNone scope = iota
	scopeSession
	scopeGlobal
)

func variableScope(word string) scope {
	switch {
	case equalFold("session", word), equalFold("local", word):
		return scopeSession
	case equalFold("global", word), equalFold("persist", word), equalFold("persist_only", word):
		return scopeGlobal
	}
	return scopeNone
}

// fold appends s in lower case to dst.
func fold(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c-'A' <= 'Z'-'A' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// nameText returns the text of a name without its quotes.
func (s *scanner) nameText(start, end int, quoted bool) string {
	if !quoted {
		return s.src[start:end]
	}
	text, _ := unquote(s.src[start:end])
	return text
}

// nameIs reports whether a name is lower, which is in lower case.
func (s *scanner) nameIs(start, end int, quoted bool, lower string) bool {
	text := s.nameText(start, end, quoted)
	if quoted && !s.r.quotedFold {
		return text == lower
	}
	return equalFold(lower, text)
}

// folded appends a name to dst as the engine folds it. nil means that it is too
// long to be known or holds escapes.
func (s *scanner) folded(dst []byte, start, end int, quoted bool) []byte {
	text := s.src[start:end]
	if quoted {
		var ok bool
		if text, ok = unquote(text); !ok {
			return nil
		}
	}
	if s.r.nameLimit > 0 && len(text) > s.r.nameLimit {
		text = text[:s.r.nameLimit]
	}
	if len(text) == 0 || len(text) > maxNameLen {
		return nil
	}
	if quoted && !s.r.quotedFold {
		return append(dst, text...)
	}
	return fold(dst, text)
}

// readFunction reports whether a function is known to be safe on a replica.
func (s *scanner) readFunction(n *name, quoted bool) bool {
	if s.know == nil || n.parts > 1 {
		return false
	}
	var buf, qbuf [maxNameLen]byte
	f := s.folded(buf[:0], n.start, n.end, quoted)
	if f == nil {
		return false
	}
	if n.parts == 0 {
		return s.know.readFunction(nil, f)
	}
	q := s.folded(qbuf[:0], n.qual.start, n.qual.end, n.qual.quoted)
	return q != nil && s.know.readFunction(q, f)
}

// primaryOnly reports whether a name may be that of a relation which a replica
// can't serve.
func (s *scanner) primaryOnly(n *name) bool {
	var buf, qbuf [maxNameLen]byte
	quoted := n.word == nil
	f := s.folded(buf[:0], n.start, n.end, quoted)
	if f == nil {
		return quoted
	}
	if n.parts == 0 {
		return s.know.primaryOnly(nil, f)
	}
	q := s.folded(qbuf[:0], n.qual.start, n.qual.end, n.qual.quoted)
	if q == nil {
		return true
	}
	return s.know.primaryOnly(q, f)
}

// schemaRelation looks at a relation with its schema.
func (s *scanner) schemaRelation(n *name) {
	rule := s.r.ownSchema(s.nameText(n.qual.start, n.qual.end, n.qual.quoted))
	if rule == nil {
		return
	}
	var buf [maxNameLen]byte
	found := rule.names == nil
	if !found {
		_, found = rule.names[string(s.folded(buf[:0], n.start, n.end, n.word == nil))]
	}
	if found {
		s.apply(effPrimary, rule.reason)
	}
}
