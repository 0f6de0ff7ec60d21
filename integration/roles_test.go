package integration_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// setReadOnly makes a MySQL or MariaDB server refuse writes, or take them.
func setReadOnly(ctx context.Context, s *cluster.Server, e cluster.Engine, on bool) error {
	statements := []string{"SET GLOBAL read_only = OFF"}
	switch {
	case on && e == cluster.MySQL:
		statements = []string{"SET GLOBAL super_read_only = ON"}
	case on:
		statements = []string{"SET GLOBAL read_only = ON"}
	case e == cluster.MySQL:
		statements = []string{"SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF"}
	}
	for _, statement := range statements {
		if _, err := s.Admin().ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// switchOver puts the first replica in charge.
func switchOver(ctx context.Context, l *load) error { return switchTo(ctx, l, l.c.Replicas()[0]) }

// switchTo puts a replica in charge without losing a write: the primary stops
// writing first.
func switchTo(ctx context.Context, l *load, next *cluster.Server) error {
	old := l.c.Primary()
	if l.c.Engine == cluster.Postgres {
		// In order: it sends everything before it ends.
		if err := old.Stop(ctx); err != nil {
			return err
		}
	} else {
		if err := setReadOnly(ctx, old, l.c.Engine, true); err != nil {
			return err
		}
		if err := l.c.WaitReplayed(ctx); err != nil {
			return err
		}
	}
	if err := l.c.Promote(ctx, next); err != nil {
		return err
	}
	return l.writesAgain(ctx)
}

// failOver kills the primary and promotes the first replica. What the primary
// had not sent is lost, as asynchronous replication has it.
func failOver(ctx context.Context, l *load) error {
	old, next := l.c.Primary(), l.c.Replicas()[0]
	if err := old.Kill(ctx); err != nil {
		return err
	}
	if l.c.Engine == cluster.Postgres {
		// A standby that has received more than the new primary can't follow it.
		var lsns [2]string
		for i, s := range l.c.Replicas() {
			if err := s.Admin().QueryRowContext(ctx, "SELECT pg_last_wal_receive_lsn()::text").Scan(&lsns[i]); err != nil {
				return err
			}
		}
		var more bool
		if err := next.Admin().QueryRowContext(ctx, "SELECT $1::text::pg_lsn > $2::text::pg_lsn", lsns[1], lsns[0]).Scan(&more); err != nil {
			return err
		}
		if more {
			next = l.c.Replicas()[1]
		}
	}
	if err := l.c.Promote(ctx, next); err != nil {
		return err
	}
	return l.writesAgain(ctx)
}

// writesAgain waits for the first write on the new primary.
func (l *load) writesAgain(ctx context.Context) error {
	began := time.Now()
	before := l.tally.writes.Load() - l.tally.writesFailed.Load()
	for l.tally.writes.Load()-l.tally.writesFailed.Load() == before {
		if time.Since(began) > 10*time.Second {
			return errors.New("no write succeeded within 10s of the promotion")
		}
		time.Sleep(2 * time.Millisecond)
	}
	l.writesBack = time.Since(began)
	return ctx.Err()
}

// followNew brings all others back as replicas of the new primary.
func followNew(ctx context.Context, l *load) error {
	for _, s := range l.c.Replicas() {
		if err := l.c.Follow(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// lockedBuffer is a log.
type lockedBuffer struct {
	mu sync.Mutex // protects b
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

var quickProbes = []string{"roles=auto", "probe_interval=100ms", "probe_timeout=1s"}

// Of two that claim to be the primary the one in charge stays so; the other
// gets neither reads nor writes, until it follows again.
func TestSplitBrainKeepsTheOneInCharge(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		var log lockedBuffer
		a := openWith(t, c, func(cfg *rwsplit.Config) {
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		}, quickProbes...)
		a.exec("CREATE TABLE brain (id INT PRIMARY KEY)")
		a.settle()
		rival := c.Replicas()[0]
		if c.Engine == cluster.Postgres {
			c.Spoil()
			_, err := rival.Admin().ExecContext(ctx, "SELECT pg_promote(true, 30)")
			require.NoError(t, err)
		} else {
			require.NoError(t, setReadOnly(ctx, rival, c.Engine, false))
			defer func() { require.NoError(t, setReadOnly(ctx, rival, c.Engine, true)) }()
		}
		require.Eventually(t, func() bool {
			return bytes.Contains([]byte(log.String()), []byte("split brain"))
		}, 10*time.Second, 10*time.Millisecond, "it is said loudly")
		require.Contains(t, log.String(), "refused=replica1")
		for id := range 20 {
			a.exec(a.rebind("INSERT INTO brain VALUES (?)"), id)
			require.Equal(t, "primary", a.last().Backend.Name)
			require.NoError(t, a.QueryRowContext(rwsplit.WithReplica(ctx), "SELECT count(*) FROM brain").Scan(new(int)))
			require.Equal(t, "replica2", a.last().Backend.Name)
		}
		st := a.connector.Stats()
		require.Equal(t, uint64(1), st.RoleChanges["refused"])
		require.Equal(t, rwsplit.StateRefused, st.Backends[1].State)
		require.Equal(t, rwsplit.RolePrimary, st.Backends[0].Role)

		if c.Engine == cluster.Postgres {
			return
		}
		require.NoError(t, setReadOnly(ctx, rival, c.Engine, true))
		require.Eventually(t, func() bool {
			require.NoError(t, a.QueryRowContext(rwsplit.WithReplica(ctx), "SELECT count(*) FROM brain").Scan(new(int)))
			return a.last().Backend.Name == "replica1"
		}, 10*time.Second, 5*time.Millisecond, "it follows again")
	})
}

// Without a primary writes fail at once and say what to do; reads go on.
func TestNoPrimary(t *testing.T) {
	onEngines(t, mysqlFamily, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c, quickProbes...)
		a.exec("CREATE TABLE nobody (id INT PRIMARY KEY)")
		a.settle()
		require.NoError(t, setReadOnly(ctx, c.Primary(), c.Engine, true))
		defer func() { require.NoError(t, setReadOnly(ctx, c.Primary(), c.Engine, false)) }()
		require.Eventually(t, func() bool {
			_, err := a.ExecContext(ctx, "INSERT INTO nobody VALUES (1)")
			require.Error(t, err)
			return errors.Is(err, rwsplit.ErrNoPrimary)
		}, 10*time.Second, 10*time.Millisecond)
		began := time.Now()
		for range 50 {
			_, err := a.ExecContext(ctx, "INSERT INTO nobody VALUES (1)")
			require.ErrorIs(t, err, rwsplit.ErrNoPrimary)
			_, err = a.BeginTx(ctx, nil)
			require.ErrorIs(t, err, rwsplit.ErrNoPrimary)
			require.NoError(t, a.QueryRowContext(rwsplit.WithReplica(ctx), "SELECT count(*) FROM nobody").Scan(new(int)))
		}
		require.Less(t, time.Since(began), 5*time.Second, "they fail fast")

		require.NoError(t, setReadOnly(ctx, c.Primary(), c.Engine, false))
		require.Eventually(t, func() bool {
			_, err := a.ExecContext(ctx, "INSERT INTO nobody VALUES (1)")
			return err == nil
		}, 10*time.Second, 10*time.Millisecond, "it is the primary again")
		a.settle()
	})
}

// A transaction on the server that was the primary ends with an error; it is
// not carried over to the new one.
func TestTransactionEndsWithItsPrimary(t *testing.T) {
	onEngines(t, mysqlFamily, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c, quickProbes...)
		a.exec("CREATE TABLE ended (id INT PRIMARY KEY)")
		a.settle()
		old, next := c.Primary(), c.Replicas()[0]
		require.NoError(t, c.WaitReplayed(ctx))
		tx, err := a.BeginTx(ctx, nil)
		require.NoError(t, err)
		require.NoError(t, tx.QueryRowContext(ctx, "SELECT count(*) FROM ended").Scan(new(int)))
		require.NoError(t, setReadOnly(ctx, old, c.Engine, true))
		require.NoError(t, c.Promote(ctx, next))
		// At once: the refusal shows who is in charge.
		a.exec("INSERT INTO ended VALUES (1)")
		require.Equal(t, "replica1", a.last().Backend.Name)
		require.Equal(t, rwsplit.RolePrimary, a.last().Backend.Role)
		_, err = tx.ExecContext(ctx, "INSERT INTO ended VALUES (2)")
		require.ErrorContains(t, err, "roles have changed")
		require.Error(t, tx.Commit())
		for _, s := range c.Replicas() {
			require.NoError(t, c.Follow(ctx, s))
		}
		a.exec("INSERT INTO ended VALUES (3)")
		require.Eventually(t, func() bool {
			var n int
			require.NoError(t, a.QueryRowContext(ctx, "SELECT count(*) FROM ended").Scan(&n))
			require.Equal(t, 2, n)
			return a.last().Backend.Name == "primary" && a.last().Backend.Role == rwsplit.RoleReplica
		}, 20*time.Second, 10*time.Millisecond, "the old primary serves reads as a replica")
	})
}
