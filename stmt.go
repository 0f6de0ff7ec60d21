package rwsplit

import (
	"context"
	"database/sql/driver"
)

// stmt is a prepared statement of one pooled connection. It is prepared on the
// backend where it is expected to run, on others when it is routed there.
type stmt struct {
	c     *conn
	query string
	class Statement
	foot  footprint
	by    *classifier // that understood it
	base  []baseStmt

	first skipped // the next execution was decided when the text was skipped
}

// baseStmt is the statement on one slot. gen tells whether the slot still has
// the physical connection that it was prepared on.
type baseStmt struct {
	slot *slot
	gen  uint32
	st   driver.Stmt
}

var (
	_ driver.Stmt              = (*stmt)(nil)
	_ driver.StmtExecContext   = (*stmt)(nil)
	_ driver.StmtQueryContext  = (*stmt)(nil)
	_ driver.NamedValueChecker = (*stmt)(nil)
)

// stmtsPerSlot bounds the statements that are prepared on one physical
// connection; the one that was prepared first goes, and is prepared again when
// it is executed.
const stmtsPerSlot = 256

// PrepareContext prepares where the statement is expected to run, so that its
// errors surface now.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s := &stmt{c: c, query: query}
	k := call{op: OpPrepare, query: query, stmt: s}
	if err := c.do(ctx, &k); err != nil {
		return nil, err
	}
	return s, nil
}

// understand has the text classified by what is known now.
func (s *stmt) understand() {
	if by := s.c.c.classifier.Load(); s.by != by {
		s.by = by
		s.class, s.foot = by.classify(s.query)
	}
}

// on returns the statement prepared on sl.
func (s *stmt) on(ctx context.Context, c *conn, sl *slot) (driver.Stmt, error) {
	for i := range s.base {
		if b := &s.base[i]; b.slot == sl && b.gen == sl.gen {
			return b.st, nil
		}
	}
	st, err := prepareBase(ctx, sl.ci, s.query)
	if err != nil {
		return nil, err
	}
	if len(sl.stmts) >= stmtsPerSlot { // now that the connection is known not to be busy
		if old := sl.stmts[0].detach(sl); old != nil {
			_ = old.Close()
		}
		sl.stmts = append(sl.stmts[:0], sl.stmts[1:]...)
	}
	s.base = append(s.base, baseStmt{sl, sl.gen, st})
	sl.stmts = append(sl.stmts, s)
	return st, nil
}

// detach takes the statement that was prepared on sl away from s, and returns
// it if it belongs to the slot's present physical connection.
func (s *stmt) detach(sl *slot) driver.Stmt {
	for i := range s.base {
		if b := s.base[i]; b.slot == sl {
			s.base = append(s.base[:i], s.base[i+1:]...)
			if b.gen == sl.gen {
				return b.st
			}
			return nil
		}
	}
	return nil
}

// Close only marks: the base statements are closed before the next use of
// their connections, or with them. database/sql may call it under the lock of
// the pool, where nothing may wait for a server.
func (s *stmt) Close() error {
	for _, b := range s.base {
		if b.slot.ci == nil || b.gen != b.slot.gen {
			continue
		}
		for i, other := range b.slot.stmts {
			if other == s {
				b.slot.stmts = append(b.slot.stmts[:i], b.slot.stmts[i+1:]...)
				break
			}
		}
		b.slot.closed = append(b.slot.closed, b.st)
	}
	s.base = nil
	return nil
}

// NumInput returns -1: the arguments are counted after the base driver's
// checker, which may remove some, has seen them.
func (s *stmt) NumInput() int { return -1 }

// CheckNamedValue accepts everything: see conn.CheckNamedValue.
func (s *stmt) CheckNamedValue(*driver.NamedValue) error { return nil }

// QueryContext routes and runs one execution.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	k := call{op: OpQuery, query: s.query, stmt: s, args: args}
	err := s.c.do(ctx, &k)
	return k.rows, err
}

// ExecContext routes and runs one execution.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	k := call{op: OpExec, query: s.query, stmt: s, args: args}
	err := s.c.do(ctx, &k)
	return k.res, err
}

// Exec is not called by database/sql.
func (s *stmt) Exec([]driver.Value) (driver.Result, error) { return nil, errLegacy }

// Query is not called by database/sql.
func (s *stmt) Query([]driver.Value) (driver.Rows, error) { return nil, errLegacy }
