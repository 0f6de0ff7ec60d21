package rwmysql

import (
	"context"
	"errors"

	"github.com/go-sql-driver/mysql"

	"github.com/rwsplit/rwsplit"
)

func init() {
	either, _ := rwsplit.DialectByName("mysql/mariadb")
	rwsplit.RegisterDialect("mysql", dialect{either})
	rwsplit.RegisterDriver("rwsplit-mysql", "mysql")
}

// dialect adds to a built-in dialect what only the base driver knows.
type dialect struct{ rwsplit.Dialect }

var (
	_ rwsplit.Dialect          = dialect{}
	_ rwsplit.Opener           = dialect{}
	_ rwsplit.TxProber         = dialect{}
	_ rwsplit.AutocommitTeller = dialect{}
)

// Engine returns the built-in dialect underneath.
func (d dialect) Engine() rwsplit.Dialect { return d.Dialect }

// As returns the dialect for another engine that the driver reaches.
func (dialect) As(engine rwsplit.Dialect) rwsplit.Dialect { return dialect{engine} }

func (d dialect) Fault(err error) rwsplit.Fault {
	var server *mysql.MySQLError
	if errors.As(err, &server) {
		return rwsplit.MySQLFault(server.Number)
	}
	for _, lost := range []error{mysql.ErrInvalidConn, mysql.ErrMalformPkt, mysql.ErrPktSync, mysql.ErrPktSyncMul} {
		if errors.Is(err, lost) {
			return rwsplit.FaultLost
		}
	}
	return d.Dialect.Fault(err)
}

func (d dialect) InTransaction(ctx context.Context, s rwsplit.PhysicalConn) (bool, error) {
	if p, ok := d.Dialect.(rwsplit.TxProber); ok {
		return p.InTransaction(ctx, s)
	}
	return false, errors.New("rwsplit: this engine does not show whether a session is in a transaction")
}
