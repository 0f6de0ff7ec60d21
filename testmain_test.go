package rwsplit_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails the run when a test leaves goroutines behind.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if left := leftGoroutines(5 * time.Second); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "%d goroutines outlived the tests:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
			code = 1
		}
	}
	os.Exit(code)
}

// leftGoroutines returns the stacks of the goroutines that nobody ended. It
// asks again until there are none or the time is over: a goroutine that was
// told to stop may still be on its way out.
func leftGoroutines(patience time.Duration) []string {
	deadline := time.Now().Add(patience)
	for wait := time.Millisecond; ; wait *= 2 {
		left := strangers(stacks())
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(min(wait, 100*time.Millisecond))
	}
}

func stacks() []string {
	buf := make([]byte, 1<<16)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			return strings.Split(strings.TrimSpace(string(buf[:n])), "\n\n")
		}
		buf = make([]byte, 2*len(buf))
	}
}

// strangers drops the goroutines of the test binary itself.
func strangers(stacks []string) []string {
	own := []string{
		"rwsplit_test.stacks(", // this goroutine
		"testing.(*M).",
		"testing.RunFuzzWorker",
		"os/signal.signal_recv",
		"os/signal.loop",
		"runtime.ensureSigM",
		"created by runtime/trace.",
		"created by testing.",
	}
	var left []string
next:
	for _, s := range stacks {
		for _, o := range own {
			if strings.Contains(s, o) {
				continue next
			}
		}
		left = append(left, s)
	}
	return left
}

func TestLeakCheckSeesAGoroutine(t *testing.T) {
	stop, running := make(chan struct{}), make(chan struct{})
	go func() { close(running); <-stop }()
	<-running
	found := false
	for _, s := range strangers(stacks()) {
		found = found || strings.Contains(s, "TestLeakCheckSeesAGoroutine.func1")
	}
	close(stop)
	if !found {
		t.Error("a running goroutine was not reported")
	}
}
