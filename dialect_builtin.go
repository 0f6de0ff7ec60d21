package rwsplit

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"syscall"
)

func init() {
	RegisterDialect("sqlite", sqliteDialect{})
	RegisterDialect("sqlite3", sqliteDialect{})
}

// DialectByName returns a built-in dialect, as it can be spoken through any
// base driver: postgres, mysql, mariadb, sqlite and generic, as in the DSN key
// dialect. The name mysql/mariadb stands for a server that is one of the two:
// its texts are read in the way that is safe under both.
func DialectByName(name string) (Dialect, bool) {
	switch name {
	case "postgres":
		return postgresDialect{}, true
	case "mysql":
		return mysqlDialect{engine: engineMySQL}, true
	case "mariadb":
		return mysqlDialect{engine: engineMariaDB}, true
	case "mysql/mariadb":
		return mysqlDialect{engine: engineEither}, true
	case "sqlite":
		return sqliteDialect{}, true
	case "generic":
		return genericDialect{}, true
	}
	return nil, false
}

// connectionFault sorts the errors of connections that any base driver may
// return. The end of a context is the caller's affair and no fault of the
// server: whether the connection survived it is asked of the connection.
func connectionFault(err error) Fault {
	if err == nil {
		return FaultNone
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" && !errors.Is(err, context.Canceled) {
		return FaultUnavailable
	}
	var dns *net.DNSError
	if errors.As(err, &dns) || errors.Is(err, syscall.ECONNREFUSED) {
		return FaultUnavailable
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return FaultNone
	}
	if op != nil {
		return FaultLost
	}
	for _, lost := range lostErrors {
		if errors.Is(err, lost) {
			return FaultLost
		}
	}
	// A deadline on the net.Conn that was no context's: a stuck call was ended
	// from outside, or the base driver has a time limit of its own.
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return FaultLost
	}
	return FaultNone
}

// lostErrors say that a connection is gone. It is never changed.
var lostErrors = []error{
	driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed,
	syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ETIMEDOUT,
}
