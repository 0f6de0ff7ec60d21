package rwsplit

import (
	"errors"
	"net/url"
	"strings"
)

// redactDSN returns err as it is unless its text repeats the DSN or the
// password in it, as the errors of some base drivers do; then it returns the
// text without them.
func redactDSN(err error, dsn string) error {
	msg := err.Error()
	clean := msg
	for _, secret := range secretsOf(dsn) {
		clean = strings.ReplaceAll(clean, secret, "xxxxx")
	}
	if clean == msg {
		return err
	}
	return errors.New(clean)
}

// secretsOf returns the parts of a base DSN that may hold a password, the
// longest first.
func secretsOf(dsn string) []string {
	var out []string
	add := func(s string) {
		if s != "" {
			out = append(out, s)
		}
	}
	// Base drivers repeat what a value means as well as how it is written.
	addWritten := func(s string) {
		add(s)
		if meant, err := url.PathUnescape(s); err == nil && meant != s {
			add(meant)
		}
		if meant, err := url.QueryUnescape(s); err == nil && meant != s {
			add(meant)
		}
	}
	add(dsn)
	if at := strings.LastIndexByte(dsn, '@'); at >= 0 {
		info := dsn[:at]
		if i := strings.Index(info, "://"); i >= 0 {
			info = info[i+len("://"):]
		}
		if _, password, ok := strings.Cut(info, ":"); ok {
			addWritten(info)
			addWritten(password)
		}
	}
	for _, key := range []string{"password=", "passwd=", "pwd=", "token=", "secret="} {
		if _, rest, ok := strings.Cut(lowerASCII(dsn), key); ok {
			value := dsn[len(dsn)-len(rest):]
			if written, meant, ok := quoted(value); ok {
				add(written)
				add(meant)
				continue
			}
			if end := strings.IndexAny(value, " &;\t\n"); end >= 0 {
				value = value[:end]
			}
			addWritten(strings.Trim(value, `'"`))
		}
	}
	return out
}

// quoted returns what stands between the quotes that text begins with, as it is
// written and without its backslashes.
func quoted(text string) (written, meant string, ok bool) {
	if text == "" || text[0] != '\'' && text[0] != '"' {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == text[0]:
			return text[1:i], b.String(), true
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// lowerASCII keeps the length, which strings.ToLower may change.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
