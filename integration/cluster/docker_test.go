package cluster_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/integration/cluster"
)

func TestDeadOwnersAreTold(t *testing.T) {
	mine := cluster.Owner(os.Getpid())
	require.False(t, cluster.Dead(mine))
	require.False(t, cluster.Dead("another-host another-space 1 1"), "nothing is known of other machines")
	require.False(t, cluster.Dead("not a label"))

	child := exec.Command("sleep", "60")
	require.NoError(t, child.Start())
	label := cluster.Owner(child.Process.Pid)
	require.False(t, cluster.Dead(label))
	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
	require.True(t, cluster.Dead(label))

	// The same number, another process.
	part := strings.Split(mine, " ")
	part[3] += "1"
	require.True(t, cluster.Dead(strings.Join(part, " ")))
}

// leave makes the test binary start a cluster and wait to be killed.
const leave = "RWSPLIT_TEST_LEAVE_A_CLUSTER"

func TestNothingOutlivesAKilledRun(t *testing.T) {
	if os.Getenv(leave) != "" {
		_, err := cluster.Start(context.Background(), cluster.Postgres, cluster.Options{Replicas: 1})
		fmt.Printf("\nrun %s %v\n", cluster.RunID(), err)
		select {}
	}
	if reason, without := cluster.Without(cluster.Postgres); without {
		t.Skipf("NOT COVERED: %s", reason)
	}
	child := exec.Command(os.Args[0], "-test.run", "^TestNothingOutlivesAKilledRun$")
	child.Env = append(os.Environ(), leave+"=1", "RWSPLIT_TEST_COVERED=")
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	defer func() { _ = child.Process.Kill() }()
	run := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "run "); ok {
			id, failure, _ := strings.Cut(rest, " ")
			require.Equal(t, "<nil>", failure)
			run = id
			break
		}
	}
	require.NotEmpty(t, run)
	n, err := cluster.Remaining(run)
	require.NoError(t, err)
	require.Equal(t, 4, n, "two containers, a network, a volume")
	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
	require.Eventually(t, func() bool {
		n, err := cluster.Remaining(run)
		return err == nil && n == 0
	}, time.Minute, 100*time.Millisecond)
}
