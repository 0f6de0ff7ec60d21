package cluster

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"
	dc "github.com/ory/dockertest/v3/docker"
)

// mysqlFamily is what MySQL and MariaDB have in common.
type mysqlFamily struct{}

func (mysqlFamily) port() string { return "3306" }

func (mysqlFamily) adminUser() string { return "admin" }

func (mysqlFamily) dsn(user, password string, port int) string {
	return fmt.Sprintf("%s:%s@tcp(127.0.0.1:%d)/shop?parseTime=true", user, password, port)
}

func (mysqlFamily) open(dsn string) (*sql.DB, error) {
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	config.Logger = &driver.NopLogger{}
	connector, err := driver.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func (mysqlFamily) stopSignal() dc.Signal { return dc.SIGTERM }

// usersSQL makes the users. The application has no privilege that bypasses
// read_only; nothing of it is replicated, since every server starts with it.
const usersSQL = `
CREATE USER 'admin'@'%' IDENTIFIED BY '` + adminPassword + `';
GRANT ALL ON *.* TO 'admin'@'%' WITH GRANT OPTION;
CREATE USER 'app'@'%' IDENTIFIED BY '` + appPassword + `';
GRANT ALL ON shop.* TO 'app'@'%';
CREATE DATABASE shop;
`

// seeded is the common part of the start scripts: whoever is first makes an
// empty data directory, which all clusters share, and every server starts with
// a copy of it. Arguments that depend on the server's role
// are in the file NAME.args.
func seeded(s *Server, initialize, server string) string {
	script := `set -eu
data=/cluster/` + s.Name + ` seed=/seed/data
if [ ! -d $data ]; then
	exec 9>/seed/lock
	flock 9
	if [ ! -d $seed ]; then
		rm -rf $seed.new
` + initialize + `
		mv $seed.new $seed
	fi
	exec 9>&-
`
	if s.source != "" {
		script += "	echo '--read-only=ON' >$data.args\n"
	}
	return script + `	rm -rf $data.new
	cp -a $seed $data.new
	rm -f $data.new/auto.cnf
	mv $data.new $data
fi
touch $data.log $data.args
chown mysql $data.log
exec ` + server + fmt.Sprintf(` --no-defaults --user=mysql --datadir=$data --server-id=%d --socket=/tmp/mysql.sock --pid-file=/tmp/mysql.pid \
	--bind-address=0.0.0.0 --port=3306 --skip-name-resolve --max-connections=200 --innodb-buffer-pool-size=64M \
	--innodb-flush-log-at-trx-commit=2 --sync-binlog=0 --binlog-format=ROW --log-bin=binlog --relay-log=relay \
	--general-log=ON --log-output=FILE --general-log-file=$data.log --log-bin-trust-function-creators=ON \
	--character-set-server=utf8mb4 --report-host=`, s.index+1) + s.Name
}

func (mysqlFamily) version(ctx context.Context, db *sql.DB) (v string, err error) {
	err = db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&v)
	v, _, _ = strings.Cut(v, "-")
	return v, err
}

func (mysqlFamily) logFile(s *Server) string { return "/cluster/" + s.Name + ".log" }

func (m mysqlFamily) readLog(ctx context.Context, s *Server, offset int64) (b []byte, err error) {
	err = s.admin.QueryRowContext(ctx, fmt.Sprintf("SELECT SUBSTRING(LOAD_FILE('%s'), %d)", m.logFile(s), offset+1)).Scan(&b)
	if err == nil && b == nil {
		err = fmt.Errorf("cluster: %s can't read its log", s.Name) // longer than max_allowed_packet
	}
	return b, err
}

func (mysqlFamily) logStatements(ctx context.Context, s *Server, on bool) error {
	value := "OFF"
	if on {
		value = "ON"
	}
	_, err := s.admin.ExecContext(ctx, "SET GLOBAL general_log = "+value)
	return err
}

func (mysqlFamily) parser() logParser { return &generalLog{users: make(map[string]string)} }

// generalLog reads the general query log as both servers write it to a file.
// https://dev.mysql.com/doc/refman/en/query-log.html
type generalLog struct {
	rest  []byte
	users map[string]string // by connection
	entry struct {
		open            bool
		user, statement string
	}
}

// A line is time, connection, command and argument; MariaDB leaves out a time
// that has not changed. The argument may go on over several lines.
var generalLogLine = regexp.MustCompile(
	`^(?:\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-][0-9:]+)|\d{6} [ \d]\d:\d\d:\d\d)?\t+ *(\d+) ([A-Z][A-Za-z ]*)(?:\t(.*))?$`)

func (l *generalLog) parse(b []byte, add func(user, statement string)) {
	l.rest = append(l.rest, b...)
	for {
		line, rest, ok := cutLine(l.rest)
		if !ok {
			break
		}
		l.rest = rest
		m := generalLogLine.FindSubmatch(line)
		if m == nil {
			if l.entry.open && !strings.Contains(string(line), ", Version: ") {
				l.entry.statement += "\n" + string(line)
			} else {
				l.close(add) // the banner of a server that starts
			}
			continue
		}
		l.close(add)
		connection, command, argument := string(m[1]), string(m[2]), string(m[3])
		switch command {
		case "Connect", "Change user":
			user, _, _ := strings.Cut(argument, "@")
			l.users[connection] = user
		case "Query", "Execute":
			l.entry.open, l.entry.user, l.entry.statement = true, l.users[connection], argument
		}
	}
	// The last line is complete: the servers write a whole entry at once.
	l.close(add)
}

func (l *generalLog) close(add func(user, statement string)) {
	if l.entry.open {
		add(l.entry.user, l.entry.statement)
	}
	l.entry.open = false
}

func (mysqlFamily) connections(ctx context.Context, s *Server) (n int, err error) {
	err = s.admin.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'app'").Scan(&n)
	return n, err
}

func (m mysqlFamily) disconnect(ctx context.Context, s *Server) error {
	ids, err := queryStrings(ctx, s.admin, "SELECT id FROM information_schema.processlist WHERE user = 'app'")
	if err != nil {
		return err
	}
	for _, id := range ids {
		// A connection may have gone in the meantime.
		_, _ = s.admin.ExecContext(ctx, "KILL "+id)
	}
	return poll(ctx, func() error {
		n, err := m.connections(ctx, s)
		if err == nil && n > 0 {
			err = fmt.Errorf("cluster: %s still has %d connections of the application", s.Name, n)
		}
		return err
	})
}

func (mysqlFamily) empty(ctx context.Context, primary *Server) error {
	if err := rollbackBranches(ctx, primary); err != nil {
		return err
	}
	// On one connection: it has no default database after the first statement.
	conn, err := primary.admin.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, statement := range []string{"DROP DATABASE shop", "CREATE DATABASE shop", "USE shop"} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("cluster: %s: %w", statement, err)
		}
	}
	return nil
}

// rollbackBranches ends the XA branches that tests have left prepared: they
// keep their locks for ever.
func rollbackBranches(ctx context.Context, primary *Server) error {
	rows, err := primary.admin.QueryContext(ctx, "XA RECOVER")
	if err != nil {
		return err
	}
	var statements []string
	for rows.Next() {
		var format, gtrid, bqual int
		var data []byte
		if err := rows.Scan(&format, &gtrid, &bqual, &data); err != nil {
			_ = rows.Close()
			return err
		}
		if len(data) == gtrid+bqual {
			statements = append(statements, fmt.Sprintf("XA ROLLBACK X'%x', X'%x', %d", data[:gtrid], data[gtrid:], format))
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return run(ctx, primary, statements...)
}

func (mysqlFamily) tables(ctx context.Context, s *Server) (map[string]string, error) {
	rows, err := s.admin.QueryContext(ctx,
		`SELECT c.table_name, c.column_name FROM information_schema.columns AS c
		JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
		WHERE c.table_schema = 'shop' AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY 1, c.ordinal_position`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := make(map[string][]string)
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, err
		}
		columns[table] = append(columns[table], "IFNULL(HEX(CAST(`"+column+"` AS BINARY)), 'NULL')")
	}
	queries := make(map[string]string, len(columns))
	for table, list := range columns {
		queries[table] = "SELECT SHA2(CONCAT_WS('|', " + strings.Join(list, ", ") + "), 256) AS h FROM shop.`" + table + "` ORDER BY h"
	}
	return queries, rows.Err()
}

// wholeSeconds rounds up: the servers delay by whole seconds only.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// threads returns nil when both replication threads of the status row run.
func threads(ctx context.Context, s *Server, query, io, applier string) error {
	status, err := queryRow(ctx, s.admin, query)
	if err != nil {
		return err
	}
	if status[io] != "Yes" || status[applier] != "Yes" {
		return fmt.Errorf("cluster: %s does not replicate: %s=%q %s=%q %s %s", s.Name,
			io, status[io], applier, status[applier], status["Last_IO_Error"], status["Last_SQL_Error"])
	}
	return nil
}
