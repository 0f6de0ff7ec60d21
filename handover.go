package rwsplit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// All asks [WaitForReplicas] to wait for every replica.
const All = math.MaxInt

// WaitForReplicas blocks until n replicas ([All]: every one that is
// configured) have replayed what was written before the call: by ctx's session
// if it is in one that wrote, else by the whole sql.DB. The only bound on the
// wait is ctx; when that ends, the error is [ErrWaitTimeout], wraps ctx's
// cause, and says which replica was how far behind. No row is polled.
func WaitForReplicas(ctx context.Context, db *sql.DB, n int) error {
	c, err := connectorOf(db)
	if err != nil {
		return err
	}
	total := c.board.load().replicas.len()
	if n == All {
		n = total
	}
	if n < 0 || n > total {
		return fmt.Errorf("rwsplit: WaitForReplicas: %d replicas asked for, %d are configured", n, total)
	}
	c.ensureTracker()
	need := c.ownNumber(ctx)
	for {
		snap, changed := c.board.next()
		have := 0
		for rest := snap.replicas; rest != 0; rest &= rest - 1 {
			if snap.backends[rest.first()].caughtUp >= need {
				have++
			}
		}
		if have >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %d of %d have: %s: %w", ErrWaitTimeout, have, n, c.describeLate(snap, need), context.Cause(ctx))
		}
	}
}

// ownNumber is the newest write that the caller can mean.
func (c *Connector) ownNumber(ctx context.Context) uint64 {
	if s := hintsOf(ctx).session; s != nil {
		if st := s.of(c); st.wrote.Load() {
			return st.number.Load()
		}
	}
	return c.writes.counter.Load()
}

// describeLate names the replicas that have not caught up.
func (c *Connector) describeLate(snap *snapshot, need uint64) string {
	var late []string
	for rest := snap.replicas; rest != 0; rest &= rest - 1 {
		i := rest.first()
		b := &snap.backends[i]
		if b.caughtUp >= need {
			continue
		}
		name := c.servers[i].Name
		lag, known := b.lag.lag(time.Now())
		switch {
		case !snap.up.has(i):
			late = append(late, name+" can't be reached")
		case !known:
			late = append(late, name+" is behind by an unknown time")
		default:
			late = append(late, fmt.Sprintf("%s is behind by %v", name, lag.Round(time.Millisecond)))
		}
	}
	return strings.Join(late, ", ")
}

// Token returns an opaque text that stands for what ctx's session wrote and for
// the tokens that were handed to it; outside a session, for everything that db
// wrote. Given to [WithToken] in another process, or on another instance, it
// makes reads there see those writes. It is empty if there is nothing to see:
// the session neither wrote nor was handed a token.
//
// Token asks the primary for its position, one question for all who ask at the
// moment. If it does not answer before ctx ends or within about probe_timeout,
// the token makes reads stay on the primary for sticky_for.
func Token(ctx context.Context, db *sql.DB) (string, error) {
	c, err := connectorOf(db)
	if err != nil {
		return "", err
	}
	h := hintsOf(ctx)
	var handed token
	wrote := true
	if h.session != nil {
		st := h.session.of(c)
		// With consistency=eventual nobody keeps account of sessions.
		wrote = st.wrote.Load() || c.policy.consistency == Eventual
		if h.token != nil {
			if r := h.token.meaning(c); r.err == nil {
				handed = *r.against(c)
			} else {
				// What it stood for is not known; the next reader must not
				// know less.
				handed = c.unknownToken()
			}
		}
		if r := st.handed.Load(); r != nil && r.err == nil {
			handed = r.against(c).merge(handed, c.cfg.StickyFor)
		} else if r != nil {
			handed = c.unknownToken().merge(handed, c.cfg.StickyFor)
		}
	}
	if !wrote {
		if len(handed.positions) == 0 && handed.sticky == 0 {
			return "", nil
		}
		return encodeToken(handed, c.cfg.Cluster, c.cfg.StickyFor), nil
	}
	own := token{made: time.Now()}
	if pos, ok := c.positionOf(ctx, c.ownNumber(ctx)); ok {
		own.positions = []Position{pos}
	} else {
		own.sticky = c.cfg.StickyFor
	}
	return encodeToken(own.merge(handed, c.cfg.StickyFor), c.cfg.Cluster, c.cfg.StickyFor), nil
}

// unknownToken stands for a token that can't be read.
func (c *Connector) unknownToken() token {
	return token{made: time.Now(), sticky: c.cfg.StickyFor}
}

// errNoSession is returned where only a session can keep what is handed in.
var errNoSession = errors.New("rwsplit: the context is in no session; open one with WithSession")

// AddToken hands token to the session that ctx is in, for what it does through
// db from now on; [WithToken] is for a token that is there before the work
// begins. It is for answers that come in the middle of it: a service that was
// called wrote, and says so with a token. An empty token changes nothing; one
// that can't be used sends the session's reads on db to the primary. AddToken
// does no I/O. It fails if ctx is in no session, or db is not rwsplit's.
func AddToken(ctx context.Context, db *sql.DB, token string) error {
	c, err := connectorOf(db)
	if err != nil {
		return err
	}
	s := hintsOf(ctx).session
	if s == nil {
		return errNoSession
	}
	if token != "" {
		s.of(c).hand(token)
	}
	return nil
}

// LastWrite returns the number of the newest write that ctx's session made
// through db, in its transactions once they have committed. It is 0 if there
// was none, if ctx is in no session, with consistency=eventual, and if db is
// not rwsplit's. Numbers grow; they compare with those of the same db only. It
// tells whether a [Token] would say anything new, and does no I/O.
func LastWrite(ctx context.Context, db *sql.DB) uint64 {
	c, err := connectorOf(db)
	if err != nil {
		return 0
	}
	if s := hintsOf(ctx).session; s != nil {
		return s.of(c).number.Load()
	}
	return 0
}

// positionOf returns a position of the primary that covers write number n.
func (c *Connector) positionOf(ctx context.Context, n uint64) (Position, bool) {
	t := c.ensureTracker()
	if !t.positions() {
		return Position{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ProbeTimeout)
	defer cancel()
	asked := false
	for {
		_, changed := c.board.next()
		if tg, ok := t.newestTarget(); ok && tg.number >= n {
			return tg.pos, true
		}
		if !asked {
			asked = true
			t.requestNow()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Position{}, false
		}
	}
}
