package rwsplit

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// Driver is the database/sql driver. The package registers one as "rwsplit".
type Driver struct {
	base      string     // the base driver of DSNs that name none
	connector *Connector // of which Connector.Driver returned this Driver, or nil
}

var (
	_ driver.Driver        = (*Driver)(nil)
	_ driver.DriverContext = (*Driver)(nil)
)

func init() { sql.Register("rwsplit", &Driver{}) }

// RegisterDriver registers a [Driver] with database/sql as name, whose DSNs
// use base unless they say otherwise. It serves libraries that key on the
// driver's name.
func RegisterDriver(name, base string) { sql.Register(name, &Driver{base: base}) }

// OpenConnector parses a DSN of rwsplit. It dials nothing.
func (d *Driver) OpenConnector(dsn string) (driver.Connector, error) {
	cfg, err := parseDSN(dsn, d.base)
	if err != nil {
		return nil, err
	}
	return NewConnector(cfg)
}

// Open makes a single connection whose Connector closes with it. database/sql
// calls OpenConnector instead.
func (d *Driver) Open(dsn string) (driver.Conn, error) {
	c, err := d.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	ci, err := c.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	ci.(*conn).owns = true
	return ci, nil
}
