package rwprom

import "github.com/rwsplit/rwsplit"

// reasonLabels are the reasons as values of a label, which must not change when
// the words for people do.
var reasonLabels = map[rwsplit.Reason]string{
	rwsplit.ReasonRead:          "read",
	rwsplit.ReasonStatement:     "statement",
	rwsplit.ReasonExec:          "exec",
	rwsplit.ReasonTx:            "tx",
	rwsplit.ReasonPinned:        "pinned",
	rwsplit.ReasonLast:          "last",
	rwsplit.ReasonHintPrimary:   "hint_primary",
	rwsplit.ReasonHintReplica:   "hint_replica",
	rwsplit.ReasonReadsPrimary:  "reads_primary",
	rwsplit.ReasonShadow:        "shadow",
	rwsplit.ReasonNoReplicas:    "no_replicas",
	rwsplit.ReasonScopeWrote:    "scope_wrote",
	rwsplit.ReasonNotCaughtUp:   "not_caught_up",
	rwsplit.ReasonReplicasDown:  "replicas_down",
	rwsplit.ReasonLag:           "lag",
	rwsplit.ReasonBegin:         "begin",
	rwsplit.ReasonBeginReadOnly: "begin_read_only",
	rwsplit.ReasonRefused:       "refused",
	rwsplit.ReasonMissing:       "missing",
	rwsplit.ReasonReplicaFailed: "replica_failed",
	rwsplit.ReasonPing:          "ping",
	rwsplit.ReasonRaw:           "raw",
}

func reasonLabel(r rwsplit.Reason) string {
	if label, ok := reasonLabels[r]; ok {
		return label
	}
	return "unknown"
}
