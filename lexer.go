package rwsplit

import "strings"

// tokenKind is what the classifier needs to know about a token's form.
type tokenKind uint8

const (
	tokEOF       tokenKind = iota
	tokWord                // identifier or keyword without quotes
	tokQuoted              // "identifier", `identifier`, [identifier]; a "string" in MySQL
	tokString              // '..', $tag$..$tag$ and their kin
	tokNumber              // also 0x1F
	tokParam               // ?, $1, :name
	tokVar                 // @v of MySQL
	tokSysVar              // @@v of MySQL, with the first part of its name
	tokOp                  // one byte of an operator
	tokCast                // ::
	tokAssign              // :=
	tokLParen              // (
	tokRParen              // )
	tokLBracket            // [
	tokRBracket            // ]
	tokComma               // ,
	tokSemicolon           // ;
	tokDot                 // .
	tokBad                 // the engine can't read this either, or differently from us
)

// lexRules are the lexical rules of one language in one reading. Where the
// text alone does not fix the rules (server version, sql_mode), it is read
// once under each: see readings in classify.go.
type lexRules struct {
	bytes *[256]byteClass
	words *wordTable

	escapeSingle  bool // backslash escapes in '..'
	escapeDouble  bool // backslash escapes in ".."
	doubleString  bool // ".." may be a string
	nestComments  bool // /* /* */ */
	crEndsComment bool // a bare carriage return ends a -- comment
	dashSpace     bool // -- needs white space after it
	dollarQuotes  bool // $tag$..$tag$
	escapeStrings bool // E'..' and U&".."
	digitNames    bool // identifiers may start with a digit
	execComments  bool // /*! .. */ is code
	execMariaDB   bool // /*M! .. */ is code
	skipExec      bool // the reading in which such code is not executed
	careful       bool // whatever engines read differently is bad
}

// lexFlags tell what a text contained that other readings read differently.
type lexFlags uint8

const (
	lexEscapeSingle lexFlags = 1 << iota // a backslash right before a ' in '..'
	lexEscapeDouble                      // a backslash right before a " in ".."
	lexExec                              // an executable comment
	lexExecMany                          // several, or one that is hard to tell apart
	lexSoftBad                           // tokBad is a syntax error for the server too
)

// lexer cuts a text into tokens, one call of next for each. It allocates
// nothing and looks at each byte a bounded number of times.
type lexer struct {
	src   string
	rules *lexRules
	start int // of the token
	pos   int // end of the token
	kind  tokenKind
	flags lexFlags

	inExec bool       // inside an executable comment
	eEnd   int        // end of the last E'..' string: one that continues it is one too
	word   *wordEntry // of a tokWord
}

// text is the token's own text.
func (l *lexer) text() string { return l.src[l.start:l.pos] }

// next reads the next token.
func (l *lexer) next() {
	src, pos, bytes := l.src, l.pos, l.rules.bytes
	before := pos
	if pos < len(src) && src[pos] == ' ' {
		pos++ // by far the most frequent gap
	}
	for pos < len(src) {
		c := src[pos]
		switch class := bytes[c]; class {
		case byteSpace:
			pos++
			continue
		case byteLetter:
			h := uint32(0)
			i := pos
			for ; i < len(src) && wordByte[src[i]]; i++ {
				h = (h<<5 | h>>27) ^ uint32(src[i]|0x20)
			}
			l.start, l.pos, l.kind = pos, i, tokWord
			if i < len(src) && (src[i] == '\'' || src[i] == '&') && l.scanPrefixed(pos, i) {
				return
			}
			l.word = l.rules.words.lookup(h, src[pos:i])
			return
		case byteDigit:
			l.start = pos
			l.scanNumber(pos)
			return
		case bytePunct:
			l.start, l.pos, l.kind = pos, pos+1, punctKinds[c&0x7f]
			return
		case byteOp:
			l.start, l.pos, l.kind = pos, pos+1, tokOp
			return
		case byteSingle:
			l.start, l.kind = pos, tokString
			if before > 0 && l.eEnd == before {
				l.scanQuote(pos+1, '\'', true, 0)
				l.eEnd = l.pos
				return
			}
			l.scanQuote(pos+1, '\'', l.rules.escapeSingle, lexEscapeSingle)
			return
		case byteDouble:
			l.start, l.kind = pos, tokQuoted
			flag := lexEscapeDouble
			if !l.rules.doubleString {
				flag = 0
			}
			l.scanQuote(pos+1, '"', l.rules.escapeDouble, flag)
			return
		case byteBacktick:
			l.start, l.kind = pos, tokQuoted
			l.scanQuote(pos+1, '`', false, 0)
			return
		default:
			l.start, l.pos = pos, pos
			if l.scanSpecial(class) {
				return
			}
			pos = l.pos
		}
	}
	l.start, l.pos, l.kind = pos, pos, tokEOF
	if l.inExec {
		l.kind = tokBad
	}
}

// bad makes the token unreadable. soft says that the server can't read it
// either, so that the statement it is part of can't run anywhere.
func (l *lexer) bad(soft bool) {
	l.kind = tokBad
	if soft {
		l.flags |= lexSoftBad
	}
	l.pos = len(l.src)
}

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
	i := pos
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
		for i++; i < len(src) && isDigit(src[i]); i++ {
		}
	}
	if i < len(src) && src[i]|0x20 == 'e' {
		j := i + 1
		if j < len(src) && (src[j] == '+' || src[j] == '-') {
			j++
		}
		digits := j
		for j < len(src) && isDigit(src[j]) {
			j++
		}
		if j > digits {
			i, whole = j, -1
		}
	}
	l.endNumber(pos, i, i != whole)
}

// endNumber ends a number at i. number says that its form is not that of the
// start of an identifier.
func (l *lexer) endNumber(pos, i int, number bool) {
	src := l.src
	l.pos = i
	if i >= len(src) || !wordByte[src[i]] {
		if !number && src[pos] == '0' && i == pos+2 {
			l.bad(false)
		}
		return
	}
	if number || !l.rules.digitNames {
		l.bad(false)
		return
	}
	for i < len(src) && wordByte[src[i]] {
		i++
	}
	l.pos, l.kind, l.word = i, tokWord, &noWord
}

// scanSpecial reads what starts with a byte that means something else in every
// language. It reports whether it read a token; if not, it skipped a comment.
func (l *lexer) scanSpecial(class byteClass) bool {
	src, pos := l.src, l.pos
	c := src[pos]
	second := byte(0)
	if pos+1 < len(src) {
		second = src[pos+1]
	}
	switch class {
	case byteDash:
		if second != '-' {
			break
		}
		if third := pos + 2; third < len(src) && (l.rules.dashSpace || l.rules.careful) && src[third] > ' ' && src[third] != 0x7f {
			if l.rules.careful {
				l.bad(false)
				return true
			}
			break
		}
		return l.skipLine(pos + 2)
	case byteHash:
		return l.skipLine(pos + 1)
	case byteSlash:
		if second == '*' {
			return l.skipComment(pos)
		}
	case byteStar:
		if second == '/' && l.inExec {
			l.inExec = false
			l.pos = pos + 2
			return false
		}
	case byteDotClass:
		if isDigit(second) && (pos == 0 || !wordByte[src[pos-1]] && src[pos-1] != '`' && src[pos-1] != '"') {
			l.scanNumber(pos)
			return true
		}
		l.pos, l.kind = pos+1, tokDot
		return true
	case byteColon:
		switch {
		case second == ':' && !l.rules.careful:
			l.pos, l.kind = pos+2, tokCast
		case second == '=':
			l.pos, l.kind = pos+2, tokAssign
		default:
			l.pos, l.kind = pos+1, tokOp
		}
		return true
	case byteQuestion:
		i := pos + 1
		for i < len(src) && isDigit(src[i]) {
			i++
		}
		l.pos, l.kind = i, tokParam
		return true
	case byteDollar:
		l.scanDollar(pos)
		return true
	case byteAt:
		l.scanVar(pos)
		return true
	case byteNamed:
		l.scanNamed(pos)
		return true
	case byteOpenBracket:
		l.kind = tokQuoted
		n := strings.IndexByte(src[pos:], ']')
		if n < 0 {
			l.bad(true)
			return true
		}
		l.pos = pos + n + 1
		return true
	default:
		// \N is NULL in MariaDB, so not every backslash is an error there.
		l.bad(c == '\\' && second|0x20 != 'n')
		return true
	}
	l.pos, l.kind = pos+1, tokOp
	return true
}

// skipLine skips a comment up to the end of its line.
func (l *lexer) skipLine(pos int) bool {
	src := l.src
	if l.inExec {
		l.flags |= lexExecMany
	}
	end := len(src)
	if n := strings.IndexByte(src[pos:], '\n'); n >= 0 {
		end = pos + n + 1
	}
	if l.rules.crEndsComment || l.rules.careful {
		if n := strings.IndexByte(src[pos:end], '\r'); n >= 0 {
			if l.rules.careful && pos+n+2 != end {
				l.bad(false)
				return true
			}
			end = pos + n + 1
		}
	}
	l.pos = end
	return false
}

// skipComment skips /* .. */, or enters it if it is code.
func (l *lexer) skipComment(pos int) bool {
	src := l.src
	if l.inExec {
		l.flags |= lexExecMany
	}
	body := pos + 2
	if l.rules.execComments && body < len(src) {
		code := 0
		if src[body] == '!' {
			code = body + 1
		} else if l.rules.execMariaDB && src[body] == 'M' && body+1 < len(src) && src[body+1] == '!' {
			code = body + 2
		}
		if code > 0 {
			return l.enterComment(code)
		}
	}
	if l.rules.careful && body < len(src) && (src[body] == '!' || src[body] == 'M' || src[body] == '+') {
		l.bad(false)
		return true
	}
	for depth := 1; ; {
		n := strings.Index(src[body:], "*/")
		if n < 0 {
			l.bad(false)
			return true
		}
		if l.rules.nestComments || l.rules.careful {
			if m := strings.Index(src[body:body+n], "/*"); m >= 0 {
				if l.rules.careful {
					l.bad(false)
					return true
				}
				depth++
				body += m + 2
				continue
			}
		}
		body += n + 2
		if depth--; depth == 0 {
			break
		}
	}
	l.pos = body
	return false
}

// enterComment reads the start of an executable comment. code is the place
// after the exclamation mark.
func (l *lexer) enterComment(code int) bool {
	src := l.src
	if l.flags&lexExec != 0 {
		l.flags |= lexExecMany
	}
	l.flags |= lexExec
	i := code
	for i < len(src) && isDigit(src[i]) {
		i++
	}
	if n := i - code; n != 0 && n != 5 && !(n == 6 && i < len(src) && src[i] == ' ') {
		l.flags |= lexExecMany
	}
	if l.rules.skipExec {
		n := strings.Index(src[i:], "*/")
		if n < 0 {
			l.bad(false)
			return true
		}
		l.pos = i + n + 2
		return false
	}
	l.inExec = true
	l.pos = i
	return false
}

// scanDollar reads $1 and $tag$..$tag$.
func (l *lexer) scanDollar(pos int) {
	src := l.src
	i := pos + 1
	if i < len(src) && isDigit(src[i]) {
		for i < len(src) && isDigit(src[i]) {
			i++
		}
		if i < len(src) && wordByte[src[i]] {
			l.bad(false)
			return
		}
		l.pos, l.kind = i, tokParam
		return
	}
	if !l.rules.dollarQuotes {
		l.bad(false)
		return
	}
	for i < len(src) && wordByte[src[i]] && src[i] != '$' {
		i++
	}
	if i >= len(src) || src[i] != '$' {
		l.bad(false)
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
	for i < len(src) && (wordByte[src[i]] || src[i] == '.' && l.kind == tokVar) {
		i++
	}
	l.pos = i
}

// scanNamed reads :name, @name and $name of SQLite. What may follow in its Tcl
// form, (..) and ::, is read differently by different builds.
func (l *lexer) scanNamed(pos int) {
	src := l.src
	i := pos + 1
	for i < len(src) && wordByte[src[i]] {
		i++
	}
	if i == pos+1 || i < len(src) && (src[i] == '(' || src[i] == ':') {
		l.bad(false)
		return
	}
	l.pos, l.kind = i, tokParam
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isHex(c byte) bool { return isDigit(c) || (c|0x20)-'a' <= 5 }
