package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/rwsplit/rwsplit/internal/corpus"
)

// What the corpus says of a read-only SQLite file is what SQLite does: it runs
// every statement that the classifier sends to a replica, and refuses every
// statement that is called loud.
func TestCorpusOnAReadOnlySQLiteFile(t *testing.T) {
	root := filepath.Join("..", "..", "testdata", "classify")
	statements, err := corpus.Load(root, "sqlite")
	require.NoError(t, err)
	schema, err := os.ReadFile(filepath.Join(root, "sqlite", "schema.sql"))
	require.NoError(t, err)

	file := filepath.Join(t.TempDir(), "replica.db")
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(file))
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), string(schema))
	require.NoError(t, err)
	require.NoError(t, db.Close())
	before, err := os.ReadFile(file)
	require.NoError(t, err)

	db, err = sql.Open("sqlite", "file:"+filepath.ToSlash(file)+"?mode=ro")
	require.NoError(t, err)
	defer db.Close()
	db.SetMaxIdleConns(-1) // a statement may leave state in its connection
	var ran, refused, norun, other int
	for _, s := range statements {
		switch {
		case s.NoRun || s.Superuser:
			norun++
		case s.Loud:
			refused++
			var refusal *sqlite.Error
			if err := runToEnd(t, db, s.SQL); !errors.As(err, &refusal) || refusal.Code()&0xff != sqliteReadOnly {
				t.Errorf("%s: loud, but the read-only file answers %v\n%s", s.Name(), err, s.SQL)
			}
		case s.Route == "replica":
			ran++
			if err := runToEnd(t, db, s.SQL); err != nil {
				t.Errorf("%s: for a replica, but it answers %v\n%s", s.Name(), err, s.SQL)
			}
		default:
			other++
		}
	}
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Greater(t, ran, 80)
	require.Greater(t, refused, 30)
	t.Logf("%d statements: %d run on the read-only file, %d refused there, %d more for the primary, %d not runnable",
		len(statements), ran, refused, other, norun)
}

// sqliteReadOnly is the primary result code SQLITE_READONLY, see
// https://www.sqlite.org/rescode.html#readonly.
const sqliteReadOnly = 8

// runToEnd runs a text on a connection of its own and reads all its rows.
func runToEnd(t *testing.T, db *sql.DB, query string) error {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for {
		for rows.Next() {
		}
		if !rows.NextResultSet() {
			return errors.Join(rows.Err(), rows.Close())
		}
	}
}
