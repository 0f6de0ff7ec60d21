package rwsplit

import "strings"

// tableWord is what a word means to a tableScan.
type tableWord uint8

const (
	tableNone     tableWord = iota // a name, or a word that says nothing about tables
	tableSelect                    // SELECT
	tableValues                    // VALUES
	tableTable                     // TABLE: a query, or before a name
	tableFrom                      // FROM
	tableJoin                      // JOIN
	tableOnly                      // ONLY, LATERAL and the like: a table still follows
	tableUsing                     // USING
	tableInto                      // INTO
	tableInsert                    // INSERT, REPLACE
	tableUpdate                    // UPDATE
	tableDelete                    // DELETE, MERGE
	tableSet                       // SET: no table follows any more
	tableClause                    // ends FROM: WHERE, GROUP, ORDER, LIMIT, UNION
	tableWith                      // WITH, RECURSIVE
	tableAs                        // AS
	tableShaped                    // NOT, MATERIALIZED: between AS and the query of a WITH
	tableOr                        // OR: INSERT OR IGNORE INTO
	tableFor                       // FOR, KEY, NO: before the UPDATE of a locking read
	tableApart                     // DISTINCT: IS DISTINCT FROM
	tableDual                      // DUAL: no table
	tableTruncate                  // TRUNCATE
	tableCascade                   // CASCADE
	tableCall                      // CALL
	tableOrder                     // a word of a routine's body: what follows is a new operand
	tableDynamic                   // runs what can't be known, or changes the catalog
	tableHidden                    // a function that reads tables which the text does not name
)

// tableWords are the words of all languages, see [tableWord]. A word that has
// no such meaning in one of them costs some offload at most.
var tableWords = []struct {
	word  tableWord
	names string
}{
	{tableSelect, "select"},
	{tableValues, "values value"},
	{tableTable, "table"},
	{tableFrom, "from"},
	{tableJoin, "join straight_join"},
	{tableOnly, "only lateral ignore low_priority high_priority delayed quick"},
	{tableUsing, "using"},
	{tableInto, "into"},
	{tableInsert, "insert replace"},
	{tableUpdate, "update"},
	{tableDelete, "delete merge"},
	{tableSet, "set"},
	{tableClause, "where group order having limit offset union except intersect window returning"},
	{tableWith, "with recursive"},
	{tableAs, "as"},
	{tableShaped, "not materialized"},
	{tableOr, "or"},
	{tableFor, "for key no"},
	{tableApart, "distinct"},
	{tableDual, "dual"},
	{tableTruncate, "truncate"},
	{tableCascade, "cascade"},
	{tableCall, "call"},
	{tableOrder, `if elsif elseif else then when while until loop repeat return begin perform exit continue case do in
		and all any some between like ilike is on by default assert raise foreach slice reverse query next
		strict end declare iterate leave elif xor div mod regexp rlike to similar array`},
	{tableDynamic, "execute prepare create alter drop refresh copy load import rename reindex cluster vacuum"},
}

// hiddenTables are safe functions whose value depends on tables that are named
// in a string or not at all.
const hiddenTables = `pg_relation_size pg_table_size pg_indexes_size pg_total_relation_size pg_database_size
	pg_tablespace_size pg_relation_filenode pg_relation_filepath pg_filenode_relation lo_get lo_put lo_creat lo_create
	lo_from_bytea lo_unlink lo_import lo_export lo_truncate lo_truncate64 lowrite lo_open loread lo_close lo_lseek
	lo_lseek64 lo_tell lo_tell64 pg_current_snapshot txid_current_snapshot pg_visible_in_snapshot
	txid_visible_in_snapshot pg_snapshot_xip pg_snapshot_xmax pg_snapshot_xmin txid_snapshot_xip txid_snapshot_xmax
	txid_snapshot_xmin mxid_age gin_clean_pending_list pg_import_system_collations load_file`

// tables tells the words what they mean to a tableScan.
func (b *wordBuilder) tables() {
	for _, r := range tableWords {
		for _, name := range strings.Fields(r.names) {
			b.entry(name).table = r.word
		}
	}
	for _, name := range strings.Fields(hiddenTables) {
		b.entry(name).table = tableHidden
	}
}
