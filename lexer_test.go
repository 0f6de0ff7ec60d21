package rwsplit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rwsplit/rwsplit"
)

func TestLexerReadsEveryByteAndNeverStandsStill(t *testing.T) {
	pieces := []string{
		"a", "_x", "ä", "1", "1.", ".5", "1.5e-3", "0x1F", "0b", "1a", "1e", ".", "..", "'a'", "'a''b'", `"a"`, "`a`", "[a]", "$1", "$$a$$", "$t$a$t$", "?", "?1", ":a", "::", ":=",
		"@a", "@@a", "@", "@'a'", "@`a`", "(", ")", "[", "]", ",", ";", "+", "-", "--\n", "--", "#", "#\n", "/", "*", "/**/", "/* a */", "/*! a */", "/*!50000 a */", "/*M! a */", "*/", "\\", "{", "}", " ", "\t", "\r", "\v", "\f",
		"e'a\\'b'", "U&'a'", `U&"a"`, "~", "!", "|", "&", "^", "%", "<", ">", "=",
	}
	for _, dialect := range []string{"postgres", "mysql", "mariadb", "sqlite", "generic"} {
		for _, a := range pieces {
			for _, b := range pieces {
				for _, query := range []string{a + b, a + " " + b, a + b + a} {
					tokens, covered := rwsplit.CountTokens(dialect, query)
					assert.LessOrEqual(t, tokens, len(query), "%s: %s", dialect, query)
					assert.Equal(t, len(query), covered, "%s: %s", dialect, query)
				}
			}
		}
	}
}

// Texts that make a careless lexer look at the same bytes again and again.
func TestLexerWorkGrowsWithTheText(t *testing.T) {
	hostile := []string{
		"'", "\"", "`", "$a$", "$a", "/*", "/*/", "*/", "--", "--\r", "\\'", "''", "E'", "U&'", "[", "(", ")", "/*!", "/*!50000 ", "'\\", "@", "@@", ".", "1e", "REPLACE ", "INTO ", "INSERT /**/", "@@a", "@@a.", "current_setting('", "SELECT ", "; ", "WITH a AS (", "'a\\'b'", "\"a\\\"b\"",
	}
	for _, dialect := range []string{"postgres", "mysql", "mariadb", "sqlite", "generic"} {
		for _, piece := range hostile {
			for _, prefix := range []string{"", "SELECT ", "SELECT 'a\\' ", "SET "} {
				query := prefix + strings.Repeat(piece, 20000)
				tokens, covered := rwsplit.CountTokens(dialect, query)
				assert.LessOrEqual(t, tokens, len(query))
				assert.Equal(t, len(query), covered)
				// Linear work takes milliseconds here, quadratic work minutes.
				start := time.Now()
				rwsplit.Classify(dialect, query)
				assert.Less(t, time.Since(start), 10*time.Second, "%s: %s", dialect, query[:40])
			}
		}
	}
}

// Comments, and statements inside of statements, in texts of megabytes.
func TestClassifyWorkGrowsWithTheText(t *testing.T) {
	const n = 1 << 18
	for _, query := range []string{
		strings.Repeat("/* ", n) + "*/ SELECT 1",
		strings.Repeat("/* ", n) + strings.Repeat("*/ ", n) + "SELECT 1",
		"SELECT 1 /*" + strings.Repeat("*", n) + "/",
		"SELECT 1 /* " + strings.Repeat("/ *", n) + "*/",
		strings.Repeat("--\r", n) + "SELECT 1",
		strings.Repeat("--\r", n) + "\nSELECT 1",
		strings.Repeat("EXPLAIN ", n) + "SELECT 1",
		strings.Repeat("EXPLAIN ANALYZE ", n) + "SELECT 1",
		strings.Repeat("EXPLAIN (VERBOSE) ", n) + "SELECT 1",
		strings.Repeat("SET STATEMENT a=1 FOR ", n) + "SELECT 1",
		strings.Repeat("COPY (", n) + "SELECT 1",
	} {
		for _, dialect := range []string{"postgres", "mysql", "mariadb", "sqlite", "generic"} {
			start := time.Now()
			rwsplit.Classify(dialect, query)
			assert.Less(t, time.Since(start), 5*time.Second, "%s: %s", dialect, query[:40])
		}
	}
}
