package demo_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/demo"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/lite"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
)

// row is what of a demo.Row does not depend on chance.
type row struct {
	sql, role, answer, naive string
}

func rowsOf(r *demo.Report) []row {
	var out []row
	for _, r := range r.Rows {
		out = append(out, row{r.SQL, r.Ran.Role.String(), r.Answer, r.Naive})
	}
	return out
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*[mK]|\r")

func requireFits(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		require.LessOrEqual(t, len([]rune(strings.TrimSuffix(line, "\n"))), 100, line)
	}
}

func TestDemoTellsTheStory(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	var out bytes.Buffer
	report, err := demo.Run(t.Context(), &out, table.Style{Color: true, Width: 100}, demo.Options{
		Delays:    []time.Duration{400 * time.Millisecond, 600 * time.Millisecond},
		Transfers: 60,
	})
	require.NoError(t, err, out.String())

	const (
		banner1, banner2 = "SELECT title FROM banner WHERE id = 1", "SELECT title FROM banner WHERE id = 2"
		stock1, stock2   = "SELECT stock FROM product WHERE id = 1", "SELECT stock FROM product WHERE id = 2"
	)
	require.Equal(t, []row{
		{banner1, "primary", "Sale 10%", "no row"},
		{banner1, "replica", "Sale 10%", "Sale 10%"},

		{"INSERT INTO banner VALUES (2, 'Sale 20%')", "primary", "1 row", ""},
		{banner2, "primary", "Sale 20%", "no row"},
		{banner2, "replica", "Sale 20%", "Sale 20%"},

		{stock1, "replica", "12", "12"},
		{stock1, "replica", "12", "12"},
		{"UPDATE product SET stock = stock - 1 WHERE id = 1", "primary", "1 row", ""},
		{stock1, "primary", "11", "12"},
		{"WithReplica: " + stock1, "replica", "12", "12"},
		{stock1, "replica", "11", "11"},
		{"WithPrimary: " + stock1, "primary", "11", "11"},

		{"db.BeginTx(ReadOnly: true)", "replica", "", ""},
		{"SELECT sum(stock) FROM product", "replica", "16", "16"},
		{stock2, "replica", "5", "5"},
		{"db.BeginTx()", "primary", "", ""},
		{stock2, "primary", "5", "5"},
		{"UPDATE product SET stock = 4 WHERE id = 2", "primary", "1 row", ""},
		{stock2, "primary", "4", "5"},

		{"db.BeginTx()", "primary", "", ""},
		{"SELECT balance FROM account WHERE id = 1", "primary", "1000", "1000"},
		{"SELECT balance FROM account WHERE id = 2", "primary", "1000", "1000"},
		{"UPDATE account SET balance = 990 WHERE id = 1", "primary", "1 row", ""},
		{"UPDATE account SET balance = 1010 WHERE id = 2", "primary", "1 row", ""},
	}, rowsOf(report))
	require.Equal(t, 4000, report.Bank.Start)
	require.Equal(t, 4000, report.Bank.End)

	// Two reads one after the other shared the replicas.
	require.NotEqual(t, report.Rows[5].Ran, report.Rows[6].Ran)
	// The counters agree with what was printed: what ran on a replica was
	// printed, and the other transfers of the bank ran on the primary.
	onReplicas := uint64(0)
	for _, r := range report.Rows {
		if r.Ran.Role == rwsplit.RoleReplica {
			onReplicas++
		}
	}
	stats := report.Stats.Backends
	require.Equal(t, onReplicas, stats[1].Statements+stats[2].Statements)
	require.Equal(t, uint64(len(report.Rows))-onReplicas+59*5, stats[0].Statements)

	plain := escape.ReplaceAllString(out.String(), "")
	require.NotEqual(t, plain, out.String(), "no colours")
	requireFits(t, plain)
	require.Contains(t, plain, "SQLite does not replicate: a loop of this demo copies every commit")
	require.Contains(t, plain, "4,000        4,000  right")
	require.Contains(t, plain, "the naive splitter answered 4 wrong")

	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	require.Empty(t, left)
}

func tablesOf(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_master").Scan(&n))
	return n
}

func TestDemoOnAClusterOfTheUserLeavesNothingBehind(t *testing.T) {
	cfg, db := lite.Config(t, "primary.db")
	var out bytes.Buffer
	report, err := demo.Run(t.Context(), &out, table.Style{Width: 100}, demo.Options{Config: cfg, Transfers: 20})
	require.NoError(t, err, out.String())
	require.Len(t, report.Rows, 24)
	// The replica is the primary: a naive splitter misses nothing but what the
	// transaction itself wrote.
	for _, r := range report.Rows {
		require.Equal(t, r.Answer == "4", r.NaiveWrong(), "%+v", r)
	}
	require.Equal(t, 4000, report.Bank.End)
	require.Regexp(t, `rwsplit_demo_[0-9a-f]{6}_\*`, out.String())
	require.NotContains(t, out.String(), "\x1b")
	requireFits(t, out.String())
	require.Zero(t, tablesOf(t, db))
}

func TestDemoSaysWhenReplicasDoNotReplicate(t *testing.T) {
	cfg, db := lite.Config(t, "other.db")
	_, err := demo.Run(t.Context(), &bytes.Buffer{}, table.Style{}, demo.Options{Config: cfg, Patience: 200 * time.Millisecond})
	require.ErrorContains(t, err, "waiting for the replicas to get the shop's tables (replica1 not yet): not within 200ms; do they replicate from this primary?")
	require.Zero(t, tablesOf(t, db))
}

func TestDemoNeedsServers(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		cfg        rwsplit.Config
	}{
		{"no replica", "the DSN lists no replica", rwsplit.Config{Driver: "sqlite", Primary: "file:x.db"}},
		{"no such file", "primary can't be reached: ", rwsplit.Config{Driver: "sqlite", Primary: "file:/none/x.db", Replicas: []string{"file:/none/x.db"}}},
		{"generic", "add dialect=postgres", rwsplit.Config{Driver: "sqlite", Dialect: "generic", Primary: "file:x.db", Replicas: []string{"file:x.db"}}},
		{
			"nobody listens", "replica1 can't be reached: ",
			rwsplit.Config{Driver: "pgx", Primary: "postgres://app:s3cret@127.0.0.1:1/shop", Replicas: []string{"postgres://app:s3cret@127.0.0.1:1/shop"}},
		},
		{
			"nobody listens, MySQL", "primary can't be reached: ",
			rwsplit.Config{Driver: "mysql", Primary: "app:s3cret@tcp(127.0.0.1:1)/shop", Replicas: []string{"app:s3cret@tcp(127.0.0.1:1)/shop"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			_, err := demo.Run(t.Context(), &out, table.Style{}, demo.Options{Config: &tt.cfg})
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, fmt.Sprint(err, out.String()), "s3cret")
		})
	}
}

func TestDemoStopsWhenToldTo(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, cancel := context.WithCancel(t.Context())
	w := writerFunc(func(p []byte) (int, error) {
		if bytes.Contains(p, []byte("because")) { // the first statement has run
			cancel()
		}
		return len(p), nil
	})
	_, err := demo.Run(ctx, w, table.Style{}, demo.Options{})
	require.ErrorIs(t, err, context.Canceled)
	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	require.Empty(t, left)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
