package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// mysqlServer replicates by GTID with auto-positioning.
type mysqlServer struct{ mysqlFamily }

func (mysqlServer) script(s *Server) string {
	return seeded(s, `		cat >/seed/users.sql <<'SQL'
`+usersSQL+`SQL
		mysqld --no-defaults --initialize-insecure --user=mysql --datadir=$seed.new --init-file=/seed/users.sql \
			--innodb-redo-log-capacity=16M --innodb-buffer-pool-size=64M --innodb-flush-method=nosync --skip-log-bin`,
		"mysqld") + ` --gtid-mode=ON --enforce-gtid-consistency=ON \
	--relay-log-recovery=ON --secure-file-priv=/cluster --mysqlx=OFF --innodb-redo-log-capacity=32M \
	--performance-schema-instrument='%=OFF' --performance-schema-digests-size=0 --performance-schema-max-table-instances=100 \
	$(cat $data.args)
`
}

func (m mysqlServer) join(ctx context.Context, s, source *Server) error {
	if err := m.readOnly(ctx, s, true); err != nil {
		return err
	}
	return run(ctx, s, "STOP REPLICA", fmt.Sprintf(
		"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '%s', SOURCE_PORT = 3306, SOURCE_USER = 'admin', SOURCE_PASSWORD = '%s',"+
			" SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 86400",
		source.host(), adminPassword), "START REPLICA")
}

// readOnly changes the server's mode now and for its next start.
func (mysqlServer) readOnly(ctx context.Context, s *Server, on bool) error {
	if on {
		if err := run(ctx, s, "SET GLOBAL super_read_only = ON"); err != nil {
			return err
		}
		return s.write(ctx, s.Name+".args", "--super-read-only=ON")
	}
	if err := run(ctx, s, "SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF"); err != nil {
		return err
	}
	return s.write(ctx, s.Name+".args", "")
}

func (mysqlServer) joined(ctx context.Context, s *Server) error {
	return threads(ctx, s, "SHOW REPLICA STATUS", "Replica_IO_Running", "Replica_SQL_Running")
}

func (mysqlServer) setDelay(ctx context.Context, s *Server, d time.Duration) error {
	return run(ctx, s, "STOP REPLICA SQL_THREAD",
		fmt.Sprintf("CHANGE REPLICATION SOURCE TO SOURCE_DELAY = %d", wholeSeconds(d)), "START REPLICA SQL_THREAD")
}

func (mysqlServer) pause(ctx context.Context, s *Server) error {
	return run(ctx, s, "STOP REPLICA SQL_THREAD")
}

func (mysqlServer) resume(ctx context.Context, s *Server) error {
	return run(ctx, s, "START REPLICA")
}

func (m mysqlServer) promote(ctx context.Context, s *Server) error {
	if err := run(ctx, s, "STOP REPLICA", "RESET REPLICA ALL"); err != nil {
		return err
	}
	return m.readOnly(ctx, s, false)
}

func (m mysqlServer) forget(ctx context.Context, s *Server) error {
	if err := run(ctx, s, "STOP REPLICA", "RESET REPLICA ALL"); err != nil {
		return err
	}
	if err := errors.Join(m.readOnly(ctx, s, false), m.empty(ctx, s)); err != nil {
		return err
	}
	return run(ctx, s, "RESET BINARY LOGS AND GTIDS")
}

func (mysqlServer) position(ctx context.Context, primary *Server) (set string, err error) {
	err = primary.admin.QueryRowContext(ctx, "SELECT @@GLOBAL.gtid_executed").Scan(&set)
	return set, err
}

func (mysqlServer) replayed(ctx context.Context, replica *Server, position string) (ok bool, err error) {
	err = replica.admin.QueryRowContext(ctx, "SELECT GTID_SUBSET(?, @@GLOBAL.gtid_executed)", position).Scan(&ok)
	return ok, err
}

func (m mysqlServer) errant(ctx context.Context, primary, replica *Server) (extra string, err error) {
	have, err := m.position(ctx, replica)
	if err != nil {
		return "", err
	}
	err = primary.admin.QueryRowContext(ctx, "SELECT GTID_SUBTRACT(?, @@GLOBAL.gtid_executed)", have).Scan(&extra)
	return extra, err
}
