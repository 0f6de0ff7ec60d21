package rwsplit_test

import (
	"context"
	"database/sql/driver"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

// schemaServer is a fake server with a position and a schema. A commit moves
// its position; what a test knows as DDL changes its schema when it commits.
type schemaServer struct {
	*posServer

	mu        sync.Mutex // protects following fields
	schema    rwsplit.TestSchema
	ddl       map[string]func(*rwsplit.TestSchema)
	after     func() // called once after the fingerprint was told
	anonymous bool   // it does not tell which server it is
	prints    int    // how often the fingerprint was asked for
	reads     int    // how often the schema was read
}

func (s *schemaServer) change(how func(*rwsplit.TestSchema)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.schema
	next.Tables = slices.Clone(next.Tables)
	next.Views, next.Triggers, next.Cascades = maps.Clone(next.Views), maps.Clone(next.Triggers), maps.Clone(next.Cascades)
	how(&next)
	n, _ := strconv.Atoi(next.Fingerprint)
	next.Fingerprint = strconv.Itoa(n + 1)
	s.schema = next
}

func (s *schemaServer) now() rwsplit.TestSchema {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.schema
}

// on says what a text changes.
func (s *schemaServer) on(query string, how func(*rwsplit.TestSchema)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ddl[query] = how
}

func (s *schemaServer) asked() (prints, reads int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.prints, s.reads
}

// schemaConn is a connection to a schemaServer.
type schemaConn struct {
	*fakeConn
	s     *schemaServer
	dirty bool                        // the transaction has written
	ddl   []func(*rwsplit.TestSchema) // of the transaction
}

func (c *schemaConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.fakeConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return schemaTx{tx.(*fakeTx), c}, nil
}

type schemaTx struct {
	*fakeTx
	c *schemaConn
}

func (tx schemaTx) Commit() error {
	err := tx.fakeTx.Commit()
	if err == nil {
		tx.c.commit()
	}
	return err
}

func (tx schemaTx) Rollback() error {
	tx.c.dirty, tx.c.ddl = false, nil
	return tx.fakeTx.Rollback()
}

func (c *schemaConn) commit() {
	for _, how := range c.ddl {
		c.s.change(how)
	}
	if c.dirty || c.ddl != nil {
		c.s.at.Add(1)
	}
	c.dirty, c.ddl = false, nil
}

// did takes in a statement that was executed.
func (c *schemaConn) did(query string) {
	word, _, _ := strings.Cut(query, " ")
	switch word {
	case "SELECT", "SET", "BEGIN", "START":
		if !strings.Contains(query, "changes_") {
			return
		}
	case "ROLLBACK":
		c.dirty, c.ddl = false, nil
		return
	case "COMMIT":
		c.commit()
		return
	}
	c.s.mu.Lock()
	how := c.s.ddl[query]
	c.s.mu.Unlock()
	if how != nil {
		c.ddl = append(c.ddl, how)
	}
	c.dirty = true
	if c.tx == nil && !c.textTx {
		c.commit()
	}
}

func (c *schemaConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	res, err := c.fakeConn.ExecContext(ctx, query, args)
	if err == nil {
		c.did(query)
	}
	return res, err
}

func (c *schemaConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.fakeConn.QueryContext(ctx, query, args)
	if err == nil {
		c.did(query)
	}
	return rows, err
}

func (c *schemaConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	st, err := c.fakeConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return schemaStmt{st.(*fakeStmt), c}, nil
}

type schemaStmt struct {
	*fakeStmt
	c *schemaConn
}

func (st schemaStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	res, err := st.fakeStmt.ExecContext(ctx, args)
	if err == nil {
		st.c.did(st.query)
	}
	return res, err
}

func (st schemaStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := st.fakeStmt.QueryContext(ctx, args)
	if err == nil {
		st.c.did(st.query)
	}
	return rows, err
}

// schemaBase is fakeDialect on schemaServers.
type schemaBase struct{ posDialect }

func (schemaBase) PrimaryPosition(ctx context.Context, p rwsplit.PhysicalConn) (pos rwsplit.Position, err error) {
	s := p.Conn.(*schemaConn).s
	err = beneath(ctx, p, opPosition, func(*fakeConn) { pos = rwsplit.LinearPosition("fake", s.at.Load()) })
	return pos, err
}

func (d schemaBase) ReplicaPosition(ctx context.Context, p rwsplit.PhysicalConn) (rwsplit.Position, error) {
	return d.PrimaryPosition(ctx, p)
}

func (d schemaBase) Inspect(ctx context.Context, p rwsplit.PhysicalConn) (rwsplit.Server, error) {
	seen, err := d.fakeDialect.Inspect(ctx, p)
	s := p.Conn.(*schemaConn).s
	seen.AutocommitOff = s.autocommitOff
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.anonymous {
		seen.Identity = ""
	}
	return seen, err
}

func init() {
	rwsplit.RegisterDialect("faketables", rwsplit.SchemaTestDialect(schemaBase{}, func(p rwsplit.PhysicalConn, read bool) rwsplit.TestSchema {
		s := p.Conn.(*schemaConn).s
		s.mu.Lock()
		schema, after := s.schema, s.after
		if read {
			s.reads++
		} else {
			s.prints++
			s.after = nil
		}
		s.mu.Unlock()
		if !read && after != nil {
			after()
		}
		return schema
	}))
}

func (s *schemaServer) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	return &schemaConn{fakeConn: c.(*fakeConn), s: s}, nil
}

func (*schemaServer) Driver() driver.Driver { return fakeDriver{} }

// byTable is a sql.DB with tracking=table on a primary and two replicas.
type byTable struct {
	*tracked
	server *schemaServer // the primary
}

// trackTables runs a test in a bubble, on a cluster with the tables a, b and c,
// the view v on a, and a trigger on c that writes to d. The schema is known, and
// everything is replayed.
func trackTables(t *testing.T, change func(*rwsplit.Config), test func(t *testing.T, d *byTable)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newByTable(t, change)
		d.knows()
		d.catchUp()
		test(t, d)
	})
}

func newByTable(t *testing.T, change func(*rwsplit.Config)) *byTable {
	t.Helper()
	d := &byTable{tracked: newTrackedServers(t)}
	d.server = &schemaServer{posServer: d.primary, ddl: make(map[string]func(*rwsplit.TestSchema))}
	d.server.schema = rwsplit.TestSchema{
		Tables:      []string{"a", "b", "c", "d"},
		Views:       map[string]string{"v": "SELECT * FROM a"},
		Triggers:    map[string][]string{"c": {"BEGIN INSERT INTO d VALUES (1); RETURN NEW; END"}},
		Fingerprint: "1",
	}
	cfg := &rwsplit.Config{Driver: "faketables", Tracking: rwsplit.TrackingTable, PrimaryConnector: d.server}
	for _, r := range d.replicas {
		cfg.ReplicaConnectors = append(cfg.ReplicaConnectors, &schemaServer{posServer: r})
	}
	d.open(cfg, change)
	return d
}

// knows waits until writes are told apart by their tables.
func (d *byTable) knows() {
	d.t.Helper()
	d.reads("a")
	for range 1000 {
		if d.conn.Stats().Tracking == rwsplit.TrackingTable {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	d.t.Fatal("the tables are not known")
}

// catchUp replays everything and lets the tracker find out.
func (d *byTable) catchUp() {
	d.t.Helper()
	d.replay()
	time.Sleep(2 * time.Second)
	for _, table := range []string{"a", "b", "c", "d", "v"} {
		if got := d.reads(table); got == "primary" {
			d.t.Fatalf("a read of %s ran on %s though all is replayed: %+v", table, got, d.conn.Stats())
		}
	}
}

// reads returns the server that a read of one table reaches.
func (d *byTable) reads(table string) string { return d.readsIn(d.t.Context(), table) }

func (d *byTable) readsIn(ctx context.Context, table string) string {
	d.t.Helper()
	return d.readsOn(ctx, d, table)
}

func (d *byTable) readsOn(ctx context.Context, q querier, table string) (name string) {
	d.t.Helper()
	if err := q.QueryRowContext(ctx, "SELECT * FROM "+table).Scan(&name); err != nil {
		d.t.Fatal(err)
	}
	return name
}

// held fails the test unless exactly these tables of a, b, c, d and v are held
// back on the primary.
func (d *byTable) held(when string, want ...string) {
	d.t.Helper()
	d.heldIn(d.t.Context(), when, want...)
}

func (d *byTable) heldIn(ctx context.Context, when string, want ...string) {
	d.t.Helper()
	var got []string
	for _, table := range []string{"a", "b", "c", "d", "v"} {
		if d.readsIn(ctx, table) == "primary" {
			got = append(got, table)
		}
	}
	if !slices.Equal(got, want) {
		d.t.Errorf("%s: reads of %q are held back, want %q: %+v", when, got, want, d.conn.Stats().Held)
	}
}

// everything is what held lists when no table is told apart.
var everything = []string{"a", "b", "c", "d", "v"}

func (d *byTable) execs(ctx context.Context, query string, args ...any) {
	d.t.Helper()
	if _, err := d.ExecContext(ctx, query, args...); err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
}
