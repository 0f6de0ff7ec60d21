package rwsplit

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// Classify says where one SQL text may run. dialect is postgres, mysql,
// mariadb, sqlite or generic; any other name is read as generic. It does no
// I/O and never panics; whatever it does not understand belongs on the primary
// and counts as a write.
func Classify(dialect, query string) Statement {
	l, _ := languageOf(dialect)
	return classifyText(l, nil, query)
}

// classifyText is Classify with what a Connector knows.
func classifyText(l language, k *knowledge, query string) Statement {
	return classifyWith(l, k, query, nil)
}

// classifyTables also returns the tables that the text touches, in any of the
// ways in which it may be read. The knowledge must have tables.
func classifyTables(l language, k *knowledge, query string) (Statement, footprint) {
	t := tableScans.Get().(*tableScan)
	t.ix, t.sum = k.tables, footprint{}
	st := classifyWith(l, k, query, t)
	f := t.sum
	t.ix = nil
	tableScans.Put(t)
	return st, f
}

// tableScans are kept for use again: they are large, and the compiler does not
// see that they could live on the stack.
var tableScans = sync.Pool{New: func() any { return new(tableScan) }}

func classifyWith(l language, k *knowledge, query string, t *tableScan) Statement {
	var st Statement
	switch {
	case strings.IndexByte(query, 0) >= 0:
		st = unreadable("zero byte")
		t.give()
	case !utf8.ValidString(query):
		st = unreadable("text is not UTF-8")
		t.give()
	case l == langMySQLFamily:
		st = classifyReadings(ruleSets[langMySQL](), k, query, t)
		if st.Route != RoutePrimary || !st.Opaque {
			st = merge(st, classifyReadings(ruleSets[langMariaDB](), k, query, t))
		}
	default:
		st = classifyReadings(ruleSets[l](), k, query, t)
	}
	st.Hint = leadingHint(query)
	return st
}

// classifyReadings reads the text by the engine's defaults, and where settings
// or versions of the server make it read otherwise, that way too. The verdict
// holds under all of them.
func classifyReadings(r *languageRules, k *knowledge, query string, t *tableScan) Statement {
	if t == nil && r.plainRead(query, k) {
		return Statement{Route: RouteReplica, Reason: reasonPlainRead}
	}
	st, flags := scan(r, &r.lex, k, query, t)
	if flags&(lexExec|lexEscapeSingle|lexEscapeDouble) == 0 {
		return st
	}
	if r.lang == langPostgres { // standard_conforming_strings=off
		return mergeReading(st, &flags, r, &r.swapped, k, query, t)
	}
	if flags&lexExec != 0 {
		st = mergeReading(st, &flags, r, &r.skip, k, query, t)
	}
	if flags&lexEscapeDouble != 0 { // ANSI_QUOTES
		st = mergeReading(st, &flags, r, &r.plainDouble, k, query, t)
		if flags&lexExec != 0 {
			st = mergeReading(st, &flags, r, &r.skipPlainDouble, k, query, t)
		}
	}
	if flags&(lexEscapeSingle|lexEscapeDouble) != 0 { // NO_BACKSLASH_ESCAPES
		st = mergeReading(st, &flags, r, &r.plain, k, query, t)
		if flags&lexExec != 0 {
			st = mergeReading(st, &flags, r, &r.skipPlain, k, query, t)
		}
	}
	if flags&lexExecMany != 0 {
		// Which of several such comments are code depends on the version.
		st = merge(st, unreadable("executable comment"))
		t.give()
	}
	return st
}

// mergeReading merges the verdict on another reading of the text. A text that
// is a syntax error in that reading is refused by a server that reads so,
// before it executes anything of it.
func mergeReading(st Statement, flags *lexFlags, r *languageRules, lex *lexRules, k *knowledge, query string, t *tableScan) Statement {
	var sum footprint
	if t != nil {
		sum = t.sum
	}
	other, more := scan(r, lex, k, query, t)
	*flags |= more &^ lexSoftBad
	if more&lexSoftBad != 0 {
		if t != nil {
			t.sum = sum
		}
		return st
	}
	return merge(st, other)
}

// unreadable is the verdict on a text that can't be read.
func unreadable(reason string) Statement {
	return Statement{
		Writes: true,
		Pins:   true,
		Opaque: true,
		DDL:    true,
		Tx:     TxUnknown,
		State:  StateOpaque,
		Reason: reason,
	}
}

// merge returns a verdict that holds if either of two readings is right.
func merge(a, b Statement) Statement {
	if careful(b) > careful(a) {
		a, b = b, a
	}
	a.own = (a.own || a.Route != RoutePrimary) && (b.own || b.Route != RoutePrimary)
	if a.Route != b.Route {
		a.Route = RoutePrimary
	}
	if a.Tx != b.Tx {
		a.Tx = TxUnknown
	}
	a.Writes = a.Writes || b.Writes
	a.Pins = a.Pins || b.Pins
	a.Opaque = a.Opaque || b.Opaque
	a.DDL = a.DDL || b.DDL
	a.State |= b.State
	a.Clears &= b.Clears
	return a
}

// careful ranks verdicts; it decides whose reason is given.
func careful(st Statement) (n int) {
	if st.Route == RoutePrimary {
		n += 2
	} else if st.Route == RouteLast {
		n++
	}
	if st.Pins {
		n += 3
	}
	if st.Writes {
		n += 10
	}
	if st.Opaque {
		n += 10
	}
	return n
}

// leadingHint reads /* rwsplit:primary */ and /* rwsplit:replica */ at the
// start of the text.
func leadingHint(query string) CommentHint {
	i := skipSpace(query, 0)
	if !strings.HasPrefix(query[i:], "/*") {
		return HintNone
	}
	i = skipSpace(query, i+2)
	const prefix = "rwsplit:"
	if !strings.HasPrefix(query[i:], prefix) {
		return HintNone
	}
	i = skipSpace(query, i+len(prefix))
	hint := HintNone
	switch {
	case strings.HasPrefix(query[i:], "primary"):
		hint = HintPrimary
	case strings.HasPrefix(query[i:], "replica"):
		hint = HintReplica
	default:
		return HintNone
	}
	i = skipSpace(query, i+len("primary"))
	if !strings.HasPrefix(query[i:], "*/") {
		return HintNone
	}
	return hint
}

func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i]-'\t' <= '\r'-'\t') {
		i++
	}
	return i
}
