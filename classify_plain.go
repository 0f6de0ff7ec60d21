package rwsplit

import "strings"

// The short way to the verdict on most reads. It has no rule of its own: which
// words it passes follows from the word tables (wordEntry.calm and calmCall), and
// tests hold it against the scanner, text by text.

const reasonPlainRead = "plain read"

// maxPlainName is below every engine's nameLimit: longer names are cut.
const maxPlainName = 60

// plainRead reports whether the scanner would find a plain read in a text, and
// nothing that other readings read differently. It takes a SELECT of words that
// do nothing wherever they stand, built-in functions that are safe, and literals
// without escapes. false says nothing about the text, and is returned wherever a
// name may be that of a relation which a replica can't serve.
func (r *languageRules) plainRead(src string, k *knowledge) bool {
	lex := &r.lex
	if lex.careful {
		return false
	}
	var known *hashSet
	if k != nil {
		known = k.hashes
	}
	pos, ok := 0, true
	for pos < len(src) {
		if c := src[pos]; lex.bytes[c] == byteSpace {
			pos++
		} else if c != '/' && c != '-' {
			break
		} else if pos, ok = plainComment(src, pos); !ok {
			return false
		}
	}
	if !prefixed(src[pos:], "select") {
		return false
	}
	pos += len("select")
	if pos < len(src) && isWordByte(src[pos]) {
		return false
	}
	var (
		bytes = lex.bytes
		words = lex.words
		local = len(r.localPrefix) > 0
		depth = 0
		prev  = tokOp   // the kind of the token before: as if, for a value follows
		word  = &noWord // and what it means, if a word
	)
	for pos < len(src) {
		c := src[pos]
		second := byte(0)
		if pos+1 < len(src) {
			second = src[pos+1]
		}
		switch bytes[c] {
		case byteSpace:
			pos++
		case byteLetter:
			end, first, h := scanWord(src, pos)
			if end < len(src) && (src[end] == '\'' || src[end] == '&') {
				return false // E'..', U&'..', N'..'
			}
			text := src[pos:end]
			w := words.lookup(h, first, text)
			if !w.calm || local && maybeLocal(c, len(text)) && r.localRelation(text) {
				return false
			}
			if known != nil && (len(text) > maxPlainName || known.has(h)) {
				return false
			}
			if prev == tokDot {
				w = &noWord
			}
			pos, prev, word = end, tokWord, w
		case byteDigit:
			end := digitsEnd(src, pos+1)
			if c == '0' && end > pos+1 {
				return false
			}
			if end < len(src) && src[end] == '.' {
				end = digitsEnd(src, end+1)
			}
			if end < len(src) && (isWordByte(src[end]) || src[end] == '.') {
				return false
			}
			pos, prev = end, tokNumber
		case bytePunct:
			switch c {
			case '(':
				if prev == tokWord && !word.calmCall || prev == tokQuoted || prev == tokNumber || depth == maxDepth {
					return false
				}
				depth++
				prev = tokLParen
			case ')':
				if depth == 0 {
					return false
				}
				depth--
				prev = tokRParen
			case ',':
				prev = tokComma
			default:
				return c == ';' && pos == len(src)-1 && depth == 0
			}
			pos++
		case byteSingle, byteDouble, byteBacktick:
			n := strings.IndexByte(src[pos+1:], c)
			if n < 0 {
				return false
			}
			text := src[pos+1 : pos+1+n]
			end := pos + n + 2
			if strings.IndexByte(text, '\\') >= 0 || end < len(src) && src[end] == c || local && r.localQuoted(text) || r.ownSchema(text) != nil {
				return false
			}
			pos, prev = end, tokQuoted
			if c == '\'' {
				prev = tokString
			} else if known != nil && (n == 0 || n > maxPlainName || known.has(hashWord(text))) {
				return false
			}
		case byteDotClass:
			if isDigit(second) {
				return false
			}
			pos, prev = pos+1, tokDot
		case byteColon:
			if second != ':' {
				return false
			}
			pos, prev = pos+2, tokCast
		case byteQuestion, byteDollar:
			end := digitsEnd(src, pos+1)
			if end < len(src) && isWordByte(src[end]) || c == '$' && (end == pos+1 || !lex.dollarQuotes) {
				return false
			}
			pos, prev = end, tokParam
		case byteSlash, byteDash:
			if second != '*' && second != '-' {
				pos, prev = pos+1, tokOp
			} else if pos, ok = plainComment(src, pos); !ok {
				return false
			}
		case byteOp, byteStar:
			pos, prev = pos+1, tokOp
		default:
			return false
		}
	}
	return depth == 0
}

// plainComment returns the end of the comment at pos, if it is one that every
// engine reads alike.
func plainComment(src string, pos int) (end int, ok bool) {
	text := src[pos+1:]
	switch {
	case src[pos] == '-' && strings.HasPrefix(text, "- "):
		end = len(src)
		if n := strings.IndexByte(text, '\n'); n >= 0 {
			end = pos + n + 2
		}
		if strings.IndexByte(src[pos:end], '\r') >= 0 {
			return pos, false
		}
		return end, true
	case src[pos] == '/' && strings.HasPrefix(text, "*"):
		n := strings.Index(text[1:], "*/")
		if n < 0 {
			return pos, false
		}
		body := text[1 : n+2] // with the star that ends it: where comments nest, /*/ begins another
		if body[0] == '!' || body[0] == 'M' || strings.Contains(body, "/*") {
			return pos, false // code, or nested
		}
		return pos + n + 4, true
	}
	return pos, false
}
