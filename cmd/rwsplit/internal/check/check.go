package check

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/backends"
)

// Result is what a check found.
type Result struct {
	Looks    []Look
	Findings []Finding
	// Config is the one that was checked.
	Config *rwsplit.Config
}

// Finding is one thing that is wrong, or that one should know.
type Finding struct {
	// Server is the backend's name; empty where it concerns all.
	Server string
	// Problem reports that rwsplit can't do its job; the rest is advice.
	Problem bool
	Text    string
	// Next is what to do about it.
	Next string
	// final: nothing else that is said of the server matters.
	final bool
}

// Problems counts the findings that are problems.
func (r *Result) Problems() (n int) {
	for _, f := range r.Findings {
		if f.Problem {
			n++
		}
	}
	return n
}

// Run looks at every server of cfg, at once, and for at most about twice the
// timeout.
func Run(ctx context.Context, cfg *rwsplit.Config, timeout time.Duration) (*Result, error) {
	probe := cfg.Clone()
	// Whatever the application wants of it, here the replicas are to be watched.
	probe.Consistency, probe.Reads, probe.Fallback, probe.Wait = rwsplit.Process, rwsplit.ReadsReplica, rwsplit.FallbackPrimary, 0
	set, err := backends.Open(probe)
	if err != nil {
		return nil, err
	}
	defer set.Close()

	r := &Result{Looks: make([]Look, len(set.Servers)), Config: cfg}
	dialect, ok := rwsplit.DialectByName(backends.DialectName(cfg))
	if !ok {
		dialect, _ = rwsplit.DialectByName("generic")
	}
	readOnly := cfg.ReadOnlyReplicas != rwsplit.ToggleOff
	lookAtAll := func() {
		set.Each(ctx, timeout, func(ctx context.Context, i int, srv backends.Server) {
			r.Looks[i] = look(ctx, srv, dialect, readOnly)
		})
	}
	lookAtAll()
	if i := r.promoted(); i > 0 {
		set.Servers[0].Role, set.Servers[i].Role = rwsplit.RoleReplica, rwsplit.RolePrimary
		lookAtAll()
	}
	if native(cfg) {
		// Heartbeats would be writes.
		r.follow(ctx, set, timeout)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.judge(timeout)

	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r.advise(set.Connector.Check(ctx))
	return r, nil
}

func native(cfg *rwsplit.Config) bool {
	return cfg.Position == rwsplit.PositionNative || cfg.Position == ""
}

// primary is the server that has this role now.
func (r *Result) primary() Look {
	for _, l := range r.Looks {
		if l.Role == rwsplit.RolePrimary {
			return l
		}
	}
	return r.Looks[0]
}

// promoted returns the only server that takes writes, where that makes it the
// primary although the DSN says otherwise; else 0.
func (r *Result) promoted() (index int) {
	if r.Config.Roles != rwsplit.RolesAuto {
		return 0
	}
	for i, l := range r.Looks {
		switch {
		case l.Err != nil || l.Server.ReadOnly || l.Server.Identity == "":
		case i == 0 || index > 0:
			return 0
		default:
			index = i
		}
	}
	return index
}

// follow waits until rwsplit's tracker knows that the replicas have what the
// primary had when it was first asked, and notes how long each took.
func (r *Result) follow(ctx context.Context, set *backends.Set, timeout time.Duration) {
	looks, primary := r.Looks, r.primary()
	waiting := false
	for _, l := range looks {
		waiting = waiting || l.Role == rwsplit.RoleReplica && l.Err == nil && l.Positions
	}
	if !waiting || primary.Err != nil || !primary.Positions {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := time.Now()
	// A read is what sets the tracker going.
	var one int
	if err := set.DB.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return
	}
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for waiting {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		waiting = false
		for i, b := range set.Connector.Stats().Backends {
			switch l := &looks[i]; {
			case l.Role == rwsplit.RolePrimary || l.Err != nil || !l.Positions || l.CaughtUp != 0:
			case b.Role == rwsplit.RoleReplica && b.CaughtUp > 0:
				l.CaughtUp = time.Since(start)
			default:
				waiting = true
			}
		}
	}
}

// advise adds what rwsplit itself has to say, but for servers of which the
// worst is known.
func (r *Result) advise(sentences []string) {
	done := make(map[string]bool)
	for _, f := range r.Findings {
		if f.final {
			done[f.Server] = true
		}
	}
	for _, s := range sentences {
		server, text, ok := strings.Cut(s, ": ")
		if !ok || done[server] {
			continue
		}
		if strings.HasPrefix(text, "read_only is OFF") && r.writable(server) {
			continue
		}
		text, next, _ := strings.Cut(text, "; ")
		if next == "" {
			next = nextFor(errors.New(text))
		}
		r.Findings = append(r.Findings, Finding{Server: server, Problem: grave(text), Text: text, Next: next})
	}
}

// writable reports whether it was said that the replica takes writes.
func (r *Result) writable(server string) bool {
	for _, f := range r.Findings {
		if f.Server == server && strings.HasPrefix(f.Text, "takes writes") {
			return true
		}
	}
	return false
}
