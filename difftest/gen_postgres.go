package difftest

var postgresLexicon = &lexicon{
	postgres: true,
	names: []string{
		"a", "id", "t", "users", "orders", "name", "total", "u", "größe", "a$b", "updated_at",
		"deleted", "inserts", "for_update", "lock", "share", "nowait", "locked", "data", "no", "key", "public.t", "x.y",
	},
	quoted: []string{`"id"`, `"a""b"`, `"for update"`, `"; DELETE FROM t"`, `"--"`, `"/*"`, `"'"`, `"$$"`, `"\"`, `"public"."t"`, `U&"\0061"`},
	strings: []string{
		`'a'`, `''`, `''''`, `'it''s'`, `'; DELETE FROM t; --'`, `'\'`, `'FOR UPDATE'`, `'/*'`, `'--'`, `'"'`, `'$$'`,
		`E'\''`, `E'\\'`, `E'a\'; DELETE FROM t; --'`, `$$a$$`, `$$'$$`, `$a$ $$ $a$`, `$a$; DELETE FROM t;$a$`, `$x$$y$ $y$ $x$`,
		`U&'\0061'`, `B'101'`, `X'1F'`, `N'x'`, "'a'\n'b'",
	},
	noise: []string{
		" /* x */ ", "/**/", " -- x\n", " /* FOR UPDATE */ ", " /* ; DELETE FROM t */ ", " -- ; DELETE FROM t\n",
		" /* ' */ ", " -- '\n", " /* \" */ ", " /* $$ */ ", " /* /* n */ DELETE */ ", " /* /*/ ' */ */ ", " --\r", " /*! DELETE */ ", " -- \\\n", " \f",
	},
	safe: []string{
		"now()", "lower(name)", "upper('x')", "length(name)", "abs(-1)", "round(1.5, 1)", "concat('a', 'b')", "current_timestamp",
		"date_trunc('day', now())", "extract(year FROM now())", "random()", "gen_random_uuid()", "jsonb_build_object('a', 1)", "md5('x')",
		"pg_catalog.lower('x')", "to_char(now(), 'YYYY')", "greatest(1, 2)", "nullif(1, 2)", "array_length(ARRAY[1], 1)", "lower (name)",
		"regexp_replace(name, 'a', 'b')", "version()", "current_database()", "pg_is_in_recovery()", "trim(both ' ' from name)",
		"position('a' IN name)", "overlay('abc' PLACING 'x' FROM 1 FOR 1)", "string_to_array('a', ',')", "pg_size_pretty(1::bigint)", "pg_sleep(0)",
	},
	unsafeCalls: []string{
		"nextval('s')", "nextval ('s')", "pg_catalog.nextval('s')", `"nextval"('s')`, "setval('s', 1)", "currval('s')", "lastval()",
		"pg_advisory_lock(1)", "pg_try_advisory_xact_lock(1)", "set_config('a.b', 'c', false)", "txid_current()", "pg_notify('a', 'b')",
		"my_function(1)", "public.now()", `"NOW"()`, "crm.lower('x')", "dblink('x', 'y')", "pg_backend_pid()", "lo_create(0)",
		"query_to_xml('DELETE FROM t', true, true, '')", "pg_current_wal_lsn()", "setseed(0.5)", "pg_terminate_backend(1)", "nextval/**/('s')",
		`U&"nextv\0061l"('s')`, "pg_stat_get_activity(1)", "lower(nextval('s')::text)", "coalesce(null, setval('s', 1))",
	},
	aggregates: []string{"count(*)", "sum(total)", "avg(total)", "min(id)", "max(id)", "row_number()", "rank()", "array_agg(id)"},
	operators:  []string{"+", "-", "*", "/", "||", "->>", "@>", "&&", "~", "#>", "OPERATOR(pg_catalog.+)"},
	casts:      []string{"int", "text", "numeric(10, 2)", "timestamp(3) with time zone", "varchar(10)", "int[]", "double precision", "pg_catalog.int4"},
	locks: []string{
		"FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE", "FOR KEY SHARE", "FOR UPDATE NOWAIT", "FOR SHARE SKIP LOCKED",
		"FOR UPDATE OF t", "FOR UPDATE OF t FOR SHARE OF x", "FOR UPDATE LIMIT 1",
	},
	writes: []string{
		"MERGE INTO t USING x ON t.id = x.id WHEN MATCHED THEN DELETE", "INSERT INTO t DEFAULT VALUES",
		"INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2", "DELETE FROM ONLY t", "UPDATE ONLY t SET a = 1 FROM x",
	},
	explain: []string{"EXPLAIN", "EXPLAIN ANALYZE", "EXPLAIN (COSTS OFF)", "EXPLAIN (ANALYZE)", "EXPLAIN ANALYSE VERBOSE", "EXPLAIN VERBOSE"},
	others: []string{
		"TRUNCATE t", "CREATE TABLE t (a int)", "CREATE TEMP TABLE t AS SELECT 1", "DROP TABLE t", "SET search_path = x", "RESET ALL",
		"LOCK TABLE t", "VACUUM t", "COPY t FROM STDIN", "COPY (DELETE FROM t RETURNING *) TO STDOUT", "DO $$ BEGIN END $$", "CALL p()",
		"PREPARE p AS SELECT 1", "EXECUTE p", "LISTEN c", "NOTIFY c", "COMMENT ON TABLE t IS 'x'", "GRANT SELECT ON t TO u", "REFRESH MATERIALIZED VIEW v",
		"DISCARD ALL", "DECLARE c CURSOR WITH HOLD FOR SELECT 1", "FETCH ALL FROM c", "ALTER TABLE t ADD COLUMN a int", "ANALYZE t", "COMMIT",
		"REINDEX TABLE t", "CLUSTER t", "CHECKPOINT", "CREATE TABLE t AS SELECT 1", "EXPLAIN ANALYZE DELETE FROM t",
	},
}

// NewPostgres returns a function that generates texts for PostgreSQL.
func NewPostgres(seed uint64) func() Sample { return newGenerator(seed, postgresLexicon).Next }
