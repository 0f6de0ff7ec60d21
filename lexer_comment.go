package rwsplit

import "strings"

// skipLine skips a comment up to the end of its line.
func (l *lexer) skipLine(pos int) bool {
	src := l.src
	if l.inExec {
		l.flags |= lexExecMany
	}
	end := len(src)
	if !l.rules.crEndsComment && !l.rules.careful {
		if n := strings.IndexByte(src[pos:], '\n'); n >= 0 {
			end = pos + n + 1
		}
	} else if n := strings.IndexAny(src[pos:], "\r\n"); n >= 0 {
		end = pos + n + 1
		if l.rules.careful && src[end-1] == '\r' && !strings.HasPrefix(src[end:], "\n") {
			l.bad(false)
			return true
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
	nest := l.rules.nestComments || l.rules.careful
	for depth := 1; depth > 0; {
		n := strings.IndexByte(src[body:], '*')
		if n < 0 {
			l.bad(l.rules.nestComments)
			return true
		}
		star := body + n
		switch {
		case nest && n > 0 && src[star-1] == '/': // also in /*/, which ends nothing
			if l.rules.careful {
				l.bad(false)
				return true
			}
			depth++
			body = star + 1
		case star+1 < len(src) && src[star+1] == '/':
			depth--
			body = star + 2
		default:
			body = star + 1
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
	i := digitsEnd(src, code)
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
