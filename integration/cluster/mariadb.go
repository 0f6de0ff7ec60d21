package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// mariadb replicates by GTID from the replica's own position (slave_pos).
type mariadb struct{ mysqlFamily }

func (mariadb) script(s *Server) string {
	return seeded(s, `		mkdir $seed.new
		chown mysql $seed.new
		mariadb-install-db --no-defaults --user=mysql --datadir=$seed.new --skip-test-db --auth-root-authentication-method=normal >/seed/install.log
		mariadbd --no-defaults --user=mysql --datadir=$seed.new --bootstrap --skip-log-bin >>/seed/install.log 2>&1 <<'SQL'
FLUSH PRIVILEGES;
`+usersSQL+`SQL`, "mariadbd") + ` --log-slave-updates=ON --gtid-domain-id=0 \
	--innodb-log-file-size=32M --innodb-stats-persistent=OFF $(cat $data.args)
`
}

func (m mariadb) join(ctx context.Context, s, source *Server) error {
	if err := m.readOnly(ctx, s, true); err != nil {
		return err
	}
	// First: what it replays after the position was read would be replayed again.
	if err := run(ctx, s, "STOP SLAVE"); err != nil {
		return err
	}
	var position string
	if err := s.admin.QueryRowContext(ctx, "SELECT @@gtid_binlog_pos").Scan(&position); err != nil {
		return err
	}
	if s.wasPrimary && position != "" {
		// What it wrote as a primary counts as replayed.
		if err := run(ctx, s, "SET GLOBAL gtid_slave_pos = '"+position+"'"); err != nil {
			return err
		}
	}
	return run(ctx, s, fmt.Sprintf(
		"CHANGE MASTER TO MASTER_HOST = '%s', MASTER_PORT = 3306, MASTER_USER = 'admin', MASTER_PASSWORD = '%s',"+
			" MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1, MASTER_SSL_VERIFY_SERVER_CERT = 0",
		source.host(), adminPassword), "START SLAVE")
}

// readOnly changes the server's mode now and for its next start.
func (mariadb) readOnly(ctx context.Context, s *Server, on bool) error {
	if on {
		if err := run(ctx, s, "SET GLOBAL read_only = ON"); err != nil {
			return err
		}
		return s.write(ctx, s.Name+".args", "--read-only=ON")
	}
	if err := run(ctx, s, "SET GLOBAL read_only = OFF"); err != nil {
		return err
	}
	return s.write(ctx, s.Name+".args", "")
}

func (mariadb) joined(ctx context.Context, s *Server) error {
	return threads(ctx, s, "SHOW SLAVE STATUS", "Slave_IO_Running", "Slave_SQL_Running")
}

func (mariadb) setDelay(ctx context.Context, s *Server, d time.Duration) error {
	return run(ctx, s, "STOP SLAVE", fmt.Sprintf("CHANGE MASTER TO MASTER_DELAY = %d", wholeSeconds(d)), "START SLAVE")
}

func (mariadb) pause(ctx context.Context, s *Server) error {
	return run(ctx, s, "STOP SLAVE SQL_THREAD")
}

func (mariadb) resume(ctx context.Context, s *Server) error { return run(ctx, s, "START SLAVE") }

func (m mariadb) promote(ctx context.Context, s *Server) error {
	if err := run(ctx, s, "STOP SLAVE", "RESET SLAVE ALL"); err != nil {
		return err
	}
	return m.readOnly(ctx, s, false)
}

func (m mariadb) forget(ctx context.Context, s *Server) error {
	if err := run(ctx, s, "STOP SLAVE", "RESET SLAVE ALL"); err != nil {
		return err
	}
	if err := errors.Join(m.readOnly(ctx, s, false), m.empty(ctx, s)); err != nil {
		return err
	}
	return run(ctx, s, "RESET MASTER", "SET GLOBAL gtid_slave_pos = ''")
}

func (mariadb) position(ctx context.Context, primary *Server) (position string, err error) {
	err = primary.admin.QueryRowContext(ctx, "SELECT @@gtid_binlog_pos").Scan(&position)
	return position, err
}

func (mariadb) replayed(ctx context.Context, replica *Server, position string) (bool, error) {
	var have string
	if err := replica.admin.QueryRowContext(ctx, "SELECT @@gtid_slave_pos").Scan(&have); err != nil {
		return false, err
	}
	got, want := gtids(have, false), gtids(position, false)
	for domain, seq := range want {
		if got[domain] < seq {
			return false, nil
		}
	}
	return true, nil
}

// errant compares what each server of the cluster wrote, as both know it.
func (mariadb) errant(ctx context.Context, primary, replica *Server) (string, error) {
	states := make([]map[string]uint64, 2)
	for i, s := range []*Server{replica, primary} {
		var state string
		if err := s.admin.QueryRowContext(ctx, "SELECT @@gtid_binlog_state").Scan(&state); err != nil {
			return "", err
		}
		states[i] = gtids(state, true)
	}
	var extra []string
	for origin, seq := range states[0] {
		if seq > states[1][origin] {
			extra = append(extra, fmt.Sprintf("%s-%d", origin, seq))
		}
	}
	return strings.Join(extra, ","), nil
}

// gtids parses domain-server-seq lists; the key is the domain, or domain-server.
// https://mariadb.com/kb/en/gtid/
func gtids(list string, perServer bool) map[string]uint64 {
	out := make(map[string]uint64)
	for _, gtid := range strings.Split(list, ",") {
		part := strings.Split(strings.TrimSpace(gtid), "-")
		if len(part) != 3 {
			continue
		}
		key := part[0]
		if perServer {
			key += "-" + part[1]
		}
		seq, err := strconv.ParseUint(part[2], 10, 64)
		if err == nil && seq > out[key] {
			out[key] = seq
		}
	}
	return out
}
