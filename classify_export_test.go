package rwsplit

import "slices"

// What the tests of the classifier see of its inside.

// ClassifyFamily classifies as for driver mysql before the server is known.
func ClassifyFamily(query string) Statement { return classifyText(langMySQLFamily, nil, query) }

// ClassifyKnowing classifies with what a Connector knows.
func ClassifyKnowing(dialect, query string, readFunctions, trusted, primaryOnly []string) Statement {
	l, _ := languageOf(dialect)
	return classifyText(l, newKnowledge(readFunctions, trusted, primaryOnly), query)
}

// RunsInReplicaTx reports whether a transaction on a replica runs the text, as
// a dialect reads it or, without one, as before the server is known.
func RunsInReplicaTx(dialect, query string) bool {
	l, ok := languageOf(dialect)
	if !ok {
		l = langMySQLFamily
	}
	st := classifyText(l, nil, query)
	return !mustBePrimaryInTx(&st)
}

// CachedClassify returns a caching classifier of a dialect and a function that
// tells how many bytes of text it holds.
func CachedClassify(dialect string) (classify func(string) Statement, held func() int) {
	l, _ := languageOf(dialect)
	return cached(newClassifier(l, nil))
}

// CachedClassifyFunc is CachedClassify for a third party's function.
func CachedClassifyFunc(fn func(string) Statement) (classify func(string) Statement, held func() int) {
	return cached(newClassifierFunc(fn))
}

func cached(c *classifier) (func(string) Statement, func() int) {
	classify := func(query string) Statement {
		st, _ := c.classify(query)
		return st
	}
	return classify, func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.bytes
	}
}

// LexToken is a token as the tests see it.
type LexToken struct {
	Text string
	Word bool // a name or keyword without quotes
}

// Tokens cuts a text as the lexer of a dialect does. ok is false if a part of
// it can't be read.
func Tokens(dialect, query string) (tokens []LexToken, ok bool) {
	l, _ := languageOf(dialect)
	s := lexer{src: query, rules: &ruleSets[l]().lex}
	for s.next(); s.kind != tokEOF; s.next() {
		if s.kind == tokBad {
			return tokens, false
		}
		tokens = append(tokens, LexToken{s.text(), s.kind == tokWord})
	}
	return tokens, true
}

// CountTokens returns how many tokens the lexer cuts a text into, and how many
// bytes they and the gaps between them cover.
func CountTokens(dialect, query string) (tokens, covered int) {
	l, _ := languageOf(dialect)
	s := lexer{src: query, rules: &ruleSets[l]().lex}
	for s.next(); s.kind != tokEOF; s.next() {
		tokens++
		if s.kind == tokBad {
			return tokens, len(query)
		}
	}
	return tokens, s.pos
}

// PlainRead says whether a text is taken for a plain read at first glance, and
// what the scanner says of it, given relations that a replica can't serve. same
// reports that no other reading is to be made.
func PlainRead(dialect, query string, primaryOnly ...string) (short bool, full Statement, same bool) {
	l, _ := languageOf(dialect)
	r := ruleSets[l]()
	know := newKnowledge(nil, nil, primaryOnly)
	full, flags := scan(r, &r.lex, know, query, nil)
	return r.plainRead(query, know), full, flags == 0
}

// PrimaryOnlyViews returns what is found to be for the primary only, given views
// by name and query, in a schema named s.
func PrimaryOnlyViews(dialect string, primaryOnly []string, views ...[2]string) []string {
	l, _ := languageOf(dialect)
	facts := catalogFacts{primaryOnly: primaryOnly}
	for _, v := range views {
		facts.views = append(facts.views, catalogView{schema: "s", name: v[0], query: v[1]})
	}
	return facts.primaryOnlyRelations(l)
}

// Words returns all words that the rules of a dialect name.
func Words(dialect string) (words []string) {
	l, _ := languageOf(dialect)
	for _, slot := range ruleSets[l]().words.slots {
		if slot.entry != nil {
			words = append(words, slot.entry.name)
		}
	}
	slices.Sort(words)
	return words
}
