package rwsplit_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// fakeReply is what a server answers to one text.
type fakeReply struct {
	err        error // of Exec and Query
	prepareErr error
	sets       []fakeSet
	result     driver.Result
}

// fakeSet is one result set.
type fakeSet struct {
	cols []string
	rows [][]driver.Value
	err  error // after the last row, in place of io.EOF
}

// fakeError is a server's error: callers must see the very value.
type fakeError struct{ Code string }

func (e *fakeError) Error() string { return "fakedb: " + e.Code }

var (
	errFakeIsolation = &fakeError{"isolation level not supported"}
	errFakeReadOnly  = &fakeError{"read-only: statement refused"}
	errFakeMissing   = &fakeError{"no such table"}
	errFakeConflict  = &fakeError{"cancelled in favour of replay"}
	errFakeShutdown  = &fakeError{"shutting down"}
	errFakeLost      = &fakeError{"connection lost"}
	errFake          = &fakeError{"division by zero"}
)

func (s *fakeServer) replyTo(query string) fakeReply {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replies[query]
}

func (s *fakeServer) add(n *int, d int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n += d
}

// run is what Exec and Query have in common.
func (c *fakeConn) run(query string, args []driver.NamedValue) (fakeReply, error) {
	r := c.s.replyTo(query)
	if r.err != nil {
		return r, r.err
	}
	if want := countPlaceholders(query); len(args) != want {
		return r, &fakeError{fmt.Sprintf("got %d arguments, want %d", len(args), want)}
	}
	switch word, _, _ := strings.Cut(query, " "); strings.ToUpper(word) {
	case "BEGIN":
		c.textTx = true
	case "COMMIT", "ROLLBACK":
		c.textTx = false
	case "SET":
		c.settings = append(c.settings, query)
	case "SELECT":
	default:
		if c.s.readOnly || c.s.standby.Load() || c.readOnly {
			return r, errFakeReadOnly
		}
	}
	return r, nil
}

func (c *fakeConn) exec(query string, args []driver.NamedValue) (driver.Result, error) {
	r, err := c.run(query, args)
	if err != nil {
		return nil, err
	}
	for _, a := range args {
		if out, ok := a.Value.(sql.Out); ok {
			*out.Dest.(*string) = "out of " + query
		}
	}
	if r.result != nil {
		return r.result, nil
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.lastID++
	return fakeResult{id: c.s.lastID, n: int64(len(args))}, nil
}

func (c *fakeConn) query(query string, args []driver.NamedValue) (driver.Rows, error) {
	r, err := c.run(query, args)
	if err != nil {
		return nil, err
	}
	sets := r.sets
	if len(sets) == 0 {
		set := fakeSet{cols: []string{"server"}, rows: [][]driver.Value{{c.s.name}}}
		if len(args) > 0 {
			set = fakeSet{rows: [][]driver.Value{nil}}
			for i, a := range args {
				set.cols = append(set.cols, fmt.Sprintf("a%d%s", i+1, a.Name))
				set.rows[0] = append(set.rows[0], a.Value)
			}
		}
		sets = []fakeSet{set}
	}
	c.s.add(&c.s.rows, 1)
	c.rows.Add(1)
	return c.s.shape.wrapRows(&fakeRows{c: c, query: query, sets: sets}), nil
}

type fakeResult struct{ id, n int64 }

func (r fakeResult) LastInsertId() (int64, error) { return r.id, nil }
func (r fakeResult) RowsAffected() (int64, error) { return r.n, nil }

// countPlaceholders counts each ?, and each of $1, $2 and :name once.
func countPlaceholders(query string) int {
	n, seen := 0, map[string]bool{}
	for i, r := range query {
		switch r {
		case '?':
			n++
		case '$', ':':
			name := query[i+1:]
			end := strings.IndexFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
			if end >= 0 {
				name = name[:end]
			}
			if name != "" && !seen[name] {
				seen[name] = true
				n++
			}
		}
	}
	return n
}

func named(args []driver.Value) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, v := range args {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out
}

func formatArgs(args []driver.NamedValue) string {
	if len(args) == 0 {
		return ""
	}
	parts := make([]string, len(args))
	for i, a := range args {
		if out, ok := a.Value.(sql.Out); ok {
			a.Value = fmt.Sprintf("out %T", out.Dest)
		}
		parts[i] = fmt.Sprintf("%d%s=%T:%v", a.Ordinal, a.Name, a.Value, a.Value)
	}
	return "[" + strings.Join(parts, " ") + "]"
}

func isolationName(l driver.IsolationLevel) string { return sql.IsolationLevel(l).String() }

// Arguments that fakeCheck treats in ways of their own.
type (
	fakeOwn    struct{ N int }   // the driver knows this type
	fakeRemove struct{}          // the driver takes it out of the arguments
	fakeRefuse struct{}          // the driver refuses it
	fakeValuer struct{ V any }   // a driver.Valuer
	fakeFailer struct{ E error } // a driver.Valuer that fails
)

func (v fakeValuer) Value() (driver.Value, error) { return v.V, nil }
func (v fakeFailer) Value() (driver.Value, error) { return nil, v.E }

var errFakeArgument = &fakeError{"argument refused"}

// fakeCheck is the NamedValueChecker of connections and statements.
func fakeCheck(nv *driver.NamedValue) error {
	switch v := nv.Value.(type) {
	case fakeOwn:
		nv.Value = fmt.Sprintf("own %d", v.N)
	case fakeRemove:
		return driver.ErrRemoveArgument
	case fakeRefuse:
		return errFakeArgument
	case sql.Out, string:
	default:
		return driver.ErrSkip
	}
	return nil
}

// fakeConverter is the ColumnConverter of statements: numbers become text.
type fakeConverter struct{}

func (fakeConverter) ConvertValue(v any) (driver.Value, error) {
	if _, ok := v.(fakeRefuse); ok {
		return nil, errors.New("fakedb: the converter refuses that")
	}
	v, err := driver.DefaultParameterConverter.ConvertValue(v)
	if n, ok := v.(int64); ok {
		return fmt.Sprintf("converted %d", n), err
	}
	return v, err
}
