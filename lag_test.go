package rwsplit_test

import (
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// lagWorld is a primary whose position is its age in milliseconds while it is
// written to, sampled at exact times.
type lagWorld struct {
	ring  rwsplit.LagRing
	start time.Time
}

func newLagWorld() *lagWorld { return &lagWorld{start: time.Unix(1_790_000_000, 0)} }

func (w *lagWorld) at(d time.Duration) time.Time { return w.start.Add(d) }

func (w *lagWorld) pos(d time.Duration) rwsplit.Position {
	return rwsplit.LinearPosition("world", uint64(d/time.Millisecond))
}

// sample takes in that the primary stood at pos when asked at d; the answer
// takes 1 ms.
func (w *lagWorld) sample(d time.Duration, pos rwsplit.Position) {
	w.ring.Add(pos, w.at(d), w.at(d+time.Millisecond))
}

func wantLag(t *testing.T, e rwsplit.LagEstimate, now time.Time, want time.Duration, known bool, atMost time.Duration) {
	t.Helper()
	if got, ok := e.Lag(now); got != want || ok != known {
		t.Errorf("lag: got %v, %v, want %v, %v", got, ok, want, known)
	}
	if got, ok := e.AtMost(now); got != atMost || ok != known {
		t.Errorf("at most: got %v, %v, want %v, %v", got, ok, atMost, known)
	}
}

const sec, msec = time.Second, time.Millisecond

func TestUnknownLagIsNotZero(t *testing.T) {
	w := newLagWorld()
	wantLag(t, w.ring.Estimate(w.pos(sec)), w.at(sec), 0, false, 0) // no sample
	w.ring.Add(rwsplit.Position{}, w.at(sec), w.at(sec))
	wantLag(t, w.ring.Estimate(w.pos(sec)), w.at(sec), 0, false, 0) // still none
	w.sample(10*sec, w.pos(10*sec))
	w.sample(11*sec, w.pos(11*sec))
	// Further behind than the samples: at least as far as they reach.
	wantLag(t, w.ring.Estimate(w.pos(9*sec)), w.at(15*sec), 5*sec-msec, false, 0)
	wantLag(t, w.ring.Estimate(rwsplit.LinearPosition("another", 1<<60)), w.at(15*sec), 5*sec-msec, false, 0)
	wantLag(t, w.ring.Estimate(rwsplit.Position{}), w.at(15*sec), 5*sec-msec, false, 0)
	wantLag(t, rwsplit.LagEstimate{}, w.at(15*sec), 0, false, 0)
}

func TestLagIsTheAgeOfWhatIsMissing(t *testing.T) {
	w := newLagWorld()
	for i := range 11 {
		d := time.Duration(i) * sec
		w.sample(d, w.pos(d))
	}
	wantLag(t, w.ring.Estimate(w.pos(10*sec)), w.at(10*sec+5*msec), 0, true, 5*msec)
	wantLag(t, w.ring.Estimate(w.pos(20*sec)), w.at(10*sec+5*msec), 0, true, 5*msec) // beyond the newest sample
	wantLag(t, w.ring.Estimate(w.pos(7*sec)), w.at(10*sec), 2*sec-msec, true, 3*sec)
	wantLag(t, w.ring.Estimate(w.pos(7*sec+500*msec)), w.at(10*sec), 2*sec-msec, true, 3*sec)
	// Without another estimate it goes on growing.
	wantLag(t, w.ring.Estimate(w.pos(7*sec)), w.at(15*sec), 7*sec-msec, true, 8*sec)
	// A clock read before the sample was taken gives no negative lag.
	wantLag(t, w.ring.Estimate(w.pos(7*sec)), w.at(0), 0, true, 0)
}

func TestAnIdlePrimaryIsNoLag(t *testing.T) {
	w := newLagWorld()
	for i := range 3600 {
		w.sample(time.Duration(i)*sec, w.pos(7*sec))
	}
	if got := w.ring.Len(); got != 1 {
		t.Errorf("samples of an idle hour: got %d, want 1", got)
	}
	now := w.at(3600 * sec)
	wantLag(t, w.ring.Estimate(w.pos(7*sec)), now, 0, true, sec)
	// The first write after the idle hour is missing since it was seen, not
	// since the position before it was.
	w.sample(3600*sec, w.pos(8*sec))
	wantLag(t, w.ring.Estimate(w.pos(7*sec)), w.at(3600*sec+20*msec), 19*msec, true, sec+20*msec)
}

func TestAPrimaryThatWentBackStartsAnew(t *testing.T) {
	w := newLagWorld()
	w.sample(1*sec, w.pos(1*sec))
	w.sample(2*sec, w.pos(2*sec))
	w.sample(3*sec, w.pos(1500*msec)) // a crash lost what was not flushed
	if got := w.ring.Len(); got != 1 {
		t.Errorf("samples: got %d, want 1", got)
	}
	wantLag(t, w.ring.Estimate(w.pos(1*sec)), w.at(4*sec), 1*sec-msec, false, 0)
	w.sample(4*sec, postgresAt(t, "7/2:0/1")) // another history
	wantLag(t, w.ring.Estimate(w.pos(10*sec)), w.at(5*sec), 1*sec-msec, false, 0)
	wantLag(t, w.ring.Estimate(postgresAt(t, "7/2:0/1")), w.at(5*sec), 0, true, 1*sec)
}

func TestLagCoversMillisecondsToHoursInBoundedMemory(t *testing.T) {
	w := newLagWorld()
	const hours = 6 * time.Hour
	step := sec
	for d := time.Duration(0); d <= hours; d += step {
		if d == 5*time.Hour {
			step = 100 * msec
		}
		w.sample(d, w.pos(d))
		if got := w.ring.Len(); got > rwsplit.LagSamples {
			t.Fatalf("samples: got %d, want at most %d", got, rwsplit.LagSamples)
		}
	}
	now := w.at(hours + msec)
	for _, lag := range []time.Duration{0, 100 * msec, 500 * msec, sec, 5 * sec, 30 * sec, time.Minute, 10 * time.Minute, time.Hour, 5 * time.Hour} {
		e := w.ring.Estimate(w.pos(hours - lag))
		least, ok1 := e.Lag(now)
		most, ok2 := e.AtMost(now)
		if !ok1 || !ok2 || least > lag || most < lag {
			t.Errorf("lag of %v: got %v (%v) to %v (%v)", lag, least, ok1, most, ok2)
		}
		// Within the sampling interval and a third of the lag.
		if slack := 200*msec + lag/3; most-least > slack {
			t.Errorf("lag of %v: got %v to %v, want them within %v", lag, least, most, slack)
		}
	}
}

func BenchmarkLagEstimate(b *testing.B) {
	w := newLagWorld()
	for i := range 1000 {
		d := time.Duration(i) * sec
		w.sample(d, w.pos(d))
	}
	have := w.pos(900 * sec)
	b.ReportAllocs()
	for b.Loop() {
		w.ring.Estimate(have)
	}
}
