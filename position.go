package rwsplit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Position is a point in the history of changes of one cluster: what a primary
// had written, or what a replica had replayed, when it was asked. It is an
// immutable value and safe to share. The zero Position is none: it reaches
// nothing and is reached by nothing.
type Position struct {
	kind     positionKind
	timeline uint32        // PostgreSQL
	n        uint64        // PostgreSQL: LSN; linear: the number
	history  string        // PostgreSQL: system identifier; linear: the caller's
	gtids    *gtidSet      // MySQL
	domains  *gtidByDomain // MariaDB
}

type positionKind uint8

// The numbers are part of the token format.
const (
	positionKindNone     positionKind = 0
	positionKindLinear   positionKind = 1
	positionKindPostgres positionKind = 2
	positionKindMySQL    positionKind = 3
	positionKindMariaDB  positionKind = 4
)

// Positioner is implemented by dialects of engines that tell how far their
// replication has come: of the built-in ones postgres, mysql and mariadb. A
// [Layered] dialect has the positions of its engine. The methods ask one
// question each, in one round trip, and should need no privileges.
type Positioner interface {
	// PrimaryPosition returns a position that covers every write which had
	// ended on the server before the question. It fails on a server that knows
	// itself to be no primary.
	PrimaryPosition(ctx context.Context, s PhysicalConn) (Position, error)
	// ReplicaPosition returns what the server had replayed, and shows to
	// queries, before the answer.
	ReplicaPosition(ctx context.Context, s PhysicalConn) (Position, error)
	// ParsePosition reads what Position.String wrote.
	ParsePosition(text string) (Position, error)
}

// The answers by which a tracker tells "ask again" from "never ask".
var (
	// errNotPrimary: the server is a standby.
	errNotPrimary = errors.New("rwsplit: the server is in recovery, so it is a standby and not the primary")
	// errNotReplica: the server is not, or no longer, a standby.
	errNotReplica = errors.New("rwsplit: the server is not in recovery, so it is a primary and not a standby")
	// errNoPosition: as it is set up, the server has no position to give.
	errNoPosition = errors.New("rwsplit: the server has no replication position")
	// errMalformedPosition: a text is no position.
	errMalformedPosition = errors.New("rwsplit: malformed replication position")
)

// LinearPosition returns point n of a history that is a plain count, for
// engines where one number says it all. history names the cluster and whatever
// else makes two counts comparable (a timeline, the owner of a heartbeat); an
// empty one gives the zero Position.
func LinearPosition(history string, n uint64) Position {
	if history == "" {
		return Position{}
	}
	return Position{kind: positionKindLinear, history: history, n: n}
}

// IsZero reports whether have is no position.
func (have Position) IsZero() bool { return have.kind == positionKindNone }

// Reached reports whether a server at have has everything that want covers. It
// is false whenever that can't be told: another engine, another cluster,
// another timeline, no position. It does not allocate.
func (have Position) Reached(want Position) bool {
	if have.kind != want.kind {
		return false
	}
	switch have.kind {
	case positionKindLinear, positionKindPostgres:
		return have.sameHistory(want) && have.n >= want.n
	case positionKindMySQL:
		return have.gtids.contains(want.gtids)
	case positionKindMariaDB:
		return have.domains.reached(want.domains)
	default:
		return false
	}
}

// Equal reports whether both are the same point of the same history.
func (have Position) Equal(other Position) bool {
	return have.Reached(other) && other.Reached(have)
}

// Merge returns the least position that covers both, as far as both still exist
// after a promotion: of two timelines the newer one. ok is false if there is
// none that can be named, since their histories differ: then both stay
// required.
func (have Position) Merge(other Position) (merged Position, ok bool) {
	switch {
	case have.IsZero():
		return other, true
	case other.IsZero(), have.Reached(other):
		return have, true
	case other.Reached(have):
		return other, true
	case have.kind != other.kind:
		return Position{}, false
	case have.kind == positionKindPostgres && have.history == other.history:
		// A timeline begins where the one before it ended: what was written
		// there is on the new one, or lost for everybody.
		if have.timeline < other.timeline {
			return other, true
		}
		return have, true
	case have.kind == positionKindMySQL:
		have.gtids = have.gtids.union(other.gtids)
		return have, true
	case have.kind == positionKindMariaDB:
		domains, ok := have.domains.union(other.domains)
		if !ok {
			return Position{}, false
		}
		have.domains = domains
		return have, true
	}
	return Position{}, false
}

// History names what must be equal for two positions to be comparable: for
// PostgreSQL the system identifier and the timeline. It is empty for GTID sets,
// which carry the names of their servers or domains in themselves.
func (have Position) History() string {
	switch have.kind {
	case positionKindPostgres:
		return have.history + "/" + strconv.FormatUint(uint64(have.timeline), 10)
	case positionKindLinear:
		return have.history
	default:
		return ""
	}
}

// String returns the position as text that ParsePosition of the same dialect
// reads, in the engine's own notation where it has one. It holds no secret.
func (have Position) String() string {
	switch have.kind {
	case positionKindLinear:
		return have.history + ":" + strconv.FormatUint(have.n, 10)
	case positionKindPostgres:
		return fmt.Sprintf("%s/%d:%s", have.history, have.timeline, formatLSN(have.n))
	case positionKindMySQL:
		return have.gtids.String()
	case positionKindMariaDB:
		return have.domains.String()
	default:
		return ""
	}
}

// positionRelation is what can be said about a server at one position and what
// another one covers.
type positionRelation uint8

const (
	// positionsUnrelated: their histories differ, or one is none.
	positionsUnrelated positionRelation = iota
	// positionBehind: one history, and the server has not come so far.
	positionBehind
	// positionReached: the server has it.
	positionReached
)

// relation says why want is not reached, if it is not.
func (have Position) relation(want Position) positionRelation {
	switch {
	case have.Reached(want):
		return positionReached
	case have.kind != want.kind || have.IsZero():
		return positionsUnrelated
	case have.kind == positionKindMySQL && !have.gtids.knows(want.gtids),
		have.kind == positionKindMariaDB && !have.domains.knows(want.domains),
		!have.sameHistory(want):
		return positionsUnrelated
	default:
		return positionBehind
	}
}

func (have Position) sameHistory(other Position) bool {
	return have.timeline == other.timeline && have.history == other.history
}

// parseLinear reads what String wrote for a linear position.
func parseLinear(text string) (Position, error) {
	i := strings.LastIndexByte(text, ':')
	if i <= 0 {
		return Position{}, malformed("history:number", text)
	}
	n, err := strconv.ParseUint(text[i+1:], 10, 64)
	if err != nil {
		return Position{}, malformed("history:number", text)
	}
	return LinearPosition(text[:i], n), nil
}

// malformed says what was expected and shows the beginning of what came.
func malformed(want, text string) error {
	const limit = 60
	if len(text) > limit {
		text = text[:limit] + "..."
	}
	return fmt.Errorf("%w: want %s, got %q", errMalformedPosition, want, text)
}
