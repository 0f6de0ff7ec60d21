package cluster

import (
	"runtime"
	"strings"
	"time"
)

// code is what must not run any more when everything is closed: the driver, the
// base drivers, and database/sql.
var code = []string{
	"github.com/rwsplit/rwsplit.",
	"github.com/rwsplit/rwsplit/rw",
	"github.com/jackc/pgx/",
	"github.com/go-sql-driver/mysql.",
	"database/sql.",
}

// leftGoroutines returns the stacks of goroutines that nobody ended. It looks
// again until there are none or the time is over: one that was told to stop may
// still be on its way out.
func leftGoroutines(patience time.Duration) []string {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		left := running(stacks())
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

func stacks() []string {
	for size := 1 << 20; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size {
			return strings.Split(strings.TrimSpace(string(buf[:n])), "\n\n")
		}
	}
}

// running returns those of the stacks that are in that code.
func running(stacks []string) []string {
	var found []string
	for _, s := range stacks {
		for _, c := range code {
			if strings.Contains(s, c) {
				found = append(found, s)
				break
			}
		}
	}
	return found
}
