package integration_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// Story 1, the banner: a row is saved and read back by its id in the next
// statement, while the replicas are two seconds behind.
func TestStoryBanner(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		for _, source := range []string{"position=native", "position=heartbeat", "position=none sticky_for=4s"} {
			t.Run(source, func(t *testing.T) {
				ctx := bounded(t)
				a := open(t, c, strings.Fields(source)...)
				a.exec("DROP TABLE IF EXISTS banner")
				a.exec("CREATE TABLE banner (id INT PRIMARY KEY, title VARCHAR(100) NOT NULL)")
				a.settle()
				require.NoError(t, c.WaitReplayed(ctx))
				require.NoError(t, c.Delay(ctx, 2*time.Second))
				defer func() { require.NoError(t, c.Delay(ctx, 0)) }()
				require.NoError(t, c.ClearStatements(ctx))

				const banners = 50
				missedByReplica := 0
				for id := range banners {
					title := fmt.Sprintf("Summer sale %d", id)
					a.exec(a.rebind("INSERT INTO banner (id, title) VALUES (?, ?)"), id, title)
					var got string
					require.NoError(t, a.QueryRowContext(ctx, a.rebind("SELECT title FROM banner WHERE id = ?"), id).Scan(&got),
						"banner %d was saved and is not found", id)
					require.Equal(t, title, got)

					err := a.QueryRowContext(rwsplit.WithReplica(ctx), a.rebind("SELECT title AS naive FROM banner WHERE id = ?"), id).Scan(&got)
					if errors.Is(err, sql.ErrNoRows) {
						missedByReplica++
					}
				}
				require.Equal(t, banners, missedByReplica, "the replicas are behind, so a naive splitter finds nothing")
				require.Equal(t, banners, counts(t, c.Primary(), "SELECT title FROM banner"), "each was read on the primary")
				require.Zero(t, onReplicas(t, c, "SELECT title FROM banner"))
				require.Zero(t, onReplicas(t, c, "INSERT INTO banner"))
				require.Equal(t, banners, onReplicas(t, c, "SELECT title AS naive"))

				// The replicas catch up, and reads go there again.
				require.NoError(t, c.Delay(ctx, 0))
				a.settle()
				var got string
				require.NoError(t, a.QueryRowContext(ctx, a.rebind("SELECT title FROM banner WHERE id = ?"), banners-1).Scan(&got))
				require.Equal(t, 1, onReplicas(t, c, "SELECT title FROM banner"))
			})
		}
	})
}
