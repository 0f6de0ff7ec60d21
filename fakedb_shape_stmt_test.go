package rwsplit_test

import (
	"database/sql/driver"
	"reflect"
)

// Short names for the interfaces of a statement; fConvert is
// driver.ColumnConverter, which old drivers still have.
type (
	fStmt      = driver.Stmt
	fStmtExec  = driver.StmtExecContext
	fStmtQuery = driver.StmtQueryContext
	fConvert   = interface {
		ColumnConverter(idx int) driver.ValueConverter
	}
)

func (s fakeShape) wrapStmt(st *fakeStmt) driver.Stmt {
	for _, shape := range stmtShapes {
		if shape.name == s.stmt {
			return shape.wrap(st)
		}
	}
	if s.stmt != "" {
		panic("fakedb: no such statement shape: " + s.stmt)
	}
	return st
}

type stmtShape struct {
	name string
	wrap func(st *fakeStmt) driver.Stmt
}

var stmtShapes = []stmtShape{
	{"bare", func(st *fakeStmt) driver.Stmt { return struct{ fStmt }{st} }},
	{"+StmtExecContext", func(st *fakeStmt) driver.Stmt {
		return struct {
			fStmt
			fStmtExec
		}{st, st}
	}},
	{"+StmtQueryContext", func(st *fakeStmt) driver.Stmt {
		return struct {
			fStmt
			fStmtQuery
		}{st, st}
	}},
	{"+NamedValueChecker", func(st *fakeStmt) driver.Stmt {
		return struct {
			fStmt
			fCheck
		}{st, st}
	}},
	{"+ColumnConverter", func(st *fakeStmt) driver.Stmt {
		return struct {
			fStmt
			fConvert
		}{st, st}
	}},
	{"-StmtExecContext", func(st *fakeStmt) driver.Stmt {
		return struct {
			fStmt
			fStmtQuery
			fCheck
			fConvert
		}{st, st, st, st}
	}},
	{"-StmtQueryContext", func(st *fakeStmt) driver.Stmt {
		return struct {
			fStmt
			fStmtExec
			fCheck
			fConvert
		}{st, st, st, st}
	}},
	{"-NamedValueChecker", func(st *fakeStmt) driver.Stmt {
		return struct {
			fStmt
			fStmtExec
			fStmtQuery
			fConvert
		}{st, st, st, st}
	}},
	{"-ColumnConverter", func(st *fakeStmt) driver.Stmt {
		return struct {
			fStmt
			fStmtExec
			fStmtQuery
			fCheck
		}{st, st, st, st}
	}},
	{"+NamedValueChecker+ColumnConverter", func(st *fakeStmt) driver.Stmt {
		return struct {
			fStmt
			fCheck
			fConvert
		}{st, st, st}
	}},
	{"+StmtExecContext+StmtQueryContext", func(st *fakeStmt) driver.Stmt {
		return struct {
			fStmt
			fStmtExec
			fStmtQuery
		}{st, st, st}
	}},
}

// What the optional interfaces of rows add to driver.Rows.
type (
	fNextSet interface {
		HasNextResultSet() bool
		NextResultSet() error
	}
	fScanType  interface{ ColumnTypeScanType(int) reflect.Type }
	fTypeName  interface{ ColumnTypeDatabaseTypeName(int) string }
	fLength    interface{ ColumnTypeLength(int) (int64, bool) }
	fNullable  interface{ ColumnTypeNullable(int) (nullable, ok bool) }
	fPrecision interface {
		ColumnTypePrecisionScale(int) (precision, scale int64, ok bool)
	}
)

func (s fakeShape) wrapRows(r *fakeRows) driver.Rows {
	for _, shape := range rowsShapes {
		if shape.name == s.rows {
			return shape.wrap(r)
		}
	}
	if s.rows != "" {
		panic("fakedb: no such rows shape: " + s.rows)
	}
	return r
}

type rowsShape struct {
	name string
	wrap func(r *fakeRows) driver.Rows
}

var rowsShapes = []rowsShape{
	{"bare", func(r *fakeRows) driver.Rows { return struct{ driver.Rows }{r} }},
	{"+RowsNextResultSet", func(r *fakeRows) driver.Rows {
		return struct {
			driver.Rows
			fNextSet
		}{r, r}
	}},
	{"+ScanType", func(r *fakeRows) driver.Rows {
		return struct {
			driver.Rows
			fScanType
		}{r, r}
	}},
	{"+DatabaseTypeName", func(r *fakeRows) driver.Rows {
		return struct {
			driver.Rows
			fTypeName
		}{r, r}
	}},
	{"+Length", func(r *fakeRows) driver.Rows {
		return struct {
			driver.Rows
			fLength
		}{r, r}
	}},
	{"+Nullable", func(r *fakeRows) driver.Rows {
		return struct {
			driver.Rows
			fNullable
		}{r, r}
	}},
	{"+PrecisionScale", func(r *fakeRows) driver.Rows {
		return struct {
			driver.Rows
			fPrecision
		}{r, r}
	}},
	{"-RowsNextResultSet", func(r *fakeRows) driver.Rows {
		return struct {
			driver.Rows
			fScanType
			fTypeName
			fLength
			fNullable
			fPrecision
		}{r, r, r, r, r, r}
	}},
	{"-ScanType", func(r *fakeRows) driver.Rows {
		return struct {
			driver.Rows
			fNextSet
			fTypeName
			fLength
			fNullable
			fPrecision
		}{r, r, r, r, r, r}
	}},
	{"-DatabaseTypeName", func(r *fakeRows) driver.Rows {
		return struct {
			driver.Rows
			fNextSet
			fScanType
			fLength
			fNullable
			fPrecision
		}{r, r, r, r, r, r}
	}},
	{"-Length", func(r *fakeRows) driver.Rows {
		return struct {
			driver.Rows
			fNextSet
			fScanType
			fTypeName
			fNullable
			fPrecision
		}{r, r, r, r, r, r}
	}},
	{"-Nullable", func(r *fakeRows) driver.Rows {
		return struct {
			driver.Rows
			fNextSet
			fScanType
			fTypeName
			fLength
			fPrecision
		}{r, r, r, r, r, r}
	}},
	{"-PrecisionScale", func(r *fakeRows) driver.Rows {
		return struct {
			driver.Rows
			fNextSet
			fScanType
			fTypeName
			fLength
			fNullable
		}{r, r, r, r, r, r}
	}},
}
