package rwsplit

// MySQL 9 and MariaDB 11. Pages of MySQL are below
// https://dev.mysql.com/doc/refman/8.4/en/, those of MariaDB below
// https://mariadb.com/kb/en/.

func mysqlRules() *languageRules {
	return mysqlFamilyRules(langMySQL, mysqlOnlyFunctions)
}

func mariadbRules() *languageRules {
	return mysqlFamilyRules(langMariaDB, mariadbOnlyFunctions)
}

func mysqlFamilyRules(l language, own []functionRule) *languageRules {
	b := newWordBuilder()
	b.functions(mysqlFunctions)
	b.functions(own)
	b.keywords(mysqlKeywords)
	b.follow(mysqlFollows)
	b.bare(mysqlWords)
	b.schemas(mysqlSchemas)
	if l == langMariaDB {
		b.bare(mariadbWords)
		b.keywords(mariadbKeywords)
	}
	b.statements(mysqlStatements)
	b.tables()
	words := b.table()
	r := &languageRules{
		lang:  l,
		words: words,
		lex: lexRules{
			bytes:        mysqlBytes,
			words:        words,
			escapeSingle: true,
			escapeDouble: true,
			doubleString: true,
			dashSpace:    true,
			digitNames:   true,
			execComments: true,
			execMariaDB:  l == langMariaDB,
		},
		sysVars:     mysqlSysVars,
		localSchema: mysqlSchemas,
		quotedFold:  true,
	}
	return r.withReadings()
}

// sql-statements.html; implicit-commit.html for those that end a transaction
var mysqlStatements = []statementRule{
	{startQuery, effNone, "plain read", "select with values table"},
	{startDML, effWrite, "write", "insert update delete replace"},
	{startFixed, effWrite, "write", "kill binlog shutdown"},
	{startLoad, effWrite, "write", "load"},
	{startFixed, effPrimary, "looks at one server", "checksum"},
	{startDDL, effCommitDDL, "write", "create alter drop"},
	{startFixed, effCommitDDL, "write", "rename grant revoke install uninstall import"},
	{startFixed, effCommit, "write", "truncate optimize repair check"},
	{startFixed, effMaybeCommit, "write", "reset purge clone change stop restart cache"},
	{startFixed, effOpaqueTx, "lock of the session", "backup"},
	{startFixed, effOpaqueTx, "opaque", "call"},
	{startDML, effOpaque, "opaque", "do"},
	{startAnalyze, effCommit, "write", "analyze"},
	{startExplain, effNone, "plain read", "explain describe desc"},
	{startShow, effNone, "plain read", "show"},
	{startSet, effSetting, "session setting", "set"},
	{startFixed, effSetting, "session setting", "use"},
	{startFixed, effCursor, "cursor", "handler"},
	{startPrepare, effPrepared, "text PREPARE", "prepare"},
	{startDeallocate, effPrepared, "text PREPARE", "deallocate"},
	{startExecute, effOpaqueTx, "opaque", "execute"},
	{startLock, effTableLock, "table lock", "lock"},
	{startUnlock, effTableLock, "table lock", "unlock"},
	{startFlush, effCommit, "write", "flush"},
	{startGet, effLast, "about the statement before", "get"},
	{startXA, effWrite, "distributed transaction", "xa"},
	{startBegin, effPrimary, "transaction control", "begin"},
	{startStart, effPrimary, "transaction control", "start"},
	{startCommit, effPrimary, "transaction control", "commit"},
	{startRollback, effPrimary, "transaction control", "rollback"},
	{startSavepoint, effPrimary, "transaction control", "savepoint release"},
}

// showRule says what SHOW of something means, by the word after the modifiers.
type showRule struct {
	effect effectID
	reason string
}

// show.html; what is not listed belongs on the primary
var mysqlShow = map[string]showRule{
	"char": {}, "character": {}, "charset": {}, "collation": {}, "columns": {}, "create": {}, "databases": {}, "engines": {},
	"events": {}, "fields": {}, "function": {}, "grants": {}, "index": {}, "indexes": {}, "keys": {}, "plugins": {},
	"privileges": {}, "procedure": {}, "schemas": {}, "storage": {}, "table": {}, "tables": {}, "triggers": {},
	"library": {}, "package": {},

	"warnings": {effLast, "about the statement before (SHOW WARNINGS)"},
	"errors":   {effLast, "about the statement before (SHOW ERRORS)"},
	"count":    {effLast, "about the statement before (SHOW COUNT)"},

	"variables": {effPrimary, "setting that tells what the server may do"},
}

// server-system-variables.html
var mysqlSysVars = map[string]sysVarRule{
	"warning_count": {effLast, "about the statement before (@@warning_count)"},
	"error_count":   {effLast, "about the statement before (@@error_count)"},

	"read_only":                     sysVarWritable,
	"super_read_only":               sysVarWritable,
	"innodb_read_only":              sysVarWritable,
	"offline_mode":                  sysVarWritable,
	"transaction_read_only":         sysVarWritable,
	"tx_read_only":                  sysVarWritable,
	"autocommit":                    sysVarOwn,
	"identity":                      sysVarSession,
	"last_insert_id":                sysVarSession,
	"insert_id":                     sysVarSession,
	"last_gtid":                     sysVarSession,
	"in_transaction":                sysVarOwn,
	"in_predicate":                  sysVarSession,
	"pseudo_thread_id":              sysVarOwn,
	"rand_seed1":                    sysVarOwn,
	"rand_seed2":                    sysVarOwn,
	"timestamp":                     sysVarOwn,
	"profiling":                     sysVarOwn,
	"statement_id":                  sysVarOwn,
	"sql_log_bin":                   sysVarSession,
	"gtid_next":                     sysVarSession,
	"gtid_owned":                    sysVarSession,
	"gtid_seq_no":                   sysVarSession,
	"gtid_executed":                 sysVarPosition,
	"gtid_purged":                   sysVarPosition,
	"gtid_binlog_pos":               sysVarPosition,
	"gtid_binlog_state":             sysVarPosition,
	"gtid_current_pos":              sysVarPosition,
	"gtid_slave_pos":                sysVarPosition,
	"wsrep_last_seen_gtid":          sysVarPosition,
	"wsrep_last_written_gtid":       sysVarPosition,
	"external_user":                 sysVarOwn,
	"proxy_user":                    sysVarOwn,
	"last_sql_error":                sysVarSession,
	"session_track_gtids_last_gtid": sysVarSession,
}

var (
	sysVarWritable = sysVarRule{effPrimary, "tells whether the server is writable"}
	sysVarSession  = sysVarRule{effPrimary, "value of this session"}
	sysVarOwn      = sysVarRule{effOwn, "value of this session"}
	sysVarPosition = sysVarRule{effPrimary, "replication position of one server"}
)

// Words that do something wherever they stand.
var mysqlWords = []wordRule{
	{effOwn, "value for the next statement", "sql_calc_found_rows"},
	{effPrimary, "relation of one server", "performance_schema processlist"},
}

// Relations that hold one server's own data, so that a replica's answer is
// about the replica: what it does and did, its settings and its positions.
// information-schema.html, sys-schema.html, system-schema.html,
// information-schema-tables
var mysqlSchemas = []schemaRule{
	{"performance_schema", nil, "relation of one server (performance_schema)"},
	{"sys", nil, "relation of one server (sys)"},
	{"mysql", wordSet(`general_log slow_log gtid_executed gtid_slave_pos slave_master_info slave_relay_log_info
		slave_worker_info`), "relation of one server (mysql)"},
	{
		"information_schema", wordSet(`processlist profiling optimizer_trace user_variables
		global_status session_status global_variables session_variables system_variables
		client_statistics index_statistics table_statistics user_statistics
		innodb_buffer_page innodb_buffer_page_lru innodb_buffer_pool_stats innodb_cached_indexes innodb_cmp
		innodb_cmp_per_index innodb_cmp_per_index_reset innodb_cmp_reset innodb_cmpmem innodb_cmpmem_reset
		innodb_ft_being_deleted innodb_ft_deleted innodb_ft_index_cache innodb_lock_waits innodb_locks
		innodb_metrics innodb_mutexes innodb_session_temp_tablespaces innodb_sys_semaphore_waits
		innodb_temp_table_info innodb_tablespaces_scrubbing innodb_trx
		disks key_caches metadata_lock_info query_cache_info query_response_time query_response_time_read
		query_response_time_read_write query_response_time_write slave_status temp_tables_info
		thread_pool_groups thread_pool_queues thread_pool_stats thread_pool_waits tp_thread_group_state
		tp_thread_group_stats tp_thread_state wsrep_membership wsrep_status`),
		"relation of one server (information_schema)",
	},
}

// sequence-functions: the Oracle forms seq.nextval and seq.currval
var mariadbWords = []wordRule{
	{effWrite, "changes a sequence", "nextval"},
	{effPrimary, "value of this session", "currval lastval"},
}

var mariadbKeywords = []keywordRule{
	{kwNext, callUnknown, "next"},
	{kwPrevious, callUnknown, "previous"},
	{kwNextOf, callSafe, "value"},
}

// keywords.html, reserved-words
var mysqlKeywords = []keywordRule{
	{kwOther, callUnknown, `accessible add alter analyze asc asensitive before blob both by call cascade change check
		collate column condition constraint continue create cross cursor databases declare desc describe
		deterministic distinctrow div drop dual each elseif empty enclosed escaped exit explain force foreign fulltext
		function generated get grant groups ignore infile inner inout insensitive
		io_after_gtids io_before_gtids is iterate keys kill leading leave linear lines load long loop
		master_bind master_ssl_verify_server_cert match maxvalue modifies natural no_write_to_binlog
		of optimize optimizer_costs option optionally out outer outfile precision primary procedure purge range read
		reads read_write references release rename require resignal restrict return revoke schemas sensitive separator
		set show signal spatial specific sql sqlexception sqlstate sqlwarning ssl starting stored system terminated to
		trailing trigger undo unique unlock unsigned usage use varying virtual while write zerofill escape against
		preceding following nulls sounds member all_rows`},
	{kwOther, callSyntax, `all and any between binary by case check collate distinctrow div else except exists
		force format_of having in index is key like not of or over partition primary references regexp returning rlike
		rollup row set some then to unique use using when xor escape sounds member set with`},
	{kwOther, callSafe, `left right mod if interval repeat convert match`},
	{kwValue, callUnknown, `null true false end maxvalue`},
	{kwValue, callSafe, `current_date current_time current_timestamp current_user localtime localtimestamp utc_date
		utc_time utc_timestamp default`},
	{kwNone, callContext, `against columns filter sql_calc_found_rows`},
	{kwOther, callContext, `sql_big_result sql_buffer_result sql_cache sql_no_cache sql_small_result`},
	{kwAs, callSyntax, `as`},
	{kwClause, callSyntax, `where group order having limit union except intersect window`},
	{kwClause, callUnknown, `offset minus qualify fetch`},
	{kwDelete, callSyntax, `delete`},
	{kwDistinct, callSyntax, `distinct`},
	{kwFor, callSyntax, `for`},
	{kwFrom, callSyntax, `from`},
	{kwInsert, callSafe, `insert replace`},
	{kwInto, callSyntax, `into`},
	{kwJoin, callSyntax, `join straight_join`},
	{kwKey, callSyntax, `key`},
	{kwLateral, callSyntax, `lateral`},
	{kwLock, callUnknown, `lock`},
	{kwNo, callUnknown, `no`},
	{kwOn, callSyntax, `on`},
	{kwSelect, callSyntax, `select`},
	{kwShare, callUnknown, `share`},
	{kwTarget, callUnknown, `ignore low_priority delayed`},
	{kwTarget, callContext, `high_priority`},
	{kwUpdate, callUnknown, `update`},
	{kwValues, callSafe, `values`},
	{kwValues, callSyntax, `table`},
	{kwWith, callSyntax, `with`},
	{kwWith, callUnknown, `recursive`},
}

// select.html: the words between SELECT and what it selects
var mysqlFollows = []followRule{
	{
		after: `select all distinct distinctrow straight_join high_priority sql_big_result sql_buffer_result
			sql_cache sql_calc_found_rows sql_no_cache sql_small_result`,
		words: `high_priority sql_big_result sql_buffer_result sql_cache sql_calc_found_rows sql_no_cache
			sql_small_result`,
	},
}

var mysqlFunctions = []functionRule{
	{"data-types.html", callSafe, effNone, "", `bigint binary bit bool boolean char character date datetime dec decimal
		double fixed float float4 float8 int int1 int2 int3 int4 int8 integer long mediumint middleint nchar numeric
		nvarchar precision real signed smallint time timestamp tinyint unsigned varbinary varchar varcharacter year
		json enum text blob tinytext`},
	{"comparison-operators.html", callSafe, effNone, "", `coalesce greatest least interval isnull strcmp`},
	{"flow-control-functions.html", callSafe, effNone, "", `if ifnull nullif`},
	{"mathematical-functions.html", callSafe, effNone, "", `abs acos asin atan atan2 ceil ceiling conv cos cot crc32
		degrees exp floor format ln log log10 log2 mod oct pi pow power radians rand round sign sin sqrt tan truncate`},
	{"string-functions.html", callSafe, effNone, "", `ascii bin bit_length char char_length character_length concat
		concat_ws elt export_set field find_in_set format from_base64 hex insert instr lcase left length locate lower
		lpad ltrim make_set mid octet_length ord position quote repeat replace reverse right rpad rtrim soundex space
		substr substring substring_index to_base64 trim ucase unhex upper weight_string`},
	{"regexp.html", callSafe, effNone, "", `regexp_instr regexp_replace regexp_substr`},
	{"date-and-time-functions.html", callSafe, effNone, "", `adddate addtime convert_tz curdate curtime date_add
		date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear extract from_days from_unixtime
		get_format hour last_day makedate maketime microsecond minute month monthname now period_add period_diff
		quarter sec_to_time second str_to_date subdate subtime sysdate time_format time_to_sec timediff timestampadd
		timestampdiff to_days to_seconds unix_timestamp week weekday weekofyear yearweek`},
	{"cast-functions.html", callSafe, effNone, "", `cast convert`},
	{"xml-functions.html", callSafe, effNone, "", `extractvalue updatexml`},
	{"bit-functions.html", callSafe, effNone, "", `bit_count`},
	{"encryption-functions.html", callSafe, effNone, "", `aes_decrypt aes_encrypt compress md5 random_bytes sha sha1
		sha2 uncompress uncompressed_length`},
	{"information-functions.html", callSafe, effNone, "", `benchmark charset coercibility collation database schema
		session_user system_user user version current_role`},
	{"json-functions.html", callSafe, effNone, "", `json_array json_array_append json_array_insert json_arrayagg
		json_contains json_contains_path json_depth json_extract json_insert json_keys json_length json_merge
		json_merge_patch json_merge_preserve json_object json_objectagg json_overlaps json_pretty json_quote
		json_remove json_replace json_schema_valid json_search json_set json_table json_type json_unquote json_valid
		json_value`},
	{"aggregate-functions.html", callSafe, effNone, "", `avg bit_and bit_or bit_xor count group_concat max min std
		stddev stddev_pop stddev_samp sum var_pop var_samp variance`},
	{"window-functions.html", callSafe, effNone, "", `cume_dist dense_rank first_value lag last_value lead nth_value
		ntile percent_rank rank row_number`},
	{"miscellaneous-functions.html", callSafe, effNone, "", `default inet_aton inet_ntoa inet6_aton inet6_ntoa is_ipv4
		is_ipv4_compat is_ipv4_mapped is_ipv6 name_const sleep uuid values`},
	{"spatial-functions.html", callSafe, effNone, "", `geometrycollection geomcollection linestring multilinestring
		multipoint multipolygon point polygon mbrcontains mbrcoveredby mbrcovers mbrdisjoint mbrequals mbrintersects
		mbroverlaps mbrtouches mbrwithin mbrequal st_area st_asbinary st_asgeojson st_astext st_aswkb st_aswkt
		st_buffer st_buffer_strategy st_centroid st_contains st_convexhull st_crosses st_difference st_dimension
		st_disjoint st_distance st_distance_sphere st_endpoint st_envelope st_equals st_exteriorring
		st_geomcollfromtext st_geomcollfromtxt st_geomcollfromwkb st_geometrycollectionfromtext
		st_geometrycollectionfromwkb st_geometryfromtext st_geometryfromwkb st_geometryn st_geometrytype
		st_geomfromgeojson st_geomfromtext st_geomfromwkb st_interiorringn st_intersection st_intersects st_isclosed
		st_isempty st_issimple st_isvalid st_length st_linefromtext st_linefromwkb st_linestringfromtext
		st_linestringfromwkb st_mlinefromtext st_mlinefromwkb st_mpointfromtext st_mpointfromwkb
		st_mpolyfromtext st_mpolyfromwkb st_multilinestringfromtext st_multilinestringfromwkb st_multipointfromtext
		st_multipointfromwkb st_multipolygonfromtext st_multipolygonfromwkb st_numgeometries st_numinteriorring
		st_numinteriorrings st_numpoints st_overlaps st_pointfromtext st_pointfromwkb st_pointn st_polyfromtext
		st_polyfromwkb st_polygonfromtext st_polygonfromwkb st_simplify st_srid st_startpoint st_symdifference
		st_touches st_union st_within st_x st_y`},

	{"information-functions.html", callEffect, effLast, "about the statement before", `found_rows`},
	{"information-functions.html", callEffect, effPrimary, "value of this session", `last_insert_id`},
	{"information-functions.html", callEffect, effOwn, "value of this session", `row_count connection_id
		ps_current_thread_id ps_thread_id`},
	{"string-functions.html", callEffect, effPrimary, "reads a file of the server", `load_file`},
	{"miscellaneous-functions.html", callEffect, effPrimary, "value of this server", `uuid_short`},
	{"replication-functions-synchronization.html", callEffect, effPrimary, "waits for replication", `master_pos_wait
		source_pos_wait wait_for_executed_gtid_set wait_until_sql_thread_after_gtids master_gtid_wait
		wsrep_sync_wait_upto_gtid`},
	{"locking-functions.html", callEffect, effAdvisory, "advisory lock", `get_lock is_free_lock is_used_lock
		release_all_locks release_lock service_get_read_locks service_get_write_locks service_release_locks`},
}

var mysqlOnlyFunctions = []functionRule{
	{"functions.html", callSafe, effNone, "", `any_value bin_to_uuid format_bytes format_pico_time grouping gtid_subset
		gtid_subtract icu_version is_uuid json_schema_validation_report json_storage_free json_storage_size regexp_like
		roles_graphml st_buffer_strategy st_collect st_frechetdistance st_geohash st_hausdorffdistance
		st_latfromgeohash st_latitude st_lineinterpolatepoint st_lineinterpolatepoints st_longfromgeohash st_longitude
		st_makeenvelope st_pointatdistance st_pointfromgeohash st_swapxy st_transform st_validate statement_digest
		statement_digest_text uuid_to_bin validate_password_strength current_role_in@9.7 current_user_in@9.7 etag@9.3`},
	{"vector-functions.html", callSafe, effNone, "", `string_to_vector@9 to_vector@9 vector_to_string@9 from_vector@9
		vector_dim@9`},
}

// native functions of MariaDB: https://mariadb.com/kb/en/built-in-functions/
var mariadbOnlyFunctions = []functionRule{
	{"string-functions", callSafe, effNone, "", `chr concat_operator_oracle decode decode_oracle encode lengthb
		lpad_oracle ltrim_oracle natural_sort_key@10.7 replace_oracle rpad_oracle rtrim_oracle sformat@10.7
		substr_oracle to_char@10.6 trim_oracle crc32c@10.8 kdf@11.3 des_decrypt des_encrypt encrypt password
		old_password`},
	{"dynamic-columns-functions", callSafe, effNone, "", `column_add column_check column_create column_delete
		column_exists column_get column_json column_list`},
	{"json-functions", callSafe, effNone, "", `json_array_intersect@11.2 json_compact json_detailed json_equals json_exists
		json_key_value@11.2 json_loose json_normalize json_object_filter_keys@11.2 json_object_to_array@11.2 json_query`},
	{"control-flow-functions", callSafe, effNone, "", `nvl nvl2 decode_histogram format_pico_time@11.0 rownum@10.6
		sys_guid@10.6 add_months@10.6 uuid_v4@11.7 uuid_v7@11.7 format_bytes@11.8`},
	{"vector-functions", callSafe, effNone, "", `vec_distance vec_distance_cosine vec_distance_euclidean vec_fromtext
		vec_totext`},
	{"window-functions", callSafe, effNone, "", `median percentile_cont percentile_disc`},
	{"geographic-functions", callSafe, effNone, "", `area asbinary astext aswkb aswkt boundary buffer centroid contains
		convexhull crosses dimension disjoint endpoint envelope equals exteriorring geomcollfromtext geomcollfromwkb
		geometrycollectionfromtext geometrycollectionfromwkb geometryfromtext geometryfromwkb geometryn geometrytype
		geomfromtext geomfromwkb glength interiorringn intersects isclosed isempty isring issimple linefromtext
		linefromwkb linestringfromtext linestringfromwkb mlinefromtext mlinefromwkb mpointfromtext mpointfromwkb
		mpolyfromtext mpolyfromwkb numgeometries numinteriorrings numpoints overlaps pointfromtext pointfromwkb pointn
		pointonsurface polyfromtext polyfromwkb polygonfromtext polygonfromwkb srid startpoint touches within x y
		st_boundary st_isring st_pointonsurface st_relate`},
	{"sequence-functions", callEffect, effWrite, "changes a sequence", `nextval setval`},
	{"sequence-functions", callEffect, effPrimary, "value of this session", `lastval currval`},
	{"replication-functions", callEffect, effPrimary, "replication position of one server", `binlog_gtid_pos
		wsrep_last_seen_gtid wsrep_last_written_gtid`},
}
