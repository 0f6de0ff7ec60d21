package rwsplit_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

const opPosition fakeOp = "Position"

// posServer is a fake server with a replication position. A primary's goes up
// with every statement that is no read; a replica's is what the test says.
type posServer struct {
	*fakeServer
	at            *atomic.Uint64
	autocommitOff bool
}

// posDialect is fakeDialect on servers that tell their position.
type posDialect struct{ fakeDialect }

var _ rwsplit.Positioner = posDialect{}

func init() { rwsplit.RegisterDialect("fakepos", posDialect{}) }

func (posDialect) Classify(query string) rwsplit.Statement {
	if query == "BEGIN READ ONLY" {
		return rwsplit.Statement{Tx: rwsplit.TxBeginReadOnly, Reason: query}
	}
	return fakeDialect{}.Classify(query)
}

// posConn is a connection to a posServer.
type posConn struct {
	*fakeConn
	s *posServer
}

func (c posConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	defer c.wrote(query)
	return c.fakeConn.ExecContext(ctx, query, args)
}

func (c posConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	defer c.wrote(query)
	return c.fakeConn.QueryContext(ctx, query, args)
}

func (c posConn) wrote(query string) {
	if !strings.HasPrefix(query, "SELECT") && !strings.HasPrefix(query, "SET") && !strings.HasPrefix(c.s.name, "r") {
		c.s.at.Add(1)
	}
}

func (d posDialect) Inspect(ctx context.Context, p rwsplit.PhysicalConn) (rwsplit.Server, error) {
	seen, err := d.fakeDialect.Inspect(ctx, p)
	seen.AutocommitOff = p.Conn.(posConn).s.autocommitOff
	return seen, err
}

func (posDialect) PrimaryPosition(ctx context.Context, p rwsplit.PhysicalConn) (pos rwsplit.Position, err error) {
	s := p.Conn.(posConn).s
	err = beneath(ctx, p, opPosition, func(*fakeConn) { pos = rwsplit.LinearPosition("fake", s.at.Load()) })
	return pos, err
}

func (d posDialect) ReplicaPosition(ctx context.Context, p rwsplit.PhysicalConn) (rwsplit.Position, error) {
	return d.PrimaryPosition(ctx, p)
}

func (posDialect) ParsePosition(string) (rwsplit.Position, error) {
	return rwsplit.Position{}, errors.New("not used")
}

// leads connects to one of several servers.
type leads struct{ to func() *posServer }

func (l leads) Connect(ctx context.Context) (driver.Conn, error) {
	s := l.to()
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	return posConn{c.(*fakeConn), s}, nil
}

func (leads) Driver() driver.Driver { return fakeDriver{} }

func (s *posServer) connector() driver.Connector {
	return leads{func() *posServer { return s }}
}

func newPosServer(name string) *posServer {
	s := &posServer{fakeServer: newFakeServer(name, fakeShape{}), at: new(atomic.Uint64)}
	s.at.Store(100)
	return s
}

// tracked is a sql.DB on a primary and two replicas with positions, in a bubble
// of its own time.
type tracked struct {
	*sql.DB
	t        *testing.T
	conn     *rwsplit.Connector
	primary  *posServer
	replicas [2]*posServer
}

// track runs a test in a bubble, on a cluster whose replicas have replayed all
// that there is.
func track(t *testing.T, change func(*rwsplit.Config), test func(t *testing.T, d *tracked)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newTracked(t, change)
		test(t, d)
	})
}

func newTracked(t *testing.T, change func(*rwsplit.Config)) *tracked {
	t.Helper()
	d := newTrackedServers(t)
	cfg := &rwsplit.Config{Driver: "fakepos", PrimaryConnector: d.primary.connector()}
	for _, r := range d.replicas {
		cfg.ReplicaConnectors = append(cfg.ReplicaConnectors, r.connector())
	}
	d.open(cfg, change)
	return d
}

// newTrackedServers makes the servers; open is still to be called.
func newTrackedServers(t *testing.T) *tracked {
	return &tracked{t: t, primary: newPosServer("primary"), replicas: [2]*posServer{newPosServer("r1"), newPosServer("r2")}}
}

// open opens the sql.DB, until the test ends.
func (d *tracked) open(cfg *rwsplit.Config, change func(*rwsplit.Config)) {
	t := d.t
	t.Helper()
	if change != nil {
		change(cfg)
	}
	var err error
	if d.conn, err = rwsplit.NewConnector(cfg); err != nil {
		t.Fatal(err)
	}
	d.DB = sql.OpenDB(d.conn)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		d.primary.check(t)
		for _, r := range d.replicas {
			r.check(t)
		}
	})
}

// replay lets the replicas replay all that there is.
func (d *tracked) replay() {
	for _, r := range d.replicas {
		r.at.Store(max(r.at.Load(), d.primary.at.Load()))
	}
}

// settle replays everything, lets the tracker find out, and stops replaying.
func (d *tracked) settle() {
	d.t.Helper()
	d.read(d.t.Context())
	d.replay()
	time.Sleep(2 * time.Second)
	if got := d.read(d.t.Context()); got == "primary" {
		d.t.Fatalf("a read ran on %s though all is replayed: %+v", got, d.conn.Stats())
	}
}

type querier interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

// read returns the name of the server that a plain read reaches.
func (d *tracked) read(ctx context.Context) string {
	d.t.Helper()
	return d.readOn(ctx, d)
}

func (d *tracked) readOn(ctx context.Context, q querier) (name string) {
	d.t.Helper()
	if err := q.QueryRowContext(ctx, "SELECT 1").Scan(&name); err != nil {
		d.t.Fatal(err)
	}
	return name
}

func (d *tracked) write(ctx context.Context) {
	d.t.Helper()
	if _, err := d.ExecContext(ctx, "INSERT"); err != nil {
		d.t.Fatal(err)
	}
}

// want fails the test if a plain read does not reach the primary, or a replica.
func (d *tracked) want(ctx context.Context, where, when string) {
	d.t.Helper()
	got := d.read(ctx)
	if got != where && (where != "replica" || !strings.HasPrefix(got, "r")) {
		d.t.Errorf("%s: a read ran on %s, want %s: %+v", when, got, where, d.conn.Stats())
	}
}
