// Package backends opens the servers of a Config twice: through rwsplit, and
// one by one past it, for commands that look at each.
package backends

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/rwsplit/rwsplit"
)

// Set is the servers of one Config.
type Set struct {
	// DB goes through rwsplit.
	DB *sql.DB
	// Connector is the one under DB.
	Connector *rwsplit.Connector
	// Servers are the primary and then the replicas.
	Servers []Server
}

// Server is one of them, past rwsplit.
type Server struct {
	rwsplit.Backend
	// DB is a pool of the base driver.
	DB *sql.DB
}

// Open dials nothing. OnRoute and WrapConnector of cfg are kept.
func Open(cfg *rwsplit.Config) (*Set, error) {
	s := new(Set)
	cfg = cfg.Clone()
	wrap := cfg.WrapConnector
	cfg.WrapConnector = func(b rwsplit.Backend, base driver.Connector) driver.Connector {
		if wrap != nil {
			base = wrap(b, base)
		}
		// With roles=auto a second call is for the role that a server may get.
		if b.Index == len(s.Servers) {
			s.Servers = append(s.Servers, Server{b, sql.OpenDB(shared{base})})
		}
		return base
	}
	connector, err := rwsplit.NewConnector(cfg)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.Connector = connector
	s.DB = sql.OpenDB(connector)
	return s, nil
}

// shared keeps a pool from closing the connector that rwsplit uses too.
type shared struct{ driver.Connector }

// Close closes every pool.
func (s *Set) Close() error {
	var errs []error
	for _, srv := range s.Servers {
		errs = append(errs, srv.DB.Close())
	}
	if s.DB != nil {
		errs = append(errs, s.DB.Close())
	}
	return errors.Join(errs...)
}

// Each calls f for every server at once, each with a context of its own that
// ends after timeout, and waits for all.
func (s *Set) Each(ctx context.Context, timeout time.Duration, f func(ctx context.Context, i int, srv Server)) {
	var all sync.WaitGroup
	for i, srv := range s.Servers {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			f(ctx, i, srv)
		})
	}
	all.Wait()
}

// Reach fails unless every server answers within timeout.
func (s *Set) Reach(ctx context.Context, timeout time.Duration) error {
	bad := make([]string, len(s.Servers))
	s.Each(ctx, timeout, func(ctx context.Context, i int, srv Server) {
		if err := srv.DB.PingContext(ctx); err != nil {
			bad[i] = fmt.Sprintf("%s can't be reached: %s", srv.Name, Brief(err))
		}
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	var list []string
	for _, b := range bad {
		if b != "" {
			list = append(list, b)
		}
	}
	if list == nil {
		return nil
	}
	return errors.New(strings.Join(list, "\n"))
}

// Brief says in one line what a server or the network said. Base drivers that
// try several addresses say it once for each: the last is kept.
func Brief(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	var said *mysql.MySQLError
	if errors.As(err, &said) {
		return strings.Join(strings.Fields(err.Error()), " ") // it may quote lines of SQL
	}
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// DialectName is the name of the engine that cfg leads to, as far as the DSN
// tells; empty if it does not.
func DialectName(cfg *rwsplit.Config) string {
	if cfg.Dialect != "" {
		return cfg.Dialect
	}
	switch cfg.Driver {
	case "pgx", "pgx/v5":
		return "postgres"
	case "mysql":
		return "mysql"
	case "sqlite", "sqlite3":
		return "sqlite"
	}
	return ""
}
