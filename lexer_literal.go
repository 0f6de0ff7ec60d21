package rwsplit

import "strings"

// scanPrefixed reads strings whose prefix changes how they are read: E'..',
// U&'..' and U&"..". It reports whether there was one.
func (l *lexer) scanPrefixed(pos, i int) bool {
	src := l.src
	if l.rules.careful && src[i] == '\'' {
		// Q'[..]' of Oracle, E'..' and others: unless the prefix is a word.
		if i-pos < 4 {
			l.bad(false)
			return true
		}
		return false
	}
	if !l.rules.escapeStrings || i-pos != 1 {
		return false
	}
	switch {
	case src[i] == '\'' && src[pos]|0x20 == 'e':
		l.kind = tokString
		l.scanQuote(i+1, '\'', true, 0)
		l.eEnd = l.pos
		return true
	case src[i] == '&' && src[pos]|0x20 == 'u' && i+1 < len(src) && src[i+1] == '\'':
		l.kind = tokString
		l.scanQuote(i+2, '\'', l.rules.escapeSingle, lexEscapeSingle)
		return true
	case src[i] == '&' && src[pos]|0x20 == 'u' && i+1 < len(src) && src[i+1] == '"':
		l.kind = tokQuoted
		l.scanQuote(i+2, '"', false, 0)
		return true
	}
	return false
}

// scanQuote reads up to the closing quote. flag is raised when a backslash
// stands right before a quote: with and without escapes the string ends
// elsewhere.
func (l *lexer) scanQuote(pos int, quote byte, escapes bool, flag lexFlags) {
	src := l.src
	for from := pos; ; {
		n := strings.IndexByte(src[pos:], quote)
		if n < 0 {
			l.bad(true)
			return
		}
		q := pos + n
		if q > from && src[q-1] == '\\' {
			i := q - 1
			for i > from && src[i-1] == '\\' {
				i--
			}
			if (q-i)%2 == 1 {
				l.flags |= flag
				if escapes {
					pos, from = q+1, q+1
					continue
				}
			}
		}
		if q+1 < len(src) && src[q+1] == quote {
			pos, from = q+2, q+2
			continue
		}
		l.pos = q + 1
		break
	}
	if l.rules.careful && strings.IndexByte(src[l.start:l.pos], '\\') >= 0 {
		l.bad(false)
		return
	}
	if l.inExec && (strings.Contains(l.text(), "*/") || strings.Contains(l.text(), "/*")) {
		l.flags |= lexExecMany
	}
}

// scanNumber reads a number, or in MySQL an identifier that starts with a
// digit. Digits that run into letters are read differently by different
// versions ("1for update"), so they are bad.
func (l *lexer) scanNumber(pos int) {
	src := l.src
	l.kind = tokNumber
	i := digitsEnd(src, pos+1)
	if (i == len(src) || src[i] != '.' && !isWordByte(src[i])) && (src[pos] != '0' || i != pos+2) {
		l.pos = i // nearly all numbers
		return
	}
	i = pos
	if src[i] == '0' && i+1 < len(src) && strings.IndexByte("xXbBoO", src[i+1]) >= 0 {
		for i += 2; i < len(src) && (isHex(src[i]) || src[i] == '_'); i++ {
		}
		l.endNumber(pos, i, i > pos+2)
		return
	}
	for i < len(src) && (isDigit(src[i]) || src[i] == '_' && i+1 < len(src) && isDigit(src[i+1]) && !l.rules.digitNames) {
		i++
	}
	whole := i // end of the digits before . and e
	if i < len(src) && src[i] == '.' {
		i = digitsEnd(src, i+1)
	}
	if i < len(src) && src[i]|0x20 == 'e' {
		j := i + 1
		if j < len(src) && (src[j] == '+' || src[j] == '-') {
			j++
		}
		if end := digitsEnd(src, j); end > j {
			i, whole = end, -1
		}
	}
	l.endNumber(pos, i, i != whole)
}

// endNumber ends a number at i. number says that its form is not that of the
// start of an identifier.
func (l *lexer) endNumber(pos, i int, number bool) {
	src := l.src
	l.pos = i
	if i >= len(src) || !isWordByte(src[i]) {
		if !number && src[pos] == '0' && i == pos+2 {
			l.bad(false)
		}
		return
	}
	if number || !l.rules.digitNames {
		l.bad(false)
		return
	}
	for i < len(src) && isWordByte(src[i]) {
		i++
	}
	l.pos, l.kind, l.word, l.hash = i, tokWord, &noWord, hashWord(src[pos:i])
}

// scanDollar reads $1 and $tag$..$tag$.
func (l *lexer) scanDollar(pos int) {
	src := l.src
	i := pos + 1
	if !l.rules.dollarQuotes {
		l.bad(false) // $1(2) of MySQL calls a function
		return
	}
	if i < len(src) && isDigit(src[i]) {
		i = digitsEnd(src, i)
		if i < len(src) && isWordByte(src[i]) {
			l.bad(false)
			return
		}
		l.pos, l.kind = i, tokParam
		return
	}
	for i < len(src) && isWordByte(src[i]) && src[i] != '$' {
		i++
	}
	if i >= len(src) || src[i] != '$' {
		l.bad(true)
		return
	}
	tag := src[pos : i+1]
	n := strings.Index(src[i+1:], tag)
	if n < 0 {
		l.bad(true)
		return
	}
	l.pos, l.kind = i+1+n+len(tag), tokString
}

// scanVar reads @v, @'v' and @@v.
func (l *lexer) scanVar(pos int) {
	src := l.src
	i := pos + 1
	l.kind = tokVar
	if i < len(src) && src[i] == '@' {
		l.kind = tokSysVar
		i++
	}
	if i < len(src) && (src[i] == '`' || l.kind == tokVar && (src[i] == '\'' || src[i] == '"')) {
		escapes, flag := false, lexFlags(0)
		switch src[i] {
		case '\'':
			escapes, flag = l.rules.escapeSingle, lexEscapeSingle
		case '"':
			escapes, flag = l.rules.escapeDouble, lexEscapeDouble
		}
		l.scanQuote(i+1, src[i], escapes, flag)
		return
	}
	for i < len(src) && (isWordByte(src[i]) || src[i] == '.' && l.kind == tokVar) {
		i++
	}
	l.pos = i
}

// scanNamed reads :name, @name and $name of SQLite. What may follow in its Tcl
// form, (..) and ::, is read differently by different builds.
func (l *lexer) scanNamed(pos int) {
	src := l.src
	i := pos + 1
	for i < len(src) && isWordByte(src[i]) {
		i++
	}
	if i == pos+1 || i < len(src) && (src[i] == '(' || src[i] == ':') {
		l.bad(false)
		return
	}
	l.pos, l.kind = i, tokParam
}

// digitsEnd returns the end of the digits from i on.
func digitsEnd(src string, i int) int {
	for i < len(src) && isDigit(src[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isHex(c byte) bool { return isDigit(c) || (c|0x20)-'a' <= 5 }
