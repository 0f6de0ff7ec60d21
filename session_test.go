package rwsplit_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

func TestASessionReadsItsWritesAndOthersDoNotWait(t *testing.T) {
	track(t, func(cfg *rwsplit.Config) { cfg.Consistency = rwsplit.Session }, func(t *testing.T, d *tracked) {
		d.settle()
		a, b := rwsplit.WithSession(t.Context()), rwsplit.WithSession(t.Context())
		if rwsplit.WithSession(a) != a {
			t.Error("a session within a session is another one")
		}
		d.write(a)
		d.want(a, "primary", "it wrote")
		d.want(b, "replica", "another session wrote")
		d.want(t.Context(), "replica", "a session wrote")
		d.write(t.Context())
		d.want(b, "primary", "written outside any session")
		d.want(t.Context(), "primary", "written outside any session")
		d.replay()
		time.Sleep(2 * time.Second)
		d.want(a, "replica", "replayed")
		d.want(b, "replica", "replayed")
	})
}

// A session that has read on the primary, or on one replica, does not go back
// to a replica that lacks what it may have seen.
func TestASessionDoesNotGoBackInTime(t *testing.T) {
	track(t, func(cfg *rwsplit.Config) { cfg.Consistency = rwsplit.Session }, func(t *testing.T, d *tracked) {
		d.settle()
		d.primary.at.Add(10) // somebody else writes
		time.Sleep(2 * time.Second)
		s := rwsplit.WithSession(t.Context())
		if got := d.read(rwsplit.WithPrimary(s)); got != "primary" {
			t.Fatalf("WithPrimary ran on %s", got)
		}
		d.want(s, "primary", "it has read on the primary")
		// WithReplica may be stale; it does not make the session so.
		if got := d.read(rwsplit.WithReplica(s)); got == "primary" {
			t.Errorf("WithReplica ran on %s", got)
		}
		d.want(s, "primary", "it has read on the primary, and then a stale replica")
		time.Sleep(2 * time.Second)
		d.want(s, "primary", "the replicas are behind")
		d.replicas[0].at.Add(1000)
		time.Sleep(2 * time.Second)
		for range 10 {
			d.want(s, "r1", "r1 has all that the session saw")
		}
		d.want(rwsplit.WithSession(t.Context()), "replica", "another session")

		// r1 goes away, and r2 has not what it showed.
		d.replicas[0].failAll(opConnect, errFakeLost)
		d.replicas[0].killConns()
		time.Sleep(2 * time.Second)
		d.want(s, "primary", "r2 is behind what the session saw on r1")
		d.want(rwsplit.WithSession(t.Context()), "r2", "another session")
		d.replicas[1].at.Add(1000)
		time.Sleep(2 * time.Second)
		d.want(s, "r2", "r2 has it, too")
	})
}

func TestASessionStaysOnOneReplica(t *testing.T) {
	track(t, func(cfg *rwsplit.Config) { cfg.Balance = rwsplit.RoundRobin }, func(t *testing.T, d *tracked) {
		d.settle()
		used := make(map[string]bool)
		for range 10 {
			s := rwsplit.WithSession(t.Context())
			first := d.read(s)
			used[first] = true
			for range 5 {
				d.want(s, first, "in one session")
			}
		}
		if len(used) != 2 {
			t.Errorf("ten sessions used %v", used)
		}
	})
}

func TestASessionIsSafeForConcurrentUse(t *testing.T) {
	track(t, func(cfg *rwsplit.Config) { cfg.Consistency = rwsplit.Session }, func(t *testing.T, d *tracked) {
		d.settle()
		s := rwsplit.WithSession(t.Context())
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for range 20 {
					if i == 0 {
						d.write(s)
						d.want(s, "primary", "just written")
						d.replay()
					} else {
						d.read(s)
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		d.replay()
		time.Sleep(2 * time.Second)
		d.want(s, "replica", "replayed")
	})
}

func TestATokenMakesAnotherProcessSeeTheWrite(t *testing.T) {
	track(t, func(cfg *rwsplit.Config) { cfg.Consistency = rwsplit.Session }, func(t *testing.T, a *tracked) {
		a.settle()
		b := newTracked(t, func(cfg *rwsplit.Config) {
			cfg.PrimaryConnector = a.primary.connector()
			cfg.ReplicaConnectors = cfg.ReplicaConnectors[:0]
			for _, r := range a.replicas {
				cfg.ReplicaConnectors = append(cfg.ReplicaConnectors, r.connector())
			}
		})
		b.read(t.Context())
		a.replay()
		time.Sleep(2 * time.Second)
		b.want(t.Context(), "replica", "settled")

		s := rwsplit.WithSession(t.Context())
		if token, err := rwsplit.Token(s, a.DB); err != nil || token != "" {
			t.Errorf("a session that did nothing: %q, %v", token, err)
		}
		a.write(s)
		token, err := rwsplit.Token(s, a.DB)
		if err != nil || token == "" {
			t.Fatalf("got %q, %v", token, err)
		}
		handed := rwsplit.WithToken(t.Context(), token)
		b.want(handed, "primary", "the replicas lack it")
		b.want(t.Context(), "replica", "nobody else is held back")
		again, err := rwsplit.Token(handed, b.DB)
		if err != nil || again == "" {
			t.Fatalf("a token handed on: %q, %v", again, err)
		}
		b.want(rwsplit.WithToken(t.Context(), again), "primary", "handed on")
		a.replay()
		time.Sleep(2 * time.Second)
		b.want(handed, "replica", "replayed")
		b.want(rwsplit.WithToken(t.Context(), again), "replica", "replayed")

		for name, bad := range map[string]string{
			"truncated": token[:len(token)-3], "forged": token[:8] + "AAAA" + token[12:], "no token": "hello", "long": string(make([]byte, 5000)),
		} {
			b.want(rwsplit.WithToken(t.Context(), bad), "primary", name)
		}
	})
}

// Where the primary does not answer, the token means the primary, for a while.
func TestATokenWithoutAPositionIsBoundByTime(t *testing.T) {
	track(t, nil, func(t *testing.T, d *tracked) {
		d.settle()
		s := rwsplit.WithSession(t.Context())
		d.write(s)
		d.primary.failAll(opPosition, errFakeLost)
		began := time.Now()
		token, err := rwsplit.Token(s, d.DB)
		if err != nil || token == "" {
			t.Fatalf("got %q, %v", token, err)
		}
		if took := time.Since(began); took > 1100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		d.primary.unhook(opPosition)
		d.replay()
		time.Sleep(3 * time.Second)
		d.want(t.Context(), "replica", "without the token")
		d.want(rwsplit.WithToken(t.Context(), token), "primary", "with the token")
		time.Sleep(6 * time.Second)
		d.want(rwsplit.WithToken(t.Context(), token), "replica", "sticky_for is over")
	})
}

// namelessDialect is posDialect on servers that can't be told apart.
type namelessDialect struct{ posDialect }

func init() { rwsplit.RegisterDialect("fakenameless", namelessDialect{}) }

func (d namelessDialect) Inspect(ctx context.Context, p rwsplit.PhysicalConn) (rwsplit.Server, error) {
	seen, err := d.posDialect.Inspect(ctx, p)
	seen.Identity = ""
	return seen, err
}

func nameless(cfg *rwsplit.Config) { cfg.Driver = "fakenameless" }

// A connection leads to one server, so a session may go on reading by it, and
// needs nobody's word for it.
func TestASessionStaysOnAReplicaWithoutAnIdentity(t *testing.T) {
	track(t, nameless, func(t *testing.T, d *tracked) {
		d.settle()
		d.SetMaxOpenConns(1)
		for range 10 {
			s := rwsplit.WithSession(t.Context())
			first := d.read(s)
			if first == "primary" {
				t.Fatal("the first read of a session ran on the primary")
			}
			for range 5 {
				d.want(s, first, "in one session")
			}
			time.Sleep(3 * time.Second) // the tracker looks again
			d.want(s, first, "in one session, later")
		}
		// The connection is exchanged for one that may lead to another server.
		s := rwsplit.WithSession(t.Context())
		d.want(s, "replica", "the first read")
		d.primary.at.Add(10) // somebody else writes
		d.SetMaxIdleConns(-1)
		d.want(s, "primary", "nobody is known to have what it may have seen")
		d.replay()
		time.Sleep(2 * time.Second)
		d.want(s, "replica", "replayed")
	})
}

// A read that was sent to one server before the session saw more on another one
// ends after that: the session does not go on reading there.
func TestALateReadDoesNotBindASessionToItsServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, behind, ahead, lead := newTwoInOne(t)
		ctx := t.Context()
		toBehind, toAhead := lead(behind), lead(ahead)
		time.Sleep(2 * time.Second)
		s := rwsplit.WithSession(ctx)
		h := behind.hang(t, opQuery, 1)
		late := make(chan string)
		go func() { late <- d.readOn(s, toBehind) }()
		<-h.entered
		ahead.at.Store(d.primary.at.Add(10)) // somebody else writes
		time.Sleep(2 * time.Second)
		if got := d.readOn(s, toAhead); got != "rahead" {
			t.Fatalf("read on %s", got)
		}
		h.release()
		if got := <-late; got != "rbehind" {
			t.Fatalf("the late read ran on %s", got)
		}
		if got := d.readOn(s, toBehind); got == "rbehind" {
			t.Error("the session went back in time")
		}
	})
}

// newTwoInOne is a cluster whose only replica is two servers that can't be told
// apart. lead takes a connection out of the pool that leads to one of them.
func newTwoInOne(t *testing.T) (d *tracked, behind, ahead *posServer, lead func(*posServer) *sql.Conn) {
	behind, ahead = newPosServer("rbehind"), newPosServer("rahead")
	var to atomic.Pointer[posServer]
	to.Store(ahead)
	d = newTracked(t, func(cfg *rwsplit.Config) {
		nameless(cfg)
		cfg.Consistency = rwsplit.Session
		cfg.ReplicaConnectors = append(cfg.ReplicaConnectors[:0], leads{to.Load})
	})
	lead = func(s *posServer) *sql.Conn {
		to.Store(s)
		conn, err := d.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if got := d.readOn(rwsplit.WithReplica(t.Context()), conn); got != s.name {
			t.Fatalf("the connection leads to %s, want %s", got, s.name)
		}
		return conn
	}
	return d, behind, ahead, lead
}

// One DSN leads to two servers that can't be told apart, of which one is behind
// for a while.
func TestASessionDoesNotGoBackAmongServersWithoutAnIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, behind, ahead, lead := newTwoInOne(t)
		conns := []*sql.Conn{lead(behind), lead(ahead), lead(behind), lead(ahead)}
		var mu sync.Mutex
		reads := make(map[string]int)
		for range 200 {
			behind.at.Store(d.primary.at.Load())
			time.Sleep(2 * time.Second)
			s := rwsplit.WithSession(t.Context())
			saw, late := false, rand.IntN(10)
			for n := range 10 {
				if n == late { // somebody else writes
					ahead.at.Store(d.primary.at.Add(10))
				}
				var wg sync.WaitGroup
				before := saw
				for _, i := range rand.Perm(len(conns))[:1+rand.IntN(3)] {
					wg.Go(func() {
						where := d.readOn(s, conns[i])
						mu.Lock()
						defer mu.Unlock()
						reads[where]++
						saw = saw || n >= late && where != "rbehind"
						if before && where == "rbehind" {
							t.Error("the session went back in time")
						}
					})
				}
				wg.Wait()
				if rand.IntN(2) == 0 {
					time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
				}
			}
		}
		if reads["rbehind"] < 100 || reads["rahead"] < 100 {
			t.Errorf("reads ran on %v, want many on both", reads)
		}
	})
}
