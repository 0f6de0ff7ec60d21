package integration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// A primary that is down does not keep an application from starting: reads go
// on, and everything else follows when it is back.
func TestAnApplicationStartsWithoutItsPrimary(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		before := open(t, c)
		before.exec("CREATE TABLE early (id INT PRIMARY KEY)")
		before.settle()
		require.NoError(t, before.Close())
		require.NoError(t, c.Primary().Stop(ctx))

		a := open(t, c)
		read := func() bool {
			var n int
			err := a.QueryRowContext(ctx, "SELECT count(*) FROM early").Scan(&n)
			return err == nil && a.last().Backend.Role == rwsplit.RoleReplica
		}
		require.Eventually(t, read, 20*time.Second, 20*time.Millisecond, "reads go to the replicas")
		_, err := a.ExecContext(ctx, "INSERT INTO early VALUES (1)")
		require.Error(t, err, "nobody takes writes")

		require.NoError(t, c.Primary().Start(ctx))
		require.Eventually(t, func() bool {
			_, err := a.ExecContext(ctx, "INSERT INTO early VALUES (2)")
			return err == nil
		}, 60*time.Second, 100*time.Millisecond, "writes work when it is back")
		var n int
		require.NoError(t, a.QueryRowContext(ctx, "SELECT count(*) FROM early WHERE id = 2").Scan(&n))
		require.Equal(t, 1, n)
	})
}
