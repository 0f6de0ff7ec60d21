package rwmysql_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/rwsplit/rwsplit"
)

func TestFault(t *testing.T) {
	tests := []struct {
		err  error
		want rwsplit.Fault
	}{
		{nil, rwsplit.FaultNone},
		{&mysql.MySQLError{Number: 1290}, rwsplit.FaultRefusedWrite},
		{fmt.Errorf("wrapped: %w", &mysql.MySQLError{Number: 1146}), rwsplit.FaultMissing},
		{&mysql.MySQLError{Number: 1053}, rwsplit.FaultUnavailable},
		{&mysql.MySQLError{Number: 1062}, rwsplit.FaultNone},
		{mysql.ErrInvalidConn, rwsplit.FaultLost},
		{mysql.ErrPktSync, rwsplit.FaultLost},
		{io.EOF, rwsplit.FaultLost},
		{context.Canceled, rwsplit.FaultNone},
		{mysql.ErrNoTLS, rwsplit.FaultNone},
	}
	d := newDialect(t, "mysql/mariadb")
	for _, test := range tests {
		if got := d.Fault(test.err); got != test.want {
			t.Errorf("%v: got fault %d, want %d", test.err, got, test.want)
		}
	}
}

func TestSpeaksAnotherEngine(t *testing.T) {
	mariadb, _ := rwsplit.DialectByName("mariadb")
	d := newDialect(t, "mysql/mariadb").(interface {
		As(engine rwsplit.Dialect) rwsplit.Dialect
	}).As(mariadb)
	if got, want := d.Name(), "mariadb"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, ok := d.(rwsplit.Opener); !ok {
		t.Error("what the base driver knows is lost")
	}
}

func TestRefusesADialectOfOtherServers(t *testing.T) {
	for dialect, want := range map[string]string{
		"mysql": "", "mariadb": "", "generic": "",
		"postgres": "rwsplit: dialect=postgres contradicts driver=mysql, which speaks mysql/mariadb",
		"sqlite":   "rwsplit: dialect=sqlite contradicts driver=mysql, which speaks mysql/mariadb",
	} {
		got := ""
		db, err := sql.Open("rwsplit", "driver=mysql primary=app:secret@tcp(127.0.0.1:1)/shop dialect="+dialect)
		if err != nil {
			got = err.Error()
		} else if err := db.Close(); err != nil {
			t.Error(err)
		}
		if got != want {
			t.Errorf("dialect=%s: got %q, want %q", dialect, got, want)
		}
	}
}

func TestRegistersDriver(t *testing.T) {
	if !slices.Contains(sql.Drivers(), "rwsplit-mysql") {
		t.Errorf("rwsplit-mysql is missing from %v", sql.Drivers())
	}
	db, err := sql.Open("rwsplit-mysql", "primary=app:secret@tcp(127.0.0.1:1)/shop replica_hosts=127.0.0.1:2,[::1]:3")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if _, err := sql.Open("rwsplit", "driver=mysql primary=app:hunter2@tcp(127.0.0.1:1"); err == nil {
		t.Error("a broken base DSN is taken")
	}
}
