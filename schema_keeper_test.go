package rwsplit

import (
	"testing"
	"time"
)

// What was read of the schema is used only if nothing may have changed it since
// the reading began.
func TestOldKnowledgeOfTablesIsNotUsed(t *testing.T) {
	for name, tc := range map[string]struct {
		between func(c *Connector, sl *slot)
		want    bool
	}{
		"nothing happened":   {func(*Connector, *slot) {}, true},
		"functions are read": {func(c *Connector, _ *slot) { c.setKnowledge(nil) }, true},
		"forgotten":          {func(c *Connector, _ *slot) { c.forgetTables() }, false},
		"given up":           {func(c *Connector, _ *slot) { c.giveUpTables("a test") }, false},
		"another primary":    {func(c *Connector, _ *slot) { newTracker(c).rolesMoved() }, false},
		"another schema":     {func(c *Connector, _ *slot) { c.compareSchema("2", Server{Identity: "one"}) }, false},
		"another dialect":    {func(c *Connector, _ *slot) { c.learnDialect(Server{Dialect: "mariadb"}) }, false},
		"DDL is under way":   {func(c *Connector, sl *slot) { (&conn{c: c}).beginDDL(sl) }, false},
		"DDL came and went": {func(c *Connector, sl *slot) {
			cn := &conn{c: c}
			cn.beginDDL(sl)
			cn.endDDL(sl)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := &Connector{byTable: true, cfg: &Config{}, dialect: mysqlDialect{}, writes: newWrites()}
			c.classifier.Store(newClassifier(langMySQLFamily, nil))
			c.board.current.Store(&snapshot{})
			var sl slot
			sl.open.w = c.writes
			gen := c.schema.generation()
			tc.between(c, &sl)
			know := (*knowledge)(nil).withTables(new(tableIndex))
			got := c.rememberTables(gen, know, "1", Server{Identity: "one"})
			if known := c.classifier.Load().know.knowsTables(); got != tc.want || known != got {
				t.Errorf("got %v, want %v, and the tables are known: %v", got, tc.want, known)
			}
			if !got {
				return
			}
			c.compareSchema("1", Server{Identity: "one", Start: time.Time{}.Add(time.Millisecond)})
			if !c.classifier.Load().know.knowsTables() {
				t.Error("the same schema was forgotten")
			}
			c.compareSchema("1", Server{Identity: "two"})
			if c.classifier.Load().know.knowsTables() {
				t.Error("another server's schema was not forgotten")
			}
		})
	}
}

func TestTableNumbersGrowUnderTheirReaders(t *testing.T) {
	w := newWrites()
	if w.tables.of(0) != nil {
		t.Error("there is room before it was made")
	}
	w.tables.grow(1)
	first := w.tables.of(0)
	var f footprint
	f.add(0)
	w.changed(7, &f, false)
	w.tables.grow(tablesPerPiece + 1)
	if w.tables.of(0) != first || w.tables.of(tablesPerPiece) == nil || w.tables.of(2*tablesPerPiece) != nil {
		t.Error("growing moved or forgot something")
	}
	if n, to := w.needed(&f, anywhere); n != 7 || to != culpritTable(0) {
		t.Errorf("got number %d of %v, want 7 of table 0", n, to)
	}
	if n, _ := w.needed(&f, outsideSessions); n != 1 {
		t.Errorf("outside: got number %d, want 1", n)
	}
	// A table that nobody made room for counts for all.
	var unknown footprint
	unknown.add(1 << 20)
	w.changed(9, &unknown, true)
	if n, to := w.needed(&f, anywhere); n != 9 || to != (culprit{}) {
		t.Errorf("got number %d of %v, want 9 of the database", n, to)
	}
	w.ended()
	if n, _ := w.needed(&unknown, anywhere); n != w.counter.Load() {
		t.Errorf("an unknown table needs %d of %d", n, w.counter.Load())
	}
}

func TestASessionWithManyTables(t *testing.T) {
	st := &sessionState{c: &Connector{byTable: true}}
	for id := range tableID(2 * maxSessionTables) {
		var ch change
		ch.tables.add(id)
		st.wroteNumber(uint64(10+id), &ch)
	}
	needs := func(id tableID) uint64 {
		var f footprint
		f.add(id)
		n, _ := st.needed(&f)
		return n
	}
	last := uint64(10 + 2*maxSessionTables - 1)
	if got := needs(1000); got != last {
		t.Errorf("what has no entry: got %d, want %d", got, last)
	}
	if n, _ := st.needed(&everyTable); n != last {
		t.Errorf("every table: got %d, want %d", n, last)
	}
	few := &sessionState{c: st.c}
	var ch change
	ch.tables.add(3)
	few.wroteNumber(5, &ch)
	few.wroteNumber(8, &ch)
	st = few
	if got := needs(3); got != 8 {
		t.Errorf("its own: got %d, want 8", got)
	}
	if got := needs(4); got != 0 {
		t.Errorf("another table: got %d, want 0", got)
	}
	few.wroteNumber(9, &change{tables: everyTable})
	if got := needs(4); got != 9 {
		t.Errorf("after what may have changed any: got %d, want 9", got)
	}
}
