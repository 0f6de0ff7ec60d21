package rwsplit_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/internal/corpus"
)

// plainPieces are what texts are made of besides words.
var plainPieces = append(strings.Split("( ( ( ) ) ) , , . . = * - / + < :: : := ; [ ] { } ? ?1 $1 $a$ @a @@a :a # -- /*a*/ /*!a*/ /*M!a*/ /*+a*/ /*a/*b*/c*/ "+
	"'a' '' 'a''b' 'a\\' 'a\\' E'a' N'a' \"a\" \"pg_stat_a\" \"a\"\"b\" `a` `a``b` [a] \"abcd\" `abc` \"ABC\" 0 1 12 01 1.5 1. .5 1e5 1a 0x1F a1 pg_stat_activity PG_STATIO_a pg_stat_a é", " "),
	"-- a\n", "-- a", "-- a\r\n", "--a\n", "/- ", "-*", "/ *a*/", "\"a b\"", strings.Repeat("x", 63), strings.Repeat("x", 70), `"`+strings.Repeat("x", 64)+`"`)

var plainStarts = []string{"", "", "", " ", "\n", "/* a */ ", "-- a\n", "-- a", "--a\n", "/*!1 a */", "/**/", "(", ";", "x "}

// Whatever words and pieces stand beside each other.
func TestPlainReadsAreThoseOfTheScanner(t *testing.T) {
	for _, dialect := range dialects {
		words := rwsplit.Words(dialect)
		rnd := rand.New(rand.NewPCG(1, 2))
		short := 0
		const texts = 20_000
		for range texts {
			var b strings.Builder
			b.WriteString(plainStarts[rnd.IntN(len(plainStarts))])
			b.WriteString("SELECT")
			for range 1 + rnd.IntN(9) {
				if rnd.IntN(8) > 0 {
					b.WriteByte(' ')
				}
				switch rnd.IntN(5) {
				case 0:
					b.WriteString(words[rnd.IntN(len(words))])
				case 1:
					b.WriteString("abcdefghij"[:1+rnd.IntN(10)])
				default:
					b.WriteString(plainPieces[rnd.IntN(len(plainPieces))])
				}
			}
			if checkPlainRead(t, dialect, b.String()) {
				short++
			}
		}
		t.Logf("%s: %d of %d texts", dialect, short, texts)
		if dialect != "generic" { // which is read carefully, and so never that way
			require.Greater(t, short, texts/100)
		}
	}
}

func TestPlainReadsOfTheCorpus(t *testing.T) {
	for _, dialect := range []string{"postgres", "mysql", "mariadb", "sqlite"} {
		statements, err := corpus.Load(corpusRoot, dialect)
		require.NoError(t, err)
		reads, short := 0, 0
		for _, s := range statements {
			if s.Route == "replica" {
				reads++
			}
			if checkPlainRead(t, dialect, s.SQL) {
				short++
			}
			for i := 0; i < len(s.SQL); i += 5 {
				checkPlainRead(t, dialect, s.SQL[:i])
				checkPlainRead(t, dialect, "SELECT "+s.SQL[i:])
			}
		}
		t.Logf("%s: %d of %d reads", dialect, short, reads)
		require.Greater(t, short, reads/5)
	}
}

// Relations that a replica can't serve don't make other reads any slower.
func TestPlainReadsBesideRelationsOfThePrimary(t *testing.T) {
	relations := []string{"cache", "app.order_number_seq", `"Big"`}
	for query, want := range map[string]bool{
		"SELECT id FROM users WHERE id = $1":         true,
		`SELECT "id" FROM "users" WHERE "id" = $1`:   true,
		"SELECT 'cache' FROM users":                  true,
		"SELECT * FROM cache":                        false,
		"SELECT * FROM Cache":                        false,
		`SELECT * FROM "cache"`:                      false,
		"SELECT last_value FROM order_number_seq":    false,
		`SELECT * FROM app."order_number_seq"`:       false,
		`SELECT * FROM "Big"`:                        false,
		"SELECT * FROM " + strings.Repeat("x", 63):   false,
		"SELECT id, last_value FROM order_number_sq": true,
	} {
		got, _, _ := rwsplit.PlainRead("postgres", query, relations...)
		require.Equal(t, want, got, query)
	}
}
