package demo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
)

// transfer moves money between two accounts.
type transfer struct{ from, to, amount int }

func transferOf(i int) transfer {
	from := i % accounts
	to := (from + 1 + i/accounts%(accounts-1)) % accounts
	return transfer{from + 1, to + 1, 10 + i%50}
}

// bank: concurrent transfers by reading, computing and writing.
func (s *shop) bank(ctx context.Context) error {
	lock := "The reads lock their rows with FOR UPDATE."
	if s.engine.forUpdate == "" {
		lock = "SQLite has no FOR UPDATE: a transaction holds the lock from its BEGIN IMMEDIATE on."
	}
	b := &s.report.Bank
	b.Transfers = s.options.Transfers
	s.begins("5  The bank: read two balances, compute, write them back", lock+" The first transfer, and then the others from 8 goroutines at once:")

	var err error
	if b.Start, err = s.money(ctx, "account"); err != nil {
		return err
	}
	if b.NaiveStart, err = s.money(ctx, "account_naive"); err != nil {
		return err
	}
	if err := s.showMove(ctx, transferOf(0)); err != nil {
		return err
	}
	start := time.Now()
	if err := s.transfers(ctx, 8, 1, b.Transfers, s.move); err != nil {
		return err
	}
	b.Elapsed = time.Since(start)
	start = time.Now()
	if err := s.transfers(ctx, 1, 0, b.Transfers, s.moveNaive); err != nil {
		return err
	}
	b.NaiveElapsed = time.Since(start)

	if b.End, err = s.money(ctx, "account"); err != nil {
		return err
	}
	if b.NaiveEnd, err = s.money(ctx, "account_naive"); err != nil {
		return err
	}
	s.printBank()
	if b.End != b.Start {
		return fmt.Errorf("the bank had %d and now has %d", b.Start, b.End)
	}
	return nil
}

// showMove is move with every statement on the screen.
func (s *shop) showMove(ctx context.Context, t transfer) error {
	tx, err := s.begin(ctx, nil, "db.BeginTx()")
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	balances := make(map[int]int, 2)
	for _, id := range t.ids() {
		r, err := s.read(ctx, tx, "", accountBalance+s.engine.forUpdate, id)
		if err != nil {
			return err
		}
		if balances[id], err = strconv.Atoi(r.Answer); err != nil {
			return err
		}
		if err := s.check(r, r.Answer, rwsplit.RolePrimary); err != nil {
			return err
		}
	}
	t.apply(balances)
	for _, id := range t.ids() {
		if err := s.write(ctx, tx, accountUpdate, balances[id], id); err != nil {
			return err
		}
	}
	return tx.Commit()
}

const (
	accountBalance = "SELECT balance FROM {account} WHERE id = ?"
	accountUpdate  = "UPDATE {account} SET balance = ? WHERE id = ?"
)

// ids are in an order, so that two transfers can't wait for each other.
func (t transfer) ids() [2]int { return [2]int{min(t.from, t.to), max(t.from, t.to)} }

func (t transfer) apply(balances map[int]int) {
	balances[t.from] -= t.amount
	balances[t.to] += t.amount
}

// money asks the primary itself, past rwsplit.
func (s *shop) money(ctx context.Context, account string) (int, error) {
	var n int
	err := s.servers.Servers[0].DB.QueryRowContext(ctx, s.engine.sql("SELECT sum(balance) FROM {"+account+"}")).Scan(&n)
	return n, err
}

// transfers makes those with the numbers from first up to n.
func (s *shop) transfers(ctx context.Context, workers, first, n int, move func(context.Context, transfer) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		next, done atomic.Int64
		all        sync.WaitGroup
	)
	for range workers {
		all.Go(func() {
			for {
				i := first + int(next.Add(1)) - 1
				if i >= n || ctx.Err() != nil {
					return
				}
				if err := move(ctx, transferOf(i)); err != nil {
					cancel(err)
					return
				}
				done.Add(1)
			}
		})
	}
	finished := make(chan struct{})
	go func() { all.Wait(); close(finished) }()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-finished:
			s.screen.clear()
			return context.Cause(ctx)
		case <-ticker.C:
			s.screen.progress(fmt.Sprintf("%s %d of %d transfers", bar(first+int(done.Load()), n, 40), first+int(done.Load()), n))
		}
	}
}

// move makes one transfer through rwsplit.
func (s *shop) move(ctx context.Context, t transfer) (err error) {
	tx, err := s.servers.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	balances := make(map[int]int, 2)
	for _, id := range t.ids() {
		var n int
		if err := tx.QueryRowContext(ctx, s.engine.sql(accountBalance+s.engine.forUpdate), id).Scan(&n); err != nil {
			return err
		}
		balances[id] = n
	}
	t.apply(balances)
	for _, id := range t.ids() {
		if _, err := tx.ExecContext(ctx, s.engine.sql(accountUpdate), balances[id], id); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// moveNaive makes one transfer the way a naive splitter runs it: the SELECTs
// on a replica, the rest on the primary.
func (s *shop) moveNaive(ctx context.Context, t transfer) error {
	balances := make(map[int]int, 2)
	const read = "SELECT balance FROM {account_naive} WHERE id = ?"
	for _, id := range t.ids() {
		n, err := s.readNaive(ctx, read, id)
		if err != nil {
			return err
		}
		balances[id] = n
	}
	t.apply(balances)
	tx, err := s.servers.Servers[0].DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, id := range t.ids() {
		if _, err := tx.ExecContext(ctx, s.engine.sql("UPDATE {account_naive} SET balance = ? WHERE id = ?"), balances[id], id); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// readNaive reads past rwsplit. A replica may end a read that is in the way of
// what it replays; rwsplit runs such a read again, and so is this one.
func (s *shop) readNaive(ctx context.Context, query string, args ...any) (n int, err error) {
	for range 5 {
		err = s.servers.Servers[naiveBackend(query)].DB.QueryRowContext(ctx, s.engine.sql(query), args...).Scan(&n)
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return n, err
}

func (s *shop) printBank() {
	b, sc := s.report.Bank, s.screen
	sc.line("")
	t := table.New(sc.w, sc.style, sc.width-2,
		table.Column{Title: "the bank", Width: 14},
		table.Column{Title: "transfers", Width: 9, Right: true},
		table.Column{Title: "took", Width: 7, Right: true},
		table.Column{Title: "money before", Width: 12, Right: true},
		table.Column{Title: "money after", Width: 11, Right: true},
		table.Column{Title: ""},
	).Indent(2)
	row := func(name string, transfers int, took time.Duration, before, after int) {
		end := table.Cell{Text: "right", Color: table.Good}
		if after != before {
			end = table.Cell{Text: "wrong by " + thousands(after-before) + " ✗", Color: table.Bad}
		}
		t.Row(table.Text(name), table.Text(thousands(transfers)), table.Text(seconds(took)),
			table.Text(thousands(before)), table.Text(thousands(after)), end)
	}
	row("rwsplit", b.Transfers, b.Elapsed, b.Start, b.End)
	row("naive splitter", b.Transfers, b.NaiveElapsed, b.NaiveStart, b.NaiveEnd)
}

func reasons(counts map[rwsplit.Reason]uint64) string {
	order := slices.SortedFunc(maps.Keys(counts), func(a, b rwsplit.Reason) int {
		if d := int(counts[b]) - int(counts[a]); d != 0 {
			return d
		}
		return int(a) - int(b)
	})
	parts := make([]string, len(order))
	for i, r := range order {
		parts[i] = thousands(counts[r]) + "× " + r.String()
	}
	return strings.Join(parts, ", ")
}
