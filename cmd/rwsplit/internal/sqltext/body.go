package sqltext

import "bytes"

// body follows the words of a statement that defines a routine, a trigger or an
// event through BEGIN and END, between which statements have semicolons of
// their own. What it takes for a body by mistake is never closed, and then
// counts as any quote that is not.
type body struct {
	depth int // of BEGIN and CASE without their END

	kind  bodyKind
	words int
	last  string // the word right before, where it matters
}

type bodyKind int

const (
	bodyUnknown bodyKind = iota
	bodyCreate           // CREATE, and nothing yet that says what
	bodyRoutine          // BEGIN begins a body
	bodyNone
)

// headWords is how many words may stand between CREATE and what it creates:
// OR REPLACE DEFINER = app@host AGGREGATE.
const headWords = 8

// other is told of anything that is no word and no blank.
func (b *body) other() { b.last = "" }

func (b *body) word(text []byte, r rules) {
	if b.kind == bodyNone {
		return
	}
	w := ""
	if len(text) <= len("PROCEDURE") {
		w = string(bytes.ToUpper(text))
	}
	last := b.last
	b.last = w
	b.words++
	switch {
	case b.kind == bodyUnknown && w == "CREATE":
		b.kind = bodyCreate
	case b.kind == bodyUnknown && b.words == 1 && w == "BEGIN" && r.client:
	case b.kind == bodyUnknown && last == "BEGIN" && w == "NOT":
		// BEGIN NOT ATOMIC is MariaDB's block outside of routines.
		b.kind, b.depth = bodyRoutine, 1
	case b.kind == bodyUnknown, b.kind == bodyCreate && b.words > headWords:
		b.kind = bodyNone
	case b.kind == bodyCreate:
		switch w {
		case "FUNCTION", "PROCEDURE", "TRIGGER", "EVENT", "PACKAGE":
			b.kind = bodyRoutine
		}
	case w == "BEGIN":
		b.depth++
	case last == "END" && w == "CASE":
	case last == "END" && r.client && endsLoop(w):
		b.depth++ // what this END ends was not counted
	case w == "CASE" && b.depth > 0:
		b.depth++
	case w == "END" && b.depth > 0:
		b.depth--
	}
}

func endsLoop(w string) bool {
	switch w {
	case "IF", "LOOP", "WHILE", "REPEAT", "FOR":
		return true
	}
	return false
}
