package rwsplit

import (
	"encoding/hex"
	"fmt"
	"time"
)

// What the position tests see of the inside.
var (
	ErrNotPrimary        = errNotPrimary
	ErrNotReplica        = errNotReplica
	ErrNoPosition        = errNoPosition
	ErrMalformedPosition = errMalformedPosition
	ErrTokenLong         = errTokenLong
	ErrTokenMalformed    = errTokenMalformed
	ErrTokenVersion      = errTokenVersion
	ErrTokenDamaged      = errTokenDamaged
	ErrTokenCluster      = errTokenCluster

	NormalizeLSN          = normalizeLSN
	ParseLSN              = parseLSN
	FormatLSN             = formatLSN
	PostgresPrimaryAnswer = postgresPrimaryAnswer
	PostgresReplicaAnswer = postgresReplicaAnswer
	MySQLPrimaryAnswer    = mysqlPrimaryAnswer
	MariaDBPrimaryAnswer  = mariadbPrimaryAnswer
	EncodeToken           = encodeToken
	DecodeToken           = decodeToken
	CheckerFor            = checkerFor
	PositionWarnings      = positionWarnings
)

// Positioners of the built-in engines.
var (
	PostgresPositions = postgresPositions{}
	MySQLPositions    = mysqlPositions{}
	MariaDBPositions  = mariadbPositions{}
)

const (
	MaxTokenText      = maxTokenText
	MaxTokenPositions = maxTokenPositions
	MaxTokenSticky    = maxTokenSticky
	LagSamples        = lagSamples
)

type (
	PositionFacts   = positionFacts
	PositionChecker = positionChecker
	LagRing         = lagRing
	LagEstimate     = lagEstimate
)

// A TokenParts is a token made of its parts.
type TokenParts = token

func NewToken(made time.Time, sticky time.Duration, positions ...Position) TokenParts {
	return token{made: made, sticky: sticky, positions: positions}
}

func (t token) Made() time.Time                                    { return t.made }
func (t token) Sticky() time.Duration                              { return t.sticky }
func (t token) Positions() []Position                              { return t.positions }
func (t token) Reached(have Position) bool                         { return t.reached(have) }
func (t token) Merge(other token, sticky time.Duration) TokenParts { return t.merge(other, sticky) }
func (t token) PrimaryUntil(now time.Time) time.Time               { return t.primaryUntil(now) }
func (t token) Settle(primary Position) TokenParts                 { return t.settle(primary) }

func (r *lagRing) Add(pos Position, asked, answered time.Time) { r.add(pos, asked, answered) }
func (r *lagRing) Estimate(have Position) LagEstimate          { return r.estimate(have) }
func (r *lagRing) Len() int                                    { return len(r.samples) }
func (e lagEstimate) Lag(now time.Time) (time.Duration, bool)  { return e.lag(now) }
func (e lagEstimate) AtMost(now time.Time) (time.Duration, bool) {
	return e.atMost(now)
}

func NewPositionFacts(b Backend, p Position, err error, settings map[string]string, upstream ...map[string]string) PositionFacts {
	return positionFacts{backend: b, position: p, err: err, settings: settings, upstream: upstream}
}

func (f positionFacts) WithLater(p Position) PositionFacts {
	f.later = p
	return f
}

func (f positionFacts) WithUpstreamError(err error) PositionFacts {
	f.upstreamErr = err
	return f
}

// Transactions lists a small MySQL position's transactions one by one, for a
// reference model.
func (have Position) Transactions() map[string]bool {
	out := make(map[string]bool)
	for _, r := range have.gtids.ranges {
		for n := r.lo; n <= r.hi; n++ {
			out[fmt.Sprintf("%s:%s:%d", hex.EncodeToString(r.source[:]), r.tag, n)] = true
		}
	}
	return out
}
