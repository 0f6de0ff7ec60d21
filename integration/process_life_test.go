package integration_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/integration/cluster"
	"github.com/rwsplit/rwsplit/integration/history"
)

// lone starts a process without servers, which can do nothing but live and die.
func lone(t *testing.T, dsn string) (*process, *history.Recorder) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "clock"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	rec := history.NewRecorder(nil)
	p, err := startProcess(plan{
		Engine: cluster.Postgres,
		Rows:   2,
		Pools:  []poolPlan{{Name: "lone", Process: 7, Level: history.Process, DSN: dsn, Players: 1}},
	}, f, nil, func(n note) { rec.Add(n.Ops...) })
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.kill() })
	return p, rec
}

const nobody = "driver=pgx primary=postgres://app:secret@127.0.0.1:1/shop"

func TestAProcessPlaysUntilItIsTold(t *testing.T) {
	p, rec := lone(t, nobody)
	require.NoError(t, p.waitReady())
	require.NotEqual(t, os.Getpid(), p.cmd.Process.Pid)
	require.NotContains(t, strings.Join(p.cmd.Args, " "), "secret")
	require.NotContains(t, strings.Join(p.cmd.Env, " "), "postgres://app:secret@127.0.0.1:1")
	r, err := p.end()
	require.NoError(t, err)
	require.Equal(t, "lone", r.Pools[0].Name)
	require.NotEmpty(t, r.Failed, "nobody is there to prepare a statement")
	ops := rec.Ops()
	require.Len(t, ops, 1)
	require.Equal(t, history.Start, ops[0].Kind)
	require.Equal(t, 7, ops[0].Process)
}

func TestAProcessEndsWithWhoeverHasStartedIt(t *testing.T) {
	p, _ := lone(t, nobody)
	require.NoError(t, p.waitReady())
	// The pipes of a process that dies are closed.
	require.NoError(t, p.in.Close())
	<-p.ended
	require.ErrorContains(t, p.err, "exit status 3")
	require.ErrorContains(t, p.err, "nobody is there to play for")
}

func TestAProcessThatFailsSaysWhy(t *testing.T) {
	p, _ := lone(t, "driver=pgx primary=x sticky_for=tomorrow")
	require.ErrorContains(t, p.waitReady(), "sticky_for")
	_, err := p.end()
	require.ErrorContains(t, err, "exit status 1")
	require.ErrorContains(t, err, "sticky_for")
}

func TestAProcessThatIsKilledFails(t *testing.T) {
	p, _ := lone(t, nobody)
	require.NoError(t, p.waitReady())
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGKILL))
	_, err := p.end()
	require.ErrorContains(t, err, "signal: killed")
}
