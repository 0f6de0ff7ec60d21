package rwsplit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

// standbys opens a cluster with roles=auto in a bubble of its own time; the
// first server is the primary unless it is read-only, too.
func standbys(t *testing.T, all bool, test func(t *testing.T, d *tracked)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newTrackedServers(t)
		d.primary.standby.Store(all)
		cfg := &rwsplit.Config{Driver: "fakepos", PrimaryConnector: d.primary.connector(), Roles: rwsplit.RolesAuto}
		for _, r := range d.replicas {
			r.standby.Store(true)
			cfg.ReplicaConnectors = append(cfg.ReplicaConnectors, r.connector())
		}
		d.open(cfg, nil)
		test(t, d)
	})
}

// refused fails the test if a read finds anybody who may serve it.
func (d *tracked) refused(when string) {
	d.t.Helper()
	var name string
	if err := d.QueryRow("SELECT 1").Scan(&name); !errors.Is(err, rwsplit.ErrNoPrimary) {
		d.t.Errorf("%s: a read ran on %q, error %v", when, name, err)
	}
}

// Between the end of one primary and the promotion of another one nobody
// writes: what the replicas were known to have they still have.
func TestReadsGoOnWhileNobodyIsThePrimary(t *testing.T) {
	standbys(t, false, func(t *testing.T, d *tracked) {
		d.settle()
		d.write(t.Context())
		d.replay()
		time.Sleep(2 * time.Second)
		tx, err := d.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("INSERT"); err != nil {
			t.Fatal(err)
		}
		d.primary.hook(opCommit, 1, 1, func(_ context.Context, c *fakeConn) error {
			c.endTx() // rolled back
			return errFakeReadOnly
		})
		d.primary.standby.Store(true)
		if err := tx.Commit(); err == nil {
			t.Fatal("the commit was not refused")
		}
		for range 50 {
			time.Sleep(100 * time.Millisecond)
			d.read(t.Context())
		}
		if got := d.conn.Stats().RoleChanges["demotion"]; got != 1 {
			t.Fatalf("%d demotions", got)
		}

		d.replicas[0].standby.Store(false)
		time.Sleep(2 * time.Second)
		d.replicas[0].at.Add(5) // what others wrote there
		d.write(t.Context())
		for range 50 {
			time.Sleep(100 * time.Millisecond)
			d.want(t.Context(), "r1", "nobody follows the new primary")
		}
	})
}

// The positions of the primary before the last say nothing.
func TestWithoutAPrimaryThatWasNeverAskedNothingIsConfirmed(t *testing.T) {
	standbys(t, false, func(t *testing.T, d *tracked) {
		d.settle()
		r1 := d.replicas[0]
		silent := r1.hangTimes(t, opPosition, 1, -1, true)
		d.primary.standby.Store(true)
		r1.standby.Store(false)
		d.write(t.Context())
		r1.at.Add(10)
		r1.standby.Store(true)
		for range 30 {
			time.Sleep(100 * time.Millisecond)
			if d.conn.Stats().RoleChanges["demotion"] == 1 {
				d.refused("nobody knows how far the write is")
			}
		}
		r1.unhook(opPosition)
		silent.release()
		time.Sleep(10 * time.Second)
		d.want(t.Context(), "r1", "it has told its position, and has the write")
	})
}

func TestAProcessThatStartsWithoutAPrimaryReadsFromTheReplicas(t *testing.T) {
	standbys(t, true, func(t *testing.T, d *tracked) {
		_, _ = d.Exec("INSERT") // begins to look
		time.Sleep(3 * time.Second)
		for range 20 {
			d.read(t.Context())
		}
		if _, err := d.Exec("INSERT"); !errors.Is(err, rwsplit.ErrNoPrimary) {
			t.Errorf("a write: got error %v", err)
		}
		d.primary.at.Add(5)
		d.primary.standby.Store(false)
		time.Sleep(2 * time.Second)
		for range 20 {
			d.want(t.Context(), "primary", "the replicas lack what was written before")
		}
	})
}

// database/sql has ended the transaction whose commit was refused, so whoever
// takes its connection next has lost nothing with it.
func TestARefusedCommitIsNobodyElsesError(t *testing.T) {
	f := newRolesCluster(t, 1)
	f.SetMaxOpenConns(1)
	tx, err := f.Begin()
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, tx, "INSERT INTO t VALUES (1)")
	f.primary.hook(opCommit, 1, 1, func(_ context.Context, c *fakeConn) error {
		c.endTx()
		return errFakeReadOnly
	})
	if err := tx.Commit(); !errors.Is(err, errFakeReadOnly) {
		t.Fatalf("the commit: got error %v", err)
	}
	f.promote()
	equal(t, "the next write ran on", f.writer(), "replica1")
}
