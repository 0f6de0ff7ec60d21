package rwsplit

import (
	"strings"
	"sync"
)

// The rules of each engine are data: rules_postgres.go, rules_mysql.go,
// rules_sqlite.go, rules_generic.go. To add a function or a statement, add its
// name to the line that says what it does.

// functionRule says what functions do. call is callSafe for those that are
// safe on a replica; otherwise effect and what tell why they are not. names
// are in lower case; name@16 notes the version that a function came with.
type functionRule struct {
	source string // page of the manual
	call   callClass
	effect effectID
	what   string
	names  string
}

// statementRule says what statements do, by their first word.
type statementRule struct {
	start  startKind
	effect effectID
	what   string
	words  string
}

// wordRule says what words do wherever they stand in a query.
type wordRule struct {
	effect effectID
	what   string
	words  string
}

// keywordRule says which words are keywords.
type keywordRule struct {
	kw    keyword
	call  callClass
	words string
}

// followRule names words that are no functions behind one of certain others,
// though a function may have their name elsewhere: GROUP BY (..), by (..).
type followRule struct {
	after, words string
	write        bool // in a write only
}

// languageRules is all that the classifier knows about one language.
type languageRules struct {
	lang  language
	words *wordTable
	lex   lexRules // the reading by the engine's defaults

	// Other readings that servers may have: of backslashes, and, from skip on,
	// the same without executable comments. See classifyReadings.
	plainDouble, plain, swapped      lexRules
	skip, skipPlainDouble, skipPlain lexRules

	sysVars     map[string]sysVarRule // system variables that are not plain
	settings    map[string]struct{}   // names for callSetting and SHOW that belong on the primary
	ownSettings map[string]struct{}   // the same, but for those of a transaction on a replica
	localPrefix []string              // prefixes of relations that hold one server's own data
	localSchema []schemaRule          // schemas with such relations
	qualifier   string                // schema of the built-in functions
	nameLimit   int                   // longer names are cut
	quotedFold  bool                  // quoted function names are folded too
	quotedCalls bool                  // quoted function names find built-in functions
}

// withReadings fills in the other readings.
func (r *languageRules) withReadings() *languageRules {
	read := func(single, double, skip bool) lexRules {
		lex := r.lex
		lex.escapeSingle, lex.escapeDouble, lex.skipExec = single, double, skip
		return lex
	}
	r.swapped = read(!r.lex.escapeSingle, r.lex.escapeDouble, false)
	r.plainDouble, r.skipPlainDouble = read(true, false, false), read(true, false, true)
	r.plain, r.skipPlain = read(false, false, false), read(false, false, true)
	r.skip = read(r.lex.escapeSingle, r.lex.escapeDouble, true)
	return r
}

// localRelation reports whether a name is that of a relation which holds one
// server's own data (pg_stat_activity).
func (r *languageRules) localRelation(name string) bool {
	for _, p := range r.localPrefix {
		if prefixed(name, p) {
			return true
		}
	}
	return false
}

// localQuoted is localRelation for a name in quotes, and reports true for a
// relation of postgresRelations too.
func (r *languageRules) localQuoted(text string) bool {
	return prefixed(text, "pg_") && (r.localRelation(text) || r.lex.words.find(text).bareEff != effNone)
}

// schemaRule says which relations of a schema hold one server's own data.
type schemaRule struct {
	schema string
	names  map[string]struct{} // in lower case; nil: all of them
	reason string
}

// ownSchema returns the rule for a schema that has such relations, or nil. Few
// names are as long as one of these schemas.
func (r *languageRules) ownSchema(name string) *schemaRule {
	for i := range r.localSchema {
		if rule := &r.localSchema[i]; equalFold(rule.schema, name) {
			return rule
		}
	}
	return nil
}

// sysVarRule says what reading a system variable means.
type sysVarRule struct {
	effect effectID
	reason string
}

var ruleSets = [languageCount]func() *languageRules{
	langGeneric:  sync.OnceValue(genericRules),
	langPostgres: sync.OnceValue(postgresRules),
	langMySQL:    sync.OnceValue(mysqlRules),
	langMariaDB:  sync.OnceValue(mariadbRules),
	langSQLite:   sync.OnceValue(sqliteRules),
}

// effectID names one of the effects.
type effectID uint8

const (
	effNone        effectID = iota
	effLast                 // about the statement before
	effPrimary              // reads what only the primary or the session knows
	effOwn                  // reads what every session has of its own
	effLock                 // locks rows
	effSetting              // session state, by kind
	effUserVar              //
	effPrepared             //
	effCursor               //
	effTempTable            //
	effTableLock            //
	effAdvisory             //
	effListen               //
	effWrite                // changes data
	effDDL                  // changes the catalog
	effCommitDDL            // changes the catalog and ends the transaction
	effCommit               // changes something and ends the transaction
	effMaybeCommit          // changes something and may end the transaction
	effMaybeDDL             // changes the catalog and may end the transaction
	effOpaque               // may do anything but end the transaction
	effOpaqueTx             // may do anything
)

// effect is what a word, function or statement does.
type effect struct {
	route  Route
	rank   uint8 // the highest decides the reason
	writes bool
	opaque bool
	ddl    bool
	state  SessionState
	tx     TxControl
	own    bool
}

var effects = [...]effect{
	effNone:        {route: RouteReplica},
	effLast:        {route: RouteLast, rank: 1},
	effPrimary:     {rank: 2},
	effOwn:         {rank: 2, own: true},
	effLock:        {rank: 3},
	effSetting:     {rank: 4, state: StateSetting},
	effUserVar:     {rank: 4, state: StateUserVar},
	effPrepared:    {rank: 4, state: StatePrepared},
	effCursor:      {rank: 4, state: StateCursor},
	effTempTable:   {rank: 4, state: StateTempTable},
	effTableLock:   {rank: 4, state: StateTableLock},
	effAdvisory:    {rank: 4, state: StateAdvisoryLock},
	effListen:      {rank: 4, state: StateListen},
	effWrite:       {rank: 5, writes: true},
	effDDL:         {rank: 5, writes: true, ddl: true},
	effCommitDDL:   {rank: 5, writes: true, ddl: true, tx: TxImplicitCommit},
	effCommit:      {rank: 5, writes: true, tx: TxImplicitCommit},
	effMaybeCommit: {rank: 5, writes: true, tx: TxUnknown},
	effMaybeDDL:    {rank: 5, writes: true, ddl: true, tx: TxUnknown},
	effOpaque:      {rank: 5, writes: true, ddl: true, opaque: true, state: StateOpaque},
	effOpaqueTx:    {rank: 5, writes: true, ddl: true, opaque: true, state: StateOpaque, tx: TxUnknown},
}

// startKind says how a statement is read that starts with a word.
type startKind uint8

const (
	startUnknown    startKind = iota
	startQuery                // SELECT, WITH, VALUES, TABLE
	startDML                  // the effect, then as a query
	startFixed                // the effect, whatever follows
	startDDL                  // CREATE, ALTER, DROP
	startExplain              // EXPLAIN, DESCRIBE
	startAnalyze              // ANALYZE: of a table, or MariaDB's of a statement
	startShow                 // SHOW
	startSet                  // SET
	startReset                // RESET
	startDiscard              // DISCARD
	startUnlisten             // UNLISTEN
	startBegin                // BEGIN
	startStart                // START
	startCommit               // COMMIT, END
	startRollback             // ROLLBACK, ABORT
	startSavepoint            // SAVEPOINT, RELEASE
	startXA                   // XA
	startPrepare              // PREPARE
	startDeallocate           // DEALLOCATE
	startExecute              // EXECUTE
	startLock                 // LOCK
	startUnlock               // UNLOCK
	startFlush                // FLUSH
	startClose                // CLOSE
	startCopy                 // COPY
	startPragma               // PRAGMA
	startGet                  // GET DIAGNOSTICS
	startLoad                 // LOAD of MySQL
)

// wordSet makes a set of the words in s.
func wordSet(s string) map[string]struct{} {
	set := make(map[string]struct{})
	for _, word := range strings.Fields(s) {
		set[word] = struct{}{}
	}
	return set
}
