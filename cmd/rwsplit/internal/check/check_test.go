package check_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/check"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/lite"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
)

const timeout = 5 * time.Second

// report checks cfg and returns the result and what is printed of it.
func report(t *testing.T, cfg *rwsplit.Config) (*check.Result, string) {
	t.Helper()
	r, err := check.Run(t.Context(), cfg, timeout)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, r.Print(&out, table.Style{Width: 100}, timeout))
	for line := range strings.Lines(out.String()) {
		require.LessOrEqual(t, len([]rune(line)), 101, line)
	}
	var small bytes.Buffer
	require.NoError(t, r.Print(&small, table.Style{Width: 80}, timeout))
	for line := range strings.Lines(small.String()) {
		require.LessOrEqual(t, len([]rune(line)), 81, line)
	}
	return r, out.String()
}

func TestCheckOfFilesThatAreFine(t *testing.T) {
	cfg, _ := lite.Config(t, "copy.db")
	r, out := report(t, cfg)
	require.Zero(t, r.Problems(), out)
	require.Len(t, r.Looks, 2)
	for _, l := range r.Looks {
		require.NoError(t, l.Err)
		require.Equal(t, "sqlite", l.Server.Dialect)
		require.Positive(t, l.Answer)
	}
	require.False(t, r.Looks[0].ReadOnlySession)
	require.True(t, r.Looks[1].ReadOnlySession)
	require.Regexp(t, `(?m)^replica1 +ok +file +read-only .* unknown  SQLite 3\.`, out)
	require.Contains(t, out, "no problem: reads go to 1 replica")
	// SQLite has no positions, and people should know what that means.
	require.Contains(t, out, "! primary: the engine has no replication positions")
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	t.Run("a server twice", func(t *testing.T) {
		cfg, _ := lite.Config(t, "primary.db")
		r, out := report(t, cfg)
		require.Equal(t, 1, r.Problems(), out)
		require.Contains(t, out, "✗ replica1: is the same server as primary\n  → give every server one entry")
	})
	t.Run("no replica", func(t *testing.T) {
		cfg, _ := lite.Config(t)
		r, out := report(t, cfg)
		require.Zero(t, r.Problems(), out)
		require.Contains(t, out, "! no replica is listed, so everything runs on the primary\n  → add replica=")
		require.Contains(t, out, "no problem, 1 thing to look at")
	})
	t.Run("no such file", func(t *testing.T) {
		cfg, _ := lite.Config(t, "none/copy.db")
		r, out := report(t, cfg)
		require.Equal(t, 1, r.Problems(), out)
		require.Regexp(t, `(?m)^replica1 +down$`, out)
		require.Contains(t, out, "✗ replica1: can't be asked: unable to open")
		require.Contains(t, out, "→ check the path of the file")
		require.Equal(t, 1, strings.Count(out, "can't be asked"))
	})
	t.Run("nobody listens", func(t *testing.T) {
		for driver, dsn := range map[string]string{
			"pgx":   "postgres://app:s3cret@127.0.0.1:1/shop",
			"mysql": "app:s3cret@tcp(127.0.0.1:1)/shop",
		} {
			r, out := report(t, &rwsplit.Config{Driver: driver, Primary: dsn, Replicas: []string{dsn}})
			require.Equal(t, 2, r.Problems(), out)
			require.Contains(t, out, "✗ primary and replica1: can't be asked: ")
			require.Contains(t, out, "connection refused")
			require.Contains(t, out, "→ is the server running there, and is the port right?")
			require.NotContains(t, out, "s3cret")
			require.Contains(t, out, "2 problems")
		}
	})
}
