package rwsplit

import (
	"context"
	"time"
)

// schemaLook asks the primary, on the tracker's connection, whether its schema
// is still the one that the classifier knows. It is used by one goroutine.
type schemaLook struct {
	c       *Connector
	last    time.Time     // when it last looked
	cost    time.Duration // of that
	covered uint64        // writes up to this number had ended then
}

const (
	// busyLook is the time between two looks while there are writes that some
	// replica may lack: only then a table that is not known of makes a read
	// stale.
	busyLook = 100 * time.Millisecond
	// hintedLook is the same when a statement named a table that nobody knows.
	hintedLook = time.Second
	// lookShare bounds the looks' share of the time: one part in so many.
	lookShare = 25
	// urgentShare is the same for looks that numbers wait for, so that writes
	// which nobody understands do not keep the primary busy with looks.
	urgentShare = 4
)

// urgent reports whether a number may be confirmed only after a look: a write
// that nobody understands may have changed the schema.
func (l *schemaLook) urgent() bool { return l.c.writes.unclear[anywhere].Load() > l.covered }

// due reports whether it is time to look. quiet: no write is unconfirmed.
func (l *schemaLook) due(now time.Time, quiet bool) bool {
	if !l.c.classifier.Load().know.knowsTables() {
		return false
	}
	if l.urgent() {
		return true
	}
	gap := busyLook
	if quiet {
		gap = l.c.cfg.ProbeInterval
		if l.c.schema.hinted.Load() {
			gap = min(gap, hintedLook)
		}
	}
	return now.Sub(l.last) >= max(gap, lookShare*l.cost)
}

// look asks for the fingerprint. mark is the highest number that a position may
// confirm that is asked for now. Where the fingerprint can't be had, nothing is
// known.
func (l *schemaLook) look(ctx context.Context, p *probe, mark uint64) {
	began := time.Now()
	var fingerprint string
	err := p.ask(ctx, func(ctx context.Context, s PhysicalConn) (err error) {
		fingerprint, err = l.c.speaks().(schemaReader).schemaFingerprint(ctx, s)
		return err
	})
	l.last = time.Now()
	l.cost = l.last.Sub(began)
	l.c.schema.hinted.Store(false)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		l.c.forgetTables()
		l.c.catalogChanged()
		return
	}
	l.covered = mark
	l.c.compareSchema(fingerprint, p.seen)
}
