package table

import (
	"io"
	"strings"
)

// Column describes one column. Widths are fixed beforehand, so that rows can
// be printed as they come.
type Column struct {
	Title string
	// Width is the column's; 0 marks the one column that takes what is left.
	Width int
	// Right aligns to the right.
	Right bool
	// Wrap breaks long text into lines instead of cutting it.
	Wrap bool
}

// Cell is a coloured text.
type Cell struct {
	Text  string
	Color Color
}

// Text is a cell without colour.
func Text(text string) Cell { return Cell{Text: text} }

// Table prints rows to a writer as they come. The header comes with the first.
type Table struct {
	w       io.Writer
	style   Style
	columns []Column
	indent  string
	started bool
	err     error
}

// New returns a table of at most width columns of the screen.
func New(w io.Writer, style Style, width int, columns ...Column) *Table {
	t := &Table{w: w, style: style, columns: append([]Column(nil), columns...)}
	used, grow := 2*(len(columns)-1), -1
	for i, c := range t.columns {
		used += c.Width
		if c.Width == 0 {
			grow = i
		}
	}
	if grow >= 0 {
		t.columns[grow].Width = max(width-used, 10)
	}
	return t
}

// Indent moves the table to the right. To be called before the first row.
func (t *Table) Indent(n int) *Table {
	t.indent = strings.Repeat(" ", n)
	return t
}

// Row prints one row. The first error is kept for [Table.Err].
func (t *Table) Row(cells ...Cell) {
	if !t.started {
		t.started = true
		t.header()
	}
	t.row(cells)
}

// Err returns the first error of the writer.
func (t *Table) Err() error { return t.err }

func (t *Table) header() {
	titles := make([]Cell, len(t.columns))
	any := false
	for i, c := range t.columns {
		titles[i] = Cell{c.Title, Dim}
		any = any || c.Title != ""
	}
	if any {
		t.row(titles)
	}
}

func (t *Table) row(cells []Cell) {
	lines := make([][]string, len(t.columns))
	height := 1
	for i, c := range t.columns {
		text := ""
		if i < len(cells) {
			text = cells[i].Text
		}
		text = OneLine(text, 4*c.Width+200)
		if c.Wrap {
			lines[i] = Wrap(text, c.Width)
		} else {
			lines[i] = []string{Shorten(text, c.Width)}
		}
		height = max(height, len(lines[i]))
	}
	var b strings.Builder
	for l := range height {
		b.WriteString(t.indent)
		pending := 0 // blanks that are written only if something follows
		for i, c := range t.columns {
			if i > 0 {
				pending += 2
			}
			text := ""
			if l < len(lines[i]) {
				text = lines[i][l]
			}
			pad := max(c.Width-Width(text), 0)
			if c.Right {
				pending += pad
			}
			if text != "" {
				b.WriteString(strings.Repeat(" ", pending))
				pending = 0
				color := Plain
				if i < len(cells) {
					color = cells[i].Color
				}
				b.WriteString(t.style.Paint(color, text))
			}
			if !c.Right {
				pending += pad
			}
		}
		b.WriteByte('\n')
	}
	if _, err := io.WriteString(t.w, b.String()); err != nil && t.err == nil {
		t.err = err
	}
}
