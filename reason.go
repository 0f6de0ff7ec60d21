package rwsplit

// Reason is the routing rule that decided where a statement runs.
type Reason uint8

// The reasons of a [Decision].
const (
	ReasonUnknown       Reason = iota
	ReasonRead                 // a plain read: a replica serves it
	ReasonStatement            // the statement must run on the primary; Statement.Reason says why
	ReasonExec                 // Exec goes to the primary
	ReasonTx                   // in a transaction: its server
	ReasonPinned               // session state keeps the scope on its server
	ReasonLast                 // about the statement before: the same server
	ReasonHintPrimary          // WithPrimary or a comment hint
	ReasonHintReplica          // WithReplica or a comment hint
	ReasonReadsPrimary         // reads=primary
	ReasonShadow               // reads=shadow: Decision.Shadow is where it would have run
	ReasonNoReplicas           // no replica is configured
	ReasonScopeWrote           // the scope wrote before, with consistency=eventual
	ReasonNotCaughtUp          // no replica is known to have replayed what was written
	ReasonReplicasDown         // no replica can be reached
	ReasonLag                  // no replica is known to be within max_lag
	ReasonBegin                // a transaction that may write
	ReasonBeginReadOnly        // a read-only transaction
	ReasonRefused              // a replica refused the statement: it runs on the primary
	ReasonMissing              // the replica lacks an object: it runs on the primary
	ReasonReplicaFailed        // the replica failed: the read runs elsewhere
	ReasonPing                 // Ping asks the primary
	ReasonRaw                  // the caller asked for the physical connection
	numReasons
)

var reasonTexts = [numReasons]string{
	ReasonUnknown:       "unknown",
	ReasonRead:          "plain read",
	ReasonStatement:     "statement belongs on the primary",
	ReasonExec:          "exec",
	ReasonTx:            "in a transaction",
	ReasonPinned:        "pinned by session state",
	ReasonLast:          "same server as the statement before",
	ReasonHintPrimary:   "hint: primary",
	ReasonHintReplica:   "hint: replica",
	ReasonReadsPrimary:  "reads=primary",
	ReasonShadow:        "reads=shadow",
	ReasonNoReplicas:    "no replica is configured",
	ReasonScopeWrote:    "the scope wrote before",
	ReasonNotCaughtUp:   "no replica has caught up with the last write",
	ReasonReplicasDown:  "no replica can be reached",
	ReasonLag:           "no replica is known to be within max_lag",
	ReasonBegin:         "transaction",
	ReasonBeginReadOnly: "read-only transaction",
	ReasonRefused:       "a replica refused it as a write",
	ReasonMissing:       "not on the replica yet",
	ReasonReplicaFailed: "the replica failed",
	ReasonPing:          "ping",
	ReasonRaw:           "raw connection",
}

// String returns a few words for people.
func (r Reason) String() string {
	if r >= numReasons {
		r = ReasonUnknown
	}
	return reasonTexts[r]
}
