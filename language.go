package rwsplit

// language is the SQL that a text is read as.
type language uint8

const (
	// langGeneric is an engine that nobody described: only what reads the
	// same everywhere counts as a read.
	langGeneric language = iota
	langPostgres
	langMySQL
	langMariaDB
	// langMySQLFamily is MySQL or MariaDB: a read under both or no read.
	langMySQLFamily
	langSQLite

	languageCount
)

// languageOf returns the language of a dialect name as in the DSN key dialect.
func languageOf(dialect string) (language, bool) {
	switch dialect {
	case "postgres":
		return langPostgres, true
	case "mysql":
		return langMySQL, true
	case "mariadb":
		return langMariaDB, true
	case "mysql/mariadb":
		return langMySQLFamily, true
	case "sqlite":
		return langSQLite, true
	case "generic":
		return langGeneric, true
	}
	return langGeneric, false
}

// mysqlFamily reports whether l is MySQL, MariaDB or one of the two.
func (l language) mysqlFamily() bool {
	return l == langMySQL || l == langMariaDB || l == langMySQLFamily
}
