package rwsplit_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rwsplit/rwsplit"
)

const (
	uuidA = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
	uuidB = "4350f323-7565-4e59-8763-4b1b83a0ce0e"
)

func postgresAt(t testing.TB, text string) rwsplit.Position {
	t.Helper()
	return parsePosition(t, rwsplit.PostgresPositions, text)
}

func mysqlAt(t testing.TB, text string) rwsplit.Position {
	t.Helper()
	return parsePosition(t, rwsplit.MySQLPositions, text)
}

func mariadbAt(t testing.TB, text string) rwsplit.Position {
	t.Helper()
	return parsePosition(t, rwsplit.MariaDBPositions, text)
}

func parsePosition(t testing.TB, p rwsplit.Positioner, text string) rwsplit.Position {
	t.Helper()
	pos, err := p.ParsePosition(text)
	if err != nil {
		t.Fatalf("ParsePosition(%q): %v", text, err)
	}
	return pos
}

func TestPositionsOfDifferentHistoriesAreNeverReached(t *testing.T) {
	positions := map[string]rwsplit.Position{
		"none":                 {},
		"linear":               rwsplit.LinearPosition("a", 9),
		"linear, another":      rwsplit.LinearPosition("b", 9),
		"postgres":             postgresAt(t, "7123/1:0/9"),
		"postgres, timeline 2": postgresAt(t, "7123/2:0/9"),
		"postgres, another":    postgresAt(t, "7124/1:0/9"),
		"mysql":                mysqlAt(t, uuidA+":1-9"),
		"mysql, another":       mysqlAt(t, uuidB+":1-9"),
		"mariadb":              mariadbAt(t, "0-1-9"),
		"mariadb, domain 1":    mariadbAt(t, "1-1-9"),
		"mariadb, server 2":    mariadbAt(t, "0-2-9"),
	}
	for nameA, a := range positions {
		for nameB, b := range positions {
			got, want := a.Reached(b), nameA == nameB && nameA != "none"
			if got != want {
				t.Errorf("%s reached %s: got %v, want %v", nameA, nameB, got, want)
			}
		}
	}
}

func TestPositionReached(t *testing.T) {
	tests := []struct {
		parse      rwsplit.Positioner
		have, want string
		reached    bool
	}{
		{rwsplit.PostgresPositions, "7/1:0/10", "7/1:0/10", true},
		{rwsplit.PostgresPositions, "7/1:0/11", "7/1:0/10", true},
		{rwsplit.PostgresPositions, "7/1:0/F", "7/1:0/10", false},
		{rwsplit.PostgresPositions, "7/1:1/0", "7/1:0/FFFFFFFF", true},
		{rwsplit.PostgresPositions, "7/1:FFFFFFFF/FFFFFFFF", "7/1:FFFFFFFF/FFFFFFFE", true},
		// The new timeline may have left out what stood there on the old one.
		{rwsplit.PostgresPositions, "7/2:0/11", "7/1:0/10", false},

		{rwsplit.MySQLPositions, "", "", true},
		{rwsplit.MySQLPositions, uuidA + ":1", "", true},
		{rwsplit.MySQLPositions, "", uuidA + ":1", false},
		{rwsplit.MySQLPositions, uuidA + ":1-5", uuidA + ":2-4", true},
		{rwsplit.MySQLPositions, uuidA + ":1-5:7", uuidA + ":1-7", false}, // a gap
		{rwsplit.MySQLPositions, uuidA + ":1-5:7", uuidA + ":6", false},
		{rwsplit.MySQLPositions, uuidA + ":1-5:7", uuidA + ":4:7", true},
		{rwsplit.MySQLPositions, uuidA + ":1-5," + uuidB + ":1-3", uuidB + ":3", true},
		{rwsplit.MySQLPositions, uuidA + ":1-5:aa:1-3", uuidA + ":aa:2", true},
		{rwsplit.MySQLPositions, uuidA + ":1-5:aa:1-3", uuidA + ":bb:2", false},
		{rwsplit.MySQLPositions, uuidA + ":aa:1-5", uuidA + ":1-5", false},
		{rwsplit.MySQLPositions, uuidA + ":1-5", uuidA + ":aa:1-5", false},

		{rwsplit.MariaDBPositions, "", "", true},
		{rwsplit.MariaDBPositions, "0-1-5", "", true},
		{rwsplit.MariaDBPositions, "", "0-1-5", false},
		{rwsplit.MariaDBPositions, "0-1-5", "0-1-5", true},
		{rwsplit.MariaDBPositions, "0-1-5", "0-1-6", false},
		{rwsplit.MariaDBPositions, "0-2-6", "0-1-5", false}, // another primary since, or a parted history
		{rwsplit.MariaDBPositions, "0-2-5", "0-1-5", false},
		{rwsplit.MariaDBPositions, "0-1-9,1-1-2", "1-1-3", false},
		{rwsplit.MariaDBPositions, "0-1-9,1-1-2", "0-1-9,1-1-2", true},
		{rwsplit.MariaDBPositions, "0-1-9", "0-1-9,1-1-2", false},
		{rwsplit.MariaDBPositions, "0-1-9,2-1-2", "1-1-1", false},
	}
	for _, tt := range tests {
		have, want := parsePosition(t, tt.parse, tt.have), parsePosition(t, tt.parse, tt.want)
		if got := have.Reached(want); got != tt.reached {
			t.Errorf("%q reached %q: got %v, want %v", tt.have, tt.want, got, tt.reached)
		}
	}
}

func TestPositionText(t *testing.T) {
	tests := []struct {
		parse    rwsplit.Positioner
		in, want string
	}{
		{rwsplit.PostgresPositions, "7123/12:1a/ff", "7123/12:1A/FF"},
		{rwsplit.MySQLPositions, " \n", ""},
		{rwsplit.MySQLPositions, strings.ToUpper(uuidA) + ":1-5:7", uuidA + ":1-5:7"},
		{rwsplit.MySQLPositions, uuidB + ":3,\n" + uuidA + ":1 - 5 : 6", uuidA + ":1-6," + uuidB + ":3"},
		{rwsplit.MySQLPositions, uuidA + ":5-7:1-3:2-5", uuidA + ":1-7"},
		{rwsplit.MySQLPositions, uuidA + ":1-3:Tag_1:1-5:7", uuidA + ":1-3:tag_1:1-5:7"},
		{rwsplit.MySQLPositions, uuidA + ":b:1," + uuidA + ":a:1:2," + uuidA + ":9", uuidA + ":9:a:1-2:b:1"},
		{rwsplit.MariaDBPositions, "1-2-3, 0-1-5", "0-1-5,1-2-3"},
		{rwsplit.MariaDBPositions, "4294967295-4294967295-18446744073709551615", "4294967295-4294967295-18446744073709551615"},
	}
	for _, tt := range tests {
		if got := parsePosition(t, tt.parse, tt.in).String(); got != tt.want {
			t.Errorf("ParsePosition(%q).String(): got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestMalformedPositionsAreRefused(t *testing.T) {
	tests := map[rwsplit.Positioner][]string{
		rwsplit.PostgresPositions: {
			"", "0/3000000", "7/1", "7/1:", "7/1:0", "7/1:0/", "7/1:/0", "7/1:0/123456789", "7/1:0/+1", "7/1:0/G",
			"0/1:0/1", "7/0:0/1", "x/1:0/1", "/1:0/1", "7/-1:0/1", "7/4294967296:0/1", "18446744073709551616/1:0/1",
		},
		rwsplit.MySQLPositions: {
			"x", uuidA, uuidA + ":", uuidA + ":1-", uuidA + ":-1", uuidA + ":0", uuidA + ":5-4", uuidA + ":1-5,",
			"," + uuidA + ":1", uuidA + ":1::2", uuidA + ":tag", uuidA + ":1:tag", uuidA + ":a:b:1", uuidA + ":1-2-3",
			uuidA + ":9223372036854775807", uuidA + ":99999999999999999999", uuidA + ":1tag:1", uuidA + ":ta-g:1",
			uuidA + ":" + strings.Repeat("a", 33) + ":1", strings.ReplaceAll(uuidA, "-", "") + ":1", uuidA[:35] + ":1",
			"ge11fa47-71ca-11e1-9e33-c80aa9429562:1", uuidA + ":+1",
		},
		rwsplit.MariaDBPositions: {
			"0", "0-1", "0-1-", "0--1", "-1-2", "0-1-2-3", "0-1-2,", ",0-1-2", "0-1-2,0-2-3", "a-1-2", "0-+1-2",
			"4294967296-1-1", "0-4294967296-1", "0-1-18446744073709551616",
		},
	}
	for parse, texts := range tests {
		for _, text := range texts {
			got, err := parse.ParsePosition(text)
			if !errors.Is(err, rwsplit.ErrMalformedPosition) || !got.IsZero() {
				t.Errorf("%T.ParsePosition(%q): got %v, %v, want %v", parse, text, got, err, rwsplit.ErrMalformedPosition)
			}
		}
	}
}

func TestPositionMerge(t *testing.T) {
	tests := []struct {
		parse      rwsplit.Positioner
		a, b, want string // want "no": nothing covers both
	}{
		{rwsplit.PostgresPositions, "7/1:0/10", "7/1:0/F", "7/1:0/10"},
		{rwsplit.PostgresPositions, "7/1:0/10", "7/2:0/F", "7/2:0/F"},
		{rwsplit.PostgresPositions, "7/1:0/10", "8/1:0/F", "no"},
		{rwsplit.MySQLPositions, uuidA + ":1-3", uuidA + ":4:9", uuidA + ":1-4:9"},
		{rwsplit.MySQLPositions, uuidB + ":1-3", uuidA + ":t:4", uuidA + ":t:4," + uuidB + ":1-3"},
		{rwsplit.MariaDBPositions, "0-1-5", "1-1-6", "0-1-5,1-1-6"},
		{rwsplit.MariaDBPositions, "0-1-5,1-1-6,3-1-1", "0-2-4,2-1-1,3-1-2", "0-1-5,1-1-6,2-1-1,3-1-2"},
		{rwsplit.MariaDBPositions, "0-1-5,1-1-6", "0-2-5", "no"},
	}
	for _, tt := range tests {
		a, b := parsePosition(t, tt.parse, tt.a), parsePosition(t, tt.parse, tt.b)
		for _, order := range [][2]rwsplit.Position{{a, b}, {b, a}} {
			merged, ok := order[0].Merge(order[1])
			got := merged.String()
			if !ok {
				got = "no"
			}
			if got != tt.want {
				t.Errorf("%v and %v: got %q, want %q", order[0], order[1], got, tt.want)
			}
			if again, ok := merged.Merge(order[0]); got != "no" && (!ok || !again.Equal(merged)) {
				t.Errorf("merging %v and %v again: got %v, %v", merged, order[0], again, ok)
			}
		}
		if got := a.String(); got != tt.a {
			t.Errorf("Merge changed its operand: got %q, want %q", got, tt.a)
		}
	}
	a := rwsplit.LinearPosition("h", 1)
	if got, ok := a.Merge(rwsplit.Position{}); !ok || !got.Equal(a) {
		t.Errorf("merging with none: got %v, %v, want %v", got, ok, a)
	}
	if got, ok := (rwsplit.Position{}).Merge(a); !ok || !got.Equal(a) {
		t.Errorf("merging none: got %v, %v, want %v", got, ok, a)
	}
	if got, ok := a.Merge(mariadbAt(t, "0-1-1")); ok {
		t.Errorf("merging two engines: got %v, want none", got)
	}
}

func TestPositionHistory(t *testing.T) {
	tests := map[string]rwsplit.Position{
		"7/3": postgresAt(t, "7/3:0/10"),
		"own": rwsplit.LinearPosition("own", 2),
		"":    mysqlAt(t, uuidA+":1"),
	}
	for want, p := range tests {
		if got := p.History(); got != want {
			t.Errorf("History of %v: got %q, want %q", p, got, want)
		}
	}
}

func TestReachedAllocatesNothing(t *testing.T) {
	pairs := [][2]rwsplit.Position{
		{postgresAt(t, "7/1:0/10"), postgresAt(t, "7/1:0/9")},
		{mysqlAt(t, uuidA+":1-5:7:t:1-9,"+uuidB+":1-3"), mysqlAt(t, uuidA+":2:7:t:3,"+uuidB+":3")},
		{mariadbAt(t, "0-1-5,1-1-6"), mariadbAt(t, "0-1-5,1-1-5")},
	}
	for _, p := range pairs {
		reached := false
		if got := testing.AllocsPerRun(100, func() { reached = p[0].Reached(p[1]) }); got != 0 || !reached {
			t.Errorf("%v reached %v: got %v allocations and %v, want 0 and true", p[0], p[1], got, reached)
		}
	}
}

func BenchmarkReached(b *testing.B) {
	pairs := map[string][2]rwsplit.Position{
		"postgres": {postgresAt(b, "7123456789012345678/1:0/10"), postgresAt(b, "7123456789012345678/1:0/9")},
		"mysql":    {mysqlAt(b, uuidA+":1-5:7,"+uuidB+":1-3"), mysqlAt(b, uuidA+":1-5,"+uuidB+":1-3")},
		"mariadb":  {mariadbAt(b, "0-1-5,1-1-6"), mariadbAt(b, "0-1-5,1-1-5")},
	}
	for name, p := range pairs {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !p[0].Reached(p[1]) {
					b.Fatal("not reached")
				}
			}
		})
	}
}
