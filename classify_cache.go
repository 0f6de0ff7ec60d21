package rwsplit

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
)

// classifier says where texts of one language may run. It remembers texts that
// it has seen twice. It is for concurrent use.
type classifier struct {
	lang language
	know *knowledge
	fn   func(string) Statement // of a third party's dialect, else nil

	seed  maphash.Seed
	table atomic.Pointer[cacheTable]
	fresh atomic.Uint64 // texts that were not known

	mu    sync.Mutex // protects following fields, and stores to table and to its slots
	bytes int        // of text held in slots
	hand  int        // next slot to look at when there is too much text
}

// cacheTable holds the texts. A classifier begins with a small one: most know
// few texts, and a program may have many classifiers.
type cacheTable struct {
	slots []atomic.Pointer[classified] // sets of cacheWays
	// door holds the hashes of texts that were seen once, so that texts which
	// never come again (inlined literals, tracing comments) cost no memory and
	// push nothing out.
	door []atomic.Uint64
}

// Sizes are powers of two.
const (
	cacheSlots      = 4096
	smallCacheSlots = 128
	cacheWays       = 4
	// maxCachedText is the longest text that is remembered.
	maxCachedText = 8 << 10
	// maxCachedBytes bounds the text that is remembered altogether.
	maxCachedBytes = 8 << 20
)

// classified is a remembered verdict. It never changes, used aside.
type classified struct {
	hash  uint64
	query string
	stmt  Statement
	foot  footprint
	used  atomic.Bool
}

func newClassifier(l language, k *knowledge) *classifier {
	c := &classifier{lang: l, know: k, seed: maphash.MakeSeed()}
	c.table.Store(newCacheTable(smallCacheSlots))
	return c
}

// newClassifierFunc makes a classifier of a function that does no I/O and
// always says the same about the same text.
func newClassifierFunc(fn func(string) Statement) *classifier {
	c := newClassifier(0, nil)
	c.fn = fn
	return c
}

func newCacheTable(slots int) *cacheTable {
	return &cacheTable{make([]atomic.Pointer[classified], slots), make([]atomic.Uint64, 2*slots)}
}

// set returns the slots in which a text with the hash h may be, and the index of
// the first of them.
func (t *cacheTable) set(h uint64) (slots []atomic.Pointer[classified], base int) {
	base = int(h) & (len(t.slots)/cacheWays - 1) * cacheWays
	return t.slots[base : base+cacheWays], base
}

// classify says where query may run, and which tables it changes or else reads.
func (c *classifier) classify(query string) (Statement, footprint) {
	if len(query) > maxCachedText {
		return c.compute(query)
	}
	h := maphash.String(c.seed, query)
	t := c.table.Load()
	set, _ := t.set(h)
	for i := range set {
		if e := set[i].Load(); e != nil && e.hash == h && e.query == query {
			if !e.used.Load() {
				e.used.Store(true)
			}
			return e.stmt, e.foot
		}
	}
	stmt, foot := c.compute(query)
	door := &t.door[int(h>>32)&(len(t.door)-1)]
	before := door.Load()
	if before == h {
		c.keep(h, query, stmt, foot)
		return stmt, foot
	}
	n := c.fresh.Add(1)
	if before == 0 || n*spread>>63 != 0 {
		// Every other time: two that come in turns must not keep each other out.
		door.Store(h)
	}
	if n == smallCacheSlots {
		c.grow()
	}
	return stmt, foot
}

func (c *classifier) compute(query string) (Statement, footprint) {
	if c.fn != nil {
		return c.fn(query), everyTable
	}
	if c.know == nil || c.know.tables == nil {
		return classifyText(c.lang, c.know, query), everyTable
	}
	return classifyTables(c.lang, c.know, query)
}

// keep remembers a verdict.
func (c *classifier) keep(h uint64, query string, stmt Statement, foot footprint) {
	e := &classified{hash: h, query: strings.Clone(query), stmt: stmt, foot: foot}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.table.Load()
	set, base := t.set(h)
	victim := -1
	for i := range set {
		old := set[i].Load()
		if old == nil {
			if victim < 0 {
				victim = i
			}
			continue
		}
		if old.hash == h && old.query == query {
			return // another goroutine was quicker
		}
	}
	for i := 0; victim < 0; i = (i + 1) % cacheWays {
		if old := set[i].Load(); !old.used.Swap(false) || i == cacheWays-1 {
			victim = i
		}
	}
	victim += base
	c.storeLocked(t, victim, e)
	for c.bytes > maxCachedBytes {
		if old := t.slots[c.hand].Load(); old != nil && c.hand != victim && !old.used.Swap(false) {
			c.storeLocked(t, c.hand, nil)
		}
		c.hand = (c.hand + 1) % len(t.slots)
	}
}

// grow takes a table of the full size. What was held is held there, unless more
// texts than it has ways come to one set.
func (c *classifier) grow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := newCacheTable(cacheSlots)
	old := c.table.Load().slots
	c.bytes, c.hand = 0, 0
	for i := range old {
		e := old[i].Load()
		if e == nil {
			continue
		}
		set, base := t.set(e.hash)
		for k := range set {
			if set[k].Load() == nil {
				c.storeLocked(t, base+k, e)
				break
			}
		}
	}
	c.table.Store(t)
}

func (c *classifier) storeLocked(t *cacheTable, i int, e *classified) {
	if old := t.slots[i].Load(); old != nil {
		c.bytes -= len(old.query)
	}
	if e != nil {
		c.bytes += len(e.query)
	}
	t.slots[i].Store(e)
}
