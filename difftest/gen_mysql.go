package difftest

var mysqlLexicon = &lexicon{
	names: []string{
		"a", "id", "t", "users", "orders", "name", "total", "u", "größe", "a$b", "updated_at", "deleted", "inserts", "for_update",
		"share", "nowait", "locked", "mode", "data", "shop.t", "x.y",
	},
	quoted: []string{"`id`", "`a``b`", "`for update`", "`; DELETE FROM t`", "`-- `", "`/*`", "`'`", "`\"`", "`#`", "`\\`", "`shop`.`t`", "`@x`"},
	strings: []string{
		`'a'`, `''`, `''''`, `'it''s'`, `'; DELETE FROM t; -- '`, `'FOR UPDATE'`, `'/*'`, `'-- '`, `'#'`, `'"'`, "'`'",
		`"a"`, `""`, `"it's"`, `""""`, `"; DELETE FROM t"`, `"/*"`, `'it\'s'`, `'\\'`, `"a\"b"`, `N'x'`, `_utf8mb4'x'`, `x'1F'`, `b'101'`, `0x1F`, `'a' 'b'`, `'@x'`,
	},
	noise: []string{
		" /* x */ ", "/**/", " -- x\n", " # x\n", " /* FOR UPDATE */ ", " /* ; DELETE FROM t */ ", " -- ; DELETE FROM t\n",
		" # ; DELETE FROM t\n", " /* ' */ ", " -- '\n", " # '\n", " /* \" */ ", " /* ` */ ", " /* /* */ ", " --\t\n", " /***/ ", " -- \\\n",
	},
	safe: []string{
		"NOW()", "LOWER(name)", "UPPER('x')", "LENGTH(name)", "ABS(-1)", "ROUND(1.5, 1)", "CONCAT('a', \"b\")", "CURRENT_TIMESTAMP",
		"DATE_ADD(NOW(), INTERVAL 1 DAY)", "EXTRACT(YEAR FROM NOW())", "RAND()", "UUID()", "JSON_OBJECT('a', 1)", "MD5('x')", "IF(1, 2, 3)",
		"DATE_FORMAT(NOW(), '%Y')", "GREATEST(1, 2)", "NULLIF(1, 2)", "IFNULL(a, 1)", "GROUP_CONCAT(name ORDER BY id SEPARATOR ',')",
		"REGEXP_REPLACE(name, 'a', 'b')", "VERSION()", "DATABASE()", "TRIM(BOTH ' ' FROM name)", "POSITION('a' IN name)", "@@port", "@@hostname",
		"CONVERT(name USING utf8mb4)", "CONVERT('1', SIGNED)", "CHAR(65)", "REPLACE(name, 'a', 'b')", "INSERT('abc', 1, 1, 'x')", "LEFT(name, 1)",
		"SLEEP(0)", "JSON_EXTRACT(a, '$.x')", "INTERVAL(1, 2)", "MOD(5, 3)", "TIMESTAMPDIFF(DAY, a, NOW())", "LAST_DAY(a)", "LOWER (name)",
	},
	unsafeCalls: []string{
		"LAST_INSERT_ID()", "GET_LOCK('a', 1)", "get_lock ('a', 1)", "RELEASE_LOCK('a')", "IS_FREE_LOCK('a')", "my_function(1)",
		"shop.lower('x')", "`my_function`(1)", "@v", "@v := 1", "@`v`", "@'v'", "ROW_COUNT()", "CONNECTION_ID()", "UUID_SHORT()", "LOAD_FILE('/x')",
		"LOWER(GET_LOCK('a', 1))", "GET_LOCK/**/('a', 1)", "MASTER_POS_WAIT('a', 1)", "@@last_insert_id", "@@identity",
		"WAIT_FOR_EXECUTED_GTID_SET('a')", "RELEASE_ALL_LOCKS()", "IFNULL(1, GET_LOCK('a', 1))",
	},
	aggregates: []string{"COUNT(*)", "SUM(total)", "AVG(total)", "MIN(id)", "MAX(id)", "COUNT(DISTINCT id)"},
	operators:  []string{"+", "-", "*", "/", "||", "&&", "XOR", "DIV", "MOD", "%", "^", "<<", "REGEXP", "LIKE", "<=>"},
	casts:      []string{"SIGNED", "UNSIGNED", "CHAR(10)", "DECIMAL(10, 2)", "DATETIME(6)", "DATE", "BINARY"},
	locks: []string{
		"FOR UPDATE", "FOR SHARE", "LOCK IN SHARE MODE", "FOR UPDATE NOWAIT", "FOR SHARE SKIP LOCKED", "FOR UPDATE SKIP LOCKED",
		"FOR UPDATE OF t", "/*! FOR UPDATE */", "/*!40000 LOCK IN SHARE MODE */",
	},
	writes: []string{
		"REPLACE INTO t (a) VALUES (1)", "INSERT IGNORE INTO t SET a = 1", "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = 2",
		"DELETE t FROM t JOIN x ON t.id = x.id", "UPDATE t, x SET t.a = 1",
	},
	explain: []string{"EXPLAIN", "EXPLAIN ANALYZE", "DESC", "DESCRIBE", "EXPLAIN FORMAT = 'json'"},
	others: []string{
		"TRUNCATE t", "CREATE TABLE t (a int)", "CREATE TEMPORARY TABLE t (a int)", "DROP TABLE t", "SET @v = 1", "SET NAMES utf8mb4",
		"SET SESSION sql_mode = ''", "SET GLOBAL max_connections = 1", "LOCK TABLES t READ", "UNLOCK TABLES", "USE shop", "DO SLEEP(1)", "CALL p()",
		"PREPARE s FROM 'SELECT 1'", "EXECUTE s", "DEALLOCATE PREPARE s", "ANALYZE TABLE t", "FLUSH TABLES", "KILL 5", "GRANT SELECT ON t TO u",
		"ALTER TABLE t ADD COLUMN a int", "RENAME TABLE t TO x", "LOAD DATA LOCAL INFILE 'x' INTO TABLE t", "SET autocommit = 0", "COMMIT",
		"/*! DELETE FROM t */", "/*!40000 DROP TABLE t */", "CREATE VIEW v AS SELECT 1", "SET PASSWORD = 'x'", "OPTIMIZE TABLE t",
	},
}

// NewMySQL returns a function that generates texts for MySQL and MariaDB.
func NewMySQL(seed uint64) func() Sample { return newGenerator(seed, mysqlLexicon).Next }
