package rwsplit

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Connector is a [Config] put to work: it makes pooled connections for one
// sql.DB. It is safe for concurrent use. [sql.DB.Close] closes it.
type Connector struct {
	cfg      *Config
	driver   *Driver
	dialect  Dialect
	policy   policy
	servers  []*server // by backend index
	balancer *balancer
	writes   *writes

	tableNames tableNames

	readOnlyReplicas bool
	refusedIsError   bool
	shadow           bool
	pinsConn         bool
	lazyBegin        bool
	slotIdle         time.Duration
	tracks           bool        // statements need the tracker
	roles            *roleKeeper // nil: roles=static
	byTable          bool        // tracking=table

	classifier    atomic.Pointer[classifier]
	schema        schemaKeeper
	board         board
	running       atomic.Pointer[tracker] // nil until a statement needs it
	dog           atomic.Pointer[watchdog]
	learned       atomic.Pointer[Dialect] // what the server said that it speaks
	autocommitOff atomic.Bool             // sessions of the primary start without autocommit
	fallback      atomic.Int64            // reads on the primary because no replica is healthy enough
	conns         atomic.Int64            // pooled connections that are not closed
	dials         atomic.Uint64           // physical connections that were made, with the tracker's

	mu     sync.Mutex // protects following fields; nothing slow runs under it
	open   map[*conn]struct{}
	past   counters // of connections that are closed
	closed bool
	logged loggedOnce
}

var _ driver.Connector = (*Connector)(nil)

// slotIdle is how long a replica's physical connection may be unused before it
// is closed when its pooled connection is taken again.
const slotIdle = time.Minute

// NewConnector checks cfg and makes a Connector for [sql.OpenDB]. It dials
// nothing.
func NewConnector(cfg *Config) (*Connector, error) {
	if cfg == nil {
		return nil, errors.New("rwsplit: NewConnector: the Config is nil")
	}
	cfg = cfg.Clone()
	if err := cfg.normalize(); err != nil {
		return nil, err
	}
	d, err := dialectFor(cfg)
	if err != nil {
		return nil, err
	}
	if _, ok := engineOf(d).(schemaReader); !ok && cfg.Tracking == TrackingTable {
		return nil, fmt.Errorf("rwsplit: tracking=table is not supported with dialect=%s: its schema can't be read", d.Name())
	}
	c := &Connector{
		cfg:     cfg,
		dialect: d,
		policy: policy{
			reads:         cfg.Reads,
			consistency:   cfg.Consistency,
			fallbackError: cfg.Fallback == FallbackError && cfg.Reads != ReadsShadow,
			hints:         cfg.Hints == ToggleOn,
		},
		writes:           newWrites(),
		readOnlyReplicas: cfg.ReadOnlyReplicas != ToggleOff,
		refusedIsError:   cfg.OnRefused == RefusedError,
		shadow:           cfg.Reads == ReadsShadow,
		pinsConn:         cfg.Pins == PinsConn,
		lazyBegin:        cfg.LazyBegin == ToggleOn,
		byTable:          cfg.Tracking == TrackingTable,
		slotIdle:         slotIdle,
		open:             make(map[*conn]struct{}),
		logged:           newLoggedOnce(),
	}
	c.driver = &Driver{connector: c}
	c.classifier.Store(c.classifierFor(d))
	if err := c.addServers(); err != nil {
		return nil, err
	}
	c.balancer = newBalancer(cfg.Balance, cfg.Weights, len(c.servers))
	c.past = newCounters(len(c.servers))

	snap := &snapshot{backends: make([]backendState, len(c.servers))}
	for i := range c.servers[1:] {
		snap.replicas = snap.replicas.with(i + 1)
	}
	snap.up = snap.replicas
	if cfg.MaxLag == 0 {
		snap.fresh = snap.replicas
	}
	c.board.current.Store(snap)
	for i := range c.servers {
		c.noteState(i)
	}
	if cfg.Roles == RolesAuto && len(c.servers) > 1 {
		c.roles = newRoleKeeper(c)
	}
	c.tracks = len(c.servers) > 1 && (c.roles != nil || cfg.Consistency != Eventual || cfg.MaxLag > 0)
	return c, nil
}

func dialectFor(cfg *Config) (Dialect, error) {
	linked := registeredDialect(cfg.Driver)
	if cfg.Dialect != "" {
		named, ok := DialectByName(cfg.Dialect)
		if !ok {
			return nil, fmt.Errorf("rwsplit: dialect=%q is unknown; want postgres, mysql, mariadb, sqlite or generic", cfg.Dialect)
		}
		if linked != nil {
			if engine := engineOf(linked); foreign(engine, named) {
				return nil, fmt.Errorf("rwsplit: dialect=%s contradicts driver=%s, which speaks %s", cfg.Dialect, cfg.Driver, engine.Name())
			}
			if r, ok := linked.(interface{ As(Dialect) Dialect }); ok {
				return r.As(named), nil
			}
			return linked, nil
		}
		return named, nil
	}
	if linked != nil {
		return linked, nil
	}
	if pkg, ok := dialectImports[cfg.Driver]; ok {
		return nil, fmt.Errorf("rwsplit: driver=%s: its dialect is not linked in; import _ %q", cfg.Driver, pkg)
	}
	return nil, fmt.Errorf("rwsplit: driver=%q has no dialect of its own; add dialect=postgres, mysql, mariadb, sqlite or generic", cfg.Driver)
}

// foreign reports whether no server that speaks a is one that speaks b.
func foreign(a, b Dialect) bool {
	la, _ := languageOf(a.Name())
	lb, _ := languageOf(b.Name())
	return la != lb && la != langGeneric && lb != langGeneric && !(la.mysqlFamily() && lb.mysqlFamily())
}

// dialectImports names the packages that link the first-class base drivers.
var dialectImports = map[string]string{
	"pgx":    "github.com/rwsplit/rwsplit/rwpgx",
	"pgx/v5": "github.com/rwsplit/rwsplit/rwpgx",
	"mysql":  "github.com/rwsplit/rwsplit/rwmysql",
}

// addServers opens a base connector for every backend.
func (c *Connector) addServers() error {
	cfg := c.cfg
	primary := cfg.PrimaryConnector
	var other driver.Connector
	if primary == nil {
		var err error
		if other, err = c.openOther(cfg.Primary, RolePrimary); err != nil {
			return fmt.Errorf("rwsplit: primary: %w", err)
		}
		if primary, err = c.openBase(cfg.Primary, RolePrimary); err != nil {
			return fmt.Errorf("rwsplit: primary: %w", err)
		}
		if t, ok := c.dialect.(AutocommitTeller); ok && t.AutocommitOff(cfg.Primary) {
			c.autocommitOff.Store(true)
		}
	}
	c.addServer(RolePrimary, primary, other)
	c.servers[0].dsn = cfg.Primary

	dsns := append([]string(nil), cfg.Replicas...)
	for _, host := range cfg.ReplicaHosts {
		o, ok := c.dialect.(Opener)
		if !ok {
			return fmt.Errorf("rwsplit: replica_hosts: driver %q does not say how to put a host into its DSN; list whole DSNs with replica=", cfg.Driver)
		}
		dsn, err := o.WithHost(cfg.Primary, host)
		if err != nil {
			return fmt.Errorf("rwsplit: replica_hosts: %w", err)
		}
		dsns = append(dsns, dsn)
	}
	for _, dsn := range dsns {
		name := replicaName(len(c.servers))
		base, err := c.openBase(dsn, RoleReplica)
		if err != nil {
			return fmt.Errorf("rwsplit: %s: %w", name, err)
		}
		other, err := c.openOther(dsn, RoleReplica)
		if err != nil {
			return fmt.Errorf("rwsplit: %s: %w", name, err)
		}
		c.addServer(RoleReplica, base, other)
		c.servers[len(c.servers)-1].dsn = dsn
	}
	for _, base := range cfg.ReplicaConnectors {
		c.addServer(RoleReplica, base, nil)
	}
	if len(c.servers) > maxBackends {
		return fmt.Errorf("rwsplit: %d replicas are listed; the limit is %d", len(c.servers)-1, maxBackends-1)
	}
	return nil
}

func replicaName(index int) string { return fmt.Sprintf("replica%d", index) }

// openOther opens a base DSN for the role that its server may get.
func (c *Connector) openOther(dsn string, role Role) (driver.Connector, error) {
	if c.cfg.Roles != RolesAuto {
		return nil, nil
	}
	return c.openBase(dsn, RolePrimary+RoleReplica-role)
}

func (c *Connector) addServer(role Role, base, other driver.Connector) {
	b := Backend{Index: len(c.servers), Name: "primary", Role: role}
	if role == RoleReplica {
		b.Name = replicaName(b.Index)
	}
	if c.cfg.WrapConnector != nil {
		base = c.cfg.WrapConnector(b, base)
	}
	c.servers = append(c.servers, &server{Backend: b, connector: base})
	if other != nil && c.cfg.Roles == RolesAuto {
		b.Role = RolePrimary + RoleReplica - role
		if c.cfg.WrapConnector != nil {
			other = c.cfg.WrapConnector(b, other)
		}
		c.servers[b.Index].other = other
	}
}

func (c *Connector) openBase(dsn string, role Role) (driver.Connector, error) {
	if o, ok := c.dialect.(Opener); ok {
		return o.OpenConnector(dsn, role, c.readOnlyReplicas)
	}
	return openRegistered(c.cfg.Driver, dsn)
}

// openRegistered finds a driver that is registered with database/sql.
func openRegistered(name, dsn string) (driver.Connector, error) {
	db, err := sql.Open(name, dsn)
	if err != nil {
		return nil, redactDSN(err, dsn)
	}
	drv := db.Driver()
	_ = db.Close()
	if dc, ok := drv.(driver.DriverContext); ok {
		base, err := dc.OpenConnector(dsn)
		if err != nil {
			return nil, redactDSN(err, dsn)
		}
		return base, nil
	}
	return dsnConnector{dsn, drv}, nil
}

// dsnConnector is what database/sql makes of a driver without connectors.
type dsnConnector struct {
	dsn    string
	driver driver.Driver
}

func (d dsnConnector) Connect(context.Context) (driver.Conn, error) { return d.driver.Open(d.dsn) }
func (d dsnConnector) Driver() driver.Driver                        { return d.driver }

// Format hides the DSN from whoever prints what WrapConnector was given.
func (dsnConnector) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "base connector") }

// Connect returns a pooled connection. It dials nothing.
func (c *Connector) Connect(context.Context) (driver.Conn, error) {
	cn := newConn(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.New("rwsplit: connector is closed")
	}
	c.conns.Add(1)
	c.open[cn] = struct{}{}
	return cn, nil
}

// Format writes the Connector's [Config], as [Config.Format] does: left to
// package fmt, some verbs would show the base DSNs.
func (c *Connector) Format(f fmt.State, verb rune) { c.cfg.Format(f, verb) }

// Classify says where a text may run, as this Connector's statements are
// judged: with read_functions, with what the catalog told, and by the dialect
// that the servers turned out to speak. It remembers texts that it has seen
// twice, in bounded memory, and does no I/O.
func (c *Connector) Classify(query string) Statement {
	st, _ := c.classifier.Load().classify(query)
	return st
}

// Tables says which tables a text changes, if it writes, or else reads, with
// all that their names hide, as this Connector's statements are judged with
// tracking=table. ok is false while the text counts for the whole database:
// with tracking=database, until the catalog has been read, and for whatever is
// unclear. Names are those of the catalog in lower case, without their schema;
// a partition counts as the table that it is part of.
func (c *Connector) Tables(query string) (names []string, ok bool) {
	_, f := c.classifier.Load().classify(query)
	if f.all {
		return nil, false
	}
	return f.names(&c.tableNames), true
}

// Driver returns a [Driver] that knows its Connector; it is what
// [sql.DB.Driver] returns.
func (c *Connector) Driver() driver.Driver { return c.driver }

// Close stops the background work and waits for it and for connections that
// are being closed, at most about a second. Connections in use stay usable
// until they are closed. sql.DB.Close calls it.
func (c *Connector) Close() error {
	c.mu.Lock()
	already := c.closed
	c.closed = true
	c.mu.Unlock()
	if already {
		return nil
	}
	if t := c.runningTracker(); t != nil {
		t.stop()
	}
	if d := c.dog.Load(); d != nil {
		d.stop()
	}
	for _, s := range c.servers {
		s.gate.settle(closeTimeout)
	}
	var errs []error
	for _, s := range c.servers {
		for _, base := range []driver.Connector{s.connector, s.other} {
			if cl, ok := base.(interface{ Close() error }); ok {
				errs = append(errs, cl.Close())
			}
		}
	}
	return errors.Join(errs...)
}

// startTracker starts the tracker with the first statement that needs one.
func (c *Connector) startTracker() {
	if c.tracks && c.running.Load() == nil {
		c.ensureTracker()
	}
}

func (c *Connector) runningTracker() *tracker { return c.running.Load() }

// ensureTracker starts the tracker if it does not run yet. After Close it
// returns one that never finds out anything.
func (c *Connector) ensureTracker() *tracker {
	if t := c.running.Load(); t != nil {
		return t
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.running.Load(); t != nil {
		return t
	}
	t := newTracker(c)
	c.running.Store(t) // before its goroutines, which look for it here
	if !c.closed {
		t.start()
	}
	return t
}

// catalogChanged has the catalog read again.
func (c *Connector) catalogChanged() {
	if t := c.runningTracker(); t != nil {
		poke(t.ddl)
	}
}

// speaks returns the dialect of the servers, which the driver may have left
// open.
func (c *Connector) speaks() Dialect {
	if d := c.learned.Load(); d != nil {
		return *d
	}
	return engineOf(c.dialect)
}

// minds says loudly when a server is not what it is used for. With roles=auto
// that is a hint to look again.
func (c *Connector) minds(srv *server, role Role, seen Server) {
	if seen.Identity == "" || seen.ReadOnly == (role == RoleReplica) {
		return
	}
	switch {
	case c.roles != nil:
		poke(c.roles.hint[srv.Index])
	case role == RolePrimary:
		c.logOnce("rwsplit: the primary says that it is read-only: every write will fail; was another server promoted? set roles=auto, or let primary= name that one", "backend", srv.Name)
	case !c.readOnlyByChoice():
		c.logOnce("rwsplit: a replica says that it takes writes: make it read-only, or nothing but read_only_replicas keeps a misrouted write off it", "backend", srv.Name)
	}
}

// readOnlyByChoice reports whether the engine knows no read-only servers.
func (c *Connector) readOnlyByChoice() bool {
	switch engineOf(c.dialect).(type) {
	case postgresDialect, mysqlDialect:
		return false
	}
	return true
}

// classifierFor chooses how texts are read. Built-in dialects are known by
// their language; others classify themselves.
func (c *Connector) classifierFor(d Dialect) *classifier {
	if l, ok := languageOf(d.Name()); ok {
		return newClassifier(l, newKnowledge(c.cfg.ReadFunctions, nil, nil))
	}
	return newClassifierFunc(d.Classify)
}

// learnDialect takes the reading of the text that fits the server, once a
// server has been reached, where the driver left that open.
func (c *Connector) learnDialect(seen Server) {
	if l, ok := languageOf(c.dialect.Name()); !ok || l != langMySQLFamily || c.learned.Load() != nil {
		return
	}
	d, ok := DialectByName(seen.Dialect)
	if !ok {
		return
	}
	c.schema.mu.Lock()
	first := c.learned.CompareAndSwap(nil, &d)
	if first {
		c.schema.gen++
		c.classifier.Store(c.classifierFor(d))
	}
	c.schema.mu.Unlock()
	if first {
		c.catalogChanged()
	}
}
