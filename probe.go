package rwsplit

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// probe is the tracker's own connection to one backend. It is used by one
// goroutine.
type probe struct {
	c    *Connector
	srv  *server
	ci   driver.Conn
	wire *wire
	id   uint64 // of ci among all physical connections
	seen Server

	limit time.Duration // of each question in place of probe_timeout; 0: that
}

// ask runs fn on the connection, dialling it if need be, within probe_timeout
// for each of the two. A connection on which anything went wrong is closed.
func (p *probe) ask(ctx context.Context, fn func(context.Context, PhysicalConn) error) error {
	if p.ci == nil {
		if err := p.dial(ctx); err != nil {
			return err
		}
	}
	err := p.bounded(ctx, p.wire, func(ctx context.Context) error {
		return fn(ctx, PhysicalConn{p.ci})
	})
	if err != nil && !errors.Is(err, errNoPosition) {
		p.close()
	}
	return err
}

func (p *probe) dial(ctx context.Context) error {
	w := &wire{}
	return p.bounded(ctx, w, func(ctx context.Context) error {
		role := p.c.board.load().role(p.srv.Index)
		ci, err := p.srv.as(role).Connect(context.WithValue(ctx, dialKey{}, w))
		if err != nil {
			return err
		}
		p.ci, p.wire, p.id = ci, w, p.c.dials.Add(1)
		if p.seen, err = p.c.greet(ctx, p.srv, role, ci); err != nil {
			p.close()
			return err
		}
		if p.seen.AutocommitOff && role == RolePrimary {
			// What position=heartbeat writes must not wait for a commit.
			if err = (PhysicalConn{ci}).Exec(ctx, "SET autocommit = 1"); err != nil {
				p.close()
			}
		}
		return err
	})
}

// bounded gives fn a deadline, and cuts the connection off where the base
// driver does not heed it. A base driver that panics must not take the process
// down from here.
func (p *probe) bounded(ctx context.Context, w *wire, fn func(context.Context) error) (err error) {
	limit := p.c.cfg.ProbeTimeout
	if p.limit != 0 {
		limit = p.limit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cut := time.AfterFunc(limit+limit/4, func() { w.interrupt() })
	defer cut.Stop()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("rwsplit: the base driver panicked: %v", r)
		}
	}()
	if err = fn(ctx); err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w (%v): %w", errNoAnswer, limit, err)
	}
	return err
}

// errNoAnswer: the backend may accept connections, but it does not answer.
var errNoAnswer = errors.New("rwsplit: no answer within probe_timeout")

func (p *probe) close() {
	if p.ci == nil {
		return
	}
	ci, w := p.ci, p.wire
	p.ci, p.wire = nil, nil
	cut := time.AfterFunc(closeTimeout, func() { w.interrupt() })
	defer cut.Stop()
	defer func() { _ = recover() }()
	_ = ci.Close()
}
