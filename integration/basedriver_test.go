package integration_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/integration/cluster"
)

// What a base driver offers beyond database/sql is reached through Conn.Raw.
func TestCopyFromThroughRaw(t *testing.T) {
	onEngines(t, []cluster.Engine{cluster.Postgres}, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c)
		a.stock()
		a.settle()
		require.NoError(t, c.WaitReplayed(ctx))
		require.NoError(t, c.PauseReplay(ctx))
		conn := a.conn(ctx)
		rows := make([][]any, 1000)
		for i := range rows {
			rows[i] = []any{i + 100, fmt.Sprintf("copied %d", i)}
		}
		require.NoError(t, conn.Raw(func(dc any) error {
			base, err := dc.(rwsplit.Conn).Primary(ctx)
			if err != nil {
				return err
			}
			n, err := base.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{"shop_item"}, []string{"id", "name"}, pgx.CopyFromRows(rows))
			require.EqualValues(t, len(rows), n)
			return err
		}))
		require.Equal(t, 1001, a.seen(ctx, conn))
		require.Equal(t, rwsplit.ReasonPinned, a.last().Reason, "what was done there can't be seen")
		require.NoError(t, conn.Close())
		require.Equal(t, 1001, a.seen(ctx, a), "it counts as a write")
		require.Equal(t, rwsplit.RolePrimary, a.last().Backend.Role)
		require.NoError(t, c.ResumeReplay(ctx))
		a.settle()
		require.Equal(t, 1001, a.seen(ctx, a))

		// A replica's connection reads, and refuses to write.
		conn = a.conn(ctx)
		require.NoError(t, conn.Raw(func(dc any) error {
			base, err := dc.(rwsplit.Conn).Replica(ctx)
			if err != nil {
				return err
			}
			var standby bool
			pgxConn := base.(*stdlib.Conn).Conn()
			require.NoError(t, pgxConn.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&standby))
			require.True(t, standby)
			_, err = pgxConn.Exec(ctx, "INSERT INTO shop_item VALUES (2, 'never')")
			var server *pgconn.PgError
			require.ErrorAs(t, err, &server)
			require.Equal(t, "25006", server.Code)
			return nil
		}))
	})
}

func TestRawGivesTheBaseDriversConnection(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		bare, err := sql.Open(c.Engine.DriverName(), c.Primary().AppDSN())
		require.NoError(t, err)
		defer bare.Close()
		bareConn, err := bare.Conn(ctx)
		require.NoError(t, err)
		defer bareConn.Close()
		var want string
		require.NoError(t, bareConn.Raw(func(dc any) error { want = fmt.Sprintf("%T", dc); return nil }))

		a := open(t, c)
		conn := a.conn(ctx)
		for range 2 {
			require.NoError(t, conn.Raw(func(dc any) error {
				primary, err := dc.(rwsplit.Conn).Primary(ctx)
				require.NoError(t, err)
				require.Equal(t, want, fmt.Sprintf("%T", primary))
				return primary.(driver.Pinger).Ping(ctx)
			}))
		}
	})
}

func TestResultsAreTheBaseDrivers(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c)
		a.stock()
		res, err := a.ExecContext(ctx, "INSERT INTO shop_item (id, name) VALUES (2, 'b'), (3, 'c'), (4, 'd')")
		require.NoError(t, err)
		n, err := res.RowsAffected()
		require.NoError(t, err)
		require.EqualValues(t, 3, n)
		res, err = a.ExecContext(ctx, a.rebind("UPDATE shop_item SET name = ? WHERE id > ?"), "x", 2)
		require.NoError(t, err)
		n, err = res.RowsAffected()
		require.NoError(t, err)
		require.EqualValues(t, 2, n)

		if c.Engine == cluster.Postgres {
			_, err = res.LastInsertId()
			require.Error(t, err, "pgx has none")
			var id int
			require.NoError(t, a.QueryRowContext(ctx, "INSERT INTO shop_item (id, name) VALUES (50, 'x') RETURNING id").Scan(&id))
			require.Equal(t, 50, id)
			return
		}
		a.exec("CREATE TABLE bill (id INT AUTO_INCREMENT PRIMARY KEY, cents INT)")
		for want := int64(1); want <= 3; want++ {
			res, err = a.ExecContext(ctx, "INSERT INTO bill (cents) VALUES (?)", want)
			require.NoError(t, err)
			id, err := res.LastInsertId()
			require.NoError(t, err)
			require.Equal(t, want, id)
		}
	})
}

func TestSeveralResultSets(t *testing.T) {
	onEngines(t, mysqlFamily, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := openWith(t, c, func(cfg *rwsplit.Config) {
			cfg.Primary += "&multiStatements=true"
			for i := range cfg.Replicas {
				cfg.Replicas[i] += "&multiStatements=true"
			}
		})
		a.stock()
		a.settle()
		for text, role := range map[string]rwsplit.Role{
			"SELECT 1; SELECT 2; SELECT 3":                                                     rwsplit.RoleReplica,
			"SELECT 1; SELECT 2 FROM shop_item WHERE id = 1 FOR UPDATE; SELECT 3":              rwsplit.RolePrimary,
			"SELECT 1; INSERT INTO shop_item VALUES (2, 'batch'); SELECT 2; SELECT 3":          rwsplit.RolePrimary,
			"SELECT 1 /* ; */; SELECT /*! SQL_NO_CACHE */ 2; SELECT 3 FROM (SELECT ';') AS x;": rwsplit.RoleReplica,
		} {
			a.settle()
			rows, err := a.QueryContext(ctx, text)
			require.NoError(t, err, text)
			d := a.last()
			var got []int
			for more := true; more; more = rows.NextResultSet() {
				for rows.Next() {
					var n int
					require.NoError(t, rows.Scan(&n))
					got = append(got, n)
				}
			}
			require.NoError(t, rows.Err())
			require.NoError(t, rows.Close())
			require.Equal(t, []int{1, 2, 3}, got, text)
			if role == rwsplit.RolePrimary {
				require.Equal(t, role, d.Backend.Role, text)
			}
		}
	})
}

func TestColumnTypes(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		create := "CREATE TABLE kinds (a INT NOT NULL, b VARCHAR(20), c DECIMAL(10,2), d DATETIME, e DOUBLE)"
		if c.Engine == cluster.Postgres {
			create = "CREATE TABLE kinds (a INT NOT NULL, b VARCHAR(20), c NUMERIC(10,2), d TIMESTAMPTZ, e FLOAT8)"
		}
		a := open(t, c)
		a.exec(create)
		a.settle()
		bare, err := sql.Open(c.Engine.DriverName(), c.Primary().AppDSN())
		require.NoError(t, err)
		defer bare.Close()
		describe := func(db *sql.DB) (out []string) {
			rows, err := db.QueryContext(ctx, "SELECT * FROM kinds")
			require.NoError(t, err)
			defer rows.Close()
			types, err := rows.ColumnTypes()
			require.NoError(t, err)
			for _, ct := range types {
				null, nullOK := ct.Nullable()
				length, lengthOK := ct.Length()
				precision, scale, sizeOK := ct.DecimalSize()
				out = append(out, fmt.Sprint(ct.Name(), ct.DatabaseTypeName(), ct.ScanType(), null, nullOK, length, lengthOK, precision, scale, sizeOK))
			}
			return out
		}
		require.Equal(t, describe(bare), describe(a.DB))
		require.Equal(t, rwsplit.RoleReplica, a.last().Backend.Role)
	})
}

func TestValuesOfTheBaseDriver(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c)
		if c.Engine != cluster.Postgres {
			a.exec("CREATE TABLE document (id INT PRIMARY KEY, body JSON, at DATETIME(6))")
			at := time.Date(2024, 2, 29, 12, 30, 0, 123456000, time.UTC)
			a.exec("INSERT INTO document VALUES (?, ?, ?)", 1, `{"a": [1, 2]}`, at)
			a.settle()
			var body string
			var got time.Time
			require.NoError(t, a.QueryRowContext(ctx, "SELECT body, at FROM document WHERE id = ?", 1).Scan(&body, &got))
			require.JSONEq(t, `{"a": [1, 2]}`, body)
			require.True(t, at.Equal(got), "%s", got)
			require.Equal(t, rwsplit.RoleReplica, a.last().Backend.Role)
			return
		}
		a.exec("CREATE TABLE document (id INT PRIMARY KEY, body JSONB, tags TEXT[], sizes INT[])")
		// pgx takes slices and maps as they are, and rewrites named arguments.
		a.exec("INSERT INTO document VALUES ($1, $2, $3, $4)", 1, map[string]any{"a": []int{1, 2}}, []string{"red", "big"}, []int32{3, 4})
		a.settle()
		var (
			body  map[string][]int
			tags  []string
			sizes []int32
			m     = pgtype.NewMap()
		)
		require.NoError(t, a.QueryRowContext(ctx, "SELECT body, tags, sizes FROM document WHERE id = $1 AND tags = $2", 1, []string{"red", "big"}).
			Scan(&jsonInto[map[string][]int]{&body}, m.SQLScanner(&tags), m.SQLScanner(&sizes)))
		require.Equal(t, map[string][]int{"a": {1, 2}}, body)
		require.Equal(t, []string{"red", "big"}, tags)
		require.Equal(t, []int32{3, 4}, sizes)
		require.Equal(t, rwsplit.RoleReplica, a.last().Backend.Role)
		var id int
		require.NoError(t, a.QueryRowContext(ctx, "SELECT id FROM document WHERE id = ANY(@ids)", pgx.NamedArgs{"ids": []int{1, 2}}).Scan(&id))
		require.Equal(t, rwsplit.RoleReplica, a.last().Backend.Role)
	})
}

// One prepared statement serves the whole pool, on every server.
func TestAPreparedStatementOverThePool(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c, "balance=round_robin")
		a.stock()
		a.settleAll()
		a.forget()
		stmt, err := a.PrepareContext(ctx, a.rebind("SELECT name AS prepared FROM shop_item WHERE id = ?"))
		require.NoError(t, err)
		insert, err := a.PrepareContext(ctx, a.rebind("INSERT INTO shop_item (id, name) VALUES (?, ?)"))
		require.NoError(t, err)
		defer insert.Close()
		var conns []*sql.Conn // so that each execution takes another one
		for range 6 {
			var name string
			require.NoError(t, stmt.QueryRowContext(ctx, 1).Scan(&name))
			require.Equal(t, "first", name)
			conns = append(conns, a.conn(ctx))
		}
		for _, conn := range conns {
			require.NoError(t, conn.Close())
		}
		for _, s := range c.Replicas() {
			require.Equal(t, 3, counts(t, s, "AS prepared"), s.Name)
		}
		for i := 10; i < 20; i++ {
			_, err := insert.ExecContext(ctx, i, "inserted")
			require.NoError(t, err)
			var name string
			require.NoError(t, stmt.QueryRowContext(ctx, i).Scan(&name), "each execution is routed on its own")
			require.Equal(t, "inserted", name)
		}
		tx := a.begin(ctx, nil)
		_, err = tx.StmtContext(ctx, insert).ExecContext(ctx, 99, "rolled back")
		require.NoError(t, err)
		require.NoError(t, tx.StmtContext(ctx, stmt).QueryRowContext(ctx, 99).Scan(new(string)))
		require.NoError(t, tx.Rollback())
		require.ErrorIs(t, stmt.QueryRowContext(ctx, 99).Scan(new(string)), sql.ErrNoRows)
		require.NoError(t, stmt.Close())
		require.Zero(t, onReplicas(t, c, "INSERT INTO shop_item"))

		_, err = a.PrepareContext(ctx, "SELEC name FROM shop_item")
		require.Error(t, err, "an error of syntax shows when it is prepared")
		requireServerError(t, c, err, "42601", 1064)
	})
}

// requireServerError holds that an error is the base driver's own.
func requireServerError(t *testing.T, c *cluster.Cluster, err error, state string, number uint16) {
	t.Helper()
	if c.Engine == cluster.Postgres {
		server, ok := err.(*pgconn.PgError)
		if !ok {
			require.True(t, errors.As(err, &server), "%T: %v", err, err)
		}
		require.Equal(t, state, server.Code)
		return
	}
	var server *mysql.MySQLError
	require.True(t, errors.As(err, &server), "%T: %v", err, err)
	require.Equal(t, number, server.Number)
}

func TestServerErrorsKeepTheirType(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		ctx := bounded(t)
		a := open(t, c)
		a.stock()
		a.settle()
		bare, err := sql.Open(c.Engine.DriverName(), c.Primary().AppDSN())
		require.NoError(t, err)
		defer bare.Close()
		for _, wrong := range []struct {
			query  string
			state  string
			number uint16
		}{
			{"INSERT INTO shop_item (id, name) VALUES (1, 'again')", "23505", 1062},
			{"INSERT INTO shop_item (id, name) VALUES (7, NULL)", "23502", 1048},
			{"SELECT name FROM nowhere", "42P01", 1146},
			{"SELECT nothing FROM shop_item", "42703", 1054},
			{"SELECT FROM WHERE", "42601", 1064},
		} {
			want := play1(ctx, bare, wrong.query)
			got := play1(ctx, a, wrong.query)
			requireServerError(t, c, got, wrong.state, wrong.number)
			require.Equal(t, fmt.Sprintf("%T %v", want, want), fmt.Sprintf("%T %v", got, got))
			_, got = a.ExecContext(ctx, wrong.query)
			requireServerError(t, c, got, wrong.state, wrong.number)
		}
		tx := a.begin(ctx, nil)
		_, err = tx.ExecContext(ctx, "INSERT INTO shop_item (id, name) VALUES (1, 'again')")
		requireServerError(t, c, err, "23505", 1062)
	})
}

// A deadline ends a slow query, with the base driver's error, wherever it
// runs; the pool goes on.
func TestADeadlineEndsASlowQuery(t *testing.T) {
	onEach(t, func(t *testing.T, c *cluster.Cluster) {
		slow := "SELECT SLEEP(20)"
		if c.Engine == cluster.Postgres {
			slow = "SELECT pg_sleep(20)"
		}
		ctx := bounded(t)
		bare, err := sql.Open(c.Engine.DriverName(), c.Primary().AppDSN())
		require.NoError(t, err)
		defer bare.Close()
		a := open(t, c)
		a.stock()
		a.settle()
		end := func(q interface {
			QueryContext(context.Context, string, ...any) (*sql.Rows, error)
		}, hint func(context.Context) context.Context,
		) error {
			short, cancel := context.WithTimeout(hint(ctx), 200*time.Millisecond)
			defer cancel()
			began := time.Now()
			err := play1(short, q, slow)
			require.Less(t, time.Since(began), 5*time.Second)
			return err
		}
		plain := func(ctx context.Context) context.Context { return ctx }
		// With connections that are there: it is not the dialling that takes long.
		require.NoError(t, bare.PingContext(ctx))
		want := end(bare, plain)
		require.Error(t, want)
		for name, hint := range map[string]func(context.Context) context.Context{"primary": rwsplit.WithPrimary, "replica": rwsplit.WithReplica} {
			require.Equal(t, 1, a.seen(hint(ctx), a))
			got := end(a, hint)
			require.ErrorIs(t, got, context.DeadlineExceeded, name)
			require.Equal(t, fmt.Sprintf("%T %v", want, want), fmt.Sprintf("%T %v", got, got), name)
			require.Equal(t, 1, a.seen(hint(ctx), a), "the pool goes on")
		}
		tx := a.begin(ctx, nil)
		require.Equal(t, 1, a.seen(ctx, tx))
		require.ErrorIs(t, end(tx, plain), context.DeadlineExceeded)
		_ = tx.Rollback()
		require.Equal(t, 1, a.seen(ctx, a))
	})
}

// jsonInto scans a JSON value.
type jsonInto[T any] struct{ to *T }

func (j *jsonInto[T]) Scan(v any) error {
	switch v := v.(type) {
	case []byte:
		return json.Unmarshal(v, j.to)
	case string:
		return json.Unmarshal([]byte(v), j.to)
	}
	return fmt.Errorf("a %T is no JSON", v)
}
