// Package rwsqlmw puts an [sqlmw.Interceptor] around each physical backend of
// a [rwsplit.Config], so that it sees what every server sees: the statements
// after routing, those of rwsplit itself included.
//
//	cfg, err := rwsplit.ParseDSN(dsn)
//	...
//	cfg.WrapConnector = rwsqlmw.Wrap(func(b rwsplit.Backend) sqlmw.Interceptor {
//		return &logger{backend: b.Name}
//	})
//	connector, err := rwsplit.NewConnector(cfg)
//	db := sql.OpenDB(connector)
//
// # What differs from sqlmw alone
//
// A base driver behaves as it does without an interceptor. Where sqlmw would
// panic (a driver with neither ExecerContext nor Execer), drop transaction
// options, hide a ColumnConverter or not close a Connector, this package steps
// in.
//
// # Costs and limits
//
// sqlmw wraps statements, results and rows: two to four allocations a call.
// Nothing of it is in the way unless it is asked for. Rows are sqlmw's, with
// the optional interfaces that sqlmw knows. A query that the base driver wants
// prepared first is seen twice: it ends with [driver.ErrSkip], then it is
// prepared. An interceptor whose ConnectorConnect answers with a connection of
// its own making, and not the base driver's, hides that from rwsplit.
package rwsqlmw
