package integration_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
	"github.com/rwsplit/rwsplit/integration/history"
)

// plan says what a team plays. It can be sent to another process.
type plan struct {
	Engine cluster.Engine
	Rows   int // of the table
	Pools  []poolPlan
}

// poolPlan is one sql.DB and its players.
type poolPlan struct {
	Name    string
	Process int // its number in the history
	Level   history.Level
	DSN     string
	Players int
	Row     int   // the first one that belongs to its players
	From    int64 // what they write is greater
}

const rowsPerPlayer = 2

// team is who plays in one process of the operating system.
type team struct {
	plan   plan
	rec    *history.Recorder
	tokens chan handedOn // for whoever begins a request here
	away   chan handedOn // for other processes

	pools   []*pool
	players []*player

	mu     sync.Mutex // protects following fields
	failed map[string]int
}

// handedOn is a token on its way to another session.
type handedOn struct {
	Number int
	Text   string
}

// pool is one sql.DB.
type pool struct {
	*sql.DB
	poolPlan
	connector *rwsplit.Connector
}

// player is one goroutine that uses one pool. Only it writes its rows.
type player struct {
	*team
	*pool
	rows []int
	next map[int]int64
	rnd  *rand.Rand

	read, write *sql.Stmt

	// The request that it is in.
	ctx     context.Context
	session int
	left    int // operations until the next request
}

// newTeam opens the pools.
func newTeam(p plan, clock *history.Clock, away chan handedOn) (*team, error) {
	t := &team{plan: p, rec: history.NewRecorder(clock), tokens: make(chan handedOn, 1), away: away, failed: make(map[string]int)}
	return t, t.join(p.Pools...)
}

// join opens pools for players that play from the next play on.
func (t *team) join(pools ...poolPlan) error {
	for _, pp := range pools {
		cfg, err := rwsplit.ParseDSN(pp.DSN)
		if err != nil {
			return err
		}
		p := &pool{poolPlan: pp}
		began := t.rec.Tick()
		if p.connector, err = rwsplit.NewConnector(cfg); err != nil {
			return err
		}
		p.DB = sql.OpenDB(p.connector)
		p.SetMaxOpenConns(2 * pp.Players)
		t.rec.Add(history.Op{Kind: history.Start, Process: pp.Process, Began: began, Ended: t.rec.Tick()})
		t.pools = append(t.pools, p)
		row := pp.Row
		for range pp.Players {
			pl := &player{team: t, pool: p, next: make(map[int]int64), rnd: rand.New(rand.NewPCG(uint64(row), uint64(pp.Process)))}
			for range rowsPerPlayer {
				pl.rows = append(pl.rows, row)
				pl.next[row] = pp.From
				row++
			}
			t.players = append(t.players, pl)
		}
	}
	return nil
}

// play lets everybody play until ctx ends.
func (t *team) play(ctx context.Context) {
	var wg sync.WaitGroup
	for _, p := range t.players {
		wg.Go(func() { p.play(ctx) })
	}
	wg.Wait()
}

// result is what a team has to say at its end, besides its history.
type result struct {
	Pools  []poolResult
	Failed map[string]int // what failed, and how often
}

type poolResult struct {
	Name    string
	Reasons map[rwsplit.Reason]uint64
}

// finish closes the pools.
func (t *team) finish() (r result, err error) {
	for _, p := range t.pools {
		r.Pools = append(r.Pools, poolResult{p.Name, p.connector.Stats().Reasons})
		err = errors.Join(err, p.Close())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r.Failed = t.failed
	return r, err
}

// newNumber returns a number for a session or a token that no other process
// uses.
func (t *team) newNumber() int { return int(t.rec.Tick()) }

// handOn offers a token to whoever begins a request next, here or elsewhere.
func (p *player) handOn(h handedOn) {
	to := p.tokens
	if p.away != nil && p.rnd.IntN(2) == 0 {
		to = p.away
	}
	offer(to, h)
}

// offer puts a token in the place of an older one that nobody has taken: what
// is old is no challenge.
func offer(to chan handedOn, h handedOn) {
	for {
		select {
		case to <- h:
			return
		default:
		}
		select {
		case <-to:
		default:
		}
	}
}

func (t *team) fail(what string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed[what+": "+err.Error()]++
}

func (p *player) rebind(query string) string { return rebind(p.plan.Engine, query) }

// opTimeout bounds each operation, so that nothing hangs.
const opTimeout = 20 * time.Second

func (p *player) play(ctx context.Context) {
	var err error
	if p.read, err = p.PrepareContext(ctx, p.rebind("SELECT n FROM counter WHERE id = ?")); err != nil {
		p.fail("prepare", err)
		return
	}
	defer p.read.Close()
	if p.write, err = p.PrepareContext(ctx, p.raiseText()); err != nil {
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
	case 1, 2:
		select {
		case h := <-p.tokens:
			p.session = p.newNumber()
			began := p.rec.Tick()
			p.ctx = rwsplit.WithToken(p.ctx, h.Text)
			p.rec.Add(history.Op{Kind: history.Take, Process: p.Process, Session: p.session, Token: h.Number, Began: began, Ended: p.rec.Tick()})
			return
		default:
		}
		fallthrough
	default:
		p.session = p.newNumber()
		p.ctx = rwsplit.WithSession(p.ctx)
	}
}

// raiseText raises a row; the value is the first argument.
func (p *player) raiseText() string {
	return p.rebind("UPDATE counter SET n = GREATEST(n, ?) WHERE id = ?")
}

// returning raises a row and returns it, where the engine can.
func (p *player) returning() (query string, rows bool) {
	switch p.plan.Engine {
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
	if p.rnd.IntN(3) > 0 {
		row = p.rnd.IntN(p.plan.Rows)
	}
	switch n := p.rnd.IntN(100); {
	case n < 42:
		return "read", p.reads(row, "read", func(v *int64) error {
			return p.QueryRowContext(ctx, p.rebind("SELECT n FROM counter WHERE id = ?"), row).Scan(v)
		})
	case n < 52:
		return "prepared read", p.reads(row, "prepared read", func(v *int64) error { return p.read.QueryRowContext(ctx, row).Scan(v) })
	case n < 62:
		return "read-only transaction", p.readOnlyTx(ctx, row, own)
	case n < 70:
		return "exec", p.writes(own, "exec", func(v int64) error { return p.exec(ctx, p.DB, v, own) })
	case n < 75:
		return "prepared write", p.writes(own, "prepared write", func(v int64) error {
			_, err := p.write.ExecContext(ctx, v, own)
			return err
		})
	case n < 81:
		return "transaction", p.tx(ctx, own)
	case n < 86:
		return "query that writes", p.writes(own, "query that writes", func(v int64) error {
			rows, err := p.queryWrite(ctx, p.DB, v, own)
			if err != nil {
				return err
			}
			return errors.Join(drain(rows), rows.Close())
		})
	case n < 90:
		return "rows left open", p.rowsLeftOpen(ctx, own, row)
	case n < 94:
		return "conn", p.onConn(ctx, own)
	default:
		return "token", p.give(ctx)
	}
}

// reads records a read.
func (p *player) reads(row int, where string, read func(*int64) error) error {
	op := history.Op{Kind: history.Read, Level: p.Level, Process: p.Process, Session: p.session, Row: row, Began: p.rec.Tick(), Where: where}
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
	op := history.Op{Kind: history.Write, Process: p.Process, Session: p.session, Row: row, Value: p.next[row], Began: p.rec.Tick(), Where: where}
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
	tx, err := p.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, row := range rows {
		op := history.Op{Kind: history.Read, Level: p.Level, Process: p.Process, Session: p.session, Row: row, Began: began, Where: "read-only transaction"}
		if err := tx.QueryRowContext(ctx, p.rebind("SELECT n FROM counter WHERE id = ?"), row).Scan(&op.Value); err != nil {
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
		tx, err := p.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		return errors.Join(p.exec(ctx, tx, p.next[row]+1, row), tx.Rollback())
	}
	return p.writes(row, "transaction", func(v int64) error {
		tx, err := p.BeginTx(ctx, nil)
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
		rows, err := p.queryWrite(ctx, p.DB, v, row)
		if err != nil {
			return err
		}
		rows.Next()
		time.Sleep(time.Duration(p.rnd.IntN(20)) * time.Millisecond)
		err = p.reads(other, "beside open rows", func(v *int64) error {
			return p.QueryRowContext(ctx, p.rebind("SELECT n FROM counter WHERE id = ?"), other).Scan(v)
		})
		return errors.Join(err, drain(rows), rows.Close())
	})
	if err != nil {
		return err
	}
	return p.reads(row, "after open rows", func(v *int64) error {
		return p.QueryRowContext(ctx, p.rebind("SELECT n FROM counter WHERE id = ?"), row).Scan(v)
	})
}

// onConn writes through Query on a sql.Conn and reads elsewhere, and there.
func (p *player) onConn(ctx context.Context, row int) error {
	conn, err := p.Conn(ctx)
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
	query := p.rebind("SELECT n FROM counter WHERE id = ?")
	err = p.reads(row, "elsewhere than the conn", func(v *int64) error { return p.QueryRowContext(ctx, query, row).Scan(v) })
	if err != nil {
		return err
	}
	return p.reads(row, "on the conn", func(v *int64) error { return conn.QueryRowContext(ctx, query, row).Scan(v) })
}

// give hands a token to whoever begins a request next.
func (p *player) give(ctx context.Context) error {
	h := handedOn{Number: p.newNumber()}
	op := history.Op{Kind: history.Give, Process: p.Process, Session: p.session, Token: h.Number, Began: p.rec.Tick()}
	var err error
	if h.Text, err = rwsplit.Token(ctx, p.DB); err != nil {
		return err
	}
	op.Ended = p.rec.Tick()
	p.rec.Add(op)
	p.handOn(h)
	return nil
}
