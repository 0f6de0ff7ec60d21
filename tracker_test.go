package rwsplit_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

func TestReadsWaitForReplicasToCatchUp(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		ctx := t.Context()
		d.primary.hook(opPosition, 1, 1, func(context.Context, *fakeConn) error {
			time.Sleep(time.Millisecond) // the first read is quicker
			return nil
		})
		d.want(ctx, "primary", "when nothing is known")
		d.settle()
		d.want(ctx, "replica", "settled")
		d.write(ctx)
		d.want(ctx, "primary", "just written")
		time.Sleep(time.Hour)
		d.want(ctx, "primary", "not replayed for an hour")
		d.replay()
		time.Sleep(2 * time.Second)
		d.want(ctx, "replica", "replayed")
	})
}

func TestOneReplicaThatHasCaughtUpServesTheReads(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		d.settle()
		d.write(t.Context())
		d.replicas[1].at.Add(1000)
		time.Sleep(time.Second)
		for range 20 {
			d.want(t.Context(), "r2", "only r2 has it")
		}
	})
}

func TestAnOpenWriteIsNotConfirmed(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		ctx := t.Context()
		d.settle()
		conn, err := d.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := conn.QueryContext(ctx, "INSERT RETURNING")
		if err != nil {
			t.Fatal(err)
		}
		d.replay()
		time.Sleep(10 * time.Second)
		d.want(ctx, "primary", "the rows are open")

		// A base driver refuses a command while rows are open: that is no news.
		d.primary.fail(opExec, 1, errors.New("conn busy"))
		if _, err := conn.ExecContext(ctx, "UPDATE"); err == nil {
			t.Error("the command was not refused")
		}
		d.replay()
		time.Sleep(10 * time.Second)
		d.want(ctx, "primary", "the rows are still open")

		if err := rows.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		d.want(ctx, "primary", "closing rows tells nothing")
		if _, err := conn.ExecContext(ctx, "UPDATE"); err != nil {
			t.Error(err)
		}
		d.replay()
		time.Sleep(time.Second)
		d.want(ctx, "replica", "the next command was answered")

		if err := conn.QueryRowContext(ctx, "INSERT RETURNING").Scan(new(string)); err != nil {
			t.Error(err)
		}
		d.replay()
		time.Sleep(10 * time.Second)
		d.want(ctx, "primary", "the connection is still out")
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		d.replay()
		time.Sleep(time.Second)
		d.want(ctx, "replica", "the scope has ended")
	})
}

func TestAWriteOfUnknownOutcomeKeepsReadsOnThePrimary(t *testing.T) {
	for name, fail := range map[string]func(d *tracked) error{
		"exec that timed out": func(d *tracked) error {
			d.primary.hang(d.t, opExec, 1)
			ctx, cancel := context.WithTimeout(d.t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err := d.ExecContext(ctx, "INSERT")
			return err
		},
		"query that timed out": func(d *tracked) error {
			d.primary.hang(d.t, opQuery, 1)
			ctx, cancel := context.WithTimeout(d.t.Context(), 100*time.Millisecond)
			defer cancel()
			return d.QueryRowContext(ctx, "INSERT RETURNING").Scan(new(string))
		},
		"commit on a lost connection": func(d *tracked) error {
			tx, err := d.BeginTx(d.t.Context(), nil)
			if err != nil {
				return nil
			}
			if _, err := tx.Exec("INSERT"); err != nil {
				return nil
			}
			d.primary.breakOn(opCommit, 1, errFakeLost)
			return tx.Commit()
		},
		"rows whose connection was lost": func(d *tracked) error {
			rows, err := d.QueryContext(d.t.Context(), "INSERT RETURNING")
			if err != nil {
				return nil
			}
			d.primary.killConns()
			return errors.Join(rows.Close(), errFakeLost)
		},
	} {
		t.Run(name, func(t *testing.T) {
			track(t, nil, func(t *testing.T, d *tracked) {
				d.settle()
				if err := fail(d); err == nil {
					t.Fatal("the write did not fail")
				}
				for range 4 {
					d.replay()
					time.Sleep(time.Second)
					d.want(t.Context(), "primary", "it may still land")
				}
				d.replay()
				time.Sleep(2 * time.Second)
				d.want(t.Context(), "replica", "sticky_for is over")
			})
		})
	}
}

// What was sent to a server that froze lands when it thaws, however long that
// takes.
func TestAWriteThatHangsInAFrozenPrimaryKeepsReadsThereWhenItThaws(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		d.settle()
		ask := d.primary.hangTimes(t, opPosition, 1, -1, true)
		d.primary.hang(t, opExec, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := d.ExecContext(ctx, "INSERT"); err == nil {
			t.Fatal("the write did not fail")
		}
		at := d.primary.at.Load() - 1
		d.primary.at.Store(at) // it has not landed
		time.Sleep(time.Minute)
		d.primary.unhook(opPosition)
		ask.release()
		time.Sleep(3 * time.Second)
		d.want(t.Context(), "primary", "it may still land")
		d.primary.at.Store(at + 1)
		time.Sleep(30 * time.Second)
		d.want(t.Context(), "primary", "the replicas have not replayed it")
		d.replay()
		time.Sleep(2 * time.Second)
		d.want(t.Context(), "replica", "they have")
	})
}

func TestATransactionsWritesCountAtCommit(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		ctx := t.Context()
		d.settle()
		tx, err := d.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("INSERT"); err != nil {
			t.Fatal(err)
		}
		d.want(ctx, "replica", "nothing is committed")
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		d.want(ctx, "primary", "committed")
		d.settle()
		before := d.conn.Stats().Writes
		if tx, err = d.BeginTx(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if got := d.readOn(ctx, tx); got != "primary" {
			t.Errorf("a read in a transaction ran on %s", got)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if got := d.conn.Stats().Writes; got != before {
			t.Errorf("a transaction without writes counts as %d", got-before)
		}
	})
}

// With autocommit off BEGIN commits what came before it.
func TestBeginCommitsWhatAutocommitOffLeftOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTracked(t, nil)
		d.primary.autocommitOff = true
		ctx := t.Context()
		d.read(ctx) // dials the primary
		conn, err := d.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(ctx, "INSERT"); err != nil {
			t.Fatal(err)
		}
		before := d.conn.Stats().Writes
		tx, err := conn.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }()
		if got := d.conn.Stats().Writes; got != before+1 {
			t.Errorf("%d writes, want %d: BEGIN committed one", got, before+1)
		}
	})
}

// A read-only transaction begun by text requires what one begun by BeginTx
// does.
func TestATextReadOnlyTransactionIsNotStale(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		ctx := t.Context()
		d.settle()
		d.write(ctx)
		conn, err := d.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(ctx, "BEGIN READ ONLY"); err != nil {
			t.Fatal(err)
		}
		if got := d.readOn(ctx, conn); got != "primary" {
			t.Errorf("the transaction runs on %s, which has not replayed the write", got)
		}
		if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
			t.Error(err)
		}
	})
}

func TestThePrimaryDoesNotAnswer(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		d.settle()
		d.primary.failAll(opPosition, errFakeLost)
		time.Sleep(time.Second)
		d.want(t.Context(), "replica", "nothing was written since")
		d.write(t.Context())
		d.replay()
		time.Sleep(time.Minute)
		d.want(t.Context(), "primary", "nobody knows how far the write is")
		d.primary.unhook(opPosition)
		d.replay()
		time.Sleep(6 * time.Second) // the longest pause after a failure is 5s
		d.want(t.Context(), "replica", "it answers again")
	})
}

// A primary that is down does not keep a process from starting, but one late
// answer is no reason to take it for down.
func TestAPrimaryThatAnswersLateAtTheStart(t *testing.T) {
	for times, want := range map[int]string{1: "primary", 20: "replica"} {
		track(t, nil, func(t *testing.T, d *tracked) {
			d.primary.at.Add(1000) // written before, and not replayed
			d.primary.hangTimes(d.t, opPosition, 1, times, true)
			d.want(t.Context(), "primary", "nothing is known")
			for range 40 {
				time.Sleep(100 * time.Millisecond)
				if want == "primary" {
					d.want(t.Context(), want, "the replicas are behind")
				}
			}
			d.want(t.Context(), want, fmt.Sprintf("%d late answers", times))
		})
	}
}

func TestAReplicaThatFailsIsLeftAloneAndComesBack(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		d.settle()
		r1 := d.replicas[0]
		r1.failAll(opConnect, errFakeLost)
		r1.killConns()
		time.Sleep(3 * time.Second)
		dials := r1.count(opConnect)
		for range 50 {
			d.want(t.Context(), "r2", "r1 is down")
		}
		if got := r1.count(opConnect); got != dials {
			t.Errorf("50 reads dialled the replica that is down %d times", got-dials)
		}
		r1.unhook(opConnect)
		time.Sleep(6 * time.Second)
		seen := make(map[string]bool)
		for range 200 {
			seen[d.read(t.Context())] = true
		}
		if !seen["r1"] {
			t.Error("the replica is back and gets no reads")
		}
	})
}

// A replica that was killed may come back with older data than it has shown.
func TestARestartedReplicaHasToCatchUpAgain(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		d.settle()
		for _, r := range d.replicas {
			r.at.Add(^uint64(49)) // back in time by 50
			r.started = r.started.Add(time.Hour)
			r.killConns()
		}
		d.want(t.Context(), "primary", "the moment they are back")
		time.Sleep(10 * time.Second)
		d.want(t.Context(), "primary", "known to be behind")
		d.replay()
		time.Sleep(2 * time.Second)
		d.want(t.Context(), "replica", "caught up again")
	})
}

// The read was sent on its way by what was known of the replica before its
// restart, and the tracker knows the new one before the read has dialled it.
func TestAReadThatDialsWhileAReplicaRestartsIsNotStale(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		d.settle()
		d.SetMaxIdleConns(-1)
		d.replicas[1].failAll(opConnect, errFakeLost)
		d.replicas[1].killConns()
		time.Sleep(3 * time.Second)
		r1 := d.replicas[0]
		r1.at.Add(^uint64(49))
		r1.started = r1.started.Add(time.Hour)
		r1.killConns()
		h := r1.hang(t, opConnect, 1)
		got := make(chan string)
		go func() { got <- d.read(t.Context()) }()
		<-h.entered
		time.Sleep(2 * time.Second) // the tracker dials the new incarnation
		h.release()
		if where := <-got; where != "primary" {
			t.Errorf("the read ran on %s, which has gone back in time", where)
		}
	})
}

// A server that shows less than before has gone back in time, whatever it says
// about its start.
func TestAReplicaThatGoesBackInTimeHasToCatchUpAgain(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		d.settle()
		for _, r := range d.replicas {
			r.at.Add(^uint64(49))
		}
		time.Sleep(3 * time.Second)
		d.want(t.Context(), "primary", "they went back")
	})
}

// One DSN leads to two servers, of which the tracker samples one.
func TestAConnectionToAServerThatNobodySamplesIsAskedItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		behind, ahead := newPosServer("rbehind"), newPosServer("rahead")
		var mu sync.Mutex
		n := 0
		d := newTracked(t, func(cfg *rwsplit.Config) {
			cfg.ReplicaConnectors = cfg.ReplicaConnectors[:0]
			cfg.ReplicaConnectors = append(cfg.ReplicaConnectors, leads{func() *posServer {
				mu.Lock()
				defer mu.Unlock()
				n++
				return []*posServer{behind, ahead}[n%2] // the tracker is the first
			}})
		})
		ctx := t.Context()
		d.SetMaxIdleConns(-1) // each read dials
		d.read(ctx)
		ahead.at.Store(1 << 20)
		behind.at.Store(1)
		time.Sleep(time.Second)
		seen := make(map[string]int)
		for range 40 {
			seen[d.read(ctx)]++
		}
		if seen["rbehind"] > 0 || seen["rahead"] == 0 || seen["primary"] == 0 {
			t.Errorf("reads ran on %v, want them on rahead, and on the primary in the place of rbehind", seen)
		}
		behind.at.Store(1 << 20)
		time.Sleep(2 * time.Second)
		clear(seen)
		for range 40 {
			seen[d.read(ctx)]++
		}
		if seen["rbehind"] == 0 || seen["rahead"] == 0 || seen["primary"] > 0 {
			t.Errorf("reads ran on %v, want them on both servers that have it all", seen)
		}
		// A session goes on reading from a replica by its name; but what it has
		// seen on one server the other one may lack.
		behind.at.Store(1 << 19)
		ahead.at.Store(1 << 21)
		d.primary.at.Store(1 << 20)
		for range 50 {
			session := rwsplit.WithSession(ctx)
			if d.read(session) != "rahead" {
				continue
			}
			if got := d.read(session); got == "rbehind" {
				t.Error("the session went back in time: rahead, then rbehind")
			}
		}
	})
}

// Connections lead to another primary after a failover, while those of before
// still work: a position of the old one says nothing about the new one's writes.
func TestThePrimaryMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		second := newPosServer("primary")
		second.name = "primary"
		second.started = time.Unix(5000, 0)
		second.at.Store(500)
		var mu sync.Mutex
		var d *tracked
		moved := false
		d = newTracked(t, func(cfg *rwsplit.Config) {
			first := cfg.PrimaryConnector
			cfg.PrimaryConnector = leads{func() *posServer {
				mu.Lock()
				defer mu.Unlock()
				if moved {
					return second
				}
				return first.(leads).to()
			}}
		})
		d.settle()
		d.SetMaxIdleConns(-1)
		mu.Lock()
		moved = true
		mu.Unlock()
		d.write(t.Context()) // on the second
		if second.count(opExec) != 1 {
			t.Fatal("the write did not reach the second primary")
		}
		time.Sleep(3 * time.Second)
		d.want(t.Context(), "primary", "the replicas have what the first primary had")
		for _, r := range d.replicas {
			r.at.Store(second.at.Load() + 10)
		}
		time.Sleep(3 * time.Second)
		d.want(t.Context(), "replica", "they have what the second one had")
	})
}

func TestGlobalReadsShareAQuestion(t *testing.T) {
	track(t, func(cfg *rwsplit.Config) { cfg.Consistency = rwsplit.Global }, func(t *testing.T, d *tracked) {
		ctx := t.Context()
		d.settle()
		time.Sleep(100 * time.Millisecond)
		h := d.primary.hang(t, opPosition, 1)
		before := d.primary.count(opPosition)
		const readers = 50
		var wg sync.WaitGroup
		for range readers {
			wg.Go(func() { d.want(ctx, "replica", "nothing was written") })
		}
		synctest.Wait()
		h.release()
		wg.Wait()
		if asked := d.primary.count(opPosition) - before; asked > 3 {
			t.Errorf("%d readers at once made %d questions to the primary", readers, asked)
		}
		// Somebody else writes.
		d.primary.at.Add(1)
		d.want(ctx, "primary", "the replicas lack it")
		d.replay()
		time.Sleep(time.Second)
		d.want(ctx, "replica", "they have it")
	})
}

func TestAGlobalReadDoesNotWaitForAPrimaryThatIsSilent(t *testing.T) {
	track(t, func(cfg *rwsplit.Config) { cfg.Consistency = rwsplit.Global }, func(t *testing.T, d *tracked) {
		d.settle()
		d.primary.failAll(opPosition, errFakeLost)
		began := time.Now()
		d.want(t.Context(), "primary", "nobody knows what was written")
		if took := time.Since(began); took > 1100*time.Millisecond {
			t.Errorf("the read waited %v", took)
		}
	})
}

func TestAReadWaitsForAReplica(t *testing.T) {
	track(t, func(cfg *rwsplit.Config) { cfg.Wait = 2 * time.Second }, func(t *testing.T, d *tracked) {
		d.settle()
		d.write(t.Context())
		time.AfterFunc(500*time.Millisecond, d.replay)
		began := time.Now()
		d.want(t.Context(), "replica", "it waited")
		if took := time.Since(began); took < 500*time.Millisecond || took > 600*time.Millisecond {
			t.Errorf("the read took %v, want a little more than 500ms", took)
		}
		d.write(t.Context())
		began = time.Now()
		d.want(t.Context(), "primary", "its patience was over")
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("the read took %v, want 2s", took)
		}
	})
}

func TestWaitForReplicas(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		ctx := t.Context()
		d.settle()
		if err := rwsplit.WaitForReplicas(ctx, d.DB, rwsplit.All); err != nil {
			t.Errorf("nothing is outstanding: %v", err)
		}
		d.write(ctx)
		d.replicas[0].at.Add(1000)
		time.Sleep(time.Second)
		if err := rwsplit.WaitForReplicas(ctx, d.DB, 1); err != nil {
			t.Errorf("one has it: %v", err)
		}
		limited, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		err := rwsplit.WaitForReplicas(limited, d.DB, rwsplit.All)
		if !errors.Is(err, rwsplit.ErrWaitTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want ErrWaitTimeout and the context's cause", err)
		}
		if text := fmt.Sprint(err); !strings.Contains(text, "1 of 2 have: replica2 is behind by 4") || strings.Contains(text, "replica1") {
			t.Errorf("the error does not say who is how far behind: %s", text)
		}
		time.AfterFunc(time.Second, d.replay)
		began := time.Now()
		if err := rwsplit.WaitForReplicas(ctx, d.DB, rwsplit.All); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < time.Second || took > 1100*time.Millisecond {
			t.Errorf("it took %v, want a little more than 1s", took)
		}
		if err := rwsplit.WaitForReplicas(ctx, d.DB, 3); err == nil || errors.Is(err, rwsplit.ErrWaitTimeout) {
			t.Errorf("3 of 2 replicas: %v", err)
		}
	})
}

func TestWithoutPositionsTimeStandsForThem(t *testing.T) {
	change := func(cfg *rwsplit.Config) { cfg.Position = rwsplit.PositionNone; cfg.StickyFor = 4 * time.Second }
	track(t, change, func(t *testing.T, d *tracked) {
		ctx := t.Context()
		d.want(ctx, "primary", "a process that has just started")
		time.Sleep(4*time.Second + 100*time.Millisecond)
		d.want(ctx, "replica", "sticky_for is over")
		// A steady stream of writes is confirmed piece by piece.
		for range 8 {
			d.write(ctx)
			time.Sleep(time.Second)
			d.want(ctx, "primary", "written a second ago")
		}
		time.Sleep(5 * time.Second)
		d.want(ctx, "replica", "sticky_for is over")
		if n := d.primary.count(opPosition) + d.replicas[0].count(opPosition); n != 0 {
			t.Errorf("%d questions", n)
		}
		conn, err := d.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := conn.QueryContext(ctx, "INSERT RETURNING")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		d.want(ctx, "primary", "the write is open")
		if err := errors.Join(rows.Close(), conn.Close()); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		d.want(ctx, "replica", "it has ended")
	})
}

// An idle pool asks each server about once a second, and a stuck replica keeps
// nobody busy.
func TestAnIdleTrackerIsNearlySilent(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		d.settle()
		time.Sleep(5 * time.Second)
		for _, s := range []*posServer{d.primary, d.replicas[0], d.replicas[1]} {
			before := s.count(opPosition)
			time.Sleep(100 * time.Second)
			if n := s.count(opPosition) - before; n < 50 || n > 110 {
				t.Errorf("%s was asked %d times in 100s", s.name, n)
			}
		}
		d.write(t.Context())
		time.Sleep(10 * time.Second)
		before := d.primary.count(opPosition)
		time.Sleep(100 * time.Second)
		if n := d.primary.count(opPosition) - before; n > 110 {
			t.Errorf("the primary was asked %d times in 100s because replicas stand still", n)
		}
	})
}

func TestCloseEndsTheTracker(t *testing.T) {
	for name, change := range map[string]func(*rwsplit.Config){
		"positions": nil,
		"clock":     func(cfg *rwsplit.Config) { cfg.Position = rwsplit.PositionNone },
		"heartbeat": func(cfg *rwsplit.Config) { cfg.Position = rwsplit.PositionHeartbeat },
	} {
		t.Run(name, func(t *testing.T) {
			// The bubble ends only when all goroutines in it have.
			track(t, change, func(t *testing.T, d *tracked) {
				d.write(t.Context())
				time.Sleep(time.Minute)
				if err := d.Close(); err != nil {
					t.Error(err)
				}
				for _, s := range []*posServer{d.primary, d.replicas[0], d.replicas[1]} {
					s.checkClosed(t)
				}
				if _, err := rwsplit.StatsOf(d.DB); err != nil {
					t.Error(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := d.PingContext(ctx); err == nil {
					t.Error("a closed sql.DB answers")
				}
			})
		})
	}
}

var _ querier = (*sql.Tx)(nil)

// A program that ends early must not log what its own end cut off.
func TestClosingDuringTheCheckAtTheStartIsNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTrackedServers(t)
		for _, r := range d.replicas {
			r.hangTimes(t, opConnect, 1, -1, true)
		}
		cfg := &rwsplit.Config{Driver: "fakepos", PrimaryConnector: d.primary.connector()}
		for _, r := range d.replicas {
			cfg.ReplicaConnectors = append(cfg.ReplicaConnectors, r.connector())
		}
		var log lockedBuffer
		d.open(cfg, func(c *rwsplit.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		d.want(t.Context(), "primary", "while the replicas are dialled")
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if log.String() != "" {
			t.Errorf("got %q, want nothing", log.String())
		}
	})
}
