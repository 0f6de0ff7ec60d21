package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// logParser reads a server's statement log piece by piece.
type logParser interface {
	parse(b []byte, add func(user, statement string))
}

// cutLine cuts the first whole line off b.
func cutLine(b []byte) (line, rest []byte, ok bool) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return nil, b, false
	}
	return bytes.TrimSuffix(b[:i], []byte("\r")), b[i+1:], true
}

// statementLog is what has been read of one server's log so far.
type statementLog struct {
	parser     logParser
	offset     int64
	statements []string // the application's
	admin      []string // the administrator's, since the last read
	start      int      // where Statements begins
}

var logMarks atomic.Int64

var errNotRunning = errors.New("cluster: the server does not run")

// Statements returns the texts of the statements that the server executed for
// the application's user since [Cluster.ClearStatements] or [Cluster.Reset],
// in order, as the server itself logged them. It works on frozen and killed
// servers, too. Arguments of prepared statements show as the server logs them:
// MySQL and MariaDB put them into the text, PostgreSQL leaves $1.
func (s *Server) Statements(ctx context.Context) ([]string, error) {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	if err := s.readLogLocked(ctx); err != nil {
		return nil, err
	}
	return slices.Clone(s.log.statements[s.log.start:]), nil
}

// Count returns how many of the statements that the server executed for the
// application contain the text.
func (s *Server) Count(ctx context.Context, text string) (int, error) {
	statements, err := s.Statements(ctx)
	n := 0
	for _, statement := range statements {
		if strings.Contains(statement, text) {
			n++
		}
	}
	return n, err
}

// ClearStatements makes Statements of every server begin now.
func (c *Cluster) ClearStatements(ctx context.Context) error {
	return c.each(func(s *Server) error {
		s.logMu.Lock()
		defer s.logMu.Unlock()
		err := s.readLogLocked(ctx)
		s.log.start = len(s.log.statements)
		return err
	})
}

// LogStatements turns the servers' statement logs on or off. They are on when
// a cluster starts and after Reset; a restarted MySQL or MariaDB server logs.
// Load tests may turn them off.
func (c *Cluster) LogStatements(ctx context.Context, on bool) error {
	return c.each(func(s *Server) error {
		s.quiet.Store(!on)
		return c.flavor.logStatements(ctx, s, on)
	})
}

// readLogLocked reads what the server has logged up to now.
func (s *Server) readLogLocked(ctx context.Context) error {
	if s.log.parser == nil {
		s.log.parser = s.c.flavor.parser()
	}
	if s.State() != Running || s.quiet.Load() {
		return s.readMoreLocked(ctx)
	}
	// PostgreSQL's log goes through a process of its own: once a mark is there,
	// everything before it is.
	mark := fmt.Sprintf("rwsplit log mark %d", logMarks.Add(1))
	if _, err := s.admin.ExecContext(ctx, "SELECT '"+mark+"'"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return poll(ctx, func() error {
		s.log.admin = s.log.admin[:0]
		if err := s.readMoreLocked(ctx); err != nil {
			return err
		}
		for _, statement := range s.log.admin {
			if strings.Contains(statement, mark) {
				return nil
			}
		}
		return fmt.Errorf("cluster: %s has not written its statement log", s.Name)
	})
}

func (s *Server) readMoreLocked(ctx context.Context) error {
	var b []byte
	err := errNotRunning
	if s.State() == Running {
		b, err = s.c.flavor.readLog(ctx, s, s.log.offset)
	}
	if err != nil {
		b, err = s.readFile(ctx, s.c.flavor.logFile(s), s.log.offset)
	}
	if err != nil {
		return err
	}
	s.log.offset += int64(len(b))
	s.log.parser.parse(b, func(user, statement string) {
		switch user {
		case appUser:
			s.log.statements = append(s.log.statements, statement)
		case s.c.flavor.adminUser():
			s.log.admin = append(s.log.admin, statement)
		}
	})
	return nil
}
