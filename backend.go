package rwsplit

import (
	"database/sql/driver"
	"sync"
	"sync/atomic"
)

// Role is what a backend is used for.
type Role uint8

const (
	// RolePrimary takes writes.
	RolePrimary Role = iota
	// RoleReplica serves reads.
	RoleReplica
)

// String returns "primary" or "replica".
func (r Role) String() string {
	if r == RoleReplica {
		return "replica"
	}
	return "primary"
}

// Backend names one of the servers of a [Config]. It holds no address and no
// secret.
type Backend struct {
	// Index is 0 for the configured primary and 1, 2, ... for the replicas in
	// their order.
	Index int
	// Name is "primary", "replica1", "replica2", ...
	Name string
	// Role is what the backend is used for now. With roles=auto it follows the
	// server; Index and Name do not.
	Role Role
}

// server is one backend as the connections of a pool share it.
type server struct {
	Backend
	connector driver.Connector // for its configured role
	other     driver.Connector // for the other role; only with roles=auto
	dsn       string           // "" where a connector was given; it never shows
	gate      gate

	seen      atomic.Pointer[Server] // what the newest physical connection found
	failures  atomic.Int32           // dials by statements that failed in a row
	downUntil deadline               // statements could not dial it
	trial     atomic.Bool            // after a failure one connection at a time tries again
	refuses   atomic.Bool            // was logged as one that can't be dialled
	suspect   atomic.Bool            // the tracker is to ask it now
	frozen    atomic.Bool            // the watchdog waits for its answer
	down      atomic.Bool            // was logged as unreachable
	lastErr   atomic.Pointer[string]
	state     atomic.Value // the last BackendState that was noted
	since     atomic.Int64 // unix nanoseconds: when it began

	mu    sync.Mutex         // protects wires; nothing slow runs under it
	wires map[*wire]struct{} // of the physical connections that statements use
}

// as returns the connector that opens sessions for a role.
func (s *server) as(role Role) driver.Connector {
	if role != s.Role && s.other != nil {
		return s.other
	}
	return s.connector
}

// track and untrack keep account of the physical connections that a frozen
// backend may hold up.
func (s *server) track(w *wire) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wires == nil {
		s.wires = make(map[*wire]struct{})
	}
	s.wires[w] = struct{}{}
}

func (s *server) untrack(w *wire) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.wires, w)
}

// severIdle closes the network connections of which no scope makes use and that
// were opened for another role than the server has now: an idle pooled
// connection may not be taken again for hours. It is called when the new role
// is published already: who has taken the connection by then either shows here
// as busy, or sees the new role before anything is sent.
func (s *server) severIdle(role Role) {
	s.mu.Lock()
	var idle []*wire
	for w := range s.wires {
		if w.role != role && !w.busy.Load() {
			idle = append(idle, w)
		}
	}
	s.mu.Unlock()
	for _, w := range idle {
		w.sever()
	}
}

// busy reports whether a scope makes use of a connection that was opened for
// role.
func (s *server) busy(role Role) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.wires {
		if w.role == role && w.busy.Load() {
			return true
		}
	}
	return false
}

// release ends every call that waits for this backend: it accepts, but does
// not answer, and would keep its callers for as long as they have patience.
func (s *server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.wires {
		if !w.interrupt() && w.giveUp != nil {
			w.giveUp()
		}
	}
}
