package rwsplit

import (
	"sync"
	"sync/atomic"
)

// schemaKeeper keeps what the classifier knows of tables true.
//
// That knowledge is taken away before a statement is sent that may change the
// schema, and given back when the schema was read again and no such statement
// is under way. What others change is noticed by the schema's fingerprint,
// which the tracker asks for beside the primary's position.
type schemaKeeper struct {
	hinted  atomic.Bool // a statement named a table that nobody knows
	useless atomic.Bool // tables can't be told apart here

	mu     sync.Mutex // protects following fields and stores to Connector.classifier
	gen    uint64     // counts the reasons to read the schema again
	open   int        // statements under way that may change it
	known  string     // the fingerprint of what the classifier knows
	server Server     // that said so
}

// generation is loaded before the schema is read.
func (k *schemaKeeper) generation() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.gen
}

func (k *knowledge) knowsTables() bool { return k != nil && k.tables != nil }

// setKnowledge gives the classifier what was read of anything but tables.
func (c *Connector) setKnowledge(know *knowledge) {
	c.schema.mu.Lock()
	defer c.schema.mu.Unlock()
	c.classifier.Store(newClassifier(c.classifier.Load().lang, know))
}

// forgetTables goes back to one number for the whole database, until the schema
// has been read again. Who calls it asks for that.
func (c *Connector) forgetTables() {
	c.schema.mu.Lock()
	defer c.schema.mu.Unlock()
	c.forgetTablesLocked()
}

func (c *Connector) forgetTablesLocked() {
	c.schema.gen++
	if old := c.classifier.Load(); old.know.knowsTables() {
		c.classifier.Store(newClassifier(old.lang, old.know.withTables(nil)))
	}
}

// rememberTables gives the classifier what was read of the schema since gen was
// loaded, with its fingerprint on the server that was asked. It reports whether
// that still holds.
func (c *Connector) rememberTables(gen uint64, know *knowledge, fingerprint string, server Server) bool {
	k := &c.schema
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gen != gen || k.open > 0 || k.useless.Load() {
		return false
	}
	// What was written so far counts for every table: it was told apart by what
	// is not known any more, if at all. A write that is being counted now has a
	// smaller number, or finds its classifier gone: see wroteNow. Besides, who
	// reads by the new knowledge needs a replica that has the schema which it
	// is about.
	c.forgetTablesLocked()
	c.writes.changedAll()
	c.classifier.Store(newClassifier(c.classifier.Load().lang, know))
	k.known, k.server = fingerprint, server
	k.hinted.Store(false)
	return true
}

// compareSchema forgets the tables if a server's fingerprint is not the one of
// what is known of them.
func (c *Connector) compareSchema(fingerprint string, server Server) {
	k := &c.schema
	k.mu.Lock()
	same := fingerprint == k.known && server.SameIncarnation(k.server)
	if !same {
		c.forgetTablesLocked()
	}
	k.mu.Unlock()
	if !same {
		c.catalogChanged()
	}
}

// hintSchema notes that a statement names a table which nobody knows.
func (c *Connector) hintSchema() {
	if !c.schema.hinted.Load() {
		c.schema.hinted.Store(true)
		c.writes.stir()
	}
}

// giveUpTables says that tables can't be told apart here.
func (c *Connector) giveUpTables(why string) {
	if !c.byTable {
		return
	}
	c.schema.useless.Store(true)
	c.forgetTables()
	c.logOnce("rwsplit: tracking=table has no effect: " + why)
}

// beginDDL comes before a statement that may change the schema is sent to a
// slot. It lasts until endDDL finds that it has ended.
func (c *conn) beginDDL(sl *slot) {
	if sl.ddl {
		return
	}
	sl.ddl = true
	k := &c.c.schema
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open++
	c.c.forgetTablesLocked()
}

// endDDL has the catalog read again if a statement that may have changed it has
// ended, and its transaction with it.
func (c *conn) endDDL(sl *slot) {
	if !sl.ddl || sl.tx.open || sl.tx.autocommitOff && sl.tx.wrote || sl.open.pending() {
		return
	}
	sl.ddl = false
	c.c.schema.mu.Lock()
	c.c.schema.open--
	c.c.schema.gen++
	c.c.schema.mu.Unlock()
	c.c.catalogChanged()
}
