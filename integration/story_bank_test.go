package integration_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// bank moves money between accounts in the ways that programs do.
type bank struct {
	*app
	accounts int
	retries  atomic.Int64
}

const openingBalance = 1000

// errBusy says that a transfer lost a race and did nothing: it is tried again.
var errBusy = errors.New("busy")

// Story 5, the bank: concurrent transfers end at the right balance while the
// replicas are two seconds behind. A locking read never reaches a replica, and
// a transaction never mixes servers.
func TestStoryBank(t *testing.T) {
	const (
		tellers   = 16
		transfers = 2000
	)
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		b := &bank{app: open(t, c), accounts: 30}
		b.SetMaxOpenConns(tellers)
		b.SetMaxIdleConns(tellers)
		b.exec("CREATE TABLE account (id INT PRIMARY KEY, balance BIGINT NOT NULL, version INT NOT NULL)")
		b.exec("CREATE TABLE receipt (id INT PRIMARY KEY, amount BIGINT NOT NULL)")
		for id := range b.accounts {
			b.exec(fmt.Sprintf("INSERT INTO account VALUES (%d, %d, 0)", id, openingBalance))
		}
		b.settle()
		require.NoError(t, c.WaitReplayed(ctx))
		require.NoError(t, c.Delay(ctx, behind))
		b.forget()

		ways := []func(context.Context, *sql.Tx, int, int, int64) error{b.forUpdate, b.noWait, b.skipLocked, b.relative, b.compareAndSet}
		var (
			wg   sync.WaitGroup
			next atomic.Int64
		)
		for range tellers {
			wg.Go(func() {
				for n := next.Add(1); n <= transfers && !t.Failed(); n = next.Add(1) {
					if err := b.transfer(ctx, int(n), ways[int(n)%len(ways)]); err != nil {
						t.Errorf("transfer %d: %v", n, err)
					}
				}
			})
		}
		wg.Wait()
		require.False(t, t.Failed())

		// The sum is right, now on the primary, and on the replicas when they
		// have caught up.
		want := int64(b.accounts * openingBalance)
		var sum, receipts int64
		require.NoError(t, b.QueryRowContext(ctx, "SELECT SUM(balance) FROM account").Scan(&sum))
		require.Equal(t, want, sum)
		require.Equal(t, rwsplit.ReasonNotCaughtUp, b.last().Reason)
		require.NoError(t, b.QueryRowContext(ctx, "SELECT COUNT(*) FROM receipt").Scan(&receipts))
		require.EqualValues(t, transfers, receipts, "each transfer was done once")
		require.NoError(t, c.Delay(ctx, 0))
		require.NoError(t, c.WaitReplayed(ctx))
		for _, s := range c.Replicas() {
			require.NoError(t, s.Admin().QueryRowContext(ctx, "SELECT SUM(balance) FROM "+table(c, "account")).Scan(&sum))
			require.Equal(t, want, sum, s.Name)
		}

		// By the servers' own logs nothing of it ever reached a replica.
		locks := 0
		for s, texts := range statements(t, c) {
			if s == c.Primary() {
				for _, text := range texts {
					if containsAny(text, "FOR UPDATE") {
						locks++
					}
				}
				continue
			}
			for _, text := range texts {
				require.False(t, containsAny(text, "FOR UPDATE", "UPDATE account", "INSERT INTO receipt", "FROM account WHERE", "FROM receipt WHERE"),
					"%s on %s", text, s.Name)
			}
		}
		require.GreaterOrEqual(t, locks, 3*transfers/len(ways))
		stats, err := rwsplit.StatsOf(b.DB)
		require.NoError(t, err)
		require.GreaterOrEqual(t, int(stats.Reasons[rwsplit.ReasonBegin]), transfers)
		for _, replica := range stats.Backends[1:] {
			require.Zero(t, replica.Reasons[rwsplit.ReasonTx], replica.Name)
		}
		t.Logf("%d transfers, %d locking reads, %d tried again", transfers, locks, b.retries.Load())
	})
}

// transfer moves an amount in one of the ways, and reads its receipt back.
func (b *bank) transfer(ctx context.Context, n int, way func(context.Context, *sql.Tx, int, int, int64) error) error {
	amount := int64(1 + n%17)
	for {
		from := rand.IntN(b.accounts)
		to := (from + 1 + rand.IntN(b.accounts-1)) % b.accounts
		err := b.try(ctx, n, from, to, amount, way)
		if err == nil {
			break
		}
		if !errors.Is(err, errBusy) {
			return err
		}
		b.retries.Add(1)
	}
	var got int64
	if err := b.QueryRowContext(ctx, fmt.Sprintf("SELECT amount FROM receipt WHERE id = %d", n)).Scan(&got); err != nil {
		return fmt.Errorf("the receipt that was just written: %w", err)
	}
	if got != amount {
		return fmt.Errorf("the receipt says %d, want %d", got, amount)
	}
	return nil
}

func (b *bank) try(ctx context.Context, n, from, to int, amount int64, way func(context.Context, *sql.Tx, int, int, int64) error) error {
	tx, err := b.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := way(ctx, tx, from, to, amount); err != nil {
		return busy(err)
	}
	if _, err := tx.ExecContext(ctx, b.rebind("INSERT INTO receipt VALUES (?, ?)"), n, amount); err != nil {
		return busy(err)
	}
	return tx.Commit()
}

// busy recognises a lock that was not to be had, and a deadlock.
func busy(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "55P03" || pg.Code == "40P01") {
		return errBusy
	}
	var my *mysql.MySQLError
	if errors.As(err, &my) && (my.Number == 1205 || my.Number == 1213 || my.Number == 3572 || my.Number == 1020) {
		return errBusy
	}
	return err
}

// locked reads two balances under a lock, in the order of the accounts so that
// transfers wait for each other and do not deadlock.
func (b *bank) locked(ctx context.Context, tx *sql.Tx, from, to int, lock string) (map[int]int64, error) {
	rows, err := tx.QueryContext(ctx, b.rebind("SELECT id, balance FROM account WHERE id IN (?, ?) ORDER BY id "+lock), from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	balances := make(map[int]int64)
	for rows.Next() {
		var id int
		var balance int64
		if err := rows.Scan(&id, &balance); err != nil {
			return nil, err
		}
		balances[id] = balance
	}
	return balances, rows.Err()
}

func (b *bank) setBalance(ctx context.Context, tx *sql.Tx, id int, balance int64) error {
	_, err := tx.ExecContext(ctx, b.rebind("UPDATE account SET balance = ? WHERE id = ?"), balance, id)
	return err
}

func (b *bank) lockedTransfer(ctx context.Context, tx *sql.Tx, from, to int, amount int64, lock string) error {
	balances, err := b.locked(ctx, tx, from, to, lock)
	if err != nil {
		return err
	}
	if len(balances) < 2 {
		return errBusy // SKIP LOCKED has left one out
	}
	if err := b.setBalance(ctx, tx, from, balances[from]-amount); err != nil {
		return err
	}
	return b.setBalance(ctx, tx, to, balances[to]+amount)
}

func (b *bank) forUpdate(ctx context.Context, tx *sql.Tx, from, to int, amount int64) error {
	return b.lockedTransfer(ctx, tx, from, to, amount, "FOR UPDATE")
}

func (b *bank) noWait(ctx context.Context, tx *sql.Tx, from, to int, amount int64) error {
	return b.lockedTransfer(ctx, tx, from, to, amount, "FOR UPDATE NOWAIT")
}

func (b *bank) skipLocked(ctx context.Context, tx *sql.Tx, from, to int, amount int64) error {
	return b.lockedTransfer(ctx, tx, from, to, amount, "FOR UPDATE SKIP LOCKED")
}

func (b *bank) relative(ctx context.Context, tx *sql.Tx, from, to int, amount int64) error {
	if from > to {
		from, to, amount = to, from, -amount
	}
	query := b.rebind("UPDATE account SET balance = balance + ? WHERE id = ?")
	if _, err := tx.ExecContext(ctx, query, -amount, from); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, query, amount, to)
	return err
}

// compareAndSet is read-modify-write without locks: a stale read would be
// tried again for as long as it is stale.
func (b *bank) compareAndSet(ctx context.Context, tx *sql.Tx, from, to int, amount int64) error {
	if from > to {
		from, to, amount = to, from, -amount
	}
	for _, leg := range []struct {
		id     int
		change int64
	}{{from, -amount}, {to, amount}} {
		var balance int64
		var version int
		err := tx.QueryRowContext(ctx, b.rebind("SELECT balance, version FROM account WHERE id = ?"), leg.id).Scan(&balance, &version)
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, b.rebind("UPDATE account SET balance = ?, version = version + 1 WHERE id = ? AND version = ? AND balance = ?"),
			balance+leg.change, leg.id, version, balance)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n != 1 {
			return errBusy
		}
	}
	return nil
}
