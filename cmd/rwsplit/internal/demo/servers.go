package demo

import (
	"context"
	"strings"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/backends"
)

type trailKey struct{}

// trail collects what rwsplit decided for the statements of one context.
type trail struct{ decisions []rwsplit.Decision }

func withTrail(ctx context.Context) (context.Context, *trail) {
	t := new(trail)
	return context.WithValue(ctx, trailKey{}, t), t
}

// last is the decision that counts: what ran.
func (t *trail) last() rwsplit.Decision {
	if len(t.decisions) == 0 {
		return rwsplit.Decision{}
	}
	return t.decisions[len(t.decisions)-1]
}

// open dials nothing.
func open(cfg *rwsplit.Config) (*backends.Set, error) {
	cfg = cfg.Clone()
	cfg.OnRoute = func(ctx context.Context, d rwsplit.Decision) {
		if t, ok := ctx.Value(trailKey{}).(*trail); ok {
			t.decisions = append(t.decisions, d)
		}
	}
	return backends.Open(cfg)
}

// caughtUp returns which servers have everything that was written through
// rwsplit, as far as it knows.
func caughtUp(s *backends.Set) []bool {
	st := s.Connector.Stats()
	out := make([]bool, len(st.Backends))
	for i, b := range st.Backends {
		out[i] = b.Role == rwsplit.RolePrimary || b.CaughtUp > st.Writes
	}
	return out
}

// naiveBackend is where a splitter that looks at the first word only sends a
// text: reads to the first replica, everything else to the primary.
func naiveBackend(query string) int {
	if strings.HasPrefix(query, "SELECT") {
		return 1
	}
	return 0
}
