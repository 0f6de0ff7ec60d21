package rwsplit

import (
	"context"
	"time"
)

// hints is what a context says about routing. A context carries one pointer to
// all of it, so that a statement needs a single lookup.
type hints struct {
	route    hintRoute
	readOnly bool
	maxLag   time.Duration // 0: the Config's
	session  *session
	token    *handedToken // the last that was handed in
}

type hintRoute uint8

const (
	hintAny hintRoute = iota
	hintPrimary
	hintReplica
)

type hintsKey struct{}

var noHints hints

// hintsOf never returns nil.
func hintsOf(ctx context.Context) *hints {
	if h, ok := ctx.Value(hintsKey{}).(*hints); ok {
		return h
	}
	return &noHints
}

func withHints(ctx context.Context, change func(*hints)) context.Context {
	h := *hintsOf(ctx)
	change(&h)
	return context.WithValue(ctx, hintsKey{}, &h)
}

// WithPrimary returns a context whose reads run on the primary. A later
// [WithReplica] on top of it undoes it.
func WithPrimary(ctx context.Context) context.Context {
	return withHints(ctx, func(h *hints) { h.route = hintPrimary })
}

// WithReplica returns a context whose reads run on a replica even if it has
// not replayed what was written before: the read may be stale. It does not
// move what must run on the primary (writes, locking reads, statements that
// depend on session state), and it does not leave a transaction or a pinned
// scope. Replicas that are down do not count; if none is left, the fallback
// applies.
func WithReplica(ctx context.Context) context.Context {
	return withHints(ctx, func(h *hints) { h.route = hintReplica })
}

// WithReadOnly returns a context in which writes, and whatever may be one, are
// refused with [ErrReadOnly] before anything is sent.
func WithReadOnly(ctx context.Context) context.Context {
	return withHints(ctx, func(h *hints) { h.readOnly = true })
}
