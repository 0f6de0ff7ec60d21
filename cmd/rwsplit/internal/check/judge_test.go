package check

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
)

// healthy is a PostgreSQL primary with one standby.
func healthy() []Look {
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	server := func(id string, readOnly bool) rwsplit.Server {
		return rwsplit.Server{Identity: id, Start: started, Cluster: "77", Version: "17.2 (Debian)", Dialect: "postgres", ReadOnly: readOnly}
	}
	return []Look{
		{Backend: rwsplit.Backend{Name: "primary"}, Server: server("a", false), Positions: true},
		{
			Backend: rwsplit.Backend{Index: 1, Name: "replica1", Role: rwsplit.RoleReplica}, Server: server("b", true),
			Positions: true, CaughtUp: time.Millisecond, ReadOnlySession: true,
		},
	}
}

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(primary, replica *Look, cfg *rwsplit.Config)
		problem bool
		want    string // in the only finding; none if empty
	}{
		{"all well", func(_, _ *Look, _ *rwsplit.Config) {}, false, ""},
		{"primary is a standby", func(p, _ *Look, _ *rwsplit.Config) { p.Server.ReadOnly = true }, true, "refuses writes (it is in recovery"},
		{"replica is a primary", func(_, r *Look, _ *rwsplit.Config) { r.Server.ReadOnly = false }, true, "takes writes: it is a primary"},
		{"MySQL replica without read_only", func(p, r *Look, _ *rwsplit.Config) {
			p.Server.Dialect, r.Server.Dialect, r.Server.ReadOnly = "mysql", "mysql", false
		}, false, "takes writes (read_only=OFF)"},
		{"other engine", func(_, r *Look, _ *rwsplit.Config) { r.Server.Dialect = "mysql" }, true, "is a mysql server and the primary is a postgres server"},
		{"other cluster", func(_, r *Look, _ *rwsplit.Config) { r.Server.Cluster = "78" }, true, "belongs to another cluster"},
		{"other engine than the DSN says", func(_, r *Look, c *rwsplit.Config) {
			c.Dialect, r.CaughtUp, r.Server.Dialect = "postgres", 0, "mariadb"
		}, true, "is a mariadb server, and the DSN says dialect=postgres"},
		{"any engine", func(p, r *Look, c *rwsplit.Config) { c.Dialect = "generic" }, false, ""},
		{"promoted", func(p, r *Look, c *rwsplit.Config) {
			c.Roles = rwsplit.RolesAuto
			p.Role, p.Server.ReadOnly, p.CaughtUp = rwsplit.RoleReplica, true, time.Millisecond
			r.Role, r.Server.ReadOnly = rwsplit.RolePrimary, false
		}, false, "is the primary now: it alone takes writes"},
		{"same server", func(p, r *Look, _ *rwsplit.Config) { p.Server.Identity = r.Server.Identity }, true, "is the same server as primary"},
		{"behind", func(_, r *Look, _ *rwsplit.Config) { r.CaughtUp = 0 }, true, "had not replayed within 3s"},
		{"behind, and nobody asks for positions", func(_, r *Look, c *rwsplit.Config) {
			r.CaughtUp, c.Position = 0, rwsplit.PositionNone
		}, false, ""},
		{"behind max_lag", func(_, r *Look, c *rwsplit.Config) {
			r.CaughtUp, c.MaxLag = 2*time.Second, time.Second
		}, false, "is 2s behind, and max_lag=1s keeps reads away"},
		{"too much privilege", func(_, r *Look, _ *rwsplit.Config) { r.Bypass = "SUPER" }, false, "may write although the server is read-only (SUPER)"},
		{"privilege on a server that takes writes", func(p, r *Look, _ *rwsplit.Config) {
			p.Server.Dialect, r.Server.Dialect, r.Server.ReadOnly, r.Bypass = "mysql", "mysql", false, "SUPER"
		}, false, "takes writes (read_only=OFF)"},
		{"pooler", func(_, r *Look, _ *rwsplit.Config) { r.ReadOnlySessionErr = errors.New("no SET here") }, true, "can't be given a read-only session: no SET here"},
		{"autocommit off", func(p, _ *Look, _ *rwsplit.Config) { p.Server.AutocommitOff = true }, false, "autocommit off"},
		{"down", func(_, r *Look, _ *rwsplit.Config) { r.Err = errors.New("a\n\tdial tcp: i/o timeout") }, true, "can't be asked: dial tcp: i/o timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Result{Looks: healthy(), Config: &rwsplit.Config{}}
			tt.change(&r.Looks[0], &r.Looks[1], r.Config)
			r.judge(3 * time.Second)
			if tt.want == "" {
				require.Empty(t, r.Findings)
				return
			}
			require.Len(t, r.Findings, 1)
			f := r.Findings[0]
			require.Equal(t, tt.problem, f.Problem, f.Text)
			require.Contains(t, f.Text, tt.want)
			require.NotEmpty(t, f.Next)
		})
	}
}

func TestAdviceIsDroppedWhereTheWorstIsKnown(t *testing.T) {
	r := Result{}
	r.wrong("primary", "is down", "start it")
	r.problem("replica1", "is late", "wait")
	r.advise([]string{"primary: is a standby; promote it", "replica1: replay is paused; resume; it", "odd"})
	require.Equal(t, []Finding{
		{"primary", true, "is down", "start it", true},
		{"replica1", true, "is late", "wait", false},
		{"replica1", true, "replay is paused", "resume; it", false},
	}, r.Findings)
}

func TestPromotedIsTheOnlyOneThatTakesWrites(t *testing.T) {
	for _, tt := range []struct {
		roles            rwsplit.Roles
		primary, replica bool // read-only
		want             int
	}{
		{rwsplit.RolesAuto, false, true, 0},
		{rwsplit.RolesAuto, true, false, 1},
		{rwsplit.RolesAuto, false, false, 0},
		{rwsplit.RolesAuto, true, true, 0},
		{rwsplit.RolesStatic, true, false, 0},
	} {
		r := Result{Looks: healthy(), Config: &rwsplit.Config{Roles: tt.roles}}
		r.Looks[0].Server.ReadOnly, r.Looks[1].Server.ReadOnly = tt.primary, tt.replica
		require.Equal(t, tt.want, r.promoted(), tt)
	}
}

func TestAdviceSaysOnceThatAReplicaTakesWrites(t *testing.T) {
	r := Result{}
	r.advice("replica1", "takes writes (read_only=OFF): careful", "SET GLOBAL read_only=ON")
	r.advise([]string{"replica1: read_only is OFF, so a write diverges; set it", "replica2: read_only is OFF, so a write diverges; set it"})
	require.Len(t, r.Findings, 2)
	require.Equal(t, "replica2", r.Findings[1].Server)
}

// They are the library's, and must stay so.
func TestGraveWordsAreSaid(t *testing.T) {
	said, err := os.ReadFile("../../../../position_check.go")
	require.NoError(t, err)
	for _, w := range graveWords {
		require.Contains(t, string(said), w)
	}
	require.True(t, grave("does not replicate from any server"))
	require.False(t, grave("the user can't see its replication filters, delay and state"))
}

func TestProblemsComeFirst(t *testing.T) {
	a, b := Finding{Server: "a", Text: "x"}, Finding{Server: "b", Problem: true, Text: "y"}
	require.Equal(t, []Finding{b, a}, merged([]Finding{a, b}))
}

func TestNextForWhatCannotBeAsked(t *testing.T) {
	for text, want := range map[string]string{
		"Error 1044 (42000): Access denied for user 'app'@'%' to database 'shop'": "name of the database",
		"Error 1045 (28000): Access denied for user 'app'@'%'":                    "user and the password",
		"tls error: server refused TLS connection":                                "TLS settings",
		"dial tcp 127.0.0.1:1: connect: connection refused":                       "is the server running there",
		"no answer in time": "does the server hang",
		"failed to receive message: BackendKeyData body must have length of 8": "does a server of this engine listen there",
	} {
		require.Contains(t, nextFor(errors.New(text)), want)
	}
}

func TestMergedSaysOnceWhatHoldsForSeveral(t *testing.T) {
	f := func(server string) Finding { return Finding{Server: server, Text: "x"} }
	require.Equal(t, []Finding{f("a, b and c"), {Server: "d", Text: "y"}},
		merged([]Finding{f("a"), f("b"), {Server: "d", Text: "y"}, f("c")}))
}

func TestBypassIn(t *testing.T) {
	for grant, want := range map[string]string{
		"GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION": "ALL PRIVILEGES",
		"GRANT SELECT, SUPER, PROCESS ON *.* TO `a`@`%`":              "SUPER",
		"GRANT BINLOG ADMIN, READ_ONLY ADMIN ON *.* TO `a`@`%`":       "READ_ONLY ADMIN",
		"GRANT CONNECTION_ADMIN ON *.* TO `a`@`%`":                    "CONNECTION_ADMIN",
		"GRANT ALL PRIVILEGES ON `shop`.* TO `a`@`%`":                 "",
		"GRANT SELECT, INSERT ON *.* TO `a`@`%`":                      "",
		"GRANT USAGE ON *.* TO `SUPER`@`%`":                           "",
		"nonsense":                                                    "",
	} {
		require.Equal(t, want, bypassIn(grant), grant)
	}
}

func TestVersionIsShort(t *testing.T) {
	for in, want := range map[rwsplit.Server]string{
		{Dialect: "postgres", Version: "15.18 (Debian 15.18-0+deb12u1)"}: "PostgreSQL 15.18",
		{Dialect: "mariadb", Version: "10.11.14-MariaDB-0+deb12u2-log"}:  "MariaDB 10.11.14",
		{Dialect: "mysql", Version: "9.7.0"}:                             "MySQL 9.7.0",
		{}:                                                               "",
	} {
		require.Equal(t, want, Version(in))
	}
}
