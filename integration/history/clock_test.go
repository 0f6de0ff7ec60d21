package history_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/integration/history"
)

// ticking makes the test binary a process that ticks once for every line.
const ticking = "RWSPLIT_TEST_TICKING"

func TestMain(m *testing.M) {
	if os.Getenv(ticking) == "" {
		os.Exit(m.Run())
	}
	c, err := history.OpenClock(os.NewFile(3, "clock"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		n := 1
		_, _ = fmt.Sscan(lines.Text(), &n)
		out := bufio.NewWriter(os.Stdout)
		for range n {
			fmt.Fprintln(out, c.Tick())
		}
		_ = out.Flush()
	}
	os.Exit(0)
}

func clockFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "clock"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// other starts a process with the same clock; ask has it tick so many times.
func other(t *testing.T, f *os.File) (ask func(n int) []int64) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), ticking+"=1")
	cmd.ExtraFiles = []*os.File{f}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		require.NoError(t, cmd.Wait())
	})
	lines := bufio.NewScanner(out)
	return func(n int) []int64 {
		_, err := fmt.Fprintln(in, n)
		require.NoError(t, err)
		ticks := make([]int64, n)
		for i := range ticks {
			require.True(t, lines.Scan(), "the other process has ended: %v", lines.Err())
			_, err := fmt.Sscan(lines.Text(), &ticks[i])
			require.NoError(t, err)
		}
		return ticks
	}
}

// What one process has told another one is before all that follows there.
func TestAClockOrdersTheEventsOfTwoProcesses(t *testing.T) {
	f := clockFile(t)
	c, err := history.OpenClock(f)
	require.NoError(t, err)
	ask := other(t, f)
	last := int64(0)
	for range 500 {
		here := c.Tick()
		require.Equal(t, last+1, here)
		there := ask(1)[0]
		require.Equal(t, here+1, there)
		last = there
	}
}

// Ticks at the same time are different ones: none is lost.
func TestAClockGivesEachEventItsOwnMoment(t *testing.T) {
	f := clockFile(t)
	c, err := history.OpenClock(f)
	require.NoError(t, err)
	ask := other(t, f)
	const each = 50_000
	var here []int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for range each {
			here = append(here, c.Tick())
		}
	})
	there := ask(each)
	wg.Wait()
	require.IsIncreasing(t, here)
	require.IsIncreasing(t, there)
	all := append(here, there...)
	slices.Sort(all)
	for i, tick := range all {
		require.Equal(t, int64(i+1), tick)
	}
}

func TestAClockNeedsAFileThatCanBeWritten(t *testing.T) {
	f, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer f.Close()
	_, err = history.OpenClock(f)
	require.ErrorContains(t, err, "history: clock")
}
