package rwhttp

import (
	"context"
	"database/sql"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/rwsplit/rwsplit"
)

// Transport is an http.RoundTripper that makes the services it calls see what
// the caller wrote, and the caller what they wrote. It sends the token of the
// session that a request's context is in (outside a session: the token for
// everything that DB wrote) in a header, and hands the token of the response to
// that session. The services run [Middleware] with Trusted.
//
// A request whose session wrote may wait for the primary to say its position,
// at most for about the DB's probe_timeout. Other requests of a session wait for
// nobody.
//
// It is safe for concurrent use if it is not changed any more.
type Transport struct {
	// DB was opened with rwsplit. Required.
	DB *sql.DB
	// Hosts are those that are sent tokens and whose tokens are taken: "host"
	// for any port, or "host:port". Default: none, since a token tells whoever
	// decodes it how much the cluster has written. A redirect to another host
	// does not carry the token along.
	Hosts []string
	// Header is the name of the header. Default: DefaultHeader.
	Header string
	// Base sends the requests. Default: http.DefaultTransport.
	Base http.RoundTripper
}

var _ http.RoundTripper = (*Transport)(nil)

// RoundTrip sends one request. Its errors are those of Base, except that it
// fails where DB was not opened with rwsplit.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	if !t.knows(r) {
		return base.RoundTrip(r)
	}
	token, err := rwsplit.Token(r.Context(), t.DB)
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	header := http.CanonicalHeaderKey(orDefault(t.Header, DefaultHeader))
	ctx := r.Context()
	r = r.Clone(ctx)
	r.Header.Del(header) // one that came from elsewhere, by way of a proxy
	if token != "" {
		r.Header.Set(header, token)
	}
	if !acceptsTrailers(r) {
		r.Header.Add("Te", "trailers")
	}
	res, err := base.RoundTrip(r)
	if err != nil {
		return res, err
	}
	t.take(ctx, res.Header, header)
	if res.StatusCode != http.StatusSwitchingProtocols && res.Body != nil && res.Body != http.NoBody {
		res.Body = &trailerBody{ReadCloser: res.Body, end: func() { t.take(ctx, res.Trailer, header) }}
	}
	return res, nil
}

// knows reports whether the request goes to one of the Hosts.
func (t *Transport) knows(r *http.Request) bool {
	for _, h := range t.Hosts {
		if strings.EqualFold(h, r.URL.Host) || strings.EqualFold(strings.Trim(h, "[]"), r.URL.Hostname()) {
			return true
		}
		// The port that the scheme implies may be left out of the URL.
		if r.URL.Port() == "" && strings.EqualFold(h, net.JoinHostPort(r.URL.Hostname(), schemePorts[r.URL.Scheme])) {
			return true
		}
	}
	return false
}

var schemePorts = map[string]string{"http": "80", "https": "443"}

// take hands what a service answered to the session, and to the response of
// the request that is being served, if there is one.
func (t *Transport) take(ctx context.Context, h http.Header, header string) {
	texts := h.Values(header)
	if len(texts) > maxHanded {
		texts = append(texts[:maxHanded-1:maxHanded-1], "too many") // which means primary
	}
	for _, text := range texts {
		if text == "" || rwsplit.AddToken(ctx, t.DB, text) != nil {
			continue // outside a session there is nobody to remember it
		}
		for x, _ := ctx.Value(exchangeKey{}).(*exchange); x != nil; x = x.outer {
			if x.m.db == t.DB {
				x.handed.Add(1)
			}
		}
	}
}

// trailerBody is a body behind which a token may come.
type trailerBody struct {
	io.ReadCloser
	end func() // nil: was called
}

func (b *trailerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && b.end != nil {
		b.end()
		b.end = nil
	}
	return n, err
}
