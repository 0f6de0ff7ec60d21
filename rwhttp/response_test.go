package rwhttp_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit/rwhttp"
)

// TestTheCookieGoesOutWithTheHeader begins the response in every way there is.
// Each time the handler has written before, and writes again after.
func TestTheCookieGoesOutWithTheHeader(t *testing.T) {
	for name, begin := range map[string]func(http.ResponseWriter, *http.Request) error{
		"WriteHeader": func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusTeapot); return nil },
		"Write":       func(w http.ResponseWriter, _ *http.Request) error { _, err := w.Write([]byte("x")); return err },
		"WriteString": func(w http.ResponseWriter, _ *http.Request) error { _, err := io.WriteString(w, "x"); return err },
		"Flush":       func(w http.ResponseWriter, _ *http.Request) error { w.(http.Flusher).Flush(); return nil },
		"controller":  func(w http.ResponseWriter, _ *http.Request) error { return http.NewResponseController(w).Flush() },
		"copy": func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.Copy(w, strings.NewReader("x"))
			return err
		},
		"Redirect": func(w http.ResponseWriter, r *http.Request) error {
			http.Redirect(w, r, "/x", http.StatusSeeOther)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster("shop", 1)
			db := c.openDB(t)
			o := withCookies()
			late := 0
			o.OnLateWrite = func(*http.Request) { late++ }
			var log bytes.Buffer
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			done := make(chan struct{})
			h := wrap(t, db, o, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := write(r.Context(), db); err != nil {
					t.Error(err)
				}
				if err := begin(w, r); err != nil {
					t.Error(err)
				}
				if err := write(r.Context(), db); err != nil {
					t.Error(err)
				}
			}))
			s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(done)
				h.ServeHTTP(w, r)
			}))
			client := browser(t)
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			res, err := client.Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if got := len(res.Cookies()); got != 1 {
				t.Errorf("cookies: got %d, want 1", got)
			}
			<-done
			if late != 1 {
				t.Errorf("OnLateWrite: called %d times, want 1", late)
			}
			if !strings.Contains(log.String(), "after its response had begun") {
				t.Errorf("log: got %q", log.String())
			}
		})
	}
}

func TestAStreamGoesOutAsItIsWritten(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	next := make(chan struct{})
	s := serve(t, wrap(t, db, withCookies(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := write(r.Context(), db); err != nil {
			t.Error(err)
		}
		for i := range 3 {
			fmt.Fprintf(w, "%d\n", i)
			w.(http.Flusher).Flush()
			<-next
		}
	})))
	res, err := browser(t).Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := len(res.Cookies()); got != 1 {
		t.Errorf("cookies: got %d, want 1", got)
	}
	lines := bufio.NewScanner(res.Body)
	for i := range 3 {
		if !lines.Scan() || lines.Text() != fmt.Sprint(i) {
			t.Errorf("line %d: got %q, %v", i, lines.Text(), lines.Err())
		}
		next <- struct{}{}
	}
}

func TestInformationalResponsesDoNotCountAsTheHeader(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	s := serve(t, wrap(t, db, withCookies(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		if err := write(r.Context(), db); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusOK)
	})))
	res, err := browser(t).Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := len(res.Cookies()); got != 1 {
		t.Errorf("cookies: got %d, want 1", got)
	}
}

func TestAHijackedConnectionIsTheHandlers(t *testing.T) {
	for _, way := range []string{"interface", "controller"} {
		c := newCluster("shop", 1)
		db := c.openDB(t)
		o := withCookies()
		late := make(chan struct{}, 1)
		o.OnLateWrite = func(*http.Request) { late <- struct{}{} }
		s := serve(t, wrap(t, db, o, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var conn net.Conn
			var err error
			if way == "interface" {
				conn, _, err = w.(http.Hijacker).Hijack()
			} else {
				conn, _, err = http.NewResponseController(w).Hijack()
			}
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if err := write(r.Context(), db); err != nil {
				t.Error(err)
			}
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
		})))
		res, err := browser(t).Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if string(body) != "hi" || len(res.Cookies()) != 0 {
			t.Errorf("%s: got %q with %v", way, body, res.Cookies())
		}
		select {
		case <-late:
		case <-time.After(5 * time.Second):
			t.Errorf("%s: the write was not reported", way)
		}
	}
}

func TestPanicsPassOn(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	h := wrap(t, db, withCookies(), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := write(r.Context(), db); err != nil {
			t.Error(err)
		}
		panic(http.ErrAbortHandler)
	}))
	rec := httptest.NewRecorder()
	func() {
		defer func() {
			if got := recover(); got != http.ErrAbortHandler {
				t.Errorf("recovered: got %v, want the handler's own", got)
			}
			rec.WriteHeader(http.StatusInternalServerError) // as a recovering middleware does
		}()
		h.ServeHTTP(rec, httptest.NewRequest("POST", "/", nil))
	}()
	if got := rec.Result().Cookies(); len(got) != 1 {
		t.Errorf("cookies: got %v, want one: what was written before the panic stays written", got)
	}
}

func TestHTTP2(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	o := withCookies()
	o.Trusted = always
	s := httptest.NewUnstartedServer(wrap(t, db, o, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(http.Hijacker); ok {
			t.Error("an HTTP/2 response can't be hijacked, and now claims to be")
		}
		if _, ok := w.(http.Pusher); !ok {
			t.Error("http.Pusher is gone")
		}
		if err := write(r.Context(), db); err != nil {
			t.Error(err)
		}
		w.(http.Flusher).Flush()
		if err := write(r.Context(), db); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, r.Proto)
	})))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	r, err := http.NewRequest("GET", s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("TE", "trailers")
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || string(body) != "HTTP/2.0" {
		t.Errorf("got %q, %v", body, err)
	}
	first, second := res.Header.Get(rwhttp.DefaultHeader), res.Trailer.Get(rwhttp.DefaultHeader)
	if len(res.Cookies()) != 1 || first == "" || second == "" || first == second {
		t.Errorf("got cookies %v, token %q, and %q in the trailer", res.Cookies(), first, second)
	}
}

// The optional interfaces of a ResponseWriter, as a base may have them.
type (
	plainWriter struct{ http.ResponseWriter }
	withFlush   struct{ calls *[]string }
	withHijack  struct{ calls *[]string }
	withRead    struct{ calls *[]string }
	withPush    struct{ calls *[]string }
	hidden      struct{ http.ResponseWriter }
)

func (f withFlush) Flush() { *f.calls = append(*f.calls, "flush") }
func (h withHijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	*h.calls = append(*h.calls, "hijack")
	return nil, nil, nil
}

func (r withRead) ReadFrom(io.Reader) (int64, error) {
	*r.calls = append(*r.calls, "read")
	return 0, nil
}

func (p withPush) Push(string, *http.PushOptions) error {
	*p.calls = append(*p.calls, "push")
	return nil
}
func (h hidden) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func TestOptionalInterfacesStayAsTheyAre(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	var calls []string
	p := plainWriter{httptest.NewRecorder()}
	f, h, r, s := withFlush{&calls}, withHijack{&calls}, withRead{&calls}, withPush{&calls}
	type w = http.ResponseWriter
	for _, base := range []w{
		p,
		struct {
			w
			http.Flusher
		}{p, f},
		struct {
			w
			http.Hijacker
		}{p, h},
		struct {
			w
			http.Flusher
			http.Hijacker
		}{p, f, h},
		struct {
			w
			io.ReaderFrom
		}{p, r},
		struct {
			w
			http.Flusher
			io.ReaderFrom
		}{p, f, r},
		struct {
			w
			http.Hijacker
			io.ReaderFrom
		}{p, h, r},
		struct {
			w
			http.Flusher
			http.Hijacker
			io.ReaderFrom
		}{p, f, h, r},
		struct {
			w
			http.Pusher
		}{p, s},
		struct {
			w
			http.Flusher
			http.Pusher
		}{p, f, s},
		struct {
			w
			http.Hijacker
			http.Pusher
		}{p, h, s},
		struct {
			w
			http.Flusher
			http.Hijacker
			http.Pusher
		}{p, f, h, s},
		struct {
			w
			io.ReaderFrom
			http.Pusher
		}{p, r, s},
		struct {
			w
			http.Flusher
			io.ReaderFrom
			http.Pusher
		}{p, f, r, s},
		struct {
			w
			http.Hijacker
			io.ReaderFrom
			http.Pusher
		}{p, h, r, s},
		struct {
			w
			http.Flusher
			http.Hijacker
			io.ReaderFrom
			http.Pusher
		}{p, f, h, r, s},
	} {
		var got []string
		use := func(w http.ResponseWriter) []string {
			calls = nil
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			if r, ok := w.(io.ReaderFrom); ok {
				_, _ = r.ReadFrom(nil)
			}
			if p, ok := w.(http.Pusher); ok {
				_ = p.Push("", nil)
			}
			if h, ok := w.(http.Hijacker); ok {
				_, _, _ = h.Hijack()
			}
			return calls
		}
		want := strings.Join(use(base), " ")
		wrap(t, db, withCookies(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			got = use(w)
		})).ServeHTTP(base, httptest.NewRequest("GET", "/", nil))
		if strings.Join(got, " ") != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestResponseControllerWorksThroughOtherWriters(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	rec := httptest.NewRecorder()
	wrap(t, db, withCookies(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := write(r.Context(), db); err != nil {
			t.Error(err)
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	})).ServeHTTP(hidden{rec}, httptest.NewRequest("GET", "/", nil))
	if !rec.Flushed || len(rec.Result().Cookies()) != 1 {
		t.Errorf("flushed %v with cookies %v, want one", rec.Flushed, rec.Result().Cookies())
	}

	// A flush that can't be done is no beginning of the response.
	rec = httptest.NewRecorder()
	wrap(t, db, withCookies(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Flush: got %v, want ErrNotSupported", err)
		}
		if err := write(r.Context(), db); err != nil {
			t.Error(err)
		}
	})).ServeHTTP(plainWriter{rec}, httptest.NewRequest("GET", "/", nil))
	if got := rec.Result().Cookies(); len(got) != 1 {
		t.Errorf("cookies: got %v, want one", got)
	}
}

func TestSwitchingProtocolsIsAHeader(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	s := serve(t, wrap(t, db, withCookies(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := write(r.Context(), db); err != nil {
			t.Error(err)
		}
		w.Header().Set("Upgrade", "x")
		w.Header().Set("Connection", "Upgrade")
		w.WriteHeader(http.StatusSwitchingProtocols)
	})))
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	b := textproto.NewReader(bufio.NewReader(conn))
	line, err := b.ReadLine()
	if err != nil || !strings.Contains(line, " 101 ") {
		t.Fatalf("got %q, %v", line, err)
	}
	header, err := b.ReadMIMEHeader()
	if err != nil || header.Get("Set-Cookie") == "" {
		t.Errorf("got %v, %v, want a cookie", header, err)
	}
}
