package integration_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
	"github.com/rwsplit/rwsplit/integration/history"
)

// game is a load on one cluster whose history is recorded: a team in this
// process, and teams in other processes of the operating system.
type game struct {
	t     *testing.T
	c     *cluster.Cluster
	clock *os.File
	team  *team // here
	rows  int   // of the table

	mu        sync.Mutex  // protects following fields
	numbers   int         // of processes in the history, taken so far
	taken     int         // rows
	homes     map[int]int // of them: the operating system's process, 0 is this one
	started   int         // of the latter
	processes []*process  // that play
	newcomers []*result
	reads     map[int]int // by process in the history: those that were made elsewhere
}

// newGame makes the table for at most so many players.
func newGame(t *testing.T, c *cluster.Cluster, players int) *game {
	g := &game{t: t, c: c, rows: players*rowsPerPlayer + 1, taken: 1, homes: make(map[int]int), reads: make(map[int]int)}
	admin := open(t, c, "reads=primary")
	admin.exec("CREATE TABLE counter (id INT PRIMARY KEY, n BIGINT NOT NULL)")
	for id := range g.rows {
		admin.exec(admin.rebind("INSERT INTO counter (id, n) VALUES (?, 0)"), id)
	}
	require.NoError(t, admin.Close())
	require.NoError(t, c.WaitReplayed(bounded(t)))

	var err error
	g.clock, err = os.Create(filepath.Join(t.TempDir(), "clock"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = g.clock.Close() })
	clock, err := history.OpenClock(g.clock)
	require.NoError(t, err)
	g.team, err = newTeam(g.plan(), clock, make(chan handedOn, 1))
	require.NoError(t, err)
	t.Cleanup(func() {
		_, _ = g.team.finish()
		for _, p := range g.playing() {
			_ = p.kill()
		}
	})
	return g
}

func (g *game) plan(pools ...poolPlan) plan {
	return plan{Engine: g.c.Engine, Rows: g.rows, Pools: pools}
}

// pool plans a sql.DB with so many players, who get rows of their own.
func (g *game) pool(name string, players int, level history.Level, options ...string) poolPlan {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.numbers++
	p := poolPlan{Name: name, Process: g.numbers, Level: level, DSN: g.c.RWSplitDSN(options...), Players: players, Row: g.taken}
	g.taken += players * rowsPerPlayer
	return p
}

// again plans the pools of a process that goes on where an older one with the
// same rows has ended.
func (g *game) again(pools []poolPlan) []poolPlan {
	g.mu.Lock()
	defer g.mu.Unlock()
	var next []poolPlan
	for _, p := range pools {
		g.numbers++
		p.Process = g.numbers
		p.From = int64(g.numbers) * 1_000_000
		next = append(next, p)
	}
	return next
}

// here adds pools to the team in this process.
func (g *game) here(pools ...poolPlan) {
	g.t.Helper()
	require.NoError(g.t, g.team.join(pools...))
}

// there starts another process, which plays at once.
func (g *game) there(pools ...poolPlan) (*process, error) {
	g.mu.Lock()
	g.started++
	for _, p := range pools {
		g.homes[p.Process] = g.started
	}
	g.mu.Unlock()
	p, err := startProcess(g.plan(pools...), g.clock, g.team.away, func(n note) {
		g.heard(n.Ops)
		if n.Token != nil {
			offer(g.team.tokens, *n.Token)
		}
	})
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	g.processes = append(g.processes, p)
	g.mu.Unlock()
	return p, p.waitReady()
}

// heard takes in what was done elsewhere.
func (g *game) heard(ops []history.Op) {
	g.team.rec.Add(ops...)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, op := range ops {
		if op.Kind == history.Read {
			g.reads[op.Process]++
		}
	}
}

// haveRead reports whether each of the pools has been read through.
func (g *game) haveRead(pools []poolPlan) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range pools {
		if g.reads[p.Process] == 0 {
			return false
		}
	}
	return true
}

func (g *game) playing() []*process {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]*process(nil), g.processes...)
}

// ends ends a process and forgets it.
func (g *game) ends(p *process) (*result, error) {
	r, err := p.end()
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, q := range g.processes {
		if q == p {
			g.processes = append(g.processes[:i], g.processes[i+1:]...)
			break
		}
	}
	return r, err
}

// play lets the team of this process play until ctx ends, beside what disturb
// does, ends the other processes, and returns what each of them has to say, this
// one first.
func (g *game) play(ctx context.Context, disturb func(ctx context.Context)) []*result {
	g.t.Helper()
	var wg sync.WaitGroup
	if disturb != nil {
		wg.Go(func() { disturb(ctx) })
	}
	g.team.play(ctx)
	wg.Wait()
	var theirs []*result
	for _, p := range g.playing() {
		r, err := g.ends(p)
		require.NoError(g.t, err)
		theirs = append(theirs, r)
	}
	own, err := g.team.finish()
	require.NoError(g.t, err)
	return append([]*result{&own}, theirs...)
}

// newcomer starts a process while no replica has what was written last, has it
// read, lets the replicas go on, has it play for a while longer, and ends it.
func (g *game) newcomer(ctx, once context.Context, pools []poolPlan) error {
	if err := errors.Join(g.c.PauseReplay(once), g.write(once)); err != nil {
		return errors.Join(err, g.c.ResumeReplay(once))
	}
	pools = g.again(pools)
	p, err := g.there(pools...)
	for deadline := time.Now().Add(processPatience); err == nil && !g.haveRead(pools); {
		select {
		case <-p.ended:
			err = errors.New("it has ended")
		case <-time.After(5 * time.Millisecond):
			if time.Now().After(deadline) {
				err = errors.New("a process that has just started does not read")
			}
		}
	}
	err = errors.Join(err, g.c.ResumeReplay(once))
	if p == nil {
		return err
	}
	pauseOr(ctx, time.Second)
	r, ended := g.ends(p)
	if ended == nil {
		g.mu.Lock()
		g.newcomers = append(g.newcomers, r)
		g.mu.Unlock()
	}
	return errors.Join(err, ended)
}

// write raises the game's own row, on the primary itself.
func (g *game) write(ctx context.Context) error {
	op := history.Op{Kind: history.Write, Began: g.team.rec.Tick(), Where: "administrator"}
	op.Value = op.Began
	if _, err := g.c.Primary().Admin().ExecContext(ctx, fmt.Sprintf("UPDATE %s SET n = %d WHERE id = %d", table(g.c, "counter"), op.Value, op.Row)); err != nil {
		return err
	}
	op.Ended = g.team.rec.Tick()
	g.team.rec.Add(op)
	return nil
}

// trouble disturbs the replicas at random until ctx ends, and brings them back.
// Every now and then a process starts that plays the newcomers' pools.
func (g *game) trouble(ctx context.Context, seed uint64, newcomers []poolPlan) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	for n := 0; ctx.Err() == nil; n++ {
		once, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		note := func(what string, err error) {
			if err != nil {
				g.t.Errorf("%s: %v", what, err)
			}
		}
		s := g.c.Replicas()[rnd.IntN(2)]
		pause := time.Duration(100+rnd.IntN(900)) * time.Millisecond
		what := rnd.IntN(10)
		if n%4 == 0 {
			what = -1
		}
		switch what {
		case -1:
			note("a process starts", g.newcomer(ctx, once, newcomers))
		case 0, 1:
			note("kill", s.Kill(once))
			pauseOr(ctx, pause/2)
			note("start", s.Start(once))
		case 2:
			note("restart", s.Restart(once))
		case 3, 4:
			note("pause", s.PauseReplay(once))
			pauseOr(ctx, pause)
			note("resume", s.ResumeReplay(once))
		case 5, 6, 7:
			note("delay", s.Delay(once, 0))
		default:
			note("delay", s.Delay(once, time.Duration(rnd.IntN(2000))*time.Millisecond))
		}
		cancel()
		pauseOr(ctx, pause)
	}
	once, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for _, s := range g.c.Replicas() {
		if err := errors.Join(s.ResumeReplay(once), s.Delay(once, 0)); err != nil {
			g.t.Errorf("resume: %v", err)
		}
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
	t.Helper()
	return envTime(t, "RWSPLIT_HISTORY", 15*time.Second)
}

// report logs what was done, and returns how much of it failed, and the
// violations.
func (g *game) report(results []*result) (failed int, found []history.Violation) {
	g.t.Helper()
	ops := g.team.rec.Ops()
	counts := make(map[string]int)
	sessions := make(map[int]bool)
	for _, op := range ops {
		counts[[...]string{"writes", "reads", "tokens made", "tokens taken", "processes"}[op.Kind]]++
		sessions[op.Session] = true
	}
	reasons := make(map[string]int)
	for _, r := range results {
		for what, n := range r.Failed {
			reasons[what] += n
			failed += n
		}
	}
	for what, n := range reasons {
		g.t.Logf("failed %d times: %s", n, what)
	}
	g.t.Logf("%v, %d sessions, %d failed", counts, len(sessions), failed)
	found = history.Check(ops)
	for i, v := range found {
		if i == 10 {
			break
		}
		g.t.Log(v)
	}
	return failed, found
}

// between reports whether the write and the read were made in two processes of
// the operating system.
func (g *game) between(v history.Violation) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.homes[v.Floor.Process] != g.homes[v.Read.Process]
}

// share logs where the reads of a pool ran, and returns the share of replicas.
func (r poolResult) share(t *testing.T) float64 {
	t.Helper()
	reads, replicas := uint64(0), uint64(0)
	for _, reason := range []rwsplit.Reason{rwsplit.ReasonRead, rwsplit.ReasonBeginReadOnly} {
		replicas += r.Reasons[reason]
		reads += r.Reasons[reason]
	}
	for _, reason := range []rwsplit.Reason{rwsplit.ReasonNotCaughtUp, rwsplit.ReasonReplicasDown, rwsplit.ReasonLag} {
		reads += r.Reasons[reason]
	}
	share := float64(replicas) / float64(max(reads, 1))
	t.Logf("%-28s %6d reads, %5.1f%% on replicas; by rule: %s", r.Name, reads, 100*share, fmt.Sprint(r.Reasons))
	return share
}
