package rwsqlmw

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"

	"github.com/ngrok/sqlmw"

	"github.com/rwsplit/rwsplit"
)

var errNoOpen = errors.New("rwsplit: a connector is already open")

// Wrap makes a function for [rwsplit.Config.WrapConnector] that puts the
// Interceptor which intercept returns around a backend. It is called once for
// each backend, with roles=auto once for each role that it may have; where it
// returns nil, the backend is left as it is.
func Wrap(intercept func(b rwsplit.Backend) sqlmw.Interceptor) func(rwsplit.Backend, driver.Connector) driver.Connector {
	return func(b rwsplit.Backend, base driver.Connector) driver.Connector {
		in := intercept(b)
		if in == nil {
			return base
		}
		return &connector{base, in}
	}
}

type connector struct {
	base driver.Connector
	in   sqlmw.Interceptor
}

var (
	_ driver.Connector = (*connector)(nil)
	_ io.Closer        = (*connector)(nil)
)

// Connect lets sqlmw wrap a connection of the base driver that has been made
// safe for it, and then puts around it what sqlmw leaves out.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner := &innerConnector{Connector: c.base}
	wrapped, err := sqlmw.Driver(innerDriver{inner}, c.in).(driver.DriverContext).OpenConnector("")
	if err != nil {
		return nil, err
	}
	ci, err := wrapped.Connect(ctx)
	if err != nil {
		return nil, err
	}
	middle, ok := ci.(middleConn)
	if !ok || inner.conn == nil {
		return ci, nil // not the base driver's: the interceptor answered
	}
	return newConn(middle, inner.conn), nil
}

func (c *connector) Driver() driver.Driver { return c.base.Driver() }

// Close closes the base Connector if it can be closed.
func (c *connector) Close() error {
	if closer, ok := c.base.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// innerDriver is how sqlmw is given a Connector.
type innerDriver struct{ connector driver.Connector }

func (d innerDriver) OpenConnector(string) (driver.Connector, error) { return d.connector, nil }

func (innerDriver) Open(string) (driver.Conn, error) { return nil, errNoOpen }

// innerConnector remembers the connection that it made last.
type innerConnector struct {
	driver.Connector
	conn *innerConn
}

func (c *innerConnector) Connect(ctx context.Context) (driver.Conn, error) {
	base, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c.conn = &innerConn{Conn: base}
	return c.conn, nil
}
