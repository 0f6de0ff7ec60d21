package rwhttp

import (
	"net/http"
	"time"
)

// SealCookie and OpenCookies give the tests the two halves of a cookie.
func SealCookie(name, token string, expiry time.Time, key []byte) string {
	j := cookieJar{name: name, keys: [][]byte{key}}
	return j.seal(token, expiry)
}

func OpenCookies(name string, now time.Time, keys [][]byte, values ...string) ([]string, bool) {
	j := cookieJar{name: name, keys: keys}
	var cookies []*http.Cookie
	for _, v := range values {
		cookies = append(cookies, &http.Cookie{Name: name, Value: v})
	}
	return j.open(cookies, now)
}
