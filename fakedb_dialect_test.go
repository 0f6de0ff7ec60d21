package rwsplit_test

import (
	"context"
	"errors"
	"strings"

	"github.com/rwsplit/rwsplit"
)

// fakeDialect is what rwsplit is told about the fake servers. It reads the
// first word of a text, so that these tests depend on no classifier but this.
type fakeDialect struct{}

var (
	_ rwsplit.Dialect  = fakeDialect{}
	_ rwsplit.TxProber = fakeDialect{}
)

func init() { rwsplit.RegisterDialect("fake", fakeDialect{}) }

func (fakeDialect) Name() string { return "fake" }

func (fakeDialect) Classify(query string) rwsplit.Statement {
	word, rest, _ := strings.Cut(query, " ")
	switch word {
	case "SELECT", "SELEKT": // the second is read as what it was meant to be
		switch {
		case strings.HasSuffix(rest, "FOR UPDATE"):
			return rwsplit.Statement{Reason: "locking read"}
		case rest == "LAST":
			return rwsplit.Statement{Route: rwsplit.RouteLast, Reason: "about the last statement"}
		}
		return rwsplit.Statement{Route: rwsplit.RouteReplica, Reason: "plain read"}
	case "BEGIN":
		return rwsplit.Statement{Tx: rwsplit.TxBegin, Reason: "BEGIN"}
	case "START": // START TRANSACTION READ ONLY
		return rwsplit.Statement{Tx: rwsplit.TxBeginReadOnly, Reason: "START"}
	case "CREATE": // commits what is open, as MySQL does
		return rwsplit.Statement{Writes: true, DDL: true, Tx: rwsplit.TxImplicitCommit, Reason: "CREATE"}
	case "AUTOCOMMIT":
		if rest == "ON" {
			return rwsplit.Statement{Pins: true, State: rwsplit.StateSetting, Tx: rwsplit.TxAutocommitOn, Reason: "AUTOCOMMIT"}
		}
		return rwsplit.Statement{Pins: true, State: rwsplit.StateSetting, Tx: rwsplit.TxAutocommitOff, Reason: "AUTOCOMMIT"}
	case "COMMIT":
		return rwsplit.Statement{Tx: rwsplit.TxCommit, Reason: "COMMIT"}
	case "ROLLBACK":
		return rwsplit.Statement{Tx: rwsplit.TxRollback, Reason: "ROLLBACK"}
	case "SET":
		return rwsplit.Statement{Pins: true, State: rwsplit.StateSetting, Reason: "SET"}
	case "RESET":
		return rwsplit.Statement{Clears: rwsplit.StateAll, Reason: "RESET"}
	case "CALL":
		return rwsplit.Statement{
			Writes: true, Pins: true, Opaque: true, State: rwsplit.StateOpaque, Tx: rwsplit.TxUnknown, Reason: "CALL",
		}
	default:
		return rwsplit.Statement{Writes: true, Reason: "write"}
	}
}

func (fakeDialect) Fault(err error) rwsplit.Fault {
	for _, f := range []struct {
		err   error
		fault rwsplit.Fault
	}{
		{errFakeReadOnly, rwsplit.FaultRefusedWrite},
		{errFakeMissing, rwsplit.FaultMissing},
		{errFakeConflict, rwsplit.FaultConflict},
		{errFakeShutdown, rwsplit.FaultUnavailable},
		{errFakeLost, rwsplit.FaultLost},
	} {
		if errors.Is(err, f.err) {
			return f.fault
		}
	}
	return rwsplit.FaultNone
}

// beneath calls f on the fake connection under a physical one.
func beneath(ctx context.Context, p rwsplit.PhysicalConn, op fakeOp, f func(*fakeConn)) error {
	c := p.Conn.(fakeCore).fake()
	return c.do(ctx, op, "", "", func() error { f(c); return nil })
}

func (fakeDialect) Setup(ctx context.Context, p rwsplit.PhysicalConn, readOnly bool) error {
	return beneath(ctx, p, opSetup, func(c *fakeConn) { c.readOnly = readOnly })
}

func (fakeDialect) Inspect(ctx context.Context, p rwsplit.PhysicalConn) (seen rwsplit.Server, err error) {
	err = beneath(ctx, p, opInspect, func(c *fakeConn) {
		seen = rwsplit.Server{Identity: c.s.name, Start: c.s.started, ReadOnly: c.s.standby.Load(), AutocommitOff: c.s.noAutocommit}
	})
	return seen, err
}

func (fakeDialect) InTransaction(ctx context.Context, p rwsplit.PhysicalConn) (in bool, err error) {
	err = beneath(ctx, p, opProbe, func(c *fakeConn) { in = c.tx != nil || c.textTx })
	return in, err
}
