// Package rwprom exports what [rwsplit.StatsOf] tells of a sql.DB as Prometheus
// metrics.
//
//	collector, err := rwprom.NewCollector(db, "shop")
//	...
//	prometheus.MustRegister(collector)
//
// Every series has the label db_name, and those of one server have the label
// backend: primary, replica1, replica2, ..., which stays what it was in the DSN
// when the roles change.
//
// # Metrics
//
//   - rwsplit_statements_total {backend, reason}: statements that were routed to
//     a backend, by routing rule. The reason is read, exec, tx, not_caught_up, ...:
//     the names of the rwsplit.Reason constants.
//   - rwsplit_backend_state {backend, state}: 1 for the state that the backend is
//     in, of up, down, lagging and refused; else 0.
//   - rwsplit_backend_primary {backend}: 1 for the primary, else 0.
//   - rwsplit_backend_running {backend}: statements under way.
//   - rwsplit_backend_connections {backend}: physical connections.
//   - rwsplit_replica_lag_seconds {backend}: how long the replica has been known
//     to miss something. It is a lower bound where rwsplit_replica_lag_known is 0.
//   - rwsplit_replica_lag_known {backend}: 1 if the lag is known, else 0.
//   - rwsplit_replica_unconfirmed_writes {backend}: writes of this sql.DB that the
//     replica is not known to have.
//   - rwsplit_writes_total: writes of this sql.DB.
//   - rwsplit_held_reads_total {table}: reads that the primary had to serve since
//     no replica was known to have a write to that table; without a table for
//     writes that count for the whole database.
//   - rwsplit_role_changes_total {change}: with roles=auto, promotion, takeover,
//     demotion and refused.
//
// The pool itself is told by client_golang's collectors.NewDBStatsCollector.
package rwprom
