package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/sqltext"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
)

const classifyHelp = `usage: rwsplit classify -dialect D [-json] [-require ROUTE] [FILE ...]

Says for every SQL statement of the files, or of standard input, where the
driver runs it: on a replica, on the primary, or on the last server used. No
server is needed.

In plain text a statement is a group of lines of which the last ends with a
semicolon outside of strings, comments and the bodies of routines. DELIMITER
works as in MySQL's client. With -json every line of input is one JSON string
that holds one SQL text, and is answered at once by one line of output:

  {"route":"replica|primary|last","writes":bool,"pins":bool,"reason":"..."}

A line that is no JSON string is answered in the same way, as a text that nobody
understands, with "error":"..." besides.

Exit status: 0; 1 if a statement is not where -require wants it, an input line
was bad or a file can't be read; 2 for a mistake in the command line.
`

var (
	dialectNames = []string{"postgres", "mysql", "mariadb", "sqlite", "generic"}
	routeNames   = []string{"replica", "primary", "last"}
)

// verdict is one line of -json output.
type verdict struct {
	Route  string `json:"route"`
	Writes bool   `json:"writes"`
	Pins   bool   `json:"pins"`
	Reason string `json:"reason"`
	Error  string `json:"error,omitempty"`
}

// classifier is one run of the command.
type classifier struct {
	dialect string
	json    bool
	require string
	std     streams

	total, writes, pins int
	routes              map[string]int
	elsewhere           int // statements that are not where require wants them
	bad                 int // input lines that can't be read
}

func runClassify(ctx context.Context, args []string, std streams) error {
	c := classifier{std: std, routes: make(map[string]int)}
	fs := newFlags("classify", classifyHelp, std)
	fs.StringVar(&c.dialect, "dialect", "", "`D` is "+oneOf(dialectNames)+" (required)")
	fs.BoolVar(&c.json, "json", false, "read and write one JSON value a line")
	fs.StringVar(&c.require, "require", "", "fail unless every statement runs on `ROUTE` ("+oneOf(routeNames)+"), and show only those that don't;\nwith -json they are named on standard error")
	files, err := fs.parse(args)
	if err != nil {
		return err
	}
	switch {
	case c.dialect == "":
		return usageErrorf("-dialect is required: %s", oneOf(dialectNames))
	case !slices.Contains(dialectNames, c.dialect):
		return usageErrorf("-dialect %q is not %s", c.dialect, oneOf(dialectNames))
	case c.require != "" && !slices.Contains(routeNames, c.require):
		return usageErrorf("-require %q is not %s", c.require, oneOf(routeNames))
	}
	done := make(chan error, 1)
	go func() { done <- c.run(files) }()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err() // nothing ends a read of standard input
	}
	if err != nil {
		return err
	}
	if c.bad > 0 || c.elsewhere > 0 {
		return errReported
	}
	return nil
}

func (c *classifier) run(files []string) error {
	if len(files) == 0 {
		files = []string{"-"}
	}
	style := table.StyleOf(c.std.out)
	out := bufio.NewWriterSize(c.std.out, 64<<10)
	err := c.files(files, out, style)
	if err == nil && !c.json {
		c.summary(out, style)
	}
	return errors.Join(err, out.Flush())
}

func (c *classifier) files(files []string, out *bufio.Writer, style table.Style) error {
	for i, name := range files {
		in := c.std.in
		if name != "-" {
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			defer f.Close()
			in = f
		} else if f, ok := in.(*os.File); ok && table.StyleOf(f).Terminal {
			fmt.Fprintln(c.std.err, "Reading SQL from the terminal: end a statement with ; and the input with Ctrl-D.")
		}
		if c.json {
			label := ""
			if len(files) > 1 {
				label = name + ": "
			}
			if err := c.jsonLines(in, out, label); err != nil {
				return err
			}
			continue
		}
		if len(files) > 1 {
			if i > 0 {
				fmt.Fprintln(out)
			}
			fmt.Fprintln(out, style.Paint(table.Bold, name))
		}
		if err := c.text(in, out, style); err != nil {
			return err
		}
	}
	return nil
}

// text prints a table of the statements of plain SQL.
func (c *classifier) text(in io.Reader, out *bufio.Writer, style table.Style) error {
	reasonWidth := 28
	if style.Width < table.DefaultWidth {
		reasonWidth = 20
	}
	tab := table.New(out, style, min(style.Width, 160),
		table.Column{Title: "line", Width: 5, Right: true, Wrap: true},
		table.Column{Title: "statement"},
		table.Column{Title: "route", Width: 7},
		table.Column{Title: "writes", Width: 6},
		table.Column{Title: "pins", Width: 4},
		table.Column{Title: "reason", Width: reasonWidth, Wrap: true},
	)
	r := sqltext.NewReader(in, c.dialect)
	for {
		g, err := r.Next()
		if errors.Is(err, io.EOF) {
			return tab.Err()
		}
		if err != nil {
			return err
		}
		s := rwsplit.Classify(c.dialect, g.Text)
		if c.count(s) && c.require != "" {
			continue
		}
		tab.Row(table.Text(strconv.Itoa(g.Line)), table.Text(strings.TrimSuffix(g.Text[g.Code:], ";")), routeCell(s.Route),
			yes(s.Writes), yes(s.Pins), table.Text(s.Reason))
		if r.Waits() {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		if tab.Err() != nil {
			return tab.Err()
		}
	}
}

// jsonLines answers every line, also the bad ones. An answer is held back only
// while the next line is already at hand.
func (c *classifier) jsonLines(in io.Reader, out *bufio.Writer, label string) error {
	r := bufio.NewReaderSize(in, 64<<10)
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if len(line) == 0 || err != nil && !errors.Is(err, io.EOF) {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		buf.Reset()
		if query, wrong := jsonString(line); wrong != "" {
			c.bad++
			err = enc.Encode(verdict{
				Route: rwsplit.RoutePrimary.String(), Writes: true, Pins: true, Reason: "bad input line",
				Error: fmt.Sprintf("%sline %d: %s", label, n, wrong),
			})
		} else {
			s := rwsplit.Classify(c.dialect, query)
			if !c.count(s) {
				fmt.Fprintf(c.std.err, "rwsplit classify: %sline %d: not on %s but on %s: %s\n", label, n, c.require, s.Route, s.Reason)
			}
			err = enc.Encode(verdict{Route: s.Route.String(), Writes: s.Writes, Pins: s.Pins, Reason: s.Reason})
		}
		if err == nil {
			_, err = out.Write(buf.Bytes())
		}
		if ahead, _ := r.Peek(r.Buffered()); err == nil && bytes.IndexByte(ahead, '\n') < 0 {
			err = out.Flush()
		}
		if err != nil {
			return err
		}
	}
}

// jsonString returns the string that line holds, or what is wrong with it.
func jsonString(line []byte) (s, wrong string) {
	if len(bytes.TrimSpace(line)) == 0 {
		return "", "empty, want a JSON string"
	}
	if !utf8.Valid(line) {
		// encoding/json would quietly put replacement characters in the SQL.
		return "", "not valid UTF-8"
	}
	var v any
	if err := json.Unmarshal(line, &v); err != nil {
		return "", "not JSON: " + err.Error()
	}
	s, ok := v.(string)
	if !ok {
		return "", "a JSON " + jsonKind(v) + ", want a string"
	}
	if strings.ContainsRune(s, utf8.RuneError) && loneSurrogate(line) {
		return "", "half of a surrogate pair, which no text has"
	}
	return s, ""
}

// loneSurrogate reports whether a valid JSON text has a \u escape that stands
// for no character: encoding/json puts a replacement character there.
func loneSurrogate(text []byte) bool {
	escape := func(i int) (unit rune, ok bool) {
		if i+6 > len(text) || text[i] != '\\' || text[i+1] != 'u' {
			return 0, false
		}
		n, err := strconv.ParseUint(string(text[i+2:i+6]), 16, 16)
		return rune(n), err == nil
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		unit, ok := escape(i)
		if !ok {
			i++
			continue
		}
		i += 5
		if !utf16.IsSurrogate(unit) {
			continue
		}
		low, _ := escape(i + 1)
		if utf16.DecodeRune(unit, low) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

func jsonKind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}

// count reports whether the statement is where it is required to be.
func (c *classifier) count(s rwsplit.Statement) bool {
	c.total++
	c.routes[s.Route.String()]++
	if s.Writes {
		c.writes++
	}
	if s.Pins {
		c.pins++
	}
	if c.require != "" && s.Route.String() != c.require {
		c.elsewhere++
		return false
	}
	return true
}

func (c *classifier) summary(out *bufio.Writer, style table.Style) {
	var routes []string
	for _, name := range routeNames {
		if n := c.routes[name]; n > 0 || name != "last" {
			routes = append(routes, fmt.Sprintf("%d %s", n, name))
		}
	}
	if c.total > c.elsewhere && c.require == "" || c.elsewhere > 0 {
		fmt.Fprintln(out)
	}
	statements := "statements"
	if c.total == 1 {
		statements = "statement"
	}
	fmt.Fprintf(out, "%d %s: %s; %d writing, %d pinning\n", c.total, statements, strings.Join(routes, ", "), c.writes, c.pins)
	switch {
	case c.require == "", c.total == 0:
	case c.elsewhere > 0:
		fmt.Fprintln(out, style.Paint(table.Bad, fmt.Sprintf("%d of %d not on %s as required", c.elsewhere, c.total, c.require)))
	default:
		fmt.Fprintln(out, style.Paint(table.Good, "all on "+c.require+" as required"))
	}
}

func routeCell(r rwsplit.Route) table.Cell {
	color := table.Plain
	switch r {
	case rwsplit.RouteReplica:
		color = table.Replica
	case rwsplit.RoutePrimary:
		color = table.Primary
	}
	return table.Cell{Text: r.String(), Color: color}
}

func yes(b bool) table.Cell {
	if b {
		return table.Cell{Text: "yes", Color: table.Warn}
	}
	return table.Cell{Text: "-", Color: table.Dim}
}

func oneOf(names []string) string {
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
