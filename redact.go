package rwsplit

import (
	"errors"
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
	add(dsn)
	if at := strings.LastIndexByte(dsn, '@'); at >= 0 {
		info := dsn[:at]
		if i := strings.Index(info, "://"); i >= 0 {
			info = info[i+len("://"):]
		}
		if _, password, ok := strings.Cut(info, ":"); ok {
			add(info)
			add(password)
		}
	}
	for _, key := range []string{"password=", "passwd=", "pwd=", "token=", "secret="} {
		if _, rest, ok := strings.Cut(lowerASCII(dsn), key); ok {
			value := dsn[len(dsn)-len(rest):]
			if end := strings.IndexAny(value, " &;\t\n"); end >= 0 {
				value = value[:end]
			}
			add(strings.Trim(value, `'"`))
		}
	}
	return out
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
