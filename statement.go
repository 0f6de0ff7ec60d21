package rwsplit

// Route says where a statement may run.
type Route uint8

const (
	// RoutePrimary is the zero value: doubt means primary.
	RoutePrimary Route = iota
	// RouteReplica marks a plain read that any caught-up replica may serve.
	RouteReplica
	// RouteLast marks a statement about the statement before it (SHOW
	// WARNINGS, FOUND_ROWS()): it belongs on the same server.
	RouteLast
)

// String returns "primary", "replica" or "last".
func (r Route) String() string {
	switch r {
	case RouteReplica:
		return "replica"
	case RouteLast:
		return "last"
	default:
		return "primary"
	}
}

// Statement is what the classifier knows about one SQL text. It is a plain
// value without references into the text.
type Statement struct {
	// Route is where the text may run outside a transaction.
	Route Route
	// Writes reports that the text counts as a write: it changes data, or what
	// it does can't be known from its text.
	Writes bool
	// Pins reports that the text makes, changes or uses state of its database
	// session, or may do so; State says which. What follows in the same scope
	// belongs on the same server.
	Pins bool
	// Opaque reports that the text alone does not say what the server will do
	// (CALL, DO, EXECUTE, unknown functions, several statements in one text).
	// Such a text is never run a second time elsewhere.
	Opaque bool
	// Tx is what the text does to the transaction of its session.
	Tx TxControl
	// State is the session state that the text makes or uses; zero unless Pins.
	State SessionState
	// Clears is the session state that is gone after the text has run.
	Clears SessionState
	// Hint is the leading comment hint, honoured with hints=on only.
	Hint CommentHint
	// DDL reports that the text may change the catalog (tables, functions).
	DDL bool
	// own reports that the text asks for nothing but what every session has of
	// its own (its id): a transaction is asked where it runs.
	own bool
	// Reason names the rule that decided, in a few words, for people:
	// "plain read", "locking read (FOR UPDATE)", "unknown function".
	Reason string
}

// TxControl is what a statement does to the transaction of its session.
type TxControl uint8

const (
	// TxNone: the statement leaves the transaction state alone.
	TxNone TxControl = iota
	// TxBegin opens a transaction that may write.
	TxBegin
	// TxBeginReadOnly opens a read-only transaction that a replica can run.
	TxBeginReadOnly
	// TxCommit and TxRollback end the transaction.
	TxCommit
	// TxRollback ends the transaction.
	TxRollback
	// TxChain ends the transaction and opens the next one (AND CHAIN).
	TxChain
	// TxSavepoint sets, releases or goes back to a savepoint.
	TxSavepoint
	// TxImplicitCommit ends an open transaction as a side effect (MySQL DDL).
	TxImplicitCommit
	// TxAutocommitOff opens a transaction with the next statement, for ever.
	TxAutocommitOff
	// TxAutocommitOn commits and ends that.
	TxAutocommitOn
	// TxXAStart opens an XA branch.
	TxXAStart
	// TxXAEnd is XA COMMIT, XA ROLLBACK or XA PREPARE: the session has left its branch.
	TxXAEnd
	// TxUnknown: the text may begin or end a transaction; ask the server.
	TxUnknown
)

// SessionState is a set of kinds of session state.
type SessionState uint16

const (
	// StateSetting is a variable or parameter of the session (SET, USE, SET ROLE).
	StateSetting SessionState = 1 << iota
	// StateUserVar is a MySQL user variable.
	StateUserVar
	// StatePrepared is a statement prepared by text.
	StatePrepared
	// StateCursor is an open cursor or HANDLER.
	StateCursor
	// StateTempTable is a temporary table, view or sequence.
	StateTempTable
	// StateTableLock is LOCK TABLES or LOCK INSTANCE.
	StateTableLock
	// StateAdvisoryLock is an advisory lock (GET_LOCK, pg_advisory_lock).
	StateAdvisoryLock
	// StateListen is a LISTEN registration.
	StateListen
	// StateOpaque stands for state that can't be named: a procedure or an
	// unknown function may have made any.
	StateOpaque

	// StateAll is every kind.
	StateAll SessionState = 1<<iota - 1
)

// CommentHint is a routing hint written as a leading comment.
type CommentHint uint8

const (
	// HintNone: the text has no hint.
	HintNone CommentHint = iota
	// HintPrimary is /* rwsplit:primary */.
	HintPrimary
	// HintReplica is /* rwsplit:replica */.
	HintReplica
)
