package rwsplit

import (
	"strings"
	"unicode/utf8"
)

// textReader finds the tables in the texts of a catalog: views, triggers,
// routines. Where the language leaves something open, a text tells nothing.
type textReader struct {
	scan  tableScan
	rules []*languageRules
}

func newTextReader(ix *tableIndex, lang language) *textReader {
	r := &textReader{scan: tableScan{ix: ix}}
	if lang == langMySQLFamily {
		r.rules = []*languageRules{ruleSets[langMySQL](), ruleSets[langMariaDB]()}
	} else {
		r.rules = []*languageRules{ruleSets[lang]()}
	}
	return r
}

// read returns what a text names, and the changes for which it has words. It
// is not ok if it may touch anything.
func (r *textReader) read(text string, locals []string) (found []foundTable, verbs events, ok bool) {
	if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return nil, 0, false
	}
	for _, rules := range r.rules {
		t := &r.scan
		t.begin(rules, true)
		t.on = true
		l := lexer{src: text, rules: &rules.lex}
		for l.next(); l.kind != tokEOF; l.next() {
			if l.kind == tokBad {
				return nil, 0, false
			}
			t.see(&l)
		}
		t.finish(text, locals)
		if t.all || l.flags != 0 {
			return nil, 0, false
		}
		found = append(found, t.found[:t.n]...)
		verbs |= t.verbs
	}
	return found, verbs, true
}
