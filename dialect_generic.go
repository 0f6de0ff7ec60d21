package rwsplit

import (
	"context"
)

// genericDialect is an engine that nobody described: it takes standard
// SQLSTATEs for what they say and asks the server nothing.
type genericDialect struct{}

var _ Dialect = genericDialect{}

func (genericDialect) Name() string { return "generic" }

func (genericDialect) Classify(query string) Statement { return Classify("generic", query) }

func (genericDialect) Fault(err error) Fault {
	switch state := sqlState(err); state {
	case "25006": // read-only SQL transaction, in the standard too
		return FaultRefusedWrite
	case "42S02", "42S22": // base table, column not found (ODBC)
		return FaultMissing
	case "":
		return connectionFault(err)
	default:
		if state[:2] == "08" { // connection exception
			return FaultLost
		}
		return FaultNone
	}
}

// Setup does nothing: there is no statement that every engine knows.
func (genericDialect) Setup(context.Context, PhysicalConn, bool) error { return nil }

// Inspect knows nothing.
func (genericDialect) Inspect(context.Context, PhysicalConn) (Server, error) {
	return Server{}, nil
}
