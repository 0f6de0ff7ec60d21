// Package rwsplit is a database/sql driver that splits reads and writes: one
// sql.DB over a primary and its replicas. Reads that may run on a replica run
// on a replica, everything else on the primary, and nobody reads stale data
// that the same sql.DB wrote, although replicas lag.
//
//	import _ "github.com/rwsplit/rwsplit/rwpgx" // or .../rwmysql
//
//	db, err := sql.Open("rwsplit", `
//	    driver=pgx
//	    primary=postgres://app:secret@db-1/shop
//	    replica=postgres://app:secret@db-2/shop
//	    replica=postgres://app:secret@db-3/shop
//	    max_lag=5s`)
//
// # Connections
//
// A pooled connection holds at most one physical connection to each backend.
// None is dialled before a statement needs it, and all live as long as the
// pooled connection, so every setting of sql.DB (SetMaxOpenConns,
// SetConnMaxLifetime, ...) bounds each backend. Besides, the tracker has one
// connection of its own to each backend.
//
// A scope is the time from the checkout of a pooled connection to its return:
// one statement of a sql.DB, or the life of a sql.Conn or a sql.Tx.
//
// # Routing
//
// The first rule that applies decides:
//
//  1. In a transaction: the transaction's server. BeginTx with ReadOnly begins
//     on a replica, any other BeginTx on the primary. Transactions begun by SQL
//     text count the same. In a transaction on a replica a statement that must
//     run on the primary is an error, [ErrReadOnly]; what every session has of
//     its own (its id, transaction_read_only) is asked there.
//  2. A scope in which session state was made or may have been made (SET, a
//     temporary table, LOCK TABLES, an advisory lock, a procedure, a function
//     that nobody knows) stays on that server until it ends; with pins=conn
//     until the state is undone. State on a replica (of a read-only
//     transaction, of [Conn].Replica) does not make a read stale: while the
//     replica lacks what the reader must see, the read runs on the primary.
//  3. Statements that must run on the primary run there: writes, locking reads
//     at any depth, functions with side effects or unknown ones, values that
//     depend on the session, whatever is malformed or not understood. Exec goes
//     to the primary. See [Classify].
//  4. Hints: [WithPrimary], [WithReplica], and with hints=on a leading comment,
//     /* rwsplit:primary */ or /* rwsplit:replica */. [WithReadOnly] refuses
//     writes.
//  5. Consistency: a replica qualifies only if it has replayed what the reader
//     must see.
//  6. The replicas that qualify share the reads. If none does, the read waits
//     up to wait and then runs on the primary, or fails with [ErrNoReplica] if
//     fallback=error.
//
// # Consistency
//
// Every write gets a number when it has ended. The tracker asks the primary for
// its replication position, which covers all numbers so far, and the replicas
// for what they have replayed; a replica at that position has caught up to the
// number. A statement compares two numbers and asks nobody. The levels say what
// a read sees at least:
//
//   - [Eventual]: nothing in particular; but a scope that wrote stays on the
//     primary.
//   - [Session]: what its session (see [WithSession]) wrote or was handed by
//     [WithToken], and what was written outside any session.
//   - [Process], the default: every write that this sql.DB completed before.
//   - [Global]: every write that anybody completed on the primary before the
//     read began. It costs a question to the primary, one for all who ask at
//     the moment.
//
// With tracking=table every table has a number of its own, and a read waits for
// the writes to the tables that it could see: those that it names, and what the
// catalog says that these hide.
//
// Within a session reads do not go back in time, at every level but Eventual.
//
// # Errors
//
// Errors of a server or a base driver reach the caller unchanged. A read that
// fails because its replica failed runs again elsewhere, outside transactions
// and before any row was returned. A statement that a replica refused as a
// write was not executed there and runs on the primary. A write is never sent
// twice.
//
// # Other base drivers
//
// Any database/sql driver can be the base driver: driver=NAME with
// dialect=postgres, mysql, mariadb, sqlite or generic. A [Dialect] registered
// with [RegisterDialect] adds an engine.
package rwsplit
