package rwsplit

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// positionWarnings says in sentences what would break a promise of the
// positions, or make them useless, and what to do about it. It does no I/O.
func positionWarnings(c positionChecker, source PositionSource, primary positionFacts, replicas []positionFacts) []string {
	list := c.warnPrimary(primary, source)
	for _, r := range replicas {
		list = append(list, c.warnReplica(primary, r, source)...)
	}
	return list
}

// warnings collects sentences about one backend.
type warnings struct {
	backend string
	list    []string
}

func (w *warnings) add(format string, args ...any) {
	w.list = append(w.list, w.backend+": "+fmt.Sprintf(format, args...))
}

// noPosition says what the server answered in place of a position. It reports
// whether there is none.
func (w *warnings) noPosition(f positionFacts, source PositionSource) bool {
	switch {
	case errors.Is(f.err, errNotPrimary):
		w.add("is a standby, so every write will fail; let primary= name the primary, or set roles=auto")
	case errors.Is(f.err, errNotReplica):
		w.add("is not in recovery: it was promoted, or it replicates logically; rebuild it as a standby of this primary, or set position=heartbeat")
	case errors.Is(f.err, errNoPosition):
		if source == PositionHeartbeat || source == PositionNone {
			return true // what the error tells people to do, or what they chose
		}
		w.add("%s; until then reads stay on the primary for sticky_for after a write", bareMessage(f.err))
	default: // not asked, or asked with success
		return f.position.IsZero()
	}
	return true
}

// bareMessage is an error's text without this package's prefix.
func bareMessage(err error) string { return strings.TrimPrefix(err.Error(), "rwsplit: ") }

func (postgresPositions) warnPrimary(primary positionFacts, source PositionSource) []string {
	w := warnings{backend: primary.backend.Name}
	w.noPosition(primary, source)
	if primary.setting("synchronous_commit") == "remote_apply" && primary.setting("synchronous_standby_names") != "" {
		w.add("commits wait until the synchronous standbys show them (synchronous_commit=remote_apply): safe, and slower than letting rwsplit choose a replica that has caught up")
	}
	return w.list
}

func (postgresPositions) warnReplica(primary, replica positionFacts, source PositionSource) []string {
	w := warnings{backend: replica.backend.Name}
	if w.noPosition(replica, source) {
		return w.list
	}
	p, r := primary.position, replica.position
	switch {
	case p.IsZero():
	case p.history != r.history:
		w.add("belongs to another cluster (system identifier %s, the primary has %s), so it never counts as caught up; check its DSN", r.history, p.history)
	case p.timeline != r.timeline && replica.off("sees_statistics"):
		w.add("seems to be on timeline %d, the primary is on %d, so it gets no reads that must be fresh; if it does follow this primary, grant pg_read_all_stats to the user so that this shows at once", r.timeline, p.timeline)
	case p.timeline != r.timeline:
		w.add("is on timeline %d, the primary is on %d, so it gets no reads that must be fresh; let it follow this primary", r.timeline, p.timeline)
	case replica.off("sees_statistics"):
		w.add("the user can't see which timeline it receives, so for some minutes after a promotion elsewhere its reads go to the primary, or it may be taken for a replica of a primary that was left behind; grant pg_read_all_stats (or pg_monitor) to the user")
	}
	if replica.setting("wal_receivers") == "0" {
		w.add("no WAL receiver is running, so it gets nothing new except from an archive; check primary_conninfo and the server's log")
	}
	if replica.on("replay_paused") {
		w.add("replay is paused; run pg_wal_replay_resume() on it")
	}
	if d := replica.setting("recovery_min_apply_delay"); d != "" && d != "0" {
		w.add("is delayed on purpose (recovery_min_apply_delay=%s), so after each write reads leave it for that long; leave it out of the replicas", d)
	}
	if d := replica.setting("max_standby_streaming_delay"); d == "-1" {
		w.add("replay may wait for ever for a long query (max_standby_streaming_delay=-1), and with it every read that must be fresh; set a bound")
	}
	return w.list
}

func (mysqlPositions) warnPrimary(primary positionFacts, source PositionSource) []string {
	w := warnings{backend: primary.backend.Name}
	w.noPosition(primary, source)
	w.notLogged(primary)
	return w.list
}

// notLogged: what is kept out of the binary log reaches no replica, and no
// position tells.
func (w *warnings) notLogged(primary positionFacts) {
	if primary.off("log_bin") {
		w.add("log_bin is off, so nothing replicates from it")
	}
	for _, row := range primary.upstream {
		for _, column := range []string{"binlog_do_db", "binlog_ignore_db"} {
			if v := row[column]; v != "" {
				w.add("%s=%s keeps some databases out of the binary log: replicas never get their changes, and count as caught up; remove the filter, or read those databases under WithPrimary", column, v)
			}
		}
	}
}

func (mysqlPositions) warnReplica(primary, replica positionFacts, source PositionSource) []string {
	w := warnings{backend: replica.backend.Name}
	if id := replica.setting("server_uuid"); id != "" && id == primary.setting("server_uuid") {
		w.add("is the primary itself (server_uuid %s); check its DSN", id)
		return w.list
	}
	w.noPosition(replica, source)
	if source != PositionHeartbeat && !primary.position.IsZero() && !replica.position.IsZero() {
		w.mysqlHistory(primary, replica)
	}
	workers, _ := strconv.Atoi(either(replica, "replica_parallel_workers", "slave_parallel_workers"))
	if order := either(replica, "replica_preserve_commit_order", "slave_preserve_commit_order"); workers > 1 && (order == "off" || order == "0") {
		if source == PositionHeartbeat {
			w.add("replica_preserve_commit_order is OFF with %d parallel appliers: the heartbeat overtakes data, so reads may be stale; turn it ON", workers)
		} else {
			w.add("replica_preserve_commit_order is OFF with %d parallel appliers: a read may see a later transaction of somebody else without an earlier one; turn it ON", workers)
		}
	}
	if replica.off("read_only") {
		w.add("read_only is OFF, so a write that reaches it makes it diverge; set read_only=ON (and super_read_only=ON)")
	}
	if u := either(replica, "log_replica_updates", "log_slave_updates"); u == "off" || u == "0" {
		w.add("log_replica_updates is OFF: no other replica can follow it after its promotion; turn it ON")
	}
	w.upstream(replica, "REPLICATION CLIENT")
	return w.list
}

// either returns a setting under its new or its old name.
func either(f positionFacts, name, old string) string {
	if v := f.setting(name); v != "" {
		return v
	}
	return f.setting(old)
}

func (w *warnings) mysqlHistory(primary, replica positionFacts) {
	p, r := primary.position.gtids, replica.position.gtids
	if mode := replica.setting("gtid_mode"); mode != "" && mode != "on" && mode != "1" {
		w.add("gtid_mode is %s; set it to ON as on the primary", strings.ToUpper(mode))
	}
	if purged, err := parseGTIDSet(primary.settings["gtid_purged"]); err == nil && !r.contains(purged) {
		w.add("lacks transactions that the primary has purged from its binary logs, so it never counts as caught up; rebuild it from a backup of this primary")
	} else if !r.knows(p) {
		w.add("has no transaction of a server whose transactions the primary has: it does not follow this primary, or has not begun to; check CHANGE REPLICATION SOURCE")
	}
	if later := primary.later.gtids; later != nil {
		p = later // the first transaction of a primary may come between the questions
	}
	if !p.knows(r) {
		w.add("has transactions that the primary does not know: it was written to, or follows another server; compare gtid_executed on both")
	}
}

// filterColumns are the columns of SHOW REPLICA STATUS, and in MariaDB the
// variables, that name replication filters.
var filterColumns = []string{
	"replicate_do_db", "replicate_ignore_db", "replicate_do_table", "replicate_ignore_table",
	"replicate_wild_do_table", "replicate_wild_ignore_table", "replicate_rewrite_db",
	"replicate_do_domain_ids", "replicate_ignore_domain_ids", "replicate_ignore_server_ids",
}

// upstream judges SHOW REPLICA STATUS under its new and old column names.
func (w *warnings) upstream(replica positionFacts, privilege string) {
	if replica.upstreamErr != nil {
		w.add("the user can't see its replication filters, delay and state; grant %s to the user to have them checked", privilege)
	} else if len(replica.upstream) == 0 {
		w.add("does not replicate from any server; check its set-up")
	}
	filters := make(map[string]string)
	for _, name := range filterColumns {
		if v := replica.settings[name]; v != "" {
			filters[name] = v
		}
	}
	for _, row := range replica.upstream {
		column := func(name, old string) string {
			if v, ok := row[name]; ok {
				return v
			}
			return row[old]
		}
		if strings.EqualFold(column("replica_io_running", "slave_io_running"), "no") {
			w.add("its receiver is stopped (Replica_IO_Running=No), so it gets nothing new; look at Last_IO_Error and start it")
		}
		if strings.EqualFold(column("replica_sql_running", "slave_sql_running"), "no") {
			w.add("its applier is stopped (Replica_SQL_Running=No), so it shows nothing new; look at Last_SQL_Error and start it")
		}
		if d := row["sql_delay"]; d != "" && d != "0" {
			w.add("is delayed on purpose by %s s, so after each write reads leave it for that long; leave it out of the replicas", d)
		}
		for _, name := range filterColumns {
			if v := row[name]; v != "" && v != "0" {
				filters[name] = v
			}
		}
	}
	for _, name := range filterColumns {
		if v, ok := filters[name]; ok {
			w.add("%s=%s keeps changes from it, and its position does not tell: filtered tables are stale although it counts as caught up; remove the filter, or read them under WithPrimary", name, v)
		}
	}
}

func (mariadbPositions) warnPrimary(primary positionFacts, source PositionSource) []string {
	w := warnings{backend: primary.backend.Name}
	if !w.noPosition(primary, source) {
		w.notLogged(primary)
	}
	if source != PositionHeartbeat && primary.on("wsrep_on") {
		w.add("is a Galera node: gtid_slave_pos does not move on the others; set position=heartbeat")
	}
	return w.list
}

func (mariadbPositions) warnReplica(primary, replica positionFacts, source PositionSource) []string {
	w := warnings{backend: replica.backend.Name}
	if id := replica.setting("server_id"); id != "" && id == primary.setting("server_id") {
		w.add("has the primary's server_id %s, so it is the primary itself, or can't replicate from it; check its DSN", id)
		return w.list
	}
	p, r := primary.position.domains, replica.position.domains
	if w.noPosition(replica, source); source != PositionHeartbeat && p != nil && r != nil {
		switch missing := p.missing(r); {
		case len(r.last) == 0 && len(p.last) > 0:
			w.add("gtid_slave_pos is empty: it does not replicate, or has not begun to; check CHANGE MASTER")
		case len(missing) > 0:
			w.add("has nothing of replication domain %s, so it never counts as caught up; replicate that domain, or delete it from the primary's binary log state (FLUSH BINARY LOGS DELETE_DOMAIN_ID)", strings.Join(missing, ", "))
		case !r.knows(p):
			w.add("replays what another server than the primary wrote under numbers that the primary used too: it follows that server, or their histories differ; let it follow this primary, or rebuild it")
		}
	}
	if source == PositionHeartbeat && p != nil && len(p.last) > 1 {
		w.add("replicates %d domains in parallel: the heartbeat may overtake data of the others, so reads may be stale; use position=native", len(p.last))
	}
	if replica.off("read_only") {
		w.add("read_only is OFF, so a write that reaches it makes it diverge; set read_only=ON")
	}
	w.upstream(replica, "REPLICA MONITOR")
	return w.list
}

// missing returns the domains of pos that other does not have.
func (pos *gtidByDomain) missing(other *gtidByDomain) []string {
	var out []string
	for _, g := range pos.last {
		if !slices.ContainsFunc(other.last, func(o mariadbGTID) bool { return o.domain == g.domain }) {
			out = append(out, strconv.FormatUint(uint64(g.domain), 10))
		}
	}
	return out
}
