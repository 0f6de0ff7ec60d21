package rwsplit

// SQLite 3.50. Pages are below https://www.sqlite.org/.

func sqliteRules() *languageRules {
	b := newWordBuilder()
	b.functions(sqliteFunctions)
	b.pragmas(sqlitePragmas)
	b.keywords(sqliteKeywords)
	b.statements(sqliteStatements)
	b.tables()
	words := b.table()
	r := &languageRules{
		lang:  langSQLite,
		words: words,
		lex: lexRules{
			bytes: sqliteBytes,
			words: words,
		},
		quotedFold:  true,
		quotedCalls: true,
	}
	return r.withReadings()
}

// lang.html
var sqliteStatements = []statementRule{
	{startQuery, effNone, "plain read", "select with values"},
	{startDML, effWrite, "write", "insert update delete replace"},
	{startDDL, effDDL, "write", "create alter drop"},
	{startFixed, effWrite, "write", "vacuum reindex analyze"},
	{startFixed, effSetting, "attached database", "attach detach"},
	{startExplain, effNone, "plain read", "explain"},
	{startPragma, effNone, "write", "pragma"},
	{startBegin, effPrimary, "transaction control", "begin"},
	{startCommit, effPrimary, "transaction control", "commit end"},
	{startRollback, effPrimary, "transaction control", "rollback"},
	{startSavepoint, effPrimary, "transaction control", "savepoint release"},
}

// lang_keywords.html
var sqliteKeywords = []keywordRule{
	{kwOther, callUnknown, `abort action add after alter always analyze asc attach autoincrement before begin by cascade
		cast check collate column commit conflict constraint create cross current database default deferrable
		deferred desc detach do drop each escape exclude exclusive explain fail following foreign full generated
		groups immediate indexed initially inner instead is isnull last left match
		natural nothing notnull nulls of others outer plan pragma preceding primary query raise range
		references regexp reindex release rename restrict returning right rollback rows savepoint set
		temp temporary then ties to transaction trigger unbounded unique using vacuum view virtual when without`},
	{kwOther, callSyntax, `all and between by case cast check collate conflict else exists glob in is isnull like not
		notnull or primary references regexp set then to unique using when returning escape cross inner left right
		full natural outer index`},
	{kwOther, callSafe, `like glob match regexp raise`},
	{kwValue, callUnknown, `null end true false current_date current_time current_timestamp`},
	{kwNone, callContext, `over filter materialized within`},
	{kwAs, callSyntax, `as`},
	{kwClause, callSyntax, `where group order having limit offset union except intersect window`},
	{kwDelete, callSyntax, `delete`},
	{kwDistinct, callSyntax, `distinct`},
	{kwFrom, callSyntax, `from`},
	{kwInsert, callSafe, `replace`},
	{kwInsert, callSyntax, `insert`},
	{kwInto, callSyntax, `into`},
	{kwJoin, callSyntax, `join`},
	{kwOn, callSyntax, `on`},
	{kwSelect, callSyntax, `select`},
	{kwTarget, callUnknown, `ignore`},
	{kwUpdate, callUnknown, `update`},
	{kwValues, callSyntax, `values table`},
	{kwWith, callSyntax, `with`},
	{kwWith, callUnknown, `recursive`},
}

var sqliteFunctions = []functionRule{
	{"lang_corefunc.html", callSafe, effNone, "", `abs char coalesce concat concat_ws format glob hex if ifnull iif
		instr length like likelihood likely lower ltrim max min nullif octet_length printf quote random randomblob
		replace round rtrim sign soundex sqlite_compileoption_get sqlite_compileoption_used sqlite_offset
		sqlite_source_id sqlite_version substr substring trim typeof unhex unicode unistr unistr_quote unlikely upper
		zeroblob subtype`},
	{"lang_datefunc.html", callSafe, effNone, "", `date datetime julianday strftime time timediff unixepoch`},
	{"lang_aggfunc.html", callSafe, effNone, "", `avg count group_concat median percentile percentile_cont
		percentile_disc string_agg sum total`},
	{"windowfunctions.html", callSafe, effNone, "", `cume_dist dense_rank first_value lag last_value lead nth_value
		ntile percent_rank rank row_number`},
	{"lang_mathfunc.html", callSafe, effNone, "", `acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees
		exp floor ln log log10 log2 mod pi pow power radians sin sinh sqrt tan tanh trunc`},
	{"json1.html", callSafe, effNone, "", `json json_array json_array_insert json_array_length json_each
		json_error_position json_extract json_group_array json_group_object json_insert json_object json_patch
		json_pretty json_quote json_remove json_replace json_set json_tree json_type json_valid jsonb jsonb_array
		jsonb_array_insert jsonb_each jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert jsonb_object
		jsonb_patch jsonb_remove jsonb_replace jsonb_set jsonb_tree`},
	{"fts5.html", callSafe, effNone, "", `bm25 fts5_get_locale fts5_insttoken fts5_locale fts5_source_id highlight snippet
		matchinfo offsets`},
	{"geopoly.html", callSafe, effNone, "", `geopoly_area geopoly_bbox geopoly_blob geopoly_ccw geopoly_contains_point
		geopoly_group_bbox geopoly_json geopoly_overlap geopoly_regular geopoly_svg geopoly_within geopoly_xform`},
	{"rtree.html", callSafe, effNone, "", `rtreecheck rtreedepth rtreenode`},
	{"series.html", callSafe, effNone, "", `generate_series`},
	{"datatype3.html", callSafe, effNone, "", `varchar character nchar nvarchar decimal numeric float double int integer
		text blob real boolean bigint`},
	{"lang_corefunc.html", callEffect, effPrimary, "value of this session", `last_insert_rowid changes total_changes`},
	{"lang_corefunc.html", callEffect, effOpaque, "loads code", `load_extension`},
}

// pragmaKind says what a PRAGMA does.
type pragmaKind uint8

const (
	pragmaWrite   pragmaKind = iota // changes the file, with or without an argument
	pragmaRead                      // reads the file; an argument only selects
	pragmaValue                     // reads a value of the file, or sets it
	pragmaPrimary                   // reads a value of the server, or sets it in the file
	pragmaSession                   // reads a value of the connection, or sets it
)

// pragmas makes the tables that stand for PRAGMAs: pragma_page_count, also
// pragma_page_count(). https://www.sqlite.org/pragma.html#pragfunc
func (b *wordBuilder) pragmas(kinds map[string]pragmaKind) {
	for name, kind := range kinds {
		name = "pragma_" + name
		b.entry(name).call = callSafe
		switch kind {
		case pragmaPrimary, pragmaSession:
			b.bare([]wordRule{{effPrimary, "value of this connection", name}})
		case pragmaWrite:
			b.bare([]wordRule{{effWrite, "write", name}})
		}
	}
}

// pragma.html
var sqlitePragmas = map[string]pragmaKind{
	"collation_list":    pragmaRead,
	"compile_options":   pragmaRead,
	"database_list":     pragmaRead,
	"foreign_key_check": pragmaRead,
	"foreign_key_list":  pragmaRead,
	"function_list":     pragmaRead,
	"index_info":        pragmaRead,
	"index_list":        pragmaRead,
	"index_xinfo":       pragmaRead,
	"integrity_check":   pragmaRead,
	"module_list":       pragmaRead,
	"pragma_list":       pragmaRead,
	"quick_check":       pragmaRead,
	"table_info":        pragmaRead,
	"table_list":        pragmaRead,
	"table_xinfo":       pragmaRead,

	"application_id":     pragmaValue,
	"auto_vacuum":        pragmaValue,
	"encoding":           pragmaValue,
	"freelist_count":     pragmaValue,
	"journal_mode":       pragmaValue,
	"journal_size_limit": pragmaValue,
	"max_page_count":     pragmaValue,
	"page_count":         pragmaValue,
	"page_size":          pragmaValue,
	"schema_version":     pragmaValue,
	"user_version":       pragmaValue,

	"data_version": pragmaPrimary,

	"analysis_limit":            pragmaSession,
	"automatic_index":           pragmaSession,
	"busy_timeout":              pragmaSession,
	"cache_size":                pragmaSession,
	"cache_spill":               pragmaSession,
	"case_sensitive_like":       pragmaSession,
	"cell_size_check":           pragmaSession,
	"checkpoint_fullfsync":      pragmaSession,
	"defer_foreign_keys":        pragmaSession,
	"foreign_keys":              pragmaSession,
	"fullfsync":                 pragmaSession,
	"hard_heap_limit":           pragmaSession,
	"ignore_check_constraints":  pragmaSession,
	"legacy_alter_table":        pragmaSession,
	"locking_mode":              pragmaSession,
	"mmap_size":                 pragmaSession,
	"query_only":                pragmaSession,
	"read_uncommitted":          pragmaSession,
	"recursive_triggers":        pragmaSession,
	"reverse_unordered_selects": pragmaSession,
	"secure_delete":             pragmaSession,
	"soft_heap_limit":           pragmaSession,
	"synchronous":               pragmaSession,
	"temp_store":                pragmaSession,
	"threads":                   pragmaSession,
	"trusted_schema":            pragmaSession,
	"wal_autocheckpoint":        pragmaSession,

	"incremental_vacuum": pragmaWrite,
	"optimize":           pragmaWrite,
	"shrink_memory":      pragmaWrite,
	"wal_checkpoint":     pragmaWrite,
	"writable_schema":    pragmaWrite,
}
