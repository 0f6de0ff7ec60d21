// Package sqltext cuts plain text into SQL statements: a statement is a group
// of lines, the last of which ends with a semicolon.
package sqltext

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// Group is one statement with its place.
type Group struct {
	// Text is the lines of the statement, the semicolon included, without
	// white space around it.
	Text string
	// Line is the number of its first line that is not blank, from 1.
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
	r       *bufio.Reader
	rules   rules
	line    int      // lines taken from r or pending so far
	pending [][]byte // lines to be read before r
	reread  int      // bytes given back so far
}

// NewReader returns a reader of the statements of r. dialect decides what a
// quote is.
func NewReader(r io.Reader, dialect string) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 64<<10), rules: rulesFor(dialect)}
}

// Next returns the next statement, or io.EOF. A semicolon that ends a line
// inside a string, a quoted name, a comment or a dollar-quoted body ends no
// statement; but if that quote is never closed, the first line that ends with
// a semicolon does, so that one broken statement does not swallow the rest.
func (r *Reader) Next() (Group, error) {
	for {
		g, err := r.next()
		if err != nil || g.Text != "" {
			return g, err
		}
	}
}

func (r *Reader) next() (Group, error) {
	var (
		lines [][]byte
		ahead int // bytes since the first line that ends with a semicolon
		s     = scanner{rules: r.rules}
		first = r.line + 1
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
				return r.firstEnded(lines, first), nil
			}
			return group(lines, first), nil
		}
		lines = append(lines, line)
		s.scan(line)
		if ahead > 0 || endsStatement(line) {
			ahead += len(line)
		}
		switch {
		case s.ended():
			return group(lines, first), nil
		case s.open() && ahead > 0 && (ahead > maxLookahead || r.reread > maxReread):
			return r.firstEnded(lines, first), nil
		}
	}
}

// firstEnded cuts lines after the first that ends with a semicolon and gives
// the rest back.
func (r *Reader) firstEnded(lines [][]byte, first int) Group {
	for i, line := range lines {
		if endsStatement(line) {
			rest := lines[i+1:]
			for _, l := range rest {
				r.reread += len(l)
			}
			if len(rest) > 0 {
				r.pending = append(append([][]byte(nil), rest...), r.pending...)
			}
			r.line -= len(rest)
			return group(lines[:i+1], first)
		}
	}
	return group(lines, first)
}

func endsStatement(line []byte) bool {
	return bytes.HasSuffix(bytes.TrimSpace(line), []byte{';'})
}

func group(lines [][]byte, first int) Group {
	for len(lines) > 0 && len(bytes.TrimSpace(lines[0])) == 0 {
		lines = lines[1:]
		first++
	}
	return Group{Text: string(bytes.TrimSpace(bytes.Join(lines, nil))), Line: first}
}

// readLine returns a line with its end, of any length.
func (r *Reader) readLine() ([]byte, error) {
	if len(r.pending) > 0 {
		line := r.pending[0]
		r.pending = r.pending[1:]
		r.line++
		return line, nil
	}
	line, err := r.r.ReadBytes('\n')
	if len(line) > 0 {
		r.line++
		return line, nil
	}
	return nil, err
}
