package rwsplit_test

import (
	"database/sql/driver"
	"strings"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// beats returns how many heartbeats the server was asked for, and how many of
// them it refused.
func (s *fakeServer) beats() (asked, refused int) {
	for _, c := range s.log(opExec) {
		if strings.HasPrefix(c.Query, "UPDATE rwsplit_heartbeat ") {
			asked++
			if c.Err == errFakeReadOnly {
				refused++
			}
		}
	}
	return asked, refused
}

// A primary that refuses the heartbeat because it is one no more must not make
// the tracker do without positions: those of its successor come soon.
func TestHeartbeatGoesOnOnTheNewPrimary(t *testing.T) {
	f := newFakeCluster(t, 2, rwsplit.Config{
		Roles: rwsplit.RolesAuto, ProbeInterval: 10 * time.Millisecond, Balance: rwsplit.RoundRobin,
		Consistency: rwsplit.Process, Position: rwsplit.PositionHeartbeat, StickyFor: time.Hour,
	}, fakeShape{})
	for _, s := range f.servers() {
		s.reply("SELECT history, n FROM rwsplit_heartbeat WHERE id = 1", fakeReply{sets: []fakeSet{{
			cols: []string{"history", "n"}, rows: [][]driver.Value{{"everybody has everything", "1"}},
		}}})
	}
	for _, r := range f.replicas {
		r.standby.Store(true)
	}
	mustExec(t, f, "INSERT INTO t VALUES (1)")
	soon(t, "a read on a replica", func() bool { return where(t, bg, f) != "primary" })

	asking := f.primary.hang(t, opInspect, 1) // so that the heartbeat is refused first
	f.primary.standby.Store(true)
	soon(t, "a heartbeat that is refused", func() bool { _, refused := f.primary.beats(); return refused > 0 })
	f.replicas[0].standby.Store(false)
	asking.release()
	soon(t, "a write on the new primary", func() bool {
		_, err := f.Exec("INSERT INTO t VALUES (1)")
		return err == nil
	})
	equal(t, "writer", f.writer(), "replica1")
	soon(t, "a read on the old primary, which follows", func() bool { return where(t, bg, f) == "primary" })
	if asked, refused := f.replicas[0].beats(); asked == 0 || refused > 0 {
		t.Errorf("the new primary was asked for %d heartbeats and refused %d", asked, refused)
	}
	before, _ := f.primary.beats()
	f.writer()
	soon(t, "a read on a replica after another write", func() bool { return where(t, bg, f) != "replica1" })
	after, _ := f.primary.beats()
	equal(t, "heartbeats on the old primary", after-before, 0)
}
