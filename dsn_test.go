package rwsplit_test

import (
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// defaults is what a DSN with driver=pgx primary=p stands for.
func defaults(change func(c *rwsplit.Config)) *rwsplit.Config {
	c := &rwsplit.Config{
		Driver:           "pgx",
		Primary:          "p",
		Reads:            rwsplit.ReadsReplica,
		Consistency:      rwsplit.Process,
		StickyFor:        5 * time.Second,
		Position:         rwsplit.PositionNative,
		Tracking:         rwsplit.TrackingDatabase,
		Balance:          rwsplit.LeastBusy,
		Fallback:         rwsplit.FallbackPrimary,
		Roles:            rwsplit.RolesStatic,
		ProbeInterval:    time.Second,
		ProbeTimeout:     time.Second,
		ReadOnlyReplicas: rwsplit.ToggleOn,
		OnRefused:        rwsplit.RefusedPrimary,
		Pins:             rwsplit.PinsScope,
		Catalog:          rwsplit.ToggleOn,
		Hints:            rwsplit.ToggleOff,
		LazyBegin:        rwsplit.ToggleOff,
	}
	if change != nil {
		change(c)
	}
	return c
}

func TestParseDSN(t *testing.T) {
	tests := []struct {
		name   string
		dsn    string
		change func(c *rwsplit.Config)
		format string
	}{
		{
			name:   "the least",
			dsn:    "driver=pgx primary=p",
			format: "driver=pgx primary=p",
		},
		{
			name: "one setting a line",
			dsn: `
				driver=pgx
				primary=postgres://app:secret@db-1/shop?sslmode=disable
				replica=postgres://app:secret@db-2/shop
				replica=postgres://app:secret@db-3/shop
				sticky_for=1m30s
			`,
			change: func(c *rwsplit.Config) {
				c.Primary = "postgres://app:secret@db-1/shop?sslmode=disable"
				c.Replicas = []string{"postgres://app:secret@db-2/shop", "postgres://app:secret@db-3/shop"}
				c.StickyFor = 90 * time.Second
			},
			format: "driver=pgx primary=postgres://app:secret@db-1/shop?sslmode=disable " +
				"replica=postgres://app:secret@db-2/shop replica=postgres://app:secret@db-3/shop sticky_for=1m30s",
		},
		{
			name:   "blanks around the equals sign",
			dsn:    "driver = pgx\tprimary\n=\r\np",
			format: "driver=pgx primary=p",
		},
		{
			name:   "a quoted value",
			dsn:    `driver='pgx' primary='host=db-1 password=\'it\\s\' user=app'`,
			change: func(c *rwsplit.Config) { c.Primary = `host=db-1 password='it\s' user=app` },
			format: `driver=pgx primary='host=db-1 password=\'it\\s\' user=app'`,
		},
		{
			name:   "a backslash in a bare value",
			dsn:    `driver=pgx primary=a\ b\\c\'d`,
			change: func(c *rwsplit.Config) { c.Primary = `a b\c'd` },
			format: `driver=pgx primary='a b\\c\'d'`,
		},
		{
			name:   "a quote inside a bare value is itself",
			dsn:    `driver=pgx primary=it's`,
			change: func(c *rwsplit.Config) { c.Primary = "it's" },
			format: `driver=pgx primary='it\'s'`,
		},
		{
			name:   "an equals sign inside a value",
			dsn:    `driver=pgx primary= host=h`,
			change: func(c *rwsplit.Config) { c.Primary = "host=h" },
			format: `driver=pgx primary=host=h`,
		},
		{
			name: "lists",
			dsn:  `driver=mysql primary=p replica_hosts='db-2:3306, [::1]:3307' weights=2,1 read_functions=price_of,shop.tax`,
			change: func(c *rwsplit.Config) {
				c.Driver = "mysql"
				c.ReplicaHosts = []string{"db-2:3306", "[::1]:3307"}
				c.Weights = []int{2, 1}
				c.ReadFunctions = []string{"price_of", "shop.tax"}
			},
			format: "driver=mysql primary=p replica_hosts=db-2:3306,[::1]:3307 weights=2,1 read_functions=price_of,shop.tax",
		},
		{
			name: "every other key",
			dsn: `lazy_begin=on hints=true catalog=false read_functions=f cluster='my shop' pins=conn on_refused=error
				read_only_replicas=off probe_timeout=500ms probe_interval=24s roles=static fallback=error balance=random
				tracking=database max_lag=0 fallback_max=0 position=none sticky_for=1h wait=0s consistency=eventual reads=shadow
				weights=1 replica=r primary=p dialect=mariadb driver=mysql`,
			change: func(c *rwsplit.Config) {
				*c = rwsplit.Config{
					Driver: "mysql", Dialect: "mariadb", Primary: "p", Replicas: []string{"r"}, Weights: []int{1},
					Reads: rwsplit.ReadsShadow, Consistency: rwsplit.Eventual, StickyFor: time.Hour,
					Position: rwsplit.PositionNone, Tracking: rwsplit.TrackingDatabase, Balance: rwsplit.Random,
					Fallback: rwsplit.FallbackError, Roles: rwsplit.RolesStatic, ProbeInterval: 24 * time.Second,
					ProbeTimeout: 500 * time.Millisecond, ReadOnlyReplicas: rwsplit.ToggleOff,
					OnRefused: rwsplit.RefusedError, Pins: rwsplit.PinsConn, Cluster: "my shop",
					ReadFunctions: []string{"f"}, Catalog: rwsplit.ToggleOff, Hints: rwsplit.ToggleOn,
					LazyBegin: rwsplit.ToggleOn,
				}
			},
			format: "driver=mysql dialect=mariadb primary=p replica=r weights=1 reads=shadow consistency=eventual sticky_for=1h " +
				"position=none balance=random fallback=error probe_interval=24s probe_timeout=500ms read_only_replicas=false " +
				"on_refused=error pins=conn cluster='my shop' read_functions=f catalog=off hints=on lazy_begin=true",
		},
		{
			name: "defaults written out",
			dsn: `driver=pgx primary=p reads=replica consistency=process sticky_for=5000ms position=native balance=least_busy
				fallback=primary probe_interval=1s probe_timeout=1s read_only_replicas=true on_refused=primary pins=scope
				cluster='' catalog=on hints=off lazy_begin=false`,
			format: "driver=pgx primary=p",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := rwsplit.ParseDSN(test.dsn)
			if err != nil {
				t.Fatal(err)
			}
			if want := defaults(test.change); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %#v\nwant %#v", got.FormatDSN(), want.FormatDSN())
			}
			if got, want := got.FormatDSN(), test.format; got != want {
				t.Errorf("FormatDSN:\ngot  %s\nwant %s", got, want)
			}
			again, err := rwsplit.ParseDSN(test.format)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(again, got) {
				t.Error("what FormatDSN wrote parses to another Config")
			}
		})
	}
}

func TestParseDSNErrors(t *testing.T) {
	const base = "driver=pgx primary=postgres://app:hunter2@db-1/shop "
	tests := []struct{ dsn, want string }{
		{"", "the DSN is empty: it needs at least driver= and primary="},
		{" \n\t", "the DSN is empty: it needs at least driver= and primary="},
		{"driver=pgx", "primary is required: the base driver's DSN of the primary"},
		{"primary=hunter2", "driver is required: the name of the base driver, such as pgx or mysql"},

		// A base DSN where a DSN of rwsplit belongs.
		{
			"postgres://app:hunter2@db-1/shop",
			`text without "=" at line 1, column 1: the DSN is made of settings such as driver=pgx primary='...' replica='...'`,
		},
		{
			"postgres://app:hunter2@db-1/shop?sslmode=disable",
			"unknown key at line 1, column 1: the DSN is made of settings such as driver=pgx primary='...' replica='...'",
		},
		{"app:hunter2@tcp(db-1)/shop?parseTime=true", "unknown key at line 1, column 1: the DSN is made of"},
		{"host=db-1 password=hunter2", `unknown key "host" at line 1, column 1: the DSN is made of`},
		{"driver=postgres://app:hunter2@h/db primary=p", "driver: must be the name of a database/sql driver, such as pgx or mysql"},

		// Keys.
		{base + "\n  replicsa=x", `unknown key "replicsa" at line 2, column 3: did you mean replica?`},
		{base + "maxlag=1s", "unknown key at line 1, column 53: did you mean max_lag?"},
		{base + "\nMAX_LAG=1s", `unknown key "MAX_LAG" at line 2, column 1: did you mean max_lag?`},
		{base + "\nmaster=hunter2", `unknown key "master" at line 2, column 1: did you mean primary?`},
		{base + "\nwait=0 zzz=hunter2", `unknown key "zzz" at line 2, column 8, after wait`},
		{base + "=hunter2", "unknown key at line 1, column 53, after primary"},
		{base + "driver=mysql", "driver is given twice, again at line 1, column 53"},
		{base + "primary=hunter2", "primary is given twice, again at line 1, column 53"},

		// Values torn by blanks and quotes.
		{
			"driver=pgx primary=postgres://app:hun ter2@h/db replica=x",
			`text without "=" at line 1, column 39, after primary: a value with white space in it goes in single quotes`,
		},
		{
			"driver=pgx primary=postgres://app:hun ter2=hunter2@h/db",
			"unknown key at line 1, column 39, after primary: a value with white space in it goes in single quotes",
		},
		{
			"driver=pgx primary=host=h user=app password=hunter2",
			"unknown key at line 1, column 27, after primary: a value with white space in it goes in single quotes",
		},
		{
			"driver=pgx primary='postgres://app:hun'ter2@h/db'",
			`text follows the closing quote of primary at line 1, column 40: a quote inside a value is written \'`,
		},
		{`driver=mysql primary="app:hunter2@tcp(h)/db" replica=r`, "primary begins with a double quote at line 1, column 22: a value is quoted in single quotes"},
		{"driver=pgx primary='hunter2", "primary: the single quote opened at line 1, column 20 is not closed"},
		{`driver=pgx primary='hunter2\'`, "primary: the single quote opened at line 1, column 20 is not closed"},
		{`driver=pgx primary='hunter2\`, `primary ends in a single backslash at line 1, column 28: a backslash inside a value is written \\`},
		{`driver=pgx primary=hunter2\`, `primary ends in a single backslash at line 1, column 27: a backslash inside a value is written \\`},
		{base + "\nreplica=\nweights=1", "replica has no value before weights at line 3, column 1: an empty value is written ''"},
		{base + "wait", `text without "=" at line 1, column 53, after primary: a value with white space in it goes in single quotes`},
		{base + "cluster='x' hunter2", `text without "=" at line 1, column 65, after cluster`},
		{"driver=pgx primary=", "primary is empty at line 1, column 12"},
		{"driver=pgx primary=''", "primary is empty at line 1, column 12"},
		{base + "replica=''", "replica is empty at line 1, column 53"},
		{base + "consistency=''", "consistency is empty at line 1, column 53"},

		// Bounds.
		{base + "consistency=strong", `consistency="strong": must be one of process, eventual, session, global`},
		{base + "dialect=oracle", `dialect="oracle": must be one of postgres, mysql, mariadb, sqlite, generic`},
		{base + "reads=all", `reads="all": must be one of replica, primary, shadow`},
		{base + "sticky_for=5", `sticky_for="5": must be a duration from 1ms to 24h, with its unit: 250ms, 5s`},
		{base + "sticky_for=0s", `sticky_for="0s": must be a duration from 1ms to 24h`},
		{base + "sticky_for=25h", `sticky_for="25h": must be a duration from 1ms to 24h`},
		{base + "wait=-1s", `wait="-1s": must be a duration from 0s to 10m`},
		{base + "probe_timeout=1ns", `probe_timeout="1ns": must be a duration from 10ms to 1m`},
		{base + "probe_interval=11m", `probe_interval="11m": must be a duration from 10ms to 10m`},
		{base + "max_lag=9999999h", `max_lag="9999999h": must be a duration from 0s to 24h, with its unit: 250ms, 5s`},
		{base + "fallback_max=-1", `fallback_max="-1": must be a whole number from 0 to 1000000`},
		{base + "fallback_max=many", `fallback_max="many": must be a whole number from 0 to 1000000`},
		{base + "catalog=maybe", `catalog="maybe": must be on or off`},
		{base + "lazy_begin=1", `lazy_begin="1": must be true or false`},
		{base + "weights=0 replica=r", `weights="0": must be whole numbers from 1 to 1000, one for each replica`},
		{base + "weights=1,x replica=r", `weights="1,x": must be whole numbers from 1 to 1000, one for each replica`},
		{base + "weights=1,,2 replica=r", `weights="1,,2": must be whole numbers from 1 to 1000, one for each replica`},
		{base + "weights=99999999999999999999 replica=r", `weights="99999999999999999999": must be whole numbers`},
		{base + "replica_hosts=db-2", "replica_hosts: entry 1 must be host:port, with an IPv6 address in brackets"},
		{base + "replica_hosts=db-2:1,::1:5432", "replica_hosts: entry 2 must be host:port, with an IPv6 address in brackets"},
		{base + "replica_hosts=db-2:1,", "replica_hosts: entry 2 must be host:port, with an IPv6 address in brackets"},
		{base + "replica_hosts=db-2:65536", "replica_hosts: entry 1 must end in a port from 1 to 65535"},
		{base + "replica_hosts=app:hunter2", "replica_hosts: entry 1 must end in a port from 1 to 65535"},
		{base + "replica_hosts=app:hunter2@db-2:5432", "replica_hosts: entry 1 must be host:port"},
		{base + "read_functions=f(),g", "read_functions: entry 1 must be the name of a function, with its schema if that matters: app.price_of"},
		{base + "read_functions=f,,g", "read_functions: entry 2 must be the name of a function"},
		{base + "cluster='a\nb'", "cluster: must be a name of at most 64 bytes without control characters"},
		{base + "cluster=" + strings.Repeat("x", 65), `cluster="` + strings.Repeat("x", 40) + `"...: must be a name of at most 64 bytes`},
		{base + "reads=hunter2@db-1", "reads: must be one of replica, primary, shadow"},

		// Contradictions.
		{base + "weights=1,2,3 replica=r", "weights has 3 numbers for 1 replicas: must be one for each"},
		{base + "weights=1", "weights has 1 numbers for 0 replicas: must be one for each"},
		{base + "wait=1s consistency=eventual", "wait=1s contradicts consistency=eventual: no read has anything to wait for"},
		{base + "wait=1s position=none", "wait=1s contradicts position=none: no replica can be seen to catch up"},
		{base + "consistency=global position=none", "consistency=global contradicts position=none: no replica can be seen to catch up"},
		{base + "fallback=error fallback_max=2", "fallback_max=2 contradicts fallback=error: no read falls back to the primary"},
		{base + strings.Repeat("replica=hunter2 ", 64), "64 replicas: must be at most 63"},
	}
	for _, test := range tests {
		_, err := rwsplit.ParseDSN(test.dsn)
		if err == nil {
			t.Errorf("%q: no error, want %q", test.dsn, test.want)
			continue
		}
		if got, want := err.Error(), "rwsplit: "+test.want; !strings.HasPrefix(got, want) {
			t.Errorf("%q:\ngot  %s\nwant %s", test.dsn, got, want)
		}
		for _, secret := range []string{"hunter2", "ter2", "postgres://"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q: the error shows %q: %s", test.dsn, secret, err)
			}
		}
	}
}

// The README's table has every key, with its default and its values as the code
// has them.
func TestREADMEListsTheKeys(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]bool)
	quoted := regexp.MustCompile("`([^`]*)`")
	for line := range strings.Lines(string(readme)) {
		cells := strings.Split(strings.ReplaceAll(line, `\|`, ""), "|")
		if len(cells) != 5 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		key := strings.Trim(cells[1], " `")
		_, err := rwsplit.ParseDSN(key + "=?")
		if err == nil || strings.Contains(err.Error(), "unknown key") {
			continue // of another table
		}
		documented[key] = true
		base := "driver=pgx primary=p "
		if def := quoted.FindStringSubmatch(cells[2]); def != nil {
			c, err := rwsplit.ParseDSN(base + key + "=" + def[1])
			if err != nil {
				t.Errorf("the default of %s: %v", key, err)
			} else if got := c.FormatDSN(); got != strings.TrimSpace(base) {
				t.Errorf("%s=%s is not the default: got %s", key, def[1], got)
			}
		}
		// An error of a key with few values lists them.
		_, values, few := strings.Cut(err.Error(), "must be one of ")
		for v := range strings.SplitSeq(values, ", ") {
			if few && !strings.Contains(cells[2]+cells[3], "`"+v+"`") {
				t.Errorf("%s=%s is not in its row", key, v)
			}
		}
	}
	full := rwsplit.Config{
		Driver: "d", Dialect: "generic", Primary: "p", Replicas: []string{"r"}, ReplicaHosts: []string{"h:1"}, Weights: []int{1, 2},
		Reads: rwsplit.ReadsShadow, Consistency: rwsplit.Global, Wait: 1, StickyFor: 1, Position: rwsplit.PositionHeartbeat,
		Tracking: rwsplit.TrackingTable, MaxLag: 1, Balance: rwsplit.Random, Fallback: rwsplit.FallbackError, FallbackMax: 1,
		Roles: rwsplit.RolesAuto, ProbeInterval: 1, ProbeTimeout: 1, ReadOnlyReplicas: rwsplit.ToggleOff,
		OnRefused: rwsplit.RefusedError, Pins: rwsplit.PinsConn, Cluster: "c", ReadFunctions: []string{"f"},
		Catalog: rwsplit.ToggleOff, Hints: rwsplit.ToggleOn, LazyBegin: rwsplit.ToggleOn,
	}
	for setting := range strings.FieldsSeq(full.FormatDSN()) {
		key, _, _ := strings.Cut(setting, "=")
		if !documented[key] {
			t.Errorf("%s is not in the table", key)
		}
		delete(documented, key)
	}
	if len(documented) > 0 {
		t.Errorf("not set here: %v", documented)
	}
}

func FuzzParseDSN(f *testing.F) {
	for _, seed := range []string{
		"driver=pgx primary=p",
		"driver=mysql primary='app:\\'\\\\ x@tcp(h)/db' replica=r replica=s weights=1,2 sticky_for=90s",
		"driver = sqlite\nprimary = file:x replica_hosts=[::1]:1 read_functions=a.b,c cluster='é'",
		"driver=pgx primary=SECRET consistency=eventual catalog=off lazy_begin=on hints=true",
		"driver=pgx primary=postgres://app:xSECRET x=SECRET@h/db",
		"driver=pgx primary='a'SECRET'",
		"driver=pgx primary=a SECRET",
		"driver=pgx primary=a replica=\nmax_lag=1",
		"SECRET",
		"driver=pgx primary=p probe_timeout=0.5s fallback_max=0",
		`driver=pgx primary='"p"' cluster="c`,
		`driver=pgx primary=\"p\" cluster=c"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		c, err := rwsplit.ParseDSN(dsn)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "rwsplit: ") {
				t.Errorf("an error without prefix: %s", err)
			}
			return
		}
		text := c.FormatDSN()
		again, err := rwsplit.ParseDSN(text)
		if err != nil {
			t.Fatalf("%q was written as %q, which fails: %s", dsn, text, err)
		}
		if !reflect.DeepEqual(again, c) {
			t.Errorf("%q was written as %q, which parses to another Config", dsn, text)
		}
		if got := again.FormatDSN(); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	})
}

// FuzzDSNSecret puts a password with hostile bytes around it where a password
// can be, unquoted, and asks that no part of it shows in the error.
func FuzzDSNSecret(f *testing.F) {
	const secret = "hunter2Sesame"
	for _, noise := range []string{"", " ", "'", "\\", "=", " x=", "' x='", " replica=", " wait=", "' ", "\t", "@", "/", " sticky_for=", " weight=", "\n", "\n x=", "\r"} {
		f.Add(noise, noise, uint8(0))
		f.Add("", noise, uint8(1))
		f.Add(noise, "", uint8(2))
	}
	forms := []string{
		"driver=pgx primary=postgres://app:%s@db-1/shop wait=0s",
		"driver=pgx primary='host=db-1 password=%s user=app' replica=x",
		"driver=mysql primary=app:x@tcp(h)/db replica=app:%s@tcp(h:1)/db?a=b\nsticky_for=1s",
		"postgres://app:%s@db-1/shop?sslmode=disable",
		"app:%s@tcp(db-1)/shop",
	}
	f.Fuzz(func(t *testing.T, before, after string, form uint8) {
		before = withoutSettings(before)
		dsn := fmt.Sprintf(forms[int(form)%len(forms)], before+secret+after)
		c, err := rwsplit.ParseDSN(dsn)
		if err == nil {
			if got := fmt.Sprintf("%s %v %+v %#v %d", c, c, *c, c, c); strings.Contains(got, secret) {
				t.Errorf("%q: the printed Config shows the secret: %s", dsn, got)
			}
			return
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the error shows the secret: %s", dsn, err)
		}
	})
}

// withoutSettings changes text so that what follows it is no setting of its own,
// and so no secret to anyone: after the name of a key, or on a line of its own.
func withoutSettings(text string) string {
	text = strings.ReplaceAll(text, "\n", " ")
	keys := strings.FieldsFunc(text, func(r rune) bool { return r == '=' || strings.ContainsRune(" \t\v\f\r", r) })
	for _, k := range keys {
		if _, err := rwsplit.ParseDSN(k + "=?"); err == nil || !strings.Contains(err.Error(), "unknown key") {
			return strings.ReplaceAll(text, "=", "-")
		}
	}
	return text
}

func TestConfigPrintsNoSecret(t *testing.T) {
	c, err := rwsplit.ParseDSN("driver=pgx primary=postgres://app:hunter2@h/db replica=hunter2 replica_hosts=db-2:5432 sticky_for=2s")
	if err != nil {
		t.Fatal(err)
	}
	const want = "driver=pgx primary=*** replica=*** replica_hosts=db-2:5432 sticky_for=2s"
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c, "copy", *c)
	if got := strings.Count(log.String(), want); got != 2 {
		t.Errorf("the log shows the Config %d times, want 2: %s", got, log.String())
	}
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%d", "%x"} {
		for _, value := range []any{c, *c} {
			if got := fmt.Sprintf(verb, value); got != want {
				t.Errorf("%s of %T:\ngot  %s\nwant %s", verb, value, got, want)
			}
		}
	}
	if got, want := (*rwsplit.Config)(nil).String(), "<nil>"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	misplaced := &rwsplit.Config{Driver: "app:hunter2@h", ReplicaHosts: []string{"app:hunter2@h"}, Cluster: "a\x00hunter2"}
	if got := misplaced.String(); strings.Contains(got, "hunter2") {
		t.Errorf("an invalid Config shows a secret: %s", got)
	}
}
