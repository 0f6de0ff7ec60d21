package integration_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// load is an application under steady traffic: readers, writers, transactions
// and prepared statements, each at its own pace. Every write carries the name
// of its writer and its number, and the server writes down who it is, so that
// afterwards the primary tells what was lost, doubled, or written elsewhere.
type load struct {
	db        *sql.DB
	connector *rwsplit.Connector
	c         *cluster.Cluster
	proxies   []*wireProxy // in front of the replicas

	// writesBack is how long after a promotion the first write succeeded.
	writesBack time.Duration

	cancel  context.CancelFunc
	workers sync.WaitGroup

	acked [loadWriters]atomic.Int64 // the newest number that was acknowledged
	tally tally

	mu      sync.Mutex // protects following fields
	writes  map[int64]bool
	samples map[string]int // errors, and how often they came
}

// tally is what happened to the traffic.
type tally struct {
	reads, replica, queryFailed, rowsFailed atomic.Int64
	txs, txFailed                           atomic.Int64
	writes, writesFailed                    atomic.Int64
	stale                                   atomic.Int64
	longest                                 atomic.Int64 // nanoseconds of a read that went well
	longestWrite                            atomic.Int64
}

const (
	loadWriters   = 6
	loadReaders   = 10
	loadPerWriter = int64(1_000_000) // ids of one writer
	loadPatience  = 20 * time.Second // of one operation

	// Between two operations of one worker. Writes that come faster than
	// replicas are seen to catch up would keep the reads off them.
	readPause  = 15 * time.Millisecond
	writePause = 80 * time.Millisecond
)

// startLoad opens the cluster through rwsplit, with a network that can be cut
// before every replica, and makes the tables. The traffic begins with run.
func startLoad(t *testing.T, c *cluster.Cluster, options ...string) *load {
	t.Helper()
	cfg, err := rwsplit.ParseDSN(c.RWSplitDSN(append([]string{"probe_interval=300ms", "probe_timeout=500ms"}, options...)...))
	require.NoError(t, err)
	l := &load{c: c, writes: make(map[int64]bool), samples: make(map[string]int)}
	for i, s := range c.Replicas() {
		p := newWireProxy(t, s.Addr())
		l.proxies = append(l.proxies, p)
		dsn := strings.Replace(cfg.Replicas[i], s.Addr(), p.addr(), 1)
		require.NotEqual(t, cfg.Replicas[i], dsn)
		cfg.Replicas[i] = dsn
	}
	cfg.OnRoute = func(_ context.Context, d rwsplit.Decision) {
		if d.Reason != rwsplit.ReasonTx && d.Backend.Role == rwsplit.RoleReplica {
			l.tally.replica.Add(1)
		}
	}
	l.connector, err = rwsplit.NewConnector(cfg)
	require.NoError(t, err)
	l.db = sql.OpenDB(l.connector)
	l.db.SetMaxIdleConns(loadReaders + loadWriters)
	l.db.SetMaxOpenConns(2 * (loadReaders + loadWriters))
	t.Cleanup(func() {
		l.stop()
		_ = l.db.Close()
	})
	return l
}

func (l *load) bind(query string) string {
	if l.c.Engine == cluster.Postgres {
		for n := 1; strings.Contains(query, "?"); n++ {
			query = strings.Replace(query, "?", fmt.Sprintf("$%d", n), 1)
		}
	}
	return query
}

// which is an expression that names the server which evaluates it.
func (l *load) which() string { return strings.TrimPrefix(l.c.Engine.WhichQuery(), "SELECT ") }

// makeTables makes the table of the writes.
func (l *load) makeTables(t *testing.T) {
	t.Helper()
	ctx := bounded(t)
	_, err := l.db.ExecContext(ctx, "CREATE TABLE written (writer INT NOT NULL, number BIGINT NOT NULL, via VARCHAR(60) NOT NULL)")
	require.NoError(t, err)
	_, err = l.db.ExecContext(ctx, "CREATE INDEX written_number ON written (writer, number)")
	require.NoError(t, err)
	require.NoError(t, l.c.WaitReplayed(ctx))
}

// run starts the traffic. stop ends it and waits.
func (l *load) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	insert := "INSERT INTO written (writer, number, via) VALUES (?, ?, " + l.which() + ")"
	newest := "SELECT COALESCE(MAX(number), 0) FROM written WHERE writer = ?"

	read, err := l.db.PrepareContext(ctx, l.bind(newest))
	require.NoError(t, err)
	write, err := l.db.PrepareContext(ctx, l.bind(insert))
	require.NoError(t, err)

	for w := range loadWriters {
		l.workers.Go(func() {
			for number := int64(1); ctx.Err() == nil; number++ {
				l.write(w, number, func(ctx context.Context) error {
					switch w % 3 {
					case 0:
						_, err := l.db.ExecContext(ctx, l.bind(insert), w, number)
						return err
					case 1:
						_, err := write.ExecContext(ctx, w, number)
						return err
					default:
						return l.transfer(ctx, l.bind(insert), l.bind(newest), w, number)
					}
				})
				rest(ctx, writePause)
			}
		})
	}
	for r := range loadReaders {
		l.workers.Go(func() {
			for n := r; ctx.Err() == nil; n++ {
				w := n % loadWriters
				plain := func(ctx context.Context) (*sql.Rows, error) { return l.db.QueryContext(ctx, l.bind(newest), w) }
				prepared := func(ctx context.Context) (*sql.Rows, error) { return read.QueryContext(ctx, w) }
				switch r % 5 {
				case 0:
					l.read(w, plain)
				case 1:
					l.read(w, prepared)
				case 2:
					l.readOld(plain)
				case 3:
					l.readOld(prepared)
				default:
					l.readTx(l.bind(newest), w)
				}
				rest(ctx, readPause)
			}
		})
	}
	go func() { // statements live as long as their workers
		l.workers.Wait()
		_, _ = read.Close(), write.Close()
	}()
}

func rest(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

func (l *load) stop() {
	if l.cancel != nil {
		l.cancel()
		l.workers.Wait()
	}
}

// op gives one operation its own deadline: the end of the traffic cancels none.
func op() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), loadPatience)
}

func (l *load) write(w int, number int64, do func(context.Context) error) {
	ctx, cancel := op()
	defer cancel()
	began := time.Now()
	err := do(ctx)
	highest(&l.tally.longestWrite, int64(time.Since(began)))
	l.tally.writes.Add(1)
	l.mu.Lock()
	l.writes[int64(w)*loadPerWriter+number] = err == nil
	l.mu.Unlock()
	if err != nil {
		l.tally.writesFailed.Add(1)
		l.sample("write", err)
		return
	}
	l.acked[w].Store(number)
}

// transfer reads before it writes: all of it runs on the primary.
func (l *load) transfer(ctx context.Context, insert, newest string, w int, number int64) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	acked := l.acked[w].Load()
	var had int64
	if err := tx.QueryRowContext(ctx, newest, w).Scan(&had); err != nil {
		return err
	}
	if had < acked {
		l.tally.stale.Add(1)
	}
	if _, err := tx.ExecContext(ctx, insert, w, number); err != nil {
		return err
	}
	return tx.Commit()
}

// read holds what a reader sees against what was acknowledged before it asked.
func (l *load) read(w int, query func(context.Context) (*sql.Rows, error)) {
	acked := l.acked[w].Load()
	if got, ok := l.query(context.Background(), query); ok && got < acked {
		l.tally.stale.Add(1)
		l.sample("stale", fmt.Errorf("writer %d: read %d, acknowledged %d", w, got, acked))
	}
}

// readOld reads from a replica whatever it may lack, so that replicas always
// have something to do.
func (l *load) readOld(query func(context.Context) (*sql.Rows, error)) {
	l.query(rwsplit.WithReplica(context.Background()), query)
}

// query runs a query of one number. ok is false if it failed.
func (l *load) query(ctx context.Context, query func(context.Context) (*sql.Rows, error)) (got int64, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, loadPatience)
	defer cancel()
	l.tally.reads.Add(1)
	began := time.Now()
	defer func() { highest(&l.tally.longest, int64(time.Since(began))) }()
	rows, err := query(ctx)
	if err != nil {
		l.tally.queryFailed.Add(1)
		l.sample("query", err)
		return 0, false
	}
	defer rows.Close()
	for rows.Next() {
		err = errors.Join(err, rows.Scan(&got))
	}
	if err = errors.Join(err, rows.Err()); err != nil {
		// Query has returned: these rows are the base driver's own.
		l.tally.rowsFailed.Add(1)
		l.sample("rows", err)
		return 0, false
	}
	return got, true
}

func (l *load) readTx(query string, w int) {
	ctx, cancel := op()
	defer cancel()
	l.tally.txs.Add(1)
	acked := l.acked[w].Load()
	err := func() error {
		tx, err := l.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
		var got int64
		if err := tx.QueryRowContext(ctx, query, w).Scan(&got); err != nil {
			return err
		}
		if got < acked {
			l.tally.stale.Add(1)
			l.sample("stale", fmt.Errorf("writer %d: read %d in a transaction, acknowledged %d", w, got, acked))
		}
		return tx.Commit()
	}()
	if err != nil {
		l.tally.txFailed.Add(1)
		l.sample("read-only transaction", err)
	}
}

func highest(v *atomic.Int64, n int64) {
	for {
		old := v.Load()
		if old >= n || v.CompareAndSwap(old, n) {
			return
		}
	}
}

var digits = regexp.MustCompile(`[0-9]{4,}`)

// sample keeps one error of each kind and text.
func (l *load) sample(kind string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := digits.ReplaceAllString(err.Error(), "#") // ports differ
	if key := kind + ": " + text; len(l.samples) < 30 {
		l.samples[key]++
	}
}

// ownID is a server's name for itself.
func ownID(t *testing.T, s *cluster.Server) string {
	t.Helper()
	id, err := s.ID(bounded(t))
	require.NoError(t, err)
	return id
}

// audit is what the primary says of the writes afterwards.
type audit struct{ lost, doubled, elsewhere int }

func (l *load) audit(t *testing.T, via ...string) audit {
	t.Helper()
	ctx := bounded(t)
	allowed := make(map[string]bool)
	for _, id := range via {
		allowed[id] = true
	}
	rows, err := l.c.Primary().Admin().QueryContext(ctx, "SELECT writer, number, via FROM "+writtenTable(l.c))
	require.NoError(t, err)
	defer rows.Close()
	found := make(map[int64]int)
	var a audit
	for rows.Next() {
		var writer, number int64
		var server string
		require.NoError(t, rows.Scan(&writer, &number, &server))
		found[writer*loadPerWriter+number]++
		if !allowed[server] {
			a.elsewhere++
		}
	}
	require.NoError(t, rows.Err())
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, ok := range l.writes {
		if ok && found[id] == 0 {
			a.lost++
		}
	}
	for _, n := range found {
		if n > 1 {
			a.doubled++
		}
	}
	return a
}
