package rwsplit

import (
	"context"
	"errors"
	"sync"
	"time"
)

// watchdog finds frozen replicas where nobody asks them for their positions:
// with consistency=eventual, and where there are none. It asks a replica only
// when its connections are in use and nothing has come back for a
// probe_interval.
type watchdog struct {
	c      *Connector
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// startWatchdog starts it with the first connection to a replica.
func (c *Connector) startWatchdog() {
	if c.asksReplicas() || c.dog.Load() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.dog.Load() != nil {
		return
	}
	d := &watchdog{c: c}
	var ctx context.Context
	ctx, d.cancel = context.WithCancel(context.Background())
	for i := range c.servers {
		d.wg.Go(func() { d.watch(ctx, i) })
	}
	c.dog.Store(d)
}

// asksReplicas reports whether the tracker, which statements start, asks every
// replica for its position all the time.
func (c *Connector) asksReplicas() bool {
	t := c.runningTracker()
	return c.tracks && t != nil && t.positions()
}

// watch looks after one replica.
func (d *watchdog) watch(ctx context.Context, i int) {
	c, srv := d.c, d.c.servers[i]
	p := &probe{c: c, srv: srv}
	defer p.close()
	load := &c.balancer.load[i]
	var answered uint64
	failures := 0
	for pause := c.cfg.ProbeInterval; pauseFor(ctx, pause); {
		pause = c.cfg.ProbeInterval
		before := answered
		answered = load.answered.Load()
		gen := c.board.load().gen
		if !c.board.load().replicas.has(i) {
			failures = 0
			srv.frozen.Store(false)
			p.close()
			continue
		}
		if failures == 0 && (answered != before || !srv.busy(RoleReplica)) {
			p.close()
			continue
		}
		err := p.ask(ctx, func(ctx context.Context, s PhysicalConn) error {
			_, err := c.dialect.Inspect(ctx, s)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return
		case c.board.load().gen != gen: // it may be the primary by now
			p.close()
		case err == nil:
			if failures > 0 {
				failures = 0
				srv.frozen.Store(false)
				c.backendBack(srv)
			}
		case failures > 0, errors.Is(err, errNoAnswer) && load.answered.Load() == answered:
			failures++
			srv.frozen.Store(true)
			c.backendFailed(srv, err, failures)
			srv.release() // what waits for it runs elsewhere
			pause = retryAfter(failures)
		}
	}
}

// stop ends the goroutines and waits for them, at most about a probe_timeout.
func (d *watchdog) stop() {
	d.cancel()
	waitAtMost(&d.wg, 2*d.c.cfg.ProbeTimeout)
}

// waitAtMost waits for goroutines that a base driver may hold up.
func waitAtMost(wg *sync.WaitGroup, limit time.Duration) {
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
