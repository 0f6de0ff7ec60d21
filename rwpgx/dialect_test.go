package rwpgx_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rwsplit/rwsplit"
)

func TestFault(t *testing.T) {
	tests := []struct {
		err  error
		want rwsplit.Fault
	}{
		{nil, rwsplit.FaultNone},
		{&pgconn.PgError{Code: "25006"}, rwsplit.FaultRefusedWrite},
		{&pgconn.PgError{Code: "0A000", Message: "cannot use serializable mode in a hot standby"}, rwsplit.FaultRefusedWrite},
		{fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: "42P01"}), rwsplit.FaultMissing},
		{&pgconn.PgError{Code: "23505"}, rwsplit.FaultNone},
		{&pgconn.ConnectError{Config: &pgconn.Config{}}, rwsplit.FaultUnavailable},
		{pgconn.ErrConnClosed, rwsplit.FaultLost},
		{io.ErrUnexpectedEOF, rwsplit.FaultLost},
		{context.Canceled, rwsplit.FaultNone},
		{pgx.ErrNoRows, rwsplit.FaultNone},
	}
	d := newDialect(t)
	for _, test := range tests {
		if got := d.Fault(test.err); got != test.want {
			t.Errorf("%T: got fault %d, want %d", test.err, got, test.want)
		}
	}
}

type rewriter struct{}

func (rewriter) RewriteQuery(context.Context, *pgx.Conn, string, []any) (string, []any, error) {
	return "DROP TABLE orders", nil, nil
}

func TestRewritesQuery(t *testing.T) {
	d := newDialect(t).(rwsplit.ArgChecker)
	for _, value := range []any{nil, 1, "x", []byte("x"), pgx.NamedArgs{"a": 1}, pgx.StrictNamedArgs{"a": 1}, pgx.QueryExecModeExec} {
		if d.RewritesQuery(value) {
			t.Errorf("%T replaces the text", value)
		}
	}
	for _, value := range []any{rewriter{}, &rewriter{}, &pgx.NamedArgs{}} {
		if !d.RewritesQuery(value) {
			t.Errorf("%T leaves the text alone", value)
		}
	}
}

// otherConn is a connection of which nothing is known.
type otherConn struct{ driver.Conn }

func (otherConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return nil, errors.New("no savepoints here")
}

func TestConnectionsOfOthers(t *testing.T) {
	d := newDialect(t)
	if !d.(rwsplit.LivenessProber).Alive(otherConn{}) {
		t.Error("a connection that can't be looked into is taken for dead")
	}
	if _, err := d.(rwsplit.TxProber).InTransaction(t.Context(), rwsplit.PhysicalConn{Conn: otherConn{}}); err == nil {
		t.Error("the server was not asked")
	}
	generic, _ := rwsplit.DialectByName("generic")
	d = d.(interface {
		As(engine rwsplit.Dialect) rwsplit.Dialect
	}).As(generic)
	if _, err := d.(rwsplit.TxProber).InTransaction(t.Context(), rwsplit.PhysicalConn{Conn: otherConn{}}); err == nil {
		t.Error("an engine that can't be asked has an answer")
	}
}

func TestRegistersDriver(t *testing.T) {
	if !slices.Contains(sql.Drivers(), "rwsplit-pgx") {
		t.Errorf("rwsplit-pgx is missing from %v", sql.Drivers())
	}
	db, err := sql.Open("rwsplit-pgx", "primary=postgres://app:secret@127.0.0.1:1/shop replica_hosts=127.0.0.1:2,[::1]:3")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if _, err := sql.Open("rwsplit", "driver=pgx/v5 primary=postgres://app:hunter2@127.0.0.1:x/shop"); err == nil {
		t.Error("a broken base DSN is taken")
	}
}
