package rwhttp_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit/rwhttp"
)

// BenchmarkRequest is what a request that neither reads nor writes pays for
// its session.
func BenchmarkRequest(b *testing.B) {
	c := newCluster("shop", 1)
	db := c.openDB(b)
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	h := wrap(b, db, withCookies(), app(db))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("POST", "/", nil))
	cookies := rec.Result().Cookies()
	if len(cookies) != 1 {
		b.Fatalf("cookies: got %v, want one", cookies)
	}
	if _, ok := rwhttp.OpenCookies("rwsplit", time.Now(), [][]byte{key}, cookies[0].Value); !ok {
		b.Fatal("the cookie does not verify")
	}
	for name, cookie := range map[string]bool{"bare": false, "cookie": true} {
		b.Run(name, func(b *testing.B) {
			h := wrap(b, db, withCookies(), nothing)
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			if cookie {
				r.AddCookie(cookies[0])
			}
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}
