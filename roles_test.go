package rwsplit_test

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// newRolesCluster opens a cluster with roles=auto, the first server in charge.
func newRolesCluster(t *testing.T, replicas int) *fakeCluster {
	t.Helper()
	f := newFakeCluster(t, replicas, rwsplit.Config{
		Roles: rwsplit.RolesAuto, ProbeInterval: 10 * time.Millisecond, Balance: rwsplit.RoundRobin,
	}, fakeShape{})
	for _, r := range f.replicas {
		r.standby.Store(true)
	}
	for _, s := range f.servers() {
		s.wired = true
	}
	mustExec(t, f, "INSERT INTO t VALUES (1)")
	return f
}

// writer returns the server that ran the newest write.
func (f *fakeCluster) writer() string {
	f.t.Helper()
	mustExec(f.t, f, "INSERT INTO t VALUES (1)")
	routes := f.routes()
	last := routes[len(routes)-1]
	if last.Backend.Role != rwsplit.RolePrimary {
		f.t.Errorf("a write ran on %v", last.Backend)
	}
	return last.Backend.Name
}

func (f *fakeCluster) stats() rwsplit.Stats {
	f.t.Helper()
	st, err := rwsplit.StatsOf(f.DB)
	if err != nil {
		f.t.Fatal(err)
	}
	return st
}

func TestRefusedWriteRunsOnTheNewPrimaryAtOnce(t *testing.T) {
	f := newRolesCluster(t, 2)
	f.primary.standby.Store(true)
	f.replicas[0].standby.Store(false)
	equal(t, "the first write ran on", f.writer(), "replica1")
	// The old primary follows.
	seen := map[string]bool{}
	soon(t, "reads on both replicas", func() bool {
		seen[where(t, bg, f)] = true
		return seen["primary"] && seen["replica2"]
	})
	equal(t, "reads on the new primary", seen["replica1"], false)
	equal(t, "promotions", f.stats().RoleChanges["promotion"], 1)
}

func TestTakeoverOfAPrimaryThatIsGone(t *testing.T) {
	f := newRolesCluster(t, 1)
	f.primary.failAll(opConnect, errFakeShutdown)
	f.primary.killConns()
	f.replicas[0].standby.Store(false)
	soon(t, "a write on the new primary", func() bool {
		_, err := f.Exec("INSERT INTO t VALUES (1)")
		return err == nil
	})
	equal(t, "writer", f.writer(), "replica1")
	st := f.stats()
	equal(t, "takeovers", st.RoleChanges["takeover"], 1)
	equal(t, "the old primary is", st.Backends[0].State, rwsplit.StateRefused)

	// It comes back in the belief to be the primary still.
	f.primary.unhook(opConnect)
	soon(t, "the split brain", func() bool { return f.stats().RoleChanges["refused"] == 1 })
	for range 10 {
		equal(t, "writer", f.writer(), "replica1")
		equal(t, "reader", where(t, bg, f), "replica1")
	}
	f.primary.standby.Store(true)
	soon(t, "reads on the server that follows", func() bool { return where(t, bg, f) == "primary" })
}

func TestSplitBrainKeepsTheOneInCharge(t *testing.T) {
	f := newRolesCluster(t, 2)
	f.replicas[0].standby.Store(false)
	soon(t, "the split brain", func() bool { return f.stats().RoleChanges["refused"] == 1 })
	for range 10 {
		equal(t, "writer", f.writer(), "primary")
		equal(t, "reader", where(t, bg, f), "replica2")
	}
}

func TestWithoutAPrimaryWritesFailAndReadsGoOn(t *testing.T) {
	f := newRolesCluster(t, 1)
	f.primary.standby.Store(true)
	soon(t, "the error", func() bool {
		_, err := f.Exec("INSERT INTO t VALUES (1)")
		return errors.Is(err, rwsplit.ErrNoPrimary)
	})
	if _, err := f.Begin(); !errors.Is(err, rwsplit.ErrNoPrimary) {
		t.Errorf("Begin: got error %v", err)
	}
	where(t, bg, f)
	f.primary.standby.Store(false)
	soon(t, "a write", func() bool {
		_, err := f.Exec("INSERT INTO t VALUES (1)")
		return err == nil
	})
}

func TestTransactionIsNotCarriedToTheNewPrimary(t *testing.T) {
	f := newRolesCluster(t, 1)
	tx, err := f.Begin()
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, tx, "INSERT INTO t VALUES (1)")
	f.primary.standby.Store(true)
	f.replicas[0].standby.Store(false)
	equal(t, "writer", f.writer(), "replica1")
	if _, err := tx.Exec("INSERT INTO t VALUES (2)"); err == nil {
		t.Error("a transaction went on without its server")
	}
	if err := tx.Commit(); err == nil {
		t.Error("it was committed")
	}
	for _, c := range f.replicas[0].log(opExec) {
		if c.Query == "INSERT INTO t VALUES (2)" {
			t.Error("its statement ran on the new primary")
		}
	}
}

func TestStatementPreparedBeforeAPromotion(t *testing.T) {
	f := newRolesCluster(t, 1)
	f.SetMaxOpenConns(1)
	write, err := f.Prepare("INSERT INTO t VALUES (?)")
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	if _, err := write.Exec(1); err != nil {
		t.Fatal(err)
	}
	f.primary.standby.Store(true)
	f.replicas[0].standby.Store(false)
	for range 3 {
		if _, err := write.Exec(2); err != nil {
			t.Fatal(err)
		}
	}
	ran := 0
	for _, c := range f.replicas[0].log(opStmtExec) {
		if c.Err == nil {
			ran++
		}
	}
	equal(t, "executions on the new primary", ran, 3)
}

// fill leaves n idle connections in the pool, each of which has written, and
// read on every replica.
func (f *fakeCluster) fill(n int) {
	f.t.Helper()
	f.SetMaxIdleConns(n)
	conns := make([]*sql.Conn, n)
	for i := range conns {
		conns[i] = f.mustConn()
		mustExec(f.t, conns[i], "INSERT INTO t VALUES (1)")
		seen := map[string]bool{}
		for len(seen) < len(f.replicas) {
			seen[where(f.t, rwsplit.WithReplica(bg), conns[i])] = true
		}
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
}

// promote puts the first replica in charge, and the primary under it.
func (f *fakeCluster) promote() {
	f.t.Helper()
	f.primary.standby.Store(true)
	f.replicas[0].standby.Store(false)
	soon(f.t, "the promotion", func() bool { return f.stats().RoleChanges["promotion"] == 1 })
}

// rolesProbe is the connection on which a server is asked for its role.
const rolesProbe = 1

func TestIdleConnectionsOfAnotherRoleAreCut(t *testing.T) {
	f := newRolesCluster(t, 2)
	const n = 5
	f.fill(n)
	for _, s := range f.servers() {
		soon(t, "all connections to "+s.name, func() bool { return s.connected() == n+rolesProbe })
	}
	f.promote()
	soon(t, "the end of the idle connections, without a statement", func() bool {
		return f.primary.connected() == rolesProbe && f.replicas[0].connected() == rolesProbe
	})
	equal(t, "connections to a server that has kept its role", f.replicas[1].connected(), n+rolesProbe)

	// Whoever takes the pooled connections notices nothing.
	dials := f.replicas[0].count(opConnect)
	f.fill(n)
	equal(t, "new connections to the new primary", f.replicas[0].count(opConnect)-dials, n)
	for _, d := range f.routes() {
		if d.Statement.Writes && d.Backend.Name != "primary" && d.Backend.Name != "replica1" {
			t.Errorf("a write ran on %v", d.Backend)
		}
	}
}

func TestConnectionsInUseAreNotCutWithTheRole(t *testing.T) {
	f := newRolesCluster(t, 1)
	f.fill(3)
	tx, err := f.Begin()
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, tx, "INSERT INTO t VALUES (1)")
	conn := f.mustConn()
	rows, err := conn.QueryContext(rwsplit.WithPrimary(bg), "SELECT server")
	if err != nil {
		t.Fatal(err)
	}
	f.promote()
	soon(t, "the end of the idle connection", func() bool { return f.primary.connected() == rolesProbe+2 })

	// The next call in the transaction says that it is gone.
	if _, err := tx.Exec("INSERT INTO t VALUES (2)"); err == nil {
		t.Error("a transaction went on without its server")
	}
	_ = tx.Rollback()
	soon(t, "the end of the transaction's connection", func() bool { return f.primary.connected() == rolesProbe+1 })

	// What was begun to be read is read to its end, whatever comes in between.
	mustExec(t, conn, "INSERT INTO t VALUES (1)")
	var name string
	if !rows.Next() || rows.Scan(&name) != nil || name != "primary" || rows.Next() || rows.Err() != nil {
		t.Errorf("the rows broke: got %q, error %v", name, rows.Err())
	}
	if err := rows.Close(); err != nil {
		t.Error(err)
	}
	_ = conn.Close()
	soon(t, "the end of the reader's connection", func() bool { return f.primary.connected() == rolesProbe })
}

// A transaction begun by text may stay in the pool: it is cut off, too, and the
// next call must say so.
func TestIdleTransactionIsNotReplacedInSilence(t *testing.T) {
	f := newRolesCluster(t, 1)
	f.SetMaxOpenConns(1)
	mustExec(t, f, "BEGIN")
	mustExec(t, f, "INSERT INTO t VALUES (1)")
	f.promote()
	soon(t, "the end of the idle connection", func() bool { return f.primary.connected() == rolesProbe })
	if _, err := f.Exec("INSERT INTO t VALUES (2)"); err == nil {
		t.Error("a transaction went on without its server")
	}
	for _, c := range f.replicas[0].log(opExec) {
		if c.Query == "INSERT INTO t VALUES (2)" {
			t.Error("its statement ran on the new primary")
		}
	}
	mustExec(t, f, "INSERT INTO t VALUES (3)")
}

// Those that were in use while the roles changed are dropped when they come
// back to the pool.
func TestConnectionThatComesBackAfterAPromotionIsDropped(t *testing.T) {
	f := newRolesCluster(t, 1)
	f.SetMaxIdleConns(4)
	conn := f.mustConn()
	mustExec(t, conn, "INSERT INTO t VALUES (1)")
	where(t, bg, conn)
	f.promote()
	_ = conn.Close()
	soon(t, "the end of its connections", func() bool {
		return f.primary.connected() == rolesProbe && f.replicas[0].connected() == rolesProbe
	})
}
