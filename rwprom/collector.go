package rwprom

import (
	"database/sql"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rwsplit/rwsplit"
)

// collector turns one snapshot of the statistics into metrics each time that it
// is asked.
type collector struct {
	db *sql.DB

	statements  *prometheus.Desc
	state       *prometheus.Desc
	primary     *prometheus.Desc
	running     *prometheus.Desc
	connections *prometheus.Desc
	lag         *prometheus.Desc
	lagKnown    *prometheus.Desc
	unconfirmed *prometheus.Desc
	writes      *prometheus.Desc
	held        *prometheus.Desc
	roleChanges *prometheus.Desc
}

var _ prometheus.Collector = (*collector)(nil)

// NewCollector returns a collector of db's metrics with the label db_name. It
// does no I/O, neither now nor when it collects, and may be used by several
// registries at once. It fails if db was not opened with rwsplit.
func NewCollector(db *sql.DB, dbName string) (prometheus.Collector, error) {
	if _, err := rwsplit.StatsOf(db); err != nil {
		return nil, err
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("rwsplit_"+name, help, labels, prometheus.Labels{"db_name": dbName})
	}
	return &collector{
		db:          db,
		statements:  desc("statements_total", "Statements routed to a backend, by routing rule.", "backend", "reason"),
		state:       desc("backend_state", "1 for the state that a backend is in, else 0.", "backend", "state"),
		primary:     desc("backend_primary", "1 for the primary, else 0.", "backend"),
		running:     desc("backend_running", "Statements under way on a backend.", "backend"),
		connections: desc("backend_connections", "Physical connections to a backend, those included that are being closed.", "backend"),
		lag:         desc("replica_lag_seconds", "How long a replica has been known to miss something; a lower bound where the lag is not known.", "backend"),
		lagKnown:    desc("replica_lag_known", "1 if the lag of a replica is known, else 0.", "backend"),
		unconfirmed: desc("replica_unconfirmed_writes", "Writes that a replica is not known to have.", "backend"),
		writes:      desc("writes_total", "Writes."),
		held:        desc("held_reads_total", "Reads that no replica was known to be fit for, by the table that was written.", "table"),
		roleChanges: desc("role_changes_total", "Changes of the roles, by kind.", "change"),
	}, nil
}

// Describe sends the descriptions of all metrics.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.statements, c.state, c.primary, c.running, c.connections, c.lag, c.lagKnown,
		c.unconfirmed, c.writes, c.held, c.roleChanges,
	} {
		ch <- d
	}
}

// Collect sends the metrics.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	st, err := rwsplit.StatsOf(c.db)
	if err != nil {
		return // it was rwsplit's when the collector was made
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	for i := range st.Backends {
		b := &st.Backends[i]
		for reason, n := range b.Reasons {
			count(c.statements, n, b.Name, reasonLabel(reason))
		}
		for _, state := range states {
			gauge(c.state, oneIf(b.State == state), b.Name, string(state))
		}
		gauge(c.primary, oneIf(b.Role == rwsplit.RolePrimary), b.Name)
		gauge(c.running, float64(b.Running), b.Name)
		gauge(c.connections, float64(b.Connections), b.Name)
		if b.Role != rwsplit.RoleReplica {
			continue
		}
		gauge(c.lag, b.Lag.Seconds(), b.Name)
		gauge(c.lagKnown, oneIf(b.LagKnown), b.Name)
		// CaughtUp counts what was there before the first write as one.
		gauge(c.unconfirmed, float64(st.Writes+1-min(b.CaughtUp, st.Writes+1)), b.Name)
	}
	count(c.writes, st.Writes)
	count(c.held, st.Held.Database, "")
	for table, n := range st.Held.Tables {
		count(c.held, n, table)
	}
	if st.Held.OtherTables > 0 {
		count(c.held, st.Held.OtherTables, otherTables)
	}
	for change, n := range st.RoleChanges {
		count(c.roleChanges, n, change)
	}
}

// otherTables stands for the tables that the statistics do not tell apart. No
// table that they name has a parenthesis in it.
const otherTables = "(others)"

var states = []rwsplit.BackendState{rwsplit.StateUp, rwsplit.StateDown, rwsplit.StateLagging, rwsplit.StateRefused}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
