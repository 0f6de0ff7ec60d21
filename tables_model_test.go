package rwsplit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

// modelCommit is one commit as the model sees it.
type modelCommit struct {
	position uint64
	tables   map[string]bool // that it really changed
	session  int             // 0: outside any
}

// model plays at random on a byTable and knows, from the schema itself, what a
// write changes and what a read sees. A read may run on a replica only if that
// has replayed every commit which the read could see and had to.
type model struct {
	*byTable
	rnd     *rand.Rand
	level   rwsplit.Consistency
	commits []modelCommit
	steps   []string // what was done, for people
	schemas int      // numbers what is made

	sessions []context.Context
	txs      []*modelTx

	ahead int // reads on a replica that lacked something which they could not see
	reads int // on replicas
}

// modelTx is an open transaction.
type modelTx struct {
	run     func(query string) error
	finish  func(commit bool) error
	session int
	tables  map[string]bool
	changes bool // of the schema
}

var modelTables = []string{"a", "b", "c", "d", "e", "f"}

func (m *model) note(format string, args ...any) {
	m.steps = append(m.steps, fmt.Sprintf(format, args...))
}

// closure follows edges from the tables named first.
func closure(edges func(string) []string, names ...string) map[string]bool {
	seen := make(map[string]bool)
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		if !seen[name] {
			seen[name] = true
			names = append(names, edges(name)...)
		}
	}
	return seen
}

// words returns the names in the texts of a schema, which the tests write with
// a blank around each.
func (m *model) words(texts ...string) []string {
	schema := m.server.now()
	var names []string
	for _, text := range texts {
		for _, word := range strings.Fields(text) {
			_, view := schema.Views[word]
			if view || slices.Contains(schema.Tables, word) {
				names = append(names, word)
			}
		}
	}
	return names
}

func (m *model) changed(tables ...string) map[string]bool {
	schema := m.server.now()
	return closure(func(name string) []string {
		return append(m.words(schema.Triggers[name]...), schema.Cascades[name]...)
	}, tables...)
}

func (m *model) seen(names ...string) map[string]bool {
	schema := m.server.now()
	return closure(func(name string) []string { return m.words(schema.Views[name]) }, names...)
}

// committed notes a commit that the server has made.
func (m *model) committed(tables map[string]bool, session int) {
	m.commits = append(m.commits, modelCommit{m.primary.at.Load(), tables, session})
}

func (m *model) pickTable() string { return modelTables[m.rnd.IntN(len(modelTables))] }

func (m *model) pickSession() (context.Context, int) {
	if m.rnd.IntN(3) == 0 {
		return m.t.Context(), 0
	}
	if m.rnd.IntN(6) == 0 || len(m.sessions) == 0 {
		m.sessions = append(m.sessions, rwsplit.WithSession(m.t.Context()))
	}
	i := m.rnd.IntN(len(m.sessions))
	return m.sessions[i], i + 1
}

// pickWrite returns a statement and the tables that it really changes.
func (m *model) pickWrite() (query string, tables map[string]bool) {
	t, u := m.pickTable(), m.pickTable()
	switch m.rnd.IntN(40) {
	case 0:
		return "CALL p()", m.changed(t, u) // who knows
	case 1, 2, 3, 4, 5, 6:
		return "INSERT INTO " + t + " VALUES (1)", m.changed(t)
	case 7, 8, 9, 10, 11, 12, 13:
		return "UPDATE " + t + " SET x = 1", m.changed(t)
	case 14, 15, 16, 17, 18, 19, 20:
		return "DELETE FROM " + t, m.changed(t)
	case 21, 22, 23, 24, 25, 26, 27:
		return "INSERT INTO " + t + " SELECT * FROM " + u, m.changed(t)
	case 28, 29, 30, 31, 32, 33:
		return "WITH w AS (UPDATE " + t + " SET x = 1 RETURNING *) DELETE FROM " + u, m.changed(t, u)
	default:
		return "UPDATE ONLY public." + t + " SET x = 1", m.changed(t)
	}
}

// change is DDL: it returns the text and what it does.
func (m *model) change() (query string, how func(*rwsplit.TestSchema)) {
	m.schemas++
	t, u, w := m.pickTable(), m.pickTable(), m.pickTable()
	switch m.rnd.IntN(4) {
	case 0:
		return fmt.Sprintf("CREATE TRIGGER t%d", m.schemas), func(s *rwsplit.TestSchema) {
			s.Triggers[t] = []string{"BEGIN INSERT INTO " + u + " VALUES (1) ; RETURN NEW ; END"}
		}
	case 1:
		return fmt.Sprintf("DROP TRIGGER t%d", m.schemas), func(s *rwsplit.TestSchema) { delete(s.Triggers, t) }
	case 2:
		view := []string{"v", "w"}[m.rnd.IntN(2)]
		return fmt.Sprintf("CREATE OR REPLACE VIEW %s AS SELECT %d", view, m.schemas), func(s *rwsplit.TestSchema) {
			s.Views[view] = "SELECT * FROM " + u + " JOIN " + w + " USING ( id )"
		}
	default:
		return fmt.Sprintf("ALTER TABLE %s ADD FOREIGN KEY (x%d)", u, m.schemas), func(s *rwsplit.TestSchema) {
			s.Cascades[t] = []string{u}
		}
	}
}

func (m *model) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatalf("%v after %s", err, strings.Join(m.steps, "\n"))
	}
}

// step does one thing.
func (m *model) step() {
	switch n := m.rnd.IntN(200); {
	case n < 80:
		m.read()
	case n < 104:
		m.write()
	case n < 114:
		m.begin()
	case n < 134:
		m.goOn()
	case n < 174:
		r := m.replicas[m.rnd.IntN(2)]
		if behind := m.primary.at.Load() - r.at.Load(); behind > 0 {
			r.at.Add(1 + m.rnd.Uint64N(behind))
		}
		m.note("%s replays up to %d", r.name, r.at.Load())
	case n < 197:
		time.Sleep(time.Duration(m.rnd.IntN(400)) * time.Millisecond)
	case n < 199:
		m.ddl()
	default:
		// Somebody else changes the schema. That counts from the next look on.
		_, how := m.change()
		m.server.change(how)
		m.primary.at.Add(1)
		m.note("others change the schema")
		time.Sleep(1100 * time.Millisecond)
	}
}

func (m *model) write() {
	ctx, session := m.pickSession()
	query, tables := m.pickWrite()
	how := m.rnd.IntN(3)
	m.note("%s in session %d, way %d, changes %v", query, session, how, keys(tables))
	switch how {
	case 0:
		_, err := m.ExecContext(ctx, query)
		m.must(err)
	case 1:
		m.must(m.QueryRowContext(ctx, query).Scan(new(string)))
	default:
		st, err := m.PrepareContext(ctx, query)
		m.must(err)
		_, err = st.ExecContext(ctx)
		m.must(err)
		m.must(st.Close())
	}
	m.committed(tables, session)
}

// begin begins a transaction, by text or not.
func (m *model) begin() {
	if len(m.txs) == 3 {
		return
	}
	ctx, session := m.pickSession()
	tx := &modelTx{session: session, tables: make(map[string]bool)}
	if m.rnd.IntN(2) == 0 {
		base, err := m.BeginTx(ctx, nil)
		m.must(err)
		tx.run = func(query string) error { _, err := base.ExecContext(ctx, query); return err }
		tx.finish = func(commit bool) error {
			if commit {
				return base.Commit()
			}
			return base.Rollback()
		}
	} else {
		conn, err := m.Conn(ctx)
		m.must(err)
		tx.run = func(query string) error { _, err := conn.ExecContext(ctx, query); return err }
		tx.finish = func(commit bool) error {
			query := "ROLLBACK"
			if commit {
				query = "COMMIT"
			}
			if err := tx.run(query); err != nil {
				return err
			}
			return conn.Close()
		}
		m.must(tx.run("BEGIN"))
	}
	m.note("a transaction begins in session %d", session)
	m.txs = append(m.txs, tx)
}

// goOn writes in a transaction, or ends it.
func (m *model) goOn() {
	if len(m.txs) == 0 {
		return
	}
	i := m.rnd.IntN(len(m.txs))
	tx := m.txs[i]
	switch n := m.rnd.IntN(40); {
	case n < 20:
		query, tables := m.pickWrite()
		if strings.HasPrefix(query, "CALL") {
			return // the fake's may not end transactions
		}
		m.note("%s in transaction %d, changes %v", query, i, keys(tables))
		m.must(tx.run(query))
		for name := range tables {
			tx.tables[name] = true
		}
	case n == 20:
		query, how := m.change()
		m.server.on(query, how)
		m.note("%s in transaction %d", query, i)
		m.must(tx.run(query))
		tx.changes = true
	default:
		commit := n < 35
		m.note("transaction %d ends, commit %v", i, commit)
		m.must(tx.finish(commit))
		if commit && (len(tx.tables) > 0 || tx.changes) {
			m.committed(tx.tables, tx.session)
		}
		m.txs = slices.Delete(m.txs, i, i+1)
	}
}

// ddl changes the schema, by a statement that says so or one that does not.
func (m *model) ddl() {
	query, how := m.change()
	if m.rnd.IntN(2) == 0 {
		query = fmt.Sprintf("CALL changes_schema(%d)", m.schemas)
	}
	m.server.on(query, how)
	m.note("%s", query)
	_, err := m.ExecContext(m.t.Context(), query)
	m.must(err)
	m.committed(nil, 0)
}

// read reads, and checks where.
func (m *model) read() {
	ctx, session := m.pickSession()
	names := []string{append([]string{"v", "w"}, modelTables...)[m.rnd.IntN(2+len(modelTables))]}
	if m.rnd.IntN(2) == 0 {
		names = append(names, m.pickTable())
	}
	query := "SELECT * FROM " + strings.Join(names, " CROSS JOIN ")
	seen := m.seen(names...)
	var where string
	if m.rnd.IntN(3) == 0 {
		st, err := m.PrepareContext(ctx, query)
		m.must(err)
		m.must(st.QueryRowContext(ctx).Scan(&where))
		m.must(st.Close())
	} else {
		m.must(m.QueryRowContext(ctx, query).Scan(&where))
	}
	m.note("%s in session %d on %s, sees %v", query, session, where, keys(seen))
	if where == "primary" {
		return
	}
	m.reads++
	at := m.replicas[where[1]-'1'].at.Load()
	lacks := false
	for _, c := range m.commits {
		if c.position <= at || m.level == rwsplit.Session && c.session != 0 && c.session != session {
			continue
		}
		lacks = true
		for name := range c.tables {
			if seen[name] {
				m.t.Fatalf("%s at %d lacks position %d, which changed %v:\n%s",
					where, at, c.position, keys(c.tables), strings.Join(m.steps, "\n"))
			}
		}
	}
	if lacks {
		m.ahead++
	}
}

func keys(m map[string]bool) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func newModel(t *testing.T, seed uint64, level rwsplit.Consistency) *model {
	d := newByTable(t, func(cfg *rwsplit.Config) {
		cfg.Consistency = level
		cfg.Pins = rwsplit.PinsConn
	})
	d.server.schema = rwsplit.TestSchema{
		Tables:      modelTables,
		Views:       map[string]string{"v": "SELECT * FROM a", "w": "SELECT * FROM v JOIN b USING ( id )"},
		Triggers:    map[string][]string{"c": {"BEGIN INSERT INTO d VALUES (1) ; RETURN NEW ; END"}},
		Cascades:    map[string][]string{"e": {"f"}},
		Fingerprint: "1",
	}
	return &model{byTable: d, rnd: rand.New(rand.NewPCG(seed, 1)), level: level}
}

// No interleaving of writes, reads, changes of the schema and confirmations
// has a read miss what it had to see.
func TestTableTrackingAgainstAModel(t *testing.T) {
	for _, level := range []rwsplit.Consistency{rwsplit.Process, rwsplit.Session} {
		ahead, reads := 0, 0
		for seed := range uint64(60) {
			t.Run(fmt.Sprintf("%s/%d", level, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := newModel(t, seed, level)
					for range 400 {
						m.step()
					}
					for _, tx := range m.txs {
						m.must(tx.finish(false))
					}
					ahead, reads = ahead+m.ahead, reads+m.reads
				})
			})
		}
		t.Logf("%s: %d reads on replicas, %d of them on one that lacked what the read could not see", level, reads, ahead)
		if ahead < 100 {
			t.Errorf("%s: only %d reads on replicas were told apart by their tables: nothing was shown", level, ahead)
		}
	}
}
