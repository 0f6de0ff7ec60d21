package rwsplit

import (
	"context"
	"database/sql/driver"
	"net"
	"sync"
	"time"
)

// Dialect is what rwsplit needs to know about one engine as it is reached
// through one base driver. Its methods are called from many goroutines.
//
// Engines are built in ([DialectByName]); a package that links a base driver
// embeds one of them, adds what only the base driver knows, and registers it
// under the driver's name with [RegisterDialect].
type Dialect interface {
	// Name is the dialect's name as in the DSN key dialect.
	Name() string
	// Classify says where a text may run. It does no I/O.
	Classify(query string) Statement
	// Fault sorts an error that came from a backend.
	Fault(err error) Fault
	// Setup makes a freshly dialled replica session fit for reads: autocommit
	// on and, if readOnly, refusing writes.
	Setup(ctx context.Context, s PhysicalConn, readOnly bool) error
	// Inspect learns which server a freshly dialled session has reached.
	Inspect(ctx context.Context, s PhysicalConn) (Server, error)
}

// Opener is implemented by dialects that open base DSNs themselves, so that
// network connections are dialled through [Dialled] and DSNs can be checked.
// Without it the driver registered with database/sql opens the DSN.
type Opener interface {
	// OpenConnector checks and opens a base DSN. Errors name what is wrong
	// and never repeat a secret.
	OpenConnector(dsn string, role Role, readOnly bool) (driver.Connector, error)
	// WithHost returns dsn with its host and port replaced.
	WithHost(dsn, hostport string) (string, error)
}

// Layered is implemented by dialects that put a base driver's knowledge on top
// of a built-in dialect: what only the engine knows is asked of that one.
type Layered interface {
	Engine() Dialect
}

// engineOf returns the built-in dialect under d, or d.
func engineOf(d Dialect) Dialect {
	if l, ok := d.(Layered); ok {
		return l.Engine()
	}
	return d
}

// TxProber is implemented by dialects that can tell whether a session has a
// transaction open.
type TxProber interface {
	InTransaction(ctx context.Context, s PhysicalConn) (bool, error)
}

// LivenessProber is implemented by dialects whose base driver has no
// driver.Validator but knows whether a connection is closed. It does no I/O.
type LivenessProber interface {
	Alive(conn driver.Conn) bool
}

// ArgChecker is implemented by dialects whose base driver has arguments that
// replace the SQL text, which was classified before.
type ArgChecker interface {
	// RewritesQuery reports whether value makes the text that is sent
	// unknowable.
	RewritesQuery(value any) bool
}

// AutocommitTeller is implemented by dialects whose base DSN can turn
// autocommit off.
type AutocommitTeller interface {
	// AutocommitOff reports whether sessions of dsn start with autocommit off.
	AutocommitOff(dsn string) bool
}

// Server is what a session says about the server behind it.
type Server struct {
	// Identity and Start make the incarnation: the same server process answers
	// with the same pair. An empty Identity means unknown: then each physical
	// connection to a replica is asked for its own position, and a session goes
	// on reading from a replica by one physical connection only.
	Identity string
	// Start is when the server process started, by its own clock. Times less
	// than a second apart count as the same.
	Start time.Time
	// Cluster is the identity that a primary shares with its replicas, if the
	// engine has one.
	Cluster string
	// Version is the server's own, for people.
	Version string
	// Dialect is the name of the dialect that the server turned out to speak,
	// where the driver leaves that open (MySQL or MariaDB).
	Dialect string
	// ReadOnly reports that the server refuses writes of its own accord.
	ReadOnly bool
	// AutocommitOff reports that sessions start without autocommit.
	AutocommitOff bool
}

// SameIncarnation reports whether both describe one run of one server.
func (s Server) SameIncarnation(other Server) bool {
	if s.Identity == "" || s.Identity != other.Identity {
		return false
	}
	d := s.Start.Sub(other.Start)
	return d < time.Second && d > -time.Second
}

// Fault sorts errors by what rwsplit may do about them.
type Fault uint8

const (
	// FaultNone: the error is the statement's own; it goes to the caller.
	FaultNone Fault = iota
	// FaultRefusedWrite: a read-only server or session refused the statement
	// and did not execute it.
	FaultRefusedWrite
	// FaultMissing: an object is not there, or not there yet on a replica.
	FaultMissing
	// FaultConflict: the replica gave up the statement in favour of replay.
	FaultConflict
	// FaultUnavailable: the server is starting, stopping, or ended the session.
	FaultUnavailable
	// FaultLost: the connection broke; what was sent may have been executed.
	FaultLost
)

var dialects = struct {
	mu       sync.Mutex // protects byDriver
	byDriver map[string]Dialect
}{byDriver: make(map[string]Dialect)}

// RegisterDialect makes d the dialect of the base driver registered with
// database/sql as driverName. It panics if d is nil or driverName is taken, as
// sql.Register does.
func RegisterDialect(driverName string, d Dialect) {
	dialects.mu.Lock()
	defer dialects.mu.Unlock()
	if d == nil {
		panic("rwsplit: RegisterDialect: dialect is nil")
	}
	if _, dup := dialects.byDriver[driverName]; dup {
		panic("rwsplit: RegisterDialect called twice for driver " + driverName)
	}
	dialects.byDriver[driverName] = d
}

// DialectOf returns the dialect that is registered for a base driver.
func DialectOf(driverName string) (Dialect, bool) {
	d := registeredDialect(driverName)
	return d, d != nil
}

// registeredDialect returns the dialect of driverName, or nil.
func registeredDialect(driverName string) Dialect {
	dialects.mu.Lock()
	defer dialects.mu.Unlock()
	return dialects.byDriver[driverName]
}

type dialKey struct{}

// Dialled hands the network connection under a physical connection to
// rwsplit, which can then end a stuck call from outside by a past deadline. A
// dialect's dial function calls it with the context it was given.
func Dialled(ctx context.Context, nc net.Conn) {
	if w, ok := ctx.Value(dialKey{}).(*wire); ok {
		w.set(nc)
	}
}

// sqlStateError is implemented by the errors of several PostgreSQL drivers.
type sqlStateError interface{ SQLState() string }
