package integration_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// In an orderly switch nobody is the primary for a while. Writes are refused
// then; reads see all that was written before and are not.
func TestReadsGoOnDuringASwitch(t *testing.T) {
	onEngines(t, mysqlFamily, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c, quickProbes...)
		a.exec("CREATE TABLE gap (id INT PRIMARY KEY)")
		a.settle()
		old, next := c.Primary(), c.Replicas()[0]
		for i := range 20 {
			a.exec(fmt.Sprintf("INSERT INTO gap VALUES (%d)", i))
		}
		require.NoError(t, setReadOnly(ctx, old, c.Engine, true))
		gone := func() bool { return a.connector.Stats().RoleChanges["demotion"] == 1 }
		require.Eventually(t, gone, 10*time.Second, time.Millisecond)
		require.NoError(t, c.WaitReplayed(ctx))
		for range 100 {
			var n int
			require.NoError(t, a.QueryRowContext(ctx, "SELECT count(*) FROM gap").Scan(&n))
			require.Equal(t, 20, n)
			_, err := a.ExecContext(ctx, "INSERT INTO gap VALUES (100)")
			require.ErrorIs(t, err, rwsplit.ErrNoPrimary)
			time.Sleep(5 * time.Millisecond)
		}
		require.NoError(t, c.Promote(ctx, next))
		require.Eventually(t, func() bool {
			_, err := a.ExecContext(ctx, "INSERT INTO gap VALUES (100)")
			return err == nil
		}, 10*time.Second, 5*time.Millisecond)
		var n int
		require.NoError(t, a.QueryRowContext(ctx, "SELECT count(*) FROM gap").Scan(&n))
		require.Equal(t, 21, n)
		for _, s := range c.Replicas() {
			require.NoError(t, c.Follow(ctx, s))
		}
	})
}

// A replica that takes no more connections serves those that it has.
func TestAReplicaWithTooManyConnectionsServesThoseThatItHas(t *testing.T) {
	onEngines(t, mysqlFamily, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		var log lockedBuffer
		a := openWith(t, c, func(cfg *rwsplit.Config) {
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		}, "balance=round_robin")
		a.exec("CREATE TABLE crowd (id INT PRIMARY KEY)")
		a.settle()
		full := c.Replicas()[0]
		take := func(n int) []*sql.Conn {
			conns := make([]*sql.Conn, n)
			for i := range conns {
				var err error
				conns[i], err = a.Conn(ctx)
				require.NoError(t, err)
				t.Cleanup(func() { _ = conns[i].Close() })
			}
			return conns
		}
		read := func(ctx context.Context, conns []*sql.Conn) (onFull int) {
			for _, conn := range conns {
				require.NoError(t, conn.QueryRowContext(ctx, "SELECT count(*) FROM crowd").Scan(new(int)))
				if a.last().Backend.Name == full.Name {
					onFull++
				}
			}
			return onFull
		}
		held := take(4)
		for range 4 {
			read(rwsplit.WithReplica(ctx), held)
		}
		var limit int
		require.NoError(t, full.Admin().QueryRowContext(ctx, "SELECT @@max_connections").Scan(&limit))
		_, err := full.Admin().ExecContext(ctx, "SET GLOBAL max_connections = 10") // the least on MariaDB
		require.NoError(t, err)
		defer func() {
			_, err := full.Admin().ExecContext(ctx, fmt.Sprintf("SET GLOBAL max_connections = %d", limit))
			require.NoError(t, err)
		}()
		fresh := take(16)
		on := 0
		for range 20 {
			on += read(ctx, held)
			require.Less(t, read(ctx, fresh), 10, "there is no room for more")
			time.Sleep(20 * time.Millisecond)
		}
		require.Greater(t, on, 20, "of 80 reads")
		require.True(t, a.connector.Stats().Backends[1].Up)
		require.Equal(t, 1, strings.Count(log.String(), "can't be dialled"), log.String())
	})
}
