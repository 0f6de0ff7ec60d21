package rwsplit

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting ties one DSN key to its field of a [Config]: how its text is read,
// what the field may hold, and how it is written.
type setting struct {
	key    string
	secret bool // the value is a base DSN and never shown
	repeat bool // the key may be given more than once

	// parse stores the value of one occurrence. It gets no empty text unless
	// empty is true.
	parse func(c *Config, v string) error
	empty bool
	// check puts the default in the place of a zero field and says what is
	// wrong with any other value.
	check func(c *Config) error
	// format returns the values to write, none if the field has its default.
	format func(c *Config) []string
}

// valueError says what is wrong with the value of a key. It shows the value
// only if no secret can be in it.
type valueError struct {
	value string
	want  string
}

func (e *valueError) Error() string { return e.want }

// settings are the keys in the order in which FormatDSN writes them. It is
// never changed.
var settings = []setting{
	textKey("driver", func(c *Config) *string { return &c.Driver }, checkDriver),
	enumKey("dialect", func(c *Config) *string { return &c.Dialect }, "", "postgres", "mysql", "mariadb", "sqlite", "generic"),
	{
		key:    "primary",
		secret: true,
		parse:  func(c *Config, v string) error { c.Primary = v; return nil },
		check:  func(*Config) error { return nil },
		format: func(c *Config) []string { return nonEmpty(c.Primary) },
	},
	{
		key:    "replica",
		secret: true,
		repeat: true,
		parse:  func(c *Config, v string) error { c.Replicas = append(c.Replicas, v); return nil },
		check: func(c *Config) error {
			if slices.Contains(c.Replicas, "") {
				return errors.New("must not be empty")
			}
			return nil
		},
		format: func(c *Config) []string { return c.Replicas },
	},
	listKey("replica_hosts", func(c *Config) *[]string { return &c.ReplicaHosts }, checkHostPort),
	weightsKey(),
	enumKey("reads", func(c *Config) *Reads { return &c.Reads }, ReadsReplica, ReadsPrimary, ReadsShadow),
	enumKey("consistency", func(c *Config) *Consistency { return &c.Consistency }, Process, Eventual, Session, Global),
	durationKey("wait", func(c *Config) *time.Duration { return &c.Wait }, 0, 0, 10*time.Minute),
	durationKey("sticky_for", func(c *Config) *time.Duration { return &c.StickyFor }, 5*time.Second, time.Millisecond, 24*time.Hour),
	enumKey("position", func(c *Config) *PositionSource { return &c.Position }, PositionNative, PositionHeartbeat, PositionNone),
	enumKey("tracking", func(c *Config) *Tracking { return &c.Tracking }, TrackingDatabase, TrackingTable),
	durationKey("max_lag", func(c *Config) *time.Duration { return &c.MaxLag }, 0, 0, 24*time.Hour),
	enumKey("balance", func(c *Config) *Balance { return &c.Balance }, LeastBusy, RoundRobin, Random),
	enumKey("fallback", func(c *Config) *Fallback { return &c.Fallback }, FallbackPrimary, FallbackError),
	intKey("fallback_max", func(c *Config) *int { return &c.FallbackMax }, 0, 1_000_000),
	enumKey("roles", func(c *Config) *Roles { return &c.Roles }, RolesStatic, RolesAuto),
	durationKey("probe_interval", func(c *Config) *time.Duration { return &c.ProbeInterval }, time.Second, 10*time.Millisecond, 10*time.Minute),
	durationKey("probe_timeout", func(c *Config) *time.Duration { return &c.ProbeTimeout }, time.Second, 10*time.Millisecond, time.Minute),
	toggleKey("read_only_replicas", func(c *Config) *Toggle { return &c.ReadOnlyReplicas }, ToggleOn, "true", "false"),
	enumKey("on_refused", func(c *Config) *OnRefused { return &c.OnRefused }, RefusedPrimary, RefusedError),
	enumKey("pins", func(c *Config) *Pins { return &c.Pins }, PinsScope, PinsConn),
	clusterKey(),
	listKey("read_functions", func(c *Config) *[]string { return &c.ReadFunctions }, checkFunction),
	toggleKey("catalog", func(c *Config) *Toggle { return &c.Catalog }, ToggleOn, "on", "off"),
	toggleKey("hints", func(c *Config) *Toggle { return &c.Hints }, ToggleOff, "on", "off"),
	toggleKey("lazy_begin", func(c *Config) *Toggle { return &c.LazyBegin }, ToggleOff, "true", "false"),
}

// settingFor returns the setting of a key, or nil.
func settingFor(key string) *setting {
	for i := range settings {
		if settings[i].key == key {
			return &settings[i]
		}
	}
	return nil
}

func textKey(key string, field func(*Config) *string, check func(string) error) setting {
	return setting{
		key:    key,
		parse:  func(c *Config, v string) error { *field(c) = v; return check(v) },
		check:  func(c *Config) error { return check(*field(c)) },
		format: func(c *Config) []string { return nonEmpty(*field(c)) },
	}
}

// enumKey is a key with one of a few values, the default first.
func enumKey[T ~string](key string, field func(*Config) *T, values ...T) setting {
	check := func(c *Config) error {
		f := field(c)
		if *f == "" {
			*f = values[0]
		}
		if slices.Contains(values, *f) {
			return nil
		}
		names := make([]string, 0, len(values))
		for _, v := range values {
			if v != "" {
				names = append(names, string(v))
			}
		}
		return &valueError{string(*f), "must be one of " + strings.Join(names, ", ")}
	}
	return setting{
		key:   key,
		parse: func(c *Config, v string) error { *field(c) = T(v); return check(c) },
		check: check,
		format: func(c *Config) []string {
			if v := *field(c); v != values[0] {
				return nonEmpty(string(v))
			}
			return nil
		},
	}
}

func durationKey(key string, field func(*Config) *time.Duration, def, least, most time.Duration) setting {
	bound := fmt.Sprintf("must be a duration from %s to %s", durationText(least), durationText(most))
	check := func(d time.Duration, text string) error {
		if d < least || d > most {
			return &valueError{text, bound}
		}
		return nil
	}
	return setting{
		key: key,
		parse: func(c *Config, v string) error {
			d, err := time.ParseDuration(v)
			if err != nil {
				return &valueError{v, bound + ", with its unit: 250ms, 5s"}
			}
			*field(c) = d
			return check(d, v)
		},
		check: func(c *Config) error {
			f := field(c)
			if *f == 0 {
				*f = def
			}
			return check(*f, f.String())
		},
		format: func(c *Config) []string {
			if d := *field(c); d != 0 && d != def {
				return []string{durationText(d)}
			}
			return nil
		},
	}
}

func intKey(key string, field func(*Config) *int, least, most int) setting {
	bound := fmt.Sprintf("must be a whole number from %d to %d", least, most)
	check := func(n int, text string) error {
		if n < least || n > most {
			return &valueError{text, bound}
		}
		return nil
	}
	return setting{
		key: key,
		parse: func(c *Config, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil {
				return &valueError{v, bound}
			}
			*field(c) = n
			return check(n, v)
		},
		check: func(c *Config) error { return check(*field(c), strconv.Itoa(*field(c))) },
		format: func(c *Config) []string {
			if n := *field(c); n != 0 {
				return []string{strconv.Itoa(n)}
			}
			return nil
		},
	}
}

// toggleKey reads on, off, true and false and writes the words given.
func toggleKey(key string, field func(*Config) *Toggle, def Toggle, on, off string) setting {
	want := fmt.Sprintf("must be %s or %s", on, off)
	return setting{
		key: key,
		parse: func(c *Config, v string) error {
			switch v {
			case "on", "true":
				*field(c) = ToggleOn
			case "off", "false":
				*field(c) = ToggleOff
			default:
				return &valueError{v, want}
			}
			return nil
		},
		check: func(c *Config) error {
			f := field(c)
			if *f == ToggleDefault {
				*f = def
			}
			if *f > ToggleOff {
				return &valueError{strconv.Itoa(int(*f)), want}
			}
			return nil
		},
		format: func(c *Config) []string {
			switch t := *field(c); {
			case t == ToggleDefault || t == def:
				return nil
			case t == ToggleOn:
				return []string{on}
			default:
				return []string{off}
			}
		},
	}
}

// listKey is a comma-separated list.
func listKey(key string, field func(*Config) *[]string, check func(string) error) setting {
	checkAll := func(c *Config) error {
		for i, v := range *field(c) {
			if err := check(v); err != nil {
				return fmt.Errorf("entry %d %w", i+1, err)
			}
		}
		return nil
	}
	return setting{
		key: key,
		parse: func(c *Config, v string) error {
			*field(c) = splitList(v)
			return checkAll(c)
		},
		check: checkAll,
		format: func(c *Config) []string {
			return nonEmpty(strings.Join(*field(c), ","))
		},
	}
}

// maxWeight bounds the ratio between the shares of two replicas.
const maxWeight = 1000

func weightsKey() setting {
	want := fmt.Sprintf("must be whole numbers from 1 to %d, one for each replica", maxWeight)
	join := func(weights []int) string {
		out := make([]string, len(weights))
		for i, w := range weights {
			out[i] = strconv.Itoa(w)
		}
		return strings.Join(out, ",")
	}
	check := func(c *Config) error {
		for _, w := range c.Weights {
			if w < 1 || w > maxWeight {
				return &valueError{join(c.Weights), want}
			}
		}
		return nil
	}
	return setting{
		key: "weights",
		parse: func(c *Config, v string) error {
			list := splitList(v)
			c.Weights = make([]int, len(list))
			for i, text := range list {
				w, err := strconv.Atoi(text)
				if err != nil {
					return &valueError{v, want}
				}
				c.Weights[i] = w
			}
			return check(c)
		},
		check:  check,
		format: func(c *Config) []string { return nonEmpty(join(c.Weights)) },
	}
}

func clusterKey() setting {
	s := textKey("cluster", func(c *Config) *string { return &c.Cluster }, func(v string) error {
		for i := range len(v) {
			if v[i] < ' ' || v[i] == 0x7f || len(v) > 64 {
				return &valueError{v, "must be a name of at most 64 bytes without control characters"}
			}
		}
		return nil
	})
	s.empty = true
	return s
}

// checkDriver keeps a driver's name so plain that it can be shown: a DSN that
// was put in its place is refused here.
func checkDriver(v string) error {
	if v == "" {
		return nil
	}
	if len(v) > 64 || !only(v, "_./+-") {
		return &valueError{v, "must be the name of a database/sql driver, such as pgx or mysql"}
	}
	return nil
}

// checkHostPort never shows the entry: it may be a DSN put in the wrong place.
func checkHostPort(v string) error {
	host, port, err := net.SplitHostPort(v)
	if err != nil || host == "" || !only(host, "_.-:%") {
		return errors.New("must be host:port, with an IPv6 address in brackets")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || port[0] == '+' || port[0] == '0' {
		return errors.New("must end in a port from 1 to 65535")
	}
	return nil
}

func checkFunction(v string) error {
	for _, r := range v {
		if r < 0x80 && !only(string(r), "_.$") {
			v = ""
			break
		}
	}
	if v == "" {
		return errors.New("must be the name of a function, with its schema if that matters: app.price_of")
	}
	return nil
}

func nonEmpty(v string) []string {
	if v == "" {
		return nil
	}
	return []string{v}
}

func splitList(v string) []string {
	list := strings.Split(v, ",")
	for i := range list {
		list[i] = strings.Trim(list[i], blanks)
	}
	return list
}

// only reports whether v is made of ASCII letters, digits and the bytes of
// extra.
func only(v, extra string) bool {
	for i := range len(v) {
		b := v[i]
		letter := 'a' <= b|0x20 && b|0x20 <= 'z'
		if !letter && (b < '0' || b > '9') && strings.IndexByte(extra, b) < 0 {
			return false
		}
	}
	return true
}

// durationText is d without the zero units at its end: 24h and not 24h0m0s.
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
