package rwsplit

import (
	"testing"
	"time"
	"unsafe"
)

// setClock returns the moment t as if it had been read before somebody set the
// wall clock by d, to which the monotonic clock pays no heed.
func setClock(t time.Time, d time.Duration) time.Time {
	// The upper bits of the first word count seconds above 30 bits of
	// nanoseconds, as long as the second holds a monotonic reading.
	first := (*uint64)(unsafe.Pointer(&t))
	*first -= uint64(d/time.Second) << 30
	return t
}

func TestADeadlineDoesNotGoByTheWallClock(t *testing.T) {
	for _, set := range []time.Duration{time.Hour, -time.Hour} {
		at := setClock(time.Now().Add(time.Minute), set)
		if wall := time.Until(at.Round(0)); wall > 2*time.Hour || wall < -2*time.Hour || wall > 0 == (set > 0) {
			t.Fatalf("by the wall clock %v are left, which is no test of it", wall)
		}
		var d deadline
		d.set(at)
		if left := d.left(); left > time.Minute || left < time.Minute-10*time.Second {
			t.Errorf("the clock was set by %v: %v are left", set, left)
		}
		d.extend(setClock(time.Now().Add(2*time.Minute), -set))
		if left := d.left(); left < time.Minute {
			t.Errorf("the clock was set by %v: extended, %v are left", set, left)
		}
	}
}

func TestADeadlineIsExtendedOnly(t *testing.T) {
	var d deadline
	if d.left() > 0 {
		t.Error("the zero value has not passed")
	}
	d.extend(time.Now().Add(time.Hour))
	d.extend(time.Now().Add(time.Minute))
	if d.left() < 50*time.Minute {
		t.Error("an earlier moment took its place")
	}
	d.set(time.Now().Add(-time.Second))
	if d.left() > 0 {
		t.Error("it was not moved back")
	}
}
