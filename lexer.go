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
	hash   uint32     // of its text, if word is set
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
			i, first, h := scanWord(src, pos)
			l.start, l.pos, l.kind = pos, i, tokWord
			if i < len(src) && (src[i] == '\'' || src[i] == '&') && l.scanPrefixed(pos, i) {
				return
			}
			l.word, l.hash = l.rules.words.lookup(h, first, src[pos:i]), h
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
		if isDigit(second) && (pos == 0 || !isWordByte(src[pos-1]) && src[pos-1] != '`' && src[pos-1] != '"') {
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
		l.pos, l.kind = digitsEnd(src, pos+1), tokParam
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
