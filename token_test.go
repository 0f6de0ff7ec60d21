package rwsplit_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

var tokenTime = time.UnixMilli(1_790_000_000_123)

func sampleTokens(t testing.TB) map[string]rwsplit.TokenParts {
	return map[string]rwsplit.TokenParts{
		"postgres":        rwsplit.NewToken(tokenTime, 0, postgresAt(t, "7710851174235641344/3:1A/3048000")),
		"mysql":           rwsplit.NewToken(tokenTime, 0, mysqlAt(t, uuidA+":1-5:7:tag:1-3:9,"+uuidB+":1-9223372036854775806")),
		"mysql, empty":    rwsplit.NewToken(tokenTime, 0, mysqlAt(t, "")),
		"mariadb":         rwsplit.NewToken(tokenTime, 0, mariadbAt(t, "0-1-5,4294967295-2-18446744073709551615")),
		"linear":          rwsplit.NewToken(tokenTime, 0, rwsplit.LinearPosition("heartbeat", 42)),
		"time only":       rwsplit.NewToken(tokenTime, 5*time.Second),
		"nothing":         rwsplit.NewToken(tokenTime, 0),
		"two clusters":    rwsplit.NewToken(tokenTime, 0, postgresAt(t, "7/1:0/9"), postgresAt(t, "8/2:0/7")),
		"time and places": rwsplit.NewToken(tokenTime, time.Second, mariadbAt(t, "0-1-5"), mariadbAt(t, "0-2-5")),
	}
}

func wantSameToken(t *testing.T, got, want rwsplit.TokenParts) {
	t.Helper()
	if !got.Made().Equal(want.Made()) || got.Sticky() != want.Sticky() || len(got.Positions()) != len(want.Positions()) {
		t.Errorf("got %v, want %v", got, want)
		return
	}
	for i, p := range got.Positions() {
		if w := want.Positions()[i]; !p.Equal(w) || p.String() != w.String() {
			t.Errorf("position %d: got %v, want %v", i, p, w)
		}
	}
}

func TestTokenComesBackAsItWas(t *testing.T) {
	for name, want := range sampleTokens(t) {
		t.Run(name, func(t *testing.T) {
			text := rwsplit.EncodeToken(want, "shop", 5*time.Second)
			got, err := rwsplit.DecodeToken(text, "shop")
			if err != nil {
				t.Fatal(err)
			}
			wantSameToken(t, got, want)
			if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
				t.Errorf("%q is not fit for URLs and cookies", text)
			}
		})
	}
}

func TestNoChangeOfATokenGoesUnnoticed(t *testing.T) {
	for name, tok := range sampleTokens(t) {
		text := rwsplit.EncodeToken(tok, "shop", 0)
		for i := range text {
			for bit := range 8 {
				changed := []byte(text)
				changed[i] ^= 1 << bit
				if got, err := rwsplit.DecodeToken(string(changed), "shop"); err == nil {
					t.Errorf("%s: bit %d of byte %d flipped: got %v, want an error", name, bit, i, got)
				}
			}
			if got, err := rwsplit.DecodeToken(text[:i], "shop"); err == nil {
				t.Errorf("%s: cut off after %d bytes: got %v, want an error", name, i, got)
			}
			if got, err := rwsplit.DecodeToken(text[:i]+"\n"+text[i:], "shop"); err == nil {
				t.Errorf("%s: line end at %d: got %v, want an error", name, i, got)
			}
		}
	}
}

// forge makes a token of a body and the right checksum.
func forge(body []byte) string {
	body = binary.BigEndian.AppendUint32(body, crc32.ChecksumIEEE(body))
	return base64.RawURLEncoding.EncodeToString(body)
}

func TestTokensThatAreRefused(t *testing.T) {
	good := rwsplit.EncodeToken(rwsplit.NewToken(tokenTime, 0, mariadbAt(t, "0-1-5")), "shop", 0)
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	body := raw[:len(raw)-4]
	head := body[:9] // version and cluster
	with := func(rest ...byte) string { return forge(append(append([]byte(nil), head...), rest...)) }
	newer := append([]byte(nil), body...)
	newer[0] = 2
	tests := []struct {
		name, text, cluster string
		want                error
	}{
		{"empty", "", "shop", rwsplit.ErrTokenMalformed},
		{"no base64", "a token!", "shop", rwsplit.ErrTokenMalformed},
		{"padded", good + "=", "shop", rwsplit.ErrTokenMalformed},
		{"too long", strings.Repeat("A", rwsplit.MaxTokenText+1), "shop", rwsplit.ErrTokenLong},
		{"of a newer version", forge(newer), "shop", rwsplit.ErrTokenVersion},
		{"of another cluster", good, "billing", rwsplit.ErrTokenCluster},
		{"of a named cluster where none is named", good, "", rwsplit.ErrTokenCluster},
		{"truncated", base64.RawURLEncoding.EncodeToString(raw[:len(raw)-3]), "shop", rwsplit.ErrTokenDamaged},
		{"cut to its version", base64.RawURLEncoding.EncodeToString(raw[:1]), "shop", rwsplit.ErrTokenDamaged},
		{"forged: no time", with(), "shop", rwsplit.ErrTokenMalformed},
		{"forged: bytes left over", with(1, 0, 0, 9), "shop", rwsplit.ErrTokenMalformed},
		{"forged: positions missing", with(1, 0, 2), "shop", rwsplit.ErrTokenMalformed},
		{"forged: too many positions", with(1, 0, 200), "shop", rwsplit.ErrTokenMalformed},
		{"forged: unknown engine", with(1, 0, 1, 9), "shop", rwsplit.ErrTokenMalformed},
		{"forged: no engine", with(1, 0, 1, 0), "shop", rwsplit.ErrTokenMalformed},
		{"forged: linear without history", with(1, 0, 1, 1, 0, 7), "shop", rwsplit.ErrTokenMalformed},
		{"forged: history longer than the token", with(1, 0, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x7f), "shop", rwsplit.ErrTokenMalformed},
		{"forged: postgres without identity", with(1, 0, 1, 2, 0, 1, 1), "shop", rwsplit.ErrTokenMalformed},
		{"forged: postgres without timeline", with(1, 0, 1, 2, 7, 0, 1), "shop", rwsplit.ErrTokenMalformed},
		{"forged: more sources than bytes", with(1, 0, 1, 3, 0xff, 0xff, 0xff, 0xff, 0x7f), "shop", rwsplit.ErrTokenMalformed},
		{"forged: more domains than bytes", with(1, 0, 1, 4, 0xff, 0xff, 0xff, 0xff, 0x7f), "shop", rwsplit.ErrTokenMalformed},
		{"forged: domains out of order", with(1, 0, 1, 4, 2, 5, 1, 1, 5, 1, 2), "shop", rwsplit.ErrTokenMalformed},
		{"forged: a source without a range", with(append([]byte{1, 0, 1, 3, 1}, make([]byte, 18)...)...), "shop", rwsplit.ErrTokenMalformed},
		{"forged: transaction 0", with(append(append([]byte{1, 0, 1, 3, 1}, make([]byte, 17)...), 1, 0, 0)...), "shop", rwsplit.ErrTokenMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := rwsplit.DecodeToken(tt.text, tt.cluster); !errors.Is(err, tt.want) {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestTokenErrorsShowNothingOfTheToken(t *testing.T) {
	for _, text := range []string{"s3cret!", "c2VjcmV0LXRva2VuLXNlY3JldC10b2tlbg"} {
		if _, err := rwsplit.DecodeToken(text, "shop"); err == nil || strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "shop") {
			t.Errorf("DecodeToken(%q): got %v, want an error without the token and the cluster's name", text, err)
		}
	}
}

func TestLongGTIDSetsKeepTheTokenBounded(t *testing.T) {
	gaps := uuidA + ":1"
	for n := 3; n < 4000; n += 2 {
		gaps += fmt.Sprintf(":%d", n)
	}
	set := mysqlAt(t, gaps)
	text := rwsplit.EncodeToken(rwsplit.NewToken(tokenTime, 0, set), "", 5*time.Second)
	got, err := rwsplit.DecodeToken(text, "")
	if err != nil || len(got.Positions()) != 1 {
		t.Fatalf("got %v, %v, want one position", got, err)
	}
	if p := got.Positions()[0]; !p.Reached(set) || p.String() != uuidA+":1-3999" {
		t.Errorf("got %v, want the set without its gaps", p)
	}

	var sources []string
	for i := range 200 {
		sources = append(sources, fmt.Sprintf("%08x-0000-0000-0000-000000000000:1-9", i))
	}
	many := rwsplit.NewToken(tokenTime, 0, mysqlAt(t, strings.Join(sources, ",")))
	text = rwsplit.EncodeToken(many, "", 5*time.Second)
	got, err = rwsplit.DecodeToken(text, "")
	if err != nil || len(got.Positions()) != 0 || got.Sticky() != 5*time.Second {
		t.Errorf("got %v, %v, want 5s on the primary", got, err)
	}
}

func TestTokenMerge(t *testing.T) {
	lsn := func(s string) rwsplit.Position { return postgresAt(t, s) }
	later := tokenTime.Add(time.Second)
	tests := []struct {
		name       string
		a, b, want rwsplit.TokenParts
	}{
		{
			"one timeline: the later LSN",
			rwsplit.NewToken(tokenTime, 0, lsn("7/1:0/9")), rwsplit.NewToken(later, 0, lsn("7/1:0/5")),
			rwsplit.NewToken(later, 0, lsn("7/1:0/9")),
		},
		{
			"two timelines: the newer",
			rwsplit.NewToken(later, 0, lsn("7/1:0/9")), rwsplit.NewToken(tokenTime, 0, lsn("7/2:0/5")),
			rwsplit.NewToken(later, 0, lsn("7/2:0/5")),
		},
		{
			"two clusters: both",
			rwsplit.NewToken(later, 0, lsn("7/1:0/9")), rwsplit.NewToken(tokenTime, 0, lsn("8/2:0/5")),
			rwsplit.NewToken(later, 0, lsn("7/1:0/9"), lsn("8/2:0/5")),
		},
		{
			"two engines: both",
			rwsplit.NewToken(tokenTime, 0, mysqlAt(t, uuidA+":1")), rwsplit.NewToken(tokenTime, 0, mariadbAt(t, "0-1-1")),
			rwsplit.NewToken(tokenTime, 0, mysqlAt(t, uuidA+":1"), mariadbAt(t, "0-1-1")),
		},
		{
			"sets: the union",
			rwsplit.NewToken(tokenTime, 0, mysqlAt(t, uuidA+":1")), rwsplit.NewToken(tokenTime, 0, mysqlAt(t, uuidA+":3")),
			rwsplit.NewToken(tokenTime, 0, mysqlAt(t, uuidA+":1:3")),
		},
		{
			"times: the later end",
			rwsplit.NewToken(tokenTime, 5*time.Second), rwsplit.NewToken(later, 2*time.Second, lsn("7/1:0/9")),
			rwsplit.NewToken(later, 4*time.Second, lsn("7/1:0/9")),
		},
		{
			"nothing adds nothing",
			rwsplit.NewToken(tokenTime, 0), rwsplit.NewToken(tokenTime, 0, lsn("7/1:0/9")),
			rwsplit.NewToken(tokenTime, 0, lsn("7/1:0/9")),
		},
		{
			"too many histories: the newest, and time",
			rwsplit.NewToken(tokenTime, 0, lsn("1/1:0/9"), lsn("2/1:0/9"), lsn("3/1:0/9"), lsn("4/1:0/9")), rwsplit.NewToken(tokenTime, 0, lsn("5/1:0/9")),
			rwsplit.NewToken(tokenTime, 3*time.Second, lsn("2/1:0/9"), lsn("3/1:0/9"), lsn("4/1:0/9"), lsn("5/1:0/9")),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := fmt.Sprint(tt.a, tt.b)
			wantSameToken(t, tt.a.Merge(tt.b, 3*time.Second), tt.want)
			if after := fmt.Sprint(tt.a, tt.b); after != before {
				t.Errorf("Merge changed its operands: got %s, want %s", after, before)
			}
		})
	}
}

func TestATokenOlderThanAPromotionSettlesOnTheNewPrimary(t *testing.T) {
	tests := []struct {
		name                 string
		token, primary, want rwsplit.Position
	}{
		{"the same timeline stays", postgresAt(t, "7/2:0/9"), postgresAt(t, "7/2:0/10"), postgresAt(t, "7/2:0/9")},
		{"a future one stays", postgresAt(t, "7/2:0/11"), postgresAt(t, "7/2:0/10"), postgresAt(t, "7/2:0/11")},
		{"an older timeline", postgresAt(t, "7/1:0/11"), postgresAt(t, "7/2:0/10"), postgresAt(t, "7/2:0/10")},
		{"a newer timeline stays", postgresAt(t, "7/3:0/9"), postgresAt(t, "7/2:0/10"), postgresAt(t, "7/3:0/9")},
		{"another cluster stays", postgresAt(t, "8/1:0/9"), postgresAt(t, "7/2:0/10"), postgresAt(t, "8/1:0/9")},
		{"another engine stays", mysqlAt(t, uuidA+":1"), postgresAt(t, "7/2:0/10"), mysqlAt(t, uuidA+":1")},
		{"mariadb, another server since", mariadbAt(t, "0-1-5"), mariadbAt(t, "0-2-6,1-1-1"), mariadbAt(t, "0-2-6,1-1-1")},
		{"mariadb, another server's later number stays", mariadbAt(t, "0-1-7"), mariadbAt(t, "0-2-6"), mariadbAt(t, "0-1-7")},
		{"mariadb, a number given twice stays", mariadbAt(t, "0-1-6"), mariadbAt(t, "0-2-6"), mariadbAt(t, "0-1-6")},
		{"mariadb, an unknown domain stays", mariadbAt(t, "0-1-5,2-1-1"), mariadbAt(t, "0-2-6"), mariadbAt(t, "0-1-5,2-1-1")},
		{"mysql, an unknown server stays", mysqlAt(t, uuidB+":1"), mysqlAt(t, uuidA+":1-9"), mysqlAt(t, uuidB+":1")},
		{"the primary is not known", postgresAt(t, "7/2:0/9"), rwsplit.Position{}, postgresAt(t, "7/2:0/9")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tok := rwsplit.NewToken(tokenTime, time.Second, tt.token)
			wantSameToken(t, tok.Settle(tt.primary), rwsplit.NewToken(tokenTime, time.Second, tt.want))
			wantSameToken(t, tok, rwsplit.NewToken(tokenTime, time.Second, tt.token))
		})
	}
}

func TestWrongClocksKeepATokenBounded(t *testing.T) {
	now := tokenTime
	tests := []struct {
		name string
		made time.Time
		want time.Duration // from now
	}{
		{"in step", now, 6 * time.Second}, // 5s and 1s for the clocks
		{"a little behind", now.Add(-2 * time.Second), 4 * time.Second},
		{"years ahead", now.AddDate(5, 0, 0), 6 * time.Second},
		{"years behind", now.AddDate(-5, 0, 0), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			until := rwsplit.NewToken(tt.made, 5*time.Second).PrimaryUntil(now)
			var got time.Duration
			if !until.IsZero() {
				got = until.Sub(now)
			}
			if got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	forever := rwsplit.NewToken(now, 1000*time.Hour)
	got, err := rwsplit.DecodeToken(rwsplit.EncodeToken(forever, "", 0), "")
	if err != nil || got.Sticky() != rwsplit.MaxTokenSticky {
		t.Errorf("got %v, %v, want %v", got.Sticky(), err, rwsplit.MaxTokenSticky)
	}
}

func FuzzDecodeToken(f *testing.F) {
	for _, tok := range sampleTokens(f) {
		f.Add(rwsplit.EncodeToken(tok, "", 0), 3, byte(1))
	}
	f.Fuzz(func(t *testing.T, text string, at int, flip byte) {
		tok, err := rwsplit.DecodeToken(text, "")
		if err != nil {
			// The same bytes with the right frame reach the reader behind the checksum.
			good, _ := base64.RawURLEncoding.DecodeString(rwsplit.EncodeToken(rwsplit.TokenParts{}, "", 0))
			text = forge(append(good[:9:9], text...))
			if tok, err = rwsplit.DecodeToken(text, ""); err != nil {
				return
			}
		}
		again, err := rwsplit.DecodeToken(rwsplit.EncodeToken(tok, "", 0), "")
		if err != nil {
			t.Fatalf("%v does not come back: %v", tok, err)
		}
		wantSameToken(t, again, tok)
		if at >= 0 && at < len(text) && flip != 0 {
			changed := []byte(text)
			changed[at] ^= 1 << (flip % 8)
			if got, err := rwsplit.DecodeToken(string(changed), ""); err == nil {
				t.Fatalf("a flipped bit at %d went unnoticed: %v", at, got)
			}
		}
	})
}
