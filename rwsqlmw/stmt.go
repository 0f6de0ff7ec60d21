package rwsqlmw

//lint:file-ignore SA1019 old base drivers have only what is deprecated

import "database/sql/driver"

// middleStmt is what sqlmw makes of a statement.
type middleStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// stmt is a statement without the argument checks that sqlmw puts into it.
type stmt struct{ middleStmt }

// columnConverter is embedded under another name than that of its method,
// which a field of that name would hide.
type columnConverter interface {
	driver.ColumnConverter
}

// newStmt gives a statement the argument checks of the base statement: those
// of sqlmw come before a ColumnConverter, which then never has a say.
func newStmt(middle middleStmt, base driver.Stmt) driver.Stmt {
	s := stmt{middle}
	checker, checks := base.(driver.NamedValueChecker)
	converter, converts := base.(columnConverter)
	switch {
	case checks && converts:
		return struct {
			stmt
			driver.NamedValueChecker
			columnConverter
		}{s, checker, converter}
	case checks:
		return struct {
			stmt
			driver.NamedValueChecker
		}{s, checker}
	case converts:
		return struct {
			stmt
			columnConverter
		}{s, converter}
	default:
		return s
	}
}
