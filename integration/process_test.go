package integration_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"

	"github.com/rwsplit/rwsplit/integration/history"
)

// playing makes the test binary a process of the game. TestMain looks for it.
const playing = "RWSPLIT_TEST_PLAYING"

// note is what two processes tell each other, a line of JSON each. The plan,
// with its DSNs, goes this way too: a command line is for everybody to read.
type note struct {
	Plan   *plan        `json:",omitempty"` // the first one to the new process
	Stop   bool         `json:",omitempty"` // to it: play no more
	Token  *handedOn    `json:",omitempty"` // both ways
	Ready  bool         `json:",omitempty"` // from it: its pools are open
	Ops    []history.Op `json:",omitempty"` // from it: what was done since the last ones
	Result *result      `json:",omitempty"` // the last one from it
}

// process is another process of the operating system that plays.
type process struct {
	plan   plan
	cmd    *exec.Cmd
	in     io.WriteCloser
	stderr bytes.Buffer // to be read once ended is closed

	stopOnce sync.Once
	stop     chan struct{}
	ready    chan struct{}
	ended    chan struct{}

	// Set when ended is closed.
	result *result
	err    error
}

// startProcess starts a process that plays at once. clock is what its history
// is timed by, away the tokens that may go there; took is called with whatever
// comes from there. Whoever starts it calls end or kill.
func startProcess(p plan, clock *os.File, away <-chan handedOn, took func(note)) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &process{plan: p, cmd: exec.Command(exe), stop: make(chan struct{}), ready: make(chan struct{}), ended: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), playing+"=1")
	c.cmd.ExtraFiles = []*os.File{clock}
	c.cmd.Stderr = &c.stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go c.tell(away)
	go c.hear(out, took)
	return c, nil
}

// tell writes what the process is told. Its stdin stays open for as long as it
// is to live.
func (c *process) tell(away <-chan handedOn) {
	defer c.in.Close()
	to := json.NewEncoder(c.in)
	err := to.Encode(note{Plan: &c.plan})
	for err == nil {
		select {
		case h := <-away:
			err = to.Encode(note{Token: &h})
		case <-c.stop:
			_ = to.Encode(note{Stop: true})
			<-c.ended
			return
		case <-c.ended:
			return
		}
	}
	<-c.ended // it does not read any more: it has failed, and hear says how
}

// hear takes in what comes from the process until it ends.
func (c *process) hear(out io.Reader, took func(note)) {
	defer close(c.ended)
	from := json.NewDecoder(out)
	var err error
	for {
		var n note
		if err = from.Decode(&n); err != nil {
			break
		}
		switch {
		case n.Ready:
			close(c.ready)
		case n.Result != nil:
			c.result = n.Result
		default:
			took(n)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	} else {
		_ = c.cmd.Process.Kill() // nobody reads what it writes
	}
	if c.err = errors.Join(err, c.cmd.Wait()); c.err == nil && c.result == nil {
		c.err = errors.New("it ended without a result")
	}
	if c.err != nil {
		c.err = fmt.Errorf("process %d: %w\n%s", c.cmd.Process.Pid, c.err, c.stderr.Bytes())
	}
}

// processPatience is more than a process needs to start, and to end.
const processPatience = 90 * time.Second

// waitReady waits until its pools are open.
func (c *process) waitReady() error {
	select {
	case <-c.ready:
		return nil
	case <-c.ended:
		return c.err
	case <-time.After(processPatience):
		return errors.Join(errors.New("the process does not get ready"), c.kill())
	}
}

// end has the process stop playing and waits for it. All that it did is in the
// history then. It may be called twice.
func (c *process) end() (*result, error) {
	c.stopOnce.Do(func() { close(c.stop) })
	select {
	case <-c.ended:
		return c.result, c.err
	case <-time.After(processPatience):
		return nil, errors.Join(errors.New("the process does not end"), c.kill())
	}
}

// kill ends the process with its goroutines' stacks in the error.
func (c *process) kill() error {
	_ = c.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-c.ended:
	case <-time.After(5 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
	return c.err
}

// playElsewhere is the process. It ends when it is told to stop, and at once
// when whoever has started it is gone.
func playElsewhere(in io.Reader, out io.Writer) error {
	clock, err := history.OpenClock(os.NewFile(3, "clock"))
	if err != nil {
		return err
	}
	from := json.NewDecoder(in)
	var first note
	if err := from.Decode(&first); err != nil {
		return fmt.Errorf("no plan: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	told := make(chan handedOn, 1)
	go func() {
		for {
			var n note
			if err := from.Decode(&n); err != nil {
				fmt.Fprintln(os.Stderr, "nobody is there to play for:", err)
				os.Exit(3)
			}
			if n.Stop {
				cancel()
			} else if n.Token != nil {
				offer(told, *n.Token)
			}
		}
	}()

	before := runtime.NumGoroutine()
	away := make(chan handedOn, 1)
	t, err := newTeam(*first.Plan, clock, away)
	if err != nil {
		return err
	}
	to := json.NewEncoder(out)
	if err := to.Encode(note{Ready: true}); err != nil {
		return err
	}
	played := make(chan struct{})
	go func() {
		t.play(ctx)
		<-ctx.Done() // players may give up, the process does not
		close(played)
	}()
	report := time.NewTicker(50 * time.Millisecond)
	defer report.Stop()
	for playing := true; playing && err == nil; {
		select {
		case <-played:
			playing = false
		case h := <-told:
			offer(t.tokens, h)
		case h := <-away:
			err = to.Encode(note{Token: &h})
		case <-report.C:
			if ops := t.rec.Take(); len(ops) > 0 {
				err = to.Encode(note{Ops: ops})
			}
		}
	}
	if err != nil {
		return err
	}
	r, err := t.finish()
	if err != nil {
		return err
	}
	if err := goroutinesBackTo(before); err != nil {
		return err
	}
	return errors.Join(to.Encode(note{Ops: t.rec.Take()}), to.Encode(note{Result: &r}))
}

// goroutinesBackTo waits until there are no more goroutines than there were:
// those that were told to end may still be on their way.
func goroutinesBackTo(before int) error {
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			var stacks bytes.Buffer
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 2)
			return fmt.Errorf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), &stacks)
		}
	}
	return nil
}
