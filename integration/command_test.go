package integration_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/integration/cluster"
)

// buildCommand builds cmd/rwsplit, with the race detector if this test has it:
// all that it is made of was compiled that way before.
func buildCommand(t *testing.T) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "rwsplit")
	args := []string{"build", "-C", "../cmd/rwsplit", "-o", binary}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	out, err := exec.CommandContext(t.Context(), "go", append(args, ".")...).CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

// command returns a function that runs the binary with the DSN of c in a file,
// and returns what it printed.
func command(t *testing.T, c *cluster.Cluster, binary string) func(fails bool, options string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	return func(fails bool, options string, args ...string) string {
		t.Helper()
		dsn := filepath.Join(dir, "dsn")
		require.NoError(t, os.WriteFile(dsn, []byte(c.RWSplitDSN(options)), 0o600))
		cmd := exec.CommandContext(bounded(t), binary, append(args, "@"+dsn)...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		require.Equal(t, fails, err != nil, "%v: %v\n%s", args, err, out.String())
		return out.String()
	}
}

func TestCommandsOnRealClusters(t *testing.T) {
	binary := buildCommand(t)
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		run := command(t, c, binary)

		out := run(false, "max_lag=1m", "check")
		require.Regexp(t, `(?m)^primary +ok.* takes writes +read-write `, out)
		require.Regexp(t, `(?m)^replica2 +ok.* (standby|read-only) +read-only .* m?s  (PostgreSQL|MySQL|MariaDB) \d`, out)
		require.Contains(t, out, "no problem: reads go to 2 replicas")

		out = run(false, "roles=auto", "check")
		require.Contains(t, out, "no problem: reads go to 2 replicas")
		require.Equal(t, 1, strings.Count(out, "\nreplica2 "), out)
		out = run(false, "roles=auto", "watch", "-count", "2", "-interval", "500ms")
		require.Equal(t, 2*3, strings.Count(out, "\n"), out)

		const delay = 1500 * time.Millisecond
		require.NoError(t, c.Delay(ctx, delay))
		out = run(false, "max_lag=1m", "demo", "-dsn")
		t.Log("\n" + out)
		// The naive splitter misses the banner, and rwsplit does not.
		require.Regexp(t, `SELECT title FROM banner WHERE id = 2 +primary .* Sale 20% +no row ✗\n`, out)
		// Then the first replica that has it serves it; the one that is asked by
		// the naive splitter may still be behind.
		require.Regexp(t, `SELECT title FROM banner WHERE id = 2 +replica\d .* Sale 20% +(same|no row ✗)\n`, out)
		require.Regexp(t, `rwsplit +400 .* 4,000 +4,000  right`, out)
		require.Regexp(t, `naive splitter +400 .* wrong by`, out)
		for line := range strings.Lines(out) {
			require.LessOrEqual(t, len([]rune(line)), 101, line)
		}
		var left int
		require.NoError(t, c.Primary().Admin().QueryRowContext(ctx,
			"SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'rwsplit_demo%'").Scan(&left))
		require.Zero(t, left)

		require.NoError(t, c.Delay(ctx, 0))
		require.NoError(t, c.WaitReplayed(ctx))
		out = run(false, "max_lag=1m", "watch", "-count", "4", "-interval", "500ms")
		t.Log("\n" + out)
		require.Regexp(t, `primary up answer=\S+ (transactions|queries)/s=\d+ reads=`, out)
		require.Regexp(t, `replica\d up .* lag=\d\S* position=\S+ reads=\d+ here="plain read"`, out)

		require.NoError(t, c.PauseReplay(ctx))
		_, err := c.Primary().Admin().ExecContext(ctx, "CREATE TABLE shop_paused (id INTEGER PRIMARY KEY)")
		require.NoError(t, err)
		out = run(true, "max_lag=1m", "check", "-timeout", "700ms")
		t.Log("\n" + out)
		require.Contains(t, out, "✗ replica1 and replica2: had not replayed within 700ms what the primary had at the start")
		require.NoError(t, c.ResumeReplay(ctx))
		_, err = c.Primary().Admin().ExecContext(ctx, "DROP TABLE shop_paused")
		require.NoError(t, err)
	})
}
