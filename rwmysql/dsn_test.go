package rwmysql_test

import (
	"net"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/rwmysql"
)

func newDialect(t *testing.T, engine string) rwsplit.Dialect {
	t.Helper()
	d, ok := rwsplit.DialectByName(engine)
	if !ok {
		t.Fatalf("there is no dialect %s", engine)
	}
	return rwmysql.New(d)
}

func TestReplicasOverruleTheDSN(t *testing.T) {
	const dsn = "app:secret@tcp(db-1:3306)/shop?rejectReadOnly=true&AutoCommit=0&multiStatements=true&interpolateParams=true&sql_mode=ANSI"
	for _, role := range []rwsplit.Role{rwsplit.RolePrimary, rwsplit.RoleReplica} {
		cfg, err := rwmysql.ConfigOf(dsn, role)
		if err != nil {
			t.Fatal(err)
		}
		replica := role == rwsplit.RoleReplica
		if got, want := cfg.RejectReadOnly, !replica; got != want {
			t.Errorf("%s: got rejectReadOnly %t, want %t", role, got, want)
		}
		want := "0"
		if replica {
			want = "1"
		}
		if got := cfg.Params["AutoCommit"]; got != want {
			t.Errorf("%s: got autocommit %s, want %s", role, got, want)
		}
		if !cfg.MultiStatements || !cfg.InterpolateParams || cfg.Params["sql_mode"] != "ANSI" {
			t.Errorf("%s: other parameters are lost: %v", role, cfg.Params)
		}
	}
}

func TestDialsBuiltinNetworksItself(t *testing.T) {
	for network, want := range map[string]bool{"tcp": true, "tcp6": true, "unix": true, "tunnel": false} {
		cfg, err := rwmysql.ConfigOf("app@"+network+"(/x)/shop", rwsplit.RolePrimary)
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.DialFunc != nil; got != want {
			t.Errorf("%s: got a dial function: %t, want %t", network, got, want)
		}
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	cfg, err := rwmysql.ConfigOf("app@tcp("+listener.Addr().String()+")/shop", rwsplit.RolePrimary)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := cfg.DialFunc(t.Context(), cfg.Net, cfg.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if got, want := nc.RemoteAddr().String(), listener.Addr().String(); got != want {
		t.Errorf("got a connection to %s, want %s", got, want)
	}
}

func TestWithHost(t *testing.T) {
	tests := []struct{ dsn, host, want string }{
		{"app:secret@tcp(db-1:3306)/shop", "db-2:3307", "app:secret@tcp(db-2:3307)/shop"},
		{"app:s/e@c:r(e)t@tcp(db-1)/shop?parseTime=true", "db-2:3306", "app:s/e@c:r(e)t@tcp(db-2:3306)/shop?parseTime=true"},
		{"app@unix(/run/mysqld.sock)/", "[::1]:3306", "app@tcp([::1]:3306)/"},
		{"/", "db-2:3306", "tcp(db-2:3306)/"},
		{"app@tunnel(x)/shop", "db-2:3306", "app@tunnel(db-2:3306)/shop"},
		{
			"app:p@tcp(db-1)/sh%2Fop?loc=Europe%2FBerlin&time_zone=%27%2B00%3A00%27&autocommit=0&charset=utf8mb4", "db-2:1",
			"app:p@tcp(db-2:1)/sh%2Fop?charset=utf8mb4&loc=Europe%2FBerlin&autocommit=0&time_zone=%27%2B00%3A00%27",
		},
	}
	d := newDialect(t, "mysql").(rwsplit.Opener)
	for _, test := range tests {
		got, err := d.WithHost(test.dsn, test.host)
		if err != nil {
			t.Errorf("%s: %s", test.dsn, err)
			continue
		}
		if got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
		was, err := mysql.ParseDSN(test.dsn)
		if err != nil {
			t.Fatal(err)
		}
		is, err := mysql.ParseDSN(got)
		if err != nil {
			t.Fatal(err)
		}
		if is.Passwd != was.Passwd || is.User != was.User || is.DBName != was.DBName || is.Addr != test.host {
			t.Errorf("%s: another user, password, database or address", got)
		}
	}
	if _, err := d.WithHost("app@tcp(db-1)/shop", "db-2"); err == nil {
		t.Error("a host without a port is taken")
	}
}

func TestAutocommitOff(t *testing.T) {
	d := newDialect(t, "mysql").(rwsplit.AutocommitTeller)
	for params, want := range map[string]bool{
		"":                                  false,
		"?autocommit=1":                     false,
		"?autocommit=true":                  false,
		"?autocommit=0":                     true,
		"?AUTOCOMMIT=OFF":                   true,
		"?autocommit=%27off%27":             true,
		"?autocommit=false&parseTime=true":  true,
		"?parseTime=nonsense&autocommit=on": false,
	} {
		if got := d.AutocommitOff("app@tcp(db-1)/shop" + params); got != want {
			t.Errorf("%s: got %t, want %t", params, got, want)
		}
	}
}

func TestOpenConnectorErrorsHaveNoSecret(t *testing.T) {
	tests := []struct{ dsn, want string }{
		{"app:hunter2@tcp(db-1)", "missing the slash separating the database name"},
		{"app:hunter2@tcp(db-1/shop", "network address not terminated (missing closing brace)"},
		{"app:hunter2/shop", "its network needs an address, as in app:secret@tcp(db-1:3306)/shop"},
		{"app:x/hunter2%zz", "it should look like app:secret@tcp(db-1:3306)/shop?parseTime=true"},
		{"app:x@tcp(db-1)/shop?parseTime=hunter2", "the value of parseTime is not valid"},
		{"app:x@tcp(db-1)/shop?tls=hunter2", "the value of tls is not valid"},
		{"app:x@tcp(db-1)/shop?hunter2=%zz", "it should look like app:secret@tcp(db-1:3306)/shop?parseTime=true"},
		{"app:x@tcp(db-1)/shop?loc=hunter2", "the value of loc is not valid"},
		{"app:x@tcp(db-1)/shop?interpolateParams=true&collation=big5_chinese_ci", "interpolateParams can not be used with unsafe collations"},
	}
	d := newDialect(t, "mysql").(rwsplit.Opener)
	for _, test := range tests {
		for _, open := range []func() error{
			func() error { _, err := d.OpenConnector(test.dsn, rwsplit.RolePrimary, true); return err },
			func() error { _, err := d.WithHost(test.dsn, "db-2:3306"); return err },
		} {
			err := open()
			if err == nil {
				t.Errorf("%s: no error", test.dsn)
				continue
			}
			if got, want := err.Error(), "the DSN can't be parsed: "+test.want; got != want {
				t.Errorf("%s:\ngot  %s\nwant %s", test.dsn, got, want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: the error shows the secret: %s", test.dsn, err)
			}
		}
	}
}
