package cluster_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/integration/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

// open opens a pool of the application's connections to one server.
func open(t *testing.T, c *cluster.Cluster, s *cluster.Server) *sql.DB {
	t.Helper()
	db, err := sql.Open(c.Engine.DriverName(), s.AppDSN())
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() }) // its server may be gone
	return db
}

func run(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement)
	require.NoError(t, err, statement)
}

func count(t *testing.T, db *sql.DB, table string) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n))
	return n
}

func TestWritesReachEveryReplica(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		primary := open(t, c, c.Primary())
		run(t, primary, "CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(20))")
		for i := range 10 {
			run(t, primary, fmt.Sprintf("INSERT INTO item VALUES (%d, 'n%d')", i, i))
		}
		require.NoError(t, c.WaitReplayed(t.Context()))
		require.Len(t, c.Replicas(), 2)
		ids := make(map[string]bool)
		for _, s := range c.Servers() {
			db := open(t, c, s)
			require.Equal(t, 10, count(t, db, "item"), s.Name)
			var id string
			require.NoError(t, db.QueryRowContext(t.Context(), c.Engine.WhichQuery()).Scan(&id))
			want, err := s.ID(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, id)
			ids[id] = true
		}
		require.Len(t, ids, 3, "each server has an ID of its own")
	})
}

func TestReplicasRefuseTheApplicationsWrites(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		run(t, open(t, c, c.Primary()), "CREATE TABLE item (id INT PRIMARY KEY)")
		require.NoError(t, c.WaitReplayed(t.Context()))
		for _, s := range c.Replicas() {
			_, err := open(t, c, s).ExecContext(t.Context(), "INSERT INTO item VALUES (1)")
			require.Error(t, err, s.Name)
			require.Regexp(t, "25006|1290", err.Error())
			require.NoError(t, s.Restart(t.Context()))
			_, err = open(t, c, s).ExecContext(t.Context(), "INSERT INTO item VALUES (1)")
			require.Error(t, err, "%s after a restart", s.Name)
			require.Regexp(t, "25006|1290", err.Error())
		}
	})
}

func TestDelayHoldsBackOneReplica(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		primary := open(t, c, c.Primary())
		run(t, primary, "CREATE TABLE item (id INT PRIMARY KEY)")
		require.NoError(t, c.WaitReplayed(t.Context()))
		late, prompt := c.Replicas()[0], c.Replicas()[1]
		lateDB, promptDB := open(t, c, late), open(t, c, prompt)
		require.NoError(t, late.Delay(t.Context(), time.Hour))
		run(t, primary, "INSERT INTO item VALUES (1)")
		require.Eventually(t, func() bool { return count(t, promptDB, "item") == 1 }, 20*time.Second, 20*time.Millisecond)
		require.Zero(t, count(t, lateDB, "item"))
		require.NoError(t, late.Delay(t.Context(), 0))
		require.NoError(t, c.WaitReplayed(t.Context()))
		require.Equal(t, 1, count(t, lateDB, "item"))

		require.NoError(t, c.Delay(t.Context(), 2*time.Second))
		began := time.Now()
		run(t, primary, "INSERT INTO item VALUES (2)")
		require.NoError(t, c.WaitReplayed(t.Context()))
		// MySQL and MariaDB count from the second in which the commit fell.
		require.Greater(t, time.Since(began), 950*time.Millisecond)
		require.Equal(t, 2, count(t, lateDB, "item"))
	})
}

func TestPausedReplicasStandStill(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		primary := open(t, c, c.Primary())
		run(t, primary, "CREATE TABLE item (id INT PRIMARY KEY)")
		require.NoError(t, c.WaitReplayed(t.Context()))
		require.NoError(t, c.PauseReplay(t.Context()))
		run(t, primary, "INSERT INTO item VALUES (1)")
		short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		require.Error(t, c.WaitReplayed(short))
		for _, s := range c.Replicas() {
			require.Zero(t, count(t, open(t, c, s), "item"), s.Name)
		}
		require.NoError(t, c.ResumeReplay(t.Context()))
		require.NoError(t, c.DataEqual(t.Context()))
		for _, s := range c.Replicas() {
			require.Equal(t, 1, count(t, open(t, c, s), "item"), s.Name)
		}
	})
}

func TestAFrozenServerAnswersNothingAndGoesOn(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		run(t, open(t, c, c.Primary()), "CREATE TABLE item (id INT PRIMARY KEY)")
		require.NoError(t, c.WaitReplayed(t.Context()))
		s := c.Replicas()[1]
		db := open(t, c, s)
		require.Zero(t, count(t, db, "item"))
		require.NoError(t, s.Freeze(t.Context()))
		short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		var n int
		err := db.QueryRowContext(short, "SELECT COUNT(*) FROM item").Scan(&n)
		require.Error(t, err)
		require.True(t, errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "timeout"), err)
		require.NoError(t, s.Thaw(t.Context()))
		require.Zero(t, count(t, db, "item"))
	})
}

func TestAKilledServerComesBackAtItsAddress(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		primary := open(t, c, c.Primary())
		run(t, primary, "CREATE TABLE item (id INT PRIMARY KEY)")
		s := c.Replicas()[0]
		dsn := s.AppDSN()
		require.NoError(t, s.Kill(t.Context()))
		require.Error(t, open(t, c, s).PingContext(t.Context()))
		run(t, primary, "INSERT INTO item VALUES (1)")
		require.NoError(t, s.Start(t.Context()))
		require.Equal(t, dsn, s.AppDSN())
		require.NoError(t, c.DataEqual(t.Context()))
		require.Equal(t, 1, count(t, open(t, c, s), "item"))

		// The primary, too: what it had committed is still there.
		require.NoError(t, c.Primary().Restart(t.Context()))
		require.Eventually(t, func() bool {
			_, err := primary.ExecContext(t.Context(), "INSERT INTO item VALUES (2)")
			return err == nil
		}, 10*time.Second, 50*time.Millisecond)
		require.NoError(t, c.DataEqual(t.Context()))
		require.Equal(t, 2, count(t, open(t, c, s), "item"))
	})
}

func TestServersTellWhatTheyExecuted(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		primary := open(t, c, c.Primary())
		run(t, primary, "CREATE TABLE item (id INT PRIMARY KEY)")
		require.NoError(t, c.WaitReplayed(t.Context()))
		require.NoError(t, c.ClearStatements(t.Context()))
		s := c.Replicas()[0]
		db := open(t, c, s)
		require.Zero(t, count(t, db, "item"))
		_, err := db.ExecContext(t.Context(), "SELECT 1,\n\t2 -- two lines")
		require.NoError(t, err)
		placeholder := "?"
		if c.Engine == cluster.Postgres {
			placeholder = "$1"
		}
		var seven int
		err = db.QueryRowContext(t.Context(), "SELECT 7 FROM item WHERE id = "+placeholder, 4711).Scan(&seven)
		require.ErrorIs(t, err, sql.ErrNoRows)
		run(t, primary, "INSERT INTO item VALUES (1)")
		require.NoError(t, c.WaitReplayed(t.Context()))

		got, err := s.Statements(t.Context())
		require.NoError(t, err)
		require.Contains(t, got, "SELECT COUNT(*) FROM item")
		require.Contains(t, got, "SELECT 1,\n\t2 -- two lines")
		require.Equal(t, 1, len(slices.DeleteFunc(slices.Clone(got), func(q string) bool {
			return !strings.HasPrefix(q, "SELECT 7 FROM item WHERE id =")
		})), "a prepared statement counts once: %q", got)
		n, err := s.Count(t.Context(), "INSERT INTO item")
		require.NoError(t, err)
		require.Zero(t, n, "replayed rows are no statements")
		other, err := c.Replicas()[1].Statements(t.Context())
		require.NoError(t, err)
		require.Empty(t, other)
		got, err = c.Primary().Statements(t.Context())
		require.NoError(t, err)
		require.Contains(t, got, "INSERT INTO item VALUES (1)")
		require.NotContains(t, got, "SELECT COUNT(*) FROM item")

		require.NoError(t, s.Kill(t.Context()))
		n, err = s.Count(t.Context(), "SELECT COUNT(*) FROM item")
		require.NoError(t, err)
		require.Equal(t, 1, n, "a killed server still tells")
		require.NoError(t, s.Start(t.Context()))
		require.Zero(t, count(t, open(t, c, s), "item")-1)
		n, err = s.Count(t.Context(), "SELECT COUNT(*) FROM item")
		require.NoError(t, err)
		require.Equal(t, 2, n, "and goes on when it is back")

		require.NoError(t, c.LogStatements(t.Context(), false))
		require.Equal(t, 1, count(t, db, "item"))
		n, err = s.Count(t.Context(), "SELECT COUNT(*) FROM item")
		require.NoError(t, err)
		require.Equal(t, 2, n, "the log is off")
	})
}

func TestConnectionsAreCounted(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		s := c.Replicas()[0]
		db := open(t, c, s)
		for range 3 {
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
		}
		n, err := s.Connections(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, n)
		n, err = c.Primary().Connections(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestDivergedReplicasAreFound(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		run(t, open(t, c, c.Primary()), "CREATE TABLE item (id INT PRIMARY KEY, price DOUBLE PRECISION, note TEXT)")
		run(t, open(t, c, c.Primary()), "INSERT INTO item VALUES (1, 1.5, NULL), (2, 1.25, 'it''s')")
		require.NoError(t, c.DataEqual(t.Context()))
		require.NoError(t, c.Errant(t.Context()))
		if c.Engine == cluster.Postgres {
			return // a standby can't diverge
		}
		s := c.Replicas()[1]
		if c.Engine == cluster.MySQL {
			_, err := s.Admin().ExecContext(t.Context(), "SET GLOBAL super_read_only = OFF")
			require.NoError(t, err)
		}
		_, err := s.Admin().ExecContext(t.Context(), "UPDATE item SET price = 1.26 WHERE id = 2")
		require.NoError(t, err)
		require.ErrorContains(t, c.DataEqual(t.Context()), "table item of replica2")
		require.ErrorContains(t, c.Errant(t.Context()), "replica2 has transactions of its own")
		c.Spoil()
	})
}

func TestAPromotedReplicaTakesWritesAndTheOthersFollow(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		old := c.Primary()
		run(t, open(t, c, old), "CREATE TABLE item (id INT PRIMARY KEY)")
		run(t, open(t, c, old), "INSERT INTO item VALUES (1)")
		require.NoError(t, c.WaitReplayed(t.Context()))
		next, other := c.Replicas()[0], c.Replicas()[1]
		require.NoError(t, old.Kill(t.Context()))
		require.NoError(t, c.Promote(t.Context(), next))
		require.Same(t, next, c.Primary())
		run(t, open(t, c, next), "INSERT INTO item VALUES (2)")
		require.NoError(t, c.Follow(t.Context(), other))
		require.NoError(t, c.Follow(t.Context(), old))
		run(t, open(t, c, next), "INSERT INTO item VALUES (3)")
		require.NoError(t, c.DataEqual(t.Context()))
		require.NoError(t, c.Errant(t.Context()))
		require.Equal(t, 3, count(t, open(t, c, old), "item"))
		require.Equal(t, 3, count(t, open(t, c, other), "item"))
		_, err := open(t, c, old).ExecContext(t.Context(), "INSERT INTO item VALUES (4)")
		require.Error(t, err, "the old primary is a replica now")

		require.NoError(t, next.Restart(t.Context()))
		run(t, open(t, c, next), "INSERT INTO item VALUES (4)")

		// Reset undoes it, also where a server has what nobody else has.
		require.NoError(t, c.WaitReplayed(t.Context()))
		require.NoError(t, c.Promote(t.Context(), other))
		run(t, open(t, c, other), "INSERT INTO item VALUES (5)")
		require.NoError(t, c.Reset(t.Context()))
		require.Same(t, old, c.Primary())
		run(t, open(t, c, old), "CREATE TABLE item (id INT PRIMARY KEY)")
		run(t, open(t, c, old), "INSERT INTO item VALUES (1)")
		require.NoError(t, c.DataEqual(t.Context()))
		require.NoError(t, c.Errant(t.Context()))
		for _, s := range c.Replicas() {
			_, err := open(t, c, s).ExecContext(t.Context(), "INSERT INTO item VALUES (2)")
			require.Error(t, err, "%s is a replica again", s.Name)
			require.Equal(t, 1, count(t, open(t, c, s), "item"))
		}
	})
}

func TestResetRollsBackWhatWasLeftPrepared(t *testing.T) {
	for _, e := range cluster.Engines() {
		t.Run(string(e), func(t *testing.T) {
			t.Run("leave", func(t *testing.T) {
				c := cluster.Shared(t, e)
				db := open(t, c, c.Primary())
				db.SetMaxOpenConns(1)
				run(t, db, "CREATE TABLE item (id INT PRIMARY KEY)")
				statements := []string{"XA START 'a', 'b', 3", "INSERT INTO item VALUES (1)", "XA END 'a', 'b', 3", "XA PREPARE 'a', 'b', 3"}
				if e == cluster.Postgres {
					statements = []string{"BEGIN", "INSERT INTO item VALUES (1)", "PREPARE TRANSACTION 'a'"}
				}
				for _, statement := range statements {
					run(t, db, statement)
				}
			})
			c := cluster.Shared(t, e)
			run(t, open(t, c, c.Primary()), "CREATE TABLE item (id INT PRIMARY KEY)")
			require.NoError(t, c.DataEqual(t.Context()))
			require.NoError(t, c.Errant(t.Context()))
		})
	}
}

func TestRWSplitDSNQuotesItsValues(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		got := c.RWSplitDSN("max_lag=5s", `cluster=it's`)
		require.Contains(t, got, "driver="+c.Engine.DriverName()+"\nprimary='"+c.Primary().AppDSN()+"'\nreplica='")
		require.Equal(t, 2, strings.Count(got, "replica="))
		require.Contains(t, got, "max_lag='5s'\ncluster='it\\'s'")
	})
}
