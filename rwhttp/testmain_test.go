package rwhttp_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails the run when a tracker outlives its sql.DB.
func TestMain(m *testing.M) {
	code := m.Run()
	for _, db := range opened {
		_ = db.Close()
	}
	if code == 0 {
		if left := trackers(5 * time.Second); left != "" {
			fmt.Fprintf(os.Stderr, "goroutines outlived the tests:\n\n%s\n", left)
			code = 1
		}
	}
	os.Exit(code)
}

// trackers returns the stacks while there are goroutines of a tracker, or "".
func trackers(patience time.Duration) string {
	deadline := time.Now().Add(patience)
	for {
		buf := make([]byte, 1<<20)
		stacks := string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "rwsplit.(*tracker)") {
			return ""
		}
		if time.Now().After(deadline) {
			return stacks
		}
		time.Sleep(time.Millisecond)
	}
}
