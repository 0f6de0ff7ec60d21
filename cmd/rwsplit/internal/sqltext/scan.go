package sqltext

import "bytes"

// rules is what the dialects disagree about.
type rules struct {
	backslash bool // a backslash escapes in '...' and "..."
	backtick  bool // `...` is a quoted name
	hash      bool // # begins a comment
	dollar    bool // $tag$...$tag$ is a string
	nested    bool // /* */ nests
	spaceDash bool // -- needs white space after it
	client    bool // DELIMITER is a command of the client, /*! */ is code
}

func rulesFor(dialect string) rules {
	switch dialect {
	case "mysql", "mariadb":
		return rules{backslash: true, backtick: true, hash: true, spaceDash: true, client: true}
	case "postgres":
		return rules{dollar: true, nested: true}
	default:
		return rules{backtick: true}
	}
}

// delimiterCommand returns the delimiter that a line sets, or nil.
//
// See https://dev.mysql.com/doc/refman/8.4/en/mysql-commands.html
func (r rules) delimiterCommand(line []byte) []byte {
	words := bytes.Fields(line)
	if !r.client || len(words) < 2 || !bytes.EqualFold(words[0], []byte("DELIMITER")) {
		return nil
	}
	return words[1]
}

// scanner knows, line by line, whether it is inside something quoted, and
// whether the statement has ended.
type scanner struct {
	rules     rules
	delimiter []byte
	quote     byte   // ' " or ` while inside such a string, * in a comment, $ in a dollar quote
	escape    bool   // the string of quote knows backslash escapes
	tag       []byte // $tag$ of an open dollar quote
	depth     int    // of comments
	body      body

	scanned, lines   int  // bytes and lines so far
	codeAt, codeLine int  // where the statement begins behind its comments; -1 as long as it has not
	end              bool // nothing but white space and comments since the delimiter
	endAt            int  // where that is
}

// open reports whether the text ends inside a string, a comment or the body of
// a routine.
func (s *scanner) open() bool { return s.quote != 0 || s.body.depth > 0 }

// ended reports whether the text ends with the delimiter.
func (s *scanner) ended() bool { return s.end && !s.open() }

func (s *scanner) scan(line []byte) {
	defer func() { s.scanned, s.lines = s.scanned+len(line), s.lines+1 }()
	for i := 0; i < len(line); {
		switch s.quote {
		case 0:
			i = s.plain(line, i)
		case '*':
			i = s.comment(line, i)
		case '$':
			j := bytes.Index(line[i:], s.tag)
			if j < 0 {
				return
			}
			i += j + len(s.tag)
			s.quote = 0
		default:
			i = s.str(line, i)
		}
	}
}

func (s *scanner) plain(line []byte, i int) int {
	c := line[i]
	switch {
	case c == ' ' || c >= '\t' && c <= '\r':
		return i + 1
	case bytes.HasPrefix(line[i:], s.delimiter):
		s.end, s.endAt = true, s.scanned+i
		s.body.other()
		return i + len(s.delimiter)
	case c == '-' && i+1 < len(line) && line[i+1] == '-' &&
		(!s.rules.spaceDash || i+2 == len(line) || line[i+2] <= ' '):
		return len(line)
	case c == '#' && s.rules.hash:
		return len(line)
	case c == '/' && i+1 < len(line) && line[i+1] == '*':
		if s.rules.client && executable(line[i+2:]) {
			s.code(i)
		}
		s.quote, s.depth = '*', 1
		return i + 2
	}
	s.code(i)
	switch {
	case c == '\'' || c == '"' || c == '`' && s.rules.backtick:
		s.quote = c
		s.escape = s.rules.backslash && c != '`' || s.rules.dollar && c == '\'' && escapePrefix(line[:i])
	case c == '$' && s.rules.dollar && !(i > 0 && wordByte(line[i-1])):
		if n := dollarTag(line[i:]); n > 0 {
			s.quote, s.tag = '$', append([]byte(nil), line[i:i+n]...)
			return i + n
		}
	case wordByte(c):
		j := i + 1
		for j < len(line) && wordByte(line[j]) {
			j++
		}
		s.body.word(line[i:j], s.rules)
		return j
	}
	s.body.other()
	return i + 1
}

// code notes that there is code at i.
func (s *scanner) code(i int) {
	s.end = false
	if s.codeAt < 0 {
		s.codeAt, s.codeLine = s.scanned+i, s.lines
	}
}

// executable reports whether b goes on as /*! and /*M! do.
func executable(b []byte) bool {
	return bytes.HasPrefix(b, []byte{'!'}) || bytes.HasPrefix(b, []byte("M!"))
}

func (s *scanner) comment(line []byte, i int) int {
	for ; i+1 < len(line); i++ {
		switch {
		case line[i] == '*' && line[i+1] == '/':
			if s.depth--; s.depth == 0 {
				s.quote = 0
				return i + 2
			}
			i++
		case s.rules.nested && line[i] == '/' && line[i+1] == '*':
			s.depth++
			i++
		}
	}
	return len(line)
}

func (s *scanner) str(line []byte, i int) int {
	for ; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && s.escape:
			i++
		case c == s.quote:
			// A doubled quote closes and opens again: the same in the end.
			s.quote = 0
			return i + 1
		}
	}
	return len(line)
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// escapePrefix reports whether b ends with the E of PostgreSQL's E'...'.
func escapePrefix(b []byte) bool {
	n := len(b)
	return n > 0 && (b[n-1] == 'E' || b[n-1] == 'e') && !(n > 1 && wordByte(b[n-2]))
}

// dollarTag returns the length of the $tag$ that b begins with, or 0.
func dollarTag(b []byte) int {
	for i := 1; i < len(b); i++ {
		if b[i] == '$' {
			return i + 1
		}
		if !wordByte(b[i]) || i == 1 && b[i] >= '0' && b[i] <= '9' {
			return 0
		}
	}
	return 0
}
