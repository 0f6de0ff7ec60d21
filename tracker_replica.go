package rwsplit

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// watchReplica asks one replica.
func (t *tracker) watchReplica(ctx context.Context, i int) {
	p := &probe{c: t.c, srv: t.c.servers[i]}
	defer p.close()
	failures := 0
	gen := t.c.board.load().gen
	pause := minPause
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-t.watch[i]:
			s := t.c.board.load()
			if !p.srv.suspect.Load() && s.backends[i].asked >= s.asked && s.up.has(i) {
				continue // it had that already
			}
		}
		if s := t.c.board.load(); !s.replicas.has(i) {
			p.close()
			timer.Reset(t.c.cfg.ProbeInterval)
			continue
		} else if s.gen != gen {
			p.close() // it may have been opened for another role
			gen, failures, pause = s.gen, 0, minPause
		}
		suspect := p.srv.suspect.Swap(false)
		var pos Position
		dialled := false
		ask := func() error {
			return p.ask(ctx, func(ctx context.Context, s PhysicalConn) (err error) {
				dialled = true
				pos, err = t.positioner().ReplicaPosition(ctx, s)
				return err
			})
		}
		answered := t.c.balancer.load[i].answered.Load()
		err := ask()
		if errors.Is(err, errNoAnswer) && t.c.balancer.load[i].answered.Load() != answered {
			// It has answered others meanwhile: it is slow, the probe's own
			// connection is dead, or it froze after that. It gets no more reads,
			// and those that it has are not cut off before it is asked again, for
			// as long as the promise about frozen replicas leaves.
			failures++
			t.c.backendFailed(p.srv, err, failures)
			p.limit = min(t.c.cfg.ProbeInterval, t.c.cfg.ProbeTimeout)
			err = ask()
			p.limit = 0
		}
		if ctx.Err() != nil {
			return
		}
		if t.c.board.load().gen != gen {
			timer.Reset(0) // it may be the primary by now, whose statements nobody ends
			continue
		}
		if err != nil {
			failures++
			t.replicaUnknown(i, err, failures, dialled)
			timer.Reset(retryAfter(failures))
			continue
		}
		failures = 0
		t.c.backendBack(p.srv)
		if suspect {
			t.c.replicaRefuses(p.srv)
		}
		before := t.c.board.load().backends[i].asked
		behind := t.located(i, gen, pos, p)
		reached := t.c.board.load().backends[i].asked
		if !behind || reached > before {
			// What it lacks now is something newer, which it may have soon.
			pause = max(minPause, t.patience(reached))
		}
		if behind {
			timer.Reset(pause)
			pause = min(pause*3/2, maxPause)
		} else {
			timer.Reset(t.c.cfg.ProbeInterval)
		}
	}
}

// located takes in a replica's position. It reports whether the replica lacks
// something that the primary has answered.
func (t *tracker) located(i int, gen uint32, pos Position, p *probe) (behind bool) {
	seen, replaced := p.seen, false
	t.c.board.update(func(s *snapshot) {
		if s.gen != gen {
			behind = true
			return // it was asked in another history
		}
		b := &s.backends[i]
		// A server that restarted or was replaced may have gone back in time,
		// and one that shows it has. One without an identity is known by the
		// connection to it.
		same := b.server.SameIncarnation(seen) || seen.Identity == "" && b.probe == p.id
		if b.epoch == 0 || !same || !b.position.IsZero() && !pos.Reached(b.position) {
			replaced = b.epoch > 0 && seen.Identity != ""
			*b = backendState{epoch: b.epoch + 1}
		}
		b.server, b.probe, b.position = seen, p.id, pos
		t.judge(s, i)
		behind = b.asked < s.asked
	})
	if replaced {
		t.c.log(slog.LevelInfo, "rwsplit: replica is another incarnation", "backend", t.c.servers[i].Name)
	}
	t.c.noteState(i)
	return behind
}

// suspect has replica i asked now.
func (t *tracker) suspect(i int) {
	t.c.servers[i].suspect.Store(true)
	poke(t.watch[i])
}

// replicaUnknown takes in that a replica did not answer.
func (t *tracker) replicaUnknown(i int, err error, failures int, dialled bool) {
	srv := t.c.servers[i]
	if dialled && (errors.Is(err, errNoPosition) || errors.Is(err, errNotReplica) || t.c.dialect.Fault(err) == FaultMissing) {
		// It may serve reads that need nothing, so it is not down.
		if errors.Is(err, errNotReplica) && t.c.roles != nil {
			poke(t.c.roles.hint[i])
		}
		t.c.logOnce("rwsplit: a replica gives no position; it counts as never caught up", "backend", srv.Name, "error", err.Error())
		t.c.board.update(func(s *snapshot) {
			b := &s.backends[i]
			b.position, b.lag = Position{}, lagEstimate{}
			t.c.judgeLag(s, i, time.Now())
		})
		t.c.noteState(i)
		return
	}
	t.c.backendFailed(srv, err, failures)
	if errors.Is(err, errNoAnswer) {
		srv.release() // what waits for it runs elsewhere
	}
}
