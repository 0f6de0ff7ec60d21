package rwsplit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rwsplit/rwsplit"
)

// mysqlBoth holds for MySQL, for MariaDB, and while it is unknown which it is.
var mysqlBoth = []verdict{
	{replica, []string{
		"SELECT 1", "select * from `t` where id = ?", "TABLE t", "VALUES ROW(1, 2), ROW(3, 4)", "(SELECT 1) UNION ALL (SELECT 2) LIMIT 1",
		"WITH RECURSIVE a (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a) SELECT * FROM a",
		"SELECT SQL_NO_CACHE DISTINCT a, t.update, t.`delete` FROM db.t AS t FORCE INDEX (i) USE INDEX FOR JOIN (j, k) IGNORE KEY (l) LEFT JOIN u PARTITION (p0, p1) v ON t.a = v.b",
		"SELECT COUNT(*), GROUP_CONCAT(DISTINCT a ORDER BY b SEPARATOR ','), IF(a, 1, 2), REPLACE(a, 'x', 'y'), INSERT(a, 1, 2, 'x'), LEFT(a, 1), VALUES(a) FROM t GROUP BY a WITH ROLLUP",
		"SELECT CAST(a AS DECIMAL(10,2)), CONVERT(a, CHAR(10)), CONVERT(a USING utf8mb4), a + INTERVAL 1 DAY, DATE_ADD(a, INTERVAL (b + 1) HOUR), EXTRACT(YEAR FROM a), TRIM(LEADING 'x' FROM a), POSITION('a' IN b) FROM t",
		"SELECT * FROM t WHERE MATCH (a, b) AGAINST ('x' IN BOOLEAN MODE) AND a IN (1, 2) AND b NOT IN (SELECT 1) AND (a, b) = ANY (SELECT 1, 2) OR a DIV (2) = 1 XOR (b)",
		"SELECT rank() OVER (PARTITION BY a ORDER BY b), ROW_NUMBER() OVER w FROM t WINDOW w AS (ORDER BY a)",
		"SELECT * FROM JSON_TABLE('[]', '$[*]' COLUMNS (id FOR ORDINALITY, n VARCHAR(20) PATH '$.n' DEFAULT 'x' ON EMPTY, NESTED PATH '$.x[*]' COLUMNS (y DECIMAL(10,2) PATH '$'))) AS jt",
		"SELECT a -> '$.b', a ->> '$.b', a <=> b, !c, ~d, a || b, a && b, 5--1, x'1F', b'01', 0x1F, N'a', _utf8mb4'a' FROM t",
		"SELECT 'it''s ; DELETE FROM t', \"a\"\"b; DELETE\", 'it\\'s', `a``b; DELETE` FROM t",
		"SELECT 'a\\\\', \"b\\\\\"", "SELECT 'a' LIKE 'b' ESCAPE '\\\\'",
		"SELECT 1 # ; DELETE FROM t", "SELECT 1 -- ; DELETE FROM t", "SELECT 1 --\t; DELETE\n", "SELECT 1 /* ; /* DELETE */", "SELECT /*+ MAX_EXECUTION_TIME(1000) BKA(t) */ 1",
		"SELECT 1 --", "SELECT /*!50000 STRAIGHT_JOIN */ * FROM t", "SELECT /*! SQL_NO_CACHE */ * FROM t",
		"SELECT * FROM 2fa_tokens WHERE 2fa_tokens.1st = 1e5 AND .5 < 1. AND 1.5e-3 > 0",
		"SELECT @@version, @@port, @@hostname, @@server_id, @@global.max_connections, @@session.sql_mode, @@tx_isolation",
		"SELECT NOW(), UUID(), RAND(), SLEEP(0), SYSDATE(), CURRENT_TIMESTAMP(6), CURRENT_USER(), CURRENT_DATE, DATABASE(), VERSION(), USER()",
		"SELECT ST_AsText(a), ST_Distance(a, POINT(1, 2)) FROM t WHERE ST_Contains(a, b)",
		"SELECT DATE_FORMAT(created_at, '%Y-%m') AS m, SUM(total) FROM orders GROUP BY m HAVING SUM(total) > 5 ORDER BY m DESC LIMIT 10 OFFSET 5",
		"SHOW TABLES", "SHOW FULL TABLES FROM db LIKE 'a%'", "SHOW CREATE TABLE t", "SHOW COLUMNS FROM t", "SHOW INDEX FROM t WHERE Key_name = 'x'", "SHOW DATABASES", "SHOW TABLE STATUS",
		"SHOW FULL COLUMNS FROM t FROM db", "SHOW COLLATION", "SHOW CHARACTER SET", "SHOW GRANTS FOR 'a'@'%'", "SHOW CREATE USER a@b", "SHOW FUNCTION STATUS", "SHOW ENGINES", "SHOW VARIABLES LIKE 'max_connections'",
		"DESCRIBE t", "DESC db.t", "DESC t a", "EXPLAIN t", "EXPLAIN SELECT 1", "EXPLAIN FORMAT=JSON SELECT 1", "EXPLAIN FORMAT = TREE (SELECT 1)", "EXPLAIN EXTENDED SELECT 1", "DESC SELECT 1",
		"SELECT * FROM information_schema.tables", "SELECT * FROM t FOR SYSTEM_TIME AS OF '2020-01-01'", "SELECT 1 FROM DUAL", "SELECT {d '2020-01-01'}, {fn NOW()}",
	}},
	{write, []string{
		"INSERT INTO t (a, b) VALUES (1, NOW()) ON DUPLICATE KEY UPDATE a = VALUES(a)", "INSERT IGNORE t (a) VALUES (1)", "INSERT LOW_PRIORITY INTO db.t (a) SELECT 1", "REPLACE INTO t (a) VALUES (1)", "REPLACE t (a) VALUES (1)",
		"INSERT INTO t SET a = 1", "INSERT INTO t (a) VALUES (1) RETURNING a", "UPDATE t SET a = 1", "UPDATE t JOIN u ON t.a = u.a SET t.b = 1", "DELETE FROM t", "DELETE t FROM t JOIN u",
		"WITH a AS (SELECT 1) UPDATE t SET a = 1", "WITH a (n) AS (SELECT 1) DELETE FROM t", "LOAD DATA LOCAL INFILE 'x' INTO TABLE t (a, b)", "KILL 1", "KILL QUERY 1", "BINLOG 'x'",
		"SET GLOBAL a = 1", "SET PERSIST a = 1", "SET @@GLOBAL.a = 1", "SET GLOBAL TRANSACTION READ ONLY", "/*! DELETE FROM t */",
	}},
	{"primary write ddl tx:implicit", []string{
		"CREATE TABLE t (a VARCHAR(20), KEY (a)) PARTITION BY RANGE (f(a)) (PARTITION p0 VALUES LESS THAN (1))", "CREATE TABLE t SELECT 1", "CREATE UNIQUE INDEX i ON t (a)", "ALTER TABLE t ADD b INT", "DROP TABLE t",
		"CREATE USER a@b IDENTIFIED BY 'x'", "GRANT ALL ON *.* TO 'a'@'%'", "REVOKE SELECT, INSERT ON t FROM a@b", "RENAME TABLE a TO b", "INSTALL PLUGIN a SONAME 'b'", "CREATE DATABASE d", "DROP VIEW v",
		"CREATE DEFINER=`a`@`b` VIEW v AS SELECT 1", "CREATE OR REPLACE VIEW v AS SELECT f(1)", "CREATE FUNCTION f() RETURNS INT RETURN 1",
	}},
	{"primary write tx:implicit", []string{"TRUNCATE TABLE t", "TRUNCATE t", "ANALYZE TABLE t", "OPTIMIZE TABLE t", "REPAIR TABLE t", "CHECK TABLE t", "FLUSH PRIVILEGES", "SET PASSWORD FOR a@b = 'x'", "SET DEFAULT ROLE ALL TO a"}},
	{"primary write tx:unknown", []string{"CACHE INDEX t IN c", "LOAD INDEX INTO CACHE t"}},
	{"primary write tx:unknown", []string{"RESET MASTER", "PURGE BINARY LOGS TO 'x'", "CHANGE MASTER TO MASTER_HOST='x'", "START REPLICA", "STOP SLAVE"}},
	{"primary write tx:implicit pins:tablelock", []string{"FLUSH TABLES WITH READ LOCK", "FLUSH TABLES t FOR EXPORT"}},
	{unknown, []string{
		"CALL p()", "SELECT 1 INTO", "SIGNAL SQLSTATE '45000'", "BEGIN NOT ATOMIC SELECT 1; SELECT 2; END", "IF 1 THEN SELECT 1; END IF", "SET", "SET a", "EXPLAIN", "SELECT {fn 1)",
		"SELECT /*!50000 a */ /*!60000 b */ 1", "SELECT /*!50000 'a*/' */ 1", "SELECT /*!500 1 */", "SELECT $$ ' $$", "SELECT 0x1Ffor UPDATE", "SELECT 1e5for UPDATE",
	}},
	{"primary write opaque ddl tx:unknown pins:uservar,opaque", []string{"CALL p(@a)", "SELECT 1 INTO @a INTO", "SET @a"}},
	{"primary write opaque ddl tx:unknown pins:opaque", []string{"EXECUTE IMMEDIATE 'SELECT 1'"}},
	{"primary write opaque ddl tx:unknown pins:prepared,opaque", []string{"EXECUTE s"}},
	{"primary write opaque ddl tx:unknown pins:uservar,prepared,opaque", []string{"EXECUTE s USING @a, @b"}},
	{unknownFn, []string{
		"DO SLEEP(1)", "SELECT f(1)", "SELECT db.f(1)", "SELECT `sleep`(1)", "SELECT \"sleep\"(1)", "SELECT sys.format_bytes(1)", "SELECT * FROM t WHERE f(a)", "SELECT 1 ORDER BY f(1)", "SELECT * FROM t PROCEDURE ANALYSE()",
		"SELECT * FROM t FOR SYSTEM_TIME AS OF f(1)", "SELECT * FROM t x LIMIT 1 UNION SELECT f(1)", "SELECT 1 INTO a", "SHOW TABLES WHERE f(1)", "SELECT against(1)", "SELECT columns(1)", "SELECT @@ſuper_read_only",
	}},
	{primary, []string{
		"SELECT * FROM t FOR UPDATE", "SELECT * FROM t FOR UPDATE NOWAIT", "SELECT * FROM t FOR SHARE OF t SKIP LOCKED", "SELECT * FROM t LOCK IN SHARE MODE", "SELECT * FROM t WHERE a = (SELECT 1 FROM u FOR UPDATE)",
		"TABLE t FOR UPDATE", "(SELECT 1) UNION (SELECT 2 FROM t LOCK IN SHARE MODE)", "WITH a AS (SELECT * FROM t FOR UPDATE) SELECT * FROM a", "SELECT 1 FOR/**/UPDATE", "SELECT 1 FOR #\nUPDATE", "SELECT 1 /*!50000 FOR UPDATE */", "SELECT 1 FOR /*!50000 SHARE */",
		"SELECT 1 FOR /*!50000 x */ SHARE", "SELECT * FROM t INTO OUTFILE '/x'", "SELECT 1 INTO DUMPFILE '/x'", "SELECT a FROM t INTO OUTFILE 'x' FIELDS TERMINATED BY ','",
		"SELECT LAST_INSERT_ID()", "SELECT LAST_INSERT_ID() AS id", "SELECT last_insert_id (5)", "SELECT ROW_COUNT()", "SELECT @@identity", "SELECT @@last_insert_id", "SELECT @@session.identity", "SELECT @@`identity`", "SELECT @@last_gtid",
		"SELECT SQL_CALC_FOUND_ROWS * FROM t", "EXPLAIN INSERT INTO t VALUES (1)", "EXPLAIN UPDATE t SET a = 1", "DESC DELETE FROM t", "EXPLAIN REPLACE INTO t VALUES (1)", "EXPLAIN SELECT 1 FOR UPDATE", "EXPLAIN FOR CONNECTION 5",
		"SELECT LOAD_FILE('x')", "SELECT UUID_SHORT()", "SELECT CONNECTION_ID()", "SELECT MASTER_POS_WAIT('a', 1)", "SELECT WAIT_FOR_EXECUTED_GTID_SET('x')", "SELECT MASTER_GTID_WAIT('x')",
		"SHOW MASTER STATUS", "SHOW BINARY LOG STATUS", "SHOW BINARY LOGS", "SHOW REPLICAS", "SHOW SLAVE HOSTS", "SHOW PROCESSLIST", "SHOW FULL PROCESSLIST", "SHOW ENGINE INNODB STATUS", "SHOW OPEN TABLES", "SHOW PROFILES", "SHOW GLOBAL STATUS", "SHOW STATUS", "SHOW SLAVE STATUS",
		"SELECT @@read_only", "SELECT @@GLOBAL.super_read_only", "SELECT @@global . read_only", "SELECT @@transaction_read_only", "SELECT @@autocommit", "SHOW VARIABLES", "SHOW VARIABLES LIKE 'read%'", "SHOW GLOBAL VARIABLES LIKE 'super_read_only'", "SHOW VARIABLES LIKE '%only'", "SHOW VARIABLES LIKE \"READ_ONLY\"", "SHOW VARIABLES WHERE Variable_name = 'read_only'",
		"SELECT @@warning_count, @@read_only", "CHECKSUM TABLE t", "SELECT * FROM performance_schema.threads",
	}},
	{last, []string{"SHOW WARNINGS", "SHOW WARNINGS LIMIT 5", "SHOW ERRORS", "SHOW COUNT(*) WARNINGS", "SHOW COUNT(*) ERRORS", "SELECT @@warning_count", "SELECT @@error_count", "SELECT FOUND_ROWS()", "SELECT @@session.warning_count"}},
	{"last pins:uservar", []string{"GET DIAGNOSTICS @n = NUMBER", "GET CURRENT DIAGNOSTICS CONDITION 1 @m = MESSAGE_TEXT"}},
	{"primary pins:setting", []string{
		"SET NAMES utf8mb4", "SET CHARACTER SET utf8", "SET CHARSET utf8", "SET ROLE a", "USE db", "SET TRANSACTION READ ONLY", "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SET SESSION a = 1", "SET LOCAL a = 1", "SET a = DEFAULT", "SET sql_mode = REPLACE(@@sql_mode, 'a', 'b')",
		"SET @@a = 1", "SET @@session.a := 'x', time_zone = '+00:00'", "SET NAMES utf8mb4 COLLATE x, a = 1", "/*!40101 SET NAMES utf8mb4 */", "SET foreign_key_checks = OFF", "SET RESOURCE GROUP g",
	}},
	{"primary pins:uservar", []string{"SET @a = 1", "SET @a := 1, @b = (SELECT 2)", "SELECT @a", "SELECT @a := 1", "SELECT @'a b'", "SELECT @`a`", "SELECT 1 INTO @a", "SELECT a, b INTO @a, @b FROM t", "SELECT * FROM t WHERE id = @a", "SELECT @\"a\""}},
	{"primary pins:setting,uservar", []string{"SET @a = 1, b = 2", "SET a = @a"}},
	{"primary write pins:setting", []string{"SET a = 1, GLOBAL b = 2", "SET GLOBAL a = 1, SESSION b = 2", "SET @@global.a = 1, @@session.b = 1"}},
	{"primary write opaque ddl pins:setting,opaque", []string{"SET a = f(1)"}},
	{"primary pins:prepared", []string{"PREPARE s FROM 'DELETE FROM t'", "DEALLOCATE PREPARE s", "DROP PREPARE s"}},
	{"primary pins:uservar,prepared", []string{"PREPARE s FROM @sql"}},
	{"primary ddl pins:temp", []string{"CREATE TEMPORARY TABLE t (a VARCHAR(20))", "CREATE TEMPORARY TABLE t SELECT 1", "DROP TEMPORARY TABLE t"}},
	{"primary ddl tx:unknown pins:temp", []string{"CREATE TEMPORARY SEQUENCE s", "DROP TEMPORARY SEQUENCE s", "CREATE OR REPLACE TEMPORARY SEQUENCE s"}},
	{"primary write opaque ddl pins:temp,opaque", []string{"CREATE TEMPORARY TABLE t AS SELECT f(1)"}},
	{"primary tx:implicit pins:tablelock", []string{"LOCK TABLES t READ", "LOCK TABLE t WRITE"}},
	{"primary tx:unknown pins: clears:tablelock", []string{"UNLOCK TABLES", "UNLOCK TABLE"}},
	{"primary pins:tablelock,opaque", []string{"LOCK INSTANCE FOR BACKUP"}},
	{"primary pins:tablelock", []string{"UNLOCK INSTANCE"}},
	{"primary pins:cursor", []string{"HANDLER t OPEN", "HANDLER t READ FIRST", "HANDLER t CLOSE"}},
	{"primary pins:advisory", []string{"SELECT GET_LOCK('a', 1)", "SELECT get_lock ('a', 1)", "SELECT RELEASE_LOCK('a')", "SELECT IS_FREE_LOCK('a')", "SELECT IS_USED_LOCK('a')", "SELECT RELEASE_ALL_LOCKS(), 1", "EXPLAIN SELECT RELEASE_ALL_LOCKS()", "SELECT * FROM t WHERE GET_LOCK(a, 1)", "SELECT service_get_write_locks('a', 'b', 1)"}},
	{"primary pins: clears:advisory", []string{"SELECT RELEASE_ALL_LOCKS()"}},
	{"primary write opaque ddl pins:advisory,opaque", []string{"DO GET_LOCK('a', 1)", "DO RELEASE_LOCK('a')"}},
	{"primary write pins:advisory", []string{"INSERT INTO t VALUES (GET_LOCK('a', 1))"}},
	{"primary write pins:uservar", []string{"UPDATE t SET a = (@n := @n + 1)"}},

	{"primary tx:begin", []string{"BEGIN", "BEGIN WORK", "START TRANSACTION", "START TRANSACTION WITH CONSISTENT SNAPSHOT", "START TRANSACTION READ WRITE", "START TRANSACTION READ ONLY, READ WRITE"}},
	{"replica tx:begin-ro", []string{"START TRANSACTION READ ONLY", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"}},
	{"primary tx:commit", []string{"COMMIT", "COMMIT WORK", "COMMIT RELEASE", "COMMIT AND NO CHAIN NO RELEASE"}},
	{"primary tx:rollback", []string{"ROLLBACK", "ROLLBACK WORK", "ROLLBACK RELEASE"}},
	{"primary tx:chain", []string{"COMMIT AND CHAIN", "ROLLBACK WORK AND CHAIN NO RELEASE"}},
	{"primary tx:savepoint", []string{"SAVEPOINT a", "RELEASE SAVEPOINT a", "ROLLBACK TO a", "ROLLBACK WORK TO SAVEPOINT a"}},
	{"primary write tx:xa-start", []string{"XA START 'x'", "XA BEGIN 'x', 'y', 1"}},
	{"primary write tx:xa-end", []string{"XA COMMIT 'x'", "XA COMMIT 'x' ONE PHASE", "XA ROLLBACK 'x'", "XA PREPARE 'x'"}},
	{write, []string{"XA END 'x'", "XA RECOVER"}},
	{"primary tx:off pins:setting", []string{
		"SET autocommit=0", "SET AUTOCOMMIT = OFF", "SET SESSION autocommit := 0", "SET LOCAL autocommit = false", "SET @@autocommit = 0", "SET @@session.autocommit = 'off'", "SET @@local.autocommit=0", "SET a = 1, autocommit = \"OFF\", b = 2", "SET `autocommit` = 0", "SET NAMES utf8, autocommit = 0",
	}},
	{"primary tx:on pins:setting", []string{"SET autocommit=1", "SET autocommit = ON", "SET SESSION autocommit = TRUE", "SET @@autocommit = 'on'", "SET @@session.autocommit:=1, a = 2"}},
	{"primary tx:unknown pins:setting", []string{"SET autocommit = 1 - 1", "SET autocommit = DEFAULT", "SET autocommit = (SELECT 0)", "SET autocommit = ?", "SET autocommit = 0, autocommit = 1", "SET autocommit = '0'", "SET autocommit = @@global.autocommit"}},
	{"primary tx:unknown pins:setting,uservar", []string{"SET autocommit = @old"}},
	{write, []string{"SET GLOBAL autocommit = 0", "SET @@global.autocommit = 0"}},
}

func TestClassifyMySQL(t *testing.T) {
	checkVerdicts(t, "mysql", mysqlBoth)
	checkVerdicts(t, "mysql", []verdict{
		{replica, []string{"SELECT ANY_VALUE(a), BIN_TO_UUID(b) FROM t", "SELECT * FROM t, LATERAL (SELECT f.a FROM f) x", "EXPLAIN ANALYZE SELECT 1", "SELECT a MEMBER OF ('[1]') FROM t", "EXPLAIN FORMAT=TREE FOR SCHEMA s SELECT 1", "SELECT 1 /*M! FOR UPDATE */"}},
		{write, []string{"EXPLAIN ANALYZE UPDATE t SET a = 1", "EXPLAIN ANALYZE FORMAT=TREE DELETE FROM t"}},
		{"primary pins:uservar", []string{"EXPLAIN FORMAT=JSON INTO @a SELECT 1"}},
		{unknownFn, []string{"SELECT NEXTVAL(s)", "SELECT MEDIAN(a) FROM t"}},
		{unknown, []string{"ANALYZE SELECT 1", "SET STATEMENT a = 1 FOR SELECT 1"}},
	})
}

func TestClassifyMariaDB(t *testing.T) {
	checkVerdicts(t, "mariadb", mysqlBoth)
	checkVerdicts(t, "mariadb", []verdict{
		{replica, []string{"SELECT MEDIAN(a) OVER (PARTITION BY b) FROM t", "ANALYZE SELECT 1", "ANALYZE FORMAT=JSON SELECT * FROM t", "SET STATEMENT max_statement_time = (1), a = 'FOR' FOR SELECT 1", "SELECT JSON_QUERY(a, '$') FROM t", "SELECT 1 LIMIT ROWS EXAMINED 5", "SELECT * FROM t FOR SYSTEM_TIME BETWEEN '2020-01-01' AND NOW()", "SELECT next, previous, value FROM t"}},
		{write, []string{"ANALYZE UPDATE t SET a = 1", "ANALYZE FORMAT=JSON DELETE FROM t", "SET STATEMENT a = 1 FOR DELETE FROM t", "SELECT NEXTVAL(s)", "SELECT SETVAL(s, 1)", "SELECT NEXT VALUE FOR s", "SELECT NEXT VALUE FOR db.s", "SELECT s.nextval", "SELECT s.NEXTVAL FROM DUAL"}},
		{primary, []string{"SELECT LASTVAL(s)", "SELECT PREVIOUS VALUE FOR s", "SELECT s.currval", "SET STATEMENT a = 1 FOR SELECT 1 FOR UPDATE", "SELECT 1 /*M! FOR UPDATE */", "SELECT 1 /*M!100100 FOR UPDATE */", "SELECT @@in_transaction"}},
		{unknownFn, []string{"SELECT ANY_VALUE(a) FROM t", "SELECT pkg.f(1)"}},
		{unknown, []string{"SET STATEMENT a = (SELECT f(1)) FOR SELECT 1", "SET STATEMENT a = 1", "BEGIN NOT ATOMIC DELETE FROM t; END"}},
	})
}

// The same text is read under every sql_mode that a server may have.
func TestClassifyMySQLUnderEverySQLMode(t *testing.T) {
	tests := []struct{ query, want string }{
		{`SELECT 'it\'s'`, replica},                                  // malformed under NO_BACKSLASH_ESCAPES
		{`SELECT 'a\' FOR UPDATE -- '`, primary},                     // a lock under NO_BACKSLASH_ESCAPES
		{`SELECT 'a\'; DELETE FROM t; -- '`, "primary write opaque"}, // a batch there
		{`SELECT 'a\'; DELETE FROM t; SELECT 'b'`, unknown},          // runs before the error
		{`SELECT "a\" FOR UPDATE -- "`, primary},                     // under ANSI_QUOTES too
		{`SELECT "a\"; DELETE FROM t -- "`, "primary write opaque"},  //
		{`SELECT 'a\\' FOR UPDATE -- '`, primary},                    // the same under both
		{`SELECT 'a\\'' FOR UPDATE -- '`, replica},                   // in the string under both
		{`SELECT 'a\\\' FOR UPDATE -- '`, primary},                   //
		{`SELECT "sleep"(1)`, unknownFn},                             // a function under ANSI_QUOTES
		{`SELECT 'a' "b\"c" FROM t`, replica},                        //
		{`SELECT 'a\' /*!50000 ' FOR UPDATE */ -- '`, unknown},
		{`SELECT 'a\' /*!50000 -- ' */ FOR UPDATE -- '`, unknown},
		{`SELECT 'a\', 1 /*!50000 + 1 */ -- '`, replica},
		{`SELECT 'a\', 1 /*!50000 FOR UPDATE */ -- '`, primary},
	}
	for _, dialect := range []string{"mysql", "mariadb"} {
		for _, tt := range tests {
			assert.Equal(t, tt.want, summary(rwsplit.Classify(dialect, tt.query)), "%s: %s", dialect, tt.query)
		}
	}
}

func TestClassifyMySQLFamily(t *testing.T) {
	for _, v := range mysqlBoth {
		for _, query := range v.queries {
			if got := summary(rwsplit.ClassifyFamily(query)); got != v.want {
				t.Errorf("got %q, want %q: %s", got, v.want, query)
			}
		}
	}
}

func TestClassifyRoutinesOfMySQL(t *testing.T) {
	for _, query := range []string{
		"CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END",
		"CREATE DEFINER=`a`@`b` TRIGGER t BEFORE INSERT ON u FOR EACH ROW BEGIN SET NEW.a = 1; END",
		"CREATE OR REPLACE FUNCTION f() RETURNS INT BEGIN RETURN 1; END",
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN DELETE FROM t; END",
	} {
		for _, dialect := range []string{"mysql", "mariadb"} {
			assert.Equal(t, unknown, summary(rwsplit.Classify(dialect, query)), query)
		}
	}
}

func TestClassifyMySQLWithKnowledge(t *testing.T) {
	tests := []struct{ query, want string }{
		{"SELECT Price(1), PRICE (2), `price`(3), \"price\"(4)", replica},
		{"SELECT shop.total(1), `shop`.`Total`(2)", replica},
		{"SELECT total(1)", unknownFn},
		{"SELECT shop.price(1)", unknownFn},
		{"SELECT price(1) FOR UPDATE", primary},
	}
	for _, dialect := range []string{"mysql", "mariadb"} {
		for _, tt := range tests {
			got := summary(rwsplit.ClassifyKnowing(dialect, tt.query, []string{"price", "shop.Total"}, nil, nil))
			assert.Equal(t, tt.want, got, "%s: %s", dialect, tt.query)
		}
	}
}
