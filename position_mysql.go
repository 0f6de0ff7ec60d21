package rwsplit

import (
	"context"
	"fmt"
	"strings"
)

// mysqlPositions asks MySQL 8.0 and newer for GTID sets. A replica with
// parallel appliers has gaps in its set for a while, so sets are compared, not
// their ends.
//
// https://dev.mysql.com/doc/refman/en/replication-gtids-concepts.html
type mysqlPositions struct{}

var _ Positioner = mysqlPositions{}

const (
	mysqlPrimaryQuery = "SELECT @@GLOBAL.gtid_mode, @@GLOBAL.gtid_executed"
	mysqlReplicaQuery = "SELECT @@GLOBAL.gtid_executed"
)

func (mysqlPositions) PrimaryPosition(ctx context.Context, s PhysicalConn) (Position, error) {
	row, err := s.QueryText(ctx, mysqlPrimaryQuery)
	if err != nil {
		return Position{}, err
	}
	return mysqlPrimaryAnswer(row)
}

func (mysqlPositions) ReplicaPosition(ctx context.Context, s PhysicalConn) (Position, error) {
	row, err := s.QueryText(ctx, mysqlReplicaQuery)
	if err != nil {
		return Position{}, err
	}
	if len(row) != 1 {
		return Position{}, fmt.Errorf("%w: %d columns in the replica's answer", errMalformedPosition, len(row))
	}
	return mysqlPositions{}.ParsePosition(row[0])
}

// mysqlPrimaryAnswer reads a row of mysqlPrimaryQuery.
func mysqlPrimaryAnswer(row []string) (Position, error) {
	if len(row) != 2 {
		return Position{}, fmt.Errorf("%w: %d columns in the primary's answer", errMalformedPosition, len(row))
	}
	// The permissive modes let transactions without a GTID through: what they
	// write is in no set.
	if mode := row[0]; !strings.EqualFold(mode, "ON") && mode != "1" {
		return Position{}, fmt.Errorf("%w: gtid_mode is %s on the primary; set it to ON, or use position=heartbeat", errNoPosition, mode)
	}
	return mysqlPositions{}.ParsePosition(row[1])
}

func (mysqlPositions) ParsePosition(text string) (Position, error) {
	set, err := parseGTIDSet(text)
	if err != nil {
		return Position{}, err
	}
	return Position{kind: positionKindMySQL, gtids: set}, nil
}
