package rwhttp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/rwhttp"
)

func TestACookieIsGoodUntilItExpires(t *testing.T) {
	expiry := time.Unix(1_700_000_000, 0)
	value := rwhttp.SealCookie("n", "token", expiry, key)
	for _, tt := range []struct {
		now  time.Time
		want bool
	}{
		{expiry.Add(-time.Hour), true},
		{expiry.Add(-time.Second), true},
		{expiry, false},
		{expiry.Add(time.Second), false},
	} {
		if _, ok := rwhttp.OpenCookies("n", tt.now, [][]byte{key}, value); ok != tt.want {
			t.Errorf("at %v: got %v, want %v", tt.now, ok, tt.want)
		}
	}
}

func TestTheLongestTokenFitsACookie(t *testing.T) {
	value := rwhttp.SealCookie("rwsplit", strings.Repeat("A", 2048), time.Now().Add(time.Hour), key)
	if len(value) > 3072 {
		t.Errorf("got %d bytes", len(value))
	}
	if _, ok := rwhttp.OpenCookies("rwsplit", time.Now(), [][]byte{key}, value); !ok {
		t.Error("it does not verify")
	}
}

func TestACookieThatCannotBeVerifiedMeansPrimary(t *testing.T) {
	c := newCluster("shop", 1)
	db1, db2 := c.openDB(t), c.openDB(t)
	h1 := wrap(t, db1, withCookies(), app(db1))
	s := serve(t, wrap(t, db2, withCookies(), app(db2)))

	rec := httptest.NewRecorder()
	h1.ServeHTTP(rec, httptest.NewRequest("POST", "/", nil))
	good := rec.Result().Cookies()[0].Value
	parts := strings.Split(good, ".")
	token := parts[2]
	c.replay()
	c.settle(t, db2)

	soon := time.Now().Add(time.Minute)
	flip := func(s string, i int) string {
		b := []byte(s)
		b[i] ^= 1
		return string(b)
	}
	for _, tt := range []struct {
		name  string
		value []string
		want  bool
	}{
		{"none", nil, true},
		{"good", []string{good}, true},
		{"good twice", []string{good, good}, true},
		{"empty", []string{""}, false},
		{"garbage", []string{"garbage"}, false},
		{"truncated", []string{good[:len(good)-1]}, false},
		{"truncated token", []string{parts[0] + "." + parts[1] + "." + token[:8] + "." + parts[3]}, false},
		{"changed token", []string{parts[0] + "." + parts[1] + "." + flip(token, 20) + "." + parts[3]}, false},
		{"changed expiry", []string{parts[0] + ".zzzzzz." + token + "." + parts[3]}, false},
		{"changed signature", []string{flip(good, len(good)-3)}, false},
		{"changed version", []string{"2" + good[1:]}, false},
		{"no signature", []string{parts[0] + "." + parts[1] + "." + token}, false},
		{"signed with another key", []string{rwhttp.SealCookie("rwsplit", token, soon, otherKey)}, false},
		{"signed for another name", []string{rwhttp.SealCookie("other", token, soon, key)}, false},
		{"expired", []string{rwhttp.SealCookie("rwsplit", token, time.Now().Add(-time.Second), key)}, false},
		{"oversized", []string{rwhttp.SealCookie("rwsplit", strings.Repeat("A", 4000), soon, key)}, false},
		{"signed, but no token", []string{rwhttp.SealCookie("rwsplit", "AAAA", soon, key)}, false},
		{"good and garbage", []string{good, "garbage"}, false},
		{"too many", []string{good, good, good, good, good}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := do(t, browser(t), "GET", s.URL, func(r *http.Request) {
				for _, v := range tt.value {
					setCookie("rwsplit", v)(r)
				}
			})
			wantSeen(t, got, seen{Replica: tt.want, Version: 1})
		})
	}
}

func TestACookieOfAnotherClusterMeansPrimary(t *testing.T) {
	for _, tt := range []struct{ history, cluster string }{
		{"shop", "other"}, // told apart by the DSN key cluster
		{"bank", "shop"},  // told apart by what the servers say
	} {
		c := newCluster("shop", 1)
		c.write(100)
		c.replay()
		db := c.openDB(t)
		foreign := newCluster(tt.history, 1)
		foreignDB := foreign.openDB(t, func(cfg *rwsplit.Config) { cfg.Cluster = tt.cluster })
		ctx := rwsplit.WithSession(context.Background())
		if err := write(ctx, foreignDB); err != nil {
			t.Fatal(err)
		}
		token, err := rwsplit.Token(ctx, foreignDB)
		if err != nil {
			t.Fatal(err)
		}
		s := serve(t, wrap(t, db, withCookies(), app(db)))
		got, _ := do(t, browser(t), "GET", s.URL, setCookie("rwsplit", rwhttp.SealCookie("rwsplit", token, time.Now().Add(time.Minute), key)))
		wantSeen(t, got, seen{Version: 100})
	}
}

func TestKeysRotate(t *testing.T) {
	soon := time.Now().Add(time.Minute)
	old := rwhttp.SealCookie("n", "token", soon, key)
	for _, tt := range []struct {
		keys [][]byte
		want bool
	}{
		{[][]byte{key}, true},
		{[][]byte{key, otherKey}, true},
		{[][]byte{otherKey, key}, true},
		{[][]byte{otherKey}, false},
	} {
		tokens, ok := rwhttp.OpenCookies("n", time.Now(), tt.keys, old)
		if ok != tt.want || ok && tokens[0] != "token" {
			t.Errorf("%q: got %v, %v, want %v", tt.keys, tokens, ok, tt.want)
		}
	}

	// The first key signs.
	c := newCluster("shop", 1)
	db := c.openDB(t)
	o := withCookies()
	mine := append([]byte(nil), otherKey...)
	o.CookieKeys = [][]byte{mine, key}
	h := wrap(t, db, o, app(db))
	clear(mine) // it is the caller's again
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("POST", "/", nil))
	if _, ok := rwhttp.OpenCookies("rwsplit", time.Now(), [][]byte{otherKey}, rec.Result().Cookies()[0].Value); !ok {
		t.Error("the cookie is not signed with the first key")
	}
}

// FuzzCookie holds that nothing but what was sealed is ever opened.
func FuzzCookie(f *testing.F) {
	now := time.Unix(1_700_000_000, 0)
	good := rwhttp.SealCookie("rwsplit", "dG9rZW4", now.Add(time.Minute), key)
	f.Add(good)
	f.Add(good + ".")
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Add(rwhttp.SealCookie("rwsplit", "dG9rZW4", now.Add(-time.Minute), key))
	f.Add(rwhttp.SealCookie("rwsplit", "dG9rZW4", now.Add(time.Minute), otherKey))
	f.Add("")
	f.Add("...")
	f.Add("1.2.3.4")
	f.Add(strings.Repeat("1.", 5000))
	f.Fuzz(func(t *testing.T, value string) {
		tokens, ok := rwhttp.OpenCookies("rwsplit", now, [][]byte{key}, value)
		if ok != (value == good) {
			t.Errorf("%q: got %v", value, ok)
		}
		if ok && (len(tokens) != 1 || tokens[0] != "dG9rZW4") || !ok && len(tokens) != 0 {
			t.Errorf("%q: got tokens %q", value, tokens)
		}
	})
}
