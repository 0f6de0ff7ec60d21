package integration_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
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
	pace      pace
	proxies   map[*cluster.Server]*wireProxy // in front of those that began as replicas
	ids       map[*cluster.Server]string     // what servers call themselves

	// writesBack is how long after a promotion the first write succeeded.
	writesBack time.Duration

	cancel  context.CancelFunc
	workers sync.WaitGroup

	acked [loadWriters]atomic.Int64 // the newest number that was acknowledged
	done  [loadWriters + loadReaders]atomic.Int64
	tally tally

	hold    sync.RWMutex // held by operations, and by whoever wants none to run
	trouble atomic.Int64 // odd while something is wrong with the primary

	mu      sync.Mutex            // protects following fields
	writes  [loadWriters][]ending // by number, which begins with 1
	samples map[string]int        // errors, and how often they came
}

// ending is what a writer was told of a write.
type ending uint8

const (
	failed       ending = iota
	acknowledged        // while something was wrong with the primary
	ranOn               // plus the index of the server that was the primary all the time
)

// pace is how long a worker rests between two operations. Writes that come
// faster than replicas are seen to catch up would keep the reads off them.
type pace struct{ read, write time.Duration }

var briskPace = pace{read: 30 * time.Millisecond, write: 160 * time.Millisecond}

// tally is what happened to the traffic.
type tally struct {
	reads, replica, queryFailed, rowsFailed atomic.Int64
	txs, txFailed                           atomic.Int64
	writes, writesFailed                    atomic.Int64
	// inPeace counts reads, writes and begins of read-only transactions that
	// failed though nothing was wrong with the primary.
	inPeace      atomic.Int64
	stale        atomic.Int64
	longest      atomic.Int64 // nanoseconds of a read that went well
	longestWrite atomic.Int64
}

const (
	loadWriters  = 12
	loadReaders  = 20
	loadIdle     = loadReaders + loadWriters // pooled connections
	loadPatience = 20 * time.Second          // of one operation
)

// startLoad opens the cluster through rwsplit, with a network that can be cut
// before every replica, and makes the tables. The traffic begins with run.
func startLoad(t *testing.T, c *cluster.Cluster, options ...string) *load {
	t.Helper()
	cfg, err := rwsplit.ParseDSN(c.RWSplitDSN(options...))
	require.NoError(t, err)
	l := &load{
		c: c, pace: briskPace, samples: make(map[string]int),
		proxies: make(map[*cluster.Server]*wireProxy), ids: make(map[*cluster.Server]string),
	}
	for _, s := range c.Servers() {
		var id string
		require.NoError(t, s.Admin().QueryRowContext(bounded(t), "SELECT "+l.which()).Scan(&id))
		l.ids[s] = id
	}
	for i, s := range c.Replicas() {
		p := newWireProxy(t, s.Addr())
		l.proxies[s] = p
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
	l.db.SetMaxIdleConns(loadIdle)
	l.db.SetMaxOpenConns(2 * loadIdle)
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

// which is an expression that names the server which evaluates it, by a name
// that outlives its restart.
func (l *load) which() string {
	if l.c.Engine == cluster.Postgres {
		return "current_setting('cluster_name')"
	}
	return "@@server_id"
}

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
			for number := int64(1); l.next(ctx); number++ {
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
				l.hold.RUnlock()
				rest(ctx, l.pace.write)
			}
		})
	}
	for r := range loadReaders {
		l.workers.Go(func() {
			for n := r; l.next(ctx); n++ {
				w := n % loadWriters
				plain := func(ctx context.Context) (*sql.Rows, error) { return l.db.QueryContext(ctx, l.bind(newest), w) }
				prepared := func(ctx context.Context) (*sql.Rows, error) { return read.QueryContext(ctx, w) }
				var ok bool
				switch r % 5 {
				case 0:
					ok = l.read(w, plain)
				case 1:
					ok = l.read(w, prepared)
				case 2:
					ok = l.readOld(plain)
				case 3:
					ok = l.readOld(prepared)
				default:
					ok = l.readTx(l.bind(newest), w)
				}
				if ok {
					l.done[loadWriters+r].Add(1)
				}
				l.hold.RUnlock()
				rest(ctx, l.pace.read)
			}
		})
	}
	go func() { // statements live as long as their workers
		l.workers.Wait()
		_, _ = read.Close(), write.Close()
	}()
}

// next waits until an operation may run; the caller ends it with hold.RUnlock.
func (l *load) next(ctx context.Context) bool {
	l.hold.RLock()
	if ctx.Err() != nil {
		l.hold.RUnlock()
		return false
	}
	return true
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
	trouble, primary := l.trouble.Load(), l.c.Primary()
	err := do(ctx)
	highest(&l.tally.longestWrite, int64(time.Since(began)))
	l.tally.writes.Add(1)
	end := failed
	switch {
	case err != nil:
		l.tally.writesFailed.Add(1)
		l.failed("write", err, trouble)
	case l.peaceSince(trouble):
		end = ranOn + ending(slices.Index(l.c.Servers(), primary))
	default:
		end = acknowledged
	}
	l.mu.Lock()
	l.writes[w] = append(l.writes[w], end)
	l.mu.Unlock()
	if err == nil {
		l.acked[w].Store(number)
		l.done[w].Add(1)
	}
}

// peaceSince reports whether nothing was wrong with the primary since trouble
// was loaded.
func (l *load) peaceSince(trouble int64) bool { return trouble%2 == 0 && trouble == l.trouble.Load() }

// failed notes what must not fail unless something is wrong with the primary.
func (l *load) failed(kind string, err error, trouble int64) {
	if l.peaceSince(trouble) {
		l.tally.inPeace.Add(1)
		kind += " in peace"
	}
	l.sample(kind, err)
}

// inTrouble does something to the primary, and returns when all workers are
// through with it.
func (l *load) inTrouble(do func() error) error {
	l.trouble.Add(1)
	defer l.trouble.Add(1)
	if err := do(); err != nil {
		return err
	}
	var before [len(l.done)]int64
	for i := range l.done {
		before[i] = l.done[i].Load()
	}
	through := func() bool {
		for i := range l.done {
			if l.done[i].Load() < before[i]+2 { // one may have been under way
				return false
			}
		}
		return true
	}
	if !assertEventually(through, 2*loadPatience) {
		return errors.New("some workers have not come through since")
	}
	return nil
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
func (l *load) read(w int, query func(context.Context) (*sql.Rows, error)) bool {
	acked := l.acked[w].Load()
	got, ok := l.query(context.Background(), query)
	if ok && got < acked {
		l.tally.stale.Add(1)
		l.sample("stale", fmt.Errorf("writer %d: read %d, acknowledged %d", w, got, acked))
	}
	return ok
}

// readOld reads from a replica whatever it may lack, so that replicas always
// have something to do.
func (l *load) readOld(query func(context.Context) (*sql.Rows, error)) bool {
	_, ok := l.query(rwsplit.WithReplica(context.Background()), query)
	return ok
}

// query runs a query of one number. ok is false if it failed.
func (l *load) query(ctx context.Context, query func(context.Context) (*sql.Rows, error)) (got int64, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, loadPatience)
	defer cancel()
	l.tally.reads.Add(1)
	began := time.Now()
	trouble := l.trouble.Load()
	defer func() { highest(&l.tally.longest, int64(time.Since(began))) }()
	rows, err := query(ctx)
	if err != nil {
		l.tally.queryFailed.Add(1)
		l.failed("query", err, trouble)
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

func (l *load) readTx(query string, w int) bool {
	ctx, cancel := op()
	defer cancel()
	l.tally.txs.Add(1)
	acked := l.acked[w].Load()
	trouble := l.trouble.Load()
	err := func() error {
		tx, err := l.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			l.failed("begin", err, trouble)
			return err
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
	return err == nil
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

// audit is what the primary says of the writes afterwards.
type audit struct{ lost, doubled, elsewhere int }

// audit looks all writes up on the primary. The servers are those that were the
// primary at some time.
func (l *load) audit(t *testing.T, primaries ...*cluster.Server) audit {
	t.Helper()
	allowed := make(map[string]bool)
	for _, s := range primaries {
		allowed[l.ids[s]] = true
	}
	rows, err := l.c.Primary().Admin().QueryContext(bounded(t), "SELECT writer, number, via FROM "+writtenTable(l.c))
	require.NoError(t, err)
	defer rows.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	var found [loadWriters]map[int64]int
	for w := range found {
		found[w] = make(map[int64]int)
	}
	var a audit
	for rows.Next() {
		var writer, number int64
		var server string
		require.NoError(t, rows.Scan(&writer, &number, &server))
		found[writer][number]++
		if found[writer][number] == 2 {
			a.doubled++
		}
		end := l.writes[writer][number-1]
		if !allowed[server] || end >= ranOn && server != l.ids[l.c.Servers()[end-ranOn]] {
			a.elsewhere++
		}
	}
	require.NoError(t, rows.Err())
	for w, ends := range l.writes {
		for i, end := range ends {
			if end != failed && found[w][int64(i)+1] == 0 {
				a.lost++
			}
		}
	}
	return a
}
