package rwhttp

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rwsplit/rwsplit"
)

const (
	// DefaultHeader is the header that carries tokens between services.
	DefaultHeader = "Rwsplit-Token"
	// DefaultCookieName is the cookie that carries a user's token.
	DefaultCookieName = "rwsplit"
	// DefaultTTL is how long a cookie is good for.
	DefaultTTL = time.Minute
	// DefaultTokenTimeout bounds what a response waits for its token.
	DefaultTokenTimeout = time.Second

	minKey = 16
	maxTTL = 24 * time.Hour // as long as a token can be used
	// maxHanded bounds the tokens that one request can bring.
	maxHanded = 4
)

// Options says what [Middleware] does. The zero value opens a session for each
// request and neither takes nor gives a token.
type Options struct {
	// CookieKeys sign the cookies: the first one signs, all of them verify. So
	// keys are rotated by putting the new one behind the first on every
	// instance, then in front of it, and by dropping the old one after TTL.
	// Each has at least 16 random bytes; 32 are a good number. All instances
	// that serve the same users need the same keys. Default: none, and then
	// there are no cookies.
	CookieKeys [][]byte
	// CookieName is the cookie's name. Each db that is given to a Middleware
	// of its own needs a name of its own. Default: DefaultCookieName.
	CookieName string
	// CookiePath is the cookie's path. Default: "/".
	CookiePath string
	// CookieDomain is the cookie's domain. Default: the host of the request
	// only.
	CookieDomain string
	// CookieSecure keeps the cookie off connections without TLS, on which
	// browsers then drop it, but for localhost. Default: on.
	CookieSecure rwsplit.Toggle
	// CookieSameSite is the cookie's SameSite attribute. Default: Lax. The
	// cookie is always HttpOnly.
	CookieSameSite http.SameSite
	// TTL is for how long the cookie is good after the write, at most 24h. It
	// should be longer than replicas are ever behind; a long one costs little,
	// since a replica serves as soon as it has caught up. Default: DefaultTTL.
	TTL time.Duration

	// Trusted reports whether the caller is a service of one's own, whose token
	// header is taken and which is given a token in a header in return. To take
	// one from anybody is no risk to what is read, but lets anybody send reads
	// to the primary, and to give one to anybody tells how much the cluster has
	// written. The header of a caller that is not trusted is taken out of the
	// request. Default: nobody.
	Trusted func(*http.Request) bool
	// Header is the name of that header, DefaultHeader by default.
	Header string

	// Primary reports whether all reads of a request run on the primary;
	// [UnsafeMethods] is a common choice. Default: none do.
	Primary func(*http.Request) bool

	// TokenTimeout bounds the time for which the response of a request that
	// wrote waits for the primary to say its position. After that the token
	// keeps its bearer's reads on the primary for the db's sticky_for. The db's
	// probe_timeout bounds it too. Default: DefaultTokenTimeout.
	TokenTimeout time.Duration
	// OnLateWrite is called after a request that wrote when its response was
	// under way, so that the client has no token for it. Its context is still
	// the request's session: rwsplit.Token gives the token, to be sent by other
	// means. Default: nothing.
	OnLateWrite func(*http.Request)
	// Logger gets what an operator should know. Default: nothing is logged.
	Logger *slog.Logger
}

// UnsafeMethods reports whether the request's method is one that may change
// something: any but GET, HEAD, OPTIONS and TRACE. It is meant for
// [Options.Primary].
func UnsafeMethods(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, "":
		return false
	default:
		return true
	}
}

// Middleware returns what wraps a handler so that each request is a session on
// db; see the package comment. It fails if o can't work or db was not opened
// with rwsplit. Several dbs are served by a Middleware each, one around the
// other, with a CookieName and a Header each.
//
// The handler's ResponseWriter keeps the http.Flusher, http.Hijacker,
// http.Pusher and io.ReaderFrom of the server's, if that has them, and works
// with http.ResponseController. A panic of the handler passes on.
func Middleware(db *sql.DB, o Options) (func(http.Handler) http.Handler, error) {
	m, err := newMiddleware(db, o)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			m.serve(w, r, next)
		})
	}, nil
}

// middleware is Options put to work. Nothing changes it.
type middleware struct {
	db     *sql.DB
	o      Options
	cookie cookieJar
}

func newMiddleware(db *sql.DB, o Options) (*middleware, error) {
	if _, err := rwsplit.StatsOf(db); err != nil {
		return nil, err
	}
	o.CookieName = orDefault(o.CookieName, DefaultCookieName)
	o.CookiePath = orDefault(o.CookiePath, "/")
	o.Header = http.CanonicalHeaderKey(orDefault(o.Header, DefaultHeader))
	o.TTL = orDefault(o.TTL, DefaultTTL)
	o.TokenTimeout = orDefault(o.TokenTimeout, DefaultTokenTimeout)
	o.CookieSameSite = orDefault(o.CookieSameSite, http.SameSiteLaxMode)
	switch {
	case o.TTL < time.Second || o.TTL > maxTTL:
		return nil, fmt.Errorf("rwsplit: rwhttp: TTL=%v: must be from 1s to %v", o.TTL, maxTTL)
	case o.TokenTimeout < 0:
		return nil, fmt.Errorf("rwsplit: rwhttp: TokenTimeout=%v: must not be negative", o.TokenTimeout)
	case !isToken(o.Header):
		return nil, fmt.Errorf("rwsplit: rwhttp: Header=%q is no header name", o.Header)
	}
	m := &middleware{db: db, o: o, cookie: cookieJar{name: o.CookieName}}
	for i, k := range o.CookieKeys {
		if len(k) < minKey {
			return nil, fmt.Errorf("rwsplit: rwhttp: CookieKeys[%d] has %d bytes; at least %d are needed", i, len(k), minKey)
		}
		m.cookie.keys = append(m.cookie.keys, append([]byte(nil), k...))
	}
	m.o.CookieKeys = nil
	if err := m.newCookie("").Valid(); err != nil {
		return nil, fmt.Errorf("rwsplit: rwhttp: cookie attributes: %w", err)
	}
	return m, nil
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// isToken reports whether s is a token as in
// https://www.rfc-editor.org/rfc/rfc9110#name-tokens.
func isToken(s string) bool {
	for _, b := range []byte(s) {
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' ||
			strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0) {
			return false
		}
	}
	return s != ""
}

// serve runs one request.
func (m *middleware) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	x := &exchange{m: m}
	r = x.begin(r)
	rw := &response{ResponseWriter: w, x: x}
	defer rw.finish() // also while a panic passes
	next.ServeHTTP(rw.withInterfacesOf(w), r)
}

// exchange is one request and what its response has to say.
type exchange struct {
	m       *middleware
	r       *http.Request // in its session
	trusted bool
	// handed counts the tokens that came from services called by the request.
	handed atomic.Uint64
	// outer is the exchange of a Middleware around this one.
	outer *exchange
}

type exchangeKey struct{}

// news is how much a client without a token of this response misses.
type news struct{ write, handed uint64 }

func (x *exchange) news() news {
	return news{rwsplit.LastWrite(x.r.Context(), x.m.db), x.handed.Load()}
}

// begin opens the session and takes in what the request brought.
func (x *exchange) begin(r *http.Request) *http.Request {
	m := x.m
	ctx := rwsplit.WithSession(r.Context())
	x.outer, _ = ctx.Value(exchangeKey{}).(*exchange)
	ctx = context.WithValue(ctx, exchangeKey{}, x)
	x.trusted = m.o.Trusted != nil && m.o.Trusted(r)

	primary := m.o.Primary != nil && m.o.Primary(r)
	var tokens []string
	if len(m.cookie.keys) > 0 {
		var ok bool
		if tokens, ok = m.cookie.open(r.CookiesNamed(m.o.CookieName), time.Now()); !ok {
			// Something was to be seen, and nobody can say what.
			primary = true
			m.log(slog.LevelDebug, "rwsplit: a cookie could not be verified or has expired; its request reads from the primary")
		}
	}
	header := r.Header
	switch texts := header.Values(m.o.Header); {
	case len(texts) == 0:
	case !x.trusted:
		// Nor should a service that is called by way of this one believe it.
		header = header.Clone()
		header.Del(m.o.Header)
	case len(texts) > maxHanded:
		primary = true
	default:
		tokens = append(tokens, texts...)
	}
	for _, t := range tokens {
		// It can't fail: there is a session, and db is rwsplit's.
		_ = rwsplit.AddToken(ctx, m.db, t)
	}
	if primary {
		ctx = rwsplit.WithPrimary(ctx)
	}
	x.r = r.WithContext(ctx)
	x.r.Header = header
	return x.r
}

// token returns the text that makes its bearer see what this request saw to.
// It asks the primary.
func (x *exchange) token() string {
	ctx, cancel := context.WithTimeout(x.r.Context(), x.m.o.TokenTimeout)
	defer cancel()
	t, err := rwsplit.Token(ctx, x.m.db)
	if err != nil {
		x.m.log(slog.LevelWarn, "rwsplit: no token for a response", "error", err.Error())
	}
	return t
}

// give puts the token into the header of a response that has not begun.
func (x *exchange) give(h http.Header) {
	if !x.gives() {
		return
	}
	t := x.token()
	if t == "" {
		return
	}
	if x.trusted {
		h.Set(x.m.o.Header, t)
	}
	if len(x.m.cookie.keys) > 0 {
		h.Add("Set-Cookie", x.m.newCookie(x.m.cookie.seal(t, time.Now().Add(x.m.o.TTL))).String())
	}
}

func (x *exchange) gives() bool { return x.trusted || len(x.m.cookie.keys) > 0 }

// late deals with news that came after the response had begun.
func (x *exchange) late(h http.Header, hijacked bool) {
	m := x.m
	if x.trusted && !hijacked && acceptsTrailers(x.r) {
		if t := x.token(); t != "" {
			h.Set(http.TrailerPrefix+m.o.Header, t)
		}
	}
	if len(m.cookie.keys) > 0 {
		m.log(slog.LevelWarn, "rwsplit: a request wrote after its response had begun; its client has no cookie for that", "method", x.r.Method, "pattern", x.r.Pattern)
	}
	if m.o.OnLateWrite != nil {
		m.o.OnLateWrite(x.r)
	}
}

func (m *middleware) newCookie(value string) *http.Cookie {
	return &http.Cookie{
		Name: m.o.CookieName, Value: value, Path: m.o.CookiePath, Domain: m.o.CookieDomain,
		MaxAge: int(m.o.TTL / time.Second), HttpOnly: true,
		Secure: m.o.CookieSecure != rwsplit.ToggleOff, SameSite: m.o.CookieSameSite,
	}
}

func (m *middleware) log(level slog.Level, msg string, args ...any) {
	if m.o.Logger != nil {
		m.o.Logger.Log(context.Background(), level, msg, args...)
	}
}
