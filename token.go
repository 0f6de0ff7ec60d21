package rwsplit

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
)

// token is what one process hands another so that it sees what the first one
// wrote: the positions that a replica must have reached, or, where there is no
// position, a time during which reads stay on the primary.
//
// A token only ever adds to what a read requires. So the worst that a forged
// one can do is to send its bearer's reads to the primary; it is bounded in
// size, so it costs no more than that. It names positions and the hash of a
// cluster's name: no address, no secret.
type token struct {
	made      time.Time     // by the maker's clock, to the millisecond
	sticky    time.Duration // reads stay on the primary until made + sticky
	positions []Position    // all of them are required
}

const (
	tokenVersion = 1
	// maxTokenText is what fits a cookie (4096 bytes with its attributes and a
	// signature) and any proxy's header limit.
	maxTokenText = 2048
	// maxTokenPositions bounds the histories that one token can carry. One is
	// normal, two come of a promotion.
	maxTokenPositions = 4
	// maxTokenSticky bounds what a forged token can ask for.
	maxTokenSticky = time.Hour
	// tokenClockSkew is how far the clocks of two processes may differ. Only
	// the time-bound part of a token needs it.
	tokenClockSkew = time.Second
)

// Why a text is no usable token. A reader that holds such a text can't know
// what it should see: its reads belong on the primary.
var (
	errTokenLong      = errors.New("rwsplit: token refused: too long")
	errTokenMalformed = errors.New("rwsplit: token refused: malformed")
	errTokenVersion   = errors.New("rwsplit: token refused: unknown version")
	errTokenDamaged   = errors.New("rwsplit: token refused: truncated or changed on the way")
	errTokenCluster   = errors.New("rwsplit: token refused: from another cluster")
)

// tokenEncoding is strict: a flipped padding bit is an error too.
var tokenEncoding = base64.RawURLEncoding.Strict()

const (
	tokenHashSize = 8
	tokenSumSize  = 4
)

// encodeToken returns t as URL- and cookie-safe text of at most maxTokenText
// bytes. cluster is the DSN key of that name.
//
// A GTID set that is too long loses its gaps first, which requires more than
// was asked and is still exact as soon as the gaps have closed. If that is not
// enough the positions give way to stickyFor on the primary.
func encodeToken(t token, cluster string, stickyFor time.Duration) string {
	if text, ok := t.encode(cluster); ok {
		return text
	}
	filled := t
	filled.positions = make([]Position, len(t.positions))
	for i, p := range t.positions {
		if p.kind == positionKindMySQL {
			p.gtids = p.gtids.filled()
		}
		filled.positions[i] = p
	}
	if text, ok := filled.encode(cluster); ok {
		return text
	}
	text, _ := token{made: t.made, sticky: max(t.sticky, stickyFor)}.encode(cluster)
	return text
}

// encode reports ok false if the token has no bounded form.
func (t token) encode(cluster string) (text string, ok bool) {
	if len(t.positions) > maxTokenPositions {
		return "", false
	}
	b := make([]byte, 0, 128)
	b = append(b, tokenVersion)
	b = append(b, clusterHash(cluster)...)
	b = binary.AppendUvarint(b, uint64(max(t.made.UnixMilli(), 0)))
	b = binary.AppendUvarint(b, uint64(min(max(t.sticky, 0), maxTokenSticky)/time.Millisecond))
	b = append(b, byte(len(t.positions)))
	for _, p := range t.positions {
		b = appendPosition(b, p)
	}
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	if tokenEncoding.EncodedLen(len(b)) > maxTokenText {
		return "", false
	}
	return tokenEncoding.EncodeToString(b), true
}

// decodeToken reads what encodeToken wrote for the same cluster. It never
// panics and takes time proportional to the text's length.
func decodeToken(text, cluster string) (token, error) {
	if len(text) > maxTokenText {
		return token{}, errTokenLong
	}
	// The decoder of the standard library skips line ends.
	if strings.ContainsAny(text, "\r\n") {
		return token{}, errTokenMalformed
	}
	b, err := tokenEncoding.DecodeString(text)
	if err != nil || len(b) == 0 {
		return token{}, errTokenMalformed
	}
	// Another version may have another checksum.
	if b[0] != tokenVersion {
		return token{}, fmt.Errorf("%w: %d", errTokenVersion, b[0])
	}
	if len(b) < 1+tokenHashSize+tokenSumSize {
		return token{}, errTokenDamaged
	}
	body, sum := b[:len(b)-tokenSumSize], b[len(b)-tokenSumSize:]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(sum) {
		return token{}, errTokenDamaged
	}
	body = body[1:]
	if string(body[:tokenHashSize]) != string(clusterHash(cluster)) {
		return token{}, errTokenCluster
	}
	r := tokenReader{rest: body[tokenHashSize:]}
	t := token{
		made:   time.UnixMilli(int64(min(r.uvarint(), 1<<50))),
		sticky: time.Duration(min(r.uvarint(), uint64(maxTokenSticky/time.Millisecond))) * time.Millisecond,
	}
	n := int(r.byte())
	if n > maxTokenPositions {
		return token{}, errTokenMalformed
	}
	for range n {
		t.positions = append(t.positions, r.position())
	}
	if r.bad || len(r.rest) > 0 {
		return token{}, errTokenMalformed
	}
	return t, nil
}

// clusterHash keeps tokens of differently named clusters apart.
func clusterHash(cluster string) []byte {
	sum := sha256.Sum256([]byte("rwsplit cluster\x00" + cluster))
	return sum[:tokenHashSize]
}

// merge returns a token that requires what both do. More histories than a
// token can carry turn the oldest ones into stickyFor on the primary.
func (t token) merge(other token, stickyFor time.Duration) token {
	out := t
	if other.made.After(t.made) {
		out.made = other.made
	}
	until := t.made.Add(t.sticky)
	if u := other.made.Add(other.sticky); u.After(until) {
		until = u
	}
	out.sticky = 0
	if t.sticky > 0 || other.sticky > 0 {
		out.sticky = max(until.Sub(out.made), 0)
	}
	out.positions = make([]Position, len(t.positions), len(t.positions)+len(other.positions))
	copy(out.positions, t.positions)
	for _, p := range other.positions {
		out.positions = requirePosition(out.positions, p)
	}
	if extra := len(out.positions) - maxTokenPositions; extra > 0 {
		out.positions = out.positions[extra:]
		out.sticky = max(out.sticky, stickyFor)
	}
	return out
}

// requirePosition adds want to what is required, into the entry of its own
// history if there is one. It changes the slice.
func requirePosition(required []Position, want Position) []Position {
	if want.IsZero() {
		return required
	}
	for i, p := range required {
		if merged, ok := p.Merge(want); ok {
			required[i] = merged
			return required
		}
	}
	return append(required, want)
}

// settle returns t as it is to be read beside a primary at primary: what was
// written before a promotion is on the primary now, or lost, so the primary's
// position takes its place. Without it a token that is older than a promotion
// would keep its bearer on the primary for as long as it lives.
func (t token) settle(primary Position) token {
	for i, want := range t.positions {
		if primary.relation(want) != positionsUnrelated {
			continue
		}
		// Only a primary that goes on from want's history covers both alone.
		if merged, ok := primary.Merge(want); ok && primary.Equal(merged) {
			positions := append([]Position(nil), t.positions...)
			positions[i] = primary
			t.positions = positions
		}
	}
	return t
}

// reached reports whether a server at have has everything that the token
// names. It says nothing about the time that the token may demand.
func (t token) reached(have Position) bool {
	for _, want := range t.positions {
		if !have.Reached(want) {
			return false
		}
	}
	return true
}

// primaryUntil returns until when reads stay on the primary for the time-bound
// part of the token; the zero time means not at all. However wrong the maker's
// clock, it is no later than the token's span from now.
func (t token) primaryUntil(now time.Time) time.Time {
	if t.sticky <= 0 {
		return time.Time{}
	}
	until := t.made.Add(t.sticky + tokenClockSkew)
	if most := now.Add(t.sticky + tokenClockSkew); until.After(most) {
		until = most
	}
	if !until.After(now) {
		return time.Time{}
	}
	return until
}
