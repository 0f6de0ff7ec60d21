package rwsplit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// postgresDialect is PostgreSQL through any base driver whose errors have
// SQLState() string.
type postgresDialect struct{ postgresPositions }

var (
	_ Dialect    = postgresDialect{}
	_ TxProber   = postgresDialect{}
	_ Positioner = postgresDialect{}
)

func (postgresDialect) Name() string { return "postgres" }

func (postgresDialect) Classify(query string) Statement { return Classify("postgres", query) }

// Fault goes by the SQLSTATE, see
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
func (postgresDialect) Fault(err error) Fault {
	switch state := sqlState(err); state {
	case "":
		return connectionFault(err)
	case "25006": // read_only_sql_transaction, also what recovery refuses
		return FaultRefusedWrite
	case "0A000", "55000":
		// feature_not_supported and object_not_in_prerequisite_state say it
		// in words only: SERIALIZABLE, unlogged relations, locks.
		if text := err.Error(); strings.Contains(text, "recovery") || strings.Contains(text, "hot standby") {
			return FaultRefusedWrite
		}
		return FaultNone
	case "XX000":
		// internal_error: "cannot assign TransactionIds during recovery", where
		// only the innermost check refuses, such as in pg_logical_emit_message.
		if text := err.Error(); strings.Contains(text, "cannot assign ") && strings.Contains(text, " during recovery") {
			return FaultRefusedWrite
		}
		return FaultNone
	case "42P01", "42703", "42883", "42704", "3F000", "3D000", "42501":
		// undefined table, column, function, object, schema, database, or
		// insufficient_privilege: a grant that was not replayed yet
		return FaultMissing
	case "40001", "57P04":
		// A standby says serialization_failure for nothing but a conflict with
		// recovery, and database_dropped for the replay of DROP DATABASE. The
		// words tell, but in the server's language.
		return FaultConflict
	case "57P01", "57P02", "57P03", "57P05", "25P03", "53300":
		// admin_shutdown, crash_shutdown, cannot_connect_now, idle session or
		// transaction ended, too_many_connections
		return FaultUnavailable
	default:
		if strings.HasPrefix(state, "08") {
			return FaultLost
		}
		return FaultNone
	}
}

func (postgresDialect) Setup(ctx context.Context, s PhysicalConn, readOnly bool) error {
	if !readOnly {
		return nil
	}
	return s.Exec(ctx, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
}

// What makes an incarnation: the start of the postmaster to the microsecond,
// which no two servers share, and the time at which the statistics begin. The
// postmaster survives the crash of a backend, after which a standby replays
// again from its last restart point; the statistics do not.
// https://www.postgresql.org/docs/current/monitoring-stats.html
const (
	postgresIncarnation = `(extract(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1000000)::bigint,
		(SELECT (extract(epoch FROM stats_reset) * 1000000)::bigint FROM pg_catalog.pg_stat_archiver),
		pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('server_version')`
	postgresInspect      = `SELECT ` + postgresIncarnation + `, (SELECT system_identifier FROM pg_catalog.pg_control_system())`
	postgresInspectPlain = `SELECT ` + postgresIncarnation + `, ''`
)

func (d postgresDialect) Inspect(ctx context.Context, s PhysicalConn) (Server, error) {
	row, err := s.QueryText(ctx, postgresInspect)
	if sqlState(err) != "" && d.Fault(err) != FaultUnavailable {
		// Some hosted servers keep pg_control_system from ordinary roles.
		row, err = s.QueryText(ctx, postgresInspectPlain)
	}
	if err != nil {
		if sqlState(err) != "" && d.Fault(err) != FaultUnavailable {
			// Something that speaks the protocol and is not PostgreSQL: it
			// works, but can't be told apart from another.
			return Server{}, nil
		}
		return Server{}, err
	}
	start, err := strconv.ParseInt(row[0], 10, 64)
	if err != nil {
		return Server{}, fmt.Errorf("rwsplit: the server's start time can't be read: %w", err)
	}
	return Server{
		Identity: row[4] + "/" + row[0] + "/" + row[1],
		Start:    time.UnixMicro(start),
		Cluster:  row[4],
		Version:  row[3],
		Dialect:  "postgres",
		ReadOnly: row[2] == "true" || row[2] == "t",
	}, nil
}

// InTransaction asks with SAVEPOINT, the one statement that every transaction
// takes and that leaves nothing behind outside of one.
func (postgresDialect) InTransaction(ctx context.Context, s PhysicalConn) (bool, error) {
	err := s.Exec(ctx, "SAVEPOINT rwsplit_probe")
	switch sqlState(err) {
	case "25P01": // no_active_sql_transaction
		return false, nil
	case "25P02": // in_failed_sql_transaction
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return true, s.Exec(ctx, "RELEASE SAVEPOINT rwsplit_probe")
}

// sqlState returns the five letters of a server's error, or "".
func sqlState(err error) string {
	var s sqlStateError
	if err != nil && errors.As(err, &s) {
		if state := s.SQLState(); len(state) == 5 {
			return state
		}
	}
	return ""
}
