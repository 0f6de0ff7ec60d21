package rwsplit

// An engine that nobody described: standard SQL, and only the functions that
// mean the same wherever they are built in.

func genericRules() *languageRules {
	b := newWordBuilder()
	b.functions(genericFunctions)
	b.keywords(genericKeywords)
	b.bare(genericWords)
	b.statements(genericStatements)
	b.tables()
	words := b.table()
	r := &languageRules{
		lang:  langGeneric,
		words: words,
		lex: lexRules{
			bytes:        genericBytes,
			words:        words,
			doubleString: true,
			careful:      true,
		},
		quotedFold: true,
	}
	return r.withReadings()
}

var genericStatements = []statementRule{
	{startQuery, effNone, "plain read", "select with values table"},
	{startDML, effWrite, "write", "insert update delete merge replace upsert"},
	{startDDL, effMaybeDDL, "write", "create alter drop"},
	{startFixed, effMaybeDDL, "write", "truncate rename comment grant revoke"},
	{startFixed, effOpaqueTx, "opaque", "call do exec execute"},
	{startExplain, effNone, "plain read", "explain"},
	{startSet, effSetting, "session setting", "set"},
	{startFixed, effSetting, "session setting", "use"},
	{startPrepare, effPrepared, "text PREPARE", "prepare"},
	{startDeallocate, effPrepared, "text PREPARE", "deallocate"},
	{startFixed, effTableLock, "table lock", "lock unlock"},
	{startBegin, effPrimary, "transaction control", "begin"},
	{startStart, effPrimary, "transaction control", "start"},
	{startCommit, effPrimary, "transaction control", "commit"},
	{startRollback, effPrimary, "transaction control", "rollback"},
	{startSavepoint, effPrimary, "transaction control", "savepoint release"},
}

// Words that are sequences or locks somewhere.
var genericWords = []wordRule{
	{effWrite, "changes a sequence", "nextval"},
	{effPrimary, "value of this session", "currval lastval prevval"},
	{effLock, "locking read", "updlock xlock holdlock tablock tablockx paglock rowlock locks"},
	{effPrimary, "value for the next statement", "sql_calc_found_rows"},
	{effWrite, "write", "pragma_optimize"}, // a table of SQLite
}

var genericKeywords = []keywordRule{
	{kwOther, callUnknown, `asc both by cast check collate column constraint create cross default desc dual
		escape first foreign full ignore inner is leading low_priority modify natural
		nulls outer percent preceding primary procedure qualify references regexp rlike rows
		set similar start connect prior symmetric ties to trailing unique using verbose write`},
	{kwOther, callSyntax, `all and any between by case check else exists in like not or over partition row some then
		when xor is using escape grouping sets rollup cube`},
	{kwOther, callSafe, `left right`},
	{kwValue, callUnknown, `null true false end`},
	{kwValue, callSafe, `current_date current_time current_timestamp current_user localtime localtimestamp session_user`},
	{kwNone, callContext, `filter`},
	{kwAs, callSyntax, `as`},
	{kwClause, callSyntax, `where group order having union except intersect`},
	{kwClause, callUnknown, `limit offset window minus fetch returning option`},
	{kwDelete, callUnknown, `delete merge upsert truncate`},
	{kwDistinct, callSyntax, `distinct`},
	{kwFor, callUnknown, `for`},
	{kwFrom, callSyntax, `from`},
	{kwInsert, callSafe, `replace`},
	{kwInsert, callUnknown, `insert`},
	{kwInto, callUnknown, `into`},
	{kwJoin, callSyntax, `join`},
	{kwKey, callUnknown, `key`},
	{kwLateral, callSyntax, `lateral`},
	{kwLock, callUnknown, `lock`},
	{kwNext, callUnknown, `next`},
	{kwPrevious, callUnknown, `previous`},
	{kwNextOf, callUnknown, `value`},
	{kwNo, callUnknown, `no`},
	{kwOn, callSyntax, `on`},
	{kwSelect, callSyntax, `select`},
	{kwShare, callUnknown, `share`},
	{kwTop, callUnknown, `top`},
	{kwUpdate, callUnknown, `update`},
	{kwValues, callSyntax, `values table`},
	{kwWith, callUnknown, `with`},
	{kwWith, callUnknown, `recursive`},
}

var genericFunctions = []functionRule{
	{"", callSafe, effNone, "", `abs acos asin atan avg cast ceil ceiling char_length character_length coalesce concat
		cos count cume_dist dense_rank exp extract first_value floor greatest lag last_value lead least length ln
		lower ltrim max min mod now nth_value ntile nullif octet_length percent_rank position power rank replace round
		row_number rtrim sign sin sqrt stddev_pop stddev_samp substr substring sum tan trim upper var_pop var_samp
		char varchar decimal numeric integer int bigint smallint float real double date time timestamp`},
}
