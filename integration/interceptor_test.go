package integration_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"regexp"
	"sync"
	"testing"

	"github.com/ngrok/sqlmw"
	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
	"github.com/rwsplit/rwsplit/rwsqlmw"
)

// spies write down which backend was given which statement of the application
// to run. Statements are told apart by their mark, such as seen_1_.
type spies struct {
	mu   sync.Mutex
	seen map[string]map[string]int // by backend name and mark
}

var mark = regexp.MustCompile(`seen_\d+_`)

func (s *spies) note(b rwsplit.Backend, query string, err error) {
	m := mark.FindString(query)
	if m == "" || err == driver.ErrSkip { // it is prepared and comes again
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[b.Name] == nil {
		s.seen[b.Name] = make(map[string]int)
	}
	s.seen[b.Name][m]++
}

// spy is the interceptor of one backend.
type spy struct {
	sqlmw.NullInterceptor
	*spies
	b rwsplit.Backend
}

func (s spy) ConnExecContext(ctx context.Context, c driver.ExecerContext, query string, args []driver.NamedValue) (driver.Result, error) {
	res, err := c.ExecContext(ctx, query, args)
	s.note(s.b, query, err)
	return res, err
}

func (s spy) ConnQueryContext(ctx context.Context, c driver.QueryerContext, query string, args []driver.NamedValue) (context.Context, driver.Rows, error) {
	rows, err := c.QueryContext(ctx, query, args)
	s.note(s.b, query, err)
	return ctx, rows, err
}

func (s spy) StmtExecContext(ctx context.Context, st driver.StmtExecContext, query string, args []driver.NamedValue) (driver.Result, error) {
	res, err := st.ExecContext(ctx, args)
	s.note(s.b, query, err)
	return res, err
}

func (s spy) StmtQueryContext(ctx context.Context, st driver.StmtQueryContext, query string, args []driver.NamedValue) (context.Context, driver.Rows, error) {
	rows, err := st.QueryContext(ctx, args)
	s.note(s.b, query, err)
	return ctx, rows, err
}

// What interceptors around the physical backends see is what the servers log,
// and what OnRoute said.
func TestInterceptorsSeeWhatEachServerRan(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		s := &spies{seen: make(map[string]map[string]int)}
		a := openWith(t, c, func(cfg *rwsplit.Config) {
			cfg.WrapConnector = rwsqlmw.Wrap(func(b rwsplit.Backend) sqlmw.Interceptor { return spy{spies: s, b: b} })
		}, "balance=round_robin")
		a.stock()
		a.settleAll()
		a.forget()

		n := 0
		query := func(format string) string {
			n++
			return fmt.Sprintf(format, fmt.Sprintf("seen_%d_", n))
		}
		read := func(q queryer, text string, args ...any) {
			t.Helper()
			var name string
			require.NoError(t, q.QueryRowContext(ctx, text, args...).Scan(&name))
			require.Equal(t, "first", name)
		}
		plain := "SELECT name AS %s FROM shop_item WHERE id = 1"
		bound := a.rebind("SELECT name AS %s FROM shop_item WHERE id = ?")
		for range 4 {
			read(a, query(plain))
			read(a, query(bound), 1)
		}
		st, err := a.PrepareContext(ctx, query(bound))
		require.NoError(t, err)
		defer st.Close()
		for range 4 {
			var name string
			require.NoError(t, st.QueryRowContext(ctx, 1).Scan(&name))
		}
		read(a, query(plain+" FOR UPDATE"))
		read(rwsplitHint{a, rwsplit.WithPrimary}, query(plain))
		for _, readOnly := range []bool{true, false} {
			tx := a.begin(ctx, &sql.TxOptions{ReadOnly: readOnly})
			read(tx, query(plain))
			read(tx, query(bound), 1)
			require.NoError(t, tx.Commit())
		}
		a.exec(query("INSERT INTO shop_item (id, name) VALUES (2, '%s')"))
		a.exec(query(a.rebind("UPDATE shop_item SET name = '%s' WHERE id = ?")), 2)

		require.Len(t, s.seen, 3, "all backends are used")
		said := make(map[string]map[string]int)
		for _, d := range a.decisions {
			if m := mark.FindString(d.Query); m != "" {
				if said[d.Backend.Name] == nil {
					said[d.Backend.Name] = make(map[string]int)
				}
				said[d.Backend.Name][m]++
			}
		}
		require.Equal(t, said, s.seen, "what OnRoute said, what the interceptors saw")
		for server, texts := range statements(t, c) {
			logged := make(map[string]int)
			for _, text := range texts {
				if m := mark.FindString(text); m != "" {
					logged[m]++
				}
			}
			name := "primary"
			for i, replica := range c.Replicas() {
				if server == replica {
					name = fmt.Sprintf("replica%d", i+1)
				}
			}
			require.Equal(t, logged, s.seen[name], "what %s logged, what its interceptor saw", server.Name)
		}
	})
}

// rwsplitHint queries a pool with a hint.
type rwsplitHint struct {
	queryer
	hint func(context.Context) context.Context
}

func (h rwsplitHint) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return h.queryer.QueryRowContext(h.hint(ctx), query, args...)
}
