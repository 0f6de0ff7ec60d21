package check

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
)

// Print writes the result for people.
func (r *Result) Print(w io.Writer, style table.Style, timeout time.Duration) error {
	width := min(max(style.Width, 80), table.DefaultWidth)
	columns := []table.Column{
		{Title: "server", Width: 9},
		{Title: "state", Width: 5},
		{Title: "role", Width: 12},
		{Title: "sessions", Width: 10},
		{Title: "answer", Width: 6, Right: true},
		{Title: "catches up", Width: 10, Right: true},
		{Title: "version"},
	}
	dial := width >= 90 // else there is no room for it
	if dial {
		columns = slices.Insert(columns, 4, table.Column{Title: "dial", Width: 6, Right: true})
	}
	t := table.New(w, style, width, columns...)
	for _, l := range r.Looks {
		name := table.Cell{Text: l.Name, Color: roleColor(l.Role)}
		if l.Err != nil {
			t.Row(name, table.Cell{Text: "down", Color: table.Bad})
			continue
		}
		state := table.Cell{Text: "ok", Color: table.Good}
		for _, f := range r.Findings {
			if f.Server == l.Name && f.Problem {
				state = table.Cell{Text: "bad", Color: table.Bad}
			} else if f.Server == l.Name && state.Text == "ok" {
				state = table.Cell{Text: "ok !", Color: table.Warn}
			}
		}
		cells := []table.Cell{
			name, state, table.Text(role(l)), table.Text(sessions(l, r.Config)),
			table.Text(short(l.Answer)), table.Text(catchesUp(l, r, timeout)), table.Text(Version(l.Server)),
		}
		if dial {
			cells = slices.Insert(cells, 4, table.Text(short(l.Dial)))
		}
		t.Row(cells...)
	}
	if t.Err() != nil {
		return t.Err()
	}
	fmt.Fprintln(w)
	for _, f := range merged(r.Findings) {
		mark := style.Paint(table.Warn, "!")
		if f.Problem {
			mark = style.Paint(table.Bad, "✗")
		}
		text := f.Text
		if f.Server != "" {
			text = f.Server + ": " + text
		}
		paragraph(w, mark+" ", "  ", text, width)
		if f.Next != "" {
			paragraph(w, "  → ", "    ", f.Next, width)
		}
	}
	if len(r.Findings) > 0 {
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintln(w, r.summary(style))
	return err
}

// merged says what holds for several servers once, and the problems first.
func merged(findings []Finding) []Finding {
	findings = slices.Clone(findings)
	slices.SortStableFunc(findings, func(a, b Finding) int {
		switch {
		case a.Problem == b.Problem:
			return 0
		case a.Problem:
			return -1
		}
		return 1
	})
	var out []Finding
	at := make(map[Finding]int)
	for _, f := range findings {
		key := f
		key.Server = ""
		if i, ok := at[key]; ok {
			out[i].Server += " and " + f.Server
			continue
		}
		at[key] = len(out)
		out = append(out, f)
	}
	for i := range out {
		if n := strings.Count(out[i].Server, " and "); n > 1 {
			out[i].Server = strings.Replace(out[i].Server, " and ", ", ", n-1)
		}
	}
	return out
}

// Version is the engine's name and version without the packager's additions.
func Version(s rwsplit.Server) string {
	number, _, _ := strings.Cut(s.Version, " ")
	number, _, _ = strings.Cut(number, "-")
	name := map[string]string{"postgres": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB", "sqlite": "SQLite"}[s.Dialect]
	return strings.TrimSpace(name + " " + number)
}

func paragraph(w io.Writer, first, rest, text string, width int) {
	for i, line := range table.Wrap(table.OneLine(text, 4000), width-len(rest)) {
		if i > 0 {
			first = rest
		}
		fmt.Fprintln(w, first+line)
	}
}

func (r *Result) summary(style table.Style) string {
	problems := r.Problems()
	advice := len(r.Findings) - problems
	if problems > 0 {
		return style.Paint(table.Bad, count(problems, "problem")) + tail(advice)
	}
	replicas := len(r.Looks) - 1
	if replicas == 0 {
		return style.Paint(table.Good, "no problem") + tail(advice)
	}
	return style.Paint(table.Good, "no problem: reads go to "+count(replicas, "replica")) + tail(advice)
}

func tail(advice int) string {
	if advice == 0 {
		return ""
	}
	return fmt.Sprintf(", %s to look at (!)", count(advice, "thing"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func roleColor(r rwsplit.Role) table.Color {
	if r == rwsplit.RoleReplica {
		return table.Replica
	}
	return table.Primary
}

// role is what the server says of itself.
func role(l Look) string {
	switch {
	case l.Server.Dialect == "sqlite":
		return "file"
	case l.Server.Dialect == "postgres" && l.Server.ReadOnly:
		return "standby"
	case l.Server.ReadOnly:
		return "read-only"
	case l.Server.Identity == "":
		return "unknown"
	}
	return "takes writes"
}

func sessions(l Look, cfg *rwsplit.Config) string {
	switch {
	case l.Role == rwsplit.RolePrimary, cfg.ReadOnlyReplicas == rwsplit.ToggleOff:
		return "read-write"
	case l.ReadOnlySession:
		return "read-only"
	}
	return "unknown"
}

func catchesUp(l Look, r *Result, timeout time.Duration) string {
	switch {
	case l.Role == rwsplit.RolePrimary:
		return "-"
	case !l.Positions || r.primary().Err != nil || !r.primary().Positions || !native(r.Config):
		return "unknown"
	case l.CaughtUp == 0:
		return "> " + timeout.String()
	}
	return short(l.CaughtUp)
}

// short writes a duration with two or three digits.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return strings.Replace(fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000), "0.0", "0.1", 1)
}
