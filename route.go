package rwsplit

import (
	"errors"
	"fmt"
	"math/bits"
	"time"
)

// Op is what was asked of the driver.
type Op uint8

// The values of [Decision.Op].
const (
	OpQuery Op = iota
	OpExec
	OpBegin
	OpPrepare
	OpPing
	OpRaw
)

// String returns the name of the database/sql call.
func (o Op) String() string {
	return [...]string{"query", "exec", "begin", "prepare", "ping", "raw"}[o]
}

// Decision says where a statement runs and why.
type Decision struct {
	// Backend is the server that runs the statement.
	Backend Backend
	// Reason is the routing rule that decided.
	Reason Reason
	// Op is what was asked of the driver.
	Op Op
	// Statement is the classifier's verdict; its Reason names the rule for
	// the text.
	Statement Statement
	// Query is the text as the caller gave it.
	Query string
	// Rerun reports that the statement was sent to another backend before,
	// which did not execute it.
	Rerun bool
	// Shadow is where the statement would have run, with reads=shadow.
	Shadow Backend
}

// replicaSet is a set of backends by index.
type replicaSet uint64

// maxBackends is the number of backends that a replicaSet has room for.
const maxBackends = 64

func (s replicaSet) has(i int) bool           { return s&(1<<uint(i)) != 0 }
func (s replicaSet) with(i int) replicaSet    { return s | 1<<uint(i) }
func (s replicaSet) without(i int) replicaSet { return s &^ (1 << uint(i)) }
func (s replicaSet) len() int                 { return bits.OnesCount64(uint64(s)) }
func (s replicaSet) first() int               { return bits.TrailingZeros64(uint64(s)) }
func (s replicaSet) nth(n int) int            { return nthBit(uint64(s), n) }
func (s replicaSet) only() bool               { return s != 0 && s&(s-1) == 0 }

func nthBit(s uint64, n int) int {
	for ; n > 0; n-- {
		s &= s - 1
	}
	return bits.TrailingZeros64(s)
}

// policy is what the Config says about routing.
type policy struct {
	reads         Reads
	consistency   Consistency
	fallbackError bool
	hints         bool
}

// question is one statement as the router sees it.
type question struct {
	op    Op
	stmt  *Statement
	hints *hints
	need  requirement
	now   time.Time // only with a limit on the lag
}

// situation is where the connection stands that the statement was given to.
type situation struct {
	tx       int // slot with the open transaction, or none
	txOnCopy bool
	pinned   int // slot that the scope is pinned to, or none
	last     int // slot of the scope's last statement, or none
	wrote    bool
}

const none = -1

// errNotInReplicaTx is what route says of a statement that must run on the
// primary while a transaction runs on a replica; the caller adds the names.
var errNotInReplicaTx = errors.New("rwsplit: not in a transaction on a replica")

// verdict is what route finds: one backend, or a set of replicas of which the
// balancer picks one.
type verdict struct {
	target   int // none: any of replicas
	replicas replicaSet
	reason   Reason
	// movable reports that a failed attempt may be made on another backend.
	movable bool
}

// route applies the rules of the package comment in their order. It does no
// I/O and depends on nothing but its arguments.
func route(p *policy, q *question, at *situation, snap *snapshot) (verdict, error) {
	st := q.stmt
	if q.hints.readOnly && st.Writes {
		return verdict{}, fmt.Errorf("%w: WithReadOnly refuses this statement: %s", ErrReadOnly, st.Reason)
	}

	// 1. A transaction never mixes servers.
	if at.tx != none {
		if at.txOnCopy && mustBePrimaryInTx(st) {
			return verdict{target: at.tx}, errNotInReplicaTx
		}
		return verdict{target: at.tx, reason: ReasonTx}, nil
	}

	// 2. Session state stays with the statements that rely on it. State on a
	// replica is no reason to read there what is older than was promised.
	primary := verdict{target: snap.primary}
	switch {
	case at.pinned != none && at.pinned == snap.primary:
		return verdict{target: at.pinned, reason: ReasonPinned}, nil
	case at.pinned == none || st.Route != RouteReplica:
	case q.hints.route == hintReplica,
		snap.meets(at.pinned, &q.need) && !(at.wrote && p.consistency == Eventual):
		return verdict{target: at.pinned, reason: ReasonPinned}, nil
	default:
		primary.reason = ReasonNotCaughtUp
		if p.fallbackError {
			return verdict{}, fmt.Errorf("%w: %s", ErrNoReplica, primary.reason)
		}
		return primary, nil
	}

	// 3. The statement's class, and Exec.
	switch {
	case st.Route == RouteLast:
		if at.last != none {
			return verdict{target: at.last, reason: ReasonLast}, nil
		}
		primary.reason = ReasonStatement
		return primary, nil
	case st.Route == RoutePrimary:
		primary.reason = ReasonStatement
		return primary, nil
	case q.op == OpExec:
		primary.reason = ReasonExec
		return primary, nil
	case snap.replicas == 0:
		primary.reason = ReasonNoReplicas
		return primary, nil
	}

	// 4. Hints; a hint of the context weighs more than one in the text.
	hint := q.hints.route
	if hint == hintAny && p.hints {
		switch st.Hint {
		case HintPrimary:
			hint = hintPrimary
		case HintReplica:
			hint = hintReplica
		}
	}
	reason := ReasonRead
	need := &q.need
	switch {
	case hint == hintPrimary:
		primary.reason = ReasonHintPrimary
		return primary, nil
	case hint == hintReplica:
		reason, need = ReasonHintReplica, &noRequirement
	case q.op == OpBegin:
		reason = ReasonBeginReadOnly
	case p.reads == ReadsPrimary:
		primary.reason = ReasonReadsPrimary
		return primary, nil
	}

	// 5. Consistency.
	if at.wrote && p.consistency == Eventual && hint != hintReplica {
		primary.reason = ReasonScopeWrote
		return primary, nil
	}
	fresh := snap.up & snap.fresh
	if q.hints.maxLag != 0 {
		fresh = snap.within(snap.up, q.hints.maxLag, q.now)
	}
	set := snap.qualified(fresh, need)
	if set != 0 {
		return verdict{target: none, replicas: set, reason: reason, movable: true}, nil
	}

	// 6. Nobody qualifies.
	switch {
	case snap.up == 0:
		primary.reason = ReasonReplicasDown
	case fresh == 0:
		primary.reason = ReasonLag
	default:
		primary.reason = ReasonNotCaughtUp
	}
	if p.fallbackError {
		return verdict{target: none, reason: primary.reason}, fmt.Errorf("%w: %s", ErrNoReplica, primary.reason)
	}
	return primary, nil
}

// stateOnTxServer is the session state that a transaction on a replica may
// have: it concerns nobody else and is lost with the session.
const stateOnTxServer = StateSetting | StateUserVar | StatePrepared | StateCursor

// mustBePrimaryInTx reports whether a statement can't run in a transaction on
// a replica.
func mustBePrimaryInTx(st *Statement) bool {
	switch {
	case st.Route != RoutePrimary:
		return false
	case st.Writes || st.Opaque:
		return true
	case st.own:
		return false
	case st.Tx == TxCommit || st.Tx == TxRollback || st.Tx == TxChain || st.Tx == TxSavepoint:
		return false
	case st.Tx != TxNone: // SET autocommit, too: sessions of replicas keep it on
		return true
	case st.Pins && st.State&^stateOnTxServer == 0:
		return false
	default:
		return true
	}
}
