package rwsqlmw_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/ngrok/sqlmw"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/rwsqlmw"
)

// spy writes down what the interceptor of one backend sees.
type spy struct {
	sqlmw.NullInterceptor
	backend string
	log     *[]string
}

func (s spy) note(what, query string) {
	*s.log = append(*s.log, strings.TrimSpace(s.backend+": "+what+" "+query))
}

func (s spy) ConnExecContext(ctx context.Context, c driver.ExecerContext, query string, args []driver.NamedValue) (driver.Result, error) {
	s.note("exec", query)
	return c.ExecContext(ctx, query, args)
}

func (s spy) ConnQueryContext(ctx context.Context, c driver.QueryerContext, query string, args []driver.NamedValue) (context.Context, driver.Rows, error) {
	s.note("query", query)
	rows, err := c.QueryContext(ctx, query, args)
	return ctx, rows, err
}

func (s spy) ConnPrepareContext(ctx context.Context, c driver.ConnPrepareContext, query string) (context.Context, driver.Stmt, error) {
	s.note("prepare", query)
	st, err := c.PrepareContext(ctx, query)
	return ctx, st, err
}

func (s spy) ConnBeginTx(ctx context.Context, c driver.ConnBeginTx, opts driver.TxOptions) (context.Context, driver.Tx, error) {
	if opts.ReadOnly {
		s.note("begin", "read only")
	} else {
		s.note("begin", "")
	}
	tx, err := c.BeginTx(ctx, opts)
	return ctx, tx, err
}

func (s spy) ConnPing(ctx context.Context, c driver.Pinger) error {
	s.note("ping", "")
	return c.Ping(ctx)
}

// open returns a DB over a wrapped connector without rwsplit in between, what
// the base connection hears and what the spy sees.
func open(t *testing.T, make func(log *[]string) driver.Conn) (db *sql.DB, heard, seen *[]string) {
	t.Helper()
	heard, seen = new([]string), new([]string)
	wrap := rwsqlmw.Wrap(func(b rwsplit.Backend) sqlmw.Interceptor { return spy{backend: b.Name, log: seen} })
	db = sql.OpenDB(wrap(rwsplit.Backend{Name: "primary"}, &connector{make: func() driver.Conn { return make(heard) }}))
	t.Cleanup(func() { _ = db.Close() })
	return db, heard, seen
}

func old(log *[]string) driver.Conn        { return &baseConn{log: log} }
func converting(log *[]string) driver.Conn { return &baseConn{log: log, converter: true} }
func modern(log *[]string) driver.Conn     { return &modernConn{&baseConn{log: log}} }

func expect(t *testing.T, what string, got *[]string, want ...string) {
	t.Helper()
	if !reflect.DeepEqual(append([]string{}, *got...), append([]string{}, want...)) {
		t.Errorf("%s:\ngot  %q\nwant %q", what, *got, want)
	}
	*got = nil
}

func TestADriverWithoutExecerPrepares(t *testing.T) {
	db, heard, seen := open(t, old)
	if _, err := db.ExecContext(t.Context(), "INSERT", "x"); err != nil {
		t.Fatal(err)
	}
	expect(t, "the base connection", heard, "prepare INSERT", "exec INSERT", "argument x")
	expect(t, "the spy", seen, "primary: prepare INSERT")

	var x int
	if err := db.QueryRowContext(t.Context(), "SELECT").Scan(&x); err != nil || x != 1 {
		t.Errorf("got %d and %v, want 1", x, err)
	}
	expect(t, "the base connection", heard, "prepare SELECT", "query SELECT")
	if err := db.PingContext(t.Context()); err != nil {
		t.Error(err)
	}
	expect(t, "the spy", seen, "primary: prepare SELECT")
}

func TestTransactionOptionsAreNotDropped(t *testing.T) {
	db, heard, _ := open(t, old)
	for _, opts := range []*sql.TxOptions{{ReadOnly: true}, {Isolation: sql.LevelSerializable}} {
		bare := sql.OpenDB(&connector{make: func() driver.Conn { return old(new([]string)) }})
		_, want := bare.BeginTx(t.Context(), opts)
		_ = bare.Close()
		if _, err := db.BeginTx(t.Context(), opts); err == nil || want == nil || err.Error() != want.Error() {
			t.Errorf("%+v: got %v, want %v", *opts, err, want)
		}
	}
	expect(t, "the base connection", heard)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	expect(t, "the base connection", heard, "begin", "commit")

	db, heard, seen := open(t, modern)
	tx, err = db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
	expect(t, "the base connection", heard, "begin read only", "rollback", "valid?")
	expect(t, "the spy", seen, "primary: begin read only")
}

func TestAColumnConverterHasItsSay(t *testing.T) {
	db, heard, _ := open(t, converting)
	if _, err := db.ExecContext(t.Context(), "INSERT", "x"); err != nil {
		t.Fatal(err)
	}
	expect(t, "the base connection", heard, "prepare INSERT", "exec INSERT", "argument x!")
	if _, err := db.ExecContext(t.Context(), "INSERT", 1); err == nil {
		t.Error("the converter's error is lost")
	}
}

func TestANamedValueCheckerHasItsSay(t *testing.T) {
	db, heard, seen := open(t, modern)
	if _, err := db.ExecContext(t.Context(), "INSERT", complex(1, 1)); err != nil {
		t.Fatal(err)
	}
	expect(t, "the base connection", heard, "prepare INSERT", "exec INSERT", "argument complex", "valid?")
	// The base driver wanted the statement prepared first.
	expect(t, "the spy", seen, "primary: exec INSERT", "primary: prepare INSERT")
}

func TestErrorsAreTheBaseDrivers(t *testing.T) {
	db, _, _ := open(t, modern)
	if _, err := db.ExecContext(t.Context(), "FAIL"); err != errRefused { //nolint:errorlint // it must not be wrapped
		t.Errorf("got %v, want %v", err, errRefused)
	}
}

func TestAConnectionHasTheBaseConnectionsInterfaces(t *testing.T) {
	type resetter struct {
		*baseConn
		driver.SessionResetter
	}
	type validator struct {
		*baseConn
		driver.Validator
	}
	log := new([]string)
	whole := &modernConn{&baseConn{log: log}}
	tests := []struct {
		name                string
		base                driver.Conn
		resets, isValidated bool
	}{
		{"neither", whole.baseConn, false, false},
		{"a SessionResetter", &resetter{whole.baseConn, whole}, true, false},
		{"a Validator", &validator{whole.baseConn, whole}, false, true},
		{"both", whole, true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wrap := rwsqlmw.Wrap(func(rwsplit.Backend) sqlmw.Interceptor { return sqlmw.NullInterceptor{} })
			ci, err := wrap(rwsplit.Backend{}, &connector{make: func() driver.Conn { return test.base }}).Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r, resets := ci.(driver.SessionResetter)
			v, validates := ci.(driver.Validator)
			if resets != test.resets || validates != test.isValidated {
				t.Errorf("got resets %t and validates %t, want %t and %t", resets, validates, test.resets, test.isValidated)
			}
			*log = nil
			if resets {
				if err := r.ResetSession(t.Context()); err != nil {
					t.Error(err)
				}
				expect(t, "the base connection", log, "reset")
			}
			if validates {
				if !v.IsValid() {
					t.Error("a valid connection is not")
				}
				expect(t, "the base connection", log, "valid?")
			}
			if got := rwsplit.BaseConn(ci); got != test.base {
				t.Errorf("got %T under the connection, want %T", got, test.base)
			}
		})
	}
}

func TestTheBaseConnectorIsClosed(t *testing.T) {
	base := &connector{make: func() driver.Conn { return old(new([]string)) }}
	wrap := rwsqlmw.Wrap(func(rwsplit.Backend) sqlmw.Interceptor { return sqlmw.NullInterceptor{} })
	db := sql.OpenDB(wrap(rwsplit.Backend{}, base))
	if got := db.Driver(); got != theDriver {
		t.Errorf("got driver %T, want the base driver", got)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if base.closed != 1 {
		t.Errorf("the base connector was closed %d times, want 1", base.closed)
	}
}

func TestABackendWithoutInterceptorIsLeftAlone(t *testing.T) {
	base := &connector{}
	wrap := rwsqlmw.Wrap(func(rwsplit.Backend) sqlmw.Interceptor { return nil })
	if got := wrap(rwsplit.Backend{}, base); got != base {
		t.Errorf("got %T, want the base connector", got)
	}
}

type refusing struct{ sqlmw.NullInterceptor }

func (refusing) ConnectorConnect(context.Context, driver.Connector) (driver.Conn, error) {
	return nil, errRefused
}

type answering struct{ sqlmw.NullInterceptor }

func (answering) ConnectorConnect(context.Context, driver.Connector) (driver.Conn, error) {
	return &modernConn{&baseConn{log: new([]string)}}, nil
}

func TestAnInterceptorMayAnswerConnect(t *testing.T) {
	base := &connector{make: func() driver.Conn { t.Error("the base driver was asked"); return nil }}
	for _, in := range []sqlmw.Interceptor{refusing{}, answering{}} {
		wrap := rwsqlmw.Wrap(func(rwsplit.Backend) sqlmw.Interceptor { return in })
		ci, err := wrap(rwsplit.Backend{}, base).Connect(t.Context())
		if _, refuses := in.(refusing); refuses {
			if !errors.Is(err, errRefused) || ci != nil {
				t.Errorf("got %v and %v, want only the interceptor's error", ci, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := ci.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestEachBackendHasItsInterceptor(t *testing.T) {
	seen := new([]string)
	heard := []*[]string{new([]string), new([]string)}
	cfg := &rwsplit.Config{
		Dialect:           "generic",
		Consistency:       rwsplit.Eventual,
		PrimaryConnector:  &connector{make: func() driver.Conn { return modern(heard[0]) }},
		ReplicaConnectors: []driver.Connector{&connector{make: func() driver.Conn { return modern(heard[1]) }}},
		WrapConnector:     rwsqlmw.Wrap(func(b rwsplit.Backend) sqlmw.Interceptor { return spy{backend: b.Name, log: seen} }),
	}
	c, err := rwsplit.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "UPDATE t SET x = 1"); err != nil {
		t.Fatal(err)
	}
	expect(t, "the spies", seen, "replica1: begin read only", "primary: exec UPDATE t SET x = 1")
}
