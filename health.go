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

// replicaFailed takes in that a statement could not dial a replica: reads
// avoid it for a time that doubles with every failure, and until a probe
// succeeds where there are probes.
func (c *Connector) replicaFailed(srv *server, err error) {
	n := int(srv.failures.Add(1))
	pause := retryAfter(n)
	srv.downUntil.Store(time.Now().Add(pause).UnixNano())
	c.backendFailed(srv, err, n)
	time.AfterFunc(pause, func() {
		if t := c.runningTracker(); t != nil && t.positions() {
			poke(t.watch[srv.Index])
			return
		}
		c.backendBack(srv)
	})
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
	if srv.downUntil.Load() > time.Now().UnixNano() {
		return
	}
	if s := c.board.load(); s.replicas.has(srv.Index) && !s.up.has(srv.Index) {
		c.board.update(func(s *snapshot) { s.up = s.up.with(srv.Index) })
	}
	if srv.down.CompareAndSwap(true, false) {
		c.log(slog.LevelInfo, "rwsplit: backend is back", "backend", srv.Name)
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
