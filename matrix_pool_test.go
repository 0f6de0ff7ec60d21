package rwsplit_test

import (
	"context"
	"sync"
	"time"
)

var poolScenarios = []scenario{
	{name: "one connection", run: func(s *scene) {
		s.db.SetMaxOpenConns(1)
		rows, err := s.db.Query("SELECT ?", 1)
		s.err("query", err)
		s.pool("rows open")
		ctx, cancel := context.WithCancel(bg)
		var wg sync.WaitGroup
		wg.Go(func() { _, err = s.db.QueryContext(ctx, "SELECT 2") })
		s.eventually("the wait", func() bool { return s.db.Stats().WaitCount == 1 })
		cancel()
		wg.Wait()
		s.err("query that waited", err)
		s.pool("after the wait")
		wg.Go(func() { _, err = s.db.Exec("INSERT INTO t VALUES (1)") })
		s.eventually("the wait", func() bool { return s.db.Stats().WaitCount == 2 })
		closeErr := rows.Close()
		wg.Wait()
		s.err("close", closeErr)
		s.err("exec that waited", err)
		s.pool("after")
	}},
	{name: "no idle connections", run: func(s *scene) {
		s.db.SetMaxIdleConns(-1)
		s.everyCall(bg)
		s.pool("after")
	}},
	{name: "few idle connections", run: func(s *scene) {
		s.db.SetMaxIdleConns(1)
		a, err := s.db.Conn(bg)
		s.err("conn", err)
		b, err := s.db.Conn(bg)
		s.err("conn", err)
		s.pool("two")
		s.err("close", a.Close())
		s.err("close", b.Close())
		s.pool("after")
		s.everyCall(bg)
	}},
	{name: "short lives", run: func(s *scene) {
		s.db.SetConnMaxLifetime(time.Nanosecond)
		s.everyCall(bg)
		s.everyCall(bg)
	}},
	{name: "closed", run: func(s *scene) {
		s.everyCall(bg)
		s.err("close", s.db.Close())
		s.everyCall(bg)
	}},
	{name: "closed with rows and a transaction open", run: func(s *scene) {
		tx, err := s.db.Begin()
		s.err("begin", err)
		conn, err := s.db.Conn(bg)
		s.err("conn", err)
		st, err := s.db.Prepare("SELECT ?")
		s.err("prepare", err)
		s.err("close", s.db.Close())
		_, err = tx.Exec("INSERT INTO t VALUES (1)")
		s.err("exec", err)
		s.err("commit", tx.Commit())
		s.err("ping", conn.PingContext(bg))
		s.err("conn close", conn.Close())
		s.err("stmt close", st.Close())
	}},
}
