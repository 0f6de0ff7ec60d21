package rwsplit_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

// standbys opens a cluster with roles=auto in a bubble of its own time; the
// first server is the primary unless it is read-only, too.
func standbys(t *testing.T, all bool, test func(t *testing.T, d *tracked)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newTrackedServers(t)
		d.primary.standby.Store(all)
		cfg := &rwsplit.Config{Driver: "fakepos", PrimaryConnector: d.primary.connector(), Roles: rwsplit.RolesAuto}
		for _, r := range d.replicas {
			r.standby.Store(true)
			cfg.ReplicaConnectors = append(cfg.ReplicaConnectors, r.connector())
		}
		d.open(cfg, nil)
		test(t, d)
	})
}

// refused fails the test if a read finds anybody who may serve it.
func (d *tracked) refused(when string) {
	d.t.Helper()
	var name string
	if err := d.QueryRow("SELECT 1").Scan(&name); !errors.Is(err, rwsplit.ErrNoPrimary) {
		d.t.Errorf("%s: a read ran on %q, error %v", when, name, err)
	}
}

// Between the end of one primary and the promotion of another one nobody
// writes: what the replicas were known to have they still have.
func TestReadsGoOnWhileNobodyIsThePrimary(t *testing.T) {
	standbys(t, false, func(t *testing.T, d *tracked) {
		d.settle()
		d.write(t.Context())
		d.replay()
		time.Sleep(2 * time.Second)
		tx, err := d.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("INSERT"); err != nil {
			t.Fatal(err)
		}
		d.primary.hook(opCommit, 1, 1, func(_ context.Context, c *fakeConn) error {
			c.endTx() // rolled back
			return errFakeReadOnly
		})
		d.primary.standby.Store(true)
		if err := tx.Commit(); err == nil {
			t.Fatal("the commit was not refused")
		}
		d.replay() // the fake counts what was rolled back
		for range 50 {
			time.Sleep(100 * time.Millisecond)
			d.read(t.Context())
		}
		if got := d.conn.Stats().RoleChanges["demotion"]; got != 1 {
			t.Fatalf("%d demotions", got)
		}

		d.replicas[0].standby.Store(false)
		time.Sleep(2 * time.Second)
		d.replicas[0].at.Add(5) // what others wrote there
		d.write(t.Context())
		for range 50 {
			time.Sleep(100 * time.Millisecond)
			d.want(t.Context(), "r1", "nobody follows the new primary")
		}
	})
}

// The positions of the primary before the last say nothing.
func TestWithoutAPrimaryThatWasNeverAskedNothingIsConfirmed(t *testing.T) {
	standbys(t, false, func(t *testing.T, d *tracked) {
		d.settle()
		r1 := d.replicas[0]
		silent := r1.hangTimes(t, opPosition, 1, -1, true)
		d.primary.standby.Store(true)
		r1.standby.Store(false)
		d.write(t.Context())
		r1.at.Add(10)
		r1.standby.Store(true)
		for range 30 {
			time.Sleep(100 * time.Millisecond)
			if d.conn.Stats().RoleChanges["demotion"] == 1 {
				d.refused("nobody knows how far the write is")
			}
		}
		r1.unhook(opPosition)
		silent.release()
		time.Sleep(10 * time.Second)
		d.want(t.Context(), "r1", "it has told its position, and has the write")
	})
}

func TestAProcessThatStartsWithoutAPrimaryReadsFromTheReplicas(t *testing.T) {
	standbys(t, true, func(t *testing.T, d *tracked) {
		_, _ = d.Exec("INSERT") // begins to look
		time.Sleep(3 * time.Second)
		for range 20 {
			d.read(t.Context())
		}
		if _, err := d.Exec("INSERT"); !errors.Is(err, rwsplit.ErrNoPrimary) {
			t.Errorf("a write: got error %v", err)
		}
		d.primary.at.Add(5)
		d.primary.standby.Store(false)
		time.Sleep(2 * time.Second)
		for range 20 {
			d.want(t.Context(), "primary", "the replicas lack what was written before")
		}
	})
}

// database/sql has ended the transaction whose commit was refused, so whoever
// takes its connection next has lost nothing with it.
func TestARefusedCommitIsNobodyElsesError(t *testing.T) {
	f := newRolesCluster(t, 1)
	f.SetMaxOpenConns(1)
	tx, err := f.Begin()
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, tx, "INSERT INTO t VALUES (1)")
	f.primary.hook(opCommit, 1, 1, func(_ context.Context, c *fakeConn) error {
		c.endTx()
		return errFakeReadOnly
	})
	if err := tx.Commit(); !errors.Is(err, errFakeReadOnly) {
		t.Fatalf("the commit: got error %v", err)
	}
	f.promote()
	equal(t, "the next write ran on", f.writer(), "replica1")
}

// holdAll takes n connections, each of which has read on every replica.
func (d *tracked) holdAll(n int) []*sql.Conn {
	d.t.Helper()
	conns := make([]*sql.Conn, n)
	for i := range conns {
		var err error
		if conns[i], err = d.Conn(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
		seen := make(map[string]bool)
		for n := 0; len(seen) < 2; n++ {
			if n == 100 {
				d.t.Fatalf("100 reads ran on %v", seen)
			}
			seen[d.readOn(rwsplit.WithReplica(d.t.Context()), conns[i])] = true
		}
	}
	d.t.Cleanup(func() {
		for _, c := range conns {
			_ = c.Close()
		}
	})
	return conns
}

// A replica that takes no more connections (there are too many, or the password
// has changed) still serves those that it has.
func TestAReplicaThatCannotBeDialledServesWhoIsConnected(t *testing.T) {
	var log strings.Builder
	track(t, func(cfg *rwsplit.Config) {
		cfg.Balance = rwsplit.RoundRobin
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	}, func(t *testing.T, d *tracked) {
		d.settle()
		conns := d.holdAll(4)
		r1 := d.replicas[0]
		r1.failAll(opConnect, errFakeShutdown)
		dials := r1.count(opConnect)
		seen := make(map[string]int)
		for range 100 {
			for _, c := range conns {
				seen[d.readOn(t.Context(), c)]++
			}
			fresh, err := d.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				equal(t, "a new connection reads from", d.readOn(t.Context(), fresh), "r2")
			}
			_ = fresh.Raw(func(any) error { return driver.ErrBadConn }) // away with it
			_ = fresh.Close()
			time.Sleep(100 * time.Millisecond)
		}
		if seen["r1"] != 200 || seen["r2"] != 200 {
			t.Errorf("reads ran on %v", seen)
		}
		if n := r1.count(opConnect) - dials; n > 10 {
			t.Errorf("it was dialled %d times in 10s", n)
		}
		equal(t, "log lines", strings.Count(log.String(), "can't be dialled"), 1)
		r1.unhook(opConnect)
		time.Sleep(6 * time.Second)
		fresh := d.holdAll(1)[0]
		for range 4 {
			seen[d.readOn(t.Context(), fresh)]++
		}
		equal(t, "reads on r1 of a new connection", seen["r1"], 202)
		equal(t, "log lines at the end", strings.Count(log.String(), "can be dialled again"), 1)
	})
}

// Many that fail to dial a replica at once have seen one outage, not many.
func TestAnOutageThatManySeeIsCountedOnce(t *testing.T) {
	for _, level := range []rwsplit.Consistency{rwsplit.Process, rwsplit.Eventual} {
		track(t, func(cfg *rwsplit.Config) { cfg.Consistency = level }, func(t *testing.T, d *tracked) {
			d.settle()
			for _, r := range d.replicas {
				r.hook(opConnect, 1, -1, func(context.Context, *fakeConn) error {
					time.Sleep(time.Millisecond)
					return errFakeLost
				})
			}
			var wg sync.WaitGroup
			for range 50 {
				conn, err := d.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				wg.Go(func() {
					defer conn.Close()
					d.readOn(t.Context(), conn)
				})
			}
			wg.Wait()
			for _, r := range d.replicas {
				r.unhook(opConnect)
			}
			time.Sleep(200 * time.Millisecond)
			conn := d.holdAll(1)[0]
			d.readOn(t.Context(), conn)
		})
	}
}

// A read that was about to reuse or to dial a connection to a replica that froze
// waits no longer than one that was sent.
func TestAFrozenReplicaIsDialledNoFurther(t *testing.T) {
	for _, op := range []fakeOp{opReset, opConnect} {
		inTurns(t, func(t *testing.T, d *tracked) {
			r1 := d.replicas[0]
			silent := r1.hangTimes(t, opPosition, 1, -1, true)
			<-silent.entered // within a probe_interval
			if op == opConnect {
				d.SetMaxIdleConns(-1)
			}
			r1.hangTimes(t, opReset, 1, -1, false)
			r1.hangTimes(t, opConnect, 1, -1, true)
			froze := time.Now()
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					d.read(t.Context())
					if took := time.Since(froze); took > 2*time.Second {
						t.Errorf("%s: a read waited for %v, want at most probe_interval + probe_timeout = 2s", op, took)
					}
				})
			}
			wg.Wait()
		})
	}
}

// The reads that a replica takes down with it are those that fallback_max is
// for.
func TestFallbackMaxHoldsForReadsThatAReplicaLost(t *testing.T) {
	for err, refused := range map[error]int{errFakeLost: 8, errFakeShutdown: 8, errFakeConflict: 0} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeCluster(t, 1, rwsplit.Config{FallbackMax: 2}, fakeShape{})
			gone := make(chan struct{})
			f.replicas[0].hook(opQuery, 1, -1, func(context.Context, *fakeConn) error {
				<-gone
				return err
			})
			busy := f.primary.hangTimes(t, opQuery, 1, -1, false)
			var got [10]error
			var wg sync.WaitGroup
			for i := range got {
				wg.Go(func() { got[i] = f.QueryRow("SELECT server").Scan(new(string)) })
			}
			synctest.Wait()
			close(gone)
			synctest.Wait()
			busy.release()
			wg.Wait()
			n := 0
			for _, err := range got {
				if errors.Is(err, rwsplit.ErrNoReplica) {
					n++
				} else if err != nil {
					t.Error(err)
				}
			}
			equal(t, "reads refused after "+err.Error(), n, refused)
			f.end()
		})
	}
}

// Nobody asks for positions there, and a frozen replica is found all the same.
func TestAFrozenReplicaIsFoundWithoutPositions(t *testing.T) {
	for name, cfg := range map[string]rwsplit.Config{
		"eventual":      {Consistency: rwsplit.Eventual},
		"position=none": {Consistency: rwsplit.Process, Position: rwsplit.PositionNone, StickyFor: time.Millisecond},
	} {
		for _, op := range []fakeOp{opQuery, opReset, opPrepare, opBegin, opPing} {
			synctest.Test(t, func(t *testing.T) {
				cfg.Balance = rwsplit.RoundRobin
				f := newFakeCluster(t, 2, cfg, fakeShape{})
				r1 := f.replicas[0]
				r1.wired = true
				ctx := rwsplit.WithReplica(t.Context())
				for range 4 {
					where(t, ctx, f)
				}
				r1.hangTimes(t, op, 1, -1, false)
				r1.hangTimes(t, opInspect, 1, -1, true)
				froze := time.Now()
				for range 4 {
					switch op {
					case opPrepare:
						st, err := f.PrepareContext(ctx, "SELECT server")
						if err != nil {
							t.Fatal(err)
						}
						_ = st.Close()
					case opBegin:
						tx, err := f.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
						if err != nil {
							t.Fatal(err)
						}
						_ = tx.Rollback()
					case opPing:
						if err := f.PingContext(ctx); err != nil {
							t.Fatal(err)
						}
					default:
						equal(t, "a read ran on", where(t, ctx, f), "replica2")
					}
				}
				if took := time.Since(froze); took > 3*time.Second {
					t.Errorf("%s, %s: it took %v, want at most 2 probe_interval + probe_timeout = 3s", name, op, took)
				}
				equal(t, "the replica is", f.stats().Backends[1].State, rwsplit.StateDown)
				for range 20 {
					time.Sleep(time.Second)
					began := time.Now()
					equal(t, "a read ran on", where(t, ctx, f), "replica2")
					if time.Since(began) > 0 {
						t.Errorf("%s, %s: a read waited again", name, op)
					}
				}
				for _, op := range []fakeOp{op, opInspect} {
					r1.unhook(op)
				}
				time.Sleep(6 * time.Second)
				seen := make(map[string]bool)
				for range 4 {
					seen[where(t, ctx, f)] = true
				}
				equal(t, "it serves again", seen["replica1"], true)
				f.end()
			})
		}
	}
}

// Where nobody probes, a replica that can't be dialled is tried again by reads.
// The log does not call that a return.
func TestAReplicaThatIsTriedAgainIsNotCalledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		f := newFakeCluster(t, 2, rwsplit.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, fakeShape{})
		f.replicas[0].failAll(opConnect, errFakeLost)
		f.SetMaxIdleConns(-1)
		for range 100 {
			equal(t, "a read ran on", where(t, bg, f), "replica2")
			time.Sleep(100 * time.Millisecond)
		}
		equal(t, "lines about the outage", strings.Count(log.String(), "can't be reached"), 1)
		equal(t, "lines about its end", strings.Count(log.String(), "is back"), 0)
		f.replicas[0].unhook(opConnect)
		for range 100 {
			where(t, bg, f)
			time.Sleep(100 * time.Millisecond)
		}
		equal(t, "lines about its end", strings.Count(log.String(), "is back"), 1)
		f.end()
	})
}

// The database is not there, or not for this user: that is no replica without
// positions.
func TestAReplicaThatLacksTheDatabaseIsDown(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		d.replicas[0].failAll(opConnect, errFakeMissing)
		d.settle()
		for range 10 {
			d.want(t.Context(), "r2", "r1 can't be dialled")
		}
		equal(t, "the replica is", d.conn.Stats().Backends[1].State, rwsplit.StateDown)
	})
}

// A question that was put to a replica says nothing of the primary that it has
// become since.
func TestAQuestionFromBeforeAPromotionEndsNoWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTrackedServers(t)
		cfg := &rwsplit.Config{
			Driver: "fakepos", PrimaryConnector: d.primary.connector(), Roles: rwsplit.RolesAuto,
			ProbeInterval: 100 * time.Millisecond,
		}
		for _, r := range d.replicas {
			r.standby.Store(true)
			r.wired = true
			cfg.ReplicaConnectors = append(cfg.ReplicaConnectors, r.connector())
		}
		d.open(cfg, nil)
		d.settle()
		r1 := d.replicas[0]
		silent := r1.hangTimes(t, opPosition, 1, -1, true)
		<-silent.entered
		d.primary.standby.Store(true)
		r1.standby.Store(false)
		d.write(t.Context())
		slow := r1.freeze(t, opExec, 1)
		wrote := make(chan error, 1)
		go func() {
			_, err := d.Exec("INSERT")
			wrote <- err
		}()
		<-slow.entered
		time.Sleep(5 * time.Second)
		slow.release()
		if err := <-wrote; err != nil {
			t.Errorf("the write was ended: %v", err)
		}
	})
}
