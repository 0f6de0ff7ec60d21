package rwhttp_test

import (
	"strings"
	"testing"
	"time"

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
