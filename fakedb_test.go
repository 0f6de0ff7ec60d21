package rwsplit_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The fake base driver: scripted servers in memory. A fakeServer fails, hangs
// or panics where a test says so, knows every physical connection that was
// made to it, and notes what no driver may be asked to do: two calls at once
// on one connection, calls after Close, things left open.
//
// The statements it knows are few: a SELECT with placeholders gives its
// arguments back, without any it names the server; INSERT, UPDATE and the rest
// count; BEGIN, COMMIT, ROLLBACK and SET leave their mark on the connection.
// Everything else is said by [fakeServer.reply].

// fakeOp is a method of the driver's.
type fakeOp string

const (
	opConnect   fakeOp = "Connect"
	opClose     fakeOp = "Close"
	opPing      fakeOp = "Ping"
	opReset     fakeOp = "ResetSession"
	opValid     fakeOp = "IsValid"
	opPrepare   fakeOp = "Prepare"
	opExec      fakeOp = "Exec"
	opQuery     fakeOp = "Query"
	opBegin     fakeOp = "Begin"
	opCommit    fakeOp = "Commit"
	opRollback  fakeOp = "Rollback"
	opStmtExec  fakeOp = "Stmt.Exec"
	opStmtQuery fakeOp = "Stmt.Query"
	opStmtClose fakeOp = "Stmt.Close"
	opNext      fakeOp = "Rows.Next"
	opNextSet   fakeOp = "Rows.NextResultSet"
	opRowsClose fakeOp = "Rows.Close"
	opSetup     fakeOp = "Setup"
	opInspect   fakeOp = "Inspect"
	opProbe     fakeOp = "InTransaction"
)

// fakeSeq numbers the calls on all servers.
var fakeSeq atomic.Int64

// fakeCall is one entry of the log.
type fakeCall struct {
	Seq    int64
	Server string
	Conn   int // 1 is the server's first connection
	Op     fakeOp
	Query  string
	Args   string
	Err    error // what the call returned, once it has
	Vain   bool  // its connection or its context had ended before: nothing was sent
}

func (c fakeCall) String() string {
	s := fmt.Sprintf("%s#%d %s", c.Server, c.Conn, c.Op)
	if c.Query != "" {
		s += fmt.Sprintf(" %q", c.Query)
	}
	if c.Args != "" {
		s += " " + c.Args
	}
	if c.Err != nil {
		s += fmt.Sprintf(" -> %v", c.Err)
	}
	return s
}

// fakeHook interferes with calls of one operation.
type fakeHook struct {
	skip  int // let so many calls pass first
	times int // then catch so many; negative: all
	do    func(context.Context, *fakeConn) error
}

// fakeServer is one backend. Fields above mu are set before its first use.
type fakeServer struct {
	name         string // what SELECT without arguments answers
	shape        fakeShape
	readOnly     bool        // refuses writes, as a replica
	noAutocommit bool        // sessions start with a transaction
	standby      atomic.Bool // says so, and refuses writes; may change
	wired        bool        // has network connections, which end a frozen call when cut

	mu      sync.Mutex // protects following fields
	calls   []*fakeCall
	hooks   map[fakeOp][]*fakeHook
	replies map[string]fakeReply
	misuses []string
	conns   []*fakeConn
	ends    []net.Conn // of network connections, at this server
	open    int        // connections
	peak    int        // most connections open at once
	stmts   int        // open statements
	rows    int        // open rows
	txs     int        // open transactions
	lastID  int64
	started time.Time
}

func newFakeServer(name string, shape fakeShape) *fakeServer {
	return &fakeServer{
		name: name, shape: shape, started: time.Unix(1000, 0),
		hooks: make(map[fakeOp][]*fakeHook), replies: make(map[string]fakeReply),
	}
}

// fail makes the n-th call of op from now on (1 is the next) return err
// without having any effect.
func (s *fakeServer) fail(op fakeOp, n int, err error) {
	s.hook(op, n, 1, func(context.Context, *fakeConn) error { return err })
}

// failAll makes every call of op from now on return err.
func (s *fakeServer) failAll(op fakeOp, err error) {
	s.hook(op, 1, -1, func(context.Context, *fakeConn) error { return err })
}

// breakOn makes the n-th call of op end its connection: the call returns err,
// later ones driver.ErrBadConn.
func (s *fakeServer) breakOn(op fakeOp, n int, err error) {
	s.hook(op, n, 1, func(_ context.Context, c *fakeConn) error {
		c.kill()
		return err
	})
}

// panicOn makes the n-th call of op panic with v.
func (s *fakeServer) panicOn(op fakeOp, n int, v any) {
	s.hook(op, n, 1, func(context.Context, *fakeConn) error { panic(v) })
}

// hook lets do decide about the n-th call of op and times-1 further ones
// (negative: all further ones); an error from it ends the call.
func (s *fakeServer) hook(op fakeOp, n, times int, do func(context.Context, *fakeConn) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks[op] = append(s.hooks[op], &fakeHook{skip: n - 1, times: times, do: do})
}

// unhook lets every call of op pass again.
func (s *fakeServer) unhook(op fakeOp) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.hooks, op)
}

// fakeHang is a call that does not return.
type fakeHang struct {
	entered chan struct{} // one value for each call that hangs
	release func()        // lets all of them go on; may be called twice
}

// hang makes the n-th call of op wait for release or the end of its context.
func (s *fakeServer) hang(t testing.TB, op fakeOp, n int) *fakeHang {
	return s.hangTimes(t, op, n, 1, true)
}

// freeze is hang for a call that does not watch its context.
func (s *fakeServer) freeze(t testing.TB, op fakeOp, n int) *fakeHang {
	return s.hangTimes(t, op, n, 1, false)
}

func (s *fakeServer) hangTimes(t testing.TB, op fakeOp, n, times int, watch bool) *fakeHang {
	gone := make(chan struct{})
	h := &fakeHang{
		entered: make(chan struct{}, 1000),
		release: sync.OnceFunc(func() { close(gone) }),
	}
	t.Cleanup(h.release)
	s.hook(op, n, times, func(ctx context.Context, c *fakeConn) error {
		h.entered <- struct{}{}
		var done <-chan struct{}
		if watch {
			done = ctx.Done()
		}
		select {
		case <-gone:
			return nil
		case <-done:
			return ctx.Err()
		case <-c.cut():
			c.kill()
			return errFakeLost
		}
	})
	return h
}

// reply says what the server answers to a text.
func (s *fakeServer) reply(query string, r fakeReply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies[query] = r
}

// begin notes a call and runs the hooks. The caller passes what it returns
// through end.
func (s *fakeServer) begin(ctx context.Context, c *fakeConn, op fakeOp, query, args string) (*fakeCall, error) {
	call := &fakeCall{Seq: fakeSeq.Add(1), Server: s.name, Op: op, Query: query, Args: args}
	if c != nil {
		call.Conn = c.id
	}
	s.mu.Lock()
	s.calls = append(s.calls, call)
	var do func(context.Context, *fakeConn) error
	for _, h := range s.hooks[op] {
		if h.skip > 0 {
			h.skip--
		} else if h.times != 0 && do == nil {
			h.times--
			do = h.do
		}
	}
	s.mu.Unlock()
	if do != nil {
		if err := do(ctx, c); err != nil {
			return call, err
		}
	}
	return call, nil
}

func (s *fakeServer) end(call *fakeCall, err error) {
	s.mu.Lock()
	call.Err = err
	s.mu.Unlock()
}

func (s *fakeServer) vain(call *fakeCall) {
	s.mu.Lock()
	call.Vain = true
	s.mu.Unlock()
}

func (s *fakeServer) misuse(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.misuses = append(s.misuses, s.name+": "+fmt.Sprintf(format, args...))
}

// log returns the calls of the given operations, of all without any.
func (s *fakeServer) log(ops ...fakeOp) []fakeCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []fakeCall
	for _, c := range s.calls {
		keep := len(ops) == 0
		for _, op := range ops {
			keep = keep || c.Op == op
		}
		if keep {
			out = append(out, *c)
		}
	}
	return out
}

// count returns how often op was called.
func (s *fakeServer) count(op fakeOp) int { return len(s.log(op)) }

// ran returns the texts that were executed, prepared or not, in order.
func (s *fakeServer) ran() []string {
	var out []string
	for _, c := range s.log(opExec, opQuery, opStmtExec, opStmtQuery) {
		if !errors.Is(c.Err, driver.ErrSkip) {
			out = append(out, c.Query)
		}
	}
	return out
}

// openConns returns the number of connections open now, and the most that were
// open at once.
func (s *fakeServer) openConns() (now, peak int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open, s.peak
}

// openStmts returns the number of prepared statements open now.
func (s *fakeServer) openStmts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stmts
}

// openRows returns the number of rows open now.
func (s *fakeServer) openRows() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows
}

// connected returns how many network connections the server has.
func (s *fakeServer) connected() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, end := range s.ends {
		if end.SetDeadline(time.Time{}) == nil { // it fails when either end is closed
			n++
		}
	}
	return n
}

// killConns ends every connection behind the client's back.
func (s *fakeServer) killConns() {
	s.mu.Lock()
	conns := append([]*fakeConn(nil), s.conns...)
	s.mu.Unlock()
	for _, c := range conns {
		c.kill()
	}
}

// check fails the test for every misuse so far.
func (s *fakeServer) check(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.misuses {
		t.Error("misuse of the base driver: ", m)
	}
}

// checkClosed fails the test if anything is open, or becomes so, when all
// that used the server has been closed. Connections may close a little later:
// rwsplit does that off its caller's path.
func (s *fakeServer) checkClosed(t testing.TB) {
	t.Helper()
	var left string
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		left = ""
		for _, n := range []struct {
			what string
			n    int
		}{{"connections", s.open}, {"statements", s.stmts}, {"rows", s.rows}, {"transactions", s.txs}} {
			if n.n != 0 {
				left += fmt.Sprintf(" %d %s", n.n, n.what)
			}
		}
		s.mu.Unlock()
		if left == "" || time.Now().After(deadline) {
			break
		}
	}
	if left != "" {
		t.Errorf("%s: left open:%s\n%s", s.name, left, s.dump())
	}
	s.check(t)
}

// dump is the log as text.
func (s *fakeServer) dump() string {
	var b strings.Builder
	for _, c := range s.log() {
		fmt.Fprintln(&b, c)
	}
	return b.String()
}

// fakeConnector connects to one server.
type fakeConnector struct{ s *fakeServer }

func (k fakeConnector) Connect(ctx context.Context) (driver.Conn, error) { return k.s.connect(ctx) }
func (k fakeConnector) Driver() driver.Driver                            { return fakeDriver{} }

func (s *fakeServer) connector() driver.Connector { return fakeConnector{s} }

func (s *fakeServer) connect(ctx context.Context) (driver.Conn, error) {
	s.mu.Lock()
	c := &fakeConn{s: s, id: len(s.conns) + 1}
	s.conns = append(s.conns, c)
	s.mu.Unlock()
	call, err := s.begin(ctx, c, opConnect, "", "")
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.closed.Store(true)
		s.end(call, err)
		return nil, err
	}
	if s.wired {
		c.dialWire(ctx)
	}
	s.mu.Lock()
	s.open++
	s.peak = max(s.peak, s.open)
	s.mu.Unlock()
	return s.shape.wrapConn(c), nil
}

// fakeDriver opens servers by name, as "fake" and, without a DriverContext, as
// "fakeold".
type fakeDriver struct{}

var fakeServers sync.Map // by DSN

// dsn lets a DSN name the server until the test ends.
func (s *fakeServer) dsn(t testing.TB) string {
	name := fmt.Sprintf("%s-%d", s.name, fakeSeq.Add(1))
	fakeServers.Store(name, s)
	t.Cleanup(func() { fakeServers.Delete(name) })
	return name
}

func (fakeDriver) OpenConnector(name string) (driver.Connector, error) {
	s, ok := fakeServers.Load(name)
	if !ok {
		return nil, errors.New("fakedb: no such server")
	}
	return fakeConnector{s.(*fakeServer)}, nil
}

func (d fakeDriver) Open(name string) (driver.Conn, error) {
	k, err := d.OpenConnector(name)
	if err != nil {
		return nil, err
	}
	return k.Connect(context.Background())
}

func init() {
	sql.Register("fake", fakeDriver{})
	sql.Register("fakeold", struct{ driver.Driver }{fakeDriver{}})
}
