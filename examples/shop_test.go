package examples_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"

	"github.com/rwsplit/rwsplit"
)

// shop is a database of SQLite files that stand for a primary and two
// replicas. Nothing replicates between them, which makes visible where a
// statement ran.
type shop struct {
	*sql.DB
	dir string
}

// openShop opens the files through rwsplit. Every route is printed.
func openShop(options string) shop {
	dir, err := os.MkdirTemp("", "rwsplit-example-")
	must(err)
	names := []string{"primary", "replica1", "replica2"}
	for _, name := range names {
		db, err := sql.Open("sqlite", filepath.Join(dir, name))
		must(err)
		_, err = db.Exec("CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO product VALUES (1, 'tea')")
		must(err)
		must(db.Close())
	}
	cfg, err := rwsplit.ParseDSN(fmt.Sprintf("driver=sqlite primary=%[1]s/primary replica=%[1]s/replica1 replica=%[1]s/replica2 %[2]s", dir, options))
	must(err)
	quiet := true
	cfg.OnRoute = func(_ context.Context, d rwsplit.Decision) {
		if !quiet {
			fmt.Printf("%s <- %s: %s\n", d.Backend.Role, d.Op, d.Reason)
		}
	}
	c, err := rwsplit.NewConnector(cfg)
	must(err)
	s := shop{sql.OpenDB(c), dir}
	s.caughtUp()
	quiet = false
	return s
}

// caughtUp waits until the replicas count as caught up.
func (s shop) caughtUp() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	must(rwsplit.WaitForReplicas(ctx, s.DB, rwsplit.All))
}

func (s shop) close() {
	must(s.Close())
	must(os.RemoveAll(s.dir))
}

func (s shop) name(ctx context.Context, id int) string {
	var name string
	if err := s.QueryRowContext(ctx, "SELECT name FROM product WHERE id = ?", id).Scan(&name); err != nil {
		return err.Error()
	}
	return name
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
