package rwsplit

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// gtidSet is a set of MySQL GTIDs in its one canonical form: ranges sorted by
// source, tag and number, none empty, none touching its neighbour. Immutable.
type gtidSet struct {
	ranges []gtidRange
}

// gtidRange is a run of transactions, both ends included, of one source and tag.
type gtidRange struct {
	source [16]byte
	tag    string // lower case; empty for most
	lo, hi uint64
}

// maxGNO is the greatest transaction number there is.
const maxGNO = 1<<63 - 2

const gtidSetForm = "a GTID set (uuid:1-5:7,uuid:tag:1-3)"

// sameKey reports whether both count the same transactions.
func (r *gtidRange) sameKey(other *gtidRange) bool {
	return r.source == other.source && r.tag == other.tag
}

func (r *gtidRange) compareKey(other *gtidRange) int {
	if c := bytes.Compare(r.source[:], other.source[:]); c != 0 {
		return c
	}
	return strings.Compare(r.tag, other.tag)
}

// parseGTIDSet reads MySQL's notation, with the tags of 8.3 and newer and with
// white space around every part. A part without an interval is an error: a text
// that was cut off must not pass for a smaller set.
//
// https://dev.mysql.com/doc/refman/en/replication-gtids-concepts.html#replication-gtids-concepts-gtid-sets
func parseGTIDSet(text string) (*gtidSet, error) {
	set := &gtidSet{}
	if strings.TrimSpace(text) == "" {
		return set, nil
	}
	set.ranges = make([]gtidRange, 0, strings.Count(text, ":"))
	for more := true; more; {
		var part string
		part, text, more = strings.Cut(text, ",")
		if !set.appendPart(part) {
			return nil, malformed(gtidSetForm, part)
		}
	}
	set.normalize()
	return set, nil
}

// appendPart adds one uuid with its intervals and tags.
func (set *gtidSet) appendPart(part string) bool {
	part = strings.TrimSpace(part)
	id, rest, ok := strings.Cut(part, ":")
	var r gtidRange
	if !ok || !parseUUID(&r.source, strings.TrimSpace(id)) {
		return false
	}
	complete := false // an interval has come since the uuid or the last tag
	for more := true; more; {
		var item string
		item, rest, more = strings.Cut(rest, ":")
		item = strings.TrimSpace(item)
		if item == "" {
			return false
		}
		if c := item[0]; c < '0' || c > '9' {
			// A tag right after the uuid is fine, a tag right after a tag is not.
			if (r.tag != "" && !complete) || !isGTIDTag(item) {
				return false
			}
			r.tag = strings.ToLower(item)
			complete = false
			continue
		}
		if !parseInterval(&r, item) {
			return false
		}
		set.ranges = append(set.ranges, r)
		complete = true
	}
	return complete
}

func parseUUID(dst *[16]byte, text string) bool {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return false
	}
	var digits [32]byte
	n := copy(digits[:], text[:8])
	n += copy(digits[n:], text[9:13])
	n += copy(digits[n:], text[14:18])
	n += copy(digits[n:], text[19:23])
	copy(digits[n:], text[24:])
	_, err := hex.Decode(dst[:], digits[:])
	return err == nil
}

// isGTIDTag reports a letter or underscore followed by up to 31 letters,
// digits and underscores.
func isGTIDTag(s string) bool {
	if len(s) == 0 || len(s) > 32 {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		letter := c >= 'a' && c <= 'z' || s[i] == '_'
		if !letter && (i == 0 || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

func parseInterval(r *gtidRange, item string) bool {
	first, last, isRange := strings.Cut(item, "-")
	var ok bool
	if r.lo, ok = parseGNO(first); !ok {
		return false
	}
	r.hi = r.lo
	if isRange {
		if r.hi, ok = parseGNO(last); !ok {
			return false
		}
	}
	return r.lo <= r.hi
}

func parseGNO(s string) (uint64, bool) {
	n, ok := parseDigits(strings.TrimSpace(s))
	return n, ok && n >= 1 && n <= maxGNO
}

// parseDigits reads a decimal number of digits alone.
func parseDigits(s string) (uint64, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false // ParseUint refuses a sign too, this says it
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// normalize sorts the ranges and joins what overlaps or touches.
func (set *gtidSet) normalize() {
	order := func(a, b gtidRange) int {
		if c := a.compareKey(&b); c != 0 {
			return c
		}
		return cmp.Compare(a.lo, b.lo)
	}
	if !slices.IsSortedFunc(set.ranges, order) { // servers send it sorted
		slices.SortFunc(set.ranges, order)
	}
	out := set.ranges[:0]
	for _, r := range set.ranges {
		if n := len(out); n > 0 && out[n-1].sameKey(&r) && r.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, r.hi)
			continue
		}
		out = append(out, r)
	}
	set.ranges = out
}

// contains reports whether every transaction of want is in set. Ranges of a set
// don't touch, so one range of want lies within one range of set or is not
// contained.
func (set *gtidSet) contains(want *gtidSet) bool {
	if set == want {
		return set != nil
	}
	if set == nil || want == nil {
		return false
	}
	i := 0
	for j := range want.ranges {
		w := &want.ranges[j]
		for {
			if i == len(set.ranges) {
				return false
			}
			h := &set.ranges[i]
			c := h.compareKey(w)
			if c > 0 || c == 0 && h.lo > w.lo {
				return false
			}
			if c == 0 && h.hi >= w.lo {
				if h.hi < w.hi {
					return false
				}
				break
			}
			i++
		}
	}
	return true
}

// knows reports whether set has transactions of every source in want.
func (set *gtidSet) knows(want *gtidSet) bool {
	if set == nil || want == nil {
		return false
	}
	i := 0
	for j := range want.ranges {
		w := &want.ranges[j]
		for i < len(set.ranges) && bytes.Compare(set.ranges[i].source[:], w.source[:]) < 0 {
			i++
		}
		if i == len(set.ranges) || set.ranges[i].source != w.source {
			return false
		}
	}
	return true
}

func (set *gtidSet) union(other *gtidSet) *gtidSet {
	out := &gtidSet{ranges: make([]gtidRange, 0, len(set.ranges)+len(other.ranges))}
	out.ranges = append(append(out.ranges, set.ranges...), other.ranges...)
	out.normalize()
	return out
}

// filled returns the set without its gaps: one range per source and tag. It
// contains set.
func (set *gtidSet) filled() *gtidSet {
	out := &gtidSet{}
	for _, r := range set.ranges {
		if n := len(out.ranges); n > 0 && out.ranges[n-1].sameKey(&r) {
			out.ranges[n-1].hi = r.hi
			continue
		}
		out.ranges = append(out.ranges, r)
	}
	return out
}

// String returns the set in MySQL's notation, tags within their uuid.
func (set *gtidSet) String() string {
	if set == nil {
		return ""
	}
	var b []byte
	for i := range set.ranges {
		r := &set.ranges[i]
		if i == 0 || set.ranges[i-1].source != r.source {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendUUID(b, r.source)
		}
		if r.tag != "" && (i == 0 || !set.ranges[i-1].sameKey(r)) {
			b = append(append(b, ':'), r.tag...)
		}
		b = strconv.AppendUint(append(b, ':'), r.lo, 10)
		if r.hi > r.lo {
			b = strconv.AppendUint(append(b, '-'), r.hi, 10)
		}
	}
	return string(b)
}

func appendUUID(b []byte, id [16]byte) []byte {
	for i, c := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, []byte{c})
	}
	return b
}
