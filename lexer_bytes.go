package rwsplit

// byteClass says how a token starts.
type byteClass uint8

const (
	byteBad byteClass = iota
	byteSpace
	byteLetter
	byteDigit
	bytePunct // one byte, one token: see punctKinds
	byteOp
	byteSingle
	byteDouble
	byteBacktick
	// The rest is for scanSpecial.
	byteDash
	byteHash
	byteSlash
	byteStar
	byteDotClass
	byteColon
	byteQuestion
	byteDollar
	byteAt
	byteNamed
	byteOpenBracket
)

// wordBytes holds the bytes of an identifier behind its first, in lower case:
// all engines agree on them. 0 is any other byte. Bytes from 0x80 on are parts
// of letters: texts that are not UTF-8 are refused before.
var wordBytes = func() (t [256]byte) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '$', c >= 0x80:
			t[c] = byte(c) | 0x20
		}
	}
	return t
}()

func isWordByte(c byte) bool { return wordBytes[c] != 0 }

var punctKinds = [128]tokenKind{
	'(': tokLParen,
	')': tokRParen,
	'[': tokLBracket,
	']': tokRBracket,
	',': tokComma,
	';': tokSemicolon,
	'{': tokLBracket,
	'}': tokRBracket,
}

// newByteTable returns the classes that all engines share, changed by set:
// pairs of bytes and their class.
func newByteTable(set map[byteClass]string) *[256]byteClass {
	t := new([256]byteClass)
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 0x80:
			t[c] = byteLetter
		case c >= '0' && c <= '9':
			t[c] = byteDigit
		}
	}
	common := map[byteClass]string{
		byteSpace:    " \t\n\r\f\v",
		bytePunct:    "(),;",
		byteOp:       "+<>=~!%^&|",
		byteSingle:   "'",
		byteDouble:   `"`,
		byteDash:     "-",
		byteSlash:    "/",
		byteStar:     "*",
		byteDotClass: ".",
		byteColon:    ":",
		byteQuestion: "?",
	}
	for _, m := range []map[byteClass]string{common, set} {
		for class, bytes := range m {
			for i := range len(bytes) {
				t[bytes[i]] = class
			}
		}
	}
	return t
}

// https://www.postgresql.org/docs/17/sql-syntax-lexical.html
var postgresBytes = newByteTable(map[byteClass]string{
	byteOp:     "@#?",
	bytePunct:  "[]",
	byteDollar: "$",
})

// https://dev.mysql.com/doc/refman/8.4/en/language-structure.html
// https://mariadb.com/kb/en/identifier-names/
var mysqlBytes = newByteTable(map[byteClass]string{
	byteBacktick: "`",
	byteHash:     "#",
	byteAt:       "@",
	bytePunct:    "{}", // {d '2020-01-01'}
	byteDollar:   "$",  // a leading $ is a name in old versions and a quote in new ones
})

// https://www.sqlite.org/lang_expr.html, https://www.sqlite.org/lang_keywords.html
var sqliteBytes = newByteTable(map[byteClass]string{
	byteBacktick:    "`",
	byteNamed:       ":@$",
	byteOpenBracket: "[",
	byteBad:         "\v",
})

var genericBytes = newByteTable(map[byteClass]string{
	byteBacktick: "`",
})
