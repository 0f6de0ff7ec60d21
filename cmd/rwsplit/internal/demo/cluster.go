package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// tick is how often the replication loop looks.
const tick = 20 * time.Millisecond

// replicated are the tables that the embedded cluster replicates, with their
// columns.
var replicated = []struct {
	name    string
	columns []string
}{
	{"banner", []string{"id", "title"}},
	{"product", []string{"id", "title", "stock"}},
	{"account", []string{"id", "balance"}},
	{"account_naive", []string{"id", "balance"}},
	{"rwsplit_heartbeat", []string{"id", "history", "n"}},
}

// cluster is a primary and replicas made of SQLite files. Triggers on the
// primary keep a log of changed rows, and one goroutine per replica applies it
// a fixed time after the commit, a whole commit at a time: what a replica with
// delayed replay shows.
type cluster struct {
	dir      string
	primary  *sql.DB
	replicas []*sql.DB
	stop     context.CancelFunc
	done     sync.WaitGroup

	mu      sync.Mutex // protects following fields
	samples []sample   // by time
	err     error      // the first of the replication loop
}

// sample says up to which change the primary had committed at a time.
type sample struct {
	at  time.Time
	seq int64
}

// startCluster makes the files, with the tables of ddl in each, and replicates
// with the given delays until close.
func startCluster(ctx context.Context, ddl []string, delays []time.Duration) (_ *cluster, err error) {
	dir, err := os.MkdirTemp("", "rwsplit-demo-")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	c := &cluster{dir: dir, stop: stop}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if c.primary, err = c.open(ctx, "primary", append(ddl, logDDL()...)); err != nil {
		return nil, err
	}
	for i := range delays {
		db, err := c.open(ctx, fmt.Sprintf("replica%d", i+1), ddl)
		if err != nil {
			return nil, err
		}
		c.replicas = append(c.replicas, db)
	}
	c.done.Go(func() { c.watch(ctx) })
	for i, delay := range delays {
		c.done.Go(func() { c.apply(ctx, c.replicas[i], delay) })
	}
	return c, nil
}

// open makes one file and returns the pool that the replication loop uses.
func (c *cluster) open(ctx context.Context, name string, ddl []string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", c.baseDSN(name, "_journal_mode=WAL"))
	if err != nil {
		return nil, err
	}
	for _, stmt := range ddl {
		if _, err := db.ExecContext(ctx, stmt); err != nil {
			_ = db.Close()
			return nil, fmt.Errorf("making %s: %w", name, err)
		}
	}
	return db, nil
}

// baseDSN is the SQLite driver's DSN of one file.
func (c *cluster) baseDSN(name, params string) string {
	return fmt.Sprintf("file:%s?%s&_busy_timeout=10000&_pragma=synchronous(off)", filepath.ToSlash(filepath.Join(c.dir, name+".db")), params)
}

// dsns are the base DSNs of the primary and of the replicas for rwsplit.
func (c *cluster) dsns() (primary string, replicas []string) {
	for i := range c.replicas {
		replicas = append(replicas, c.baseDSN(fmt.Sprintf("replica%d", i+1), "mode=ro"))
	}
	return c.baseDSN("primary", "_txlock=immediate"), replicas
}

// close stops the loop, removes the files and returns what went wrong in the
// loop.
func (c *cluster) close() error {
	c.stop()
	c.done.Wait()
	errs := []error{c.err}
	for _, db := range append(c.replicas, c.primary) {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(c.dir))...)
}

// logDDL makes the log of changed rows: each entry is the statement that
// brings a copy of the row up to date.
func logDDL() []string {
	ddl := []string{"CREATE TABLE change_log (seq INTEGER PRIMARY KEY AUTOINCREMENT, change TEXT NOT NULL)"}
	for _, t := range replicated {
		values := ""
		for i, col := range t.columns {
			if i > 0 {
				values += " || ', ' || "
			}
			values += "quote(NEW." + col + ")"
		}
		for _, event := range []string{"INSERT", "UPDATE"} {
			ddl = append(ddl, fmt.Sprintf(
				"CREATE TRIGGER %s_%s AFTER %[2]s ON %[1]s BEGIN INSERT INTO change_log (change) VALUES ('REPLACE INTO %[1]s VALUES (' || %[3]s || ')'); END",
				t.name, event, values))
		}
	}
	return ddl
}

// watch notes what the primary has committed.
func (c *cluster) watch(ctx context.Context) {
	var last int64
	c.every(ctx, func() error {
		now := time.Now()
		var seq int64
		if err := c.primary.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM change_log").Scan(&seq); err != nil {
			return err
		}
		if seq != last {
			last = seq
			c.mu.Lock()
			c.samples = append(c.samples, sample{now, seq})
			c.mu.Unlock()
		}
		return nil
	})
}

// apply brings one replica up to where the primary was delay ago.
func (c *cluster) apply(ctx context.Context, replica *sql.DB, delay time.Duration) {
	var applied int64
	c.every(ctx, func() error {
		target := c.committed(time.Now().Add(-delay))
		if target == applied {
			return nil
		}
		if err := copyChanges(ctx, c.primary, replica, applied, target); err != nil {
			return err
		}
		applied = target
		return nil
	})
}

// committed returns what the primary had committed at a time.
func (c *cluster) committed(at time.Time) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var seq int64
	for _, s := range c.samples {
		if s.at.After(at) {
			break
		}
		seq = s.seq
	}
	return seq
}

func copyChanges(ctx context.Context, from, to *sql.DB, after, upTo int64) error {
	rows, err := from.QueryContext(ctx, "SELECT change FROM change_log WHERE seq > ? AND seq <= ? ORDER BY seq", after, upTo)
	if err != nil {
		return err
	}
	defer rows.Close()
	tx, err := to.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for rows.Next() {
		var change string
		if err := rows.Scan(&change); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, change); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return tx.Commit()
}

// every calls f once a tick until ctx ends or f fails.
func (c *cluster) every(ctx context.Context, f func() error) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := f()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			c.mu.Lock()
			c.err = errors.Join(c.err, fmt.Errorf("the demo's replication loop: %w", err))
			c.mu.Unlock()
			return
		}
	}
}
