package rwsplit

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
)

// DialectByName returns a built-in dialect: postgres, mysql, mariadb, sqlite or
// generic.
func DialectByName(name string) (Dialect, bool) {
	if _, ok := languageOf(name); !ok {
		return nil, false
	}
	return genericDialect(name), true
}

// genericDialect serves engines of which nothing is known.
type genericDialect string

func (d genericDialect) Name() string                    { return string(d) }
func (d genericDialect) Classify(query string) Statement { return Classify(string(d), query) }

func (genericDialect) Fault(err error) Fault {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return FaultLost
	}
	return FaultNone
}

func (genericDialect) Setup(context.Context, PhysicalConn, bool) error { return nil }

func (genericDialect) Inspect(context.Context, PhysicalConn) (Server, error) { return Server{}, nil }
