// Package check looks at every server of a Config and names what is wrong.
package check

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/backends"
)

// Look is what one server says and does.
type Look struct {
	rwsplit.Backend
	// Err is why there is nothing more.
	Err error
	// Dial is the time to a first session, Answer that of a trivial query.
	Dial, Answer time.Duration
	Server       rwsplit.Server
	// ReadOnlySession reports that a session as rwsplit opens it on a replica
	// refuses writes; an error says why that could not be had.
	ReadOnlySession    bool
	ReadOnlySessionErr error
	// Bypass is a privilege that lets the user write on a read-only server.
	Bypass string
	// Positions reports that the server tells how far its replication is.
	Positions bool
	// CaughtUp is how long it took until rwsplit knew that the replica had
	// all that the primary had when it was asked. 0: not in time.
	CaughtUp time.Duration
}

// look asks one server, on a connection of its own.
func look(ctx context.Context, srv backends.Server, d rwsplit.Dialect, readOnly bool) Look {
	l := Look{Backend: srv.Backend}
	start := time.Now()
	conn, err := srv.DB.Conn(ctx)
	if err != nil {
		l.Err = err
		return l
	}
	defer conn.Close()
	l.Dial = time.Since(start)
	for range 3 {
		start = time.Now()
		var one int
		if l.Err = conn.QueryRowContext(ctx, "SELECT 1").Scan(&one); l.Err != nil {
			return l
		}
		if took := time.Since(start); l.Answer == 0 || took < l.Answer {
			l.Answer = took
		}
	}
	l.Err = conn.Raw(func(ci any) error {
		base, ok := ci.(driver.Conn)
		if !ok {
			return errors.New("the base driver hides its connection")
		}
		s := rwsplit.PhysicalConn{Conn: base}
		var err error
		if l.Server, err = d.Inspect(ctx, s); err != nil {
			return err
		}
		if engine, ok := rwsplit.DialectByName(l.Server.Dialect); ok {
			d = engine
		}
		if p, ok := d.(rwsplit.Positioner); ok {
			ask := p.PrimaryPosition
			if srv.Role == rwsplit.RoleReplica {
				ask = p.ReplicaPosition
			}
			pos, err := ask(ctx, s)
			l.Positions = err == nil && !pos.IsZero()
		}
		if srv.Role == rwsplit.RoleReplica && readOnly {
			l.ReadOnlySession, l.ReadOnlySessionErr = readOnlySession(ctx, s, d)
		}
		return nil
	})
	if l.Err == nil && srv.Role == rwsplit.RoleReplica {
		l.Bypass = bypass(ctx, conn, l.Server.Dialect)
	}
	return l
}

// sessionReadOnly asks whether the session refuses writes.
var sessionReadOnly = map[string]string{
	"postgres": "SELECT pg_catalog.current_setting('transaction_read_only')",
	"mysql":    "SELECT @@session.transaction_read_only",
	"mariadb":  "SELECT @@session.tx_read_only",
	"sqlite":   "SELECT query_only FROM pragma_query_only",
}

func readOnlySession(ctx context.Context, s rwsplit.PhysicalConn, d rwsplit.Dialect) (bool, error) {
	if err := d.Setup(ctx, s, true); err != nil {
		return false, err
	}
	query, ok := sessionReadOnly[d.Name()]
	if !ok {
		return false, nil
	}
	row, err := s.QueryText(ctx, query)
	if err != nil {
		return false, err
	}
	return row[0] == "on" || row[0] == "1" || row[0] == "true", nil
}

// bypass looks for privileges that read_only does not stop, see
// https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_read_only
// and https://mariadb.com/kb/en/server-system-variables/#read_only.
func bypass(ctx context.Context, conn *sql.Conn, dialect string) string {
	if dialect != "mysql" && dialect != "mariadb" {
		return ""
	}
	if dialect == "mysql" {
		var on bool
		if err := conn.QueryRowContext(ctx, "SELECT @@global.super_read_only").Scan(&on); err == nil && on {
			return "" // holds for everybody
		}
	}
	rows, err := conn.QueryContext(ctx, "SHOW GRANTS")
	if err != nil {
		return ""
	}
	defer rows.Close()
	for rows.Next() {
		var grant string
		if rows.Scan(&grant) != nil {
			return ""
		}
		if p := bypassIn(grant); p != "" {
			return p
		}
	}
	return ""
}

func bypassIn(grant string) string {
	privileges, on, ok := strings.Cut(grant, " ON ")
	if !ok || !strings.HasPrefix(on, "*.*") {
		return ""
	}
	privileges = strings.TrimPrefix(privileges, "GRANT ")
	// "GRANT SELECT, SUPER ON *.* TO ..."
	for p := range strings.SplitSeq(privileges, ",") {
		switch p = strings.TrimSpace(p); {
		case p == "ALL PRIVILEGES", p == "SUPER", p == "CONNECTION_ADMIN", p == "READ_ONLY ADMIN", p == "READ ONLY ADMIN":
			return p
		}
	}
	return ""
}
