// Package lite makes SQLite "clusters" for tests.
package lite

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver

	"github.com/rwsplit/rwsplit"
)

// Config has files of a new directory as primary and replicas, and a pool on
// the primary. A replica may be the primary's file by its name, primary.db.
func Config(t *testing.T, replicas ...string) (*rwsplit.Config, *sql.DB) {
	t.Helper()
	dir := t.TempDir()
	file := func(name, params string) string {
		return "file:" + filepath.ToSlash(filepath.Join(dir, name)) + "?_busy_timeout=10000&_pragma=synchronous(off)" + params
	}
	db, err := sql.Open("sqlite", file("primary.db", "&_journal_mode=WAL"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.PingContext(t.Context()))
	cfg := &rwsplit.Config{
		Driver:    "sqlite",
		Primary:   file("primary.db", "&_txlock=immediate"),
		StickyFor: 100 * time.Millisecond,
	}
	for _, r := range replicas {
		cfg.Replicas = append(cfg.Replicas, file(r, ""))
	}
	return cfg, db
}
