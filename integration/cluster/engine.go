package cluster

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"time"

	dc "github.com/ory/dockertest/v3/docker"
)

// Engine names a database engine.
type Engine string

// The engines that clusters can be made of.
const (
	Postgres Engine = "postgres"
	MySQL    Engine = "mysql"
	MariaDB  Engine = "mariadb"
)

// Engines returns all engines, also those that [Without] leaves out.
func Engines() []Engine { return []Engine{Postgres, MySQL, MariaDB} }

// Without reports whether this run was told to do without the engine, and by
// what: RWSPLIT_TEST_CONTAINERS=off (no container engine) or the comma list
// RWSPLIT_TEST_WITHOUT.
func Without(e Engine) (reason string, without bool) {
	if os.Getenv("RWSPLIT_TEST_CONTAINERS") == "off" {
		return "no container engine (RWSPLIT_TEST_CONTAINERS=off)", true
	}
	for _, name := range strings.Split(os.Getenv("RWSPLIT_TEST_WITHOUT"), ",") {
		if strings.TrimSpace(name) == string(e) {
			return "RWSPLIT_TEST_WITHOUT=" + string(e), true
		}
	}
	return "", false
}

// Image returns the engine's image: what ci/images.sh prepared, or the value
// of RWSPLIT_IMAGE_POSTGRES, RWSPLIT_IMAGE_MYSQL or RWSPLIT_IMAGE_MARIADB.
func (e Engine) Image() string {
	if image := os.Getenv("RWSPLIT_IMAGE_" + strings.ToUpper(string(e))); image != "" {
		return image
	}
	return "rwsplit-test/" + string(e) + ":current"
}

// DriverName is the name of the base driver.
func (e Engine) DriverName() string {
	if e == Postgres {
		return "pgx"
	}
	return "mysql"
}

// WhichQuery returns a query whose single text value tells which server ran
// it; [Server.ID] is its answer on one server. It needs no privilege and may
// run on a replica.
func (e Engine) WhichQuery() string {
	if e == Postgres {
		return "SELECT inet_server_addr()::text"
	}
	return "SELECT @@server_id"
}

// flavor is what differs between the engines. Where it takes a server, it
// talks to it as the administrator.
type flavor interface {
	// port is the server's port inside its container.
	port() string
	// adminUser is the administrator's name.
	adminUser() string
	// dsn is a base driver DSN.
	dsn(user, password string, port int) string
	// open opens a pool that keeps quiet about servers that do not answer.
	open(dsn string) (*sql.DB, error)
	// script is a shell script that makes the server's data directory
	// when there is none, and then becomes the server.
	script(s *Server) string
	// stopSignal makes the server shut down in order without waiting for clients.
	stopSignal() dc.Signal
	// join makes a server that is up a replica of the primary named source.
	join(ctx context.Context, s, source *Server) error
	// joined returns nil when the replica is receiving from its primary.
	joined(ctx context.Context, s *Server) error

	version(ctx context.Context, db *sql.DB) (string, error)
	setDelay(ctx context.Context, s *Server, d time.Duration) error
	pause(ctx context.Context, s *Server) error
	resume(ctx context.Context, s *Server) error
	promote(ctx context.Context, s *Server) error

	// position is where the primary is now.
	position(ctx context.Context, primary *Server) (string, error)
	// replayed reports whether the replica has replayed that position.
	replayed(ctx context.Context, replica *Server, position string) (bool, error)
	// errant returns the transactions that the replica has and the primary
	// has not; "" for none.
	errant(ctx context.Context, primary, replica *Server) (string, error)

	// logFile is where the server logs statements, in its container.
	logFile(s *Server) string
	// readLog asks the server itself for its log from the offset on, which
	// costs far less than a command in its container.
	readLog(ctx context.Context, s *Server, offset int64) ([]byte, error)
	logStatements(ctx context.Context, s *Server, on bool) error
	// parser returns a fresh parser of that log.
	parser() logParser

	connections(ctx context.Context, s *Server) (int, error)
	// disconnect ends the application's sessions.
	disconnect(ctx context.Context, s *Server) error
	// forget makes a server that is up forget what it wrote and replicated, and
	// whom it followed: it takes writes, to an empty database. It returns
	// errors.ErrUnsupported where that is more than to make a new one.
	forget(ctx context.Context, s *Server) error
	// empty makes the application's database as good as new.
	empty(ctx context.Context, primary *Server) error
	// tables returns, for each table of the application, a query of one text
	// column: a hash for each row, in order.
	tables(ctx context.Context, s *Server) (map[string]string, error)
}

func flavorOf(e Engine) (flavor, error) {
	switch e {
	case Postgres:
		return postgres{}, nil
	case MySQL:
		return mysqlServer{}, nil
	case MariaDB:
		return mariadb{}, nil
	}
	return nil, fmt.Errorf("cluster: unknown engine %q", string(e))
}
