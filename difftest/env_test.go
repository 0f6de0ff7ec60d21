package difftest

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// envNumber reads a number from the environment.
func envNumber(t testing.TB, name string, fallback uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return fallback
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s=%q is no number", name, s)
	}
	return n
}

// count is the number of texts per engine.
func count(t testing.TB) int { return int(envNumber(t, "RWSPLIT_DIFF_COUNT", 20000/slow)) }

// seed is the same in every run, so that a failure is the change's own, unless
// another one or "random" is asked for. It is printed, so that a run can be
// repeated.
func seed(t testing.TB) uint64 {
	t.Helper()
	n := uint64(time.Now().UnixNano())
	if os.Getenv("RWSPLIT_DIFF_SEED") != "random" {
		n = envNumber(t, "RWSPLIT_DIFF_SEED", 1)
	}
	t.Logf("RWSPLIT_DIFF_SEED=%d", n)
	return n
}
