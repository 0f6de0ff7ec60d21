// Package dialect_test asks real servers what the dialects believe of them.
package dialect_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
	_ "github.com/rwsplit/rwsplit/rwmysql"
	_ "github.com/rwsplit/rwsplit/rwpgx"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

func dialectOf(t *testing.T, c *cluster.Cluster) rwsplit.Dialect {
	t.Helper()
	d, ok := rwsplit.DialectOf(c.Engine.DriverName())
	require.True(t, ok)
	return d
}

// dial opens a session of the application as rwsplit does.
func dial(t *testing.T, c *cluster.Cluster, dsn string, role rwsplit.Role) rwsplit.PhysicalConn {
	t.Helper()
	connector, err := dialectOf(t, c).(rwsplit.Opener).OpenConnector(dsn, role, true)
	require.NoError(t, err)
	conn, err := connector.Connect(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return rwsplit.PhysicalConn{Conn: conn}
}

func inspect(t *testing.T, c *cluster.Cluster, dsn string, role rwsplit.Role) rwsplit.Server {
	t.Helper()
	server, err := dialectOf(t, c).Inspect(t.Context(), dial(t, c, dsn, role))
	require.NoError(t, err)
	require.NotEmpty(t, server.Identity)
	require.False(t, server.Start.IsZero())
	return server
}

func TestServersAreToldApart(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		var seen []rwsplit.Server
		for _, s := range c.Servers() {
			role := rwsplit.RoleReplica
			if s == c.Primary() {
				role = rwsplit.RolePrimary
			}
			server := inspect(t, c, s.AppDSN(), role)
			require.Equal(t, role == rwsplit.RoleReplica, server.ReadOnly, "%s: %+v", s.Name, server)
			require.Equal(t, string(c.Engine), server.Dialect)
			require.Equal(t, c.Engine == cluster.Postgres, server.Cluster != "")
			require.False(t, server.AutocommitOff)
			for _, other := range seen {
				require.NotEqual(t, other.Identity, server.Identity)
				require.False(t, other.SameIncarnation(server))
				require.Equal(t, other.Cluster, server.Cluster)
			}
			seen = append(seen, server)
		}
	})
}

func TestAServerKeepsItsIncarnation(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		s := c.Replicas()[0]
		first := inspect(t, c, s.AppDSN(), rwsplit.RoleReplica)
		// MySQL and MariaDB count their uptime in seconds: look on both sides
		// of a second's end.
		for end := time.Now().Add(1200 * time.Millisecond); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			require.Equal(t, first, inspect(t, c, s.AppDSN(), rwsplit.RoleReplica))
		}
		require.NoError(t, s.Restart(t.Context()))
		require.False(t, first.SameIncarnation(inspect(t, c, s.AppDSN(), rwsplit.RoleReplica)))
	})
}

// A standby whose postmaster survived the crash of one of its processes replays
// again from its last restart point: what was known of it counts no more.
func TestAStandbyThatRecoveredIsAnotherIncarnation(t *testing.T) {
	c := cluster.Shared(t, cluster.Postgres)
	s := c.Replicas()[0]
	before := inspect(t, c, s.AppDSN(), rwsplit.RoleReplica)

	var pid int
	require.NoError(t, s.Admin().QueryRowContext(t.Context(),
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'").Scan(&pid))
	// The answer is lost: every session ends.
	_, _ = s.Admin().ExecContext(t.Context(), fmt.Sprintf("COPY (SELECT 1) TO PROGRAM 'kill -9 %d'", pid))

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	connector, err := dialectOf(t, c).(rwsplit.Opener).OpenConnector(s.AppDSN(), rwsplit.RoleReplica, true)
	require.NoError(t, err)
	for {
		conn, err := connector.Connect(ctx)
		if err == nil {
			after, err := dialectOf(t, c).Inspect(ctx, rwsplit.PhysicalConn{Conn: conn})
			_ = conn.Close()
			if err == nil && after.Identity != before.Identity {
				require.True(t, after.Start.Equal(before.Start), "the postmaster was to survive")
				require.False(t, after.SameIncarnation(before))
				return
			}
		}
		require.NoError(t, ctx.Err(), "the standby stayed %+v", before)
		time.Sleep(20 * time.Millisecond)
	}
}

func TestReplicaSessionsRefuseWrites(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		// On the primary, nothing but the session can refuse.
		d := dialectOf(t, c)
		dsn := c.Primary().AppDSN()
		require.NoError(t, dial(t, c, dsn, rwsplit.RolePrimary).Exec(t.Context(), "CREATE TABLE item (id INT PRIMARY KEY)"))
		s := dial(t, c, dsn, rwsplit.RoleReplica)
		require.NoError(t, d.Setup(t.Context(), s, true))
		for _, query := range []string{
			"INSERT INTO item VALUES (1)", "CREATE TABLE other (id INT)", "SELECT id FROM item FOR UPDATE",
		} {
			err := s.Exec(t.Context(), query)
			if err == nil && c.Engine != cluster.Postgres && query[:6] == "SELECT" {
				continue // a read-only transaction may lock rows there
			}
			require.Error(t, err, query)
			require.Equal(t, rwsplit.FaultRefusedWrite, d.Fault(err), "%s: %v", query, err)
		}

		replica := dial(t, c, c.Replicas()[0].AppDSN(), rwsplit.RolePrimary)
		require.NoError(t, c.WaitReplayed(t.Context()))
		err := replica.Exec(t.Context(), "INSERT INTO item VALUES (1)")
		require.Error(t, err)
		require.Equal(t, rwsplit.FaultRefusedWrite, d.Fault(err), "%v", err)
	})
}

func TestReplicaSessionsHaveAutocommit(t *testing.T) {
	for _, e := range []cluster.Engine{cluster.MySQL, cluster.MariaDB} {
		t.Run(string(e), func(t *testing.T) {
			c := cluster.Shared(t, e)
			d := dialectOf(t, c)
			dsn := c.Primary().AppDSN() + "&autocommit=0"
			require.True(t, d.(rwsplit.AutocommitTeller).AutocommitOff(dsn))
			require.True(t, inspect(t, c, dsn, rwsplit.RolePrimary).AutocommitOff)
			s := dial(t, c, dsn, rwsplit.RoleReplica)
			require.NoError(t, s.Exec(t.Context(), "SET autocommit = 0"))
			require.NoError(t, d.Setup(t.Context(), s, false))
			row, err := s.QueryText(t.Context(), "SELECT @@session.autocommit")
			require.NoError(t, err)
			require.Equal(t, []string{"1"}, row)
		})
	}
}

func TestOpenTransactionsAreSeen(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		linked := dialectOf(t, c)
		builtin, ok := rwsplit.DialectByName(string(c.Engine))
		require.True(t, ok)
		for _, server := range c.Servers()[:2] {
			s := dial(t, c, server.AppDSN(), rwsplit.RolePrimary)
			exec := func(query string) { require.NoError(t, s.Exec(t.Context(), query), query) }
			expect := func(want bool, when string) {
				t.Helper()
				for _, d := range []rwsplit.Dialect{linked, builtin} {
					in, err := d.(rwsplit.TxProber).InTransaction(t.Context(), s)
					require.NoError(t, err, when)
					require.Equal(t, want, in, "%s on %s, asked by %T", when, server.Name, d)
				}
			}
			expect(false, "at first")
			exec("BEGIN")
			exec("SELECT 1")
			expect(true, "after BEGIN")
			exec("ROLLBACK")
			expect(false, "after ROLLBACK")
			exec("START TRANSACTION READ ONLY")
			expect(true, "after START TRANSACTION READ ONLY")
			exec("COMMIT")
			expect(false, "after COMMIT")
			if c.Engine == cluster.Postgres {
				exec("BEGIN")
				require.Error(t, s.Exec(t.Context(), "SELECT 1/0"))
				expect(true, "after an error")
				exec("ROLLBACK")
				expect(false, "after the end of a failed one")
			}
		}
	})
}

// The question must not change what the next transaction is.
func TestAskingForATransactionLeavesNothingBehind(t *testing.T) {
	for _, e := range []cluster.Engine{cluster.MySQL, cluster.MariaDB} {
		t.Run(string(e), func(t *testing.T) {
			c := cluster.Shared(t, e)
			d := dialectOf(t, c)
			s := dial(t, c, c.Primary().AppDSN(), rwsplit.RoleReplica)
			require.NoError(t, d.Setup(t.Context(), s, true))
			in, err := d.(rwsplit.TxProber).InTransaction(t.Context(), s)
			require.NoError(t, err)
			require.False(t, in)
			err = s.Exec(t.Context(), "CREATE TABLE item (id INT)")
			require.Error(t, err)
			require.Equal(t, rwsplit.FaultRefusedWrite, d.Fault(err), "%v", err)
		})
	}
}

func TestFaultsOfServers(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		d := dialectOf(t, c)
		replica := c.Replicas()[0]
		s := dial(t, c, replica.AppDSN(), rwsplit.RoleReplica)
		missing := []string{"SELECT * FROM nothing", "SELECT nothing FROM (SELECT 1 AS x) AS y", "SELECT nothing.nothing()"}
		if c.Engine == cluster.Postgres {
			missing = append(missing, "SELECT nothing()")
		}
		for _, query := range missing {
			err := s.Exec(t.Context(), query)
			require.Error(t, err, query)
			want := rwsplit.FaultMissing
			require.Equal(t, want, d.Fault(err), "%s: %v", query, err)
		}
		err := s.Exec(t.Context(), "SELECT 1 FROM")
		require.Error(t, err)
		require.Equal(t, rwsplit.FaultNone, d.Fault(err), "%v", err)

		require.NoError(t, replica.Kill(t.Context()))
		err = s.Exec(t.Context(), "SELECT 1")
		require.Error(t, err)
		require.Contains(t, []rwsplit.Fault{rwsplit.FaultLost, rwsplit.FaultUnavailable}, d.Fault(err), "%v", err)
		connector, err := d.(rwsplit.Opener).OpenConnector(replica.AppDSN(), rwsplit.RoleReplica, true)
		require.NoError(t, err)
		_, err = connector.Connect(t.Context())
		require.Error(t, err)
		require.Contains(t, []rwsplit.Fault{rwsplit.FaultLost, rwsplit.FaultUnavailable}, d.Fault(err), "%v", err)
		require.NoError(t, replica.Start(t.Context()))
	})
}
