package rwhttp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// cookieJar makes and reads the values of one cookie:
//
//	1.EXPIRY.TOKEN.MAC
//
// EXPIRY is in seconds since 1970, in base 36. MAC covers the cookie's name and
// everything before it, so that no part can be changed or carried over into a
// cookie of another name.
type cookieJar struct {
	name string
	keys [][]byte // the first signs, all verify
}

const (
	cookieVersion = "1"
	// maxCookie is what a browser keeps of a cookie, less its attributes; see
	// https://www.rfc-editor.org/rfc/rfc6265#section-6.1.
	maxCookie = 3072
)

// macEncoding is strict: one MAC has one text.
var macEncoding = base64.RawURLEncoding.Strict()

// seal returns the value that says token until expiry.
func (j *cookieJar) seal(token string, expiry time.Time) string {
	signed := cookieVersion + "." + strconv.FormatInt(expiry.Unix(), 36) + "." + token
	return signed + "." + macEncoding.EncodeToString(j.mac(j.keys[0], signed))
}

// open returns the tokens of the cookies that a request brought. It is not ok
// if one of them can't be verified, has expired, or there are too many.
func (j *cookieJar) open(cookies []*http.Cookie, now time.Time) (tokens []string, ok bool) {
	if len(cookies) > maxHanded {
		return nil, false
	}
	ok = true
	for _, c := range cookies {
		t, verified := j.read(c.Value, now)
		if !verified {
			ok = false
			continue
		}
		tokens = append(tokens, t)
	}
	return tokens, ok
}

// read returns the token of one value.
func (j *cookieJar) read(value string, now time.Time) (token string, ok bool) {
	if len(value) > maxCookie {
		return "", false
	}
	dot := strings.LastIndexByte(value, '.')
	if dot < 0 {
		return "", false
	}
	signed := value[:dot]
	mac, err := macEncoding.DecodeString(value[dot+1:])
	if err != nil || !j.verified(signed, mac) {
		return "", false
	}
	version, rest, _ := strings.Cut(signed, ".")
	expiry, token, found := strings.Cut(rest, ".")
	seconds, err := strconv.ParseInt(expiry, 36, 64)
	if version != cookieVersion || !found || err != nil || now.Unix() >= seconds {
		return "", false
	}
	return token, token != ""
}

func (j *cookieJar) verified(signed string, mac []byte) bool {
	for _, k := range j.keys {
		if hmac.Equal(mac, j.mac(k, signed)) {
			return true
		}
	}
	return false
}

// mac signs for this cookie's name. A name holds no NUL.
func (j *cookieJar) mac(key []byte, signed string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("rwsplit cookie\x00" + j.name + "\x00" + signed))
	return h.Sum(nil)
}
