package rwhttp

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
)

// response is a ResponseWriter that gives the client its token with the header
// of the response, when that is about to go out. Like every ResponseWriter it
// is used by one goroutine at a time.
type response struct {
	http.ResponseWriter
	x        *exchange
	begun    bool // the header is out, or as good as out
	hijacked bool
	told     news // what the token that was given covers
}

var (
	_ http.ResponseWriter = (*response)(nil)
	_ io.StringWriter     = (*response)(nil)
)

// begin is called before anything that sends the header.
func (w *response) begin() {
	if w.begun {
		return
	}
	w.begun = true
	// Before the token is made: what is written while it is made may be in it
	// or not.
	if n := w.x.news(); n != w.told {
		w.told = n
		w.x.give(w.Header())
	}
}

// finish is called when the handler has returned or panics.
func (w *response) finish() {
	if !w.begun {
		w.begin() // the server sends the header when we return
		return
	}
	if w.x.news() != w.told {
		w.x.late(w.Header(), w.hijacked)
	}
}

// WriteHeader begins the response, unless the code is an informational one: a
// header with the final code follows then.
func (w *response) WriteHeader(code int) {
	if code >= 200 || code == http.StatusSwitchingProtocols || code < 100 {
		w.begin()
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write begins the response and writes of its body.
func (w *response) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// WriteString is Write for strings.
func (w *response) WriteString(s string) (int, error) {
	w.begin()
	return io.WriteString(w.ResponseWriter, s)
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// FlushError is what http.ResponseController calls first. It is always there,
// since the controller would go past this writer otherwise.
func (w *response) FlushError() error {
	if canFlush(w.ResponseWriter) {
		w.begin()
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// canFlush reports whether http.ResponseController finds a way to flush w.
func canFlush(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Flusher, interface{ FlushError() error }:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

// The following add one optional interface each; see withInterfacesOf.

type flusher struct{ w *response }

func (f flusher) Flush() {
	f.w.begin()
	f.w.ResponseWriter.(http.Flusher).Flush()
}

type hijacker struct{ w *response }

// Hijack takes the connection away from the server: no header goes out any
// more, so nothing can be handed over with it.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, b, err := h.w.ResponseWriter.(http.Hijacker).Hijack()
	if err == nil {
		h.w.begun, h.w.hijacked = true, true
	}
	return c, b, err
}

type readerFrom struct{ w *response }

func (f readerFrom) ReadFrom(src io.Reader) (int64, error) {
	f.w.begin()
	return f.w.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

type pusher struct{ w *response }

func (p pusher) Push(target string, opts *http.PushOptions) error {
	return p.w.ResponseWriter.(http.Pusher).Push(target, opts)
}

// withInterfacesOf returns w with those optional interfaces that base has:
// handlers ask for them to learn what they may do.
func (w *response) withInterfacesOf(base http.ResponseWriter) http.ResponseWriter {
	const canFlush, canHijack, canReadFrom, canPush = 1, 2, 4, 8
	has := 0
	if _, ok := base.(http.Flusher); ok {
		has |= canFlush
	}
	if _, ok := base.(http.Hijacker); ok {
		has |= canHijack
	}
	if _, ok := base.(io.ReaderFrom); ok {
		has |= canReadFrom
	}
	if _, ok := base.(http.Pusher); ok {
		has |= canPush
	}
	f, h, r, p := flusher{w}, hijacker{w}, readerFrom{w}, pusher{w}
	switch has {
	case canFlush:
		return struct {
			*response
			flusher
		}{w, f}
	case canHijack:
		return struct {
			*response
			hijacker
		}{w, h}
	case canFlush | canHijack:
		return struct {
			*response
			flusher
			hijacker
		}{w, f, h}
	case canReadFrom:
		return struct {
			*response
			readerFrom
		}{w, r}
	case canFlush | canReadFrom:
		return struct {
			*response
			flusher
			readerFrom
		}{w, f, r}
	case canHijack | canReadFrom:
		return struct {
			*response
			hijacker
			readerFrom
		}{w, h, r}
	case canFlush | canHijack | canReadFrom:
		return struct {
			*response
			flusher
			hijacker
			readerFrom
		}{w, f, h, r}
	case canPush:
		return struct {
			*response
			pusher
		}{w, p}
	case canFlush | canPush:
		return struct {
			*response
			flusher
			pusher
		}{w, f, p}
	case canHijack | canPush:
		return struct {
			*response
			hijacker
			pusher
		}{w, h, p}
	case canFlush | canHijack | canPush:
		return struct {
			*response
			flusher
			hijacker
			pusher
		}{w, f, h, p}
	case canReadFrom | canPush:
		return struct {
			*response
			readerFrom
			pusher
		}{w, r, p}
	case canFlush | canReadFrom | canPush:
		return struct {
			*response
			flusher
			readerFrom
			pusher
		}{w, f, r, p}
	case canHijack | canReadFrom | canPush:
		return struct {
			*response
			hijacker
			readerFrom
			pusher
		}{w, h, r, p}
	case canFlush | canHijack | canReadFrom | canPush:
		return struct {
			*response
			flusher
			hijacker
			readerFrom
			pusher
		}{w, f, h, r, p}
	default:
		return w
	}
}

// acceptsTrailers reports whether the client said that it reads trailers; see
// https://www.rfc-editor.org/rfc/rfc9110#name-te.
func acceptsTrailers(r *http.Request) bool {
	for _, v := range r.Header.Values("Te") {
		for _, part := range strings.Split(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), "trailers") {
				return true
			}
		}
	}
	return false
}
