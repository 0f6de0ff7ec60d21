package integration_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// check checks the servers that the DSN names.
func check(t *testing.T, dsn string) []string {
	t.Helper()
	cfg, err := rwsplit.ParseDSN(dsn)
	require.NoError(t, err)
	connector, err := rwsplit.NewConnector(cfg)
	require.NoError(t, err)
	defer func() { require.NoError(t, connector.Close()) }()
	return connector.Check(t.Context())
}

func checkDSN(c *cluster.Cluster, admin bool, primary *cluster.Server, replicas ...*cluster.Server) string {
	dsn := func(s *cluster.Server) string {
		if admin {
			return s.AdminDSN()
		}
		return s.AppDSN()
	}
	lines := []string{"driver=" + c.Engine.DriverName(), "primary='" + dsn(primary) + "'"}
	for _, r := range replicas {
		lines = append(lines, "replica='"+dsn(r)+"'")
	}
	return strings.Join(lines, "\n")
}

func TestCheckSaysWhatBreaksAPromise(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		replicas := c.Replicas()
		healthy := checkDSN(c, true, c.Primary(), replicas...)
		require.Empty(t, check(t, healthy), "all is well, and the administrator sees it all")

		got := check(t, checkDSN(c, false, c.Primary(), replicas...))
		require.Len(t, got, 2, "what the application's user can't see: %q", got)
		for i, s := range replicas {
			require.Regexp(t, "^"+s.Name+": .*grant (pg_read_all_stats|REPLICATION CLIENT|REPLICA MONITOR)", got[i])
		}

		require.NoError(t, replicas[1].PauseReplay(t.Context()))
		got = check(t, healthy)
		require.Len(t, got, 1, "%q", got)
		require.Regexp(t, "^replica2: .*(replay is paused|applier is stopped)", got[0])
		require.NoError(t, replicas[1].ResumeReplay(t.Context()))

		got = check(t, checkDSN(c, true, c.Primary(), c.Primary()))
		require.NotEmpty(t, got)
		require.Regexp(t, "^replica1: (is not in recovery|.*is the primary itself)", got[0])

		require.NoError(t, replicas[0].Kill(t.Context()))
		got = check(t, healthy)
		require.Len(t, got, 1, "%q", got)
		require.Regexp(t, "^replica1: can't be asked", got[0])
		require.NotContains(t, strings.Join(got, " "), "secret")
	})
}

func TestCheckSaysWhichPrimaryAReplicaFollows(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		old, promoted, follower := c.Primary(), c.Replicas()[0], c.Replicas()[1]
		require.NoError(t, c.Promote(t.Context(), promoted))
		require.NoError(t, c.Follow(t.Context(), follower))
		fresh := dialSession(t, c, promoted, true)
		fresh.exec("CREATE TABLE shop_item (id INT PRIMARY KEY)")
		for i := range 10 {
			fresh.exec(fmt.Sprintf("INSERT INTO shop_item VALUES (%d)", i))
		}
		want := fresh.primaryPosition()
		dialSession(t, c, follower, true).waitReached(want, waitLong)
		require.Empty(t, check(t, checkDSN(c, true, promoted, follower)))

		stray := dialSession(t, c, old, true)
		stray.exec("CREATE TABLE shop_stray (id INT PRIMARY KEY)", "INSERT INTO shop_stray VALUES (1)", "INSERT INTO shop_stray VALUES (2)")
		got := check(t, checkDSN(c, true, old, follower))
		require.NotEmpty(t, got)
		require.Regexp(t, "^replica1: .*(timeline|transactions that the primary does not know|another server than the primary)", strings.Join(got, "\n"))
	})
}
