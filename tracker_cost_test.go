package rwsplit_test

import (
	"context"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// pace is what the tracker does while somebody writes at a steady rate.
type pace struct {
	asks    float64       // of the primary, each second
	looks   float64       // of one replica, each second
	confirm time.Duration // from a write until a replica is known to have it, on average
}

// follow has the replicas replay after a while what the primary has now.
func (d *tracked) follow(delay time.Duration) {
	at := d.primary.at.Load()
	time.AfterFunc(delay, func() {
		for _, r := range d.replicas {
			r.at.Store(max(r.at.Load(), at))
		}
	})
}

// writeSteadily runs within steady writes, on replicas that follow after delay.
func writeSteadily(t *testing.T, every, delay time.Duration, change func(*rwsplit.Config), within func(d *tracked)) {
	t.Helper()
	track(t, change, func(t *testing.T, d *tracked) {
		d.settle()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			ticker := time.NewTicker(every)
			defer ticker.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-ticker.C:
				}
				d.write(d.t.Context())
				d.follow(delay)
			}
		}()
		time.Sleep(delay + 500*time.Millisecond) // until the pace is found
		within(d)
		stop()
		<-ended
		time.Sleep(delay + time.Second)
	})
}

func paceOf(t *testing.T, every, delay time.Duration) (got pace) {
	t.Helper()
	writeSteadily(t, every, delay, nil, func(d *tracked) {
		asked, looked, began, writes := d.primary.count(opPosition), d.replicas[0].count(opPosition), time.Now(), 0
		for time.Since(began) < 2*time.Second {
			d.write(d.t.Context())
			wrote, written := time.Now(), d.conn.Stats().Writes
			d.follow(delay)
			for d.conn.Stats().Backends[1].CaughtUp <= written {
				time.Sleep(time.Millisecond)
			}
			got.confirm += time.Since(wrote)
			writes++
			time.Sleep(7310 * time.Microsecond) // in step with nothing
		}
		got.asks = float64(d.primary.count(opPosition)-asked) / time.Since(began).Seconds()
		got.looks = float64(d.replicas[0].count(opPosition)-looked) / time.Since(began).Seconds()
		got.confirm /= time.Duration(writes)
	})
	return got
}

// The primary is asked as often as an answer is of use: replicas that are quick
// have to be known to be, and with slow ones an eighth of their delay is little.
func TestSteadyWritesDoNotKeepThePrimaryBusy(t *testing.T) {
	const ms = time.Millisecond
	for _, tc := range []struct {
		every, delay time.Duration
		asks, looks  float64       // at most
		confirm      time.Duration // at most
	}{
		{every: 10 * ms, delay: 5 * ms, asks: 220, looks: 700, confirm: 8 * ms},
		{every: 1 * ms, delay: 5 * ms, asks: 1010, looks: 2000, confirm: 8 * ms},
		{every: 1 * ms, delay: 50 * ms, asks: 250, looks: 500, confirm: 62 * ms},
		{every: 10 * ms, delay: 500 * ms, asks: 30, looks: 80, confirm: 570 * ms},
		{every: 1 * ms, delay: 500 * ms, asks: 30, looks: 80, confirm: 570 * ms},
	} {
		got := paceOf(t, tc.every, tc.delay)
		t.Logf("a write every %v, replayed after %v: %.0f questions to the primary and %.0f to a replica a second, known after %v", tc.every, tc.delay, got.asks, got.looks, got.confirm)
		if got.asks > tc.asks || got.asks < 10 {
			t.Errorf("the primary was asked too often, or not at all; want at most %.0f", tc.asks)
		}
		if got.looks > tc.looks {
			t.Errorf("a replica was asked too often; want at most %.0f", tc.looks)
		}
		if got.confirm > tc.confirm || got.confirm < tc.delay*9/10 {
			t.Errorf("a write is known too late, or too early; want at most %v", tc.confirm)
		}
	}
}

// Who waits for the primary's answer does not wait for its turn.
func TestAGlobalReadDoesNotWaitForTheNextQuestion(t *testing.T) {
	change := func(cfg *rwsplit.Config) { cfg.Consistency = rwsplit.Global }
	writeSteadily(t, 10*time.Millisecond, 5*time.Second, change, func(d *tracked) {
		for range 50 {
			began := time.Now()
			d.want(d.t.Context(), "primary", "no replica has it")
			if took := time.Since(began); took > 2*time.Millisecond {
				t.Errorf("a global read waited for %v", took)
			}
			time.Sleep(7310 * time.Microsecond)
		}
		began := time.Now()
		if _, err := rwsplit.Token(d.t.Context(), d.DB); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 2*time.Millisecond {
			t.Errorf("a token took %v", took)
		}
	})
}
