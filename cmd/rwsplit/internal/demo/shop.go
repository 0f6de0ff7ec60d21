package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/backends"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
)

// shop is one run of the demo.
type shop struct {
	options Options
	engine  engine
	servers *backends.Set
	screen  *screen
	report  *Report
	story   string
}

// session is what a *sql.DB, *sql.Conn and *sql.Tx have in common.
type session interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// read runs a query through rwsplit and prints it. note goes before the text.
func (s *shop) read(ctx context.Context, on session, note, query string, args ...any) (Row, error) {
	ctx, trail := withTrail(ctx)
	answer, err := firstValue(on.QueryRowContext(ctx, s.engine.sql(query), args...))
	if err != nil {
		return Row{}, fmt.Errorf("%s: %w", shown(query, args...), err)
	}
	r := s.decided(trail, note+shown(query, args...))
	r.Answer = answer
	if b := naiveBackend(query); b != 0 {
		if r.Naive, err = firstValue(s.servers.Servers[b].DB.QueryRowContext(ctx, s.engine.sql(query), args...)); err != nil {
			r.Naive = "error"
		}
	}
	s.print(r)
	return r, nil
}

// write runs a statement through rwsplit and prints it.
func (s *shop) write(ctx context.Context, on session, query string, args ...any) error {
	ctx, trail := withTrail(ctx)
	res, err := on.ExecContext(ctx, s.engine.sql(query), args...)
	if err != nil {
		return fmt.Errorf("%s: %w", shown(query, args...), err)
	}
	r := s.decided(trail, shown(query, args...))
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	r.Answer = fmt.Sprintf("%d row", n)
	s.print(r)
	return nil
}

// begin opens a transaction through rwsplit and prints it.
func (s *shop) begin(ctx context.Context, opts *sql.TxOptions, text string) (*sql.Tx, error) {
	ctx, trail := withTrail(ctx)
	tx, err := s.servers.DB.BeginTx(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	s.print(s.decided(trail, text))
	return tx, nil
}

func (s *shop) decided(t *trail, text string) Row {
	d := t.last()
	return Row{Story: s.story, SQL: text, Ran: d.Backend, Reason: because(d)}
}

func (s *shop) print(r Row) {
	s.report.Rows = append(s.report.Rows, r)
	s.screen.row(r)
}

func firstValue(row *sql.Row) (string, error) {
	var v any
	switch err := row.Scan(&v); {
	case errors.Is(err, sql.ErrNoRows):
		return "no row", nil
	case err != nil:
		return "", err
	}
	if b, ok := v.([]byte); ok {
		return string(b), nil
	}
	return fmt.Sprint(v), nil
}

// arrive waits until every replica gives the answer, and says when each did.
func (s *shop) arrive(ctx context.Context, what, query, answer string, args ...any) error {
	start := time.Now()
	after := make([]time.Duration, len(s.servers.Servers))
	err := s.until(ctx, func(elapsed time.Duration) (bool, error) {
		all := true
		for i, srv := range s.servers.Servers[1:] {
			if after[i+1] != 0 {
				continue
			}
			// A replica may not even have the table yet.
			got, err := firstValue(srv.DB.QueryRowContext(ctx, s.engine.sql(query), args...))
			if err == nil && got == answer {
				after[i+1] = max(elapsed, time.Millisecond)
				continue
			}
			all = false
		}
		s.screen.progress(fmt.Sprintf("%s  waiting for the replicas to get %s: %s", seconds(elapsed), what, arrivals(after)))
		return all, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the replicas to get %s (%s): %w; do they replicate from this primary?", what, arrivals(after), err)
	}
	s.screen.note(fmt.Sprintf("… %s later every replica has %s: %s.", seconds(time.Since(start)), what, arrivals(after)))
	return nil
}

func arrivals(after []time.Duration) string {
	var parts []string
	for i, d := range after[1:] {
		state := "not yet"
		switch {
		case d >= 50*time.Millisecond:
			state = "after " + seconds(d)
		case d > 0:
			state = "at once"
		}
		parts = append(parts, fmt.Sprintf("replica%d %s", i+1, state))
	}
	return strings.Join(parts, ", ")
}

// settle waits until rwsplit knows of n replicas that they have caught up.
func (s *shop) settle(ctx context.Context, n int) error {
	start := time.Now()
	after := make([]time.Duration, len(s.servers.Servers))
	err := s.until(ctx, func(elapsed time.Duration) (bool, error) {
		have := 0
		for i, ok := range caughtUp(s.servers) {
			if i == 0 || !ok {
				continue
			}
			have++
			if after[i] == 0 {
				after[i] = max(elapsed, time.Millisecond)
			}
		}
		s.screen.progress(fmt.Sprintf("%s  waiting until rwsplit counts replicas as caught up: %s", seconds(elapsed), arrivals(after)))
		return have >= n, nil
	})
	if err != nil {
		return fmt.Errorf("waiting until rwsplit counts replicas as caught up (%s): %w", arrivals(after), err)
	}
	s.screen.note(fmt.Sprintf("… %s later rwsplit knows who has caught up: %s.", seconds(time.Since(start)), arrivals(after)))
	return nil
}

// until asks again and again, for as long as the patience lasts.
func (s *shop) until(ctx context.Context, done func(elapsed time.Duration) (bool, error)) error {
	start := time.Now()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		elapsed := time.Since(start)
		ok, err := done(elapsed)
		if ok || err != nil {
			return err
		}
		if elapsed > s.options.Patience {
			return fmt.Errorf("not within %v", s.options.Patience)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// check fails the demo if rwsplit did not do what it promises.
func (s *shop) check(r Row, answer string, role rwsplit.Role) error {
	if r.Answer != answer || r.Ran.Role != role {
		return fmt.Errorf("%s: %s answered %q; it should have been a %s and %q", r.SQL, r.Ran.Name, r.Answer, role, answer)
	}
	return nil
}

const bannerTitle = "SELECT title FROM {banner} WHERE id = ?"

// opening: nothing is known yet.
func (s *shop) opening(ctx context.Context) error {
	s.begins("1  A process that has just started", "It can't know what was written before it: its first reads run on the primary, until the replicas are known to have it all.")
	first, err := s.read(ctx, s.servers.DB, "", bannerTitle, 1)
	if err != nil {
		return err
	}
	if err := s.arrive(ctx, "the shop's tables", "SELECT balance FROM {account_naive} WHERE id = ?", fmt.Sprint(startBalance), accounts); err != nil {
		return err
	}
	if err := s.settle(ctx, len(s.servers.Servers)-1); err != nil {
		return err
	}
	second, err := s.read(ctx, s.servers.DB, "", bannerTitle, 1)
	if err != nil {
		return err
	}
	return errors.Join(s.check(first, "Sale 10%", rwsplit.RolePrimary), s.check(second, "Sale 10%", rwsplit.RoleReplica))
}

// banner: a row is saved and read back in the next statement.
func (s *shop) banner(ctx context.Context) error {
	s.begins("2  The banner: save a row, read it back in the next statement", "")
	if err := s.write(ctx, s.servers.DB, "INSERT INTO {banner} VALUES (?, ?)", 2, "Sale 20%"); err != nil {
		return err
	}
	back, err := s.read(ctx, s.servers.DB, "", bannerTitle, 2)
	if err != nil {
		return err
	}
	if err := s.settle(ctx, 1); err != nil {
		return err
	}
	later, err := s.read(ctx, s.servers.DB, "", bannerTitle, 2)
	if err != nil {
		return err
	}
	if err := s.settle(ctx, len(s.servers.Servers)-1); err != nil {
		return err
	}
	return errors.Join(s.check(back, "Sale 20%", rwsplit.RolePrimary), s.check(later, "Sale 20%", rwsplit.RoleReplica))
}

// sticky: reads follow a write to the primary; hints override.
func (s *shop) sticky(ctx context.Context) error {
	const stock = "SELECT stock FROM {product} WHERE id = ?"
	db := s.servers.DB
	s.begins("3  Sticky: reads share the replicas until a write; a hint overrides", "")
	var bad []error
	for range 2 {
		r, err := s.read(ctx, db, "", stock, 1)
		if err != nil {
			return err
		}
		bad = append(bad, s.check(r, "12", rwsplit.RoleReplica))
	}
	if err := s.write(ctx, db, "UPDATE {product} SET stock = stock - 1 WHERE id = ?", 1); err != nil {
		return err
	}
	after, err := s.read(ctx, db, "", stock, 1)
	if err != nil {
		return err
	}
	hinted, err := s.read(rwsplit.WithReplica(ctx), db, "WithReplica: ", stock, 1)
	if err != nil {
		return err
	}
	if hinted.Answer != "11" {
		s.screen.note("WithReplica is for reads that may be stale: it got what the replica had.")
	}
	if err := s.settle(ctx, len(s.servers.Servers)-1); err != nil {
		return err
	}
	settled, err := s.read(ctx, db, "", stock, 1)
	if err != nil {
		return err
	}
	forced, err := s.read(rwsplit.WithPrimary(ctx), db, "WithPrimary: ", stock, 1)
	if err != nil {
		return err
	}
	return errors.Join(append(bad,
		s.check(after, "11", rwsplit.RolePrimary),
		s.check(hinted, hinted.Answer, rwsplit.RoleReplica), // how stale is the replica's affair
		s.check(settled, "11", rwsplit.RoleReplica),
		s.check(forced, "11", rwsplit.RolePrimary))...)
}

// transactions: a transaction never mixes servers.
func (s *shop) transactions(ctx context.Context) error {
	const stock, total = "SELECT stock FROM {product} WHERE id = ?", "SELECT sum(stock) FROM {product}"
	s.begins("4  Transactions: none mixes servers", "A read-only one runs on a replica, any other on the primary from its first read.")

	tx, err := s.begin(ctx, &sql.TxOptions{ReadOnly: true}, "db.BeginTx(ReadOnly: true)")
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	one, err := s.read(ctx, tx, "", total)
	if err != nil {
		return err
	}
	two, err := s.read(ctx, tx, "", stock, 2)
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}

	tx, err = s.begin(ctx, nil, "db.BeginTx()")
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	before, err := s.read(ctx, tx, "", stock+s.engine.forUpdate, 2)
	if err != nil {
		return err
	}
	if err := s.write(ctx, tx, "UPDATE {product} SET stock = ? WHERE id = ?", 4, 2); err != nil {
		return err
	}
	within, err := s.read(ctx, tx, "", stock, 2)
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if one.Ran != two.Ran {
		err = fmt.Errorf("a read-only transaction ran on %s and on %s", one.Ran.Name, two.Ran.Name)
	}
	return errors.Join(err,
		s.check(one, "16", rwsplit.RoleReplica), s.check(two, "5", rwsplit.RoleReplica),
		s.check(before, "5", rwsplit.RolePrimary), s.check(within, "4", rwsplit.RolePrimary))
}

func (s *shop) begins(title, text string) {
	s.story, _, _ = strings.Cut(strings.TrimLeft(title, "0123456789 "), ":")
	s.screen.story(title, text)
}

// totals: where it all ran.
func (s *shop) totals(ctx context.Context) error {
	st, err := rwsplit.StatsOf(s.servers.DB)
	if err != nil {
		return err
	}
	s.report.Stats = st
	sc := s.screen
	sc.line("")
	sc.line(sc.style.Paint(table.Bold, "Where it all ran, by StatsOf(db)"))
	sc.line("")
	t := table.New(sc.w, sc.style, sc.width-2,
		table.Column{Title: "server", Width: 8},
		table.Column{Title: "statements", Width: 10, Right: true},
		table.Column{Title: "why", Wrap: true},
	).Indent(2)
	for _, b := range st.Backends {
		t.Row(backendCell(b.Backend), table.Text(thousands(b.Statements)), table.Text(reasons(b.Reasons)))
	}
	reads, wrong := 0, 0
	for _, r := range s.report.Rows {
		if r.Naive != "" {
			reads++
		}
		if r.NaiveWrong() && r.Reason != rwsplit.ReasonHintReplica.String() {
			wrong++
		}
	}
	sc.line("")
	verdict := fmt.Sprintf("Of the %d reads above, the naive splitter answered %d wrong.", reads, wrong)
	if b := s.report.Bank; b.NaiveEnd != b.NaiveStart {
		verdict += " Its bank is off by " + thousands(abs(b.NaiveEnd-b.NaiveStart)) + "."
	}
	sc.text(2, verdict+" rwsplit: all right, with no change to the code.")
	if s.options.Config == nil {
		sc.line("")
		sc.text(2, "Next, on your own servers and with your own SQL:")
		sc.line("")
		sc.code(strings.ReplaceAll(`rwsplit check     'driver=pgx primary=... replica=...'
rwsplit demo -dsn 'driver=pgx primary=... replica=...'
rwsplit classify -dialect postgres queries.sql`, "rwsplit ", program()+" "))
	}
	return nil
}

func abs(n int) int { return max(n, -n) }

// program is how to run this program again: "go run" leaves none behind.
func program() string {
	if exe, err := os.Executable(); err == nil && strings.Contains(exe, "go-build") {
		return "go run ./cmd/rwsplit"
	}
	return "rwsplit"
}
