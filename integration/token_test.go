package integration_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// service is one process's pool, as far as two pools share no more than two
// processes do. It notes where its last statement ran.
type service struct {
	*sql.DB
	last rwsplit.Decision
}

func newService(t *testing.T, dsn string) *service {
	t.Helper()
	cfg, err := rwsplit.ParseDSN(dsn)
	require.NoError(t, err)
	s := &service{}
	cfg.OnRoute = func(_ context.Context, d rwsplit.Decision) { s.last = d }
	connector, err := rwsplit.NewConnector(cfg)
	require.NoError(t, err)
	s.DB = sql.OpenDB(connector)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// count counts the rows, and says whether a replica did.
func (s *service) count(ctx context.Context, t *testing.T) (n int, replica bool) {
	t.Helper()
	require.NoError(t, s.QueryRowContext(ctx, "SELECT COUNT(*) FROM handed").Scan(&n))
	return n, s.last.Backend.Role == rwsplit.RoleReplica
}

// waitReplica waits until the service reads from a replica without a token.
func (s *service) waitReplica(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { _, replica := s.count(t.Context(), t); return replica }, waitLong, 10*time.Millisecond)
}

func TestATokenShowsOneServicesWritesToAnother(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		a := newService(t, c.RWSplitDSN())
		// The servers are looked at so rarely that only a token makes B look.
		b := newService(t, c.RWSplitDSN("probe_interval=1m", "probe_timeout=5s"))
		_, err := a.ExecContext(t.Context(), "CREATE TABLE handed (id INT PRIMARY KEY)")
		require.NoError(t, err)
		b.waitReplica(t)

		for i := 1; i <= 20; i++ {
			ctx := rwsplit.WithSession(t.Context())
			_, err = a.ExecContext(ctx, fmt.Sprintf("INSERT INTO handed VALUES (%d)", i))
			require.NoError(t, err)
			token, err := rwsplit.Token(ctx, a.DB)
			require.NoError(t, err)
			request := rwsplit.WithToken(t.Context(), token)
			require.Eventually(t, func() bool {
				n, replica := b.count(request, t)
				require.Equal(t, i, n)
				return replica
			}, waitLong, time.Millisecond, "read %d: %v", i, b.last.Reason)
		}

		// Without wait and while replicas stand still the primary shows it.
		hasty := newService(t, c.RWSplitDSN())
		hasty.waitReplica(t)
		require.NoError(t, c.PauseReplay(t.Context()))
		ctx := rwsplit.WithSession(t.Context())
		_, err = a.ExecContext(ctx, "INSERT INTO handed VALUES (1000)")
		require.NoError(t, err)
		token, err := rwsplit.Token(ctx, a.DB)
		require.NoError(t, err)
		n, replica := hasty.count(rwsplit.WithToken(t.Context(), token), t)
		require.Equal(t, 21, n)
		require.False(t, replica)
		n, replica = hasty.count(t.Context(), t)
		require.Equal(t, 20, n)
		require.True(t, replica, "others are not held back")
	})
}

func TestATokenFromBeforeAPromotionIsMetByTheNewPrimarysReplicas(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		a := newService(t, c.RWSplitDSN())
		ctx := rwsplit.WithSession(t.Context())
		for _, statement := range []string{"CREATE TABLE handed (id INT PRIMARY KEY)", "INSERT INTO handed VALUES (1)"} {
			_, err := a.ExecContext(ctx, statement)
			require.NoError(t, err)
		}
		token, err := rwsplit.Token(ctx, a.DB)
		require.NoError(t, err)
		require.NoError(t, c.WaitReplayed(t.Context()))

		old, promoted, follower := c.Primary(), c.Replicas()[0], c.Replicas()[1]
		require.NoError(t, c.Promote(t.Context(), promoted))
		require.NoError(t, c.Follow(t.Context(), follower))
		require.NoError(t, old.Stop(t.Context()))
		b := newService(t, checkDSN(c, true, promoted, follower))
		_, err = b.ExecContext(t.Context(), "INSERT INTO handed VALUES (2)")
		require.NoError(t, err)
		b.waitReplica(t)

		require.Eventually(t, func() bool {
			n, replica := b.count(rwsplit.WithToken(t.Context(), token), t)
			require.Equal(t, 2, n)
			return replica
		}, waitLong, 10*time.Millisecond, "a token from before a promotion never leaves the primary")
	})
}
