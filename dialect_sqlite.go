package rwsplit

import (
	"context"
	"errors"
	"io"
	"strings"
)

// sqliteDialect is SQLite through any base driver: its errors are told by
// their texts, which SQLite itself writes, and only in English.
type sqliteDialect struct{}

var (
	_ Dialect  = sqliteDialect{}
	_ TxProber = sqliteDialect{}
)

func (sqliteDialect) Name() string { return "sqlite" }

func (sqliteDialect) Classify(query string) Statement { return Classify("sqlite", query) }

func (sqliteDialect) Fault(err error) Fault {
	if f := connectionFault(err); err == nil || f != FaultNone {
		return f
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "attempt to write a readonly database"):
		return FaultRefusedWrite
	case strings.Contains(text, "no such table"), strings.Contains(text, "no such column"),
		strings.Contains(text, "no such function"):
		return FaultMissing
	case strings.Contains(text, "unable to open database file"):
		return FaultUnavailable
	}
	return FaultNone
}

// Setup uses https://www.sqlite.org/pragma.html#pragma_query_only.
func (sqliteDialect) Setup(ctx context.Context, s PhysicalConn, readOnly bool) error {
	if !readOnly {
		return nil
	}
	return s.Exec(ctx, "PRAGMA query_only = on")
}

// Inspect takes the file for the server. A database in memory has no name.
func (sqliteDialect) Inspect(ctx context.Context, s PhysicalConn) (Server, error) {
	row, err := s.QueryText(ctx, "SELECT sqlite_version(), file FROM pragma_database_list WHERE name = 'main'")
	if errors.Is(err, io.EOF) {
		return Server{Dialect: "sqlite"}, nil
	}
	if err != nil {
		return Server{}, err
	}
	return Server{Identity: row[1], Version: row[0], Dialect: "sqlite"}, nil
}

// InTransaction tries to begin one: BEGIN alone takes no lock.
func (sqliteDialect) InTransaction(ctx context.Context, s PhysicalConn) (bool, error) {
	err := s.Exec(ctx, "BEGIN")
	switch {
	case err == nil:
		return false, s.Exec(ctx, "ROLLBACK")
	case strings.Contains(err.Error(), "within a transaction"):
		return true, nil
	default:
		return false, err
	}
}
