package rwsplit

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestWordBlocksKnowTheBytesOfWords(t *testing.T) {
	for c := range 256 {
		for at := range 8 {
			text := strings.Repeat("x", at) + string([]byte{byte(c)}) + "yyyyyyyy"
			want := at
			if wordBytes[c] != 0 {
				want = 8
			}
			require.Equal(t, want, wordBytesIn(block(text, 0)), "%q at %d", c, at)
		}
	}
}

func TestWordBlocksEndWithTheText(t *testing.T) {
	text := "abcdefghijklmnop"
	for size := range len(text) + 1 {
		s := text[:size]
		for i := range size + 1 {
			want := uint64(0)
			for k := min(i+8, size) - 1; k >= i; k-- {
				want = want<<8 | uint64(s[k])
			}
			require.Equal(t, want, block(s, i), "%q from %d", s, i)
		}
	}
}

// The lexer and hashWord agree, whatever stands behind a word.
func TestWordsHashAlikeWhereverTheyStand(t *testing.T) {
	for size := 1; size <= 40; size++ {
		word := strings.Repeat("aBcDé_9$", 8)[:size]
		if !utf8.ValidString(word) {
			continue
		}
		for _, behind := range []string{"", " ", "(", ".x", " from a_long_name"} {
			var l lexer
			l.src, l.rules = word+behind, &ruleSets[langPostgres]().lex
			l.next()
			require.Equal(t, word, l.text())
			require.Equal(t, hashWord(word), l.hash, "%q", l.src)
			require.Equal(t, hashWord(strings.ReplaceAll(word, "a", "A")), l.hash)
		}
	}
	require.NotEqual(t, hashWord("current_user"), hashWord("current_date"))
}
