package watch

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/backends"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
)

// Options say how to watch.
type Options struct {
	// Interval is the time between two looks.
	Interval time.Duration
	// Count ends the watch after so many looks. 0: when the context does.
	Count int
}

// window is how many looks the plots show, where there is room.
const window = 20

// Run watches until the context or the count ends it, which is no error. On a
// terminal it redraws one screen; elsewhere it prints a line per server and
// look.
func Run(ctx context.Context, w io.Writer, style table.Style, cfg *rwsplit.Config, o Options) error {
	cfg = cfg.Clone()
	cfg.OnRoute = noteRoute
	set, err := backends.Open(cfg)
	if err != nil {
		return err
	}
	defer set.Close()
	s := &sampler{
		set: set, dialect: backends.DialectName(cfg),
		timeout: max(o.Interval, 500*time.Millisecond),
		last:    make([]counter, len(set.Servers)),
	}
	v := &view{w: w, style: style, interval: o.Interval, what: loadQuery[s.dialect].what}
	if style.Terminal {
		fmt.Fprint(w, "\x1b[?25l\x1b[2J") // no cursor
		defer fmt.Fprint(w, "\x1b[?25h")
	}
	ticker := time.NewTicker(o.Interval)
	defer ticker.Stop()
	for n := 1; ; n++ {
		sample := s.sample(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := v.show(sample); err != nil {
			return err
		}
		if n == o.Count {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// view shows samples.
type view struct {
	w        io.Writer
	style    table.Style
	interval time.Duration
	what     string // that the servers count
	history  []Sample
}

func (v *view) show(s Sample) error {
	v.history = append(v.history, s)
	if len(v.history) > window {
		v.history = v.history[1:]
	}
	if !v.style.Terminal {
		return v.lines(s)
	}
	var frame strings.Builder
	v.screen(&frame, s)
	text := strings.ReplaceAll(frame.String(), "\n", "\x1b[K\n")
	_, err := io.WriteString(v.w, "\x1b[H"+text+"\x1b[J")
	return err
}

// lines are for logs and pipes.
func (v *view) lines(s Sample) error {
	var b strings.Builder
	for _, srv := range s.Servers {
		fmt.Fprintf(&b, "%s %s", s.At.Format("15:04:05.000"), srv.Name)
		if srv.Err != nil {
			fmt.Fprintf(&b, " down error=%q\n", backends.Brief(srv.Err))
			continue
		}
		fmt.Fprintf(&b, " %s answer=%s", stateWord(srv), srv.Answer.Round(10*time.Microsecond))
		if srv.Load >= 0 {
			fmt.Fprintf(&b, " %s/s=%.0f", v.what, srv.Load)
		}
		if srv.Role == rwsplit.RoleReplica {
			fmt.Fprintf(&b, " lag=%s", strings.TrimPrefix(lag(srv), ">"))
			if !srv.LagKnown && srv.Lag > 0 {
				b.WriteByte('+') // at least
			}
			if srv.Position != "" {
				fmt.Fprintf(&b, " position=%s", table.Shorten(srv.Position, 60))
			}
		}
		fmt.Fprintf(&b, " reads=%d", srv.Statements)
		if s.ReadErr == nil && s.Read.Backend.Index == srv.Index {
			fmt.Fprintf(&b, " here=%q", s.Read.Reason.String())
		}
		b.WriteByte('\n')
	}
	if s.ReadErr != nil {
		fmt.Fprintf(&b, "%s read error=%q\n", s.At.Format("15:04:05.000"), backends.Brief(s.ReadErr))
	}
	_, err := io.WriteString(v.w, b.String())
	return err
}

func (v *view) screen(w io.Writer, s Sample) {
	width := min(max(v.style.Width, 80), table.DefaultWidth)
	looks := min(window, (width-59)/2) // what the other columns leave
	fmt.Fprintf(w, "%s  %s\n\n", v.style.Paint(table.Bold, "rwsplit watch"),
		v.style.Paint(table.Dim, fmt.Sprintf("%s, every %v, plots of the last %d looks; Ctrl-C ends", s.At.Format("15:04:05"), v.interval, looks)))
	what := v.what
	if what == "" {
		what = "load"
	}
	t := table.New(w, v.style, width,
		table.Column{Title: "server", Width: 9},
		table.Column{Title: "state", Width: 7},
		table.Column{Title: what + "/s", Width: 14, Right: true},
		table.Column{Title: "", Width: looks},
		table.Column{Title: "lag", Width: 9, Right: true},
		table.Column{Title: "", Width: looks},
		table.Column{Title: "answer", Width: 8, Right: true},
	)
	maxLoad, maxLag := v.tops()
	for i, srv := range s.Servers {
		color := table.Primary
		if srv.Role == rwsplit.RoleReplica {
			color = table.Replica
		}
		state := table.Cell{Text: stateWord(srv), Color: table.Good}
		if state.Text != "up" {
			state.Color = table.Warn
		}
		answer, load := srv.Answer.Round(10*time.Microsecond).String(), "-"
		if srv.Err != nil {
			state, answer = table.Cell{Text: "down", Color: table.Bad}, "-"
		}
		if srv.Load >= 0 {
			load = fmt.Sprintf("%.0f", srv.Load)
		}
		t.Row(table.Cell{Text: srv.Name, Color: color}, state,
			table.Text(load), table.Cell{Text: v.plot(looks, maxLoad, func(s Sample) float64 { return s.Servers[i].Load }), Color: color},
			table.Text(lag(srv)), table.Cell{Text: v.plot(looks, maxLag, func(s Sample) float64 { return lagSeconds(s.Servers[i]) }), Color: table.Warn},
			table.Text(answer))
	}
	fmt.Fprintln(w)
	if s.ReadErr != nil {
		fmt.Fprintf(w, "  a read now: %s\n", v.style.Paint(table.Bad, table.OneLine(backends.Brief(s.ReadErr), width)))
	} else {
		fmt.Fprintf(w, "  a read now runs on %s (%s)\n", s.Read.Backend.Name, s.Read.Reason)
	}
	var reads []string
	for _, srv := range s.Servers {
		reads = append(reads, fmt.Sprintf("%s %d", srv.Name, srv.Statements))
	}
	fmt.Fprintf(w, "  reads of this watch so far: %s\n", strings.Join(reads, ", "))
	for _, srv := range s.Servers {
		if srv.Err != nil {
			for _, l := range table.Wrap(table.OneLine(srv.Name+": "+backends.Brief(srv.Err), 500), width-2) {
				fmt.Fprintln(w, "  "+v.style.Paint(table.Bad, l))
			}
		}
	}
}

// stateWord is what rwsplit makes of a server that answers.
func stateWord(s ServerSample) string {
	switch s.State {
	case rwsplit.StateLagging, rwsplit.StateRefused:
		return string(s.State)
	}
	return "up"
}

func (v *view) tops() (load, lag float64) {
	for _, s := range v.history {
		for _, srv := range s.Servers {
			load, lag = max(load, srv.Load), max(lag, lagSeconds(srv))
		}
	}
	return load, lag
}

// plot draws one value of the last looks; gaps where there is none.
func (v *view) plot(looks int, top float64, value func(Sample) float64) string {
	levels := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, s := range v.history[max(len(v.history)-looks, 0):] {
		switch n := value(s); {
		case n < 0:
			b.WriteRune('·')
		case top <= 0:
			b.WriteRune(levels[0])
		default:
			b.WriteRune(levels[int(math.Round(n/top*float64(len(levels)-1)))])
		}
	}
	return b.String()
}

// lagSeconds is -1 where there is nothing to plot.
func lagSeconds(s ServerSample) float64 {
	if s.Role == rwsplit.RolePrimary || !s.LagKnown && s.Lag == 0 {
		return -1
	}
	return s.Lag.Seconds()
}

func lag(s ServerSample) string {
	switch {
	case s.Role == rwsplit.RolePrimary:
		return "-"
	case s.LagKnown:
		return s.Lag.Round(time.Millisecond).String()
	case s.Lag > 0:
		return ">" + s.Lag.Round(time.Millisecond).String()
	}
	return "unknown"
}
