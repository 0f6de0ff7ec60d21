package cluster

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the base driver pgx
	dc "github.com/ory/dockertest/v3/docker"
)

// postgres replicates by streaming.
type postgres struct{}

func (postgres) port() string { return "5432" }

func (postgres) adminUser() string { return "postgres" }

func (postgres) dsn(user, password string, port int) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/shop?sslmode=disable", user, password, port)
}

func (postgres) open(dsn string) (*sql.DB, error) { return sql.Open("pgx", dsn) }

// stopSignal asks for a fast shutdown: a smart one waits for clients.
func (postgres) stopSignal() dc.Signal { return dc.SIGINT }

func (p postgres) script(s *Server) string {
	create := `printf %s '` + adminPassword + `' >$data.password
	$as initdb -U postgres --pwfile=$data.password --no-sync -E UTF8 --locale=C.UTF-8 -D $data >/dev/null
	echo "log_statement = 'all'" >>$data/postgresql.conf
	echo 'host all all all scram-sha-256' >>$data/pg_hba.conf
	echo 'host replication replicator all scram-sha-256' >>$data/pg_hba.conf
	$as postgres --single -D $data postgres >/dev/null <<-'SQL'
	CREATE ROLE app LOGIN PASSWORD '` + appPassword + `'
	CREATE ROLE replicator LOGIN REPLICATION PASSWORD '` + adminPassword + `'
	CREATE DATABASE shop OWNER app
	SQL`
	if s.source != "" {
		create = `until $as pg_basebackup -d "$source" -R -X stream -c fast --no-sync -D $data; do
		rm -rf $data
		tries=$((tries + 1))
		[ $tries -lt 300 ] || exit 1
		sleep 0.2
	done`
	}
	// A file NAME.rebuild holds the host to copy the data from again.
	return `set -eu
data=/cluster/` + s.Name + ` tries=0
source="` + p.conninfo(s.source, s.Name) + `"
PATH=$PATH:$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
as='setpriv --reuid=postgres --regid=postgres --clear-groups'
mkdir -p $data.log
chown postgres $data.log /cluster
if [ -s $data.rebuild ]; then
	source="$(cat $data.rebuild)"
	rm -rf $data $data.rebuild
	until $as pg_basebackup -d "$source" -R -X stream -c fast --no-sync -D $data; do
		rm -rf $data
		tries=$((tries + 1))
		[ $tries -lt 300 ] || exit 1
		sleep 0.2
	done
fi
if [ ! -s $data/PG_VERSION ]; then
	` + create + `
fi
exec $as postgres -D $data -c cluster_name=` + s.Name + ` -c listen_addresses='*' \
	-c unix_socket_directories=/tmp -c wal_level=replica -c hot_standby=on -c max_wal_senders=10 \
	-c wal_keep_size=512MB -c wal_retrieve_retry_interval=200ms -c wal_receiver_status_interval=1s \
	-c fsync=off -c shared_buffers=32MB -c max_connections=200 -c max_prepared_transactions=20 -c jit=off -c autovacuum_naptime=10s \
	-c logging_collector=on -c log_destination=jsonlog -c log_directory=$data.log -c log_filename=statements \
	-c log_rotation_age=0 -c log_rotation_size=0 -c log_file_mode=0644
`
}

func (postgres) conninfo(host, name string) string {
	return "host=" + host + " user=replicator password=" + adminPassword + " application_name=" + name
}

func (p postgres) join(ctx context.Context, s, source *Server) error {
	var standby bool
	if err := s.admin.QueryRowContext(ctx, "SELECT pg_is_in_recovery()").Scan(&standby); err != nil {
		return err
	}
	conninfo := p.conninfo(source.host(), s.Name)
	if standby {
		var have string
		if err := s.admin.QueryRowContext(ctx, "SELECT current_setting('primary_conninfo')").Scan(&have); err != nil {
			return err
		}
		if strings.Contains(have, "host="+source.host()+" ") {
			return nil
		}
		if err := p.set(ctx, s, "primary_conninfo", conninfo); err != nil {
			return err
		}
		// A standby that went past the point where the new timeline began can
		// never follow it; it is copied again. One that still receives from its
		// old primary has not shown anything yet.
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := poll(short, func() error { return p.follows(short, s, source) }); err == nil {
			return nil
		}
	}
	if err := s.write(ctx, s.Name+".rebuild", conninfo); err != nil {
		return err
	}
	if err := s.Kill(ctx); err != nil {
		return err
	}
	return s.start(ctx)
}

// follows returns nil when the standby receives the source's own timeline.
func (postgres) follows(ctx context.Context, s, source *Server) error {
	var timeline, received int
	err := source.admin.QueryRowContext(ctx, "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int").Scan(&timeline)
	if err == nil {
		err = s.admin.QueryRowContext(ctx, "SELECT coalesce(max(received_tli), 0) FROM pg_stat_wal_receiver WHERE status = 'streaming' AND sender_host = $1",
			source.host()).Scan(&received)
	}
	if err == nil && received != timeline {
		err = fmt.Errorf("cluster: %s receives timeline %d, not %d of %s", s.Name, received, timeline, source.Name)
	}
	return err
}

func (postgres) joined(ctx context.Context, s *Server) error {
	var n int
	err := s.admin.QueryRowContext(ctx, "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'").Scan(&n)
	if err == nil && n == 0 {
		err = fmt.Errorf("cluster: %s does not receive from its primary", s.Name)
	}
	return err
}

func (postgres) version(ctx context.Context, db *sql.DB) (v string, err error) {
	err = db.QueryRowContext(ctx, "SHOW server_version").Scan(&v)
	v, _, _ = strings.Cut(v, " ")
	return v, err
}

func (p postgres) setDelay(ctx context.Context, s *Server, d time.Duration) error {
	return p.set(ctx, s, "recovery_min_apply_delay", fmt.Sprintf("%dms", d.Milliseconds()))
}

// set changes a setting and waits until the server has read it.
func (postgres) set(ctx context.Context, s *Server, name, value string) error {
	var before time.Time
	if err := s.admin.QueryRowContext(ctx, "SELECT pg_conf_load_time()").Scan(&before); err != nil {
		return err
	}
	if _, err := s.admin.ExecContext(ctx, fmt.Sprintf("ALTER SYSTEM SET %s = '%s'", name, value)); err != nil {
		return err
	}
	if _, err := s.admin.ExecContext(ctx, "SELECT pg_reload_conf()"); err != nil {
		return err
	}
	return poll(ctx, func() error {
		var loaded bool
		if err := s.admin.QueryRowContext(ctx, "SELECT pg_conf_load_time() > $1", before).Scan(&loaded); err != nil {
			return err
		}
		if !loaded {
			return fmt.Errorf("cluster: %s has not taken over %s", s.Name, name)
		}
		return nil
	})
}

func (p postgres) pause(ctx context.Context, s *Server) error {
	if _, err := s.admin.ExecContext(ctx, "SELECT pg_wal_replay_pause()"); err != nil {
		return err
	}
	return p.replayState(ctx, s, "paused")
}

func (p postgres) resume(ctx context.Context, s *Server) error {
	if _, err := s.admin.ExecContext(ctx, "SELECT pg_wal_replay_resume()"); err != nil {
		return err
	}
	return p.replayState(ctx, s, "not paused")
}

func (postgres) replayState(ctx context.Context, s *Server, want string) error {
	return poll(ctx, func() error {
		var got string
		if err := s.admin.QueryRowContext(ctx, "SELECT pg_get_wal_replay_pause_state()").Scan(&got); err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("cluster: replay of %s is %q, want %q", s.Name, got, want)
		}
		return nil
	})
}

func (postgres) promote(ctx context.Context, s *Server) error {
	var ok bool
	if err := s.admin.QueryRowContext(ctx, "SELECT pg_promote(true, 30)").Scan(&ok); err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("cluster: promotion of %s has not ended within 30s", s.Name)
	}
	return nil
}

// position steps back over the header of a WAL page on which nothing has been
// written yet: an idle standby never gets there.
// https://www.postgresql.org/docs/current/wal-internals.html
func (postgres) position(ctx context.Context, primary *Server) (lsn string, err error) {
	err = primary.admin.QueryRowContext(ctx, `
		SELECT (lsn - CASE
				WHEN mod(lsn - '0/0', pg_size_bytes(current_setting('wal_segment_size'))) = 40 THEN 40
				WHEN mod(lsn - '0/0', 8192) = 24 THEN 24
				ELSE 0 END)::text
		FROM (SELECT pg_current_wal_insert_lsn() AS lsn) AS now`).Scan(&lsn)
	return lsn, err
}

func (postgres) replayed(ctx context.Context, replica *Server, position string) (ok bool, err error) {
	err = replica.admin.QueryRowContext(ctx,
		"SELECT coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false)", position).Scan(&ok)
	return ok, err
}

// errant finds nothing: a standby can't write.
func (postgres) errant(context.Context, *Server, *Server) (string, error) { return "", nil }

func (postgres) logFile(s *Server) string { return "/cluster/" + s.Name + ".log/statements.json" }

func (p postgres) readLog(ctx context.Context, s *Server, offset int64) (b []byte, err error) {
	err = s.admin.QueryRowContext(ctx, "SELECT pg_read_binary_file($1, $2, greatest((pg_stat_file($1)).size - $2, 0))", p.logFile(s), offset).Scan(&b)
	return b, err
}

func (p postgres) logStatements(ctx context.Context, s *Server, on bool) error {
	if on {
		return p.set(ctx, s, "log_statement", "all")
	}
	return p.set(ctx, s, "log_statement", "none")
}

func (postgres) parser() logParser { return &postgresLog{} }

// postgresLog reads the log format jsonlog: one object a line.
// https://www.postgresql.org/docs/current/runtime-config-logging.html
type postgresLog struct{ rest []byte }

func (l *postgresLog) parse(b []byte, add func(user, statement string)) {
	l.rest = append(l.rest, b...)
	for {
		line, rest, ok := cutLine(l.rest)
		if !ok {
			return
		}
		l.rest = rest
		var entry struct{ User, Message string }
		if json.Unmarshal(line, &entry) != nil {
			continue
		}
		kind, statement, ok := strings.Cut(entry.Message, ": ")
		if ok && (kind == "statement" || strings.HasPrefix(kind, "execute ")) {
			add(entry.User, statement)
		}
	}
}

func (postgres) connections(ctx context.Context, s *Server) (n int, err error) {
	err = s.admin.QueryRowContext(ctx, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'").Scan(&n)
	return n, err
}

func (postgres) disconnect(ctx context.Context, s *Server) error {
	_, err := s.admin.ExecContext(ctx, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'app'")
	return err
}

// forget would have to copy two servers anew.
func (postgres) forget(context.Context, *Server) error { return errors.ErrUnsupported }

func (postgres) empty(ctx context.Context, primary *Server) error {
	// A prepared transaction keeps its locks for ever.
	statements, err := queryStrings(ctx, primary.admin,
		`SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts WHERE database = 'shop'`)
	if err != nil {
		return err
	}
	schemas, err := queryStrings(ctx, primary.admin,
		`SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace
		WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'`)
	if err != nil {
		return err
	}
	statements = append(statements, schemas...)
	statements = append(statements, "CREATE SCHEMA public AUTHORIZATION pg_database_owner", "GRANT USAGE ON SCHEMA public TO public")
	return run(ctx, primary, statements...)
}

func (postgres) tables(ctx context.Context, s *Server) (map[string]string, error) {
	// Unlogged tables are not replicated.
	names, err := queryStrings(ctx, s.admin,
		`SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
		WHERE relkind = 'r' AND relpersistence = 'p' AND nspname !~ '^pg_' AND nspname <> 'information_schema'`)
	if err != nil {
		return nil, err
	}
	queries := make(map[string]string, len(names))
	for _, name := range names {
		queries[name] = "SELECT md5(t::text) AS h FROM " + name + " AS t ORDER BY h"
	}
	return queries, nil
}
