package rwsplit

// PostgreSQL 18. Pages are below https://www.postgresql.org/docs/18/.

func postgresRules() *languageRules {
	b := newWordBuilder()
	b.functions(postgresFunctions)
	b.keywords(postgresKeywords)
	b.follow(postgresFollow)
	b.bare(postgresRelations)
	b.statements(postgresStatements)
	b.tables()
	words := b.table()
	r := &languageRules{
		lang:  langPostgres,
		words: words,
		lex: lexRules{
			bytes:         postgresBytes,
			words:         words,
			nestComments:  true,
			crEndsComment: true,
			dollarQuotes:  true,
			escapeStrings: true,
		},
		settings:    wordSet("default_transaction_read_only in_hot_standby"),
		ownSettings: wordSet("transaction_read_only transaction_deferrable is_superuser"),
		localPrefix: []string{"pg_stat_", "pg_statio_", "pg_temp_"},
		qualifier:   "pg_catalog",
		nameLimit:   63,
		quotedCalls: true,
	}
	return r.withReadings()
}

// https://www.postgresql.org/docs/18/sql-commands.html
var postgresStatements = []statementRule{
	{startQuery, effNone, "plain read", "select with values table"},
	{startDML, effWrite, "write", "insert update delete merge"},
	{startDDL, effDDL, "write", "create alter drop"},
	{startFixed, effDDL, "write", "comment security import reassign grant revoke reindex"},
	{startFixed, effWrite, "write", "truncate refresh vacuum analyze analyse cluster repack checkpoint notify"},
	{startFixed, effOpaque, "opaque", "call do load"},
	{startExplain, effNone, "plain read", "explain"},
	{startShow, effNone, "plain read", "show"},
	{startSet, effSetting, "session setting", "set"},
	{startReset, effSetting, "session setting", "reset"},
	{startDiscard, effSetting, "session state", "discard"},
	{startFixed, effListen, "notifications", "listen"},
	{startUnlisten, effListen, "notifications", "unlisten"},
	{startDML, effCursor, "cursor", "declare"},
	{startFixed, effCursor, "cursor", "fetch move"},
	{startClose, effCursor, "cursor", "close"},
	{startPrepare, effPrepared, "text PREPARE", "prepare"},
	{startDeallocate, effPrepared, "text PREPARE", "deallocate"},
	{startExecute, effOpaque, "opaque", "execute"},
	{startLock, effLock, "table lock", "lock"},
	{startCopy, effNone, "write", "copy"},
	{startBegin, effPrimary, "transaction control", "begin"},
	{startStart, effPrimary, "transaction control", "start"},
	{startCommit, effPrimary, "transaction control", "commit end"},
	{startRollback, effPrimary, "transaction control", "rollback abort"},
	{startSavepoint, effPrimary, "transaction control", "savepoint release"},
}

// https://www.postgresql.org/docs/18/sql-keywords-appendix.html
var postgresKeywords = []keywordRule{
	{kwOther, callUnknown, `analyse analyze asc asymmetric both cast check collate column constraint create default
		deferrable desc do fetch foreign grant initially leading primary references symmetric trailing
		authorization binary collation concurrently freeze ilike is isnull like notnull overlaps similar verbose
		by set escape zone passing path content document returning
		recursive matched nothing conflict sets first version standalone name wellformed`},
	{kwOther, callSyntax, `all and any array asymmetric both case check collate
		default desc else fetch having ilike in initially leading like not or path placing
		references returning some symmetric then to trailing unique variadic when between exists`},
	{kwOther, callContext, `by conflict escape first is passing set sets zone`},
	{kwOther, callUnknown, `cross full inner natural outer`},
	{kwOther, callSafe, `left right overlaps`},
	{kwValue, callUnknown, `null true false end user`},
	{kwValue, callSafe, `current_catalog current_date current_role current_time current_timestamp current_user
		localtime localtimestamp session_user system_user current_schema`},
	{kwNone, callContext, `over filter columns materialized next repeatable second varying xmlnamespaces`},
	{kwNone, callOperator, `operator`},
	{kwAs, callSyntax, `as`},
	{kwClause, callSyntax, `where group order having limit offset union except intersect window returning fetch`},
	{kwDelete, callUnknown, `delete merge`},
	{kwDistinct, callSyntax, `distinct`},
	{kwFor, callSyntax, `for`},
	{kwFrom, callSyntax, `from`},
	{kwInsert, callContext, `insert`},
	{kwInto, callSyntax, `into`},
	{kwJoin, callSyntax, `join`},
	{kwKey, callContext, `key`},
	{kwLateral, callSyntax, `lateral only`},
	{kwNo, callUnknown, `no`},
	{kwOn, callSyntax, `on`},
	{kwOther, callSyntax, `using`},
	{kwOrdinality, callUnknown, `ordinality`},
	{kwSample, callUnknown, `tablesample`},
	{kwSelect, callSyntax, `select`},
	{kwShare, callUnknown, `share`},
	{kwUpdate, callUnknown, `update`},
	{kwValues, callSyntax, `values table`},
	{kwWith, callSyntax, `with`},
	{kwWith, callUnknown, `recursive`},
}

// Most keywords can be the name of a function: the wiki's aggregate first(x).
var postgresFollow = []followRule{
	{"group order partition", "by", false},
	{"fetch", "first next", false},
	{"to", "second", false}, // INTERVAL DAY TO SECOND (3)
	{"on", "conflict", true},
	{"primary foreign unique", "key", true},
	{"update", "set", true},
	{"then", "insert", true}, // MERGE
}

// Relations that hold what one server or one session knows.
var postgresRelations = []wordRule{
	{effOwn, "relation of one session", `pg_cursors pg_prepared_statements pg_settings`},
	{effPrimary, "relation of one server", `pg_locks pg_prepared_xacts pg_replication_slots pg_file_settings
		pg_hba_file_rules pg_ident_file_mappings pg_backend_memory_contexts pg_shmem_allocations
		pg_shmem_allocations_numa pg_aios pg_wait_events pg_replication_origin_status pg_buffercache
		pg_buffercache_numa pg_temp`},
	// A sequence writes its log ahead, so that a standby shows a value that nextval
	// has not given out yet.
	{effPrimary, "value of a sequence", `pg_sequences`},
}

var postgresFunctions = []functionRule{
	{"functions-conditional.html", callSyntax, effNone, "", `coalesce nullif greatest least row grouping
		merge_action@17 setof cast treat normalize`},
	{"datatype.html", callSyntax, effNone, "", `bigint bit boolean char character dec decimal float int integer
		interval national nchar numeric precision real smallint time timestamp varchar inout out`},
	// Types that share their name with a function, which casts. jsonb(x) is a function
	// of the user's, or none.
	{"datatype.html", callSafe, effNone, "", `bool bpchar cidr date float4 float8 int2 int4 int8
		macaddr macaddr8 money name oid regclass text timestamptz timetz varbit xml
		daterange int4range int8range numrange tsrange tstzrange
		datemultirange int4multirange int8multirange nummultirange tsmultirange tstzmultirange multirange
		point line lseg box path polygon circle pg_lsn xid`},
	// How types are written, as text and as bytes.
	{"xfunc-c.html", callSafe, effNone, "", `array_out array_send bit_in bit_out bit_send boolin boolout boolsend bpcharout
		bpcharsend byteain byteaout byteasend cidr_out cidr_send date_in date_out date_send enum_out enum_send float4out
		float4send float8in float8out float8send inet_in inet_out inet_send int2out int2send int2vectorout int4in
		int4out int4send int8in int8out int8send interval_out interval_send json_out json_send jsonb_out jsonb_send
		macaddr_out macaddr_send nameout namesend numeric_in numeric_out numeric_send oidout oidsend oidvectorout
		oidvectortypes record_out record_send regclassout regprocout regtypeout textin textout textsend tidout time_out
		time_send timestamp_in timestamp_out timestamp_send timestamptz_in timestamptz_out timestamptz_send uuid_in
		uuid_out uuid_send varbit_out varbit_send varcharout varcharsend xidout`},
	{"functions-math.html", callSafe, effNone, "", `abs cbrt ceil ceiling degrees div erf@16 erfc@16 exp factorial
		floor gamma@18 gcd lcm lgamma@18 ln log log10 min_scale mod pi power pow radians round scale sign sqrt
		trim_scale trunc width_bucket random random_normal@16 acos acosd asin asind atan atand atan2 atan2d cos
		cosd cot cotd sin sind tan tand sinh cosh tanh asinh acosh atanh`},
	{"functions-string.html", callSafe, effNone, "", `bit_length btrim char_length character_length lower lpad ltrim
		normalize octet_length overlay position rpad rtrim substring trim unicode_assigned@17 upper ascii chr concat
		concat_ws format initcap casefold@18 length md5 parse_ident pg_client_encoding quote_ident quote_literal
		quote_nullable regexp_count@15 regexp_instr@15 regexp_like@15 regexp_match regexp_matches regexp_replace
		regexp_split_to_array regexp_split_to_table regexp_substr@15 repeat replace reverse split_part starts_with
		string_to_array string_to_table strpos substr to_ascii to_bin@17 to_hex to_oct@17 translate unistr`},
	{"functions-binarystring.html", callSafe, effNone, "", `bit_count crc32@18 crc32c@18 get_bit get_byte set_bit
		set_byte sha224 sha256 sha384 sha512 convert convert_from convert_to encode decode`},
	{"functions-matching.html", callSafe, effNone, "", `like_escape similar_escape similar_to_escape texticregexeq`},
	{"functions-formatting.html", callSafe, effNone, "", `to_char to_date to_number to_timestamp`},
	{"functions-datetime.html", callSafe, effNone, "", `age clock_timestamp date_add@16 date_bin@14 date_part
		date_subtract@16 date_trunc extract isfinite justify_days justify_hours justify_interval make_date
		make_interval make_time make_timestamp make_timestamptz now statement_timestamp timeofday
		transaction_timestamp timezone pg_sleep pg_sleep_for pg_sleep_until overlaps`},
	{"functions-enum.html", callSafe, effNone, "", `enum_first enum_last enum_range`},
	{"functions-geometry.html", callSafe, effNone, "", `area center diagonal diameter height isclosed isopen npoints
		pclose popen radius slope width bound_box isparallel isperp ishorizontal isvertical`},
	{"functions-net.html", callSafe, effNone, "", `abbrev broadcast family host hostmask inet_merge inet_same_family
		masklen netmask network set_masklen macaddr8_set7bit`},
	{"functions-textsearch.html", callSafe, effNone, "", `array_to_tsvector get_current_ts_config numnode
		plainto_tsquery phraseto_tsquery websearch_to_tsquery querytree setweight strip to_tsquery to_tsvector
		json_to_tsvector jsonb_to_tsvector ts_delete ts_filter ts_headline ts_rank ts_rank_cd
		tsquery_phrase tsvector_to_array unnest ts_debug ts_lexize ts_parse ts_token_type`},
	{"functions-uuid.html", callSafe, effNone, "", `gen_random_uuid uuidv4@18 uuidv7@18 uuid_extract_timestamp@17
		uuid_extract_version@17`},
	{"functions-xml.html", callSyntax, effNone, "", `xmlattributes xmlelement xmlforest xmlpi xmlroot xmlparse
		xmlserialize xmlexists xmlconcat xmltable`},
	{"functions-xml.html", callSafe, effNone, "", `xmltext@17 xmlcomment xmlagg xml_is_well_formed
		xml_is_well_formed_document xml_is_well_formed_content xpath xpath_exists`},
	{"functions-json.html", callSafe, effNone, "", `to_json to_jsonb array_to_json json_array row_to_json
		json_build_array jsonb_build_array json_build_object jsonb_build_object json_object jsonb_object json_scalar
		json_serialize json@17 json_array_element json_array_element_text jsonb_array_element jsonb_array_element_text
		json_object_field json_object_field_text jsonb_object_field jsonb_object_field_text json_array_elements jsonb_array_elements json_array_elements_text jsonb_array_elements_text
		json_array_length jsonb_array_length json_each jsonb_each json_each_text jsonb_each_text json_extract_path
		jsonb_extract_path json_extract_path_text jsonb_extract_path_text json_object_keys jsonb_object_keys
		json_populate_record jsonb_populate_record jsonb_populate_record_valid@17 json_populate_recordset
		jsonb_populate_recordset json_to_record jsonb_to_record json_to_recordset jsonb_to_recordset jsonb_set
		jsonb_set_lax jsonb_insert json_strip_nulls jsonb_strip_nulls jsonb_path_exists jsonb_path_match
		jsonb_path_query jsonb_path_query_array jsonb_path_query_first jsonb_path_exists_tz jsonb_path_match_tz
		jsonb_path_query_tz jsonb_path_query_array_tz jsonb_path_query_first_tz jsonb_pretty json_typeof
		jsonb_typeof json_exists@17 json_query@17 json_value@17 json_table@17 jsonb_contains jsonb_contained
		jsonb_exists jsonb_exists_any jsonb_exists_all jsonb_delete jsonb_delete_path jsonb_concat
		json_objectagg json_arrayagg`},
	{"functions-array.html", callSafe, effNone, "", `array_append array_cat array_dims array_fill array_length
		array_lower array_ndims array_position array_positions array_prepend array_remove array_replace
		array_reverse@18 array_sample@16 array_shuffle@16 array_sort@18 array_to_string array_upper cardinality
		trim_array array_larger array_smaller arraycontains arraycontained arrayoverlap`},
	{"functions-range.html", callSafe, effNone, "", `lower_inc upper_inc lower_inf upper_inf isempty range_merge
		range_contains range_overlaps range_adjacent range_intersect range_minus range_union`},
	{"functions-aggregate.html", callSafe, effNone, "", `any_value@16 array_agg avg bit_and bit_or bit_xor bool_and
		bool_or count every json_agg json_agg_strict@16 jsonb_agg jsonb_agg_strict@16 json_object_agg
		json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict jsonb_object_agg
		jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict max min range_agg
		range_intersect_agg string_agg sum corr covar_pop covar_samp regr_avgx regr_avgy regr_count regr_intercept
		regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp variance var_pop var_samp mode
		percentile_cont percentile_disc rollup cube`},
	{"functions-window.html", callSafe, effNone, "", `row_number rank dense_rank percent_rank cume_dist ntile lag lead
		first_value last_value nth_value`},
	{"functions-srf.html", callSafe, effNone, "", `generate_series generate_subscripts`},
	{"functions-comparisons.html", callSafe, effNone, "", `num_nonnulls num_nulls`},
	{"functions-info.html", callSafe, effNone, "", `current_database current_query current_schemas
		inet_client_addr inet_client_port inet_server_addr inet_server_port pg_conf_load_time pg_postmaster_start_time
		pg_is_other_temp_schema pg_jit_available version
		has_any_column_privilege has_column_privilege has_database_privilege has_foreign_data_wrapper_privilege
		has_function_privilege has_language_privilege has_largeobject_privilege@18 has_parameter_privilege@15
		has_schema_privilege has_sequence_privilege has_server_privilege has_table_privilege
		has_tablespace_privilege has_type_privilege pg_has_role row_security_active acldefault aclexplode makeaclitem
		pg_collation_is_visible pg_conversion_is_visible pg_function_is_visible pg_opclass_is_visible
		pg_operator_is_visible pg_opfamily_is_visible pg_statistics_obj_is_visible pg_table_is_visible
		pg_ts_config_is_visible pg_ts_dict_is_visible pg_ts_parser_is_visible pg_ts_template_is_visible
		pg_type_is_visible format_type pg_basetype@17 pg_char_to_encoding pg_encoding_to_char
		pg_get_catalog_foreign_keys pg_get_constraintdef pg_get_expr pg_get_functiondef
		pg_get_function_arg_default pg_get_function_arguments pg_get_function_identity_arguments
		pg_get_function_result pg_get_function_sqlbody pg_get_indexdef pg_get_keywords pg_get_partition_constraintdef
		pg_get_partkeydef pg_get_ruledef pg_get_serial_sequence pg_get_statisticsobjdef
		pg_get_statisticsobjdef_columns pg_get_statisticsobjdef_expressions pg_get_triggerdef pg_get_userbyid
		pg_get_viewdef pg_index_column_has_property pg_index_has_property pg_indexam_has_property
		pg_options_to_table pg_settings_get_flags@15 pg_tablespace_databases pg_tablespace_location pg_typeof
		pg_input_is_valid@16 pg_input_error_info@16 to_regclass to_regcollation to_regnamespace to_regoper
		to_regoperator to_regproc to_regprocedure to_regrole to_regtype to_regtypemod@17 pg_describe_object
		pg_identify_object pg_identify_object_as_address pg_get_object_address pg_get_acl@18 col_description
		obj_description shobj_description pg_relation_is_updatable pg_column_is_updatable
		pg_sequence_parameters pg_get_replica_identity_index pg_relation_is_publishable
		pg_encoding_max_length getdatabaseencoding pg_available_extensions pg_available_extension_versions
		pg_extension_update_paths pg_get_publication_tables pg_config pg_mcv_list_items pg_indexam_progress_phasename`},
	{"information-schema.html", callSafe, effNone, "", `_pg_expandarray _pg_index_position _pg_truetypid _pg_truetypmod
		_pg_char_max_length _pg_char_octet_length _pg_numeric_precision _pg_numeric_precision_radix _pg_numeric_scale
		_pg_datetime_precision _pg_interval_type`},
	{"functions-admin.html", callSafe, effNone, "", `pg_column_size pg_column_compression pg_column_toast_chunk_id@17
		pg_database_size pg_indexes_size pg_relation_size pg_size_bytes pg_table_size
		pg_tablespace_size pg_total_relation_size pg_relation_filenode pg_relation_filepath pg_filenode_relation
		pg_partition_tree pg_partition_ancestors pg_partition_root pg_is_in_recovery pg_last_wal_receive_lsn
		pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_is_wal_replay_paused pg_get_wal_replay_pause_state
		pg_wal_lsn_diff pg_size_pretty pg_collation_actual_version pg_database_collation_actual_version@15`},
	{"catalog-pg-proc.html", callSafe, effNone, "", `hashtext hashtextextended hash_array hash_array_extended hash_record
		hash_record_extended hash_numeric hash_numeric_extended hash_range hash_range_extended hash_multirange
		hashbpchar hashbpcharextended hashchar hashenum hashfloat4 hashfloat8 hashinet hashint2 hashint2extended
		hashint4 hashint4extended hashint8 hashint8extended hashmacaddr hashname hashnameextended hashoid hashvarlena
		hashcharextended hashenumextended hashfloat4extended hashfloat8extended hashinetextended hashoidextended hashtid
		hashtidextended hash_multirange_extended interval_hash interval_hash_extended jsonb_hash jsonb_hash_extended
		pg_lsn_hash_extended time_hash_extended timestamp_hash_extended timetz_hash_extended uuid_hash uuid_hash_extended timestamp_hash time_hash timetz_hash pg_lsn_hash date_larger date_smaller
		int4larger int4smaller int8larger int8smaller numeric_larger numeric_smaller text_larger text_smaller
		timestamp_larger timestamp_smaller timestamptz_larger timestamptz_smaller int2larger int2smaller float8larger
		float8smaller enum_larger enum_smaller textcat texteq textne textlen textlike textnlike notlike texticlike
		texticnlike textregexeq textregexne texticregexne int4eq int4pl int4mi int8eq
		int8pl int8mi float8pl numeric_add numeric_sub numeric_mul numeric_div numeric_eq booleq date_eq date_mi
		date_pli timestamp_eq timestamptz_eq uuid_eq getpgusername satisfies_hash_partition unicode_version@17
		icu_unicode_version@17 pg_timezone_names pg_timezone_abbrevs pg_collation_for xml cash_words xmlvalidate`},
	{"functions-admin.html", callSetting, effNone, "", `current_setting`},
	{"functions-info.html", callSafe, effNone, "", `pg_current_snapshot pg_snapshot_xip pg_snapshot_xmax
		pg_snapshot_xmin pg_visible_in_snapshot txid_current_snapshot txid_snapshot_xip txid_snapshot_xmax
		txid_snapshot_xmin txid_visible_in_snapshot mxid_age`},

	{"functions-sequence.html", callEffect, effWrite, "changes a sequence", `nextval setval`},
	{"functions-sequence.html", callEffect, effPrimary, "value of this session", `currval lastval`},
	{"functions-info.html", callEffect, effOwn, "value of this session", `pg_backend_pid pg_my_temp_schema
		pg_current_xact_id_if_assigned txid_current_if_assigned pg_trigger_depth pg_cursor pg_prepared_statement
		pg_show_all_settings`},
	{"functions-info.html", callEffect, effPrimary, "value of this session", `
		pg_listening_channels pg_notification_queue_usage pg_blocking_pids pg_safe_snapshot_blocking_pids
		pg_prepared_xact pg_lock_status pg_export_snapshot pg_xact_commit_timestamp
		pg_last_committed_xact pg_xact_status txid_status pg_current_logfile pg_control_checkpoint
		pg_control_system pg_control_init pg_control_recovery pg_sequence_last_value pg_get_sequence_data@18
		pg_show_all_file_settings pg_hba_file_rules pg_ident_file_mappings pg_get_backend_memory_contexts
		pg_get_shmem_allocations pg_get_shmem_allocations_numa@18 pg_get_aios@18 pg_numa_available@18
		pg_get_loaded_modules@18 pg_get_wait_events@17 pg_get_wal_resource_managers@15 pg_get_wal_summarizer_state@17
		pg_available_wal_summaries@17 pg_wal_summary_contents@17 pg_get_multixact_members
		pg_xact_commit_timestamp_origin pg_show_replication_origin_status pg_replication_origin_oid
		pg_replication_origin_progress pg_replication_origin_session_is_setup pg_replication_origin_session_progress`},
	{"functions-info.html", callEffect, effWrite, "takes a transaction id", `txid_current pg_current_xact_id`},
	{"sql-notify.html", callEffect, effWrite, "sends a notification", `pg_notify`},
	{"lo-funcs.html", callEffect, effWrite, "changes a large object", `lo_create lo_creat lo_from_bytea lo_put
		lo_unlink lo_import lo_export lo_truncate lo_truncate64 lowrite lo_open lo_lseek lo_lseek64 lo_close loread lo_tell
		lo_tell64`},
	{"lo-funcs.html", callSafe, effNone, "", `lo_get`},
	{"functions-admin.html", callEffect, effWrite, "works on the primary's log", `pg_current_wal_lsn
		pg_current_wal_insert_lsn pg_current_wal_flush_lsn pg_switch_wal pg_create_restore_point
		pg_logical_emit_message pg_walfile_name pg_walfile_name_offset pg_backup_start pg_backup_stop
		pg_start_backup pg_stop_backup pg_log_standby_snapshot@16 pg_split_walfile_name@16`},
	{"functions-admin.html", callEffect, effWrite, "maintains an index or the catalog", `brin_summarize_new_values
		brin_summarize_range brin_desummarize_range gin_clean_pending_list pg_import_system_collations
		pg_replication_origin_create pg_replication_origin_drop pg_replication_origin_advance
		pg_restore_relation_stats@18 pg_restore_attribute_stats@18 pg_clear_relation_stats@18 pg_clear_attribute_stats@18`},
	{"functions-admin.html", callEffect, effPrimary, "acts on a server", `pg_cancel_backend pg_terminate_backend
		pg_reload_conf pg_rotate_logfile pg_log_backend_memory_contexts pg_promote pg_wal_replay_pause
		pg_wal_replay_resume pg_read_file pg_read_binary_file pg_stat_file pg_ls_dir pg_ls_logdir pg_ls_waldir
		pg_ls_tmpdir pg_ls_archive_statusdir pg_ls_summariesdir@18 pg_ls_logicalmapdir pg_ls_logicalsnapdir pg_ls_replslotdir pg_create_physical_replication_slot pg_drop_replication_slot
		pg_create_logical_replication_slot pg_copy_physical_replication_slot pg_copy_logical_replication_slot
		pg_logical_slot_get_changes pg_logical_slot_peek_changes pg_logical_slot_get_binary_changes
		pg_logical_slot_peek_binary_changes pg_replication_slot_advance pg_get_replication_slots
		pg_sync_replication_slots`},
	{"monitoring-stats.html", callEffect, effPrimary, "acts on a server", `pg_stat_reset pg_stat_reset_shared
		pg_stat_reset_single_table_counters pg_stat_reset_single_function_counters pg_stat_reset_slru
		pg_stat_reset_replication_slot pg_stat_reset_subscription_stats pg_stat_reset_backend_stats
		pg_stat_clear_snapshot pg_stat_get_activity pg_stat_have_stats@15 pg_stat_force_next_flush@15`},
	{"functions-admin.html", callEffect, effAdvisory, "advisory lock", `pg_advisory_lock pg_advisory_lock_shared
		pg_try_advisory_lock pg_try_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_shared
		pg_advisory_unlock_all pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock
		pg_try_advisory_xact_lock_shared`},
	{"functions-admin.html", callEffect, effSetting, "session setting", `set_config setseed
		pg_replication_origin_session_setup pg_replication_origin_session_reset pg_replication_origin_xact_setup
		pg_replication_origin_xact_reset`},
	{"functions-xml.html", callEffect, effOpaque, "runs SQL from a string", `query_to_xml query_to_xml_and_xmlschema
		query_to_xmlschema cursor_to_xml cursor_to_xmlschema table_to_xml table_to_xml_and_xmlschema
		table_to_xmlschema schema_to_xml schema_to_xml_and_xmlschema schema_to_xmlschema database_to_xml
		database_to_xml_and_xmlschema database_to_xmlschema ts_stat ts_rewrite`},
}
