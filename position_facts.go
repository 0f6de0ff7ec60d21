package rwsplit

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
)

// positionFacts is what one backend says about itself and its replication.
// What its user may not see is missing, not guessed.
type positionFacts struct {
	backend  Backend
	position Position
	err      error // why there is no position
	// later is the primary's position when the replicas had been asked for theirs.
	later Position
	// settings by lower-case name; a missing one is unknown.
	settings map[string]string
	// upstream is SHOW REPLICA STATUS, a map of columns per channel;
	// upstreamErr says why it is not known.
	upstream    []map[string]string
	upstreamErr error
}

// positionChecker is implemented by dialects that can say what would break the
// promises of their positions.
type positionChecker interface {
	Positioner
	// positionFacts asks a backend. An error means that it could not be asked;
	// what the user may not see is no error.
	positionFacts(ctx context.Context, s PhysicalConn, b Backend) (positionFacts, error)
	// warnPrimary and warnReplica judge the answers. They do no I/O.
	warnPrimary(primary positionFacts, source PositionSource) []string
	warnReplica(primary, replica positionFacts, source PositionSource) []string
}

var (
	_ positionChecker = postgresPositions{}
	_ positionChecker = mysqlPositions{}
	_ positionChecker = mariadbPositions{}
)

// setting returns a setting in lower case, "" if it is unknown.
func (f positionFacts) setting(name string) string {
	return strings.ToLower(strings.TrimSpace(f.settings[name]))
}

// off reports a setting that is known to be off.
func (f positionFacts) off(name string) bool {
	switch f.setting(name) {
	case "off", "0", "false":
		return true
	}
	return false
}

// on reports a setting that is known to be on.
func (f positionFacts) on(name string) bool {
	switch f.setting(name) {
	case "on", "1", "true":
		return true
	}
	return false
}

// askPosition puts the question that belongs to the backend's role.
func askPosition(ctx context.Context, p Positioner, s PhysicalConn, b Backend) (Position, error) {
	if b.Role == RolePrimary {
		return p.PrimaryPosition(ctx, s)
	}
	return p.ReplicaPosition(ctx, s)
}

// gotAnswer reports that err is what the server said about its position, not a
// question that failed.
func gotAnswer(err error) bool {
	return err == nil || errors.Is(err, errNoPosition) || errors.Is(err, errNotPrimary) || errors.Is(err, errNotReplica)
}

// postgresFactsQuery gives names and values in turn.
const postgresFactsQuery = `
SELECT 'wal_receivers', (SELECT count(*) FROM pg_catalog.pg_stat_wal_receiver)::text,
       'sees_statistics', pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage')::text,
       'replay_paused', CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_is_wal_replay_paused()::text END,
       'synchronous_commit', pg_catalog.current_setting('synchronous_commit'),
       'synchronous_standby_names', pg_catalog.current_setting('synchronous_standby_names'),
       'max_standby_streaming_delay', pg_catalog.current_setting('max_standby_streaming_delay'),
       'recovery_min_apply_delay', pg_catalog.current_setting('recovery_min_apply_delay')`

func (p postgresPositions) positionFacts(ctx context.Context, s PhysicalConn, b Backend) (positionFacts, error) {
	f := positionFacts{backend: b, settings: make(map[string]string)}
	if f.position, f.err = askPosition(ctx, p, s, b); !gotAnswer(f.err) {
		return f, f.err
	}
	row, err := s.QueryText(ctx, postgresFactsQuery)
	if err != nil {
		return f, err
	}
	for i := 0; i+1 < len(row); i += 2 {
		f.settings[row[i]] = row[i+1]
	}
	return f, nil
}

// The names that changed are asked under both; a server knows what it knows.
const mysqlFactsQuery = `SHOW GLOBAL VARIABLES WHERE Variable_name IN (
'server_uuid', 'gtid_mode', 'gtid_purged', 'log_bin', 'read_only', 'super_read_only',
'log_replica_updates', 'log_slave_updates',
'replica_parallel_workers', 'slave_parallel_workers',
'replica_preserve_commit_order', 'slave_preserve_commit_order')`

func (p mysqlPositions) positionFacts(ctx context.Context, s PhysicalConn, b Backend) (positionFacts, error) {
	f := positionFacts{backend: b}
	if f.position, f.err = askPosition(ctx, p, s, b); !gotAnswer(f.err) {
		return f, f.err
	}
	var err error
	if f.settings, err = showVariables(ctx, s, mysqlFactsQuery); err != nil {
		return f, err
	}
	// The old words exist up to 8.3, the new ones since 8.0.22 and 8.2.
	if b.Role == RolePrimary {
		f.upstream, f.upstreamErr = showFirst(ctx, s, "SHOW BINARY LOG STATUS", "SHOW MASTER STATUS")
	} else {
		f.upstream, f.upstreamErr = showFirst(ctx, s, "SHOW REPLICA STATUS", "SHOW SLAVE STATUS")
	}
	return f, ctx.Err()
}

const mariadbFactsQuery = `SHOW GLOBAL VARIABLES WHERE Variable_name IN (
'server_id', 'gtid_domain_id', 'log_bin', 'read_only', 'wsrep_on', 'slave_parallel_threads',
'replicate_do_db', 'replicate_do_table', 'replicate_ignore_db', 'replicate_ignore_table',
'replicate_wild_do_table', 'replicate_wild_ignore_table')`

func (p mariadbPositions) positionFacts(ctx context.Context, s PhysicalConn, b Backend) (positionFacts, error) {
	f := positionFacts{backend: b}
	if f.position, f.err = askPosition(ctx, p, s, b); !gotAnswer(f.err) {
		return f, f.err
	}
	var err error
	if f.settings, err = showVariables(ctx, s, mariadbFactsQuery); err != nil {
		return f, err
	}
	if b.Role == RolePrimary {
		f.upstream, f.upstreamErr = showFirst(ctx, s, "SHOW MASTER STATUS")
	} else {
		f.upstream, f.upstreamErr = showFirst(ctx, s, "SHOW ALL SLAVES STATUS")
	}
	return f, ctx.Err()
}

// showVariables returns rows of names and values as a map.
func showVariables(ctx context.Context, s PhysicalConn, query string) (map[string]string, error) {
	columns, rows, err := queryTable(ctx, s, query)
	if err != nil {
		return nil, err
	}
	if len(columns) != 2 {
		return nil, fmt.Errorf("rwsplit: SHOW VARIABLES answered with %d columns", len(columns))
	}
	out := make(map[string]string, len(rows))
	for _, row := range rows {
		out[strings.ToLower(row[0])] = row[1]
	}
	return out, nil
}

// showFirst returns the rows of the first of several wordings that the server
// takes, by column name, and else the last error.
func showFirst(ctx context.Context, s PhysicalConn, queries ...string) (out []map[string]string, err error) {
	for _, query := range queries {
		var columns []string
		var rows [][]string
		if columns, rows, err = queryTable(ctx, s, query); err != nil {
			continue
		}
		out = make([]map[string]string, 0, len(rows))
		for _, row := range rows {
			m := make(map[string]string, len(row))
			for i, column := range columns {
				m[strings.ToLower(column)] = row[i]
			}
			out = append(out, m)
		}
		return out, nil
	}
	return nil, err
}

// queryTable returns all rows of a query without arguments as text; NULL is "".
func queryTable(ctx context.Context, s PhysicalConn, query string) (columns []string, rows [][]string, err error) {
	r, err := queryBase(ctx, s.Conn, query, nil)
	if errors.Is(err, driver.ErrSkip) {
		var st driver.Stmt
		if st, err = prepareBase(ctx, s.Conn, query); err != nil {
			return nil, nil, err
		}
		defer st.Close()
		r, err = queryStmtBase(ctx, st, nil)
	}
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	columns = r.Columns()
	values := make([]driver.Value, len(columns))
	for {
		if err := r.Next(values); err == io.EOF {
			return columns, rows, nil
		} else if err != nil {
			return nil, nil, err
		}
		row := make([]string, len(values))
		for i, v := range values {
			switch v := v.(type) {
			case nil:
			case []byte:
				row[i] = string(v)
			default:
				row[i] = fmt.Sprint(v)
			}
		}
		rows = append(rows, row)
	}
}
