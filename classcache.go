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
	slots [cacheSlots]atomic.Pointer[classified]
	// door holds the hashes of texts that were seen once, so that texts which
	// never come again (inlined literals, tracing comments) cost no memory and
	// push nothing out.
	door [doorSlots]atomic.Uint64

	mu    sync.Mutex // protects following fields and stores to slots
	bytes int        // of text held in slots
	hand  int        // next slot to look at when there is too much text
}

const (
	cacheSlots = 4096
	cacheWays  = 4
	doorSlots  = 8192
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
	return &classifier{lang: l, know: k, seed: maphash.MakeSeed()}
}

// newClassifierFunc makes a classifier of a function that does no I/O and
// always says the same about the same text.
func newClassifierFunc(fn func(string) Statement) *classifier {
	return &classifier{fn: fn, seed: maphash.MakeSeed()}
}

// classify says where query may run, and which tables it changes or else reads.
func (c *classifier) classify(query string) (Statement, footprint) {
	if len(query) > maxCachedText {
		return c.compute(query)
	}
	h := maphash.String(c.seed, query)
	base := int(h%(cacheSlots/cacheWays)) * cacheWays
	for i := base; i < base+cacheWays; i++ {
		if e := c.slots[i].Load(); e != nil && e.hash == h && e.query == query {
			if !e.used.Load() {
				e.used.Store(true)
			}
			return e.stmt, e.foot
		}
	}
	stmt, foot := c.compute(query)
	if door := &c.door[(h>>32)%doorSlots]; door.Load() == h {
		c.keep(base, h, query, stmt, foot)
	} else {
		door.Store(h)
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

// keep remembers a verdict in one of the slots from base on.
func (c *classifier) keep(base int, h uint64, query string, stmt Statement, foot footprint) {
	e := &classified{hash: h, query: strings.Clone(query), stmt: stmt, foot: foot}
	c.mu.Lock()
	defer c.mu.Unlock()
	victim := -1
	for i := base; i < base+cacheWays; i++ {
		old := c.slots[i].Load()
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
	for i := base; victim < 0; i = base + (i-base+1)%cacheWays {
		if old := c.slots[i].Load(); !old.used.Swap(false) || i == base+cacheWays-1 {
			victim = i
		}
	}
	c.storeLocked(victim, e)
	for c.bytes > maxCachedBytes {
		if old := c.slots[c.hand].Load(); old != nil && c.hand != victim && !old.used.Swap(false) {
			c.storeLocked(c.hand, nil)
		}
		c.hand = (c.hand + 1) % cacheSlots
	}
}

func (c *classifier) storeLocked(i int, e *classified) {
	if old := c.slots[i].Load(); old != nil {
		c.bytes -= len(old.query)
	}
	if e != nil {
		c.bytes += len(e.query)
	}
	c.slots[i].Store(e)
}
