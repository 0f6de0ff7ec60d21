package rwsplit

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// Check asks every server once, on connections of its own, and says in
// sentences what would break a promise or keep reads on the primary, and what
// to do about it. Nothing to say means that all is well. A server that can't be
// reached is one of the things to say. Check blocks until all have answered or
// ctx ends.
func (c *Connector) Check(ctx context.Context) []string {
	if len(c.servers) < 2 {
		return nil
	}
	var list []string
	var checker positionChecker
	var primary positionFacts
	var replicas []positionFacts
	first := max(c.board.load().primary, 0)
	for _, srv := range c.servers {
		f, p, err := c.checkServer(ctx, srv)
		switch {
		case err != nil:
			list = append(list, fmt.Sprintf("%s: can't be asked: %v", srv.Name, redactDSN(err, srv.dsn)))
		case p == nil:
			if srv.Index == first && c.cfg.Position == PositionNative {
				list = append(list, fmt.Sprintf("%s: the engine has no replication positions that rwsplit knows, so reads stay on the primary for sticky_for after a write; set position=heartbeat", srv.Name))
			}
		case srv.Index == first:
			primary, checker = f, p
		default:
			replicas = append(replicas, f)
			if checker == nil {
				checker = p
			}
		}
	}
	if checker == nil {
		return list
	}
	if primary.backend.Name == "" { // not reached: nothing to compare with
		primary = positionFacts{backend: c.servers[first].Backend, err: errNotAsked}
	} else {
		_ = c.askAlone(ctx, c.servers[first], func(s PhysicalConn) (err error) {
			primary.later, err = checker.PrimaryPosition(ctx, s)
			return err
		})
	}
	return append(list, positionWarnings(checker, c.cfg.Position, primary, replicas)...)
}

// errNotAsked: there is no answer to judge.
var errNotAsked = errors.New("rwsplit: the server was not asked")

// checkServer asks one server; the checker is nil if its engine has none.
func (c *Connector) checkServer(ctx context.Context, srv *server) (f positionFacts, p positionChecker, err error) {
	err = c.askAlone(ctx, srv, func(s PhysicalConn) error {
		seen, err := c.dialect.Inspect(ctx, s)
		if err != nil {
			return err
		}
		if p = checkerFor(c.dialect, seen); p == nil {
			return nil
		}
		f, err = p.positionFacts(ctx, s, c.backend(srv.Index, c.board.load().role(srv.Index)))
		return err
	})
	return f, p, err
}

// askAlone asks a server on a connection of its own.
func (c *Connector) askAlone(ctx context.Context, srv *server, ask func(PhysicalConn) error) error {
	w := &wire{}
	ci, err := srv.connector.Connect(context.WithValue(ctx, dialKey{}, w))
	if err != nil {
		return err
	}
	defer closeQuietly(ci)
	defer context.AfterFunc(ctx, func() { w.interrupt() })()
	return ask(PhysicalConn{ci})
}

// checkerFor returns who can ask the server that d speaks to and judge its
// answers, nil if nobody can. Where the driver leaves the engine open, server
// tells.
func checkerFor(d Dialect, server Server) positionChecker {
	switch d := engineOf(d).(type) {
	case positionChecker:
		return d
	case mysqlDialect:
		engine := server.Dialect
		if engine == "" {
			engine = d.Name()
		}
		switch engine {
		case "mysql":
			return mysqlPositions{}
		case "mariadb":
			return mariadbPositions{}
		}
	}
	return nil
}

func closeQuietly(ci driver.Conn) { _ = ci.Close() }
