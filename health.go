package rwsplit

import (
	"log/slog"
	"time"
)

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// retryAfter is how long a backend is left alone after so many failures.
func retryAfter(failures int) time.Duration {
	return min(firstRetry<<min(max(failures-1, 0), 10), lastRetry)
}

// replicaFailed takes in that a statement could not dial a replica; before is
// the number of failures when it began to. Nobody dials it for a time that
// doubles with every failure. Reads go on where it is connected to until the
// probe says that it does not answer: it may only take no more connections.
// Where there are no probes all reads avoid it for that time.
func (c *Connector) replicaFailed(srv *server, err error, before int32) {
	if !srv.failures.CompareAndSwap(before, before+1) {
		return // somebody has counted the same outage
	}
	n := int(before + 1)
	pause := retryAfter(n)
	srv.downUntil.set(time.Now().Add(pause))
	t := c.runningTracker()
	if t != nil && t.positions() {
		msg := redactDSN(err, srv.dsn).Error()
		srv.lastErr.Store(&msg)
		t.suspect(srv.Index)
		time.AfterFunc(pause, func() { poke(t.watch[srv.Index]) })
		return
	}
	c.backendFailed(srv, err, n)
	time.AfterFunc(pause, func() {
		if !srv.frozen.Load() {
			c.mayBeTried(srv)
		}
	})
}

// replicaRefuses takes in that a replica answers which statements could not dial.
func (c *Connector) replicaRefuses(srv *server) {
	if msg := srv.lastErr.Load(); msg != nil && srv.refuses.CompareAndSwap(false, true) {
		c.log(slog.LevelWarn, "rwsplit: a replica can't be dialled, though it answers where it was before; reads go on there",
			"backend", srv.Name, "error", *msg)
	}
}

// replicaDialled takes in that a statement has dialled a replica.
func (c *Connector) replicaDialled(srv *server) {
	srv.failures.Store(0)
	if srv.down.Load() && c.board.load().up.has(srv.Index) {
		c.isBack(srv)
	}
	if srv.refuses.CompareAndSwap(true, false) {
		c.log(slog.LevelInfo, "rwsplit: a replica can be dialled again", "backend", srv.Name)
	}
}

// backendFailed takes in that a backend did not answer.
func (c *Connector) backendFailed(srv *server, err error, failures int) {
	msg := redactDSN(err, srv.dsn).Error() // drivers that know no better repeat it
	srv.lastErr.Store(&msg)
	if c.board.load().up.has(srv.Index) {
		c.board.update(func(s *snapshot) { s.up = s.up.without(srv.Index) })
	}
	if srv.down.CompareAndSwap(false, true) {
		c.log(slog.LevelWarn, "rwsplit: backend can't be reached", "backend", srv.Name,
			"retry_in", retryAfter(failures), "error", msg)
	}
	c.noteState(srv.Index)
}

// backendBack takes in that a backend answers, unless statements could not
// dial it a moment ago.
func (c *Connector) backendBack(srv *server) {
	if srv.downUntil.left() > 0 {
		return
	}
	c.isBack(srv)
	c.mayBeTried(srv)
}

func (c *Connector) isBack(srv *server) {
	if srv.down.CompareAndSwap(true, false) {
		c.log(slog.LevelInfo, "rwsplit: backend is back", "backend", srv.Name)
	}
}

// mayBeTried lets reads go to a backend if it is a replica.
func (c *Connector) mayBeTried(srv *server) {
	if s := c.board.load(); s.replicas.has(srv.Index) && !s.up.has(srv.Index) {
		c.board.update(func(s *snapshot) { s.up = s.up.with(srv.Index) })
	}
	c.noteState(srv.Index)
}

// judgeLag takes replica i out of the reads when its lag passes max_lag or is
// unknown, and puts it back when it is well below, so that it does not flap.
func (c *Connector) judgeLag(s *snapshot, i int, now time.Time) {
	limit := c.cfg.MaxLag
	if limit == 0 {
		return
	}
	lag, known := s.backends[i].lag.lag(now)
	switch {
	case !known || lag > limit:
		s.fresh = s.fresh.without(i)
	case lag <= limit-limit/5:
		s.fresh = s.fresh.with(i)
	}
}
