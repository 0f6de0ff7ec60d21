// Package table prints aligned tables and coloured text that stay readable
// when they go to a file: no colour there, and never a control character that
// came from data.
package table

import (
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// Color is what a piece of text means; how that looks is decided here.
type Color string

// The colours, by meaning.
const (
	Plain   Color = ""
	Bold    Color = "1"
	Dim     Color = "2"
	Good    Color = "32"
	Warn    Color = "33"
	Bad     Color = "1;31"
	Primary Color = "35"
	Replica Color = "36"
)

// Style says how a writer is to be written to.
type Style struct {
	// Terminal reports that somebody is looking.
	Terminal bool
	// Color allows escape sequences.
	Color bool
	// Width is the number of columns; 100 where nothing is known.
	Width int
}

// DefaultWidth is the width of what is not a terminal, and the most that is
// used of one for text that a person reads.
const DefaultWidth = 100

// StyleOf looks at w. NO_COLOR (https://no-color.org) and TERM=dumb turn
// colours off.
func StyleOf(w io.Writer) Style {
	s := Style{Width: DefaultWidth}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return s
	}
	s.Terminal = true
	s.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		s.Width = width
	}
	return s
}

// Paint returns text in a colour, or unchanged where there are none.
func (s Style) Paint(c Color, text string) string {
	if !s.Color || c == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// OneLine makes any text fit for a table cell: white space becomes single
// blanks, and what could move the cursor or change colours becomes '?'. Only
// about the first limit characters are looked at.
func OneLine(text string, limit int) string {
	var b strings.Builder
	blank, n := false, 0
	for _, r := range text {
		if unicode.IsSpace(r) {
			blank = n > 0
			continue
		}
		if blank {
			b.WriteByte(' ')
			blank = false
			n++
		}
		if !unicode.IsPrint(r) {
			r = '?'
		}
		b.WriteRune(r)
		if n++; n > limit {
			break
		}
	}
	return b.String()
}

// Shorten cuts text to width columns, the last of which is then '…'.
func Shorten(text string, width int) string {
	if Width(text) <= width {
		return text
	}
	if width <= 1 {
		return "…"[:min(width, 1)*len("…")]
	}
	n := 0
	for i, r := range text {
		if n += runeWidth(r); n > width-1 {
			return strings.TrimRight(text[:i], " ") + "…"
		}
	}
	return text
}

// Wrap breaks text between words into lines of at most width columns; a
// word that is longer stands alone on its line.
func Wrap(text string, width int) []string {
	var lines []string
	line, n := "", 0
	for _, word := range strings.Fields(text) {
		w := Width(word)
		if n > 0 && n+1+w > width {
			lines = append(lines, line)
			line, n = "", 0
		}
		if n > 0 {
			line += " "
			n++
		}
		line += word
		n += w
	}
	return append(lines, line)
}
