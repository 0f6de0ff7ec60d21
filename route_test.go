package rwsplit

import (
	"errors"
	"testing"
	"time"
)

var (
	plainRead   = Statement{Route: RouteReplica, Reason: "plain read"}
	plainWrite  = Statement{Writes: true, Reason: "write"}
	lockingRead = Statement{Reason: "locking read (FOR UPDATE)"}
	sessionSet  = Statement{Pins: true, State: StateSetting, Reason: "session setting"}
	advisory    = Statement{Pins: true, State: StateAdvisoryLock, Reason: "advisory lock"}
	diagnostic  = Statement{Route: RouteLast, Reason: "about the statement before"}
	commit      = Statement{Tx: TxCommit, Reason: "transaction control"}
	ownValue    = Statement{own: true, Reason: "value of this session"}
)

// twoReplicas is a primary and two replicas that have caught up to 5 and 7.
func twoReplicas() *snapshot {
	return &snapshot{
		replicas: 0b110, up: 0b110, fresh: 0b110,
		backends: []backendState{{}, {caughtUp: 5, asked: 3, epoch: 1}, {caughtUp: 7, asked: 4, epoch: 1}},
	}
}

func TestRoute(t *testing.T) {
	idle := situation{tx: none, pinned: none, last: none}
	replica := hints{route: hintReplica}
	primary := hints{route: hintPrimary}
	none64 := replicaSet(0)
	for _, tt := range []struct {
		name   string
		policy policy
		q      question
		at     situation
		snap   func(*snapshot)

		target int
		set    replicaSet
		reason Reason
		err    error
	}{
		{name: "a plain read goes to any replica", q: question{stmt: &plainRead}, at: idle, target: none, set: 0b110, reason: ReasonRead},
		{name: "a write goes to the primary", q: question{stmt: &plainWrite}, at: idle, reason: ReasonStatement},
		{name: "a locking read goes to the primary", q: question{stmt: &lockingRead}, at: idle, reason: ReasonStatement},
		{name: "Exec of a plain read goes to the primary", q: question{op: OpExec, stmt: &plainRead}, at: idle, reason: ReasonExec},

		// 1. Transactions.
		{name: "a read in a transaction stays on its server", q: question{stmt: &plainRead}, at: situation{tx: 0, pinned: none, last: none}, reason: ReasonTx},
		{name: "a hint does not leave a transaction", q: question{stmt: &plainRead, hints: &replica}, at: situation{tx: 0, pinned: none, last: none}, reason: ReasonTx},
		{name: "a read in a replica's transaction stays there", q: question{stmt: &plainRead}, at: situation{tx: 2, txOnCopy: true, pinned: none, last: none}, target: 2, reason: ReasonTx},
		{name: "a hint to the primary does not leave it either", q: question{stmt: &plainRead, hints: &primary}, at: situation{tx: 2, txOnCopy: true, pinned: none, last: none}, target: 2, reason: ReasonTx},
		{name: "a write in it is an error", q: question{stmt: &plainWrite}, at: situation{tx: 2, txOnCopy: true, pinned: none, last: none}, target: 2, err: errNotInReplicaTx},
		{name: "a locking read in it is an error", q: question{stmt: &lockingRead}, at: situation{tx: 2, txOnCopy: true, pinned: none, last: none}, target: 2, err: errNotInReplicaTx},
		{name: "an advisory lock in it is an error", q: question{stmt: &advisory}, at: situation{tx: 2, txOnCopy: true, pinned: none, last: none}, target: 2, err: errNotInReplicaTx},
		{name: "a setting in it is its own affair", q: question{stmt: &sessionSet}, at: situation{tx: 2, txOnCopy: true, pinned: none, last: none}, target: 2, reason: ReasonTx},
		{name: "a value of its own session is asked in it", q: question{stmt: &ownValue}, at: situation{tx: 2, txOnCopy: true, pinned: none, last: none}, target: 2, reason: ReasonTx},
		{name: "a value of the session goes to the primary", q: question{stmt: &ownValue}, at: idle, reason: ReasonStatement},
		{name: "COMMIT in it ends it", q: question{op: OpExec, stmt: &commit}, at: situation{tx: 2, txOnCopy: true, pinned: none, last: none}, target: 2, reason: ReasonTx},

		// 2. Pins.
		{name: "a pinned scope stays on the primary", q: question{stmt: &plainRead}, at: situation{tx: none, pinned: 0, last: 0}, reason: ReasonPinned},
		{name: "a hint does not unpin", q: question{stmt: &plainRead, hints: &replica}, at: situation{tx: none, pinned: 0, last: 0}, reason: ReasonPinned},
		{name: "a scope pinned to a replica reads there", q: question{stmt: &plainRead}, at: situation{tx: none, pinned: 1, last: 1}, target: 1, reason: ReasonPinned},
		{name: "but does not write there", q: question{stmt: &plainWrite}, at: situation{tx: none, pinned: 1, last: 1}, reason: ReasonStatement},

		// 3. The statement before.
		{name: "diagnostics follow the last statement", q: question{stmt: &diagnostic}, at: situation{tx: none, pinned: none, last: 2}, target: 2, reason: ReasonLast},
		{name: "diagnostics without one go to the primary", q: question{stmt: &diagnostic}, at: idle, reason: ReasonStatement},

		// 4. Hints.
		{name: "WithPrimary", q: question{stmt: &plainRead, hints: &primary}, at: idle, reason: ReasonHintPrimary},
		{name: "WithReplica skips consistency", q: question{stmt: &plainRead, hints: &replica, need: requirement{number: 100}}, at: idle, target: none, set: 0b110, reason: ReasonHintReplica},
		{name: "WithReplica does not move a write", q: question{stmt: &plainWrite, hints: &replica}, at: idle, reason: ReasonStatement},
		{name: "WithReadOnly refuses a write", q: question{stmt: &plainWrite, hints: &hints{readOnly: true}}, at: idle, err: ErrReadOnly},
		{name: "WithReadOnly lets reads through", q: question{stmt: &plainRead, hints: &hints{readOnly: true}}, at: idle, target: none, set: 0b110, reason: ReasonRead},
		{name: "comment hints need hints=on", q: question{stmt: &Statement{Route: RouteReplica, Hint: HintPrimary}}, at: idle, target: none, set: 0b110, reason: ReasonRead},
		{name: "comment hint", policy: policy{hints: true}, q: question{stmt: &Statement{Route: RouteReplica, Hint: HintPrimary}}, at: idle, reason: ReasonHintPrimary},
		{name: "the context weighs more than a comment", policy: policy{hints: true}, q: question{stmt: &Statement{Route: RouteReplica, Hint: HintPrimary}, hints: &replica}, at: idle, target: none, set: 0b110, reason: ReasonHintReplica},
		{name: "reads=primary", policy: policy{reads: ReadsPrimary}, q: question{stmt: &plainRead}, at: idle, reason: ReasonReadsPrimary},
		{name: "reads=primary and WithReplica", policy: policy{reads: ReadsPrimary}, q: question{stmt: &plainRead, hints: &replica}, at: idle, target: none, set: 0b110, reason: ReasonHintReplica},
		{name: "reads=primary and a read-only transaction", policy: policy{reads: ReadsPrimary}, q: question{op: OpBegin, stmt: &plainRead}, at: idle, target: none, set: 0b110, reason: ReasonBeginReadOnly},

		// 5. Consistency.
		{name: "one replica has caught up", q: question{stmt: &plainRead, need: requirement{number: 6}}, at: idle, target: none, set: 0b100, reason: ReasonRead},
		{name: "no replica has caught up", q: question{stmt: &plainRead, need: requirement{number: 8}}, at: idle, reason: ReasonNotCaughtUp},
		{name: "a session's reads do not go back", q: question{stmt: &plainRead, need: requirement{readAsk: 4}}, at: idle, target: none, set: 0b100, reason: ReasonRead},
		{name: "a session may stay where it is", q: question{stmt: &plainRead, need: requirement{readAsk: 4, replica: newReplicaRef(1, 1)}}, at: idle, target: none, set: 0b110, reason: ReasonRead},
		{name: "but not on another incarnation", q: question{stmt: &plainRead, need: requirement{readAsk: 5, replica: newReplicaRef(1, 2)}}, at: idle, reason: ReasonNotCaughtUp},
		{name: "an unusable token means primary", q: question{stmt: &plainRead, need: requirement{unmeetable: true}}, at: idle, reason: ReasonNotCaughtUp},
		{name: "eventual: a scope that wrote stays", policy: policy{consistency: Eventual}, q: question{stmt: &plainRead}, at: situation{tx: none, pinned: none, last: 0, wrote: true}, reason: ReasonScopeWrote},
		{name: "eventual: unless it is told to go", policy: policy{consistency: Eventual}, q: question{stmt: &plainRead, hints: &replica}, at: situation{tx: none, pinned: none, last: 0, wrote: true}, target: none, set: 0b110, reason: ReasonHintReplica},

		// 6. Nobody.
		{name: "replicas are down", q: question{stmt: &plainRead}, at: idle, snap: func(s *snapshot) { s.up = none64 }, reason: ReasonReplicasDown},
		{name: "replicas lag", q: question{stmt: &plainRead}, at: idle, snap: func(s *snapshot) { s.fresh = none64 }, reason: ReasonLag},
		{name: "no replica is configured", q: question{stmt: &plainRead}, at: idle, snap: func(s *snapshot) { s.replicas, s.up = none64, none64 }, reason: ReasonNoReplicas},
		{name: "fallback=error", policy: policy{fallbackError: true}, q: question{stmt: &plainRead, need: requirement{number: 8}}, at: idle, err: ErrNoReplica},
		{name: "fallback=error does not touch writes", policy: policy{fallbackError: true}, q: question{stmt: &plainWrite, need: requirement{number: 8}}, at: idle, reason: ReasonStatement},
	} {
		t.Run(tt.name, func(t *testing.T) {
			snap := twoReplicas()
			if tt.snap != nil {
				tt.snap(snap)
			}
			if tt.q.hints == nil {
				tt.q.hints = &noHints
			}
			got, err := route(&tt.policy, &tt.q, &tt.at, snap)
			if !errors.Is(err, tt.err) {
				t.Fatalf("route: error %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			if got.target != tt.target || got.replicas != tt.set || got.reason != tt.reason {
				t.Errorf("route = target %d, replicas %b, %q; want %d, %b, %q",
					got.target, got.replicas, got.reason, tt.target, tt.set, tt.reason)
			}
		})
	}
}

func TestRouteAppliesTheLagLimitOfTheContext(t *testing.T) {
	now := time.Now()
	snap := twoReplicas()
	snap.fresh = 0 // beyond the Config's limit, which the context replaces
	snap.backends[1].lag = lagEstimate{known: true, asOf: now.Add(-time.Second)}
	snap.backends[2].lag = lagEstimate{} // unknown counts as too much
	q := question{stmt: &plainRead, hints: &hints{maxLag: 2 * time.Second}, now: now}
	at := situation{tx: none, pinned: none, last: none}
	got, err := route(&policy{}, &q, &at, snap)
	if err != nil || got.replicas != 0b010 {
		t.Errorf("route = %+v, %v; want replica 1 alone", got, err)
	}
}

func BenchmarkRoute(b *testing.B) {
	snap := twoReplicas()
	q := question{stmt: &plainRead, hints: &noHints, need: requirement{number: 5}}
	at := situation{tx: none, pinned: none, last: none}
	b.ReportAllocs()
	for b.Loop() {
		if v, err := route(&policy{}, &q, &at, snap); err != nil || v.replicas != 0b110 {
			b.Fatal(v, err)
		}
	}
}
