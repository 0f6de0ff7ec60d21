package rwsplit_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// scriptedConn answers each text once, in the order of its script.
type scriptedConn struct {
	driver.Conn
	t      *testing.T
	script []scriptedAnswer
}

type scriptedAnswer struct {
	contains string // part of the text that is expected next
	row      []driver.Value
	err      error
}

func (c *scriptedConn) next(query string) scriptedAnswer {
	c.t.Helper()
	if len(c.script) == 0 {
		c.t.Fatalf("%q is one statement too many", query)
	}
	a := c.script[0]
	c.script = c.script[1:]
	if !strings.Contains(query, a.contains) {
		c.t.Fatalf("got %q, want %q in it", query, a.contains)
	}
	return a
}

func (c *scriptedConn) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	a := c.next(query)
	if a.err != nil {
		return nil, a.err
	}
	return &scriptedRow{a.row}, nil
}

func (c *scriptedConn) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	return driver.ResultNoRows, c.next(query).err
}

type scriptedRow struct{ row []driver.Value }

func (r *scriptedRow) Columns() []string { return make([]string, len(r.row)) }
func (r *scriptedRow) Close() error      { return nil }

func (r *scriptedRow) Next(dest []driver.Value) error {
	if r.row == nil {
		return io.EOF
	}
	copy(dest, r.row)
	r.row = nil
	return nil
}

// withScript runs f against a session with a script and asks that all of it
// was used.
func withScript(t *testing.T, script []scriptedAnswer, f func(s rwsplit.PhysicalConn)) {
	t.Helper()
	c := &scriptedConn{t: t, script: script}
	f(rwsplit.PhysicalConn{Conn: c})
	if len(c.script) > 0 {
		t.Errorf("%d statements were never sent, first %q", len(c.script), c.script[0].contains)
	}
}

// stateError is the error of a PostgreSQL driver.
type stateError struct{ state, text string }

func (e stateError) Error() string    { return e.text }
func (e stateError) SQLState() string { return e.state }

func builtin(t *testing.T, name string) rwsplit.Dialect {
	t.Helper()
	d, ok := rwsplit.DialectByName(name)
	if !ok {
		t.Fatalf("there is no dialect %s", name)
	}
	return d
}

func TestDialectByName(t *testing.T) {
	for _, name := range []string{"postgres", "mysql", "mariadb", "mysql/mariadb", "sqlite", "generic"} {
		if got := builtin(t, name).Name(); got != name {
			t.Errorf("got %s, want %s", got, name)
		}
	}
	for _, name := range []string{"", "oracle", "Postgres"} {
		if d, ok := rwsplit.DialectByName(name); ok || d != nil {
			t.Errorf("%q is a dialect", name)
		}
	}
}

func TestDialectOf(t *testing.T) {
	for _, name := range []string{"sqlite", "sqlite3"} {
		if d, ok := rwsplit.DialectOf(name); !ok || d.Name() != "sqlite" {
			t.Errorf("%s: got %v, want the dialect sqlite", name, d)
		}
	}
	if d, ok := rwsplit.DialectOf("nothing"); ok || d != nil {
		t.Errorf("got %v for a driver that nobody registered", d)
	}
}

func TestFaultsOfConnections(t *testing.T) {
	dialTimeout := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	tests := []struct {
		err  error
		want rwsplit.Fault
	}{
		{nil, rwsplit.FaultNone},
		{errors.New("division by zero"), rwsplit.FaultNone},
		{context.Canceled, rwsplit.FaultNone},
		{context.DeadlineExceeded, rwsplit.FaultNone},
		{fmt.Errorf("timeout: %w", context.DeadlineExceeded), rwsplit.FaultNone},
		{&net.OpError{Op: "dial", Err: context.Canceled}, rwsplit.FaultNone},
		{driver.ErrBadConn, rwsplit.FaultLost},
		{fmt.Errorf("receive: %w", io.ErrUnexpectedEOF), rwsplit.FaultLost},
		{io.EOF, rwsplit.FaultLost},
		{net.ErrClosed, rwsplit.FaultLost},
		{syscall.EPIPE, rwsplit.FaultLost},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, rwsplit.FaultLost},
		{fmt.Errorf("timeout: %w", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}), rwsplit.FaultLost},
		{os.ErrDeadlineExceeded, rwsplit.FaultLost},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, rwsplit.FaultUnavailable},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, rwsplit.FaultUnavailable},
		{fmt.Errorf("dial error: %w", dialTimeout), rwsplit.FaultUnavailable},
		{&net.DNSError{Err: "no such host"}, rwsplit.FaultUnavailable},
	}
	for _, name := range []string{"postgres", "mysql", "mariadb", "mysql/mariadb", "sqlite", "generic"} {
		d := builtin(t, name)
		for _, test := range tests {
			if got := d.Fault(test.err); got != test.want {
				t.Errorf("%s: %v: got fault %d, want %d", name, test.err, got, test.want)
			}
		}
	}
}

func TestFaultsByState(t *testing.T) {
	tests := []struct {
		dialect, state, text string
		want                 rwsplit.Fault
	}{
		{"postgres", "25006", "cannot execute INSERT in a read-only transaction", rwsplit.FaultRefusedWrite},
		{"postgres", "25006", "kann INSERT nicht in einer Read-Only-Transaktion ausführen", rwsplit.FaultRefusedWrite},
		{"postgres", "0A000", "cannot use serializable mode in a hot standby", rwsplit.FaultRefusedWrite},
		{"postgres", "0A000", "cannot access temporary or unlogged relations during recovery", rwsplit.FaultRefusedWrite},
		{"postgres", "55000", "recovery is in progress", rwsplit.FaultRefusedWrite},
		{"postgres", "0A000", "cached plan must not change result type", rwsplit.FaultNone},
		{"postgres", "55000", "currval of sequence \"s\" is not yet defined in this session", rwsplit.FaultNone},
		{"postgres", "XX000", "cannot assign TransactionIds during recovery", rwsplit.FaultRefusedWrite},
		{"postgres", "XX000", "cannot assign OIDs during recovery", rwsplit.FaultRefusedWrite},
		{"postgres", "XX000", "cache lookup failed for relation 1", rwsplit.FaultNone},
		{"postgres", "42P01", "", rwsplit.FaultMissing},
		{"postgres", "42703", "", rwsplit.FaultMissing},
		{"postgres", "42883", "", rwsplit.FaultMissing},
		{"postgres", "3F000", "", rwsplit.FaultMissing},
		{"postgres", "42501", "permission denied for table orders", rwsplit.FaultMissing},
		{"postgres", "40001", "canceling statement due to conflict with recovery", rwsplit.FaultConflict},
		{"postgres", "57P01", "", rwsplit.FaultUnavailable},
		{"postgres", "57P03", "the database system is starting up", rwsplit.FaultUnavailable},
		{"postgres", "53300", "", rwsplit.FaultUnavailable},
		{"postgres", "08006", "", rwsplit.FaultLost},
		{"postgres", "57014", "canceling statement due to user request", rwsplit.FaultNone},
		{"postgres", "23505", "", rwsplit.FaultNone},
		{"postgres", "25P02", "", rwsplit.FaultNone},
		{"postgres", "x", "", rwsplit.FaultNone},
		{"generic", "25006", "", rwsplit.FaultRefusedWrite},
		{"generic", "42S02", "", rwsplit.FaultMissing},
		{"generic", "08003", "", rwsplit.FaultLost},
		{"generic", "23505", "", rwsplit.FaultNone},
	}
	for _, test := range tests {
		err := fmt.Errorf("wrapped: %w", stateError{test.state, test.text})
		if got := builtin(t, test.dialect).Fault(err); got != test.want {
			t.Errorf("%s: %s %s: got fault %d, want %d", test.dialect, test.state, test.text, got, test.want)
		}
	}
}

func TestFaultsOfSQLite(t *testing.T) {
	tests := []struct {
		text string
		want rwsplit.Fault
	}{
		{"attempt to write a readonly database (8)", rwsplit.FaultRefusedWrite},
		{"SQL logic error: no such table: orders (1)", rwsplit.FaultMissing},
		{"no such column: price", rwsplit.FaultMissing},
		{"unable to open database file: out of memory (14)", rwsplit.FaultUnavailable},
		{"database is locked (5) (SQLITE_BUSY)", rwsplit.FaultNone},
	}
	for _, test := range tests {
		if got := builtin(t, "sqlite").Fault(errors.New(test.text)); got != test.want {
			t.Errorf("%s: got fault %d, want %d", test.text, got, test.want)
		}
	}
}

func TestMySQLFault(t *testing.T) {
	tests := []struct {
		number uint16
		want   rwsplit.Fault
	}{
		{1290, rwsplit.FaultRefusedWrite},
		{1792, rwsplit.FaultRefusedWrite},
		{1836, rwsplit.FaultRefusedWrite},
		{1146, rwsplit.FaultMissing},
		{1054, rwsplit.FaultMissing},
		{1305, rwsplit.FaultMissing},
		{1049, rwsplit.FaultMissing},
		{1142, rwsplit.FaultMissing},
		{1053, rwsplit.FaultUnavailable},
		{1927, rwsplit.FaultUnavailable},
		{1040, rwsplit.FaultUnavailable},
		{2013, rwsplit.FaultLost},
		{1317, rwsplit.FaultNone},
		{1062, rwsplit.FaultNone},
		{0, rwsplit.FaultNone},
	}
	for _, test := range tests {
		if got := rwsplit.MySQLFault(test.number); got != test.want {
			t.Errorf("%d: got fault %d, want %d", test.number, got, test.want)
		}
	}
}

func TestSetup(t *testing.T) {
	tests := []struct {
		dialect  string
		readOnly bool
		sent     []string
	}{
		{"postgres", true, []string{"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"}},
		{"postgres", false, nil},
		{"mysql", true, []string{"SET autocommit = 1", "SET SESSION TRANSACTION READ ONLY"}},
		{"mysql", false, []string{"SET autocommit = 1"}},
		{"mariadb", true, []string{"SET autocommit = 1", "SET SESSION TRANSACTION READ ONLY"}},
		{"sqlite", true, []string{"PRAGMA query_only = on"}},
		{"sqlite", false, nil},
		{"generic", true, nil},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s readOnly=%t", test.dialect, test.readOnly), func(t *testing.T) {
			var script []scriptedAnswer
			for _, text := range test.sent {
				script = append(script, scriptedAnswer{contains: text})
			}
			withScript(t, script, func(s rwsplit.PhysicalConn) {
				if err := builtin(t, test.dialect).Setup(t.Context(), s, test.readOnly); err != nil {
					t.Error(err)
				}
			})
			// A replica that refuses to be set up is not used.
			for i := range test.sent {
				broken := append([]scriptedAnswer(nil), script[:i+1]...)
				broken[i].err = io.ErrUnexpectedEOF
				withScript(t, broken, func(s rwsplit.PhysicalConn) {
					if err := builtin(t, test.dialect).Setup(t.Context(), s, test.readOnly); !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("got %v, want the error of the statement", err)
					}
				})
			}
		})
	}
}

func TestInspect(t *testing.T) {
	denied := stateError{"42501", "permission denied for function pg_control_system"}
	foreign := stateError{"42883", "unknown function"}
	mariadb := []driver.Value{"10.11.6-MariaDB-log", "db-2", "3306", "7", "1", "1", "1000100", "0", "", "0", "60"}
	mysql := []driver.Value{[]byte("8.4.0"), []byte("db-1"), int64(3306), int64(1), int64(0), int64(0), int64(1000100), int64(0), "3e11fa47", int64(1), "100"}
	started := time.Unix(1000000, 0)
	tests := []struct {
		name    string
		dialect string
		script  []scriptedAnswer
		want    rwsplit.Server
		err     error
	}{
		{
			name: "a standby", dialect: "postgres",
			script: []scriptedAnswer{{contains: "pg_control_system", row: []driver.Value{int64(1700000000000001), int64(5), true, "15.4", "71"}}},
			want: rwsplit.Server{
				Identity: "71/1700000000000001/5", Start: time.UnixMicro(1700000000000001), Cluster: "71",
				Version: "15.4", Dialect: "postgres", ReadOnly: true,
			},
		},
		{
			name: "a primary that hides its identifier", dialect: "postgres",
			script: []scriptedAnswer{
				{contains: "pg_control_system", err: denied},
				{contains: "pg_postmaster_start_time", row: []driver.Value{int64(3), int64(5), "f", "17.1", ""}},
			},
			want: rwsplit.Server{Identity: "/3/5", Start: time.UnixMicro(3), Version: "17.1", Dialect: "postgres"},
		},
		{
			name: "not PostgreSQL", dialect: "postgres",
			script: []scriptedAnswer{{contains: "pg_control_system", err: foreign}, {contains: "pg_postmaster", err: foreign}},
		},
		{
			name: "a server that shuts down", dialect: "postgres",
			script: []scriptedAnswer{{contains: "pg_control_system", err: stateError{"57P01", ""}}},
			err:    stateError{"57P01", ""},
		},
		{
			name: "a lost connection", dialect: "postgres",
			script: []scriptedAnswer{{contains: "pg_control_system", err: io.ErrUnexpectedEOF}},
			err:    io.ErrUnexpectedEOF,
		},
		{
			name: "a MariaDB replica", dialect: "mysql/mariadb",
			script: []scriptedAnswer{{contains: "GLOBAL_STATUS", row: mariadb}},
			want: rwsplit.Server{
				Identity: "db-2:3306/7", Start: time.Unix(1000040, 0), Version: "10.11.6-MariaDB-log",
				Dialect: "mariadb", ReadOnly: true,
			},
		},
		{
			name: "MySQL without autocommit", dialect: "mysql/mariadb",
			script: []scriptedAnswer{{contains: "@@server_uuid", row: mysql}},
			want: rwsplit.Server{
				Identity: "3e11fa47", Start: started, Version: "8.4.0", Dialect: "mysql", ReadOnly: true, AutocommitOff: true,
			},
		},
		{
			name: "MySQL without the performance schema", dialect: "mysql",
			script: []scriptedAnswer{
				{contains: "@@server_uuid", row: append(append([]driver.Value(nil), mysql[:10]...), nil)},
				{contains: "@@hostname", row: mysql[:7]},
				{contains: "SHOW GLOBAL STATUS LIKE 'Uptime'", row: []driver.Value{"Uptime", "99"}},
				{contains: "@@hostname", row: mysql[:7]},
				{contains: "SHOW GLOBAL STATUS LIKE 'Uptime'", row: []driver.Value{"Uptime", "100"}},
				{contains: "@@hostname", row: mysql[:7]},
				{contains: "SHOW GLOBAL STATUS LIKE 'Uptime'", row: []driver.Value{"Uptime", "100"}},
			},
			want: rwsplit.Server{Identity: "db-1:3306/1", Start: started, Version: "8.4.0", Dialect: "mysql", AutocommitOff: true},
		},
		{
			name: "something that only speaks the protocol", dialect: "mysql",
			script: []scriptedAnswer{
				{contains: "@@server_uuid", err: errors.New("unknown variable")},
				{contains: "@@hostname", err: errors.New("unknown variable")},
			},
		},
		{
			name: "something without an uptime", dialect: "mysql",
			script: []scriptedAnswer{
				{contains: "@@server_uuid", err: errors.New("unknown variable")},
				{contains: "@@hostname", row: mysql[:7]},
				{contains: "SHOW GLOBAL STATUS", err: errors.New("syntax error")},
			},
			want: rwsplit.Server{Version: "8.4.0", Dialect: "mysql", AutocommitOff: true},
		},
		{
			name: "a lost connection to MySQL", dialect: "mysql",
			script: []scriptedAnswer{{contains: "@@server_uuid", err: driver.ErrBadConn}},
			err:    driver.ErrBadConn,
		},
		{
			name: "a file", dialect: "sqlite",
			script: []scriptedAnswer{{contains: "pragma_database_list", row: []driver.Value{"3.45.0", "/data/shop.db"}}},
			want:   rwsplit.Server{Identity: "/data/shop.db", Version: "3.45.0", Dialect: "sqlite"},
		},
		{
			name: "a database in memory", dialect: "sqlite",
			script: []scriptedAnswer{{contains: "pragma_database_list", row: []driver.Value{"3.45.0", ""}}},
			want:   rwsplit.Server{Version: "3.45.0", Dialect: "sqlite"},
		},
		{name: "anything", dialect: "generic"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			withScript(t, test.script, func(s rwsplit.PhysicalConn) {
				got, err := builtin(t, test.dialect).Inspect(t.Context(), s)
				if !errors.Is(err, test.err) {
					t.Errorf("got error %v, want %v", err, test.err)
				}
				if got != test.want {
					t.Errorf("\ngot  %+v\nwant %+v", got, test.want)
				}
			})
		})
	}
}

func TestInTransaction(t *testing.T) {
	begun := errors.New("Error 1568 (25001): Transaction characteristics can't be changed while a transaction is in progress")
	unknown := errors.New("Error 1193 (HY000): Unknown system variable 'in_transaction'")
	tests := []struct {
		name    string
		dialect string
		script  []scriptedAnswer
		want    bool
	}{
		{"PostgreSQL, none", "postgres", []scriptedAnswer{{contains: "SAVEPOINT", err: stateError{"25P01", ""}}}, false},
		{"PostgreSQL, a failed one", "postgres", []scriptedAnswer{{contains: "SAVEPOINT", err: stateError{"25P02", ""}}}, true},
		{"PostgreSQL, one", "postgres", []scriptedAnswer{{contains: "SAVEPOINT"}, {contains: "RELEASE SAVEPOINT"}}, true},
		{"MariaDB, none", "mariadb", []scriptedAnswer{{contains: "@@in_transaction", row: []driver.Value{"0"}}}, false},
		{"MariaDB, one", "mysql/mariadb", []scriptedAnswer{{contains: "@@in_transaction", row: []driver.Value{int64(1)}}}, true},
		{
			"MySQL, none", "mysql/mariadb",
			[]scriptedAnswer{
				{contains: "@@in_transaction", err: unknown},
				{contains: "@@session.transaction_isolation", row: []driver.Value{"READ-COMMITTED"}},
				{contains: "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"},
			},
			false,
		},
		{
			"MySQL, one", "mysql",
			[]scriptedAnswer{
				{contains: "@@session.transaction_isolation", row: []driver.Value{"REPEATABLE-READ"}},
				{contains: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", err: begun},
			},
			true,
		},
		{"SQLite, none", "sqlite", []scriptedAnswer{{contains: "BEGIN"}, {contains: "ROLLBACK"}}, false},
		{
			"SQLite, one", "sqlite",
			[]scriptedAnswer{{contains: "BEGIN", err: errors.New("SQL logic error: cannot start a transaction within a transaction (1)")}},
			true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			withScript(t, test.script, func(s rwsplit.PhysicalConn) {
				got, err := builtin(t, test.dialect).(rwsplit.TxProber).InTransaction(t.Context(), s)
				if err != nil || got != test.want {
					t.Errorf("got %t and %v, want %t", got, err, test.want)
				}
			})
		})
	}
	for _, name := range []string{"postgres", "mysql", "mariadb", "mysql/mariadb", "sqlite"} {
		withScript(t, []scriptedAnswer{{err: io.ErrUnexpectedEOF}}, func(s rwsplit.PhysicalConn) {
			if _, err := builtin(t, name).(rwsplit.TxProber).InTransaction(t.Context(), s); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: got %v, want the error of the connection", name, err)
			}
		})
	}
}
