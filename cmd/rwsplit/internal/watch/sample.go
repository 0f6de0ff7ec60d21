// Package watch looks at the servers of a Config again and again.
package watch

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/backends"
)

// Sample is what was seen of all servers at one moment.
type Sample struct {
	At      time.Time
	Servers []ServerSample
	// Read is where a plain read ran just now and why; ReadErr is why none did.
	Read    rwsplit.Decision
	ReadErr error
}

// ServerSample is what was seen of one server.
type ServerSample struct {
	rwsplit.BackendStats
	// Err is why the server did not answer.
	Err error
	// Answer is how long it took to.
	Answer time.Duration
	// Load is what all its clients did per second since the last sample, as
	// the server counts; negative where that is not known.
	Load float64
}

// loadQuery asks for a counter of work, of all clients, that needs no
// privilege. The name is what it counts.
var loadQuery = map[string]struct{ what, query string }{
	// https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-DATABASE-VIEW
	"postgres": {"transactions", "SELECT sum(xact_commit + xact_rollback)::text FROM pg_catalog.pg_stat_database"},
	// https://dev.mysql.com/doc/refman/8.4/en/server-status-variables.html#statvar_Questions
	"mysql":   {"queries", "SHOW GLOBAL STATUS LIKE 'Questions'"},
	"mariadb": {"queries", "SHOW GLOBAL STATUS LIKE 'Questions'"},
}

// sampler keeps what one sample needs of the one before.
type sampler struct {
	set     *backends.Set
	dialect string
	timeout time.Duration
	last    []counter // by server
}

type counter struct {
	at time.Time
	n  float64
}

func (s *sampler) sample(ctx context.Context) Sample {
	out := Sample{At: time.Now(), Servers: make([]ServerSample, len(s.set.Servers))}
	s.set.Each(ctx, s.timeout, func(ctx context.Context, i int, srv backends.Server) {
		s.ask(ctx, i, srv.DB, &out.Servers[i])
	})
	out.Read, out.ReadErr = s.read(ctx)
	for i, b := range s.set.Connector.Stats().Backends {
		out.Servers[i].BackendStats = b
	}
	return out
}

// ask fills in what the server itself says.
func (s *sampler) ask(ctx context.Context, i int, db *sql.DB, out *ServerSample) {
	out.Load = -1
	// What it takes to get a connection is not what a query takes.
	conn, err := db.Conn(ctx)
	if err != nil {
		out.Err = err
		s.last[i] = counter{}
		return
	}
	defer conn.Close()
	start := time.Now()
	var one int
	if out.Err = conn.QueryRowContext(ctx, "SELECT 1").Scan(&one); out.Err != nil {
		s.last[i] = counter{}
		return
	}
	out.Answer = time.Since(start)
	load, ok := loadQuery[s.dialect]
	if !ok {
		return
	}
	now := time.Now()
	n, err := number(ctx, conn, load.query)
	if err != nil {
		return
	}
	if last := s.last[i]; !last.at.IsZero() && n >= last.n {
		out.Load = (n - last.n) / now.Sub(last.at).Seconds()
	}
	s.last[i] = counter{now, n}
}

// number returns the last column of the first row.
func number(ctx context.Context, conn *sql.Conn, query string) (float64, error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	if !rows.Next() {
		return 0, fmt.Errorf("no row: %w", rows.Err())
	}
	values := make([]sql.NullString, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return 0, err
	}
	return strconv.ParseFloat(values[len(values)-1].String, 64)
}

type routeKey struct{}

// read sends a plain read through rwsplit.
func (s *sampler) read(ctx context.Context) (rwsplit.Decision, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var d rwsplit.Decision
	var one int
	err := s.set.DB.QueryRowContext(context.WithValue(ctx, routeKey{}, &d), "SELECT 1").Scan(&one)
	return d, err
}

// noteRoute is the Config's OnRoute.
func noteRoute(ctx context.Context, d rwsplit.Decision) {
	if to, ok := ctx.Value(routeKey{}).(*rwsplit.Decision); ok {
		*to = d
	}
}
