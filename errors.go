package rwsplit

import (
	"errors"
	"fmt"
)

var (
	// ErrReadOnly is the error of a statement that needs the primary where
	// that is ruled out: a write under [WithReadOnly], or in a read-only
	// transaction that runs on a replica.
	ErrReadOnly = errors.New("rwsplit: read only")
	// ErrNoReplica is the error of a read that no replica can serve where the
	// primary is ruled out by fallback=error.
	ErrNoReplica = errors.New("rwsplit: no replica qualifies")
	// ErrNoPrimary is the error of what belongs on the primary while, with
	// roles=auto, no server says that it is one.
	ErrNoPrimary = errors.New("rwsplit: no primary")
	// ErrWaitTimeout is the error of a wait for replicas that ended before
	// they had caught up.
	ErrWaitTimeout = errors.New("rwsplit: replicas did not catch up in time")
)

// errNotOnReplica is the error of a statement that must run on the primary in
// a transaction that runs on a replica.
func errNotOnReplica(st *Statement, b Backend) error {
	return fmt.Errorf("%w: %s must run on the primary, and this read-only transaction runs on %s; begin it without ReadOnly", ErrReadOnly, st.Reason, b.Name)
}
