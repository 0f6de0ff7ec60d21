package rwsplit

import "strings"

// knowledge is what a Connector knows beyond the text of a statement. It is
// immutable once built; nil means nothing is known.
type knowledge struct {
	functions map[string]struct{}
	relations map[string][]string // last part of the name -> schemas, "" for any
	hashes    *hashSet            // of the names in relations; nil if there are none
	tables    *tableIndex         // nil: statements count for all tables

	anyFunction bool // every function is taken to be safe
}

// withTables returns what k knows, and the tables. k may be nil.
func (k *knowledge) withTables(tables *tableIndex) *knowledge {
	var with knowledge
	if k != nil {
		with = *k
	}
	with.tables = tables
	return &with
}

// newKnowledge builds knowledge from names as one writes them in SQL: f,
// schema.f, "Quoted".f. Parts without quotes are folded to lower case.
//
// readFunctions and trusted are functions that are safe on a replica; a name
// without a schema stands for calls without a schema only.
// primaryOnlyRelations are tables and views that a replica can't serve; a name
// without a schema stands for that name in every schema.
func newKnowledge(readFunctions, trusted, primaryOnlyRelations []string) *knowledge {
	if len(readFunctions)+len(trusted)+len(primaryOnlyRelations) == 0 {
		return nil
	}
	k := &knowledge{
		functions: make(map[string]struct{}, len(readFunctions)+len(trusted)),
		relations: make(map[string][]string, len(primaryOnlyRelations)),
	}
	for _, names := range [][]string{readFunctions, trusted} {
		for _, name := range names {
			schema, last := splitName(name)
			if last != "" {
				k.functions[joinName(schema, last)] = struct{}{}
			}
		}
	}
	for _, name := range primaryOnlyRelations {
		schema, last := splitName(name)
		if last != "" {
			k.relations[last] = append(k.relations[last], schema)
		}
	}
	k.hashes = newHashSet(k.relations)
	return k
}

// hashSet holds the hashes of names, which are the same in upper and lower case.
type hashSet struct {
	slots []uint32 // zero is free
}

// newHashSet returns nil if there are no names.
func newHashSet(names map[string][]string) *hashSet {
	if len(names) == 0 {
		return nil
	}
	size := 64
	for size < 4*len(names) {
		size *= 2
	}
	t := &hashSet{slots: make([]uint32, size)}
	for name := range names {
		h := max(hashWord(name), 1)
		i := int(h) & (size - 1)
		for t.slots[i] != 0 {
			i = (i + 1) & (size - 1)
		}
		t.slots[i] = h
	}
	return t
}

// has reports whether h is the hash of one of the names.
func (t *hashSet) has(h uint32) bool {
	h = max(h, 1)
	for i := int(h); ; i++ {
		switch t.slots[i&(len(t.slots)-1)] {
		case h:
			return true
		case 0:
			return false
		}
	}
}

// joinName makes the key of a function. A zero byte can't be part of a name.
func joinName(schema, last string) string {
	if schema == "" {
		return last
	}
	return schema + "\x00" + last
}

// splitName folds a name as the engine would and returns its last two parts.
func splitName(name string) (schema, last string) {
	for name = strings.TrimSpace(name); name != ""; {
		var part string
		if q := name[0]; q == '"' || q == '`' {
			end := 1
			for end < len(name) {
				if name[end] != q {
					end++
				} else if end+1 < len(name) && name[end+1] == q {
					end += 2
				} else {
					break
				}
			}
			part = strings.ReplaceAll(name[1:end], string([]byte{q, q}), string(q))
			name = name[min(end+1, len(name)):]
		} else if i := strings.IndexByte(name, '.'); i >= 0 {
			part, name = asciiLower(strings.TrimSpace(name[:i])), name[i:]
		} else {
			part, name = asciiLower(strings.TrimSpace(name)), ""
		}
		schema, last = last, part
		name = strings.TrimSpace(name)
		if name != "" && name[0] == '.' {
			name = strings.TrimSpace(name[1:])
		}
	}
	return schema, last
}

// readFunction reports whether a function is known to be safe on a replica.
// schema is nil for a call without a schema.
func (k *knowledge) readFunction(schema, name []byte) bool {
	if k == nil {
		return false
	}
	if k.anyFunction || len(k.functions) == 0 {
		return k.anyFunction
	}
	if schema == nil {
		_, ok := k.functions[string(name)]
		return ok
	}
	var buf [2*maxNameLen + 1]byte
	if len(schema)+len(name) >= len(buf) {
		return false
	}
	n := copy(buf[:], schema)
	buf[n] = 0
	n += 1 + copy(buf[n+1:], name)
	_, ok := k.functions[string(buf[:n])]
	return ok
}

// primaryOnly reports whether a name may be that of a relation which a replica
// can't serve. schema is nil for a name without a schema.
func (k *knowledge) primaryOnly(schema, name []byte) bool {
	for _, s := range k.relations[string(name)] {
		if schema == nil || s == "" || s == string(schema) {
			return true
		}
	}
	return false
}

// maxNameLen bounds the names that are looked up; longer ones are unknown.
const maxNameLen = 128

// asciiLower folds a name as PostgreSQL does: letters beyond ASCII stay.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c-'A' <= 'Z'-'A' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
