package rwsplit

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// The binary form of a position inside a token: its kind, then
//
//	linear    length and bytes of the history, number
//	postgres  system identifier, timeline, LSN
//	mysql     number of sources; each: uuid, length and bytes of the tag,
//	          number of ranges; each: distance from the one before, length - 1
//	mariadb   number of domains; each: domain, server, sequence number
//
// with every number as an unsigned varint.

func appendPosition(b []byte, p Position) []byte {
	b = append(b, byte(p.kind))
	switch p.kind {
	case positionKindLinear:
		b = binary.AppendUvarint(b, uint64(len(p.history)))
		b = append(b, p.history...)
		b = binary.AppendUvarint(b, p.n)
	case positionKindPostgres:
		system, _ := strconv.ParseUint(p.history, 10, 64) // checked when made
		b = binary.AppendUvarint(b, system)
		b = binary.AppendUvarint(b, uint64(p.timeline))
		b = binary.AppendUvarint(b, p.n)
	case positionKindMySQL:
		b = appendGTIDSet(b, p.gtids.ranges)
	case positionKindMariaDB:
		b = binary.AppendUvarint(b, uint64(len(p.domains.last)))
		for _, g := range p.domains.last {
			b = binary.AppendUvarint(b, uint64(g.domain))
			b = binary.AppendUvarint(b, uint64(g.server))
			b = binary.AppendUvarint(b, g.seq)
		}
	}
	return b
}

func appendGTIDSet(b []byte, ranges []gtidRange) []byte {
	sources := 0
	for i := range ranges {
		if i == 0 || !ranges[i].sameKey(&ranges[i-1]) {
			sources++
		}
	}
	b = binary.AppendUvarint(b, uint64(sources))
	for len(ranges) > 0 {
		n := 1
		for n < len(ranges) && ranges[n].sameKey(&ranges[0]) {
			n++
		}
		b = append(b, ranges[0].source[:]...)
		b = binary.AppendUvarint(b, uint64(len(ranges[0].tag)))
		b = append(b, ranges[0].tag...)
		b = binary.AppendUvarint(b, uint64(n))
		before := uint64(0)
		for _, r := range ranges[:n] {
			b = binary.AppendUvarint(b, r.lo-before)
			b = binary.AppendUvarint(b, r.hi-r.lo)
			before = r.hi
		}
		ranges = ranges[n:]
	}
	return b
}

// tokenReader reads the parts of a token. After the first mistake it is bad
// and gives zeroes.
type tokenReader struct {
	rest []byte
	bad  bool
}

func (r *tokenReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *tokenReader) byte() byte {
	b := r.bytes(1)
	if r.bad {
		return 0
	}
	return b[0]
}

func (r *tokenReader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// count reads the number of elements to come, each at least size bytes long:
// so nothing is allocated that the text does not have.
func (r *tokenReader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *tokenReader) fail() { r.bad, r.rest = true, nil }

func (r *tokenReader) position() Position {
	var p Position
	switch positionKind(r.byte()) {
	case positionKindLinear:
		history := string(r.bytes(r.uvarint()))
		p = LinearPosition(history, r.uvarint())
	case positionKindPostgres:
		system := strconv.FormatUint(r.uvarint(), 10)
		timeline := r.uvarint()
		p, _ = postgresPosition(system, timeline, r.uvarint())
	case positionKindMySQL:
		p = Position{kind: positionKindMySQL, gtids: r.gtidSet()}
	case positionKindMariaDB:
		p = Position{kind: positionKindMariaDB, domains: r.gtidByDomain()}
	}
	if p.IsZero() || r.bad {
		r.fail()
		return Position{}
	}
	return p
}

func (r *tokenReader) gtidSet() *gtidSet {
	const leastSource, leastRange = 16 + 1 + 1, 2
	set := &gtidSet{}
	for range r.count(leastSource) {
		var g gtidRange
		copy(g.source[:], r.bytes(16))
		if g.tag = string(r.bytes(r.uvarint())); g.tag != "" && (!isGTIDTag(g.tag) || g.tag != strings.ToLower(g.tag)) {
			r.fail()
		}
		n := r.count(leastRange)
		if n == 0 {
			r.fail()
		}
		before := uint64(0)
		for range n {
			distance, length := r.uvarint(), r.uvarint()
			if distance == 0 || distance > maxGNO-before || length > maxGNO-before-distance {
				r.fail()
				return set
			}
			g.lo = before + distance
			g.hi = g.lo + length
			before = g.hi
			set.ranges = append(set.ranges, g)
		}
	}
	set.normalize()
	return set
}

func (r *tokenReader) gtidByDomain() *gtidByDomain {
	const leastDomain = 3
	pos := &gtidByDomain{}
	for range r.count(leastDomain) {
		domain, server, seq := r.uvarint(), r.uvarint(), r.uvarint()
		if n := len(pos.last); domain > 1<<32-1 || server > 1<<32-1 || n > 0 && uint64(pos.last[n-1].domain) >= domain {
			r.fail()
			return pos
		}
		pos.last = append(pos.last, mariadbGTID{domain: uint32(domain), server: uint32(server), seq: seq})
	}
	return pos
}
