package integration_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
	"github.com/rwsplit/rwsplit/integration/history"
)

// game is a load on one cluster whose history is recorded.
type game struct {
	t   *testing.T
	c   *cluster.Cluster
	rec history.Recorder

	rows     int // taken so far
	sessions int // taken so far; a number names one session of the game
	players  []*player
	tokens   chan handedOn

	mu     sync.Mutex // protects following fields and sessions
	failed map[string]int
}

// handedOn is a token on its way to another session.
type handedOn struct {
	number int
	text   string
}

const rowsPerPlayer = 2

// newGame makes the table for at most so many players.
func newGame(t *testing.T, c *cluster.Cluster, players int) *game {
	g := &game{t: t, c: c, tokens: make(chan handedOn, 8), failed: make(map[string]int)}
	admin := open(t, c, "reads=primary")
	admin.exec("CREATE TABLE counter (id INT PRIMARY KEY, n BIGINT NOT NULL)")
	for id := range players * rowsPerPlayer {
		admin.exec(admin.rebind("INSERT INTO counter (id, n) VALUES (?, 0)"), id)
	}
	require.NoError(t, admin.Close())
	require.NoError(t, c.WaitReplayed(bounded(t)))
	return g
}

// player is one goroutine of one process. Only it writes its rows.
type player struct {
	*game
	a       *app
	process int
	level   history.Level
	rows    []int
	next    map[int]int64
	rnd     *rand.Rand

	read, write *sql.Stmt

	// The request that it is in.
	ctx     context.Context
	session int
	left    int // operations until the next request
}

// join adds a process with so many players.
func (g *game) join(process, players int, level history.Level, options ...string) *app {
	a := open(g.t, g.c, options...)
	a.SetMaxOpenConns(2 * players)
	for range players {
		p := &player{
			game: g, a: a, process: process, level: level, next: make(map[int]int64),
			rnd: rand.New(rand.NewPCG(uint64(len(g.players)), uint64(process))),
		}
		for range rowsPerPlayer {
			p.rows = append(p.rows, g.rows)
			g.rows++
		}
		g.players = append(g.players, p)
	}
	return a
}

// play lets everybody play until ctx ends and returns what they did.
func (g *game) play(ctx context.Context) []history.Op {
	g.t.Helper()
	var wg sync.WaitGroup
	for _, p := range g.players {
		wg.Go(func() { p.play(ctx) })
	}
	wg.Wait()
	return g.rec.Ops()
}

func (g *game) newSession() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sessions++
	return g.sessions
}

func (g *game) fail(what string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failed[what+": "+err.Error()]++
}

// opTimeout bounds each operation, so that nothing hangs.
const opTimeout = 20 * time.Second

func (p *player) play(ctx context.Context) {
	var err error
	if p.read, err = p.a.PrepareContext(ctx, p.a.rebind("SELECT n FROM counter WHERE id = ?")); err != nil {
		p.fail("prepare", err)
		return
	}
	defer p.read.Close()
	if p.write, err = p.a.PrepareContext(ctx, p.raiseText()); err != nil {
		p.fail("prepare", err)
		return
	}
	defer p.write.Close()
	for ctx.Err() == nil {
		if p.left == 0 {
			p.request()
		}
		p.left--
		once, cancel := context.WithTimeout(p.ctx, opTimeout)
		what, err := p.step(once)
		cancel()
		if err != nil {
			p.fail(what, err)
		}
		time.Sleep(time.Duration(p.rnd.IntN(4000)) * time.Microsecond)
	}
}

// request begins the next request: in a session or not, handed a token or not.
func (p *player) request() {
	p.ctx, p.session, p.left = context.Background(), 0, 3+p.rnd.IntN(12)
	switch p.rnd.IntN(4) {
	case 0:
	case 1:
		select {
		case h := <-p.tokens:
			p.session = p.newSession()
			began := p.rec.Tick()
			p.ctx = rwsplit.WithToken(p.ctx, h.text)
			p.rec.Add(history.Op{Kind: history.Take, Process: p.process, Session: p.session, Token: h.number, Began: began, Ended: p.rec.Tick()})
			return
		default:
		}
		fallthrough
	default:
		p.session = p.newSession()
		p.ctx = rwsplit.WithSession(p.ctx)
	}
}

// raiseText raises a row; the value is the first argument.
func (p *player) raiseText() string {
	return p.a.rebind("UPDATE counter SET n = GREATEST(n, ?) WHERE id = ?")
}

// returning raises a row and returns it, where the engine can.
func (p *player) returning() (query string, rows bool) {
	switch p.c.Engine {
	case cluster.Postgres:
		return "UPDATE counter SET n = GREATEST(n, $1) WHERE id = $2 RETURNING n", true
	case cluster.MariaDB:
		return "INSERT INTO counter (n, id) VALUES (?, ?) ON DUPLICATE KEY UPDATE n = GREATEST(n, VALUES(n)) RETURNING n", true
	default:
		return p.raiseText(), false // through Query all the same
	}
}

// step makes one operation.
func (p *player) step(ctx context.Context) (what string, err error) {
	own := p.rows[p.rnd.IntN(len(p.rows))]
	row := own
	if p.rnd.IntN(2) == 0 {
		row = p.rnd.IntN(p.game.rows)
	}
	switch n := p.rnd.IntN(100); {
	case n < 45:
		return "read", p.reads(row, "read", func(v *int64) error {
			return p.a.QueryRowContext(ctx, p.a.rebind("SELECT n FROM counter WHERE id = ?"), row).Scan(v)
		})
	case n < 55:
		return "prepared read", p.reads(row, "prepared read", func(v *int64) error { return p.read.QueryRowContext(ctx, row).Scan(v) })
	case n < 65:
		return "read-only transaction", p.readOnlyTx(ctx, row, own)
	case n < 73:
		return "exec", p.writes(own, "exec", func(v int64) error { return p.exec(ctx, p.a, v, own) })
	case n < 78:
		return "prepared write", p.writes(own, "prepared write", func(v int64) error {
			_, err := p.write.ExecContext(ctx, v, own)
			return err
		})
	case n < 84:
		return "transaction", p.tx(ctx, own)
	case n < 89:
		return "query that writes", p.writes(own, "query that writes", func(v int64) error {
			rows, err := p.queryWrite(ctx, p.a, v, own)
			if err != nil {
				return err
			}
			return errors.Join(drain(rows), rows.Close())
		})
	case n < 93:
		return "rows left open", p.rowsLeftOpen(ctx, own, row)
	case n < 97:
		return "conn", p.onConn(ctx, own)
	default:
		return "token", p.give(ctx)
	}
}

// reads records a read.
func (p *player) reads(row int, where string, read func(*int64) error) error {
	op := history.Op{Kind: history.Read, Level: p.level, Process: p.process, Session: p.session, Row: row, Began: p.rec.Tick(), Where: where}
	if err := read(&op.Value); err != nil {
		return err
	}
	op.Ended = p.rec.Tick()
	p.rec.Add(op)
	return nil
}

// writes records a write, if it returned without an error.
func (p *player) writes(row int, where string, write func(int64) error) error {
	p.next[row]++
	op := history.Op{Kind: history.Write, Process: p.process, Session: p.session, Row: row, Value: p.next[row], Began: p.rec.Tick(), Where: where}
	if err := write(op.Value); err != nil {
		return err
	}
	op.Ended = p.rec.Tick()
	p.rec.Add(op)
	return nil
}

func (p *player) exec(ctx context.Context, on interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, v int64, row int,
) error {
	_, err := on.ExecContext(ctx, p.raiseText(), v, row)
	return err
}

func (p *player) queryWrite(ctx context.Context, on interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, v int64, row int,
) (*sql.Rows, error) {
	query, _ := p.returning()
	return on.QueryContext(ctx, query, v, row)
}

func drain(rows *sql.Rows) error {
	for rows.Next() {
	}
	return rows.Err()
}

// readOnlyTx reads twice; the transaction promises what was required when it
// began.
func (p *player) readOnlyTx(ctx context.Context, rows ...int) error {
	began := p.rec.Tick()
	tx, err := p.a.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, row := range rows {
		op := history.Op{Kind: history.Read, Level: p.level, Process: p.process, Session: p.session, Row: row, Began: began, Where: "read-only transaction"}
		if err := tx.QueryRowContext(ctx, p.a.rebind("SELECT n FROM counter WHERE id = ?"), row).Scan(&op.Value); err != nil {
			return err
		}
		op.Ended = p.rec.Tick()
		p.rec.Add(op)
	}
	return tx.Commit()
}

// tx writes in a transaction, which sometimes is rolled back.
func (p *player) tx(ctx context.Context, row int) error {
	if p.rnd.IntN(4) == 0 {
		tx, err := p.a.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		return errors.Join(p.exec(ctx, tx, p.next[row]+1, row), tx.Rollback())
	}
	return p.writes(row, "transaction", func(v int64) error {
		tx, err := p.a.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		if err := p.exec(ctx, tx, v, row); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// rowsLeftOpen leaves the rows of a write open for a while, reads elsewhere in
// the meantime, and again when they are closed.
func (p *player) rowsLeftOpen(ctx context.Context, row, other int) error {
	err := p.writes(row, "rows left open", func(v int64) error {
		rows, err := p.queryWrite(ctx, p.a, v, row)
		if err != nil {
			return err
		}
		rows.Next()
		time.Sleep(time.Duration(p.rnd.IntN(20)) * time.Millisecond)
		err = p.reads(other, "beside open rows", func(v *int64) error {
			return p.a.QueryRowContext(ctx, p.a.rebind("SELECT n FROM counter WHERE id = ?"), other).Scan(v)
		})
		return errors.Join(err, drain(rows), rows.Close())
	})
	if err != nil {
		return err
	}
	return p.reads(row, "after open rows", func(v *int64) error {
		return p.a.QueryRowContext(ctx, p.a.rebind("SELECT n FROM counter WHERE id = ?"), row).Scan(v)
	})
}

// onConn writes through Query on a sql.Conn and reads elsewhere, and there.
func (p *player) onConn(ctx context.Context, row int) error {
	conn, err := p.a.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	err = p.writes(row, "conn", func(v int64) error {
		rows, err := p.queryWrite(ctx, conn, v, row)
		if err != nil {
			return err
		}
		return errors.Join(drain(rows), rows.Close())
	})
	if err != nil {
		return err
	}
	query := p.a.rebind("SELECT n FROM counter WHERE id = ?")
	err = p.reads(row, "elsewhere than the conn", func(v *int64) error { return p.a.QueryRowContext(ctx, query, row).Scan(v) })
	if err != nil {
		return err
	}
	return p.reads(row, "on the conn", func(v *int64) error { return conn.QueryRowContext(ctx, query, row).Scan(v) })
}

// give hands a token to whoever begins a request next.
func (p *player) give(ctx context.Context) error {
	h := handedOn{number: p.newSession()}
	op := history.Op{Kind: history.Give, Process: p.process, Session: p.session, Token: h.number, Began: p.rec.Tick()}
	var err error
	if h.text, err = rwsplit.Token(ctx, p.a.DB); err != nil {
		return err
	}
	op.Ended = p.rec.Tick()
	p.rec.Add(op)
	select {
	case p.tokens <- h:
	default:
	}
	return nil
}

// trouble disturbs the replicas at random until ctx ends, and brings them back.
func (g *game) trouble(ctx context.Context, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	note := func(what string, err error) {
		if err != nil && ctx.Err() == nil {
			g.t.Errorf("%s: %v", what, err)
		}
	}
	bg, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		s := g.c.Replicas()[rnd.IntN(2)]
		pause := time.Duration(100+rnd.IntN(900)) * time.Millisecond
		switch rnd.IntN(10) {
		case 0, 1:
			note("kill", s.Kill(bg))
			pauseOr(ctx, pause/2)
			note("start", s.Start(bg))
		case 2:
			note("restart", s.Restart(bg))
		case 3, 4:
			note("pause", s.PauseReplay(bg))
			pauseOr(ctx, pause)
			note("resume", s.ResumeReplay(bg))
		case 5, 6, 7:
			note("delay", s.Delay(bg, 0))
		default:
			note("delay", s.Delay(bg, time.Duration(rnd.IntN(2000))*time.Millisecond))
		}
		pauseOr(ctx, pause)
	}
	for _, s := range g.c.Replicas() {
		note("resume", errors.Join(s.ResumeReplay(bg), s.Delay(bg, 0)))
	}
}

func pauseOr(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// historyTime is how long each engine is played on.
func historyTime(t *testing.T) time.Duration {
	text := os.Getenv("RWSPLIT_HISTORY")
	if text == "" {
		return 20 * time.Second
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err, "RWSPLIT_HISTORY")
	return d
}

// report logs what was done, and fails the test for violations.
func (g *game) report(ops []history.Op) []history.Violation {
	g.t.Helper()
	counts := make(map[string]int)
	for _, op := range ops {
		counts[[...]string{"writes", "reads", "tokens made", "tokens taken"}[op.Kind]]++
	}
	failed := 0
	for what, n := range g.failed {
		failed += n
		g.t.Logf("failed %d times: %s", n, what)
	}
	g.t.Logf("%v, %d sessions, %d failed", counts, g.sessions, failed)
	found := history.Check(ops)
	for i, v := range found {
		if i == 10 {
			break
		}
		g.t.Log(v)
	}
	return found
}

// shares logs where the reads of a process ran, and returns the share of
// replicas.
func shares(t *testing.T, name string, a *app) float64 {
	t.Helper()
	st := a.connector.Stats()
	reads, replicas := uint64(0), uint64(0)
	for _, r := range []rwsplit.Reason{rwsplit.ReasonRead, rwsplit.ReasonBeginReadOnly} {
		replicas += st.Reasons[r]
		reads += st.Reasons[r]
	}
	for _, r := range []rwsplit.Reason{rwsplit.ReasonNotCaughtUp, rwsplit.ReasonReplicasDown, rwsplit.ReasonLag} {
		reads += st.Reasons[r]
	}
	share := float64(replicas) / float64(max(reads, 1))
	t.Logf("%-28s %6d reads, %5.1f%% on replicas; by rule: %s", name, reads, 100*share, fmt.Sprint(st.Reasons))
	return share
}
