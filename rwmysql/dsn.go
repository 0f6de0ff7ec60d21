package rwmysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/rwsplit/rwsplit"
)

// OpenConnector opens a DSN as the base driver would, dialled through
// [rwsplit.Dialled].
func (dialect) OpenConnector(dsn string, role rwsplit.Role, _ bool) (driver.Connector, error) {
	cfg, err := config(dsn, role)
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, parseError(dsn, err)
	}
	return connector, nil
}

// config is a DSN with what its role asks for.
func config(dsn string, role rwsplit.Role) (*mysql.Config, error) {
	cfg, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	if slices.Contains(builtinNetworks, cfg.Net) {
		cfg.DialFunc = dial
	}
	if role == rwsplit.RoleReplica {
		cfg.RejectReadOnly = false
		for name := range cfg.Params {
			if strings.EqualFold(name, "autocommit") {
				cfg.Params[name] = "1"
			}
		}
	}
	return cfg, nil
}

// builtinNetworks are what package net dials. The base driver's registry of
// other ones can't be read from here. It is never changed.
var builtinNetworks = []string{"tcp", "tcp4", "tcp6", "unix"}

func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, network, addr)
	if err == nil {
		rwsplit.Dialled(ctx, nc)
	}
	return nc, err
}

// WithHost puts another address into a DSN. A socket becomes a TCP address; a
// registered network keeps its name.
func (dialect) WithHost(dsn, hostport string) (string, error) {
	if _, _, err := net.SplitHostPort(hostport); err != nil {
		return "", errors.New("the host must be host:port, with an IPv6 address in brackets")
	}
	cfg, err := parse(dsn)
	if err != nil {
		return "", err
	}
	if cfg.Net == "unix" {
		cfg.Net = "tcp"
	}
	cfg.Addr = hostport
	return cfg.FormatDSN(), nil
}

// AutocommitOff reports whether sessions of this DSN start without autocommit.
func (dialect) AutocommitOff(dsn string) bool {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return false
	}
	for name, value := range cfg.Params {
		if strings.EqualFold(name, "autocommit") {
			switch strings.ToLower(strings.Trim(value, `'" `)) {
			case "0", "off", "false":
				return true
			}
		}
	}
	return false
}

func parse(dsn string) (*mysql.Config, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, parseError(dsn, err)
	}
	return cfg, nil
}

// parseError says what is wrong with a DSN without repeating any of it: what
// the base driver takes for a network, a database or a value can be a piece of
// the password.
func parseError(dsn string, err error) error {
	text := err.Error()
	if strings.HasPrefix(text, "invalid DSN: ") {
		return fmt.Errorf("the DSN can't be parsed: %s", strings.TrimPrefix(text, "invalid DSN: "))
	}
	if strings.HasPrefix(text, "default addr for network") {
		return errors.New("the DSN can't be parsed: its network needs an address, as in app:secret@tcp(db-1:3306)/shop")
	}
	_, params, _ := strings.Cut(dsn[strings.LastIndexByte(dsn, '/')+1:], "?")
	for _, param := range strings.Split(params, "&") {
		// A parameter that fails is one that the base driver knows by name,
		// unless what fails is an escape.
		name, value, ok := strings.Cut(param, "=")
		if _, err := url.QueryUnescape(value); !ok || err != nil {
			continue
		}
		if _, err := mysql.ParseDSN("tcp(h)/?" + param); err != nil {
			return fmt.Errorf("the DSN can't be parsed: the value of %s is not valid", name)
		}
	}
	return errors.New("the DSN can't be parsed: it should look like app:secret@tcp(db-1:3306)/shop?parseTime=true")
}
