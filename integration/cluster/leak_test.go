package cluster_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/integration/cluster"
)

func TestGoroutinesThatAreLeftAreFound(t *testing.T) {
	pools := func() (n int) {
		for _, stack := range cluster.RunningStacks() {
			if strings.Contains(stack, "created by database/sql.OpenDB") {
				n++
			}
		}
		return n
	}
	before := pools()
	db, err := sql.Open("pgx", "postgres://127.0.0.1:1/")
	require.NoError(t, err)
	require.Equal(t, before+1, pools(), "the pool's own goroutine")
	require.NoError(t, db.Close())
	require.Eventually(t, func() bool { return pools() == before }, time.Minute, time.Millisecond)
}
