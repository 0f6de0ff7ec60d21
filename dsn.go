package rwsplit

import (
	"errors"
	"fmt"
	"strings"
)

// ParseDSN reads a DSN of rwsplit: key=value settings separated by white
// space, in libpq's keyword/value form. A value with white space in it goes in
// single quotes; a backslash takes the next byte as it is. The key replica
// repeats; any other key is given once.
//
// The Config that is returned is complete: keys that the DSN leaves out have
// their defaults. Errors name the key, the value and what would be right, and
// never repeat a base DSN or a piece of one.
//
// See https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE
// for the form.
func ParseDSN(dsn string) (*Config, error) { return parseDSN(dsn, "") }

// parseDSN is ParseDSN with a driver for DSNs that name none.
func parseDSN(dsn, defaultDriver string) (*Config, error) {
	c := new(Config)
	p := dsnParser{text: dsn}
	seen := make(map[string]bool, len(settings))
	for {
		key, value, err := p.next()
		if err != nil {
			return nil, err
		}
		if key == nil {
			break
		}
		if seen[key.key] && !key.repeat {
			return nil, fmt.Errorf("rwsplit: %s is given twice, again at %s", key.key, p.where(p.keyAt))
		}
		seen[key.key] = true
		if value == "" && !key.empty {
			return nil, fmt.Errorf("rwsplit: %s is empty at %s", key.key, p.where(p.keyAt))
		}
		if err := key.parse(c, value); err != nil {
			return nil, settingError(key.key, err)
		}
	}
	if len(seen) == 0 {
		return nil, errors.New("rwsplit: the DSN is empty: it needs at least driver= and primary=")
	}
	if c.Driver == "" {
		c.Driver = defaultDriver
	}
	if err := c.normalize(); err != nil {
		return nil, err
	}
	return c, nil
}

// FormatDSN writes the DSN that [ParseDSN] turns into an equal Config: the
// keys that differ from their defaults, in a fixed order. What a DSN can't
// carry (connectors, functions, the logger) is left out. The text contains the
// base DSNs with their secrets.
func (c *Config) FormatDSN() string {
	return c.format(func(_ *setting, v string) string { return v })
}

// format writes the settings, each value passed through show.
func (c *Config) format(show func(s *setting, v string) string) string {
	var b strings.Builder
	for i := range settings {
		s := &settings[i]
		for _, v := range s.format(c) {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(s.key)
			b.WriteByte('=')
			writeValue(&b, show(s, v))
		}
	}
	return b.String()
}

func writeValue(b *strings.Builder, v string) {
	if v != "" && v[0] != '"' && !strings.ContainsAny(v, blanks+`'\`) {
		b.WriteString(v)
		return
	}
	b.WriteByte('\'')
	for i := range len(v) {
		if v[i] == '\'' || v[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(v[i])
	}
	b.WriteByte('\'')
}

// blanks are the bytes that C's isspace takes for white space, as libpq does.
const blanks = " \t\n\v\f\r"

// dsnParser cuts a DSN into settings. Text that is not a known key is shown in
// no error: a password with a blank or a quote in it makes any piece of itself
// look like a key.
type dsnParser struct {
	text  string
	at    int // the next byte to read
	keyAt int // where the current key begins

	last *setting // the setting before the current one, nil at the start
	bare bool     // its value was not quoted
}

// next returns the next setting and its value, or nil at the end.
func (p *dsnParser) next() (*setting, string, error) {
	p.skipBlanks()
	p.keyAt = p.at
	if p.at == len(p.text) {
		return nil, "", nil
	}
	if p.last != nil && !p.bare && !isBlank(p.text[p.at-1]) {
		// libpq goes on with the next key here. A quote that ends a value too
		// early is far more likely, and what follows then is part of it.
		return nil, "", fmt.Errorf(`rwsplit: text follows the closing quote of %s at %s: a quote inside a value is written \'`,
			p.last.key, p.where(p.at))
	}
	for p.at < len(p.text) && p.text[p.at] != '=' && !isBlank(p.text[p.at]) {
		p.at++
	}
	name := p.text[p.keyAt:p.at]
	p.skipBlanks()
	if p.at == len(p.text) || p.text[p.at] != '=' {
		return nil, "", p.strayText()
	}
	s := settingFor(name)
	if s == nil {
		return nil, "", p.unknownKey(name)
	}
	p.at++
	start := p.at
	p.skipBlanks()
	value, err := p.value(s, p.at > start)
	p.last = s
	return s, value, err
}

// value reads the value that begins here. spaced says that blanks came first.
func (p *dsnParser) value(s *setting, spaced bool) (string, error) {
	var b strings.Builder
	start := p.at
	p.bare = p.at == len(p.text) || p.text[p.at] != '\''
	if !p.bare {
		p.at++
	} else if p.at < len(p.text) && p.text[p.at] == '"' {
		// libpq takes it for a part of the value, and so would MySQL's driver.
		return "", fmt.Errorf("rwsplit: %s begins with a double quote at %s: a value is quoted in single quotes", s.key, p.where(start))
	}
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '\\':
			p.at++
			if p.at == len(p.text) {
				return "", fmt.Errorf(`rwsplit: %s ends in a single backslash at %s: a backslash inside a value is written \\`, s.key, p.where(p.at-1))
			}
			c = p.text[p.at]
		case p.bare && isBlank(c):
			return p.plain(s, b.String(), start, spaced)
		case !p.bare && c == '\'':
			p.at++
			return b.String(), nil
		}
		b.WriteByte(c)
		p.at++
	}
	if !p.bare {
		return "", fmt.Errorf("rwsplit: %s: the single quote opened at %s is not closed", s.key, p.where(start))
	}
	return p.plain(s, b.String(), start, spaced)
}

// plain refuses what libpq silently accepts: a key whose value was forgotten
// takes the next setting for its value.
func (p *dsnParser) plain(s *setting, v string, start int, spaced bool) (string, error) {
	if !spaced {
		return v, nil
	}
	if next, _, ok := strings.Cut(v, "="); ok && settingFor(next) != nil {
		return "", fmt.Errorf("rwsplit: %s has no value before %s at %s: an empty value is written ''", s.key, next, p.where(start))
	}
	return v, nil
}

func (p *dsnParser) skipBlanks() {
	for p.at < len(p.text) && isBlank(p.text[p.at]) {
		p.at++
	}
}

func (p *dsnParser) strayText() error {
	return fmt.Errorf(`rwsplit: text without "=" at %s%s`, p.where(p.keyAt), p.after())
}

func (p *dsnParser) unknownKey(name string) error {
	shown := ""
	// After a bare base DSN on the same line it may be the rest of that.
	if rest := p.last != nil && p.last.secret && !p.newLine(); !rest && len(name) <= 20 && only(name, "_") {
		shown = fmt.Sprintf(" %q", name)
	}
	if guess := nearestKey(name); guess != "" {
		return fmt.Errorf("rwsplit: unknown key%s at %s: did you mean %s?", shown, p.where(p.keyAt), guess)
	}
	return fmt.Errorf("rwsplit: unknown key%s at %s%s", shown, p.where(p.keyAt), p.after())
}

// newLine reports whether the current key is the first text of its line.
func (p *dsnParser) newLine() bool {
	before := strings.TrimRight(p.text[:p.keyAt], " \t")
	return before == "" || strings.HasSuffix(before, "\n")
}

// after says what came before the current key, and what may be wrong with it.
func (p *dsnParser) after() string {
	switch {
	case p.last == nil:
		return ": the DSN is made of settings such as driver=pgx primary='...' replica='...'"
	case p.last.secret && p.bare:
		return fmt.Sprintf(", after %s: a value with white space in it goes in single quotes", p.last.key)
	default:
		return ", after " + p.last.key
	}
}

// where is the line and column of an offset, for people.
func (p *dsnParser) where(at int) string {
	before := p.text[:at]
	line := strings.Count(before, "\n") + 1
	column := at - (strings.LastIndexByte(before, '\n') + 1) + 1
	return fmt.Sprintf("line %d, column %d", line, column)
}

// nearestKey returns the key that name was probably meant to be, or "".
func nearestKey(name string) string {
	if len(name) > 20 {
		return ""
	}
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	if key, ok := otherNames[name]; ok {
		return key
	}
	best, least := "", 3
	for i := range settings {
		key := settings[i].key
		if d := editDistance(name, key); d < least && d <= len(key)/3 {
			best, least = key, d
		}
	}
	return best
}

// otherNames are what other splitters call our keys. It is never changed.
var otherNames = map[string]string{
	"master":      "primary",
	"writer":      "primary",
	"write":       "primary",
	"source":      "primary",
	"slave":       "replica",
	"reader":      "replica",
	"read":        "replica",
	"standby":     "replica",
	"replicas":    "replica",
	"hosts":       "replica_hosts",
	"lag":         "max_lag",
	"sticky":      "sticky_for",
	"policy":      "balance",
	"balancer":    "balance",
	"functions":   "read_functions",
	"level":       "consistency",
	"wait_for":    "wait",
	"readonly":    "read_only_replicas",
	"driver_name": "driver",
}

// editDistance counts the bytes to insert, delete or change between a and b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

func isBlank(c byte) bool { return strings.IndexByte(blanks, c) >= 0 }
