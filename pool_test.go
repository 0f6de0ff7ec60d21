package rwsplit_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// The knobs of sql.DB bound each backend.

// traffic is a bounded mix of everything, from many goroutines.
func (f *fakeCluster) traffic(t *testing.T, goroutines, rounds int) {
	t.Helper()
	st, err := f.Prepare("SELECT ?")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range rounds {
				if err := f.oneOf((g+i)%8, st); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func (f *fakeCluster) oneOf(kind int, st *sql.Stmt) error {
	var v any
	switch kind {
	case 0, 1:
		return f.QueryRow("SELECT server").Scan(&v)
	case 2:
		_, err := f.Exec("INSERT INTO t VALUES (1)")
		return err
	case 3:
		return st.QueryRow(kind).Scan(&v)
	case 4, 5:
		tx, err := f.BeginTx(bg, &sql.TxOptions{ReadOnly: kind == 5})
		if err != nil {
			return err
		}
		if err := tx.QueryRow("SELECT server").Scan(&v); err != nil {
			_ = tx.Rollback()
			if errors.Is(err, errFakeLost) {
				return nil // a transaction can't go on elsewhere
			}
			return err
		}
		return tx.Commit()
	case 6:
		conn, err := f.Conn(bg)
		if err != nil {
			return err
		}
		if _, err := conn.ExecContext(bg, "SET a = 1"); err != nil {
			return err
		}
		return conn.Close()
	default:
		// Given up in the middle, whatever it was doing.
		ctx, cancel := context.WithTimeout(bg, time.Duration(rand.IntN(200))*time.Microsecond)
		defer cancel()
		_ = f.QueryRowContext(ctx, "SELECT server").Scan(&v)
		return nil
	}
}

func TestPoolLimitHoldsForEachBackend(t *testing.T) {
	for _, shape := range []fakeShape{{}, {conn: "+ConnBeginTx"}} {
		for _, tt := range []struct {
			name string
			set  func(f *fakeCluster)
		}{
			{"plain", func(*fakeCluster) {}},
			{"no idle connections", func(f *fakeCluster) { f.SetMaxIdleConns(-1) }},
			{"short lives", func(f *fakeCluster) { f.SetConnMaxLifetime(time.Millisecond) }},
			{"connections that break", func(f *fakeCluster) {
				for _, s := range f.replicas {
					for n := 5; n < 100; n += 10 {
						s.breakOn(opQuery, n, errFakeLost)
						s.breakOn(opStmtQuery, n, errFakeLost)
					}
				}
			}},
			{"slow to close", func(f *fakeCluster) {
				f.SetMaxIdleConns(2)
				for _, s := range f.servers() {
					s.hook(opClose, 1, -1, func(context.Context, *fakeConn) error {
						time.Sleep(time.Millisecond)
						return nil
					})
				}
			}},
		} {
			t.Run(shape.String()+", "+tt.name, func(t *testing.T) {
				t.Parallel()
				f := newFakeCluster(t, 2, rwsplit.Config{}, shape)
				f.SetMaxOpenConns(8)
				tt.set(f)
				f.traffic(t, 32, 20)
				for _, s := range f.servers() {
					if _, peak := s.openConns(); peak > 8 {
						t.Errorf("%s had %d connections open at once, want at most 8", s.name, peak)
					} else if peak == 0 {
						t.Errorf("%s was never used", s.name)
					}
				}
			})
		}
	}
}

func TestConnMaxLifetimeLeavesNoConnectionOpen(t *testing.T) {
	f := newFakeCluster(t, 2, rwsplit.Config{}, fakeShape{})
	f.SetConnMaxLifetime(time.Millisecond)
	f.traffic(t, 8, 10)
	soon(t, "the end of the pooled connections", func() bool { return f.DB.Stats().OpenConnections == 0 })
	for _, s := range f.servers() {
		soon(t, "the end of the connections to "+s.name, func() bool { now, _ := s.openConns(); return now == 0 })
	}
}

func TestNoIdleConnectionsLeavesNoneOpen(t *testing.T) {
	f := newFakeCluster(t, 2, rwsplit.Config{}, fakeShape{})
	f.SetMaxIdleConns(-1)
	f.traffic(t, 8, 10)
	for _, s := range f.servers() {
		soon(t, "the end of the connections to "+s.name, func() bool { now, _ := s.openConns(); return now == 0 })
	}
}

func TestCloseLeavesNothingOpen(t *testing.T) {
	f := newFakeCluster(t, 2, rwsplit.Config{}, fakeShape{})
	f.traffic(t, 8, 10)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, s := range f.servers() {
		if now, _ := s.openConns(); now != 0 {
			t.Errorf("%s: %d connections open when Close has returned", s.name, now)
		}
	}
	if err := f.Ping(); err == nil {
		t.Error("ping went through after Close")
	}
}

func TestConnectionUsesFewReplicas(t *testing.T) {
	f := newFakeCluster(t, 5, rwsplit.Config{}, fakeShape{})
	f.SetMaxOpenConns(1)
	for range 20 {
		where(t, bg, f)
	}
	dialled := 0
	for _, r := range f.replicas {
		dialled += r.count(opConnect)
	}
	equal(t, "replicas dialled for a few reads", dialled, 1)
}

// A base connection that database/sql would not have kept after a transaction
// was rolled back with its context must not be kept by rwsplit either.
func TestConnectionOfACancelledTransaction(t *testing.T) {
	for _, tt := range []struct {
		shape fakeShape
		dials string
	}{
		{fakeShape{}, "[1 0]"},
		{fakeShape{conn: "-Validator-SessionResetter"}, "[2 0]"},
		{fakeShape{conn: "-Validator"}, "[2 0]"},
		{fakeShape{conn: "-SessionResetter"}, "[2 0]"},
		{fakeShape{conn: "bare"}, "[2 0]"},
	} {
		t.Run(tt.shape.String(), func(t *testing.T) {
			f := newFakeCluster(t, 1, rwsplit.Config{}, tt.shape)
			f.SetMaxOpenConns(1)
			ctx, cancel := context.WithCancel(bg)
			tx, err := f.BeginTx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			mustExec(t, tx, "INSERT INTO t VALUES (1)")
			cancel()
			soon(t, "the rollback", func() bool { return f.DB.Stats().InUse == 0 })
			mustExec(t, f, "INSERT INTO t VALUES (2)")
			equal(t, "rollbacks", f.primary.count(opRollback), 1)
			equal(t, "dials", f.dials(), tt.dials)
		})
	}
}
