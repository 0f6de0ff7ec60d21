package rwsplit

import "strings"

// keyword is a word with a meaning in the body of a statement.
type keyword uint8

const (
	kwNone       keyword = iota // an identifier
	kwValue                     // stands for a value: NULL, TRUE, CURRENT_DATE
	kwOther                     // any other keyword: what follows is a new operand
	kwAs                        // AS
	kwClause                    // ends FROM: WHERE, GROUP, ORDER, LIMIT, UNION
	kwDelete                    // DELETE, MERGE, UPSERT
	kwDistinct                  // DISTINCT
	kwFor                       // FOR
	kwFrom                      // FROM
	kwInsert                    // INSERT, REPLACE
	kwInto                      // INTO
	kwJoin                      // JOIN
	kwKey                       // KEY
	kwLateral                   // LATERAL, ONLY: a table still follows
	kwLock                      // LOCK where it locks rows
	kwNext                      // NEXT
	kwNextOf                    // VALUE in NEXT VALUE FOR
	kwNo                        // NO
	kwOn                        // ON
	kwPrevious                  // PREVIOUS
	kwOrdinality                // ORDINALITY
	kwSample                    // TABLESAMPLE
	kwSelect                    // SELECT
	kwShare                     // SHARE
	kwTarget                    // between INSERT and its table: IGNORE, LOW_PRIORITY
	kwTop                       // TOP of other engines
	kwUpdate                    // UPDATE
	kwValues                    // VALUES, TABLE
	kwWith                      // WITH, RECURSIVE
)

// callClass says what a word means that a parenthesis follows.
type callClass uint8

const (
	callUnknown  callClass = iota // a function that nobody vouches for
	callSafe                      // a function that is safe on a replica
	callSyntax                    // no function: IN (..), VARCHAR (20)
	callContext                   // no function right after a value: f(x) OVER (..), or after certain words: GROUP BY (..)
	callOperator                  // OPERATOR (schema.+) right after a value
	callSetting                   // a function that reads the setting named by its argument
	callEffect                    // a function that does something: see callEff
)

// wordEntry is all that is known about one word of one language.
type wordEntry struct {
	name string
	hash uint32
	kw   keyword

	call     callClass
	callEff  effectID
	bareEff  effectID // of the word itself, wherever it stands
	start    startKind
	startEff effectID
	table    tableWord
	calm     bool   // it does nothing, wherever it stands in a SELECT
	calmCall bool   // nor does it with a parenthesis behind it
	schema   bool   // it may be a schema of which not all relations are plain
	write    bool   // after holds only in a write
	after    string // words behind which it is no function, if callContext: see followRule

	callReason  string
	bareReason  string
	startReason string
}

var noWord = wordEntry{calm: true}

// Keywords that lock, write or name sequences: alone, or with what stands around
// them.
const notCalm = 1<<kwDelete | 1<<kwFor | 1<<kwInsert | 1<<kwInto | 1<<kwLock | 1<<kwShare | 1<<kwUpdate | 1<<kwWith

// wordTable finds words without regard to ASCII case. It is built once and
// then only read.
type wordTable struct {
	shift uint32
	slots []wordSlot
}

// wordSlot is free if it has no entry.
type wordSlot struct {
	first uint64 // the word's first bytes
	entry *wordEntry
}

// lookup returns the entry of a word, or &noWord. The word holds nothing but
// word bytes; h is its hash and first what firstBytes returns for it.
func (t *wordTable) lookup(h uint32, first uint64, word string) *wordEntry {
	slots := t.slots
	mask := len(slots) - 1
	for i := int(h >> (t.shift & 31)); ; i++ {
		slot := &slots[i&mask]
		if slot.entry == nil {
			return &noWord
		}
		if slot.first == first && sameRest(slot.entry.name, word) {
			return slot.entry
		}
	}
}

// find is lookup for a text that the lexer did not read: any text.
func (t *wordTable) find(text string) *wordEntry {
	if e := t.lookup(hashWord(text), firstOf(text), text); equalFold(e.name, text) {
		return e
	}
	return &noWord
}

// sameRest is equalFold for words of the lexer whose first bytes are the same.
// No two of their bytes differ in the bit of the case alone, except letters.
func sameRest(lower, word string) bool {
	if len(lower) != len(word) {
		return false
	}
	for i := 8; i < len(word); i++ {
		if (word[i]^lower[i])&^0x20 != 0 {
			return false
		}
	}
	return true
}

// equalFold reports whether word is lower in any ASCII case; lower is in lower
// case and as long as word.
func equalFold(lower, word string) bool {
	if len(lower) != len(word) {
		return false
	}
	for i := range len(word) {
		c := word[i]
		if c != lower[i] && (c-'A' > 'Z'-'A' || c|0x20 != lower[i]) {
			return false
		}
	}
	return true
}

// wordBuilder collects the rules of a language.
type wordBuilder struct {
	entries map[string]*wordEntry
}

func newWordBuilder() *wordBuilder {
	return &wordBuilder{entries: make(map[string]*wordEntry, 2048)}
}

func (b *wordBuilder) entry(name string) *wordEntry {
	e := b.entries[name]
	if e == nil {
		e = &wordEntry{name: name, hash: hashWord(name)}
		b.entries[name] = e
	}
	return e
}

func (b *wordBuilder) keywords(rules []keywordRule) {
	for _, r := range rules {
		for _, name := range strings.Fields(r.words) {
			e := b.entry(name)
			e.kw = r.kw
			if r.call != callUnknown {
				e.call = r.call
			}
		}
	}
}

func (b *wordBuilder) follow(rules []followRule) {
	for _, r := range rules {
		for _, name := range strings.Fields(r.words) {
			e := b.entry(name)
			e.after, e.write = " "+strings.Join(strings.Fields(r.after), " ")+" ", r.write
		}
	}
}

// follows reports whether e is no function behind the word before.
func (e *wordEntry) follows(before *wordEntry) bool {
	if e.after == "" || before == nil || before.name == "" {
		return false
	}
	i := strings.Index(e.after, before.name)
	return i > 0 && e.after[i-1] == ' ' && e.after[i+len(before.name)] == ' '
}

func (b *wordBuilder) functions(rules []functionRule) {
	for _, r := range rules {
		for _, name := range strings.Fields(r.names) {
			name, _, _ = strings.Cut(name, "@") // @16: since that version
			e := b.entry(name)
			e.call, e.callEff = r.call, r.effect
			if r.effect != effNone {
				e.call = callEffect
				e.callReason = r.what + " (" + name + ")"
			}
		}
	}
}

func (b *wordBuilder) bare(rules []wordRule) {
	for _, r := range rules {
		for _, name := range strings.Fields(r.words) {
			e := b.entry(name)
			e.bareEff = r.effect
			e.bareReason = r.what + " (" + strings.ToUpper(name) + ")"
		}
	}
}

// schemas marks the names of schemas, so that the short way to the verdict
// leaves them to the scanner.
func (b *wordBuilder) schemas(rules []schemaRule) {
	for _, r := range rules {
		b.entry(r.schema).schema = true
	}
}

func (b *wordBuilder) statements(rules []statementRule) {
	for _, r := range rules {
		for _, name := range strings.Fields(r.words) {
			e := b.entry(name)
			e.start, e.startEff = r.start, r.effect
			e.startReason = r.what + " (" + strings.ToUpper(name) + ")"
		}
	}
}

func (b *wordBuilder) table() *wordTable {
	size, shift := 1024, uint32(22)
	for size < 3*len(b.entries) {
		size, shift = size*2, shift-1
	}
	t := &wordTable{shift: shift, slots: make([]wordSlot, size)}
	for _, e := range b.entries {
		e.calm = e.bareEff == effNone && notCalm&(1<<e.kw) == 0 && !e.schema
		e.calmCall = e.call == callSafe || e.call == callSyntax
		i := e.hash >> shift
		for t.slots[i].entry != nil {
			i = (i + 1) % uint32(size)
		}
		t.slots[i] = wordSlot{firstOf(e.name), e}
	}
	return t
}
