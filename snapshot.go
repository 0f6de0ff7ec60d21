package rwsplit

import (
	"sync"
	"sync/atomic"
	"time"
)

// snapshot is what is known about the backends at one moment. It is immutable.
type snapshot struct {
	primary  int        // or none
	gen      uint32     // counts the changes of roles
	history  history    // that positions belong to
	replicas replicaSet // all that follow the primary
	up       replicaSet // those that may be tried
	fresh    replicaSet // those that are not further behind than max_lag
	asked    uint64     // the newest question that the primary has answered
	backends []backendState
}

// history is what one server wrote while it was in charge. It does not end
// before another one is, or the same anew.
type history struct {
	n  uint32 // counts them
	of int    // the backend that is the primary, or was the last
}

// backendState is what is known about one replica.
type backendState struct {
	caughtUp uint64      // the newest write number that it has replayed
	asked    uint64      // the newest question whose answer it has reached
	position Position    // what it had replayed when it was last asked
	epoch    uint32      // counts the incarnations that were sampled; 0: none was
	server   Server      // the incarnation that was sampled
	probe    uint64      // the physical connection that sampled it
	lag      lagEstimate // by the newest sample
}

// requirement is what a replica must have replayed to serve a read.
type requirement struct {
	number  uint64  // of a write of this process
	culprit culprit // whose write that is
	ask     uint64  // the answer to a question to the primary
	token   *token  // positions handed in from elsewhere, by WithToken
	added   *token  // the same, by AddToken
	// unmeetable: what must be seen is not known (a token that can't be used).
	unmeetable bool

	// A session may go on reading from the replica that it last read from
	// without having readAsk answered.
	readAsk  uint64
	replica  replicaRef
	physical uint64 // by this connection only; 0: by any
}

var noRequirement requirement

// tokensReached reports whether a server at have has what the tokens name.
func (need *requirement) tokensReached(have Position) bool {
	return (need.token == nil || need.token.reached(have)) && (need.added == nil || need.added.reached(have))
}

// replicaRef names one incarnation of a replica: index and epoch. The zero
// value is none.
type replicaRef uint64

func newReplicaRef(index int, epoch uint32) replicaRef {
	return replicaRef(uint64(index)<<32 | uint64(epoch))
}

func (r replicaRef) index() int { return int(r >> 32) }

// qualified returns the members of set that meet need.
func (s *snapshot) qualified(set replicaSet, need *requirement) replicaSet {
	for rest := set; rest != 0; rest &= rest - 1 {
		if i := rest.first(); !s.meets(i, need) {
			set = set.without(i)
		}
	}
	return set
}

func (s *snapshot) meets(i int, need *requirement) bool {
	b := &s.backends[i]
	if need.unmeetable || b.caughtUp < need.number || b.asked < need.ask {
		return false
	}
	if !need.tokensReached(b.position) {
		return false
	}
	return b.asked >= need.readAsk || need.replica == newReplicaRef(i, b.epoch)
}

// within returns the members of set whose data is at most limit old.
func (s *snapshot) within(set replicaSet, limit time.Duration, now time.Time) replicaSet {
	for rest := set; rest != 0; rest &= rest - 1 {
		i := rest.first()
		if bound, ok := s.backends[i].lag.atMost(now); !ok || bound > limit {
			set = set.without(i)
		}
	}
	return set
}

// board publishes snapshots: readers load a pointer, those who wait for a
// change get a channel.
type board struct {
	current atomic.Pointer[snapshot]

	mu      sync.Mutex    // protects changed and the order of updates
	changed chan struct{} // closed with the next update; nil if nobody waits
}

func (b *board) load() *snapshot { return b.current.Load() }

// update publishes a changed copy.
func (b *board) update(change func(*snapshot)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := *b.current.Load()
	next.backends = append([]backendState(nil), next.backends...)
	change(&next)
	b.current.Store(&next)
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// next returns a channel that is closed with the next update, and the snapshot
// before it.
func (b *board) next() (*snapshot, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.current.Load(), b.changed
}
