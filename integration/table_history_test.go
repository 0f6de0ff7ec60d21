package integration_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
	"github.com/rwsplit/rwsplit/integration/history"
)

// tableGame is a load on many tables whose history is recorded.
type tableGame struct {
	t      *testing.T
	c      *cluster.Cluster
	rec    *history.Recorder
	writes []tableWrite
	reads  []tableRead
	tables []string // a row of the history is one of these and an id

	mu     sync.Mutex // protects failed
	failed map[string]int
}

const tablePlayers = 8 // of the game, half of them on each sql.DB

func newTableGame(t *testing.T, c *cluster.Cluster) *tableGame {
	g := &tableGame{t: t, c: c, failed: make(map[string]int)}
	var ddl []string
	ddl, g.writes, g.reads = tableSchema(c.Engine, tablePlayers)
	for _, r := range g.reads {
		for _, name := range r.reads {
			if !slices.Contains(g.tables, name) {
				g.tables = append(g.tables, name)
			}
		}
	}
	// Triggers need more than the application may do.
	admin, err := c.Primary().Admin().Conn(bounded(t))
	require.NoError(t, err)
	if c.Engine != cluster.Postgres {
		ddl = append([]string{"USE shop"}, ddl...)
	} else {
		for _, name := range []string{"TABLES", "FUNCTIONS"} {
			ddl = append(ddl, "GRANT ALL ON ALL "+name+" IN SCHEMA public TO PUBLIC")
		}
	}
	for _, query := range ddl {
		_, err := admin.ExecContext(bounded(t), query)
		require.NoError(t, err, "%s", query)
	}
	require.NoError(t, admin.Close())
	require.NoError(t, c.WaitReplayed(bounded(t)))
	require.NoError(t, c.LogStatements(bounded(t), false))

	f, err := os.Create(filepath.Join(t.TempDir(), "clock"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	clock, err := history.OpenClock(f)
	require.NoError(t, err)
	g.rec = history.NewRecorder(clock)
	return g
}

// row numbers the rows of all tables.
func (g *tableGame) row(table string, id int) int {
	i := slices.Index(g.tables, table)
	return i*tablePlayers + id
}

// tablePlayer is one goroutine. Only it raises the rows with its id.
type tablePlayer struct {
	*tableGame
	a       *app
	process int
	level   history.Level
	id      int
	next    int64
	rnd     *rand.Rand

	ctx     context.Context
	session int
	left    int
}

// play lets four players play on a sql.DB until ctx ends.
func (g *tableGame) play(ctx context.Context, a *app, process int, level history.Level) {
	var wg sync.WaitGroup
	for i := range tablePlayers / 2 {
		p := &tablePlayer{tableGame: g, a: a, process: process, level: level, id: (process-1)*tablePlayers/2 + i}
		p.rnd = rand.New(rand.NewPCG(uint64(p.id), uint64(time.Now().UnixNano())))
		wg.Go(func() {
			for ctx.Err() == nil {
				p.request()
				once, cancel := context.WithTimeout(p.ctx, opTimeout)
				if what, err := p.step(once); err != nil {
					g.mu.Lock()
					g.failed[what+": "+err.Error()]++
					g.mu.Unlock()
				}
				cancel()
				time.Sleep(time.Duration(p.rnd.IntN(4000)) * time.Microsecond)
			}
		})
	}
	wg.Wait()
}

// request begins the next request, in a session or not, every now and then.
func (p *tablePlayer) request() {
	if p.left--; p.left > 0 {
		return
	}
	p.ctx, p.session, p.left = context.Background(), 0, 3+p.rnd.IntN(12)
	if p.rnd.IntN(3) > 0 {
		p.ctx, p.session = rwsplit.WithSession(p.ctx), int(p.rec.Tick())
	}
}

func (p *tablePlayer) step(ctx context.Context) (what string, err error) {
	switch n := p.rnd.IntN(20); {
	case n < 13:
		r := p.reads[p.rnd.IntN(len(p.reads))]
		id := p.id
		if p.rnd.IntN(2) == 0 {
			id = p.rnd.IntN(tablePlayers)
		}
		return r.text, p.read(ctx, r, id)
	case n < 18:
		w := p.pick()
		return w.text, p.write(w.text, w.changes, func(v int64) error { return p.run(ctx, p.a.DB, w, v) })
	default:
		return "transaction", p.transaction(ctx)
	}
}

// pick picks a write. What counts for every table is rare, or nothing else would
// be seen.
func (p *tablePlayer) pick() tableWrite {
	for {
		if w := p.writes[p.rnd.IntN(len(p.writes))]; !w.opaque || p.rnd.IntN(10) == 0 {
			return w
		}
	}
}

// text puts a value and a row into a text.
func (p *tablePlayer) text(text string, v int64, id int) string {
	return strings.NewReplacer("%v", fmt.Sprint(v), "%i", fmt.Sprint(id)).Replace(text)
}

type tableRunner interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}

func (p *tablePlayer) run(ctx context.Context, on tableRunner, w tableWrite, v int64) error {
	query := p.text(w.text, v, p.id)
	if !w.rows {
		_, err := on.ExecContext(ctx, query)
		return err
	}
	rows, err := on.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	return errors.Join(drain(rows), rows.Close())
}

// write records a write, if it returned without an error, for every row that it
// changed.
func (p *tablePlayer) write(where string, tables []string, write func(v int64) error) error {
	p.next++
	v := p.next*1000 + int64(p.id) // par.n is unique
	began := p.rec.Tick()
	if err := write(v); err != nil {
		return err
	}
	ended := p.rec.Tick()
	for _, name := range tables {
		p.rec.Add(history.Op{Kind: history.Write, Process: p.process, Session: p.session, Row: p.row(name, p.id), Value: v, Began: began, Ended: ended, Where: where})
	}
	return nil
}

func (p *tablePlayer) transaction(ctx context.Context) error {
	var list []tableWrite
	var tables []string
	for len(list) == 0 || p.rnd.IntN(2) == 0 {
		w := p.pick()
		if w.opaque {
			continue // it might commit, for all that is known
		}
		list, tables = append(list, w), append(tables, w.changes...)
	}
	tx, err := p.a.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return p.write("transaction", tables, func(v int64) error {
		for _, w := range list {
			if err := p.run(ctx, tx, w, v); err != nil {
				return err
			}
		}
		return tx.Commit()
	})
}

// read records a read of each table in it.
func (p *tablePlayer) read(ctx context.Context, r tableRead, id int) error {
	var q interface {
		QueryRowContext(context.Context, string, ...any) *sql.Row
	} = p.a.DB
	began := p.rec.Tick()
	where := r.text
	if p.rnd.IntN(8) == 0 {
		tx, err := p.a.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		q, where = tx, where+", in a read-only transaction"
	}
	values, into := make([]sql.NullInt64, len(r.reads)), make([]any, len(r.reads))
	for i := range values {
		into[i] = &values[i]
	}
	var err error
	if p.rnd.IntN(2) == 0 {
		err = q.QueryRowContext(ctx, p.text(r.text, 0, id)).Scan(into...)
	} else {
		err = q.QueryRowContext(ctx, p.a.rebind(strings.ReplaceAll(r.text, "%i", "?")), id).Scan(into...)
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = nil // as if it were older than anything
	}
	if err != nil {
		return err
	}
	ended := p.rec.Tick()
	for i, name := range r.reads {
		p.rec.Add(history.Op{Kind: history.Read, Level: p.level, Process: p.process, Session: p.session, Row: p.row(name, id), Value: values[i].Int64, Began: began, Ended: ended, Where: where})
	}
	return nil
}

// trouble delays and pauses the replicas at random, and changes the schema,
// until ctx ends.
func (g *tableGame) trouble(ctx context.Context, apps ...*app) {
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 2))
	once, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	note := func(what string, err error) {
		if err != nil {
			g.t.Errorf("%s: %v", what, err)
		}
	}
	for n := 0; ctx.Err() == nil; n++ {
		s := g.c.Replicas()[rnd.IntN(2)]
		pause := time.Duration(100+rnd.IntN(900)) * time.Millisecond
		switch rnd.IntN(20) {
		case 0, 1, 2:
			note("pause", s.PauseReplay(once))
			pauseOr(ctx, pause)
			note("resume", s.ResumeReplay(once))
		case 3, 4, 5, 6, 7, 8, 9, 10:
			note("delay", s.Delay(once, 0))
		case 11, 12, 13, 14:
			note("delay", s.Delay(once, time.Duration(rnd.IntN(200))*time.Millisecond))
		case 15, 16, 17:
			note("delay", s.Delay(once, time.Duration(rnd.IntN(2000))*time.Millisecond))
		case 18:
			a := apps[rnd.IntN(len(apps))]
			_, err := a.ExecContext(once, fmt.Sprintf("CREATE TABLE own%d (id INT PRIMARY KEY)", n))
			note("DDL", err)
		case 19:
			_, err := g.c.Primary().Admin().ExecContext(once, fmt.Sprintf("CREATE TABLE %s (id INT PRIMARY KEY)", table(g.c, fmt.Sprintf("others%d", n))))
			note("DDL of others", err)
		}
		pauseOr(ctx, pause)
	}
	for _, s := range g.c.Replicas() {
		note("resume", errors.Join(s.ResumeReplay(once), s.Delay(once, 0)))
	}
}

// report logs what was done, and returns the violations.
func (g *tableGame) report(apps ...*app) []history.Violation {
	g.t.Helper()
	for what, n := range g.failed {
		g.t.Logf("failed %d times: %s", n, what)
	}
	for _, a := range apps {
		st := a.connector.Stats()
		reads := st.Reasons[rwsplit.ReasonRead] + st.Reasons[rwsplit.ReasonNotCaughtUp]
		g.t.Logf("%d reads, %.1f%% on replicas; held back: %+v", reads, 100*float64(st.Reasons[rwsplit.ReasonRead])/float64(max(reads, 1)), st.Held)
	}
	found := history.Check(g.rec.Ops())
	for i, v := range found {
		if i < 10 {
			g.t.Log(g.tables[v.Read.Row/tablePlayers], v)
		}
	}
	return found
}

// open opens a sql.DB that knows the tables.
func (g *tableGame) open(change func(*rwsplit.Config), options ...string) *app {
	options = append(options, "tracking=table", "read_functions=read_tc")
	a := openWith(g.t, g.c, change, options...)
	a.SetMaxOpenConns(2 * tablePlayers)
	a.knowsTables()
	return a
}

// No read breaks its promise with tracking=table, over tables that are changed
// by triggers, cascades, rules, routines and through views, while the replicas
// are delayed up to two seconds and the schema changes now and then.
// RWSPLIT_HISTORY sets for how long, 15s by default.
func TestNoReadOfAnyTableBreaksItsPromise(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		g := newTableGame(t, c)
		process, session := g.open(nil), g.open(nil, "consistency=session", "balance=random")
		ctx, cancel := context.WithTimeout(t.Context(), historyTime(t))
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() { g.play(ctx, process, 1, history.Process) })
		wg.Go(func() { g.play(ctx, session, 2, history.Session) })
		wg.Go(func() { g.trouble(ctx, process, session) })
		wg.Wait()
		found := g.report(process, session)
		require.Empty(t, found)
		ops, failed := len(g.rec.Ops()), 0
		for _, n := range g.failed {
			failed += n
		}
		t.Logf("%d operations", ops)
		require.Greater(t, ops, 200, "hardly anything was done")
		require.Less(t, failed, ops/20, "too many operations failed")
		st := process.connector.Stats()
		require.NotEmpty(t, st.Held.Tables, "no table held anything back: nothing was shown")
		require.NotZero(t, st.Reasons[rwsplit.ReasonRead], "no read was served by a replica: nothing was shown")
	})
}

// The game sees what it is made to see: where the triggers are hidden from the
// reader of the catalog, there are stale reads of what they write.
func TestTheTablesGameSeesAMissingTrigger(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		g := newTableGame(t, c)
		blind := func(cfg *rwsplit.Config) {
			cfg.WrapConnector = func(_ rwsplit.Backend, base driver.Connector) driver.Connector { return blindConnector{base} }
		}
		g.writes = slices.DeleteFunc(g.writes, func(w tableWrite) bool { return w.opaque })
		a := g.open(blind)
		require.NoError(t, c.Delay(bounded(t), time.Second))
		stale := make(map[string]bool)
		for round := 0; round < 20 && len(stale) == 0; round++ {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			g.play(ctx, a, 1, history.Process)
			cancel()
			for _, v := range history.Check(g.rec.Ops()) {
				stale[g.tables[v.Read.Row/tablePlayers]] = true
			}
		}
		g.report(a)
		require.NotEmpty(t, stale, "nobody noticed that the triggers are not known")
		for name := range stale {
			require.Contains(t, []string{"tb", "tc", "td"}, name, "only what triggers write is stale")
		}
	})
}

// blindConnector connects to servers that show no triggers.
type blindConnector struct{ driver.Connector }

func (k blindConnector) Connect(ctx context.Context) (driver.Conn, error) {
	base, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &blindConn{base.(baseConn)}, nil
}

type blindConn struct{ baseConn }

func (c *blindConn) BaseConn() driver.Conn { return c.baseConn }

func (c *blindConn) IsValid() bool {
	v, ok := c.baseConn.(driver.Validator)
	return !ok || v.IsValid()
}

func (c *blindConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.baseConn.QueryContext(ctx, query, args)
	if err == nil && (strings.HasPrefix(query, "SELECT t.tgrelid") || strings.HasPrefix(query, "SELECT EVENT_OBJECT_SCHEMA")) {
		for err == nil {
			err = rows.Next(make([]driver.Value, len(rows.Columns())))
		}
		if err != io.EOF {
			return nil, err
		}
		err = nil
	}
	return rows, err
}
