package rwsplit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rwsplit/rwsplit"
)

func TestClassifyPostgresReads(t *testing.T) {
	checkVerdicts(t, "postgres", []verdict{{replica, []string{
		"SELECT 1",
		"select * from t where id = $1",
		"TABLE t",
		"VALUES (1, 'a'), (2, 'b')",
		"(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1 LIMIT 5",
		"((SELECT 1))",
		"WITH a AS (SELECT 1) SELECT * FROM a", "WITH insert AS (SELECT 1), update (a) AS (SELECT 2) SELECT * FROM insert, update x(a) JOIN delete ON true", "WITH a AS (SELECT 1) (SELECT lower(a), lower(b) FROM a) ORDER BY 1, lower(a)",
		"WITH RECURSIVE a(n, m) AS (SELECT 1, 2 UNION ALL SELECT n + 1, m FROM a), b (x) AS MATERIALIZED (TABLE t), c AS NOT MATERIALIZED (VALUES (1)) SELECT lower(x) FROM a, b",
		"WITH RECURSIVE a(n) AS (SELECT 1) SEARCH DEPTH FIRST BY n SET ord CYCLE n SET is_cycle USING path SELECT * FROM a",
		"SELECT a.update, a.delete, insert, merge FROM t AS a",
		"SELECT 1 AS update, 2 AS into, 3 AS for",
		"SELECT substring(a FROM 2 FOR 3), overlay(a PLACING 'x' FROM 2 FOR 3), trim(BOTH 'x' FROM a), position('a' IN b), extract(epoch FROM now() - b) FROM t",
		"SELECT CAST(a AS varchar(20)), a::numeric(10,2), a::public.citext, a::character varying(3), b::timestamp(3) with time zone, CAST(a AS public.geometry(Point, 4326)) FROM t",
		"SELECT count(*) FILTER (WHERE a > 1) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM t",
		"SELECT rank() OVER w FROM t WINDOW w AS (PARTITION BY a)",
		"SELECT a, b FROM t GROUP BY GROUPING SETS ((a), (b), ()), ROLLUP (a), CUBE (b) HAVING count(*) > 1",
		"SELECT * FROM generate_series(1, 3) g(n), LATERAL (SELECT n) l(m), (VALUES (1), (2)) v(z), unnest(ARRAY[1, 2]) WITH ORDINALITY u(a, i)",
		"SELECT * FROM ROWS FROM (generate_series(1, 2), generate_series(1, 3)) AS r(a, b)",
		"SELECT * FROM json_to_recordset($1) AS x(a int, b varchar(20), c numeric(10,2))",
		"SELECT * FROM t a(b, c) JOIN u d(e) ON a.b = d.e, (v JOIN w USING (id)) AS j(k)",
		"SELECT * FROM t TABLESAMPLE system (10) REPEATABLE (5)",
		"SELECT * FROM ONLY (t), ONLY u",
		"SELECT ARRAY[[1,2],[3,4]], a[1:2], ARRAY(SELECT 1), ROW(1, 2), (a).b FROM t",
		"SELECT 1 WHERE a IN (1, 2) AND b = ANY (ARRAY[1]) OR c > ALL (SELECT 1) OR EXISTS (SELECT 1) OR NOT (d) OR (a, b) OVERLAPS (c, d)",
		"SELECT a OPERATOR(pg_catalog.+) b, a @> b, a ? 'x', a ->> 'b', a #>> '{a}', @ a, a || b FROM t",
		"SELECT E'it\\'s', 'a\\', $$ ' ; DELETE FROM t $$, $x$ $$ ' $x$, U&'d\\0061t', U&\"d\\0061t\", B'01', X'1F', N'a' FROM t",
		"SELECT E'a'\n'b\\'c'",
		"SELECT 'it''s; DELETE FROM t', \"a\"\"b; DELETE\" FROM t",
		"SELECT 1 -- ; DELETE FROM t",
		"SELECT 1 /* ; /* nested */ DELETE FROM t */",
		"SELECT 'a' LIKE 'b' ESCAPE '\\' AND c LIKE 'd' ESCAPE '\\'",
		"SELECT a FROM t WHERE b LIKE '%\\_x' AND c ~ '\\d+\\'",
		"SELECT current_date, current_timestamp(3), current_user, localtime",
		"SELECT random(), clock_timestamp(), timeofday(), statement_timestamp(), gen_random_uuid(), pg_sleep(1), pg_database_size('a'), now()",
		"SELECT inet_server_addr(), inet_server_port(), pg_is_in_recovery(), version()",
		"SELECT \"lower\"('A'), pg_catalog.upper('a'), pg_catalog.\"lower\"('A'), \"pg_catalog\".lower('A')",
		"SELECT current_setting('app.tenant', true), pg_catalog.current_setting('search_path')",
		"SELECT * FROM information_schema.tables JOIN pg_catalog.pg_class ON true JOIN pg_stats ON true",
		"SELECT xmlelement(name a, xmlattributes(b AS c)), xmlforest(a, b), x.* FROM t, XMLTABLE('/a' PASSING t.d COLUMNS i int PATH '@i', n varchar(20) PATH 'n' DEFAULT 'x') AS x",
		"SELECT jt.* FROM t, JSON_TABLE(t.j, '$[*]' COLUMNS (id FOR ORDINALITY, a int PATH '$.a', NESTED PATH '$.b[*]' COLUMNS (c text PATH '$'))) AS jt",
		"SELECT DISTINCT ON (a, b) a, lower(c) FROM t ORDER BY a, b",
		"SELECT a AS over, b filter FROM t",
		"SELECT * FROM t FOR READ ONLY",
		"SELECT * FROM t LIMIT $1 OFFSET $2",
		"SELECT * FROM t FETCH FIRST (5) ROWS ONLY",
		"SELECT interval '1 day', interval(3) '1 day', date '2020-01-01', timestamp with time zone '2020-01-01', a AT TIME ZONE ('utc') FROM t",
		"COPY t TO STDOUT", "COPY t (a, b) TO STDOUT WITH (FORMAT csv)", "COPY (SELECT * FROM t) TO STDOUT", "COPY public.\"T\" TO STDOUT",
		"COPY ((SELECT 1)) TO STDOUT",
		"EXPLAIN SELECT 1", "EXPLAIN ANALYZE SELECT 1", "EXPLAIN (ANALYZE, BUFFERS) SELECT 1", "EXPLAIN (SELECT 1)",
		"EXPLAIN (FORMAT JSON, ANALYZE off) SELECT 1", "EXPLAIN VERBOSE WITH a AS (SELECT 1) TABLE a",
		"SHOW search_path", "SHOW TIME ZONE", "SHOW server_version",
	}}})
}

func TestClassifyPostgresWrites(t *testing.T) {
	checkVerdicts(t, "postgres", []verdict{
		{write, []string{
			"INSERT INTO t (a, b) VALUES (1, lower('x')) ON CONFLICT (a) DO UPDATE SET (a, b) = (1, 2) RETURNING *",
			"INSERT INTO s.t AS x (a) SELECT 1",
			"UPDATE t SET a = 1 WHERE id = $1",
			"DELETE FROM t USING u WHERE t.a = u.a", "TRUNCATE t", "REFRESH MATERIALIZED VIEW v",
			"MERGE INTO t USING s ON (t.a = s.a) WHEN MATCHED THEN UPDATE SET b = 1 WHEN NOT MATCHED THEN INSERT (a, b) VALUES (1, 2)",
			"WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
			"WITH a AS (SELECT 1), b AS (INSERT INTO t VALUES (1)) SELECT 1",
			"WITH a AS (SELECT 1) UPDATE t SET a = 1",
			"WITH a AS (WITH b AS (MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE) SELECT 1) SELECT 1",
			"WITH a(n) AS (SELECT 1) SEARCH DEPTH FIRST BY n SET x DELETE FROM t",
			"WITH a(n) AS (SELECT 1) CYCLE n SET x USING y INSERT INTO t VALUES (1)",
			"VACUUM", "VACUUM FULL t", "ANALYZE t", "CLUSTER t", "CHECKPOINT", "NOTIFY c, 'x'",
			"COPY t FROM STDIN", "COPY t (a) FROM '/x'", "COPY (DELETE FROM t RETURNING *) TO STDOUT", "COPY (WITH a AS (DELETE FROM t) SELECT 1) TO STDOUT",
			"COMMIT PREPARED 'x'", "ROLLBACK PREPARED 'x'",
			"EXPLAIN ANALYZE DELETE FROM t", "EXPLAIN (VERBOSE, ANALYZE) DELETE FROM t", "EXPLAIN (ANALYZE true) DELETE FROM t",
			"EXPLAIN (ANALYZE 1) UPDATE t SET a = 1", "EXPLAIN (ANALYZE off, ANALYZE on) DELETE FROM t", "EXPLAIN (\"analyze\") DELETE FROM t",
			"EXPLAIN ANALYZE VERBOSE WITH a AS (DELETE FROM t) SELECT 1",
			"SELECT nextval('s')", "SELECT setval('s', 1)", "SELECT 1 WHERE 1 = (SELECT nextval('s'))", "VALUES (nextval('s'))",
			"SELECT DISTINCT ON (a) nextval('s') FROM t", "SELECT * FROM t, nextval('s')", "SELECT * FROM nextval('s') n(a)",
			"SELECT \"nextval\"('s')", "SELECT pg_catalog.nextval('s')", "SELECT NextVal /* x */ ('s')", "SELECT nextval\n('s')",
			"WITH a AS (SELECT 1) (SELECT 1) ORDER BY 1, nextval('s')", "SELECT * FROM t OFFSET nextval('s')",
			"SELECT * FROM t FETCH FIRST nextval('s') ROWS ONLY", "SELECT CASE WHEN true THEN nextval('s') END",
			"SELECT 1 ORDER BY nextval('s')", "SELECT ARRAY[nextval('s')]", "SELECT a[nextval('s')] FROM t",
			"SELECT txid_current()", "SELECT pg_current_xact_id()", "SELECT pg_notify('c', 'x')",
			"SELECT lo_create(0)", "SELECT lo_unlink(1)", "SELECT lo_from_bytea(0, '')", "SELECT lo_put(1, 0, '')", "SELECT lowrite(1, '')", "SELECT lo_open(1, 1)",
			"SELECT pg_current_wal_lsn()", "SELECT pg_switch_wal()", "SELECT pg_create_restore_point('x')", "SELECT pg_logical_emit_message(true, 'a', 'b')",
			"SELECT pg_walfile_name('0/0')", "SELECT brin_summarize_new_values('i')", "SELECT gin_clean_pending_list('i')", "SELECT pg_import_system_collations('pg_catalog')",
		}},
		{writeDDL, []string{
			"CREATE TABLE t (a varchar(20) DEFAULT f(1))", "CREATE UNLOGGED TABLE t (a int)", "CREATE TABLE t AS SELECT 1", "ALTER TABLE t ADD b int", "DROP TABLE t",
			"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2 $$", "CREATE INDEX ON t (lower(a))", "CREATE UNIQUE INDEX CONCURRENTLY i ON t (f(a))",
			"COMMENT ON TABLE t IS 'x'", "GRANT SELECT, INSERT ON t TO u", "REVOKE ALL ON t FROM u", "REINDEX TABLE t",
			"SELECT 1 INTO t", "SELECT * INTO TABLE t FROM u", "SELECT insert INTO t FROM u",
			"SELECT * INTO UNLOGGED t FROM u", "SECURITY LABEL ON TABLE t IS 'x'", "REASSIGN OWNED BY a TO b", "IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c",
		}},
		{"primary write tx:commit", []string{"PREPARE TRANSACTION 'x'"}},
		{unknownFn, []string{
			"CALL p()", "DO $$ BEGIN END $$", "LOAD 'x'", "SELECT set_tenant($1)", "SELECT app.f()", "SELECT public.lower('a')", "SELECT \"Lower\"('A')",
			"SELECT U&\"low\\0065r\"('a')", "SELECT u&\"lower\"('a')", "SELECT a.b.lower('x')", "SELECT \"coalesce\"(1)", "SELECT st_area(g) FROM t", "SELECT over(1)", "SELECT filter(1)", "SELECT columns(1)",
			"SELECT 1 WHERE f(1)", "SELECT * FROM f(1)", "SELECT * FROM t JOIN f(1) ON true", "SELECT * FROM t LEFT JOIN LATERAL f(1) x(a) ON true", "SELECT DISTINCT ON (a) over(1)",
			"SELECT DISTINCT ON (a) f(1) FROM t", "SELECT query_to_xml('DELETE FROM t', true, true, '')", "SELECT dblink_exec('x')", "SELECT next(1)", "SELECT key(1) FROM t WHERE update(1)",
			"COPY t TO PROGRAM 'rm'", "SELECT ts_rewrite(a, 'SELECT 1')", "SELECT (t).f(1) FROM t", "SELECT * FROM a, LATERAL ROWS FROM (f(1)) AS b", "SELECT kein_ä(1)", "SELECT 1 IS DISTINCT FROM f(1)",
		}},
		{"primary write opaque ddl pins:prepared,opaque", []string{"EXECUTE p", "EXECUTE p(1)", "EXPLAIN ANALYZE EXECUTE p", "EXPLAIN EXECUTE p"}},
	})
}

func TestClassifyPostgresPrimaryWithoutWrite(t *testing.T) {
	checkVerdicts(t, "postgres", []verdict{
		{primary, []string{
			"SELECT * FROM t FOR UPDATE", "SELECT * FROM t FOR NO KEY UPDATE", "SELECT * FROM t FOR SHARE", "SELECT * FROM t FOR KEY SHARE",
			"SELECT * FROM t FOR UPDATE OF t NOWAIT", "SELECT * FROM t FOR UPDATE SKIP LOCKED", "SELECT * FROM t for/**/update", "SELECT * FROM t FOR -- x\n UPDATE",
			"WITH a AS (SELECT * FROM t FOR UPDATE) SELECT * FROM a", "SELECT * FROM (SELECT * FROM t FOR SHARE) x", "SELECT (SELECT a FROM t FOR UPDATE)",
			"(SELECT 1) UNION (SELECT a FROM t FOR UPDATE)", "TABLE t FOR UPDATE", "SELECT * FROM t LIMIT 1 FOR UPDATE", "SELECT * FROM t FOR UPDATE LIMIT 1",
			"SELECT * FROM t FOR\rUPDATE", "SELECT 1 -- x\rFOR UPDATE",
			"LOCK TABLE t", "LOCK t IN SHARE MODE",
			"SELECT currval('s')", "SELECT lastval()", "SELECT pg_backend_pid()", "SELECT pg_stat_get_db_numbackends(1)", "SELECT pg_export_snapshot()", "SELECT pg_cancel_backend(1)", "SELECT pg_terminate_backend(1)",
			"SELECT pg_reload_conf()", "SELECT pg_stat_reset()", "SELECT pg_promote()", "SELECT pg_read_file('x')", "SELECT pg_create_physical_replication_slot('x')",
			"SELECT * FROM pg_stat_activity", "SELECT * FROM pg_catalog.pg_stat_user_tables", "SELECT * FROM \"pg_stat_activity\"", "SELECT * FROM pg_locks", "SELECT * FROM pg_prepared_statements", "SELECT * FROM pg_cursors",
			"EXPLAIN DELETE FROM t", "EXPLAIN (ANALYZE false) DELETE FROM t", "EXPLAIN (ANALYZE off, VERBOSE) UPDATE t SET a = 1", "EXPLAIN (ANALYZE 0) INSERT INTO t VALUES (1)", "EXPLAIN CREATE TABLE t AS SELECT 1",
			"COPY t TO '/x'", "COPY (SELECT 1) TO '/x'", "COPY (SELECT * FROM t FOR UPDATE) TO STDOUT",
			"SHOW transaction_read_only", "SHOW \"transaction_read_only\"", "SHOW ALL", "SELECT current_setting('transaction_read_only')", "SELECT current_setting($1)", "SELECT current_setting('transaction' || '_read_only')", "SELECT current_setting(E'transaction\\_read_only')", "SELECT current_setting('TRANSACTION_READ_ONLY')",
		}},
		{"primary pins:setting", []string{
			"SET search_path TO a", "SET SESSION AUTHORIZATION u", "SET ROLE u", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET TIME ZONE 'utc'",
			"RESET ALL", "RESET x", "DISCARD PLANS", "DISCARD SEQUENCES", "SELECT set_config('a', 'b', false)", "SELECT setseed(0.5)", "SELECT lower(set_config('a', 'b', true))",
		}},
		{"primary pins:", []string{"SET LOCAL x = 1", "SET LOCAL ROLE u", "SET TRANSACTION READ ONLY", "SET CONSTRAINTS ALL DEFERRED"}},
		{"primary pins:prepared", []string{"PREPARE p AS DELETE FROM t", "PREPARE transaction AS SELECT 1", "PREPARE p (int) AS SELECT f($1)", "DEALLOCATE p", "DEALLOCATE PREPARE p"}},
		{"primary pins: clears:prepared", []string{"DEALLOCATE ALL", "DEALLOCATE PREPARE ALL"}},
		{"primary pins:cursor", []string{"DECLARE c CURSOR FOR SELECT 1", "DECLARE c CURSOR WITH HOLD FOR SELECT 1", "FETCH NEXT FROM c", "MOVE 5 FROM c", "CLOSE c"}},
		{"primary pins: clears:cursor", []string{"CLOSE ALL"}},
		{"primary write opaque ddl pins:cursor,opaque", []string{"DECLARE c CURSOR FOR SELECT f(1)"}},
		{"primary ddl pins:temp", []string{"CREATE TEMP TABLE t (a varchar(20))", "CREATE TEMPORARY TABLE t AS SELECT 1", "CREATE LOCAL TEMP TABLE t (a int)", "CREATE OR REPLACE TEMP VIEW v AS SELECT 1", "CREATE TEMP SEQUENCE s", "SELECT 1 INTO TEMP t", "SELECT * INTO TEMPORARY TABLE t FROM u", "SELECT a INTO LOCAL TEMP t FROM u"}},
		{"primary write ddl pins:temp", []string{"CREATE TEMP TABLE t AS SELECT nextval('s')"}},
		{"primary pins:listen", []string{"LISTEN c", "UNLISTEN c"}},
		{"primary pins: clears:listen", []string{"UNLISTEN *"}},
		{"primary pins: clears:all", []string{"DISCARD ALL"}},
		{"primary pins: clears:temp", []string{"DISCARD TEMP", "DISCARD TEMPORARY"}},
		{"primary pins:advisory", []string{
			"SELECT pg_advisory_lock(1)", "SELECT pg_try_advisory_lock(1)", "SELECT pg_advisory_xact_lock(1)", "SELECT pg_try_advisory_xact_lock_shared(1)", "SELECT pg_advisory_unlock(1)",
			"SELECT * FROM t WHERE pg_try_advisory_lock(id)", "SELECT pg_advisory_unlock_all(), 1", "SELECT 1, pg_advisory_unlock_all()", "EXPLAIN SELECT pg_advisory_unlock_all()", "SELECT pg_advisory_unlock_all() FROM t",
		}},
		{"primary pins: clears:advisory", []string{"SELECT pg_advisory_unlock_all()", "select PG_ADVISORY_UNLOCK_ALL ( )"}},
		{"primary write pins:advisory", []string{"INSERT INTO t SELECT pg_advisory_lock(1)"}},
	})
}

func TestClassifyPostgresTransactions(t *testing.T) {
	checkVerdicts(t, "postgres", []verdict{
		{"primary tx:begin", []string{
			"BEGIN", "BEGIN WORK", "BEGIN TRANSACTION", "START TRANSACTION", "BEGIN ISOLATION LEVEL SERIALIZABLE", "BEGIN READ WRITE", "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE",
			"START TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE", "BEGIN READ ONLY, READ WRITE", "BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN NOT DEFERRABLE",
		}},
		{"replica tx:begin-ro", []string{"BEGIN READ ONLY", "START TRANSACTION READ ONLY", "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY NOT DEFERRABLE"}},
		{"primary tx:commit", []string{"COMMIT", "COMMIT WORK", "COMMIT TRANSACTION", "END", "END WORK", "COMMIT AND NO CHAIN"}},
		{"primary tx:rollback", []string{"ROLLBACK", "ROLLBACK WORK", "ABORT", "ABORT TRANSACTION", "ROLLBACK AND NO CHAIN"}},
		{"primary tx:chain", []string{"COMMIT AND CHAIN", "ROLLBACK WORK AND CHAIN", "END AND CHAIN"}},
		{"primary tx:savepoint", []string{"SAVEPOINT a", "RELEASE a", "RELEASE SAVEPOINT a", "ROLLBACK TO a", "ROLLBACK TO SAVEPOINT a", "ROLLBACK WORK TO a"}},
		{unknown, []string{"BEGIN DEFERRED", "COMMIT now", "START REPLICA", "BEGIN READ", "WITH", "WITH a", "WITH a AS", "WITH a AS (SELECT 1)", "SELECT (WITH a AS (SELECT 1))", "EXPLAIN"}},
	})
}

func TestViewsHideWhatOnlyThePrimaryServes(t *testing.T) {
	got := rwsplit.PrimaryOnlyViews("postgres", []string{`"s"."scratch"`},
		[2]string{"over_over", " SELECT over_scratch.id\n   FROM over_scratch;"},
		[2]string{"over_scratch", " SELECT scratch.id\n   FROM scratch;"},
		[2]string{"active", " SELECT users.id\n   FROM users\n  WHERE users.active;"},
		[2]string{"activity", " SELECT count(*) AS count\n   FROM pg_stat_activity;"},
		[2]string{"locking", " SELECT users.id\n   FROM users\n FOR UPDATE;"},
		[2]string{"advancing", " SELECT nextval('s'::regclass) AS nextval;"},
		[2]string{"my own", " SELECT pg_backend_pid() AS pid;"},
		[2]string{"unknown", " SELECT app.f(users.id) AS f\n   FROM users;"},
		[2]string{"unknown_and_local", " SELECT app.f(pg_locks.pid) AS f\n   FROM pg_locks;"},
		[2]string{"foreign_operator", " SELECT users.email OPERATOR(ext.=) 'a'::ext.citext AS eq\n   FROM users;"},
	)
	want := []string{`"s"."scratch"`, `"s"."over_scratch"`, `"s"."activity"`, `"s"."locking"`, `"s"."advancing"`, `"s"."my own"`, `"s"."unknown_and_local"`, `"s"."over_over"`}
	assert.Equal(t, want, got)
}

func TestClassifyPostgresWithKnowledge(t *testing.T) {
	classify := func(query string) string {
		return summary(rwsplit.ClassifyKnowing("postgres", query,
			[]string{"Get_User", "app.price", `"Odd Name"`}, []string{"public.st_area"}, []string{"cache", "app.log", `"Big"`}))
	}
	tests := []struct{ query, want string }{
		{"SELECT get_user(1), GET_USER(2), \"get_user\"(3)", replica},
		{"SELECT \"Get_User\"(1)", unknownFn},
		{"SELECT app.price(1), APP.Price(2), \"app\".\"price\"(3)", replica},
		{"SELECT price(1)", unknownFn},
		{"SELECT other.price(1)", unknownFn},
		{"SELECT public.get_user(1)", unknownFn},
		{"SELECT \"Odd Name\"(1)", replica},
		{"SELECT public.st_area(g) FROM t", replica},
		{"SELECT st_area(g) FROM t", unknownFn},
		{"SELECT db.app.price(1)", unknownFn},
		{"SELECT * FROM cache", primary},
		{"SELECT * FROM any.CACHE c", primary},
		{"SELECT * FROM t JOIN \"cache\" ON true", primary},
		{"SELECT * FROM \"Cache\"", replica},
		{"SELECT * FROM app.log", primary},
		{"SELECT * FROM log", primary},
		{"SELECT * FROM other.log", replica},
		{"SELECT * FROM big", replica},
		{"SELECT * FROM \"Big\"", primary},
		{"SELECT * FROM U&\"\\0063ache\"", primary},
		{"COPY cache TO STDOUT", primary},
		{"COPY other.log TO STDOUT", replica},
		{"SELECT nextval('s'), get_user(1)", write},
		{"SELECT * FROM t WHERE get_user(1) FOR UPDATE", primary},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, classify(tt.query), tt.query)
	}
}
