package rwpgx

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/rwsplit/rwsplit"
)

// readOnlyParameter makes every transaction of a session read-only that does
// not say otherwise, see
// https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-DEFAULT-TRANSACTION-READ-ONLY
const readOnlyParameter = "default_transaction_read_only"

// OpenConnector opens a DSN as pgx would, dialled through [rwsplit.Dialled].
func (dialect) OpenConnector(dsn string, role rwsplit.Role, readOnly bool) (driver.Connector, error) {
	if strings.HasPrefix(dsn, "registeredConnConfig") {
		return stdlib.GetDefaultDriver().(driver.DriverContext).OpenConnector(dsn)
	}
	cfg, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	dial := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := dial(ctx, network, addr)
		if err == nil {
			rwsplit.Dialled(ctx, nc)
		}
		return nc, err
	}
	if role != rwsplit.RoleReplica || !readOnly {
		return stdlib.GetConnector(*cfg), nil
	}
	cfg.RuntimeParams[readOnlyParameter] = "on"
	return readOnlyConnector{stdlib.GetConnector(*cfg)}, nil
}

// readOnlyConnector says what to do about a pooler that refuses the start-up
// parameter.
type readOnlyConnector struct{ driver.Connector }

func (c readOnlyConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil && refusesParameter(err) {
		return nil, fmt.Errorf("rwsplit: the replica's pooler refuses %s: set read_only_replicas=false, "+
			"or name it in PgBouncer's ignore_startup_parameters: %w", readOnlyParameter, err)
	}
	return conn, err
}

// refusesParameter knows PgBouncer's words, see
// https://www.pgbouncer.org/config.html#ignore_startup_parameters
func refusesParameter(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && strings.Contains(server.Message, readOnlyParameter) &&
		strings.Contains(server.Message, "unsupported startup parameter")
}

// WithHost appends host and port, of which pgx takes the last, and asks for
// one host as it is: the primary's target_session_attrs would refuse a replica.
func (dialect) WithHost(dsn, hostport string) (string, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return "", errors.New("the host must be host:port, with an IPv6 address in brackets")
	}
	was, err := parse(dsn)
	if err != nil {
		return "", err
	}
	for _, text := range withHost(dsn, host, port) {
		is, err := pgx.ParseConfig(text)
		if err != nil {
			continue
		}
		same := is.User == was.User && is.Password == was.Password && is.Database == was.Database &&
			is.ConnectTimeout == was.ConnectTimeout && maps.Equal(is.RuntimeParams, was.RuntimeParams)
		if same && is.Host == host && fmt.Sprint(is.Port) == port {
			return text, nil
		}
	}
	return "", errors.New("the primary's DSN takes no other host: list whole DSNs with replica=")
}

// withHost returns texts of which one has the host, and nothing else changed.
func withHost(dsn, host, port string) []string {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		with := fmt.Sprintf(" host='%s' port=%s target_session_attrs=any", host, port)
		// After a last key without a value the host would be taken for it.
		return []string{dsn + with, dsn + "''" + with}
	}
	with := url.Values{"host": {host}, "port": {port}, "target_session_attrs": {"any"}}.Encode()
	return []string{dsn + "?" + with, dsn + "&" + with, dsn + with}
}

// parse is pgx.ParseConfig without what its errors repeat of the DSN: pgx
// hides the passwords that it recognises, which a broken DSN may prevent.
func parse(dsn string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err == nil {
		return cfg, nil
	}
	reason := "it is neither a URL nor keywords and values"
	for _, known := range parseErrors {
		if strings.Contains(err.Error(), "`: "+known) {
			reason = known
		}
	}
	var file *fs.PathError
	if errors.As(err, &file) {
		reason += ": " + file.Error()
	}
	return nil, errors.New("pgx can't parse the DSN: " + reason)
}

// parseErrors are what pgx says without repeating the DSN. It is never changed.
var parseErrors = []string{
	"failed to parse as URL",
	"failed to parse as keyword/value",
	"failed to read service",
	"failed to configure TLS",
	"could not match",
	"invalid port",
	"invalid connect_timeout",
	"invalid sslcertmode",
	"unknown target_session_attrs value",
	"unknown channel_binding value",
	"invalid require_auth",
	"invalid min_protocol_version",
	"invalid max_protocol_version",
	"cannot parse statement_cache_capacity",
	"cannot parse description_cache_capacity",
	"invalid default_query_exec_mode",
}
