package rwsplit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rwsplit/rwsplit"
)

var (
	primaryBackend = rwsplit.Backend{Name: "primary"}
	replicaBackend = rwsplit.Backend{Index: 1, Name: "replica1", Role: rwsplit.RoleReplica}
)

type settingMap = map[string]string

func TestPositionWarnings(t *testing.T) {
	facts := rwsplit.NewPositionFacts
	none := rwsplit.Position{}
	noPosition := func(text string) error { return fmt.Errorf("%w: %s", rwsplit.ErrNoPosition, text) }

	pg, my, maria := rwsplit.PostgresPositions, rwsplit.MySQLPositions, rwsplit.MariaDBPositions
	pgAt := func(s string) rwsplit.Position { return postgresAt(t, s) }
	myAt := func(s string) rwsplit.Position { return mysqlAt(t, s) }
	mariaAt := func(s string) rwsplit.Position { return mariadbAt(t, s) }
	pgPrimary := facts(primaryBackend, pgAt("7/2:0/10"), nil, settingMap{"synchronous_commit": "on"})
	pgFine := settingMap{"sees_statistics": "true", "wal_receivers": "1", "max_standby_streaming_delay": "30s", "recovery_min_apply_delay": "0"}
	myPrimary := facts(primaryBackend, myAt(uuidA+":1-9"), nil, settingMap{"server_uuid": uuidA, "gtid_mode": "ON", "gtid_purged": uuidA + ":1-3", "log_bin": "ON"})
	myFine := settingMap{"server_uuid": uuidB, "gtid_mode": "ON", "read_only": "ON", "replica_parallel_workers": "4", "replica_preserve_commit_order": "ON", "log_replica_updates": "ON"}
	myRuns := settingMap{"replica_io_running": "Yes", "replica_sql_running": "Yes", "sql_delay": "0"}
	mariaPrimary := facts(primaryBackend, mariaAt("0-1-9"), nil, settingMap{"log_bin": "ON", "wsrep_on": "OFF", "server_id": "1"})
	mariaFine := settingMap{"read_only": "ON", "server_id": "2"}
	mariaRuns := settingMap{"slave_io_running": "Yes", "slave_sql_running": "Yes", "sql_delay": "0"}
	with := func(base settingMap, more ...string) settingMap {
		out := make(settingMap)
		for k, v := range base {
			out[k] = v
		}
		for i := 0; i+1 < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}

	tests := []struct {
		name             string
		check            rwsplit.PositionChecker
		source           rwsplit.PositionSource
		primary, replica rwsplit.PositionFacts
		want             []string // a part of each warning
	}{
		{"postgres: all well", pg, "", pgPrimary, facts(replicaBackend, pgAt("7/2:0/10"), nil, pgFine), nil},
		{
			"postgres: commits wait for replicas", pg, "",
			facts(primaryBackend, pgAt("7/2:0/10"), nil, settingMap{"synchronous_commit": "remote_apply", "synchronous_standby_names": "*"}),
			facts(replicaBackend, pgAt("7/2:0/10"), nil, pgFine),
			[]string{"primary: commits wait"},
		},
		{
			"postgres: a standby for a primary", pg, "",
			facts(primaryBackend, none, rwsplit.ErrNotPrimary, nil),
			facts(replicaBackend, pgAt("7/2:0/10"), nil, pgFine),
			[]string{"primary: is a standby"},
		},
		{
			"postgres: a replica that is none", pg, "", pgPrimary,
			facts(replicaBackend, none, rwsplit.ErrNotReplica, nil),
			[]string{"replica1: is not in recovery"},
		},
		{
			"postgres: nothing replayed", pg, "", pgPrimary,
			facts(replicaBackend, none, noPosition("pg_last_wal_replay_lsn() is NULL"), nil),
			[]string{"replica1: the server has no replication position: pg_last_wal_replay_lsn() is NULL; until then"},
		},
		{
			"postgres: nothing replayed, but a heartbeat", pg, rwsplit.PositionHeartbeat, pgPrimary,
			facts(replicaBackend, none, noPosition("pg_last_wal_replay_lsn() is NULL"), nil), nil,
		},
		{
			"postgres: another cluster", pg, "", pgPrimary,
			facts(replicaBackend, pgAt("8/2:0/10"), nil, pgFine),
			[]string{"another cluster (system identifier 8, the primary has 7)"},
		},
		{
			"postgres: another timeline", pg, "", pgPrimary,
			facts(replicaBackend, pgAt("7/1:0/10"), nil, pgFine),
			[]string{"replica1: is on timeline 1, the primary is on 2"},
		},
		{
			"postgres: another timeline, perhaps", pg, "", pgPrimary,
			facts(replicaBackend, pgAt("7/1:0/10"), nil, with(pgFine, "sees_statistics", "false")),
			[]string{"seems to be on timeline 1, the primary is on 2, so it gets no reads that must be fresh; if it does follow this primary, grant pg_read_all_stats"},
		},
		{
			"postgres: no privileges", pg, "", pgPrimary,
			facts(replicaBackend, pgAt("7/2:0/10"), nil, with(pgFine, "sees_statistics", "false")),
			[]string{"grant pg_read_all_stats"},
		},
		{
			"postgres: everything else", pg, "", pgPrimary,
			facts(replicaBackend, pgAt("7/2:0/10"), nil, with(pgFine, "wal_receivers", "0", "replay_paused", "true", "recovery_min_apply_delay", "1min")),
			[]string{"no WAL receiver", "replay is paused", "recovery_min_apply_delay=1min"},
		},
		{
			"postgres: replay waits for queries", pg, "", pgPrimary,
			facts(replicaBackend, pgAt("7/2:0/10"), nil, with(pgFine, "max_standby_streaming_delay", "-1")),
			[]string{"max_standby_streaming_delay=-1"},
		},

		{"mysql: all well", my, "", myPrimary, facts(replicaBackend, myAt(uuidA+":1-9"), nil, myFine, myRuns), nil},
		{"mysql: behind is well", my, "", myPrimary, facts(replicaBackend, myAt(uuidA+":1-4:6"), nil, myFine, myRuns), nil},
		{
			"mysql: gtid_mode", my, "",
			facts(primaryBackend, none, noPosition("gtid_mode is OFF"), settingMap{"log_bin": "ON"}),
			facts(replicaBackend, myAt(""), nil, with(myFine, "gtid_mode", "OFF"), myRuns),
			[]string{"primary: the server has no replication position: gtid_mode is OFF; until then reads stay"},
		},
		{
			"mysql: filters on the primary", my, "",
			facts(primaryBackend, myAt(uuidA+":1-9"), nil, settingMap{"log_bin": "OFF"}, settingMap{"binlog_do_db": "shop", "binlog_ignore_db": ""}),
			facts(replicaBackend, myAt(uuidA+":1-9"), nil, myFine, myRuns),
			[]string{"log_bin is off", "primary: binlog_do_db=shop"},
		},
		{
			"mysql: the primary for a replica", my, "", myPrimary,
			facts(replicaBackend, myAt(uuidA+":1-9"), nil, with(myFine, "server_uuid", uuidA)),
			[]string{"replica1: is the primary itself"},
		},
		{
			"mysql: follows another server", my, "", myPrimary,
			facts(replicaBackend, myAt(uuidA+":1-3,"+uuidB+":1-9"), nil, myFine, myRuns),
			[]string{"transactions that the primary does not know"},
		},
		{
			"mysql: the primary's first transaction came between the questions", my, "",
			facts(primaryBackend, myAt(uuidA+":1-9"), nil, settingMap{"server_uuid": uuidB}).WithLater(myAt(uuidA + ":1-9," + uuidB + ":1")),
			facts(replicaBackend, myAt(uuidA+":1-9,"+uuidB+":1"), nil, with(myFine, "server_uuid", uuidA), myRuns),
			nil,
		},
		{
			"mysql: lacks what was purged", my, "", myPrimary,
			facts(replicaBackend, myAt(uuidA+":3-9"), nil, myFine, myRuns),
			[]string{"lacks transactions that the primary has purged"},
		},
		{
			"mysql: follows nobody", my, "",
			facts(primaryBackend, myAt(uuidA+":1-9"), nil, settingMap{"server_uuid": uuidA}),
			facts(replicaBackend, myAt(""), nil, with(myFine, "gtid_mode", "OFF_PERMISSIVE")),
			[]string{"gtid_mode is OFF_PERMISSIVE", "no transaction of a server whose transactions the primary has", "does not replicate from any server"},
		},
		{
			"mysql: commit order", my, "", myPrimary,
			facts(replicaBackend, myAt(uuidA+":1-9"), nil, with(myFine, "replica_preserve_commit_order", "OFF"), myRuns),
			[]string{"with 4 parallel appliers: a read may see a later transaction"},
		},
		{
			"mysql: commit order under its old name, with a heartbeat", my, rwsplit.PositionHeartbeat, myPrimary,
			facts(replicaBackend, myAt(uuidA+":1-9"), nil, settingMap{"server_uuid": uuidB, "slave_parallel_workers": "2", "slave_preserve_commit_order": "OFF"}, myRuns),
			[]string{"the heartbeat overtakes data"},
		},
		{
			"mysql: one applier keeps the order", my, "", myPrimary,
			facts(replicaBackend, myAt(uuidA+":1-9"), nil, with(myFine, "replica_parallel_workers", "1", "replica_preserve_commit_order", "OFF"), myRuns), nil,
		},
		{
			"mysql: state of replication", my, "", myPrimary,
			facts(replicaBackend, myAt(uuidA+":1-9"), nil, with(myFine, "read_only", "OFF", "log_replica_updates", "OFF"),
				settingMap{"replica_io_running": "No", "replica_sql_running": "No", "sql_delay": "60", "replicate_wild_ignore_table": "shop.log%"}),
			[]string{"read_only is OFF", "log_replica_updates is OFF", "Replica_IO_Running=No", "Replica_SQL_Running=No", "by 60 s", "replicate_wild_ignore_table=shop.log%"},
		},
		{
			"mysql: not allowed to look", my, "", myPrimary,
			facts(replicaBackend, myAt(uuidA+":1-9"), nil, myFine).WithUpstreamError(errors.New("access denied")),
			[]string{"grant REPLICATION CLIENT"},
		},

		{"mariadb: all well", maria, "", mariaPrimary, facts(replicaBackend, mariaAt("0-1-8"), nil, mariaFine, mariaRuns), nil},
		{
			"mariadb: the primary for a replica", maria, "", mariaPrimary,
			facts(replicaBackend, mariaAt(""), nil, settingMap{"server_id": "1", "read_only": "OFF"}),
			[]string{"it is the primary itself"},
		},
		{
			"mariadb: log_bin", maria, "",
			facts(primaryBackend, none, noPosition("log_bin is off"), settingMap{"log_bin": "OFF"}),
			facts(replicaBackend, mariaAt("0-1-8"), nil, mariaFine, mariaRuns),
			[]string{"primary: the server has no replication position: log_bin is off"},
		},
		{
			"mariadb: Galera", maria, "",
			facts(primaryBackend, mariaAt("0-1-9"), nil, settingMap{"log_bin": "ON", "wsrep_on": "ON"}),
			facts(replicaBackend, mariaAt("0-1-8"), nil, mariaFine, mariaRuns),
			[]string{"Galera"},
		},
		{"mariadb: follows nobody", maria, "", mariaPrimary, facts(replicaBackend, mariaAt(""), nil, mariaFine), []string{"gtid_slave_pos is empty", "does not replicate from any server"}},
		{
			"mariadb: domains that are missing", maria, "",
			facts(primaryBackend, mariaAt("0-1-9,2-1-1,3-1-1"), nil, nil),
			facts(replicaBackend, mariaAt("0-1-9,4-1-1"), nil, mariaFine, mariaRuns),
			[]string{"nothing of replication domain 2, 3"},
		},
		{
			"mariadb: another transaction under the same number", maria, "", mariaPrimary,
			facts(replicaBackend, mariaAt("0-2-9"), nil, mariaFine, mariaRuns),
			[]string{"their histories differ"},
		},
		{
			"mariadb: goes on from another server", maria, "", mariaPrimary,
			facts(replicaBackend, mariaAt("0-2-12"), nil, mariaFine, mariaRuns),
			[]string{"replays what another server than the primary wrote"},
		},
		{
			"mariadb: a heartbeat and two domains", maria, rwsplit.PositionHeartbeat,
			facts(primaryBackend, mariaAt("0-1-9,2-1-1"), nil, nil),
			facts(replicaBackend, mariaAt("0-1-9,2-1-1"), nil, mariaFine, mariaRuns),
			[]string{"replicates 2 domains in parallel"},
		},
		{
			"mariadb: filters anybody can see", maria, "", mariaPrimary,
			facts(replicaBackend, mariaAt("0-1-9"), nil, settingMap{"read_only": "OFF", "replicate_do_db": "shop"}).WithUpstreamError(errors.New("access denied")),
			[]string{"read_only is OFF", "grant REPLICA MONITOR", "replicate_do_db=shop"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := rwsplit.PositionWarnings(tt.check, tt.source, tt.primary, []rwsplit.PositionFacts{tt.replica})
			if len(got) != len(tt.want) {
				t.Fatalf("got %d warnings %q, want %d", len(got), got, len(tt.want))
			}
			for i, want := range tt.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("warning %d: got %q, want it to say %q", i, got[i], want)
				}
			}
		})
	}
}

// layered hides everything but the Dialect and names its engine, as the
// dialects of base drivers do.
type layered struct{ rwsplit.Dialect }

func (l layered) Engine() rwsplit.Dialect { return l.Dialect }

func TestCheckerForEachEngine(t *testing.T) {
	dialect := func(name string) rwsplit.Dialect {
		d, ok := rwsplit.DialectByName(name)
		if !ok {
			t.Fatalf("no dialect %s", name)
		}
		return d
	}
	tests := []struct {
		name, dialect string
		server        rwsplit.Server
		want          string
	}{
		{"postgres", "postgres", rwsplit.Server{Dialect: "postgres"}, "rwsplit.postgresDialect"},
		{"mysql", "mysql", rwsplit.Server{}, "rwsplit.mysqlPositions"},
		{"mariadb", "mariadb", rwsplit.Server{}, "rwsplit.mariadbPositions"},
		{"left open and unknown", "mysql/mariadb", rwsplit.Server{}, "<nil>"},
		{"left open, mysql", "mysql/mariadb", rwsplit.Server{Dialect: "mysql"}, "rwsplit.mysqlPositions"},
		{"left open, mariadb", "mysql/mariadb", rwsplit.Server{Dialect: "mariadb"}, "rwsplit.mariadbPositions"},
		{"mysql in the DSN, mariadb behind it", "mysql", rwsplit.Server{Dialect: "mariadb"}, "rwsplit.mariadbPositions"},
		{"sqlite", "sqlite", rwsplit.Server{}, "<nil>"},
		{"generic", "generic", rwsplit.Server{}, "<nil>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, d := range []rwsplit.Dialect{dialect(tt.dialect), layered{dialect(tt.dialect)}} {
				if got := fmt.Sprintf("%T", rwsplit.CheckerFor(d, tt.server)); got != tt.want {
					t.Errorf("%T: got %s, want %s", d, got, tt.want)
				}
			}
		})
	}
}

func TestPositionsOfAnUnknownEngineAreNone(t *testing.T) {
	d, _ := rwsplit.DialectByName("mysql/mariadb")
	p, ok := d.(rwsplit.Positioner)
	if !ok {
		t.Fatalf("%T has no positions", d)
	}
	if _, err := p.PrimaryPosition(t.Context(), rwsplit.PhysicalConn{}); !errors.Is(err, rwsplit.ErrNoPosition) {
		t.Errorf("got %v, want %v", err, rwsplit.ErrNoPosition)
	}
}
