package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/lite"
)

func TestCommandsThatTakeADSN(t *testing.T) {
	const nobody = "driver=pgx primary=postgres://app:s3cret@127.0.0.1:1/shop replica=postgres://app:s3cret@127.0.0.1:1/shop"
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		want   string // in what is printed
	}{
		{"demo, argument", []string{"demo", "DSN"}, exitUsage, `unexpected argument "DSN"`},
		{"no command", []string{nobody}, exitUsage, "unknown command\n"},
		{"demo, without -dsn", []string{"demo", nobody}, exitUsage, "a DSN goes behind -dsn"},
		{"check, no name of a file", []string{"check", "@" + nobody}, exitFailed, "behind @ stands the name of a file"},
		{"demo, malformed", []string{"demo", "-dsn", "postgres://app:s3cret@h/shop"}, exitFailed, "the DSN is made of settings"},
		{"demo, unknown key", []string{"demo", "-dsn", "driver=pgx primary=s3cret fallbak=primary"}, exitFailed, "did you mean fallback?"},
		{"demo, no replica", []string{"demo", "-dsn", "driver=pgx primary=postgres://app:s3cret@127.0.0.1:1/shop"}, exitFailed, "the DSN lists no replica"},
		{"demo, unreachable", []string{"demo", "-dsn", nobody}, exitFailed, "primary can't be reached: "},
		{"demo, no such driver", []string{"demo", "-dsn", "driver=oracle primary=s3cret"}, exitFailed, "oracle"},
		{"check, none", []string{"check"}, exitUsage, "a DSN is required"},
		{"check, unquoted", []string{"check", "driver=pgx", "primary=s3cret"}, exitUsage, "put it in quotes"},
		{"check, several", []string{"check", "a", "b"}, exitUsage, "2 arguments where one DSN is wanted"},
		{"check, malformed", []string{"check", "postgres://app:s3cret@h/shop"}, exitFailed, "the DSN is made of settings"},
		{"check, no file", []string{"check", "@/none/dsn"}, exitFailed, "reading the DSN: open /none/dsn"},
		{"check, timeout", []string{"check", "-timeout", "0s", nobody}, exitUsage, "-timeout 0s is not more than 0"},
		{"check, unreachable", []string{"check", nobody}, exitFailed, "2 problems"},
		{"watch, none", []string{"watch"}, exitUsage, "a DSN is required"},
		{"watch, interval", []string{"watch", "-interval", "1ms", nobody}, exitUsage, "-interval 1ms is less than 100ms"},
		{"watch, count", []string{"watch", "-count", "-1", nobody}, exitUsage, "-count -1 is less than 0"},
		{"watch, unreachable", []string{"watch", "-count", "1", nobody}, exitOK, "replica1 down error="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := rwsplitCommand(t, "", tt.args...)
			require.Equal(t, tt.status, status, stdout+stderr)
			require.Contains(t, stdout+stderr, tt.want)
			require.NotContains(t, stdout+stderr, "s3cret")
		})
	}
}

func TestADSNMayComeFromAFile(t *testing.T) {
	cfg, _ := lite.Config(t, "copy.db")
	file := filepath.Join(t.TempDir(), "dsn")
	require.NoError(t, os.WriteFile(file, []byte(cfg.FormatDSN()+"\n"), 0o600))
	status, stdout, stderr := rwsplitCommand(t, "", "check", "@"+file)
	require.Equal(t, exitOK, status, stdout+stderr)
	require.Contains(t, stdout, "no problem: reads go to 1 replica")
}
