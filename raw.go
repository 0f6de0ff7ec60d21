package rwsplit

import (
	"context"
	"database/sql/driver"
)

// Conn is what [database/sql.Conn.Raw] passes to its function. It gives access
// to the physical connections, for features of a base driver that database/sql
// lacks (COPY with pgx). What it returns must not be used after the function
// has returned, nor closed.
//
// rwsplit can't see what is done on a physical connection: it counts as a
// write, and the scope is pinned to that server until the sql.Conn is closed.
// What was done on the primary's connection counts as unfinished, and reads
// that have to see it stay on the primary, until the next statement on the
// sql.Conn, such as a ping, or its end. So a listener that waits there for
// notifications keeps all reads on the primary; it is better off with a
// connection of the base driver's own.
type Conn interface {
	// Primary returns the primary's connection, dialling it if need be. In a
	// transaction on a replica it is an error.
	Primary(ctx context.Context) (driver.Conn, error)
	// Replica returns the connection of a replica on which a read could run
	// now; the primary's if there is none and the fallback allows it.
	Replica(ctx context.Context) (driver.Conn, error)
}

var _ Conn = (*conn)(nil)

var (
	rawPrimary = Statement{Writes: true, Pins: true, Opaque: true, State: StateOpaque, Tx: TxUnknown, Reason: "raw connection"}
	rawReplica = Statement{Route: RouteReplica, Pins: true, State: StateOpaque, Reason: "raw connection"}
)

func (c *conn) Primary(ctx context.Context) (driver.Conn, error) { return c.raw(ctx, rawPrimary) }
func (c *conn) Replica(ctx context.Context) (driver.Conn, error) { return c.raw(ctx, rawReplica) }

func (c *conn) raw(ctx context.Context, class Statement) (driver.Conn, error) {
	k := call{op: OpRaw, class: class}
	if err := c.do(ctx, &k); err != nil {
		return nil, err
	}
	return BaseConn(k.slot.ci), nil
}
