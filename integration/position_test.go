package integration_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
	_ "github.com/rwsplit/rwsplit/rwmysql"
	_ "github.com/rwsplit/rwsplit/rwpgx"
)

// waitLong is more than replication ever takes.
const waitLong = 60 * time.Second

// session is one physical connection to one server and the positions of its
// engine.
type session struct {
	t    *testing.T
	conn *sql.Conn
	rwsplit.Positioner
}

// dialSession opens a session of the application's user, who has no privileges
// but on its own tables, or of the administrator.
func dialSession(t *testing.T, c *cluster.Cluster, s *cluster.Server, admin bool) session {
	t.Helper()
	dsn := s.AppDSN()
	if admin {
		dsn = s.AdminDSN()
	}
	db, err := sql.Open(c.Engine.DriverName(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	d, ok := rwsplit.DialectByName(string(c.Engine))
	require.True(t, ok)
	require.Implements(t, (*rwsplit.Positioner)(nil), d)
	return session{t, conn, d.(rwsplit.Positioner)}
}

func (s session) exec(statements ...string) {
	s.t.Helper()
	for _, statement := range statements {
		_, err := s.conn.ExecContext(s.t.Context(), statement)
		require.NoError(s.t, err, statement)
	}
}

func (s session) text(query string, args ...any) (out string) {
	s.t.Helper()
	require.NoError(s.t, s.conn.QueryRowContext(s.t.Context(), query, args...).Scan(&out), query)
	return out
}

type question func(context.Context, rwsplit.PhysicalConn) (rwsplit.Position, error)

func (s session) ask(q question) (pos rwsplit.Position, err error) {
	s.t.Helper()
	require.NoError(s.t, s.conn.Raw(func(c any) error {
		pos, err = q(s.t.Context(), rwsplit.PhysicalConn{Conn: c.(driver.Conn)})
		return nil
	}))
	return pos, err
}

func (s session) primaryPosition() rwsplit.Position {
	s.t.Helper()
	pos, err := s.ask(s.PrimaryPosition)
	require.NoError(s.t, err)
	return pos
}

func (s session) replicaPosition() rwsplit.Position {
	s.t.Helper()
	pos, err := s.ask(s.ReplicaPosition)
	require.NoError(s.t, err)
	return pos
}

func (s session) parse(text string) rwsplit.Position {
	s.t.Helper()
	pos, err := s.ParsePosition(text)
	require.NoError(s.t, err)
	return pos
}

// waitReached waits until the replica has reached want, at most for a while.
func (s session) waitReached(want rwsplit.Position, within time.Duration) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.replicaPosition().Reached(want) }, within, 5*time.Millisecond,
		"the replica has not reached %v", want)
}

func TestAReplicaReachesAWriteWhenItShowsIt(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		primary := dialSession(t, c, c.Primary(), false)
		primary.exec("CREATE TABLE item (id INT PRIMARY KEY)")
		require.NoError(t, c.WaitReplayed(t.Context()))
		before := primary.primaryPosition()
		replica := dialSession(t, c, c.Replicas()[0], false)
		replica.waitReached(before, waitLong)

		require.NoError(t, c.PauseReplay(t.Context()))
		primary.exec("INSERT INTO item VALUES (1)")
		after := primary.primaryPosition()
		require.True(t, after.Reached(before), "%v, %v", after, before)
		require.False(t, before.Reached(after), "%v, %v", before, after)
		for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			require.False(t, replica.replicaPosition().Reached(after))
		}
		require.True(t, replica.replicaPosition().Reached(before))
		require.Equal(t, "0", replica.text("SELECT COUNT(*) FROM item"))

		require.NoError(t, c.ResumeReplay(t.Context()))
		replica.waitReached(after, waitLong)
		require.Equal(t, "1", replica.text("SELECT COUNT(*) FROM item"))

		for _, pos := range []rwsplit.Position{before, after} {
			require.True(t, primary.parse(pos.String()).Equal(pos), "%v", pos)
		}
	})
}

// Every write is shown by a replica that has reached a position asked for when
// the write had returned.
func TestNoReplicaReachesAPositionTooEarly(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		primary := dialSession(t, c, c.Primary(), false)
		primary.exec("CREATE TABLE counter (n INT)", "INSERT INTO counter VALUES (0)")
		require.NoError(t, c.WaitReplayed(t.Context()))
		if c.Engine == cluster.Postgres {
			primary.exec("SET synchronous_commit = off")
		}
		replicas := []session{dialSession(t, c, c.Replicas()[0], false), dialSession(t, c, c.Replicas()[1], false)}
		reached, missed := 0, 0
		for n := 1; n <= 100; n++ {
			primary.exec(fmt.Sprintf("UPDATE counter SET n = %d", n))
			want := primary.primaryPosition()
			for deadline := time.Now().Add(5 * time.Second); ; {
				require.Less(t, time.Now(), deadline, "no replica has reached %v", want)
				r := replicas[n%2]
				if !r.replicaPosition().Reached(want) {
					missed++
					continue
				}
				require.Equal(t, fmt.Sprint(n), r.text("SELECT n FROM counter"))
				reached++
				break
			}
		}
		t.Logf("%d positions reached, %d times not yet", reached, missed)
	})
}

func TestPostgresServersRefuseTheOtherRolesQuestion(t *testing.T) {
	c := cluster.Shared(t, cluster.Postgres)
	_, err := dialSession(t, c, c.Primary(), false).ask(dialSession(t, c, c.Primary(), false).ReplicaPosition)
	require.ErrorContains(t, err, "not in recovery")
	replica := dialSession(t, c, c.Replicas()[0], false)
	_, err = replica.ask(replica.PrimaryPosition)
	require.ErrorContains(t, err, "is a standby")
}

// An idle primary whose next record would begin behind a page header is a place
// that its standbys never get to.
func TestAnIdleStandbyAtAPageBoundaryHasCaughtUp(t *testing.T) {
	c := cluster.Shared(t, cluster.Postgres)
	primary := dialSession(t, c, c.Primary(), true)
	standby := dialSession(t, c, c.Replicas()[0], false)
	const raw = "SELECT (pg_current_wal_insert_lsn() - '0/0')::text"
	const page, header = 8192, 24

	for name, fill := range map[string]func() (offset, at string){
		"page": func() (string, string) {
			// A record is a header of 24 bytes, 5 for a long body, a body of 24
			// and the prefix, and the message, rounded up to 8.
			const overhead = 24 + 5 + 24 + 2
			at := primary.text("SELECT m::text FROM (SELECT mod(pg_current_wal_insert_lsn() - '0/0', 8192) AS m) AS t")
			var used int
			_, err := fmt.Sscan(at, &used)
			require.NoError(t, err)
			left := page - used
			if left < 512 {
				left += page - header
			}
			primary.exec(fmt.Sprintf("SELECT pg_logical_emit_message(false, 'x', repeat('x', %d))", left-overhead-3))
			return "24", "mod(pg_current_wal_insert_lsn() - '0/0', 8192)"
		},
		"segment": func() (string, string) {
			primary.exec("SELECT pg_logical_emit_message(false, 'x', 'x')", "SELECT pg_switch_wal()")
			return "40", "mod(pg_current_wal_insert_lsn() - '0/0', pg_size_bytes(current_setting('wal_segment_size')))"
		},
	} {
		t.Run(name, func(t *testing.T) {
			for attempt := 1; ; attempt++ {
				require.LessOrEqual(t, attempt, 100, "the primary does not come to rest behind a header")
				offset, at := fill()
				bare := primary.text(raw)
				if primary.text("SELECT ("+at+")::text") != offset {
					continue
				}
				want := primary.primaryPosition()
				standby.waitReached(want, waitLong)
				behind := standby.text("SELECT (pg_last_wal_replay_lsn() - '0/0')::text")
				if primary.text(raw) != bare {
					continue // it was not idle after all
				}
				var b, r int64
				_, err := fmt.Sscan(bare+" "+behind, &b, &r)
				require.NoError(t, err)
				require.Equal(t, offset, fmt.Sprint(b-r), "how far the standby stays behind the bare LSN")
				t.Logf("caught up at %v, %s bytes before the bare LSN, after %d attempts", want, offset, attempt)
				return
			}
		})
	}
}

func TestLSNsCompareAsPostgresComparesThem(t *testing.T) {
	c := cluster.Shared(t, cluster.Postgres)
	s := dialSession(t, c, c.Primary(), false)
	rnd := rand.New(rand.NewPCG(5, 6))
	lsn := func() string {
		n := rnd.Uint64() >> rnd.IntN(60)
		if rnd.IntN(2) == 0 {
			n = 0x3048000 + rnd.Uint64N(64)
		}
		return fmt.Sprintf("%X/%X", n>>32, n&0xffffffff)
	}
	var a, b []string
	for range 4000 {
		a, b = append(a, lsn()), append(b, lsn())
	}
	rows, err := s.conn.QueryContext(t.Context(),
		"SELECT x::text, (x >= y)::text, (x = y)::text FROM unnest($1::text[]::pg_lsn[], $2::text[]::pg_lsn[]) AS t(x, y)", a, b)
	require.NoError(t, err)
	defer rows.Close()
	n, reached := 0, 0
	for rows.Next() {
		var text, atLeast, equal string
		require.NoError(t, rows.Scan(&text, &atLeast, &equal))
		x, y := s.parse("7/1:"+a[n]), s.parse("7/1:"+b[n])
		require.Equal(t, atLeast, fmt.Sprint(x.Reached(y)), "%s >= %s", a[n], b[n])
		require.Equal(t, equal, fmt.Sprint(x.Equal(y)), "%s = %s", a[n], b[n])
		require.Equal(t, "7/1:"+text, x.String())
		if x.Reached(y) {
			reached++
		}
		n++
	}
	require.NoError(t, rows.Err())
	require.Equal(t, len(a), n)
	require.NotZero(t, reached)
	require.NotEqual(t, n, reached)
}

// randomGTIDSet writes a set over few sources and small numbers, so that sets
// overlap often, in no particular order.
func randomGTIDSet(rnd *rand.Rand, tags bool) string {
	var parts []string
	for range rnd.IntN(4) {
		part := []string{
			"3e11fa47-71ca-11e1-9e33-c80aa9429562", "4350F323-7565-4E59-8763-4B1B83A0CE0E", "3E11FA47-71CA-11E1-9E33-C80AA9429562",
		}[rnd.IntN(3)]
		for range 1 + rnd.IntN(4) {
			if tags && rnd.IntN(3) == 0 {
				part += ":" + []string{"aa", "b_1", "Aa"}[rnd.IntN(3)]
			}
			lo := 1 + rnd.IntN(12)
			if hi := lo + rnd.IntN(5); hi > lo {
				part += fmt.Sprintf(":%d-%d", lo, hi)
			} else {
				part += fmt.Sprintf(":%d", lo)
			}
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ",")
}

func TestGTIDSetsCompareAsMySQLComparesThem(t *testing.T) {
	c := cluster.Shared(t, cluster.MySQL)
	s := dialSession(t, c, c.Primary(), false)
	tags := s.text("SELECT GTID_SUBSET('3e11fa47-71ca-11e1-9e33-c80aa9429562:tag:1', '3e11fa47-71ca-11e1-9e33-c80aa9429562:tag:1-2')") == "1"
	t.Logf("MySQL %s, tags: %v", c.Version, tags)
	rnd := rand.New(rand.NewPCG(7, 8))
	const rounds, batch = 100, 50
	subsets := 0
	for range rounds {
		var columns []string
		var pairs [][2]string
		for range batch {
			a, b := randomGTIDSet(rnd, tags), randomGTIDSet(rnd, tags)
			if rnd.IntN(3) == 0 {
				b += "," + a
				b = strings.Trim(b, ",")
			}
			pairs = append(pairs, [2]string{a, b})
			columns = append(columns, fmt.Sprintf("GTID_SUBSET('%s', '%s')", a, b), fmt.Sprintf("GTID_SUBTRACT('%s', '')", a))
		}
		row := make([]string, len(columns))
		targets := make([]any, len(columns))
		for i := range row {
			targets[i] = &row[i]
		}
		require.NoError(t, s.conn.QueryRowContext(t.Context(), "SELECT "+strings.Join(columns, ", ")).Scan(targets...))
		for i, pair := range pairs {
			a, b := s.parse(pair[0]), s.parse(pair[1])
			require.Equal(t, row[2*i] == "1", b.Reached(a), "GTID_SUBSET(%q, %q)", pair[0], pair[1])
			// As the server writes it, without its line ends.
			require.Equal(t, strings.ReplaceAll(row[2*i+1], "\n", ""), a.String(), "%q", pair[0])
			if b.Reached(a) {
				subsets++
			}
		}
	}
	require.NotZero(t, subsets)
	require.NotEqual(t, rounds*batch, subsets)
}

func TestMySQLSetsWithGapsAndTags(t *testing.T) {
	c := cluster.Shared(t, cluster.MySQL)
	c.Spoil() // the transactions made here stay in the servers' sets
	primary := dialSession(t, c, c.Primary(), true)
	replica := dialSession(t, c, c.Replicas()[0], false)
	primary.exec("CREATE TABLE shop.item (id INT PRIMARY KEY)")
	const other = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
	steps := []string{other + ":5", other + ":1", other + ":3"}
	var majorMinor float64
	_, err := fmt.Sscanf(c.Version, "%f", &majorMinor)
	require.NoError(t, err)
	if majorMinor >= 8.3 {
		steps = append(steps, other+":tag:7", other+":tag:5")
	} else {
		t.Logf("NOT COVERED: tags on MySQL %s", c.Version)
	}
	var last rwsplit.Position
	for i, gtid := range steps {
		require.NoError(t, c.PauseReplay(t.Context()))
		primary.exec("SET gtid_next = '"+gtid+"'", fmt.Sprintf("INSERT INTO shop.item VALUES (%d)", i), "SET gtid_next = 'AUTOMATIC'")
		want := primary.primaryPosition()
		require.Contains(t, want.String(), other)
		require.True(t, want.Reached(primary.parse(gtid)))
		require.False(t, replica.replicaPosition().Reached(want), "%v", want)
		require.False(t, replica.replicaPosition().Reached(primary.parse(gtid)), gtid)
		require.NoError(t, c.ResumeReplay(t.Context()))
		replica.waitReached(want, waitLong)
		require.Equal(t, fmt.Sprint(i+1), replica.text("SELECT COUNT(*) FROM shop.item"))
		last = want
	}
	require.False(t, last.Reached(primary.parse(other+":2")), "%v has a gap", last)
	require.False(t, last.Reached(primary.parse(other+":1-5")), "%v has gaps", last)
	require.True(t, last.Reached(primary.parse(other+":1:5")))
}

func TestMariaDBDomainsAreComparedOneByOne(t *testing.T) {
	c := cluster.Shared(t, cluster.MariaDB)
	c.Spoil() // the domains stay in the servers' positions
	primary := dialSession(t, c, c.Primary(), true)
	replica := dialSession(t, c, c.Replicas()[0], false)
	primary.exec("CREATE TABLE shop.item (id INT PRIMARY KEY)")
	require.NoError(t, c.WaitReplayed(t.Context()))
	for i, domain := range []int{0, 1, 7, 1, 0} {
		require.NoError(t, c.PauseReplay(t.Context()))
		before := primary.primaryPosition()
		primary.exec(fmt.Sprintf("SET SESSION gtid_domain_id = %d", domain), fmt.Sprintf("INSERT INTO shop.item VALUES (%d)", i))
		want := primary.primaryPosition()
		require.Regexp(t, fmt.Sprintf(`(^|,)%d-1-`, domain), want.String())
		require.True(t, replica.replicaPosition().Reached(before), "the write is in domain %d only", domain)
		require.False(t, replica.replicaPosition().Reached(want), "%v", want)
		require.NoError(t, c.ResumeReplay(t.Context()))
		replica.waitReached(want, waitLong)
		require.Equal(t, fmt.Sprint(i+1), replica.text("SELECT COUNT(*) FROM shop.item"))
	}
}

func TestAfterAPromotionPositionsBelongToTheNewPrimary(t *testing.T) {
	cluster.Each(t, func(t *testing.T, c *cluster.Cluster) {
		old := c.Primary()
		oldSession := dialSession(t, c, old, true)
		oldSession.exec("CREATE TABLE shop_item (id INT PRIMARY KEY)")
		require.NoError(t, c.WaitReplayed(t.Context()))
		promoted, follower := c.Replicas()[0], c.Replicas()[1]
		before := oldSession.primaryPosition()
		require.NoError(t, c.Promote(t.Context(), promoted))
		require.NoError(t, c.Follow(t.Context(), follower))

		// The old primary goes on alone.
		oldSession.exec("INSERT INTO shop_item VALUES (1)")
		lost := oldSession.primaryPosition()
		fresh := dialSession(t, c, promoted, true)
		for i := range 20 {
			fresh.exec(fmt.Sprintf("INSERT INTO shop_item VALUES (%d)", 100+i))
		}
		want := fresh.primaryPosition()
		replica := dialSession(t, c, follower, true)
		replica.waitReached(want, waitLong)
		have := replica.replicaPosition()
		require.False(t, have.Reached(lost), "%v must not pass for %v", have, lost)
		require.False(t, lost.Reached(want), "%v must not pass for %v", lost, want)
		if c.Engine == cluster.Postgres {
			require.NotEqual(t, before.History(), want.History(), "a new timeline")
			_, err := fresh.ask(fresh.ReplicaPosition)
			require.ErrorContains(t, err, "not in recovery")
			// Without privileges the timeline shows once the standby has
			// written something of it to disk; until then it is in doubt.
			unprivileged := dialSession(t, c, follower, false)
			if !unprivileged.replicaPosition().Reached(want) {
				fresh.exec("TRUNCATE shop_item")
				unprivileged.waitReached(want, waitLong)
			}
		} else if c.Engine == cluster.MySQL {
			require.True(t, have.Reached(before), "%v, %v", have, before)
		}
	})
}
