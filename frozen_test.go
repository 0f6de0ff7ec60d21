package rwsplit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

// longRead begins a read that hangs on r until it is released or cut off. The
// channel gets the name of the server that served it in the end.
func (d *tracked) longRead(r *posServer) (*fakeHang, <-chan string) {
	d.t.Helper()
	h := r.freeze(d.t, opQuery, 1)
	for range 10 {
		served := make(chan string, 1)
		go func() { served <- d.read(d.t.Context()) }()
		synctest.Wait()
		select {
		case <-served:
		default:
			return h, served
		}
	}
	d.t.Fatal("no read reached " + r.name)
	return nil, nil
}

// inTurns is a cluster with a network, whose replicas serve in turns.
func inTurns(t *testing.T, test func(t *testing.T, d *tracked)) {
	t.Helper()
	turns := func(cfg *rwsplit.Config) { cfg.Balance = rwsplit.RoundRobin }
	track(t, turns, func(t *testing.T, d *tracked) {
		d.primary.wired = true
		for _, r := range d.replicas {
			r.wired = true
		}
		d.settle()
		test(t, d)
	})
}

// answers lets both replicas serve reads.
func (d *tracked) answers() {
	d.t.Helper()
	seen := make(map[string]bool)
	for range 10 {
		seen[d.read(d.t.Context())] = true
	}
	if !seen["r1"] || !seen["r2"] {
		d.t.Fatalf("reads ran on %v", seen)
	}
}

// One question that is not answered says little of a replica that answers
// others: it is busy, or the tracker's own connection is dead.
func TestSlowReplicaIsNotCutOff(t *testing.T) {
	inTurns(t, func(t *testing.T, d *tracked) {
		long, served := d.longRead(d.replicas[0])
		silent := d.replicas[0].hang(t, opPosition, 1)
		<-silent.entered
		d.answers()
		time.Sleep(10 * time.Second)
		d.answers() // it is back
		long.release()
		if got := <-served; got != "r1" {
			t.Errorf("the long read was cut off, and ran on %s", got)
		}
	})
}

// A replica that froze gives up its reads within probe_interval +
// probe_timeout, also if it was asked just before and answered others since.
func TestFrozenReplicaIsCutOffInTime(t *testing.T) {
	for _, answered := range []bool{false, true} {
		inTurns(t, func(t *testing.T, d *tracked) {
			r1 := d.replicas[0]
			silent := r1.hangTimes(t, opPosition, 1, -1, true)
			<-silent.entered // within a probe_interval
			if answered {
				d.answers()
			}
			r1.hangTimes(t, opConnect, 1, -1, true)
			froze := time.Now()
			_, served := d.longRead(r1)
			if got := <-served; got != "r2" {
				t.Errorf("the read ran on %s", got)
			}
			if took := time.Since(froze); took > 2*time.Second {
				t.Errorf("the read waited for %v, want at most probe_interval + probe_timeout = 2s", took)
			}
		})
	}
}
