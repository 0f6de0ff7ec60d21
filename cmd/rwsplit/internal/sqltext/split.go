// Package sqltext cuts plain text into SQL statements: a statement is a group
// of lines, the last of which ends with a semicolon.
package sqltext

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
)

// Group is one statement with its place.
type Group struct {
	// Text is the lines of the statement, the semicolon included, without
	// white space around it. Another delimiter is no SQL, and left out.
	Text string
	// Code is where in Text the comments before the statement end.
	Code int
	// Line is the number of the line at Code, from 1.
	Line int
}

const (
	// maxLookahead bounds how far a quote may reach past a line that ends
	// with a semicolon before it is taken for a mistake.
	maxLookahead = 1 << 20
	// maxReread bounds what such mistakes may cost in all: past it every line
	// that ends with a semicolon ends a statement.
	maxReread = 8 << 20
)

// Reader reads statements.
type Reader struct {
	r         *bufio.Reader
	rules     rules
	delimiter []byte
	line      int      // lines taken from r or pending so far
	pending   [][]byte // lines to be read before r
	reread    int      // bytes given back so far
}

// NewReader returns a reader of the statements of r. dialect decides what a
// quote is.
func NewReader(r io.Reader, dialect string) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 64<<10), rules: rulesFor(dialect), delimiter: []byte{';'}}
}

// Next returns the next statement, or io.EOF. A semicolon that ends a line
// inside a string, a quoted name, a comment, a dollar-quoted body or the BEGIN
// and END of a routine ends no statement; but if that is never closed, the
// first line that ends with a semicolon does, so that one broken statement does
// not swallow the rest. Comments alone are no statement. The command DELIMITER
// of MySQL's client is followed.
func (r *Reader) Next() (Group, error) {
	for {
		g, err := r.next()
		if err != nil || g.Text != "" {
			return g, err
		}
	}
}

// Waits reports whether the next line has still to come.
func (r *Reader) Waits() bool {
	ahead, _ := r.r.Peek(r.r.Buffered())
	return len(r.pending) == 0 && bytes.IndexByte(ahead, '\n') < 0
}

// next returns a group without text for what is no statement.
func (r *Reader) next() (Group, error) {
	var (
		lines [][]byte
		ahead int // bytes since the first line that ends with a semicolon
		s     = scanner{rules: r.rules, delimiter: r.delimiter, codeAt: -1}
		first int
	)
	for {
		line, err := r.readLine()
		if err != nil && !errors.Is(err, io.EOF) {
			return Group{}, err
		}
		if err != nil {
			if len(lines) == 0 {
				return Group{}, io.EOF
			}
			if s.open() {
				return r.firstEnded(lines, first, s), nil
			}
			return group(lines, first, s), nil
		}
		if s.codeAt < 0 && !s.open() {
			if len(bytes.TrimSpace(line)) == 0 && len(lines) == 0 {
				continue
			}
			if d := r.rules.delimiterCommand(line); d != nil {
				r.delimiter = d
				return Group{}, nil
			}
		}
		if len(lines) == 0 {
			first = r.line
		}
		lines = append(lines, line)
		s.scan(line)
		if ahead > 0 || r.endsStatement(line) {
			ahead += len(line)
		}
		switch {
		case s.ended():
			return group(lines, first, s), nil
		case s.open() && ahead > 0 && (ahead > maxLookahead || r.reread > maxReread):
			return r.firstEnded(lines, first, s), nil
		}
	}
}

// firstEnded cuts lines after the first that ends with a semicolon and gives
// the rest back.
func (r *Reader) firstEnded(lines [][]byte, first int, s scanner) Group {
	s.end, s.codeAt = false, max(s.codeAt, 0) // broken, but not to be passed over
	for i, line := range lines {
		if r.endsStatement(line) {
			rest := lines[i+1:]
			for _, l := range rest {
				r.reread += len(l)
			}
			if len(rest) > 0 {
				r.pending = append(append([][]byte(nil), rest...), r.pending...)
			}
			r.line -= len(rest)
			cut := slices.Clone(lines[:i+1])
			if string(r.delimiter) != ";" {
				cut[i] = bytes.TrimSuffix(bytes.TrimRight(line, blanks), r.delimiter)
			}
			return group(cut, first, s)
		}
	}
	return group(lines, first, s)
}

func (r *Reader) endsStatement(line []byte) bool {
	return bytes.HasSuffix(bytes.TrimRight(line, blanks), r.delimiter)
}

// group makes a statement of the lines that s has scanned, or of the first of
// them; first is the number of the first one.
func group(lines [][]byte, first int, s scanner) Group {
	if s.codeAt < 0 {
		return Group{}
	}
	text := bytes.Join(lines, nil)
	if s.ended() && string(s.delimiter) != ";" {
		text = text[:s.endAt]
	}
	leading := len(text) - len(bytes.TrimLeft(text, blanks))
	g := Group{Text: string(bytes.Trim(text, blanks)), Code: max(s.codeAt-leading, 0), Line: first + s.codeLine}
	if g.Code >= len(g.Text) { // s has scanned more
		g.Code, g.Line = 0, first
	}
	return g
}

const blanks = " \t\n\v\f\r"

// readLine returns a line with its end, of any length.
func (r *Reader) readLine() ([]byte, error) {
	if len(r.pending) > 0 {
		line := r.pending[0]
		r.pending = r.pending[1:]
		r.line++
		return line, nil
	}
	line, err := r.r.ReadBytes('\n')
	if r.line == 0 {
		// What some editors put before the first line is no part of it.
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	if len(line) > 0 {
		r.line++
		return line, nil
	}
	return nil, err
}
