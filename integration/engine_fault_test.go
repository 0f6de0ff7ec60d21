package integration_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/integration/cluster"
	"github.com/rwsplit/rwsplit/integration/history"
)

// admin runs statements as the administrator of a server.
func admin(t *testing.T, s *cluster.Server, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		_, err := s.Admin().ExecContext(bounded(t), statement)
		require.NoError(t, err, "%s: %s", s.Name, statement)
	}
}

// playFor plays for a while beside what disturb does, and fails the test for
// violations.
func playFor(t *testing.T, c *cluster.Cluster, d time.Duration, disturb func(ctx context.Context)) {
	t.Helper()
	g := newGame(t, c, 8)
	g.here(
		g.pool("process, wait=50ms", 3, history.Process, "wait=50ms"),
		g.pool("session", 3, history.Session, "consistency=session"),
	)
	_, err := g.there(g.pool("global, wait=50ms", 2, history.Global, "consistency=global", "wait=50ms"))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	results := g.play(ctx, disturb)
	_, found := g.report(results)
	require.Empty(t, found)
	total := 0.0
	for _, pool := range results[0].Pools {
		total += pool.share(t)
	}
	require.Positive(t, total, "no read was served by a replica: nothing was shown")
}

// A commit that has returned need not be on disk; the position covers it all
// the same.
func TestPostgresWithAsynchronousCommit(t *testing.T) {
	c := cluster.Shared(t, cluster.Postgres)
	admin(t, c.Primary(), "ALTER ROLE app SET synchronous_commit = off")
	defer admin(t, c.Primary(), "ALTER ROLE app RESET synchronous_commit")
	require.NoError(t, c.WaitReplayed(bounded(t)))
	playFor(t, c, 5*time.Second, nil)
}

// An idle primary may stand behind a page header, where its standbys never get:
// reads go to them all the same.
func TestPostgresAtAPageBoundary(t *testing.T) {
	c := cluster.Shared(t, cluster.Postgres)
	a := newCounted(open(t, c))
	a.seesUntilReplica("before")
	boundaries := 0
	for range 3 {
		a.write()
		admin(t, c.Primary(), "SELECT pg_switch_wal()") // what comes next stands behind a segment's header
		var offset int64
		require.NoError(t, c.Primary().Admin().QueryRowContext(bounded(t),
			"SELECT mod(pg_current_wal_insert_lsn() - '0/0', pg_size_bytes(current_setting('wal_segment_size')))::bigint").Scan(&offset))
		if offset == 40 || offset == 0 {
			boundaries++
		}
		began := time.Now()
		a.seesUntilReplica("at a boundary")
		require.Less(t, time.Since(began), 7*time.Second)
	}
	require.NotZero(t, boundaries, "the primary never stood at a boundary")
}

func TestAServerIsRestarted(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := newCounted(open(t, c))
		a.write()
		a.seesUntilReplica("before")
		standby := c.Replicas()[0]
		require.NoError(t, standby.Restart(ctx))
		a.seesFor(300*time.Millisecond, "a standby was restarted")
		a.write()
		a.seesUntilReplica("a standby was restarted")

		require.NoError(t, c.Delay(ctx, time.Second))
		a.write()
		require.NoError(t, c.Primary().Restart(ctx))
		// Connections broke while they were idle; the pool finds out.
		var err error
		for range 10 {
			if err = a.PingContext(ctx); err == nil {
				break
			}
		}
		require.NoError(t, err)
		a.sees("the primary was restarted")
		for deadline := time.Now().Add(waitLong); ; {
			// An error after the write was sent is the application's to judge.
			_, err := a.ExecContext(ctx, a.rebind("UPDATE tally SET n = ? WHERE id = 1"), a.n+1)
			if err == nil {
				a.n++
				break
			}
			require.True(t, time.Now().Before(deadline), "%v", err)
		}
		a.seesFor(300*time.Millisecond, "written after the primary's restart")
		require.NoError(t, c.Delay(ctx, 0))
		a.seesUntilReplica("all are back")
	})
}

// Appliers that work side by side, and commit in any order, leave gaps for a
// while.
func TestMySQLWithParallelAppliers(t *testing.T) {
	c := cluster.Shared(t, cluster.MySQL)
	c.Spoil()
	for _, s := range c.Replicas() {
		admin(t, s, "STOP REPLICA", "SET GLOBAL replica_preserve_commit_order = OFF", "SET GLOBAL replica_parallel_workers = 4", "START REPLICA")
	}
	playFor(t, c, 6*time.Second, nil)
}

// Two domains are replayed side by side: what is later in one may come before
// what is earlier in another. Replicas stay equal to the primary only if it does
// not matter which is first: the statements that raise rows are such, their rows'
// images are not.
func TestMariaDBWithTwoDomains(t *testing.T) {
	c := cluster.Shared(t, cluster.MariaDB)
	c.Spoil()
	admin(t, c.Primary(), "SET GLOBAL binlog_format = 'STATEMENT'")
	for _, s := range c.Replicas() {
		admin(t, s, "STOP SLAVE", "SET GLOBAL slave_parallel_threads = 4", "SET GLOBAL slave_parallel_mode = 'optimistic'", "START SLAVE")
	}
	playFor(t, c, 6*time.Second, func(ctx context.Context) {
		once := context.WithoutCancel(ctx)
		for i := 0; ctx.Err() == nil; i++ {
			// For sessions from now on.
			_, err := c.Primary().Admin().ExecContext(once, fmt.Sprintf("SET GLOBAL gtid_domain_id = %d", i%2))
			if err != nil {
				t.Error(errors.Join(errors.New("domain"), err))
			}
			pauseOr(ctx, 20*time.Millisecond)
			if i%20 == 19 { // a backlog is replayed by several threads at once
				err := c.PauseReplay(once)
				pauseOr(ctx, 300*time.Millisecond)
				if err = errors.Join(err, c.ResumeReplay(once)); err != nil {
					t.Error(err)
				}
			}
		}
	})
	var position string
	require.NoError(t, c.Primary().Admin().QueryRowContext(bounded(t), "SELECT @@gtid_binlog_pos").Scan(&position))
	require.Regexp(t, `^0-.*,1-`, position, "both domains were written to")
	require.NoError(t, c.DataEqual(bounded(t)))
}
