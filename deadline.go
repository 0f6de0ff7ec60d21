package rwsplit

import (
	"sync/atomic"
	"time"
)

// deadline is a moment until which something holds. It goes by the monotonic
// clock: the wall clock may be set meanwhile. The zero value has passed. It is
// for concurrent use.
type deadline struct{ at atomic.Pointer[time.Time] }

// set moves it, also to an earlier moment.
func (d *deadline) set(at time.Time) { d.at.Store(&at) }

// extend moves it to at unless it is later already.
func (d *deadline) extend(at time.Time) {
	for {
		old := d.at.Load()
		if old != nil && !old.Before(at) || d.at.CompareAndSwap(old, &at) {
			return
		}
	}
}

// left is how long it still lasts; not more than 0 once it has passed.
func (d *deadline) left() time.Duration {
	if at := d.at.Load(); at != nil {
		return time.Until(*at)
	}
	return 0
}
