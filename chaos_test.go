package rwsplit_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// Whatever fails and whenever, the base driver is used as it may be: one call
// at a time on a connection, nothing after Close, everything closed in the end.
// The calls themselves may fail; the fakes look after the rest.
func TestBaseDriverIsUsedProperlyWhateverFails(t *testing.T) {
	configs := []rwsplit.Config{
		{},
		{Pins: rwsplit.PinsConn},
		{LazyBegin: rwsplit.ToggleOn},
		{Consistency: rwsplit.Process, Position: rwsplit.PositionNone, StickyFor: time.Millisecond},
		{Fallback: rwsplit.FallbackError, Balance: rwsplit.Random},
	}
	shapes := []fakeShape{
		{}, {conn: "+ConnBeginTx"}, {conn: "-Validator-SessionResetter"}, {conn: "-ExecerContext-QueryerContext", stmt: "bare"},
	}
	for i, cfg := range configs {
		for j, shape := range shapes {
			seed := uint64(10*i + j)
			t.Run(fmt.Sprintf("config %d, %s", i, shape), func(t *testing.T) {
				t.Parallel()
				f := newFakeCluster(t, 2, cfg, shape)
				f.SetMaxOpenConns(6)
				f.SetMaxIdleConns(3)
				for k, s := range f.servers() {
					s.misbehave(seed + uint64(100*k))
				}
				var wg sync.WaitGroup
				for g := range 8 {
					r := rand.New(rand.NewPCG(seed, uint64(g)))
					wg.Go(func() {
						for range 60 {
							f.somebody(r)
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

// misbehave makes every operation fail now and then.
func (s *fakeServer) misbehave(seed uint64) {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 1))
	for _, op := range []fakeOp{
		opConnect, opInspect, opSetup, opPing, opReset, opValid, opPrepare, opExec, opQuery, opBegin, opCommit, opRollback,
		opStmtExec, opStmtQuery, opStmtClose, opNext, opRowsClose, opProbe, opClose,
	} {
		s.hook(op, 1, -1, func(_ context.Context, c *fakeConn) error {
			mu.Lock()
			dice := r.IntN(300)
			mu.Unlock()
			if op == opCommit || op == opRollback {
				if dice < 5 {
					c.endTx() // the server has, whatever it answers
				}
			}
			switch dice {
			case 0:
				return driver.ErrBadConn
			case 1:
				c.kill()
				return errFakeLost
			case 2:
				return errFake
			case 3:
				return errFakeShutdown
			case 4:
				return errFakeConflict
			case 5:
				c.kill() // found out by the next call
			}
			return nil
		})
	}
}

// endTx ends the connection's transaction without being asked.
func (c *fakeConn) endTx() {
	if c.tx != nil {
		c.tx = nil
		c.s.add(&c.s.txs, -1)
	}
}

// somebody is a program of a few calls that looks at no error.
func (f *fakeCluster) somebody(r *rand.Rand) {
	ctx := bg
	if r.IntN(4) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(bg, time.Duration(r.IntN(300))*time.Microsecond)
		defer cancel()
	}
	switch r.IntN(5) {
	case 0:
		someCalls(ctx, r, f.DB)
	case 1:
		conn, err := f.Conn(ctx)
		if err != nil {
			return
		}
		defer conn.Close()
		someCalls(ctx, r, conn)
	case 2, 3:
		tx, err := f.BeginTx(ctx, &sql.TxOptions{ReadOnly: r.IntN(2) == 0})
		if err != nil {
			return
		}
		someCalls(ctx, r, tx)
		if r.IntN(2) == 0 {
			_ = tx.Commit()
		} else {
			_ = tx.Rollback()
		}
	default:
		_ = f.PingContext(ctx)
	}
}

// caller is a sql.DB, sql.Conn or sql.Tx.
type caller interface {
	execer
	queryer
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

func someCalls(ctx context.Context, r *rand.Rand, q caller) {
	var v any
	for range 1 + r.IntN(4) {
		switch r.IntN(7) {
		case 0:
			_ = q.QueryRowContext(ctx, "SELECT server").Scan(&v)
		case 1:
			_, _ = q.ExecContext(ctx, "INSERT INTO t VALUES (?)", 1)
		case 2:
			_, _ = q.ExecContext(ctx, []string{"BEGIN", "COMMIT", "SET a = 1", "CALL p()", "RESET"}[r.IntN(5)])
		case 3:
			if st, err := q.PrepareContext(ctx, "SELECT ?"); err == nil {
				_ = st.QueryRowContext(ctx, 1).Scan(&v)
				_ = st.Close()
			}
		case 4:
			rows, err := q.QueryContext(ctx, "SELECT ?", 1)
			if err != nil {
				continue
			}
			rows.Next()
			if _, shared := q.(*sql.DB); !shared {
				// Another call while these rows are open. Not on a sql.Conn: there
				// database/sql waits for the rows if the call meets ErrBadConn.
				if _, inTx := q.(*sql.Tx); inTx {
					_, _ = q.ExecContext(ctx, "INSERT INTO t VALUES (1)")
					runtime.Gosched() // whoever closes the connection now shall meet the rows
				}
			}
			for rows.Next() {
			}
			_ = rows.Close()
		case 5:
			rows, err := q.QueryContext(ctx, "INSERT INTO t VALUES (?) RETURNING id", 1)
			if err == nil {
				_ = rows.Close()
			}
		default:
			_ = q.QueryRowContext(rwsplit.WithReplica(ctx), "SELECT server").Scan(&v)
		}
	}
}
