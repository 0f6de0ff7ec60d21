package rwhttp_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/rwhttp"
)

var (
	key      = []byte("0123456789abcdef0123456789abcdef")
	otherKey = []byte("fedcba9876543210fedcba9876543210")
)

func withCookies() rwhttp.Options {
	return rwhttp.Options{CookieKeys: [][]byte{key}, CookieSecure: rwsplit.ToggleOff}
}

func always(*http.Request) bool { return true }

// app is one instance of a web application: GET reads, POST writes, and both
// answer with what they saw.
func app(db *sql.DB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if err := write(r.Context(), db); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		s, err := read(r.Context(), db)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(s)
	})
}

func wrap(t testing.TB, db *sql.DB, o rwhttp.Options, h http.Handler) http.Handler {
	t.Helper()
	m, err := rwhttp.Middleware(db, o)
	if err != nil {
		t.Fatal(err)
	}
	return m(h)
}

func serve(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// browser returns a client that keeps cookies, whatever the instance.
func browser(t testing.TB) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Transport: &http.Transport{}}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func do(t testing.TB, c *http.Client, method, url string, change ...func(*http.Request)) (seen, *http.Response) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(r)
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s: %s", method, url, res.Status, body)
	}
	var s seen
	if err := json.Unmarshal(body, &s); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return s, res
}

func wantSeen(t testing.TB, got, want seen) {
	t.Helper()
	if got != want {
		t.Errorf("read: got %+v, want %+v", got, want)
	}
}

func setCookie(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: value}) }
}

func TestARequestThatOnlyReadsSetsNoCookie(t *testing.T) {
	c := newCluster("shop", 2)
	db := c.openDB(t)
	s := serve(t, wrap(t, db, withCookies(), app(db)))
	got, res := do(t, browser(t), "GET", s.URL)
	wantSeen(t, got, seen{Replica: true})
	if h := res.Header["Set-Cookie"]; h != nil {
		t.Errorf("Set-Cookie: got %q, want none", h)
	}
}

func TestAUserReadsHisWriteOnAnotherInstance(t *testing.T) {
	c := newCluster("shop", 2)
	db1, db2 := c.openDB(t), c.openDB(t)
	one := serve(t, wrap(t, db1, withCookies(), app(db1)))
	two := serve(t, wrap(t, db2, withCookies(), app(db2)))

	user, stranger := browser(t), browser(t)
	got, res := do(t, user, "POST", one.URL)
	wantSeen(t, got, seen{Version: 1})
	cookies := res.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies: got %v, want one", cookies)
	}
	k := cookies[0]
	if k.Name != "rwsplit" || k.Path != "/" || k.MaxAge != 60 || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Secure || k.Domain != "" {
		t.Errorf("cookie attributes: got %v", k.Raw)
	}

	// The two servers differ in their port only: to a browser that is one site.
	got, _ = do(t, user, "GET", two.URL)
	wantSeen(t, got, seen{Version: 1})
	got, _ = do(t, stranger, "GET", two.URL)
	wantSeen(t, got, seen{Replica: true})

	c.replay()
	c.settle(t, db2)
	got, res = do(t, user, "GET", two.URL)
	wantSeen(t, got, seen{Replica: true, Version: 1})
	if h := res.Header["Set-Cookie"]; h != nil {
		t.Errorf("Set-Cookie: got %q, want none", h)
	}
}

func TestServicesHandTokensByHeader(t *testing.T) {
	c := newCluster("shop", 1)
	db1, db2 := c.openDB(t), c.openDB(t)
	o := rwhttp.Options{Trusted: always}
	one := serve(t, wrap(t, db1, o, app(db1)))
	two := serve(t, wrap(t, db2, o, app(db2)))
	deaf := serve(t, wrap(t, db2, rwhttp.Options{}, app(db2)))

	client := browser(t)
	_, res := do(t, client, "POST", one.URL)
	token := res.Header.Get(rwhttp.DefaultHeader)
	if token == "" {
		t.Fatal("the response of a write has no token")
	}
	if h := res.Header["Set-Cookie"]; h != nil {
		t.Errorf("Set-Cookie without keys: got %q, want none", h)
	}
	header := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[rwhttp.DefaultHeader] = values }
	}
	got, res := do(t, client, "GET", two.URL, header(token))
	wantSeen(t, got, seen{Version: 1})
	if h := res.Header.Get(rwhttp.DefaultHeader); h != "" {
		t.Errorf("the response of a read: got token %q, want none", h)
	}
	got, _ = do(t, client, "GET", two.URL, header("forged"))
	wantSeen(t, got, seen{Version: 1})
	got, _ = do(t, client, "GET", deaf.URL, header(token))
	wantSeen(t, got, seen{Replica: true})

	c.replay()
	c.settle(t, db2)
	got, _ = do(t, client, "GET", two.URL, header(token))
	wantSeen(t, got, seen{Replica: true, Version: 1})
	got, _ = do(t, client, "GET", two.URL, header(token, token, token, token, token))
	wantSeen(t, got, seen{Version: 1})
}

func TestAHeaderThatIsNotTrustedIsTakenOut(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	var got []string
	h := wrap(t, db, rwhttp.Options{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get(rwhttp.DefaultHeader), r.Header.Get("Other"))
	}))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set(rwhttp.DefaultHeader, "x")
	r.Header.Set("Other", "y")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if len(got) != 2 || got[0] != "" || got[1] != "y" {
		t.Errorf("headers: got %q, want the token gone and nothing else", got)
	}
	if r.Header.Get(rwhttp.DefaultHeader) != "x" {
		t.Error("the caller's request was changed")
	}
}

func TestPrimaryMethods(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	var first seen
	h := wrap(t, db, rwhttp.Options{Primary: rwhttp.UnsafeMethods}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var err error
		if first, err = read(r.Context(), db); err != nil {
			t.Error(err)
		}
	}))
	for method, replica := range map[string]bool{
		"GET": true, "HEAD": true, "OPTIONS": true, "TRACE": true,
		"POST": false, "PUT": false, "PATCH": false, "DELETE": false, "PROPFIND": false, "get": false,
	} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "/", nil))
		if first.Replica != replica {
			t.Errorf("%s: got replica %v, want %v", method, first.Replica, replica)
		}
	}
}

func TestGoroutinesOfOneRequestShareItsSession(t *testing.T) {
	c := newCluster("shop", 2)
	db, elsewhere := c.openDB(t), c.openDB(t)
	const writers = 8
	h := wrap(t, db, withCookies(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				if err := write(r.Context(), db); err != nil {
					t.Error(err)
				}
				if s, err := read(r.Context(), db); err != nil || s.Replica {
					t.Errorf("read: got %+v, %v, want one on the primary", s, err)
				}
			})
		}
		wg.Wait()
		w.WriteHeader(http.StatusNoContent)
	}))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("POST", "/", nil))
	cookies := rec.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies: got %v, want one", cookies)
	}
	tokens, ok := rwhttp.OpenCookies("rwsplit", time.Now(), [][]byte{key}, cookies[0].Value)
	if !ok {
		t.Fatal("the cookie does not verify")
	}

	// The token covers what all of them wrote.
	for _, tt := range []struct {
		replayed uint64
		want     seen
	}{
		{writers - 1, seen{Version: writers}},
		{writers, seen{Replica: true, Version: writers}},
	} {
		c.replayTo(tt.replayed)
		c.settle(t, elsewhere)
		// A session of its own: what one has read on the primary counts, too.
		ctx := rwsplit.WithToken(context.Background(), tokens[0])
		got, err := read(ctx, elsewhere)
		if err != nil {
			t.Fatal(err)
		}
		wantSeen(t, got, tt.want)
	}
}

func TestATransactionCountsWhenItHasCommitted(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	for _, commit := range []bool{true, false} {
		h := wrap(t, db, withCookies(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			tx, err := db.BeginTx(r.Context(), nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = tx.Rollback() }()
			if _, err := tx.ExecContext(r.Context(), "UPDATE version"); err != nil {
				t.Error(err)
			}
			if commit {
				if err := tx.Commit(); err != nil {
					t.Error(err)
				}
			} else {
				_ = tx.Rollback()
			}
		}))
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("POST", "/", nil))
		if got := len(rec.Result().Cookies()) == 1; got != commit {
			t.Errorf("commit %v: got a cookie %v", commit, got)
		}
	}
}

func TestAWriteThroughQueryCounts(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	h := wrap(t, db, withCookies(), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var s seen
		if err := db.QueryRowContext(r.Context(), "INSERT RETURNING").Scan(&s.Replica, &s.Version); err != nil || s.Version != 1 {
			t.Errorf("got %+v, %v", s, err)
		}
	}))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("POST", "/", nil))
	if got := rec.Result().Cookies(); len(got) != 1 {
		t.Errorf("cookies: got %v, want one", got)
	}
}

func TestTwoDBsHaveAMiddlewareEach(t *testing.T) {
	shop, bank := newCluster("shop", 1), newCluster("bank", 1)
	o1, o2 := withCookies(), withCookies()
	o2.CookieName = "bank"
	instance := func() http.Handler {
		a, b := shop.openDB(t), bank.openDB(t)
		return wrap(t, a, o1, wrap(t, b, o2, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				if err := write(r.Context(), b); err != nil {
					t.Error(err)
				}
			}
			s1, err1 := read(r.Context(), a)
			s2, err2 := read(r.Context(), b)
			fmt.Fprint(w, s1, err1, s2, err2)
		})))
	}
	one, two := instance(), instance()
	rec := httptest.NewRecorder()
	one.ServeHTTP(rec, httptest.NewRequest("POST", "/", nil))
	if got, want := rec.Body.String(), "{true 0} <nil> {false 1} <nil>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	cookies := rec.Result().Cookies()
	if len(cookies) != 1 || cookies[0].Name != "bank" {
		t.Fatalf("cookies: got %v, want one named bank", cookies)
	}
	rec = httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(cookies[0])
	two.ServeHTTP(rec, r)
	if got, want := rec.Body.String(), "{true 0} <nil> {false 1} <nil>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMiddlewareRefusesOptionsThatCannotWork(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	plain := sql.OpenDB(server{c, 0})
	t.Cleanup(func() { _ = plain.Close() })
	for _, tt := range []struct {
		db   *sql.DB
		o    rwhttp.Options
		want string
	}{
		{nil, rwhttp.Options{}, "not opened with the rwsplit driver"},
		{plain, rwhttp.Options{}, "not opened with the rwsplit driver"},
		{db, rwhttp.Options{CookieKeys: [][]byte{key, []byte("secret")}}, "CookieKeys[1] has 6 bytes; at least 16"},
		{db, rwhttp.Options{CookieName: "a b"}, "cookie attributes"},
		{db, rwhttp.Options{CookiePath: "/;"}, "cookie attributes"},
		{db, rwhttp.Options{CookieDomain: "a b"}, "cookie attributes"},
		{db, rwhttp.Options{TTL: time.Millisecond}, "TTL=1ms"},
		{db, rwhttp.Options{TTL: 25 * time.Hour}, "TTL=25h0m0s"},
		{db, rwhttp.Options{TokenTimeout: -1}, "TokenTimeout=-1ns"},
		{db, rwhttp.Options{Header: "a b"}, `Header="a b"`},
	} {
		_, err := rwhttp.Middleware(tt.db, tt.o)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "rwsplit: ") {
			t.Errorf("got %v, want %q", err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("a secret in %q", err)
		}
	}
}
