package rwsplit_test

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

// What a replica does not do, somebody else does; the caller sees the result.

func TestReadThatAReplicaCannotServeRunsElsewhere(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault error
		want  string // the servers that ran it, in order
		told  string
	}{
		{
			"refused as a write", errFakeReadOnly, "replica1 primary",
			"query replica1: plain read\nquery primary: a replica refused it as a write, rerun",
		},
		{
			"not there yet", errFakeMissing, "replica1 primary",
			"query replica1: plain read\nquery primary: not on the replica yet, rerun",
		},
		{
			"cancelled by replay", errFakeConflict, "replica1 replica2",
			"query replica1: plain read\nquery replica2: the replica failed, rerun",
		},
		{
			"shutting down", errFakeShutdown, "replica1 replica2",
			"query replica1: plain read\nquery replica2: the replica failed, rerun",
		},
		{
			"connection lost", errFakeLost, "replica1 replica2",
			"query replica1: plain read\nquery replica2: the replica failed, rerun",
		},
		{
			"bad connection", driver.ErrBadConn, "replica1 replica2",
			"query replica1: plain read\nquery replica2: the replica failed, rerun",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeCluster(t, 2, rwsplit.Config{Balance: rwsplit.RoundRobin}, fakeShape{})
			f.replicas[0].reply("SELECT f()", fakeReply{err: tt.fault})
			var v any
			if err := f.QueryRow("SELECT f()").Scan(&v); err != nil {
				t.Fatal(err)
			}
			var ran []string
			for _, s := range f.servers() {
				for range s.log(opQuery) {
					ran = append(ran, s.name)
				}
			}
			want := strings.Fields(tt.want)
			if len(want) == 2 && want[1] == "primary" {
				want[0], want[1] = want[1], want[0]
			}
			equal(t, "ran on", strings.Join(ran, " "), strings.Join(want, " "))
			equal(t, "decisions", f.told(), tt.told)
		})
	}
}

func TestErrorOfTheStatementIsNotTriedElsewhere(t *testing.T) {
	f := newFakeCluster(t, 2, rwsplit.Config{Balance: rwsplit.RoundRobin}, fakeShape{})
	for _, s := range f.servers() {
		s.reply("SELECT 1/0", fakeReply{err: errFake})
	}
	var v any
	if err := f.QueryRow("SELECT 1/0").Scan(&v); err != error(errFake) {
		t.Errorf("got error %v, want %v", err, errFake)
	}
	equal(t, "attempts", f.told(), "query replica1: plain read")
}

// Rows are the base driver's: what they return cannot be run again.
func TestErrorAfterTheFirstRowReachesTheCaller(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.replicas[0].reply("SELECT t", fakeReply{sets: []fakeSet{
		{cols: []string{"a"}, rows: [][]driver.Value{{int64(1)}}, err: errFakeConflict},
	}})
	rows, err := f.Query("SELECT t")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
	}
	if err := rows.Err(); err != error(errFakeConflict) {
		t.Errorf("got error %v, want %v", err, errFakeConflict)
	}
	equal(t, "reads on the primary", f.primary.count(opQuery), 0)
}

func TestRefusedWriteIsTheCallersErrorIfSo(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{OnRefused: rwsplit.RefusedError}, fakeShape{})
	f.replicas[0].reply("SELECT f()", fakeReply{err: errFakeReadOnly})
	var v any
	if err := f.QueryRow("SELECT f()").Scan(&v); err != error(errFakeReadOnly) {
		t.Errorf("got error %v, want %v", err, errFakeReadOnly)
	}
	equal(t, "statements on the primary", len(f.primary.ran()), 0)
}

func TestRefusedTextIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	f := newFakeCluster(t, 1, rwsplit.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, fakeShape{})
	f.replicas[0].reply("SELECT f()", fakeReply{err: errFakeReadOnly})
	var v any
	for range 3 {
		if err := f.QueryRow("SELECT f()").Scan(&v); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "lines about it", strings.Count(log.String(), "f()"), 1)
	st, _ := rwsplit.StatsOf(f.DB)
	equal(t, "counted", int(st.Reasons[rwsplit.ReasonRefused]), 3)
}

// A statement that ran as a write on the primary after all is a write to those
// who read next.
func TestRefusedStatementCountsAsAWrite(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	f.replicas[0].reply("SELECT f()", fakeReply{err: errFakeReadOnly})
	conn := f.mustConn()
	equal(t, "read before", where(t, bg, conn), "replica1")
	var v any
	if err := conn.QueryRowContext(bg, "SELECT f()").Scan(&v); err != nil {
		t.Fatal(err)
	}
	equal(t, "read after", where(t, bg, conn), "primary")
}

func TestWriteIsNeverReroutedFromThePrimary(t *testing.T) {
	f := newFakeCluster(t, 2, rwsplit.Config{}, fakeShape{})
	for _, fault := range []error{errFakeReadOnly, errFakeMissing, errFakeConflict, errFakeShutdown} {
		f.primary.reply("INSERT INTO t VALUES (1)", fakeReply{err: fault})
		_, err := f.Exec("INSERT INTO t VALUES (1)")
		if err != fault {
			t.Errorf("got error %v, want %v", err, fault)
		}
	}
	equal(t, "attempts", f.primary.count(opExec), 4)
}

func TestReadsGoToThePrimaryWhileNoReplicaCanBeDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeCluster(t, 2, rwsplit.Config{}, fakeShape{})
		defer f.end()
		for _, r := range f.replicas {
			r.failAll(opConnect, errFake)
		}
		equal(t, "read", where(t, bg, f), "primary")
		dials := f.dials()
		equal(t, "read", where(t, bg, f), "primary")
		equal(t, "dials by the second read", f.dials(), dials)
		for _, r := range f.replicas {
			r.unhook(opConnect)
		}
		time.Sleep(10 * time.Second)
		if got := where(t, bg, f); got == "primary" {
			t.Error("the replicas are back, but the read went to the primary")
		}
	})
}

func TestFallbackErrorKeepsReadsOffThePrimary(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{Fallback: rwsplit.FallbackError}, fakeShape{})
	f.replicas[0].failAll(opConnect, errFake)
	var v any
	for range 2 {
		if err := f.QueryRow("SELECT server").Scan(&v); !errors.Is(err, rwsplit.ErrNoReplica) {
			t.Errorf("got %v, error %v; want ErrNoReplica", v, err)
		}
	}
	mustExec(t, f, "INSERT INTO t VALUES (1)")
	equal(t, "reads on the primary", f.primary.count(opQuery), 0)
}

func TestReadAfterAWriteWaitsOutStickyFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeCluster(t, 1, rwsplit.Config{Consistency: rwsplit.Process, StickyFor: 2 * time.Second}, fakeShape{})
		defer f.end()
		equal(t, "read of a process just started", where(t, bg, f), "primary")
		time.Sleep(5 * time.Second)
		equal(t, "read later", where(t, bg, f), "replica1")
		mustExec(t, f, "INSERT INTO t VALUES (1)")
		for range 19 {
			equal(t, "read after the write", where(t, bg, f), "primary")
			time.Sleep(100 * time.Millisecond)
		}
		equal(t, "hinted read", where(t, rwsplit.WithReplica(bg), f), "replica1")
		time.Sleep(2 * time.Second)
		equal(t, "read later", where(t, bg, f), "replica1")
	})
}

// Texts may be unique. What was logged is remembered in bounded memory, and the
// log says when that is full.
func TestLoggingOnceSaysWhenItEnds(t *testing.T) {
	var log bytes.Buffer
	f := newFakeCluster(t, 1, rwsplit.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, fakeShape{})
	const texts = 10_050
	for i := range texts {
		query := fmt.Sprintf("SELECT f() /* %d */", i)
		f.replicas[0].reply(query, fakeReply{err: errFakeReadOnly})
		var v any
		if err := f.QueryRow(query).Scan(&v); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "lines about refused statements", strings.Count(log.String(), "refused a statement"), 10_000)
	equal(t, "lines about the end", strings.Count(log.String(), "not logged any more"), 1)
	st, _ := rwsplit.StatsOf(f.DB)
	equal(t, "counted", int(st.Reasons[rwsplit.ReasonRefused]), texts)
}
