package demo

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
)

// screen is where the story is told.
type screen struct {
	w     io.Writer
	style table.Style
	width int
	live  bool // a line is being rewritten
	rows  *table.Table
}

func newScreen(w io.Writer, style table.Style) *screen {
	return &screen{w: w, style: style, width: min(max(style.Width, 80), table.DefaultWidth)}
}

func (s *screen) line(text string) { fmt.Fprintln(s.w, text) }

// text prints a paragraph, moved in by indent.
func (s *screen) text(indent int, text string) {
	for _, l := range table.Wrap(text, s.width-indent) {
		s.line(strings.Repeat(" ", indent) + l)
	}
}

// code prints lines as they are.
func (s *screen) code(text string) {
	for l := range strings.Lines(text) {
		fmt.Fprint(s.w, "      ", s.style.Paint(table.Dim, strings.TrimSuffix(l, "\n")), "\n")
	}
}

func (s *screen) story(title, text string) {
	s.line("")
	s.line(s.style.Paint(table.Bold, title))
	if text != "" {
		s.text(2, text)
	}
	s.line("")
	s.rows = table.New(s.w, s.style, s.width-2,
		table.Column{Title: "statement", Wrap: true},
		table.Column{Title: "ran on", Width: 8},
		table.Column{Title: "because", Width: 24, Wrap: true},
		table.Column{Title: "answer", Width: 8},
		table.Column{Title: "naive", Width: 8},
	).Indent(2)
}

func backendCell(b rwsplit.Backend) table.Cell {
	color := table.Primary
	if b.Role == rwsplit.RoleReplica {
		color = table.Replica
	}
	return table.Cell{Text: b.Name, Color: color}
}

func (s *screen) row(r Row) {
	naive := table.Cell{Text: "same", Color: table.Dim}
	switch {
	case r.NaiveWrong():
		naive = table.Cell{Text: r.Naive + " ✗", Color: table.Bad}
	case r.Naive == "":
		naive.Text = "-"
	}
	s.rows.Row(table.Text(r.SQL), backendCell(r.Ran), table.Text(r.Reason), table.Text(r.Answer), naive)
}

// progress rewrites one line, on a terminal only.
func (s *screen) progress(text string) {
	if s.style.Terminal {
		s.live = true
		fmt.Fprint(s.w, "\r\x1b[K  ", s.style.Paint(table.Dim, table.Shorten(text, s.width-2)))
	}
}

// note ends the line that was rewritten.
func (s *screen) note(text string) {
	s.clear()
	for _, l := range table.Wrap(text, s.width-2) {
		s.line("  " + s.style.Paint(table.Dim, l))
	}
}

func (s *screen) clear() {
	if s.live {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.live = false
	}
}

func bar(done, total, width int) string {
	n := 0
	if total > 0 {
		n = width * min(done, total) / total
	}
	return strings.Repeat("█", n) + strings.Repeat("░", width-n)
}

func seconds(d time.Duration) string {
	return fmt.Sprintf("%.1f s", d.Seconds())
}
