package rwsplit_test

import (
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
