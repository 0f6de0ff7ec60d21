package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rwsplitCommand runs the command line as main does.
func rwsplitCommand(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), args, streams{strings.NewReader(stdin), &out, &errs})
	return status, out.String(), errs.String()
}

func TestMistakesInTheCommandLineExitWith2(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		args       []string
	}{
		{"nothing", "rwsplit demo", nil},
		{"unknown command", `unknown command "clasify"`, []string{"clasify"}},
		{"unknown flag", "not defined: -colour", []string{"classify", "-colour"}},
		{"no dialect", "-dialect is required: postgres,", []string{"classify"}},
		{"unknown dialect", `-dialect "oracle" is not postgres,`, []string{"classify", "-dialect", "oracle"}},
		{"unknown route", `-require "nowhere" is not replica, primary or last`, []string{"classify", "-dialect", "mysql", "-require", "nowhere"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := rwsplitCommand(t, "", tt.args...)
			require.Equal(t, exitUsage, status)
			require.Empty(t, stdout)
			require.Contains(t, stderr, tt.want)
		})
	}
}

func TestHelpIsAnAnswerNotAnError(t *testing.T) {
	for name := range commands {
		for _, flag := range []string{"-h", "--help"} {
			status, stdout, stderr := rwsplitCommand(t, "", name, flag)
			require.Equal(t, exitOK, status, name)
			require.Contains(t, stdout, "usage: rwsplit "+name)
			require.Empty(t, stderr)
		}
	}
	status, stdout, _ := rwsplitCommand(t, "", "help")
	require.Equal(t, exitOK, status)
	for name := range commands {
		require.Contains(t, stdout, "rwsplit "+name)
	}
	status, stdout, _ = rwsplitCommand(t, "", "version")
	require.Equal(t, exitOK, status)
	require.Contains(t, stdout, "rwsplit ")
}

func TestFlagsMayStandAfterArguments(t *testing.T) {
	fs := newFlags("x", "", streams{})
	a, b := fs.Bool("a", false, ""), fs.String("b", "", "")
	rest, err := fs.parse([]string{"one", "-a", "two", "-b", "v", "--", "-three"})
	require.NoError(t, err)
	require.Equal(t, []string{"one", "two", "-three"}, rest)
	require.True(t, *a)
	require.Equal(t, "v", *b)
}

func TestInterruptedCommandsSaySo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	commands["interrupted-in-test"] = func(ctx context.Context, _ []string, _ streams) error { return ctx.Err() }
	t.Cleanup(func() { delete(commands, "interrupted-in-test") })
	var out, errs bytes.Buffer
	require.Equal(t, exitFailed, run(ctx, []string{"interrupted-in-test"}, streams{strings.NewReader(""), &out, &errs}))
	require.Equal(t, "rwsplit interrupted-in-test: interrupted\n", errs.String())
}
