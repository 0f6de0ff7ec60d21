package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// resetTimeout bounds Reset, which may have to start everything anew.
const resetTimeout = 2 * time.Minute

// shared holds one cluster per engine for the whole test binary.
var shared = map[Engine]*struct {
	use     sync.Mutex // held by the test that uses the cluster
	cluster *Cluster
	err     error
}{Postgres: {}, MySQL: {}, MariaDB: {}}

// Shared returns the test binary's cluster of that engine, started when it is
// first needed and [Cluster.Reset] for each test. A test has it for itself
// until it ends. The test is skipped if the run was told to do without the
// engine, which [Main] says loudly, and fails if the cluster can't be had. It
// fails, too, if connections of the application are left when it has ended and
// cleaned up. TestMain must call [Main].
func Shared(t testing.TB, e Engine) *Cluster {
	t.Helper()
	if reason, without := Without(e); without {
		t.Skipf("NOT COVERED: %s: %s", e, reason)
	}
	s, ok := shared[e]
	if !ok {
		t.Fatalf("cluster: unknown engine %q", string(e))
	}
	s.use.Lock()
	t.Cleanup(s.use.Unlock)
	t.Cleanup(func() {
		// What the test has opened is closed by now.
		if s.cluster != nil && !t.Failed() {
			ctx, cancel := context.WithTimeout(context.Background(), resetTimeout)
			defer cancel()
			if err := s.cluster.WaitDisconnected(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	start := func() (*Cluster, error) {
		ctx, cancel := context.WithTimeout(context.Background(), resetTimeout)
		defer cancel()
		return Start(ctx, e, Options{})
	}
	if s.cluster == nil && s.err == nil {
		began := time.Now()
		if s.cluster, s.err = start(); s.err == nil {
			t.Logf("%s %s: a primary and two replicas are up after %.1fs", e, s.cluster.Version, time.Since(began).Seconds())
			return s.cluster
		}
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), resetTimeout)
	defer cancel()
	if err := s.cluster.Reset(ctx); err != nil {
		// One test's damage must not be the next one's failure.
		t.Logf("the cluster is replaced: %v", err)
		s.cluster.Close()
		if s.cluster, s.err = start(); s.err != nil {
			t.Fatal(s.err)
		}
	}
	return s.cluster
}

// Each runs the test on the shared cluster of every engine, as subtests, on all
// engines at the same time: most of their time they wait for replication. It
// returns when all have ended.
func Each(t *testing.T, test func(t *testing.T, c *Cluster)) {
	t.Helper()
	On(t, Engines(), test)
}

// On is Each for some of the engines.
func On(t *testing.T, engines []Engine, test func(t *testing.T, c *Cluster)) {
	t.Helper()
	// Parallel subtests end with the test around them, so that what the caller
	// does next, or has deferred, comes after them.
	t.Run("on", func(t *testing.T) {
		for _, e := range engines {
			t.Run(string(e), func(t *testing.T) {
				t.Parallel()
				test(t, Shared(t, e))
			})
		}
	})
}

// EachAlone is Each with one engine after the other, for tests that count what
// the whole process has.
func EachAlone(t *testing.T, test func(t *testing.T, c *Cluster)) {
	t.Helper()
	for _, e := range Engines() {
		t.Run(string(e), func(t *testing.T) { test(t, Shared(t, e)) })
	}
}

// unharmed returns an error if the replicas have not what the primary has, or
// have something of their own: GTID sets remember all tests since the roles were
// changed. Where the last test changed them there is nothing to compare.
func (c *Cluster) unharmed() error {
	c.mu.Lock()
	changed := c.moved || c.spoiled
	c.mu.Unlock()
	if changed {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), resetTimeout)
	defer cancel()
	return errors.Join(c.Heal(ctx), c.DataEqual(ctx), c.Errant(ctx))
}

// WaitDisconnected waits until the application has no connection to a server
// that runs, and returns an error if some are left when ctx ends: a server may
// count one for a while after the client has closed it.
func (c *Cluster) WaitDisconnected(ctx context.Context) error {
	return c.each(func(s *Server) error {
		if s.State() != Running {
			return nil
		}
		return poll(ctx, func() error {
			n, err := s.Connections(ctx)
			if err == nil && n > 0 {
				err = fmt.Errorf("cluster: %d connections of the application to %s are left", n, s.Name)
			}
			return err
		})
	})
}

// Main runs the tests, holds that nothing was written on a replica, closes the
// shared clusters, and holds that no goroutine of a driver is left. TestMain
// calls it:
//
//	func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }
func Main(m *testing.M) int {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		os.Exit(130) // the reaper removes the containers
	}()
	code := m.Run()
	for e, s := range shared {
		if s.cluster == nil {
			continue
		}
		if err := s.cluster.unharmed(); err != nil {
			fmt.Printf("FAIL: after all tests on %s: %v\n", e, err)
			code = max(code, 1)
		}
	}
	var wg sync.WaitGroup
	for _, s := range shared {
		if s.cluster != nil {
			wg.Go(s.cluster.Close)
		}
	}
	wg.Wait()
	if code == 0 {
		if left := leftGoroutines(10 * time.Second); len(left) > 0 {
			fmt.Printf("FAIL: %d goroutines outlived the tests:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
			code = 1
		}
	}
	for _, e := range Engines() {
		if reason, without := Without(e); without {
			fmt.Printf("NOT COVERED: no test ran on %s: %s\n", e, reason)
		}
	}
	return code
}
