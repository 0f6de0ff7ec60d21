package integration_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
	"github.com/rwsplit/rwsplit/internal/corpus"
)

// corpusRoot is where the statement corpus is; see the README there.
var corpusRoot = filepath.Join("..", "testdata", "classify")

// corpusStatement bounds one statement of the corpus.
const corpusStatement = 20 * time.Second

// What the corpus says of a replica is what a replica does: it runs every
// statement that the classifier sends there, and refuses every statement that
// is called loud. The check after the test holds that the replicas are then as
// they were.
func TestCorpusOnReplicas(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		statements := corpusOf(t, c)
		replica, primary := replicaSessions(t, c), primarySessions(t, c)
		var ran, refused, other, norun int
		for _, s := range statements {
			switch {
			case s.NoRun || s.Superuser:
				norun++
			case s.Loud:
				refused++
				err := replica.run(s)
				replica.renew() // a refused batch may leave a transaction open
				if err == nil || !readOnlyRefusal(err) {
					t.Errorf("%s: loud, but the replica answers %v\n%s", s.Name(), err, s.SQL)
				}
			case s.Route == "replica":
				ran++
				if err := replica.run(s); err != nil {
					t.Errorf("%s: for a replica, but it answers %v\n%s", s.Name(), err, s.SQL)
					replica.renew()
				}
			default:
				// A replica would take these and answer for the wrong server or
				// session; MariaDB's would even log a temporary table as a
				// transaction of its own. So they run where they belong.
				other++
				if err := primary.run(s); err != nil {
					t.Errorf("%s: for the primary, but it answers %v\n%s", s.Name(), err, s.SQL)
				}
				primary.renew()
			}
		}
		require.Greater(t, ran, 200)
		require.Greater(t, refused, 100)
		t.Logf("%s %s: %d statements: %d run on a replica, %d refused there, %d more run on the primary, %d not runnable",
			c.Engine, c.Version, len(statements), ran, refused, other, norun)
	})
}

// Through rwsplit every statement for a replica reaches one, and runs.
func TestCorpusThroughRWSplit(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		statements := corpusOf(t, c)
		batches := openWith(t, c, func(cfg *rwsplit.Config) {
			cfg.Primary = corpusDSN(c, cfg.Primary)
			for i := range cfg.Replicas {
				cfg.Replicas[i] = corpusDSN(c, cfg.Replicas[i])
			}
		})
		batches.settle()
		a := batches
		if c.Engine == cluster.Postgres {
			// As applications open it, pgx prepares every text.
			a = open(t, c)
			a.settle()
		}
		ran := 0
		for _, s := range statements {
			if s.Route != "replica" || s.NoRun || s.Superuser {
				continue
			}
			last, err := a.lastOf(s.SQL)
			if onlyBatch(err) {
				last, err = batches.lastOf(s.SQL)
			}
			want := rwsplit.RoleReplica
			if c.Engine == cluster.Postgres && strings.Contains(s.SQL, `U&"`) {
				// The schema has an unlogged table, which this name could be.
				want = rwsplit.RolePrimary
			}
			if last.Backend.Role == rwsplit.RoleReplica {
				ran++
			}
			if err != nil || last.Query != s.SQL || last.Backend.Role != want {
				t.Errorf("%s: ran on %s (%s; %s), error %v\n%s", s.Name(), last.Backend.Name, last.Reason, last.Statement.Reason, err, s.SQL)
			}
		}
		require.Greater(t, ran, 200)
		t.Logf("%s %s: %d statements ran on a replica", c.Engine, c.Version, ran)
	})
}

// lastOf runs a query to its end and returns where.
func (a *app) lastOf(query string) (rwsplit.Decision, error) {
	ctx, cancel := context.WithTimeout(a.t.Context(), corpusStatement)
	defer cancel()
	err := drainAll(a.QueryContext(ctx, query))
	return a.last(), err
}

// onlyBatch reports whether PostgreSQL refused to prepare a text of several
// statements.
func onlyBatch(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42601" && strings.Contains(pg.Message, "multiple commands")
}

// corpusOf puts the corpus's schema on all servers and returns its statements.
func corpusOf(t *testing.T, c *cluster.Cluster) []corpus.Statement {
	t.Helper()
	ctx := bounded(t)
	statements, err := corpus.Load(corpusRoot, string(c.Engine))
	require.NoError(t, err)
	schema, err := os.ReadFile(filepath.Join(corpusRoot, string(c.Engine), "schema.sql"))
	require.NoError(t, err)
	dsn := c.Primary().AppDSN()
	if c.Engine != cluster.Postgres {
		// Functions need more than the application's rights beside a binary log.
		dsn = c.Primary().AdminDSN()
	}
	db, err := sql.Open(c.Engine.DriverName(), corpusDSN(c, dsn))
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(ctx, string(schema))
	require.NoError(t, err)
	require.NoError(t, c.WaitReplayed(ctx))
	return statements
}

// corpusDSN lets the base driver send texts of more than one statement.
func corpusDSN(c *cluster.Cluster, dsn string) string {
	parameter := "multiStatements=true"
	if c.Engine == cluster.Postgres {
		parameter = "default_query_exec_mode=simple_protocol"
	}
	if strings.Contains(dsn, "?") {
		return dsn + "&" + parameter
	}
	return dsn + "?" + parameter
}

// sessions are the base driver's sessions on one server, one at a time.
type sessions struct {
	t     *testing.T
	db    *sql.DB
	setup string
	conn  *sql.Conn
}

// replicaSessions are read-only as rwsplit makes them.
func replicaSessions(t *testing.T, c *cluster.Cluster) *sessions {
	t.Helper()
	s := sessionsOn(t, c, c.Replicas()[0])
	s.setup = "SET SESSION TRANSACTION READ ONLY"
	if c.Engine == cluster.Postgres {
		s.setup = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"
	}
	return s
}

func primarySessions(t *testing.T, c *cluster.Cluster) *sessions {
	t.Helper()
	return sessionsOn(t, c, c.Primary())
}

func sessionsOn(t *testing.T, c *cluster.Cluster, server *cluster.Server) *sessions {
	t.Helper()
	db, err := sql.Open(c.Engine.DriverName(), corpusDSN(c, server.AppDSN()))
	require.NoError(t, err)
	db.SetMaxIdleConns(-1)
	s := &sessions{t: t, db: db}
	t.Cleanup(func() {
		s.renew()
		require.NoError(t, db.Close())
	})
	return s
}

// run runs a statement in the session.
func (s *sessions) run(statement corpus.Statement) error {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), corpusStatement)
	defer cancel()
	if s.conn == nil {
		conn, err := s.db.Conn(ctx)
		require.NoError(s.t, err)
		s.conn = conn
		if s.setup != "" {
			_, err = conn.ExecContext(ctx, s.setup)
			require.NoError(s.t, err)
		}
	}
	_, err := s.conn.ExecContext(ctx, statement.SQL)
	return err
}

// renew ends the session; the next statement gets a new one.
func (s *sessions) renew() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

// readOnlyRefusal reports whether a server refused to write, and for no other
// reason.
func readOnlyRefusal(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "25006": // read_only_sql_transaction
			return true
		case "0A000", "55000": // feature_not_supported, object_not_in_prerequisite_state
			return strings.Contains(pg.Message, "during recovery") || strings.Contains(pg.Message+pg.Hint, "recovery is in progress")
		case "XX000": // internal_error: where only the innermost check is left, such as CREATE TABLE AS below EXPLAIN ANALYZE
			return pg.Message == "cannot assign OIDs during recovery" || pg.Message == "cannot assign TransactionIds during recovery"
		}
		return false
	}
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		switch my.Number {
		case 1290: // ER_OPTION_PREVENTS_STATEMENT, of several options
			return strings.Contains(my.Message, "read-only") || strings.Contains(my.Message, "read_only")
		case 1792, 1836: // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, ER_READ_ONLY_MODE
			return true
		}
	}
	return false
}

// drainAll reads every result to its end.
func drainAll(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for {
		for rows.Next() {
		}
		if !rows.NextResultSet() {
			return errors.Join(rows.Err(), rows.Close())
		}
	}
}
