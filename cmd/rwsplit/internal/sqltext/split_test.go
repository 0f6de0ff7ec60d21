package sqltext_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/sqltext"
)

func split(t *testing.T, dialect, text string) (texts []string, lines []int) {
	t.Helper()
	r := sqltext.NewReader(strings.NewReader(text), dialect)
	for {
		g, err := r.Next()
		if errors.Is(err, io.EOF) {
			return texts, lines
		}
		require.NoError(t, err)
		texts, lines = append(texts, g.Text), append(lines, g.Line)
	}
}

func TestReaderCutsAtLinesThatEndWithASemicolon(t *testing.T) {
	for _, tt := range []struct {
		name, dialect, text string
		want                []string
		lines               []int
	}{
		{"nothing", "postgres", "", nil, nil},
		{"blank lines", "postgres", "\n \n\t\n", nil, nil},
		{"one", "postgres", "SELECT 1;", []string{"SELECT 1;"}, []int{1}},
		{"no semicolon at the end", "postgres", "SELECT 1;\nSELECT 2", []string{"SELECT 1;", "SELECT 2"}, []int{1, 2}},
		{"several lines", "postgres", "\nSELECT 1\nFROM t;\r\n\nSELECT 2;\n", []string{"SELECT 1\nFROM t;", "SELECT 2;"}, []int{2, 5}},
		{"several on a line are one text", "postgres", "SELECT 1; SELECT 2;\n", []string{"SELECT 1; SELECT 2;"}, []int{1}},
		{"comment after the semicolon", "postgres", "SELECT 1; -- one\nSELECT 2; /* two */\n", []string{"SELECT 1; -- one", "SELECT 2; /* two */"}, []int{1, 2}},
		{"semicolon in a string", "postgres", "SELECT 'a;\nb';\nSELECT 2;", []string{"SELECT 'a;\nb';", "SELECT 2;"}, []int{1, 3}},
		{"semicolon in a comment", "postgres", "/* a;\n/* b; */\n */ SELECT 1;\nSELECT 2;", []string{"/* a;\n/* b; */\n */ SELECT 1;", "SELECT 2;"}, []int{1, 4}},
		{"comments do not nest", "mysql", "/* /* a;\n*/ SELECT 1;\nSELECT 2;", []string{"/* /* a;\n*/ SELECT 1;", "SELECT 2;"}, []int{1, 3}},
		{"function body", "postgres", "DO $b$\nBEGIN;\nx$$;\nEND $b$;\nSELECT $1;", []string{"DO $b$\nBEGIN;\nx$$;\nEND $b$;", "SELECT $1;"}, []int{1, 5}},
		{"backslash", "mysql", "SELECT 'a\\';\n';\nSELECT 2;", []string{"SELECT 'a\\';\n';", "SELECT 2;"}, []int{1, 3}},
		{"no backslash", "postgres", "SELECT x LIKE'a\\';\nSELECT 2;", []string{"SELECT x LIKE'a\\';", "SELECT 2;"}, []int{1, 2}},
		{"escape string", "postgres", "SELECT E'a\\';\n';\nSELECT 2;", []string{"SELECT E'a\\';\n';", "SELECT 2;"}, []int{1, 3}},
		{"hash", "mariadb", "SELECT 1; # it's\nSELECT 2;", []string{"SELECT 1; # it's", "SELECT 2;"}, []int{1, 2}},
		{"dash dash without a blank", "mysql", "SELECT 1--1;\nSELECT 2;", []string{"SELECT 1--1;", "SELECT 2;"}, []int{1, 2}},
		{"a quote that never ends", "postgres", "SELECT 'a;\nSELECT 2;\nSELECT 3;", []string{"SELECT 'a;", "SELECT 2;", "SELECT 3;"}, []int{1, 2, 3}},
		{"a comment that never ends", "mysql", "SELECT 1 /*;\nSELECT 2;\n", []string{"SELECT 1 /*;", "SELECT 2;"}, []int{1, 2}},
		{"broken and not ended", "postgres", "SELECT 'a", []string{"SELECT 'a"}, []int{1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			texts, lines := split(t, tt.dialect, tt.text)
			require.Equal(t, tt.want, texts)
			require.Equal(t, tt.lines, lines)
		})
	}
}

func TestReaderTakesVeryLongLines(t *testing.T) {
	long := "SELECT '" + strings.Repeat("x", 3<<20) + "';"
	texts, _ := split(t, "postgres", long+"\nSELECT 2;")
	require.Equal(t, []string{long, "SELECT 2;"}, texts)
}

// Every line opens a comment that nobody closes: the reader must not look
// through the rest again for each of them.
func TestReaderStaysLinearOnOpenQuotes(t *testing.T) {
	const n = 300_000
	texts, lines := split(t, "generic", strings.Repeat("/*;\n", n))
	require.Len(t, texts, n)
	require.Equal(t, n, lines[n-1])
}
