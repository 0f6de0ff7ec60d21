package rwsplit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// heartbeat makes positions where the engine has none: a table with one row,
// shared by all processes, whose number every question raises. A replica that
// shows a number has replayed what was committed before it was raised, if the
// engine applies transactions in the order of their commits.
//
// The table is made when it is missing, in the default database or schema of
// the primary's DSN, and is never dropped: other processes may rely on it. It
// does not grow.
//
// The row's history changes when the row is made anew, and when another server
// than before raises its number: after a promotion the old primary, and what
// still follows it, may show numbers that the new primary has not come to yet.
// So a history ends with a sum of who raises its number; that is the same for
// all processes.
type heartbeat struct {
	owner string // of the server that is asked as the primary; "" where it has no identity
}

const heartbeatTable = "rwsplit_heartbeat"

var _ Positioner = heartbeat{}

// PrimaryPosition raises the number. Others may raise it at the same time; a
// higher number only asks for more.
func (h heartbeat) PrimaryPosition(ctx context.Context, s PhysicalConn) (Position, error) {
	pos, err := h.raise(ctx, s)
	if err == nil || ctx.Err() != nil {
		return pos, err
	}
	failed := h.create(ctx, s)
	// Another process may have made it at the same time.
	if pos, err = h.raise(ctx, s); err == nil || failed == nil {
		return pos, err
	}
	if _, gone := s.QueryText(ctx, "SELECT 1"); gone != nil || ctx.Err() != nil {
		return Position{}, err // the server is away: the next one asks again
	}
	return Position{}, fmt.Errorf("%w: position=heartbeat needs the table %s on the primary: %w", errNoPosition, heartbeatTable, failed)
}

// heartbeatOf returns the heartbeat as the server raises it. What a cluster's
// servers have in common tells them not apart, and not everybody is shown it.
func heartbeatOf(server Server) heartbeat {
	return heartbeat{owner: strings.TrimPrefix(server.Identity, server.Cluster)}
}

func (h heartbeat) raise(ctx context.Context, s PhysicalConn) (Position, error) {
	history := ""
	if h.owner != "" {
		history = ", history = CASE WHEN history LIKE '%" + h.sum() + "' THEN history ELSE '" + h.history() + "' END"
	}
	if err := s.Exec(ctx, "UPDATE "+heartbeatTable+" SET n = n + 1"+history+" WHERE id = 1"); err != nil {
		return Position{}, err
	}
	return h.ReplicaPosition(ctx, s)
}

// history returns a new one of 32 characters.
func (h heartbeat) history() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:]) + h.sum()
}

// sum names the owner in 16 characters.
func (h heartbeat) sum() string {
	sum := sha256.Sum256([]byte(h.owner))
	return hex.EncodeToString(sum[:8])
}

func (h heartbeat) create(ctx context.Context, s PhysicalConn) error {
	err := s.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+heartbeatTable+" (id INT PRIMARY KEY, history VARCHAR(32) NOT NULL, n BIGINT NOT NULL)")
	if err != nil {
		return err
	}
	row, err := s.QueryText(ctx, "SELECT count(*) FROM "+heartbeatTable)
	if err != nil || row[0] != "0" {
		return err
	}
	insert := "INSERT INTO " + heartbeatTable + " (id, history, n) VALUES (1, '" + h.history() + "', 0)"
	if err := s.Exec(ctx, insert); err != nil {
		// Another process may have been faster.
		if row, again := s.QueryText(ctx, "SELECT count(*) FROM "+heartbeatTable); again == nil && row[0] == "1" {
			return nil
		}
		return err
	}
	return nil
}

// ReplicaPosition reads the number. A replica without the table, or without
// its row, has not come so far.
func (heartbeat) ReplicaPosition(ctx context.Context, s PhysicalConn) (Position, error) {
	row, err := s.QueryText(ctx, "SELECT history, n FROM "+heartbeatTable+" WHERE id = 1")
	if errors.Is(err, io.EOF) {
		return Position{}, fmt.Errorf("%w: the table %s has no row yet", errNoPosition, heartbeatTable)
	}
	if err != nil {
		return Position{}, err
	}
	n, err := strconv.ParseUint(row[1], 10, 64)
	if err != nil {
		return Position{}, malformed("a number", row[1])
	}
	return LinearPosition(row[0], n), nil
}

// ParsePosition reads what Position.String wrote.
func (heartbeat) ParsePosition(text string) (Position, error) { return parseLinear(text) }
