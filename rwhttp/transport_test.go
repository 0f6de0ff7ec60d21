package rwhttp_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/rwhttp"
)

// calling returns a client that hands tokens to the server at to.
func calling(t testing.TB, db *sql.DB, to string) *http.Client {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	return &http.Client{Transport: &rwhttp.Transport{DB: db, Hosts: []string{u.Host}, Base: base}}
}

func in(ctx context.Context) func(*http.Request) {
	return func(r *http.Request) { *r = *r.WithContext(ctx) }
}

func TestAServiceSeesWhatItsCallerWrote(t *testing.T) {
	c := newCluster("shop", 1)
	a, b := c.openDB(t), c.openDB(t)
	service := serve(t, wrap(t, b, rwhttp.Options{Trusted: always}, app(b)))
	client := calling(t, a, service.URL)

	session := rwsplit.WithSession(context.Background())
	got, _ := do(t, client, "GET", service.URL, in(session))
	wantSeen(t, got, seen{Replica: true})
	if err := write(session, a); err != nil {
		t.Fatal(err)
	}
	got, _ = do(t, client, "GET", service.URL, in(session))
	wantSeen(t, got, seen{Version: 1})
	got, _ = do(t, client, "GET", service.URL, in(rwsplit.WithSession(context.Background())))
	wantSeen(t, got, seen{Replica: true})
	// Outside a session it is all that the db wrote.
	got, _ = do(t, client, "GET", service.URL)
	wantSeen(t, got, seen{Version: 1})

	c.replay()
	c.settle(t, b)
	got, _ = do(t, client, "GET", service.URL, in(session))
	wantSeen(t, got, seen{Replica: true, Version: 1})
}

func TestACallerSeesWhatAServiceWrote(t *testing.T) {
	c := newCluster("shop", 1)
	a, b := c.openDB(t), c.openDB(t)
	o := rwhttp.Options{Trusted: always}
	service := serve(t, wrap(t, b, o, app(b)))
	late := serve(t, wrap(t, b, o, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{}`)
		w.(http.Flusher).Flush()
		if err := write(r.Context(), b); err != nil {
			t.Error(err)
		}
	})))
	for version, s := range []*httptest.Server{service, late} {
		c.replay()
		c.settle(t, a)
		session := rwsplit.WithSession(context.Background())
		got, err := read(session, a)
		if err != nil {
			t.Fatal(err)
		}
		wantSeen(t, got, seen{Replica: true, Version: uint64(version)})
		do(t, calling(t, a, s.URL), "POST", s.URL, in(session))
		got, err = read(session, a)
		if err != nil {
			t.Fatal(err)
		}
		wantSeen(t, got, seen{Version: uint64(version) + 1})
		other, err := read(rwsplit.WithSession(context.Background()), a)
		if err != nil {
			t.Fatal(err)
		}
		wantSeen(t, other, seen{Replica: true, Version: uint64(version)})
	}
}

func TestAUserSeesWhatAServiceWroteForHim(t *testing.T) {
	c := newCluster("shop", 1)
	a, b, d := c.openDB(t), c.openDB(t), c.openDB(t)
	service := serve(t, wrap(t, b, rwhttp.Options{Trusted: always}, app(b)))
	client := calling(t, a, service.URL)
	front := serve(t, wrap(t, a, withCookies(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		do(t, client, "POST", service.URL, in(r.Context()))
		_, _ = io.WriteString(w, "{}")
	})))
	other := serve(t, wrap(t, d, withCookies(), app(d)))
	user := browser(t)
	_, res := do(t, user, "POST", front.URL)
	if len(res.Cookies()) != 1 {
		t.Fatalf("cookies: got %v, want one", res.Cookies())
	}
	got, _ := do(t, user, "GET", other.URL)
	wantSeen(t, got, seen{Version: 1})
}

func TestTokensGoToKnownHostsOnly(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	session := rwsplit.WithSession(context.Background())
	if err := write(session, db); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		hosts []string
		url   string
		want  bool
	}{
		{nil, "http://b.internal/", false},
		{[]string{"b.internal"}, "http://b.internal/", true},
		{[]string{"B.internal"}, "https://b.INTERNAL:8443/", true},
		{[]string{"b.internal:8443"}, "https://b.internal:8443/", true},
		{[]string{"b.internal:8443"}, "https://b.internal/", false},
		{[]string{"b.internal:443"}, "https://b.internal/", true},
		{[]string{"b.internal:443"}, "http://b.internal/", false},
		{[]string{"::1"}, "http://[::1]:80/", true},
		{[]string{"[::1]:80"}, "http://[::1]:80/", true},
		{[]string{"internal"}, "http://b.internal/", false},
		{[]string{"a", "b.internal"}, "http://b.internal.example/", false},
		{[]string{"b.internal"}, "http://evil.example/b.internal", false},
		{[]string{"b.internal"}, "http://b.internal@evil.example/", false},
	} {
		var sent *http.Request
		tr := &rwhttp.Transport{DB: db, Hosts: tt.hosts, Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			sent = r
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		})}
		r := httptest.NewRequest("GET", tt.url, nil).WithContext(session)
		if _, err := tr.RoundTrip(r); err != nil {
			t.Fatal(err)
		}
		if got := sent.Header.Get(rwhttp.DefaultHeader) != ""; got != tt.want {
			t.Errorf("%v, %s: token sent: got %v, want %v", tt.hosts, tt.url, got, tt.want)
		}
		if len(r.Header) != 0 {
			t.Errorf("the caller's request was changed: %v", r.Header)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestARedirectDoesNotCarryTheTokenAlong(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	session := rwsplit.WithSession(context.Background())
	if err := write(session, db); err != nil {
		t.Fatal(err)
	}
	var there, here string
	evil := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there = r.Header.Get(rwhttp.DefaultHeader)
		w.Header().Set(rwhttp.DefaultHeader, "forged")
		_, _ = io.WriteString(w, "{}")
	}))
	service := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		here = r.Header.Get(rwhttp.DefaultHeader)
		http.Redirect(w, r, evil.URL, http.StatusFound)
	}))
	do(t, calling(t, db, service.URL), "GET", service.URL, in(session))
	if here == "" || there != "" {
		t.Errorf("tokens: got %q at the service and %q after the redirect, want none there", here, there)
	}
	c.replay()
	c.settle(t, db)
	got, err := read(session, db)
	if err != nil {
		t.Fatal(err)
	}
	wantSeen(t, got, seen{Replica: true, Version: 1})
}

func TestWhatAServiceAnswersCanOnlyAdd(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	for _, tokens := range [][]string{{"forged"}, {"", "x"}, {"", "", "", "", "", ""}} {
		service := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()[rwhttp.DefaultHeader] = tokens
			_, _ = io.WriteString(w, "{}")
		}))
		session := rwsplit.WithSession(context.Background())
		do(t, calling(t, db, service.URL), "GET", service.URL, in(session))
		got, err := read(session, db)
		if err != nil {
			t.Fatal(err)
		}
		wantSeen(t, got, seen{})
	}
}

func TestATransportWithoutADBFailsAndClosesTheBody(t *testing.T) {
	tr := &rwhttp.Transport{Hosts: []string{"b"}}
	body := &closing{Reader: strings.NewReader("x")}
	r := httptest.NewRequest("POST", "http://b/", nil)
	r.Body = body
	if _, err := tr.RoundTrip(r); err == nil || !strings.HasPrefix(err.Error(), "rwsplit: ") {
		t.Errorf("got %v, want an error of rwsplit", err)
	}
	if !body.closed {
		t.Error("the body was not closed")
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestErrorsOfTheBaseAreItsOwn(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	own := errors.New("own")
	tr := &rwhttp.Transport{DB: db, Hosts: []string{"b"}, Base: roundTripper(func(*http.Request) (*http.Response, error) { return nil, own })}
	if _, err := tr.RoundTrip(httptest.NewRequest("GET", "http://b/", nil)); err != own {
		t.Errorf("got %v, want %v", err, own)
	}
}
