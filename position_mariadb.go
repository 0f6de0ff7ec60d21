package rwsplit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// mariadbPositions asks MariaDB for GTID positions: per replication domain the
// last transaction. The replica's is gtid_slave_pos; gtid_binlog_pos and
// gtid_current_pos would include what was written on the replica itself.
//
// https://mariadb.com/kb/en/gtid/
type mariadbPositions struct{}

var _ Positioner = mariadbPositions{}

const (
	mariadbPrimaryQuery = "SELECT @@GLOBAL.log_bin, @@GLOBAL.gtid_binlog_pos"
	mariadbReplicaQuery = "SELECT @@GLOBAL.gtid_slave_pos"
)

func (mariadbPositions) PrimaryPosition(ctx context.Context, s PhysicalConn) (Position, error) {
	row, err := s.QueryText(ctx, mariadbPrimaryQuery)
	if err != nil {
		return Position{}, mysqlNoPosition(err)
	}
	return mariadbPrimaryAnswer(row)
}

func (mariadbPositions) ReplicaPosition(ctx context.Context, s PhysicalConn) (Position, error) {
	row, err := s.QueryText(ctx, mariadbReplicaQuery)
	if err != nil {
		return Position{}, mysqlNoPosition(err)
	}
	if len(row) != 1 {
		return Position{}, fmt.Errorf("%w: %d columns in the replica's answer", errMalformedPosition, len(row))
	}
	return mariadbPositions{}.ParsePosition(row[0])
}

// mariadbPrimaryAnswer reads a row of mariadbPrimaryQuery.
func mariadbPrimaryAnswer(row []string) (Position, error) {
	if len(row) != 2 {
		return Position{}, fmt.Errorf("%w: %d columns in the primary's answer", errMalformedPosition, len(row))
	}
	if on := row[0]; on != "1" && !strings.EqualFold(on, "ON") {
		return Position{}, fmt.Errorf("%w: log_bin is off on the primary, so gtid_binlog_pos is empty; turn it on, or use position=heartbeat", errNoPosition)
	}
	return mariadbPositions{}.ParsePosition(row[1])
}

func (mariadbPositions) ParsePosition(text string) (Position, error) {
	domains, err := parseGTIDByDomain(text)
	if err != nil {
		return Position{}, err
	}
	return Position{kind: positionKindMariaDB, domains: domains}, nil
}

// gtidByDomain is a MariaDB GTID position, sorted by domain, each domain once.
// Immutable.
type gtidByDomain struct {
	last []mariadbGTID
}

type mariadbGTID struct {
	domain, server uint32
	seq            uint64
}

const gtidByDomainForm = "a GTID position (domain-server-sequence,...)"

// parseGTIDByDomain reads domain-server-sequence triples. A domain named twice
// is an error, as it is for the server.
func parseGTIDByDomain(text string) (*gtidByDomain, error) {
	pos := &gtidByDomain{}
	if strings.TrimSpace(text) == "" {
		return pos, nil
	}
	pos.last = make([]mariadbGTID, 0, 1+strings.Count(text, ","))
	for more := true; more; {
		var part string
		part, text, more = strings.Cut(text, ",")
		g, ok := parseMariadbGTID(strings.TrimSpace(part))
		if !ok {
			return nil, malformed(gtidByDomainForm, part)
		}
		pos.last = append(pos.last, g)
	}
	slices.SortFunc(pos.last, func(a, b mariadbGTID) int { return cmp.Compare(a.domain, b.domain) })
	for i := 1; i < len(pos.last); i++ {
		if pos.last[i].domain == pos.last[i-1].domain {
			return nil, fmt.Errorf("%w: domain %d stands twice in a GTID position", errMalformedPosition, pos.last[i].domain)
		}
	}
	return pos, nil
}

func parseMariadbGTID(part string) (g mariadbGTID, ok bool) {
	domain, rest, ok1 := strings.Cut(part, "-")
	server, seq, ok2 := strings.Cut(rest, "-")
	if !ok1 || !ok2 {
		return g, false
	}
	d, ok1 := parseDigits(domain)
	s, ok2 := parseDigits(server)
	n, ok3 := parseDigits(seq)
	if !ok1 || !ok2 || !ok3 || d > 1<<32-1 || s > 1<<32-1 {
		return g, false
	}
	return mariadbGTID{domain: uint32(d), server: uint32(s), seq: n}, true
}

// reached compares domain by domain. The last transactions must come from one
// server: where another one wrote a later number, it took over as the primary,
// or the histories have parted, and a position does not tell which. A primary
// that took over names itself in its next position.
func (pos *gtidByDomain) reached(want *gtidByDomain) bool {
	if pos == nil || want == nil {
		return false
	}
	for i, j := 0, 0; j < len(want.last); j++ {
		w := want.last[j]
		if i = pos.find(i, w.domain); i < 0 || pos.last[i].seq < w.seq || pos.last[i].server != w.server {
			return false
		}
	}
	return true
}

// knows reports whether pos has every domain of want, and nowhere a number from
// another server that is as high as want's.
func (pos *gtidByDomain) knows(want *gtidByDomain) bool {
	if pos == nil || want == nil {
		return false
	}
	for i, j := 0, 0; j < len(want.last); j++ {
		w := want.last[j]
		if i = pos.find(i, w.domain); i < 0 || pos.last[i].seq >= w.seq && pos.last[i].server != w.server {
			return false
		}
	}
	return true
}

// find returns the index of a domain at or behind from, -1 if it is not there.
func (pos *gtidByDomain) find(from int, domain uint32) int {
	for i := from; i < len(pos.last) && pos.last[i].domain <= domain; i++ {
		if pos.last[i].domain == domain {
			return i
		}
	}
	return -1
}

// union keeps every domain of either, the later one where both have it, also
// from another server: the one that took over has what went before, or it is
// lost. ok is false if two servers gave the same number.
func (pos *gtidByDomain) union(other *gtidByDomain) (merged *gtidByDomain, ok bool) {
	out := &gtidByDomain{last: make([]mariadbGTID, 0, len(pos.last)+len(other.last))}
	a, b := pos.last, other.last
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].domain < b[0].domain:
			out.last, a = append(out.last, a[0]), a[1:]
		case a[0].domain > b[0].domain:
			out.last, b = append(out.last, b[0]), b[1:]
		case a[0].seq == b[0].seq && a[0].server != b[0].server:
			return nil, false
		case a[0].seq >= b[0].seq:
			out.last, a, b = append(out.last, a[0]), a[1:], b[1:]
		default:
			out.last, a, b = append(out.last, b[0]), a[1:], b[1:]
		}
	}
	out.last = append(append(out.last, a...), b...)
	return out, true
}

// String returns the position in MariaDB's notation.
func (pos *gtidByDomain) String() string {
	if pos == nil {
		return ""
	}
	var b []byte
	for i, g := range pos.last {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(g.domain), 10)
		b = strconv.AppendUint(append(b, '-'), uint64(g.server), 10)
		b = strconv.AppendUint(append(b, '-'), g.seq, 10)
	}
	return string(b)
}
