package rwsplit_test

import (
	"sync"
	"testing"
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
