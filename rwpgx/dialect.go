package rwpgx

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rwsplit/rwsplit"
)

func init() {
	postgres, _ := rwsplit.DialectByName("postgres")
	d := dialect{postgres}
	rwsplit.RegisterDialect("pgx", d)
	rwsplit.RegisterDialect("pgx/v5", d)
	rwsplit.RegisterDriver("rwsplit-pgx", "pgx")
}

// dialect adds to a built-in dialect what only pgx knows.
type dialect struct{ rwsplit.Dialect }

var (
	_ rwsplit.Dialect        = dialect{}
	_ rwsplit.Opener         = dialect{}
	_ rwsplit.TxProber       = dialect{}
	_ rwsplit.LivenessProber = dialect{}
	_ rwsplit.ArgChecker     = dialect{}
)

// Engine returns the built-in dialect underneath.
func (d dialect) Engine() rwsplit.Dialect { return d.Dialect }

// As returns the dialect for another engine that pgx reaches.
func (dialect) As(engine rwsplit.Dialect) rwsplit.Dialect { return dialect{engine} }

func (d dialect) Fault(err error) rwsplit.Fault {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) && !errors.Is(err, context.Canceled) {
		// Whatever the server has against this client (a password, a
		// certificate, its own state): no session can be had from it.
		return rwsplit.FaultUnavailable
	}
	if errors.Is(err, pgconn.ErrConnClosed) {
		return rwsplit.FaultLost
	}
	return d.Dialect.Fault(err)
}

// Setup has nothing to do where the connection was opened read-only.
func (d dialect) Setup(ctx context.Context, s rwsplit.PhysicalConn, readOnly bool) error {
	if c := pgxConn(s.Conn); c != nil && c.Config().RuntimeParams[readOnlyParameter] == "on" {
		readOnly = false
	}
	return d.Dialect.Setup(ctx, s, readOnly)
}

// Inspect asks in the simple protocol: one round trip, and nothing of it stays
// in the cache of prepared statements.
func (d dialect) Inspect(ctx context.Context, s rwsplit.PhysicalConn) (rwsplit.Server, error) {
	if q, ok := s.Conn.(driver.QueryerContext); ok && pgxConn(s.Conn) != nil {
		s.Conn = simpleConn{s.Conn, q}
	}
	return d.Dialect.Inspect(ctx, s)
}

// InTransaction looks at what the server said last and does no I/O.
func (d dialect) InTransaction(ctx context.Context, s rwsplit.PhysicalConn) (bool, error) {
	if c := pgxConn(s.Conn); c != nil {
		return c.PgConn().TxStatus() != 'I', nil
	}
	if p, ok := d.Dialect.(rwsplit.TxProber); ok {
		return p.InTransaction(ctx, s)
	}
	return false, errors.New("rwsplit: this connection does not show whether it is in a transaction")
}

func (dialect) Alive(conn driver.Conn) bool {
	c := pgxConn(conn)
	return c == nil || !c.IsClosed()
}

// RewritesQuery knows the rewriters that replace names of arguments only.
func (dialect) RewritesQuery(value any) bool {
	switch value.(type) {
	case pgx.NamedArgs, pgx.StrictNamedArgs:
		return false
	case pgx.QueryRewriter:
		return true
	}
	return false
}

// pgxConn returns the pgx connection under a driver.Conn, or nil.
func pgxConn(conn driver.Conn) *pgx.Conn {
	if c, ok := rwsplit.BaseConn(conn).(interface{ Conn() *pgx.Conn }); ok {
		return c.Conn()
	}
	return nil
}

// simpleConn runs queries without arguments in the simple protocol.
type simpleConn struct {
	driver.Conn
	queryer driver.QueryerContext
}

func (c simpleConn) QueryContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	return c.queryer.QueryContext(ctx, query, []driver.NamedValue{{Ordinal: 1, Value: pgx.QueryExecModeSimpleProtocol}})
}
