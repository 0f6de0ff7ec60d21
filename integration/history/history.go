// Package history checks what reads returned against what their consistency
// level promises. Rows hold counters that only grow, so the order of their
// values is the order of history: a read is stale if it returned less than a
// write that it had to see.
package history

import (
	"fmt"
	"sort"
	"sync"
)

// Kind is what was done.
type Kind uint8

// The kinds of operations.
const (
	// Write raised Row to Value, and the caller was told so.
	Write Kind = iota
	// Read returned Value for Row.
	Read
	// Give made Token from what the session, or outside of one the process,
	// wrote and was handed.
	Give
	// Take handed Token to the session.
	Take
	// Start began Process: it opened its sql.DB.
	Start
)

// Level is what a read is promised to see at least.
type Level uint8

// The levels, the weakest first.
const (
	// Session: what its session wrote or was handed, what its process wrote
	// outside any session, and what anybody had written before its process
	// started; and nothing older than what the session read.
	Session Level = iota
	// Process: also everything that its process had written.
	Process
	// Global: also everything that anybody had written.
	Global
)

// Op is one operation of somebody. Times come from one [Clock].
type Op struct {
	Kind    Kind
	Level   Level // of a Read
	Process int   // whoever shares a sql.DB
	Session int   // 0: outside any session
	Row     int
	Token   int
	Value   int64
	Began   int64
	Ended   int64
	// Where says where and how it ran, for people.
	Where string
}

// Recorder collects operations from many goroutines.
type Recorder struct {
	*Clock
	mu  sync.Mutex // protects ops
	ops []Op
}

// NewRecorder returns a Recorder whose operations are timed by c.
func NewRecorder(c *Clock) *Recorder { return &Recorder{Clock: c} }

// Add notes operations that have ended.
func (r *Recorder) Add(ops ...Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, ops...)
}

// Ops returns what was noted so far.
func (r *Recorder) Ops() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Op(nil), r.ops...)
}

// Take returns what was noted since the last Take.
func (r *Recorder) Take() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	ops := r.ops
	r.ops = nil
	return ops
}

// Violation is a read that returned less than it had to.
type Violation struct {
	Read Op
	// Floor is the operation whose value the read had to see.
	Floor Op
	// Promise is what was broken.
	Promise string
}

// String describes it for people.
func (v Violation) String() string {
	return fmt.Sprintf("%s: process %d session %d read %d of row %d (%s, %d-%d), but %d was there (process %d session %d, %s, %d-%d)",
		v.Promise, v.Read.Process, v.Read.Session, v.Read.Value, v.Read.Row, v.Read.Where, v.Read.Began, v.Read.Ended,
		v.Floor.Value, v.Floor.Process, v.Floor.Session, v.Floor.Where, v.Floor.Began, v.Floor.Ended)
}

// floors is the newest operation that must be seen, by row.
type floors map[int]Op

func (f floors) raise(op Op) {
	if old, ok := f[op.Row]; !ok || op.Value > old.Value {
		f[op.Row] = op
	}
}

func (f floors) raiseAll(other floors) {
	for _, op := range other {
		f.raise(op)
	}
}

// byKey makes floors when they are first raised.
type byKey map[int]floors

func (b byKey) of(key int) floors {
	f, ok := b[key]
	if !ok {
		f = make(floors)
		b[key] = f
	}
	return f
}

// checker is the state of the sweep over time.
type checker struct {
	all     floors
	before  byKey // by process: what was there when it started
	process byKey
	outside byKey // by process: what was written outside any session
	session byKey // what a session wrote and was handed
	seen    byKey // what a session read
	tokens  byKey
	found   []Violation
}

// Check returns the reads that broke a promise, the first first. Ops may come in
// any order.
func Check(ops []Op) []Violation {
	type event struct {
		at    int64
		op    int
		ended bool
	}
	events := make([]event, 0, 2*len(ops))
	for i, op := range ops {
		events = append(events, event{op.Began, i, false}, event{op.Ended, i, true})
	}
	sort.Slice(events, func(i, j int) bool { return events[i].at < events[j].at })
	c := &checker{
		all: make(floors), before: make(byKey), process: make(byKey), outside: make(byKey),
		session: make(byKey), seen: make(byKey), tokens: make(byKey),
	}
	for _, e := range events {
		if e.ended {
			c.end(ops[e.op])
		} else {
			c.begin(ops[e.op])
		}
	}
	return c.found
}

// begin looks at what an operation has to see.
func (c *checker) begin(op Op) {
	switch op.Kind {
	case Start:
		c.before.of(op.Process).raiseAll(c.all)
	case Read:
		c.check(op, c.before.of(op.Process), "what was written before the process started")
		c.check(op, c.outside.of(op.Process), "read-your-writes of what was written outside sessions")
		if op.Session != 0 {
			c.check(op, c.session.of(op.Session), "read-your-writes of the session")
			c.check(op, c.seen.of(op.Session), "monotonic reads of the session")
		}
		if op.Level >= Process {
			c.check(op, c.process.of(op.Process), "read-your-writes of the process")
		}
		if op.Level >= Global {
			c.check(op, c.all, "global")
		}
	case Give:
		if op.Session != 0 {
			c.tokens.of(op.Token).raiseAll(c.session.of(op.Session))
		} else {
			c.tokens.of(op.Token).raiseAll(c.process.of(op.Process))
		}
	}
}

// check notes a violation, one for each read.
func (c *checker) check(read Op, must floors, promise string) {
	floor, ok := must[read.Row]
	if !ok || read.Value >= floor.Value {
		return
	}
	if n := len(c.found); n > 0 && c.found[n-1].Read == read {
		return
	}
	c.found = append(c.found, Violation{read, floor, promise})
}

// end takes in what an operation did.
func (c *checker) end(op Op) {
	switch op.Kind {
	case Write:
		c.all.raise(op)
		c.process.of(op.Process).raise(op)
		if op.Session != 0 {
			c.session.of(op.Session).raise(op)
		} else {
			c.outside.of(op.Process).raise(op)
		}
	case Read:
		if op.Session != 0 {
			c.seen.of(op.Session).raise(op)
		}
	case Take:
		c.session.of(op.Session).raiseAll(c.tokens.of(op.Token))
	}
}
