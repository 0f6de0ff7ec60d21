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
		return Position{}, mysqlNoPosition(err)
	}
	return mysqlPrimaryAnswer(row)
}

func (mysqlPositions) ReplicaPosition(ctx context.Context, s PhysicalConn) (Position, error) {
	row, err := s.QueryText(ctx, mysqlReplicaQuery)
	if err != nil {
		return Position{}, mysqlNoPosition(err)
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

// mysqlNoPosition tells a server that only speaks the protocol and has no such
// variable (error 1193) from a question that failed.
func mysqlNoPosition(err error) error {
	if strings.Contains(err.Error(), "1193") {
		return fmt.Errorf("%w: %w; position=heartbeat works on anything that replicates", errNoPosition, err)
	}
	return err
}

// positions returns who asks the engine, or an error while it is not known.
func (d mysqlDialect) positions() (Positioner, error) {
	switch d.engine {
	case engineMySQL:
		return mysqlPositions{}, nil
	case engineMariaDB:
		return mariadbPositions{}, nil
	default:
		return nil, fmt.Errorf("%w that can be asked for: it did not say whether it is MySQL or MariaDB; set dialect=", errNoPosition)
	}
}

// PrimaryPosition asks for gtid_executed or gtid_binlog_pos.
func (d mysqlDialect) PrimaryPosition(ctx context.Context, s PhysicalConn) (Position, error) {
	p, err := d.positions()
	if err != nil {
		return Position{}, err
	}
	return p.PrimaryPosition(ctx, s)
}

// ReplicaPosition asks for gtid_executed or gtid_slave_pos.
func (d mysqlDialect) ReplicaPosition(ctx context.Context, s PhysicalConn) (Position, error) {
	p, err := d.positions()
	if err != nil {
		return Position{}, err
	}
	return p.ReplicaPosition(ctx, s)
}

// ParsePosition reads the engine's notation.
func (d mysqlDialect) ParsePosition(text string) (Position, error) {
	p, err := d.positions()
	if err != nil {
		return Position{}, err
	}
	return p.ParsePosition(text)
}
