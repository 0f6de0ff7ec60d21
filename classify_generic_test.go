package rwsplit_test

import "testing"

func TestClassifyGeneric(t *testing.T) {
	checkVerdicts(t, "generic", []verdict{
		{replica, []string{
			"SELECT 1", "SELECT a, COUNT(*) FROM s.t AS x WHERE b = ? AND c = :c AND d LIKE 'x%' GROUP BY a HAVING COUNT(*) > 1 ORDER BY 2", "WITH a AS (SELECT 1) SELECT * FROM a", "SELECT 'it''s', \"a b\", `c` FROM t -- x\n",
			"SELECT CAST(a AS VARCHAR(10)), COALESCE(a, 1), SUM(a) OVER (PARTITION BY b) FROM t JOIN u ON t.a = u.a WHERE EXISTS (SELECT 1) AND a IN (1, 2) /* x */", "SELECT TOP (5) a FROM t", "SELECT DATE '2020-01-01'",
		}},
		{write, []string{"INSERT INTO t (a) VALUES (1)", "UPDATE t SET a = 1", "DELETE FROM t", "MERGE INTO t USING s ON (a = b) WHEN MATCHED THEN DELETE", "UPSERT INTO t VALUES (1)", "SELECT NEXT VALUE FOR s", "SELECT s.nextval FROM dual", "WITH a AS (DELETE FROM t) SELECT 1"}},
		{"primary write ddl tx:unknown", []string{"CREATE TABLE t (a INT)", "DROP TABLE t", "TRUNCATE TABLE t", "GRANT SELECT ON t TO u"}},
		{primary, []string{
			"SELECT * FROM t FOR UPDATE", "SELECT * FROM t LOCK IN SHARE MODE", "SELECT * FROM t FOR KEY SHARE", "SELECT s.currval FROM dual",
			"SELECT PREVVAL FOR s FROM t", "SELECT a FROM t FOR READ ONLY WITH RR USE AND KEEP EXCLUSIVE LOCKS", "SELECT a FROM t WITH RS USE AND KEEP SHARE LOCKS",
		}},
		{"primary pins:setting", []string{"USE db"}},
		{"primary write opaque ddl tx:unknown pins:setting,opaque", []string{"SET a = 1", "SET TRANSACTION READ ONLY"}},
		{unknownFn, []string{"SELECT f(1)", "SELECT a INTO b FROM t", "SELECT TOP (5) f(1) FROM t", "SELECT a FROM t WITH (NOLOCK)", "SELECT JSON_EXTRACT(a, '$') FROM t", "SELECT \"lower\"(a) FROM t"}},
		{unknown, []string{
			"CALL p()", "EXEC p", "SHOW TABLES", "DO 1", "SELECT 'a\\'", "SELECT 'a\\b'", "SELECT $$a$$", "SELECT $1", "SELECT [a] FROM t", "SELECT 1 # x", "SELECT 1--1", "SELECT /* /* */ 1", "SELECT /*! 1 */", "SELECT /*+ x */ 1", "SELECT @a", "SELECT E'a'", "SELECT q'[a]'", "SELECT 1 -- x\rFOR UPDATE", "BEGIN x; END",
			"SELECT {fn f()}",
		}},
		{"primary tx:begin", []string{"BEGIN", "BEGIN TRANSACTION", "BEGIN TRAN", "START TRANSACTION", "START TRANSACTION READ ONLY"}},
		{"primary tx:commit", []string{"COMMIT", "COMMIT WORK", "COMMIT TRAN"}},
		{"primary tx:rollback", []string{"ROLLBACK", "ROLLBACK TRANSACTION"}},
		{"primary tx:savepoint", []string{"SAVEPOINT a", "ROLLBACK TO SAVEPOINT a", "RELEASE SAVEPOINT a"}},
	})
}
