package rwsplit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// mysqlEngine is one of the two engines that share a protocol.
type mysqlEngine uint8

const (
	engineEither mysqlEngine = iota
	engineMySQL
	engineMariaDB
)

// mysqlDialect is MySQL, MariaDB, or one of the two, through any base driver.
// What an error says is in its number, which a package that links the base
// driver gets at: see [MySQLFault].
type mysqlDialect struct{ engine mysqlEngine }

var (
	_ Dialect    = mysqlDialect{}
	_ TxProber   = mysqlDialect{}
	_ Positioner = mysqlDialect{}
)

func (d mysqlDialect) Name() string {
	switch d.engine {
	case engineMySQL:
		return "mysql"
	case engineMariaDB:
		return "mariadb"
	default:
		return "mysql/mariadb"
	}
}

func (d mysqlDialect) Classify(query string) Statement { return Classify(d.Name(), query) }

func (mysqlDialect) Fault(err error) Fault { return connectionFault(err) }

// MySQLFault sorts the error numbers of MySQL and MariaDB, see
// https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html and
// https://mariadb.com/kb/en/mariadb-error-code-reference/.
func MySQLFault(number uint16) Fault {
	switch number {
	case 1290, // the server runs with --read-only
		1792, // the transaction is read-only
		1836, // the server is in read-only mode
		1874: // InnoDB is in read-only mode
		return FaultRefusedWrite
	case 1146, // no such table
		1054, // no such column
		1305, // no such function or procedure
		1049, // no such database
		1109, // unknown table
		// A grant that the replica has not replayed yet: on the database, a
		// table, a column, a routine.
		1044, 1142, 1143, 1370:
		return FaultMissing
	case 1053, // shutdown in progress
		1040, // too many connections
		1203, // the user has too many
		1129, // the host is blocked
		1152, // connection aborted
		1927, // connection was killed (MariaDB)
		3169, // session was killed (MySQL)
		4031: // ended for being idle (MySQL)
		return FaultUnavailable
	case 1159, 1160, 1161, 1158, // the server failed to read or write packets
		2006, 2013: // what a proxy says of a server that has gone away
		return FaultLost
	}
	// 1317, a statement killed on purpose, is not run again elsewhere.
	return FaultNone
}

// Setup sends two statements: no single one sets both on every version.
func (mysqlDialect) Setup(ctx context.Context, s PhysicalConn, readOnly bool) error {
	if err := s.Exec(ctx, "SET autocommit = 1"); err != nil {
		return err
	}
	if !readOnly {
		return nil
	}
	return s.Exec(ctx, "SET SESSION TRANSACTION READ ONLY")
}

// UNIX_TIMESTAMP() and Uptime are both counted from the moment at which the
// statement began, in whole seconds, so that their difference in one statement
// is the server's start exactly, whatever its clock did since.
//
// MySQL runs comments that begin with an exclamation mark and a version that
// it has reached. MariaDB runs those with an M, and of the others none from
// 50700 on: https://mariadb.com/kb/en/comment-syntax/.
const mysqlInspect = `SELECT VERSION(), @@hostname, @@port, @@server_id, @@session.autocommit,
	@@global.read_only, UNIX_TIMESTAMP(), @@global.innodb_read_only,
	/*M!100000 '', 0, (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME') */
	/*!50720 @@server_uuid, @@global.super_read_only, (SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime') */`

// mysqlInspectPlain does without what servers that only speak the protocol, or
// run without the performance schema, may lack.
const mysqlInspectPlain = `SELECT VERSION(), @@hostname, @@port, @@server_id, @@session.autocommit, @@global.read_only, UNIX_TIMESTAMP()`

func (d mysqlDialect) Inspect(ctx context.Context, s PhysicalConn) (Server, error) {
	row, err := s.QueryText(ctx, mysqlInspect)
	if err != nil {
		if d.lost(ctx, err) {
			return Server{}, err
		}
		return d.inspectPlain(ctx, s)
	}
	if row[10] == "" { // performance_schema=OFF
		return d.inspectPlain(ctx, s)
	}
	server := mysqlServer(row)
	if server.Start, err = mysqlStart(row[6], row[10]); err != nil {
		return Server{}, err
	}
	server.ReadOnly = server.ReadOnly || row[7] == "1" || row[9] == "1"
	if row[8] != "" {
		server.Identity = row[8]
	}
	return server, nil
}

// inspectPlain asks for the uptime with SHOW, which leaves it in a statement of
// its own: it is asked for again until no second has gone by in between.
func (d mysqlDialect) inspectPlain(ctx context.Context, s PhysicalConn) (Server, error) {
	before := ""
	for range 4 {
		row, err := s.QueryText(ctx, mysqlInspectPlain)
		if err != nil {
			if d.lost(ctx, err) {
				return Server{}, err
			}
			return Server{}, nil // it works, but can't be told apart from another
		}
		server := mysqlServer(row)
		status, err := s.QueryText(ctx, "SHOW GLOBAL STATUS LIKE 'Uptime'")
		if err != nil || len(status) != 2 {
			if d.lost(ctx, err) {
				return Server{}, err
			}
			server.Identity = ""
			return server, nil
		}
		if status[1] == before {
			server.Start, err = mysqlStart(row[6], before)
			return server, err
		}
		before = status[1]
	}
	return Server{}, errors.New("rwsplit: the server's uptime does not hold still")
}

// lost reports whether err leaves the session unusable, as far as that shows
// without the base driver.
func (d mysqlDialect) lost(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || d.Fault(err) != FaultNone)
}

// mysqlServer reads the columns that both questions begin with.
func mysqlServer(row []string) Server {
	server := Server{
		Identity:      row[1] + ":" + row[2] + "/" + row[3],
		Version:       row[0],
		Dialect:       "mysql",
		AutocommitOff: row[4] == "0",
		ReadOnly:      row[5] == "1",
	}
	if strings.Contains(strings.ToLower(row[0]), "mariadb") {
		server.Dialect = "mariadb"
	}
	return server
}

// mysqlStart is the second in which the server started.
func mysqlStart(now, uptime string) (time.Time, error) {
	n, err1 := strconv.ParseInt(now, 10, 64)
	u, err2 := strconv.ParseInt(uptime, 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return time.Time{}, fmt.Errorf("rwsplit: the server's uptime can't be read: %w", err)
	}
	return time.Unix(n-u, 0), nil
}

// InTransaction asks MariaDB for its variable. MySQL has none that it shows to
// everybody, but it refuses to set up the next transaction while there is one;
// what is set up is what the session has anyway.
// https://mariadb.com/kb/en/in_transaction/
// https://dev.mysql.com/doc/refman/en/set-transaction.html
func (d mysqlDialect) InTransaction(ctx context.Context, s PhysicalConn) (bool, error) {
	if d.engine != engineMySQL {
		row, err := s.QueryText(ctx, "SELECT @@in_transaction")
		if err == nil {
			return row[0] != "0", nil
		}
		if d.engine == engineMariaDB || d.lost(ctx, err) {
			return false, err
		}
	}
	row, err := s.QueryText(ctx, "SELECT @@session.transaction_isolation")
	if err != nil {
		return false, err
	}
	level, ok := mysqlLevels[strings.ToUpper(row[0])]
	if !ok {
		return false, errors.New("rwsplit: the session has an unknown isolation level")
	}
	err = s.Exec(ctx, "SET TRANSACTION ISOLATION LEVEL "+level)
	if err != nil && strings.Contains(err.Error(), "1568") {
		return true, nil
	}
	return false, err
}

// mysqlLevels are the isolation levels as variables and as statements write
// them. It is never changed.
var mysqlLevels = map[string]string{
	"READ-UNCOMMITTED": "READ UNCOMMITTED",
	"READ-COMMITTED":   "READ COMMITTED",
	"REPEATABLE-READ":  "REPEATABLE READ",
	"SERIALIZABLE":     "SERIALIZABLE",
}
