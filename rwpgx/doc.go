// Package rwpgx links [github.com/jackc/pgx/v5/stdlib] into rwsplit.
//
//	import _ "github.com/rwsplit/rwsplit/rwpgx"
//
//	db, err := sql.Open("rwsplit", "driver=pgx primary=postgres://... replica=postgres://...")
//
// It registers the dialect of the drivers pgx and pgx/v5, and the driver name
// rwsplit-pgx, whose DSNs need no driver= key, for libraries that key on the
// name.
//
// Base DSNs are whatever pgx takes: URLs, keywords and values, several hosts
// with target_session_attrs, service files, and names that
// [stdlib.RegisterConnConfig] returned. The latter, and connectors in a
// [rwsplit.Config], bring their own dial function, so that a call which hangs
// on a frozen server ends with its context only.
//
// Replica sessions are opened with default_transaction_read_only=on as a
// start-up parameter. PgBouncer refuses that: either let it through there with
// ignore_startup_parameters, or set read_only_replicas=false.
//
// [stdlib.RegisterConnConfig]: https://pkg.go.dev/github.com/jackc/pgx/v5/stdlib#RegisterConnConfig
package rwpgx
