package demo

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
)

func TestReplicasShowWholeCommitsAfterTheirDelay(t *testing.T) {
	const delay = 200 * time.Millisecond
	c, err := startCluster(t.Context(), embeddedDDL(), []time.Duration{0, delay})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.close()) }()

	tx, err := c.primary.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	for id := range 50 {
		_, err = tx.ExecContext(t.Context(), "INSERT INTO account VALUES (?, 1)", id)
		require.NoError(t, err)
	}
	before := time.Now()
	require.NoError(t, tx.Commit())

	for i, db := range c.replicas {
		for n := 0; n != 50; {
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM account").Scan(&n))
			require.Contains(t, []int{0, 50}, n)
			require.Less(t, time.Since(before), 20*time.Second)
		}
		if i == 1 {
			require.GreaterOrEqual(t, time.Since(before), delay)
		}
	}

	_, err = c.primary.ExecContext(t.Context(), "UPDATE account SET balance = balance + id")
	require.NoError(t, err)
	for sum := 0; sum != 50+49*50/2; {
		require.NoError(t, c.replicas[1].QueryRowContext(t.Context(), "SELECT sum(balance) FROM account").Scan(&sum))
		require.Less(t, time.Since(before), 20*time.Second)
	}
}

func TestTheStoryIsToldWithDefaults(t *testing.T) {
	const plain = "driver=pgx primary=p replica=r consistency=session roles=auto"
	cfg, err := rwsplit.ParseDSN(plain)
	require.NoError(t, err)
	got, reset := forTheStory(cfg)
	require.Equal(t, plain, got.FormatDSN())
	require.Empty(t, reset)

	for key, value := range map[string]string{
		"reads": "shadow", "consistency": "eventual", "wait": "2s", "max_lag": "1s", "fallback": "error", "fallback_max": "3",
	} {
		cfg, err := rwsplit.ParseDSN("driver=pgx primary=p replica=r " + key + "=" + value)
		require.NoError(t, err)
		before := cfg.FormatDSN()
		got, reset := forTheStory(cfg)
		require.Equal(t, "driver=pgx primary=p replica=r", got.FormatDSN())
		require.Equal(t, []string{key}, reset)
		require.Equal(t, before, cfg.FormatDSN())
	}
}

func TestAStatementIsShownWithItsArguments(t *testing.T) {
	e := engine{dialect: "postgres", prefix: "p_"}
	const text = "UPDATE {product} SET title = ?, stock = ? WHERE id = ?"
	require.Equal(t, "UPDATE p_product SET title = $1, stock = $2 WHERE id = $3", e.sql(text))
	require.Equal(t, "UPDATE product SET title = 'Hat', stock = 3 WHERE id = 1", shown(text, "Hat", 3, 1))
	e.dialect = "mysql"
	require.Equal(t, "UPDATE p_product SET title = ?, stock = ? WHERE id = ?", e.sql(text))
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -115: "-115", -1234567: "-1,234,567"} {
		require.Equal(t, want, thousands(n))
	}
}
