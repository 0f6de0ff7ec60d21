package rwsplit

import (
	"context"
	"sync"
	"time"
)

// gate counts the physical connections to one backend, those that are still
// being closed included, so that a pool never has more of them than it has
// pooled connections, although closing happens off the caller's path.
type gate struct {
	mu      sync.Mutex    // protects following fields; nothing slow runs under it
	n       int           // connections that are open, being dialled or being closed
	closing int           // those of n that are being closed
	freed   chan struct{} // closed when n goes down; nil if nobody waits
}

// enter waits until there is room for one more connection, at most patience:
// a server that does not let go of a connection must not stop the pool.
func (g *gate) enter(ctx context.Context, limit func() int64, patience time.Duration) error {
	var timer *time.Timer
	for {
		g.mu.Lock()
		if int64(g.n) < limit() {
			g.n++
			g.mu.Unlock()
			return nil
		}
		if g.freed == nil {
			g.freed = make(chan struct{})
		}
		freed := g.freed
		g.mu.Unlock()

		if timer == nil {
			timer = time.NewTimer(patience)
			defer timer.Stop()
		}
		select {
		case <-freed:
		case <-timer.C:
			g.mu.Lock()
			g.n++
			g.mu.Unlock()
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave says that a connection is gone, or was never made.
func (g *gate) leave() {
	g.mu.Lock()
	g.n--
	g.wakeLocked()
	g.mu.Unlock()
}

// closes says that a connection is being closed; done says that it is gone.
func (g *gate) closes() {
	g.mu.Lock()
	g.closing++
	g.mu.Unlock()
}

func (g *gate) done() {
	g.mu.Lock()
	g.n--
	g.closing--
	g.wakeLocked()
	g.mu.Unlock()
}

func (g *gate) wakeLocked() {
	if g.freed != nil {
		close(g.freed)
		g.freed = nil
	}
}

// settle waits until no connection is being closed, at most patience.
func (g *gate) settle(patience time.Duration) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		g.mu.Lock()
		if g.closing == 0 {
			g.mu.Unlock()
			return
		}
		if g.freed == nil {
			g.freed = make(chan struct{})
		}
		freed := g.freed
		g.mu.Unlock()
		select {
		case <-freed:
		case <-deadline.C:
			return
		}
	}
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.n
}
