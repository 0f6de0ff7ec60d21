package rwhttp_test

import (
	"context"
	"database/sql"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

func TestAPrimaryThatDoesNotAnswerDelaysAResponseNoLongerThanTokenTimeout(t *testing.T) {
	c := newCluster("shop", 1)
	patient := func(cfg *rwsplit.Config) { cfg.ProbeTimeout = 30 * time.Second }
	db1, db2 := c.openDB(t, patient), c.openDB(t, patient)
	c.freeze(t)
	o := withCookies()
	o.TokenTimeout = 20 * time.Millisecond
	h := wrap(t, db1, o, app(db1))
	rec := httptest.NewRecorder()
	began := time.Now()
	h.ServeHTTP(rec, httptest.NewRequest("POST", "/", nil))
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the response took %v", took)
	}
	cookies := rec.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies: got %v, want one", cookies)
	}
	// Its token is bound by time: the primary, whatever the replicas have.
	c.replay()
	s := serve(t, wrap(t, db2, withCookies(), app(db2)))
	got, _ := do(t, browser(t), "GET", s.URL, setCookie("rwsplit", cookies[0].Value))
	wantSeen(t, got, seen{Version: 1})
	got, _ = do(t, browser(t), "GET", s.URL)
	wantSeen(t, got, seen{Replica: true, Version: 1})
}

func TestTheCookieAtEachLevel(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*rwsplit.Config)
		cookie bool
		bare   seen // the next request on the same instance, without a cookie
		with   seen // with it, if there is one
		other  seen // the same on another instance
	}{
		{
			"eventual", func(cfg *rwsplit.Config) { cfg.Consistency = rwsplit.Eventual }, false,
			seen{Replica: true},
			seen{},
			seen{},
		},
		{
			"session", func(cfg *rwsplit.Config) { cfg.Consistency = rwsplit.Session }, true,
			seen{Replica: true},
			seen{Version: 1},
			seen{Version: 1},
		},
		{
			"process", func(cfg *rwsplit.Config) { cfg.Consistency = rwsplit.Process }, true,
			seen{Version: 1},
			seen{Version: 1},
			seen{Version: 1},
		},
		{
			"global", func(cfg *rwsplit.Config) { cfg.Consistency = rwsplit.Global }, true,
			seen{Version: 1},
			seen{Version: 1},
			seen{Version: 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCluster("shop", 1)
			db1, db2 := c.openDB(t, tt.change), c.openDB(t, tt.change)
			one := serve(t, wrap(t, db1, withCookies(), app(db1)))
			two := serve(t, wrap(t, db2, withCookies(), app(db2)))
			user := browser(t)
			_, res := do(t, user, "POST", one.URL)
			if got := len(res.Cookies()) == 1; got != tt.cookie {
				t.Fatalf("a cookie: got %v, want %v", got, tt.cookie)
			}
			got, _ := do(t, browser(t), "GET", one.URL)
			wantSeen(t, got, tt.bare)
			if tt.cookie {
				got, _ = do(t, user, "GET", one.URL)
				wantSeen(t, got, tt.with)
				got, _ = do(t, user, "GET", two.URL)
				wantSeen(t, got, tt.other)
			}
		})
	}
}

func TestWithoutPositionsTheCookieMeansPrimaryForAWhile(t *testing.T) {
	c := newCluster("shop", 1)
	without := func(cfg *rwsplit.Config) {
		cfg.Position, cfg.StickyFor = rwsplit.PositionNone, 100*time.Millisecond
	}
	open := func() *sql.DB {
		connector, err := rwsplit.NewConnector(func() *rwsplit.Config { cfg := c.config(); without(cfg); return cfg }())
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(connector)
		t.Cleanup(func() { _ = db.Close() })
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := rwsplit.WaitForReplicas(ctx, db, rwsplit.All); err != nil {
			t.Fatal(err)
		}
		return db
	}
	db1, db2 := open(), open()
	one := serve(t, wrap(t, db1, withCookies(), app(db1)))
	two := serve(t, wrap(t, db2, withCookies(), app(db2)))
	user := browser(t)
	do(t, user, "POST", one.URL)
	got, _ := do(t, user, "GET", two.URL)
	wantSeen(t, got, seen{Version: 1})
	got, _ = do(t, browser(t), "GET", two.URL)
	wantSeen(t, got, seen{Replica: true})
	c.replay()
	for deadline := time.Now().Add(5 * time.Second); !got.Replica || got.Version != 1; time.Sleep(10 * time.Millisecond) {
		if got, _ = do(t, user, "GET", two.URL); got.Version != 1 || time.Now().After(deadline) {
			t.Fatalf("read: got %+v, want a replica in the end", got)
		}
	}
}
