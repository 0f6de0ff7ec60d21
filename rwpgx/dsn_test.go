package rwpgx_test

import (
	"errors"
	"maps"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/rwpgx"
)

func newDialect(t *testing.T) rwsplit.Dialect {
	t.Helper()
	d, ok := rwsplit.DialectByName("postgres")
	if !ok {
		t.Fatal("there is no dialect postgres")
	}
	return rwpgx.New(d)
}

// refuse answers the start-up messages of one address with an error. It
// returns the address and what the clients asked for.
func refuse(t *testing.T, answer *pgproto3.ErrorResponse) (string, <-chan map[string]string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked, done := make(chan map[string]string, 8), make(chan struct{})
	go func() {
		defer close(done)
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			backend := pgproto3.NewBackend(nc, nc)
			if m, err := backend.ReceiveStartupMessage(); err == nil {
				if start, ok := m.(*pgproto3.StartupMessage); ok {
					asked <- maps.Clone(start.Parameters)
				}
				backend.Send(answer)
				_ = backend.Flush()
			}
			_ = nc.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String(), asked
}

func TestReplicaSessionsAskForReadOnly(t *testing.T) {
	addr, asked := refuse(t, &pgproto3.ErrorResponse{
		Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: default_transaction_read_only",
	})
	dsn := "postgres://app:hunter2@" + addr + "/shop?sslmode=disable&application_name=x"
	tests := []struct {
		role     rwsplit.Role
		readOnly bool
		want     string
	}{
		{rwsplit.RolePrimary, true, ""},
		{rwsplit.RolePrimary, false, ""},
		{rwsplit.RoleReplica, false, ""},
		{rwsplit.RoleReplica, true, "on"},
	}
	for _, test := range tests {
		c, err := newDialect(t).(rwsplit.Opener).OpenConnector(dsn, test.role, test.readOnly)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Connect(t.Context())
		if err == nil {
			t.Fatal("connected to a server that refuses")
		}
		params := <-asked
		if got := params["default_transaction_read_only"]; got != test.want {
			t.Errorf("%s, readOnly=%t: got %q, want %q", test.role, test.readOnly, got, test.want)
		}
		if got, want := params["application_name"], "x"; got != want {
			t.Errorf("application_name: got %q, want %q", got, want)
		}
		if got, want := strings.Contains(err.Error(), "read_only_replicas=false"), test.want != ""; got != want {
			t.Errorf("%s, readOnly=%t: the way out is named: %t, want %t: %s", test.role, test.readOnly, got, want, err)
		}
		var server *pgconn.PgError
		if !errors.As(err, &server) || server.Code != "08P01" {
			t.Errorf("the server's error is lost: %v", err)
		}
		if got, want := newDialect(t).Fault(err), rwsplit.FaultUnavailable; got != want {
			t.Errorf("got fault %d, want %d", got, want)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the password: %s", err)
		}
	}
}

func TestOtherRefusalsAreLeftAlone(t *testing.T) {
	addr, _ := refuse(t, &pgproto3.ErrorResponse{
		Severity: "FATAL", Code: "28P01", Message: "password authentication failed for user \"app\"",
	})
	d := newDialect(t)
	c, err := d.(rwsplit.Opener).OpenConnector("postgres://app@"+addr+"/shop?sslmode=disable", rwsplit.RoleReplica, true)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Connect(t.Context())
	if _, ok := err.(*pgconn.ConnectError); !ok { //nolint:errorlint // it must not be wrapped
		t.Errorf("got %T, want pgx's own error", err)
	}
	if got, want := d.Fault(err), rwsplit.FaultUnavailable; got != want {
		t.Errorf("got fault %d, want %d", got, want)
	}
}

func TestTriesAllHostsOfADSN(t *testing.T) {
	starting := &pgproto3.ErrorResponse{Severity: "FATAL", Code: "57P03", Message: "the database system is starting up"}
	first, askedFirst := refuse(t, starting)
	second, askedSecond := refuse(t, starting)
	c, err := newDialect(t).(rwsplit.Opener).OpenConnector(
		"postgres://app@"+first+","+second+"/shop?sslmode=disable&target_session_attrs=read-write", rwsplit.RolePrimary, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Connect(t.Context()); err == nil {
		t.Fatal("connected to a server that refuses")
	}
	<-askedFirst
	<-askedSecond
}

func TestOpensRegisteredConfigs(t *testing.T) {
	addr, asked := refuse(t, &pgproto3.ErrorResponse{Severity: "FATAL", Code: "57P03"})
	cfg, err := pgx.ParseConfig("postgres://app@" + addr + "/registered?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	name := stdlib.RegisterConnConfig(cfg)
	defer stdlib.UnregisterConnConfig(name)
	c, err := newDialect(t).(rwsplit.Opener).OpenConnector(name, rwsplit.RoleReplica, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Connect(t.Context()); err == nil {
		t.Fatal("connected to a server that refuses")
	}
	if got, want := (<-asked)["database"], "registered"; got != want {
		t.Errorf("got database %q, want %q", got, want)
	}
}

func TestWithHost(t *testing.T) {
	dsns := []string{
		"postgres://app:secret@db-1:5432/shop",
		"postgres://app:secret@db-1/shop?sslmode=disable&application_name=a%26b",
		"postgres://app:secret@db-1,db-3:5433/shop?target_session_attrs=read-write",
		"postgresql://app:se%2Fcret@[::1]:5432",
		"postgres://app:secret@/shop?host=/run/postgresql&port=5433",
		"postgres://app:secret@db-1/shop?",
		"host=db-1 port=5433 user=app password='se\\'cret' dbname=shop target_session_attrs=primary",
		"host=db-1,db-3 user=app password=abc= dbname=shop",
		"host=/run/postgresql user=app dbname=shop password=",
		"user=app dbname=shop statement_cache_capacity=10",
	}
	hosts := []struct {
		text, host string
		port       uint16
	}{
		{"db-2:6000", "db-2", 6000},
		{"[fe80::1]:6000", "fe80::1", 6000},
	}
	d := newDialect(t).(rwsplit.Opener)
	for _, dsn := range dsns {
		was, err := pgx.ParseConfig(dsn)
		if err != nil {
			t.Fatalf("%s: %s", dsn, err)
		}
		for _, host := range hosts {
			text, err := d.WithHost(dsn, host.text)
			if err != nil {
				t.Errorf("%s: %s", dsn, err)
				continue
			}
			is, err := pgx.ParseConfig(text)
			if err != nil {
				t.Errorf("%s: %s", text, err)
				continue
			}
			if is.Host != host.host || is.Port != host.port {
				t.Errorf("%s: got host %s and port %d, want %s and %d", text, is.Host, is.Port, host.host, host.port)
			}
			for _, f := range is.Fallbacks { // the same host without TLS
				if f.Host != host.host || f.Port != host.port {
					t.Errorf("%s: it also leads to %s:%d", text, f.Host, f.Port)
				}
			}
			if is.User != was.User || is.Password != was.Password || is.Database != was.Database ||
				!maps.Equal(is.RuntimeParams, was.RuntimeParams) {
				t.Errorf("%s: more has changed than the host", text)
			}
			if is.ValidateConnect != nil {
				t.Errorf("%s: it still asks for a kind of server", text)
			}
		}
	}
	for _, host := range []string{"db-2", "db-2:x", "", "db-2:70000"} {
		if text, err := d.WithHost(dsns[0], host); err == nil {
			t.Errorf("%q is taken for a host: %s", host, text)
		}
	}
}

func TestOpenConnectorErrorsHaveNoSecret(t *testing.T) {
	tests := []struct{ dsn, want string }{
		{"postgres://app:hunter2@db-1:port/shop", "invalid port"},
		{"postgres://app:hunter2/x@db-1/shop", "invalid port"},
		{"postgres://app:%zzhunter2@db-1/shop", "failed to parse as URL"},
		{"hunter2", "failed to parse as keyword/value"},
		{"host=db-1 password=hun ter2", "failed to parse as keyword/value"},
		{"host=db-1 password='hunter2", "failed to parse as keyword/value"},
		{"host=db-1 password=hunter2 target_session_attrs=hunter2", "unknown target_session_attrs value"},
		{"host=db-1 connect_timeout=hunter2", "invalid connect_timeout"},
		{"host=db-1 default_query_exec_mode=hunter2", "invalid default_query_exec_mode"},
		{
			"host=db-1 password=hunter2 sslmode=verify-full sslrootcert=/nowhere/ca.pem",
			"failed to configure TLS: open /nowhere/ca.pem: no such file or directory",
		},
	}
	d := newDialect(t).(rwsplit.Opener)
	for _, test := range tests {
		for _, open := range []func() error{
			func() error { _, err := d.OpenConnector(test.dsn, rwsplit.RoleReplica, true); return err },
			func() error { _, err := d.WithHost(test.dsn, "db-2:5432"); return err },
		} {
			err := open()
			if err == nil {
				t.Errorf("%s: no error", test.dsn)
				continue
			}
			if got, want := err.Error(), "pgx can't parse the DSN: "+test.want; got != want {
				t.Errorf("%s:\ngot  %s\nwant %s", test.dsn, got, want)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ter2") {
				t.Errorf("%s: the error shows the secret: %s", test.dsn, err)
			}
			var parse *pgconn.ParseConfigError
			if errors.As(err, &parse) {
				t.Errorf("%s: the error carries the DSN", test.dsn)
			}
		}
	}
}
