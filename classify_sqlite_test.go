package rwsplit_test

import "testing"

func TestClassifySQLite(t *testing.T) {
	checkVerdicts(t, "sqlite", []verdict{
		{replica, []string{
			"SELECT 1", "VALUES (1)", "WITH RECURSIVE a(n) AS (SELECT 1) SELECT * FROM a", "SELECT [a b; DELETE], \"c;\", `d;`, 'e;' FROM [t] WHERE x = ?1 AND y = :name AND z = @z AND w = $w",
			"SELECT count(*) FILTER (WHERE a), sum(b) OVER (PARTITION BY c), group_concat(a, ','), replace(a, 'b', 'c'), iif(a, 1, 2), like('a', b), glob('a', b) FROM t INDEXED BY i",
			"SELECT * FROM json_each(?), pragma_table_info('t') AS p, (SELECT 1) x", "SELECT CAST(a AS VARCHAR(10)), x'1F', date('now'), strftime('%s', a), random() FROM t",
			"SELECT \"lower\"(a), [lower](a), a COLLATE nocase, a MATCH 'x', a IS NOT DISTINCT FROM b FROM t", "SELECT 1 -- ; DELETE\n", "SELECT 1 /* ; /* */", "SELECT current_timestamp", "SELECT 'a\\'",
			"PRAGMA table_info(t)", "PRAGMA main.table_info('t')", "PRAGMA user_version", "PRAGMA page_count", "PRAGMA integrity_check", "PRAGMA journal_mode", "PRAGMA index_list = t",
			"EXPLAIN SELECT 1", "EXPLAIN QUERY PLAN SELECT 1",
		}},
		{write, []string{
			"INSERT INTO t (a) VALUES (1) RETURNING *", "INSERT OR REPLACE INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1", "REPLACE INTO t (a) VALUES (1)", "UPDATE t SET a = 1 RETURNING a", "DELETE FROM t", "WITH a AS (SELECT 1) DELETE FROM t", "WITH a AS (SELECT 1) REPLACE INTO t VALUES (1)",
			"VACUUM", "VACUUM INTO 'x'", "REINDEX t", "ANALYZE",
		}},
		{"primary write pins:setting", []string{"PRAGMA user_version = 1", "PRAGMA journal_mode(wal)", "PRAGMA wal_checkpoint", "PRAGMA optimize", "PRAGMA main.incremental_vacuum(5)"}},
		{writeDDL, []string{"CREATE TABLE t (a VARCHAR(10))", "ALTER TABLE t ADD b", "DROP TABLE t", "CREATE VIRTUAL TABLE t USING fts5(a)"}},
		{"primary ddl pins:temp", []string{"CREATE TEMP TABLE t (a)", "CREATE TEMPORARY TABLE t AS SELECT 1"}},
		{"primary pins:setting", []string{"PRAGMA foreign_keys = ON", "PRAGMA query_only(1)", "ATTACH 'x' AS y", "DETACH y"}},
		{primary, []string{"PRAGMA query_only", "PRAGMA foreign_keys", "PRAGMA data_version", "SELECT last_insert_rowid()", "SELECT changes(), total_changes()", "EXPLAIN DELETE FROM t"}},
		{unknownFn, []string{"SELECT f(1)", "SELECT load_extension('x')", "PRAGMA nosuch", "SELECT * FROM f(1)", "SELECT over(1)", "SELECT \"f\"(1)"}},
		{"primary tx:begin", []string{"BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE TRANSACTION", "BEGIN DEFERRED", "BEGIN TRANSACTION"}},
		{"primary tx:commit", []string{"COMMIT", "END", "END TRANSACTION", "COMMIT TRANSACTION"}},
		{"primary tx:rollback", []string{"ROLLBACK", "ROLLBACK TRANSACTION"}},
		{"primary tx:savepoint", []string{"SAVEPOINT a", "RELEASE a", "ROLLBACK TO a", "ROLLBACK TRANSACTION TO SAVEPOINT a"}},
		{unknown, []string{"SELECT # 1", "SELECT $a(1)", "SELECT [a", "SELECT $a::b", "PRAGMA", "BEGIN READ ONLY", "CALL p()", "SELECT 1for FROM t"}},
	})
}
