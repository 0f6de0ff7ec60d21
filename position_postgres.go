package rwsplit

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// postgresPositions asks PostgreSQL 13 and newer for positions: the system
// identifier, a timeline, and an LSN.
//
// https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-BACKUP
// https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-RECOVERY-CONTROL
type postgresPositions struct{}

var _ Positioner = postgresPositions{}

// The insert position covers every commit that has returned, also one made with
// synchronous_commit=off, which the flush position may not. The CASE keeps
// functions that fail on a standby from being called there.
const postgresPrimaryQuery = `
SELECT i.recovering::text,
       CASE WHEN i.recovering THEN NULL ELSE pg_catalog.pg_current_wal_insert_lsn()::text END,
       CASE WHEN i.recovering THEN NULL
            ELSE pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8) END,
       pg_catalog.current_setting('wal_block_size'),
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))::text,
       (SELECT system_identifier::text FROM pg_catalog.pg_control_system())
  FROM (SELECT pg_catalog.pg_is_in_recovery() AS recovering OFFSET 0) AS i`

// The LSN is read before the timeline: should the standby move to another
// timeline in between, the answer names the new one and reaches nothing of the
// old.
//
// Timelines only grow, so the greatest that any source names is the best known:
// received_tli is up to date and NULL without pg_monitor (pg_read_all_stats);
// the two of the control file are written at restart points and when the
// standby flushes pages, so they can trail after a promotion elsewhere.
const postgresReplicaQuery = `
SELECT r.recovering::text,
       r.lsn::text,
       greatest((SELECT max(received_tli) FROM pg_catalog.pg_stat_wal_receiver),
                (SELECT min_recovery_end_timeline FROM pg_catalog.pg_control_recovery()),
                (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()))::text,
       (SELECT system_identifier::text FROM pg_catalog.pg_control_system())
  FROM (SELECT pg_catalog.pg_is_in_recovery() AS recovering,
               pg_catalog.pg_last_wal_replay_lsn() AS lsn OFFSET 0) AS r`

func (postgresPositions) PrimaryPosition(ctx context.Context, s PhysicalConn) (Position, error) {
	row, err := s.QueryText(ctx, postgresPrimaryQuery)
	if err != nil {
		return Position{}, postgresNoPosition(err)
	}
	return postgresPrimaryAnswer(row)
}

func (postgresPositions) ReplicaPosition(ctx context.Context, s PhysicalConn) (Position, error) {
	row, err := s.QueryText(ctx, postgresReplicaQuery)
	if err != nil {
		return Position{}, postgresNoPosition(err)
	}
	return postgresReplicaAnswer(row)
}

// postgresNoPosition tells a server that does not have these functions, or
// keeps them from ordinary roles (SQLSTATE class 42, feature_not_supported),
// from a question that failed.
func postgresNoPosition(err error) error {
	if state := sqlState(err); state == "0A000" || strings.HasPrefix(state, "42") {
		return fmt.Errorf("%w: %w; position=heartbeat works on anything that replicates", errNoPosition, err)
	}
	return err
}

// postgresPrimaryAnswer reads a row of postgresPrimaryQuery.
func postgresPrimaryAnswer(row []string) (Position, error) {
	if len(row) != 6 {
		return Position{}, fmt.Errorf("%w: %d columns in the primary's answer", errMalformedPosition, len(row))
	}
	if row[0] != "false" {
		return Position{}, errNotPrimary
	}
	lsn, err := parseLSN(row[1])
	if err != nil {
		return Position{}, err
	}
	timeline, err := strconv.ParseUint(row[2], 16, 32)
	if err != nil {
		return Position{}, malformed("a timeline", row[2])
	}
	page, err := strconv.ParseUint(row[3], 10, 32)
	if err != nil {
		return Position{}, malformed("wal_block_size", row[3])
	}
	segment, err := strconv.ParseUint(row[4], 10, 32)
	if err != nil {
		return Position{}, malformed("wal_segment_size", row[4])
	}
	return postgresPosition(row[5], timeline, normalizeLSN(lsn, page, segment))
}

// postgresReplicaAnswer reads a row of postgresReplicaQuery.
func postgresReplicaAnswer(row []string) (Position, error) {
	if len(row) != 4 {
		return Position{}, fmt.Errorf("%w: %d columns in the replica's answer", errMalformedPosition, len(row))
	}
	if row[0] != "true" {
		// A promoted server keeps the LSN at which it stopped replaying, on a
		// timeline that it has left: no statement about what it has now.
		return Position{}, errNotReplica
	}
	if row[1] == "" {
		return Position{}, fmt.Errorf("%w: pg_last_wal_replay_lsn() is NULL; position=heartbeat works on any replica", errNoPosition)
	}
	lsn, err := parseLSN(row[1])
	if err != nil {
		return Position{}, err
	}
	timeline, err := strconv.ParseUint(row[2], 10, 32)
	if err != nil {
		return Position{}, malformed("a timeline", row[2])
	}
	return postgresPosition(row[3], timeline, lsn)
}

func (postgresPositions) ParsePosition(text string) (Position, error) {
	const form = "system/timeline:X/X"
	system, rest, ok := strings.Cut(text, "/")
	if !ok {
		return Position{}, malformed(form, text)
	}
	tli, at, ok := strings.Cut(rest, ":")
	if !ok {
		return Position{}, malformed(form, text)
	}
	timeline, err := strconv.ParseUint(tli, 10, 32)
	if err != nil {
		return Position{}, malformed(form, text)
	}
	lsn, err := parseLSN(at)
	if err != nil {
		return Position{}, err
	}
	return postgresPosition(system, timeline, lsn)
}

// postgresPosition refuses what no server has: system identifier 0, timeline 0.
func postgresPosition(system string, timeline, lsn uint64) (Position, error) {
	if id, err := strconv.ParseUint(system, 10, 64); err != nil || id == 0 || timeline == 0 || timeline > 1<<32-1 {
		return Position{}, malformed("a system identifier and a timeline", fmt.Sprintf("%s/%d", system, timeline))
	}
	return Position{kind: positionKindPostgres, history: system, timeline: uint32(timeline), n: lsn}, nil
}

// Sizes of WAL page headers: XLogLongPHD at the start of a segment,
// XLogShortPHD on its other pages (access/xlog_internal.h, 8-byte alignment).
const (
	walLongHeader  = 40
	walShortHeader = 24
)

// normalizeLSN takes a page header off an insert position that stands right
// behind one. There the next record would begin; the record before it ended
// where the page begins, which is all that a standby reports until another
// record comes. No record ends behind a header: one that is continued over a
// page boundary has at least 8 bytes on the new page.
func normalizeLSN(lsn, page, segment uint64) uint64 {
	if page == 0 || segment == 0 {
		return lsn
	}
	switch {
	case lsn%segment == walLongHeader:
		return lsn - walLongHeader
	case lsn%page == walShortHeader && lsn%segment != walShortHeader:
		return lsn - walShortHeader
	default:
		return lsn
	}
}

// parseLSN reads pg_lsn's text, two hexadecimal halves.
func parseLSN(text string) (uint64, error) {
	hi, lo, ok := strings.Cut(text, "/")
	if !ok || !isHex8(hi) || !isHex8(lo) {
		return 0, malformed("an LSN", text)
	}
	h, err1 := strconv.ParseUint(hi, 16, 32)
	l, err2 := strconv.ParseUint(lo, 16, 32)
	if err1 != nil || err2 != nil {
		return 0, malformed("an LSN", text)
	}
	return h<<32 | l, nil
}

// isHex8 reports 1 to 8 hexadecimal digits; ParseUint alone would also take a
// sign or underscores in some bases.
func isHex8(s string) bool {
	if len(s) == 0 || len(s) > 8 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

func formatLSN(lsn uint64) string {
	return fmt.Sprintf("%X/%X", uint32(lsn>>32), uint32(lsn))
}
