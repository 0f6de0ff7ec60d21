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
		{"semicolon in a comment", "postgres", "/* a;\n/* b; */\n */ SELECT 1;\nSELECT 2;", []string{"/* a;\n/* b; */\n */ SELECT 1;", "SELECT 2;"}, []int{3, 4}},
		{"comments do not nest", "mysql", "/* /* a;\n*/ SELECT 1;\nSELECT 2;", []string{"/* /* a;\n*/ SELECT 1;", "SELECT 2;"}, []int{2, 3}},
		{"function body", "postgres", "DO $b$\nBEGIN;\nx$$;\nEND $b$;\nSELECT $1;", []string{"DO $b$\nBEGIN;\nx$$;\nEND $b$;", "SELECT $1;"}, []int{1, 5}},
		{"backslash", "mysql", "SELECT 'a\\';\n';\nSELECT 2;", []string{"SELECT 'a\\';\n';", "SELECT 2;"}, []int{1, 3}},
		{"no backslash", "postgres", "SELECT x LIKE'a\\';\nSELECT 2;", []string{"SELECT x LIKE'a\\';", "SELECT 2;"}, []int{1, 2}},
		{"escape string", "postgres", "SELECT E'a\\';\n';\nSELECT 2;", []string{"SELECT E'a\\';\n';", "SELECT 2;"}, []int{1, 3}},
		{"hash", "mariadb", "SELECT 1; # it's\nSELECT 2;", []string{"SELECT 1; # it's", "SELECT 2;"}, []int{1, 2}},
		{"dash dash without a blank", "mysql", "SELECT 1--1;\nSELECT 2;", []string{"SELECT 1--1;", "SELECT 2;"}, []int{1, 2}},
		{"a quote that never ends", "postgres", "SELECT 'a;\nSELECT 2;\nSELECT 3;", []string{"SELECT 'a;", "SELECT 2;", "SELECT 3;"}, []int{1, 2, 3}},
		{"a comment that never ends", "mysql", "SELECT 1 /*;\nSELECT 2;\n", []string{"SELECT 1 /*;", "SELECT 2;"}, []int{1, 2}},
		{"a comment that never ends, alone", "postgres", "/* a", []string{"/* a"}, []int{1}},
		{"comments alone", "postgres", "-- a;\n/* b */\n", nil, nil},
		{"a comment at the end", "mysql", "SELECT 1;\n# the end\n", []string{"SELECT 1;"}, []int{1}},
		{"semicolons alone", "postgres", ";\n ; -- a\nSELECT 1;", []string{"SELECT 1;"}, []int{3}},
		{"executable comments are code", "mysql", "/*!40101 SET a = 1 */;\n/*M! b */", []string{"/*!40101 SET a = 1 */;", "/*M! b */"}, []int{1, 2}},
		{"byte order mark", "postgres", "\ufeffSELECT 1;\n", []string{"SELECT 1;"}, []int{1}},
		{"byte order mark alone", "postgres", "\ufeff", nil, nil},
		{
			"routine", "mysql", "CREATE DEFINER=app@host PROCEDURE p()\nBEGIN\n IF a THEN\n  SELECT CASE a WHEN 1 THEN 2 END;\n END IF;\n CASE b WHEN 1 THEN SELECT 1;\n END CASE;\nEND;\nSELECT 2;",
			[]string{"CREATE DEFINER=app@host PROCEDURE p()\nBEGIN\n IF a THEN\n  SELECT CASE a WHEN 1 THEN 2 END;\n END IF;\n CASE b WHEN 1 THEN SELECT 1;\n END CASE;\nEND;", "SELECT 2;"},
			[]int{1, 9},
		},
		{
			"blocks in blocks", "mariadb", "CREATE OR REPLACE TRIGGER t BEFORE INSERT ON a FOR EACH ROW\nBEGIN\nBEGIN\nSET x = 1;\nEND;\nIF a THEN SET x = 2;\nEND IF;\nEND;\nSELECT 2;",
			[]string{"CREATE OR REPLACE TRIGGER t BEFORE INSERT ON a FOR EACH ROW\nBEGIN\nBEGIN\nSET x = 1;\nEND;\nIF a THEN SET x = 2;\nEND IF;\nEND;", "SELECT 2;"},
			[]int{1, 9},
		},
		{"block without a routine", "mariadb", "BEGIN NOT ATOMIC\nSET @a = 1;\nEND;\nSELECT 2;", []string{"BEGIN NOT ATOMIC\nSET @a = 1;\nEND;", "SELECT 2;"}, []int{1, 4}},
		{"transaction", "mysql", "BEGIN;\nSELECT 1;\nCOMMIT;", []string{"BEGIN;", "SELECT 1;", "COMMIT;"}, []int{1, 2, 3}},
		{"body in SQL", "postgres", "create function f() returns int\nbegin atomic\nselect 1;\nend;\nselect 2;", []string{"create function f() returns int\nbegin atomic\nselect 1;\nend;", "select 2;"}, []int{1, 5}},
		{"trigger", "sqlite", "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN\nUPDATE b SET x = 1;\nEND;\nSELECT 2;", []string{"CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN\nUPDATE b SET x = 1;\nEND;", "SELECT 2;"}, []int{1, 4}},
		{"a body that never ends", "mysql", "CREATE TABLE `t` (trigger int, begin int);\nCREATE PROCEDURE p()\nBEGIN\nSELECT 1;\nSELECT 2;", []string{"CREATE TABLE `t` (trigger int, begin int);", "CREATE PROCEDURE p()\nBEGIN\nSELECT 1;", "SELECT 2;"}, []int{1, 2, 5}},
		{
			"delimiter", "mysql", "-- routines\nDELIMITER //\nCREATE PROCEDURE p()\nBEGIN\nSELECT 1;\nEND // -- p\nSELECT 1;\nSELECT 2//\ndelimiter ;\nSELECT 3;",
			[]string{"CREATE PROCEDURE p()\nBEGIN\nSELECT 1;\nEND", "SELECT 1;\nSELECT 2", "SELECT 3;"},
			[]int{3, 7, 10},
		},
		{"delimiter of a dump", "mariadb", "DELIMITER ;;\n/*!50003 CREATE*/ /*!50003 TRIGGER t\nBEGIN\nSET x = 1;\nEND */;;\nDELIMITER ;\nSELECT 2;", []string{"/*!50003 CREATE*/ /*!50003 TRIGGER t\nBEGIN\nSET x = 1;\nEND */", "SELECT 2;"}, []int{2, 7}},
		{"a quote that never ends before a delimiter", "mysql", "DELIMITER $$\nSELECT 'a$$\nSELECT 2$$\n", []string{"SELECT 'a", "SELECT 2"}, []int{2, 3}},
		{"no delimiter elsewhere", "postgres", "DELIMITER //\nSELECT 1;", []string{"DELIMITER //\nSELECT 1;"}, []int{1}},
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

func TestCodeBeginsBehindComments(t *testing.T) {
	for text, want := range map[string]string{
		"-- name: a\n\n/* b */ SELECT 1 -- c\n;": "SELECT 1 -- c\n;",
		"  SELECT 1;":                            "SELECT 1;",
		"/*!40101 SET a = 1 */;":                 "/*!40101 SET a = 1 */;",
		"-- a\nSELECT 'b;\n-- c;":                "SELECT 'b;",
		"DELIMITER //\n/*;\nE'a`/*//\n/*!b":      "/*;\nE'a`/*", // what is broken is cut before its code
		"/* a;\nSELECT 1;":                       "/* a;",
	} {
		g, err := sqltext.NewReader(strings.NewReader(text), "mysql").Next()
		require.NoError(t, err)
		require.Equal(t, want, g.Text[g.Code:])
	}
}

// Blank lines were kept until a statement came, all of them.
func TestReaderPassesBlankLines(t *testing.T) {
	blank := strings.Repeat("\n", 1<<20)
	r := sqltext.NewReader(strings.NewReader(blank+"SELECT 1;"), "generic")
	g, err := r.Next()
	require.NoError(t, err)
	require.Equal(t, sqltext.Group{Text: "SELECT 1;", Line: 1<<20 + 1}, g)
}

// FuzzReader asks that statements are pieces of the input, in their order.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"SELECT 'a;\nb';\n-- c\nSELECT E'\\';\n$$;\n$$;",
		"DELIMITER //\nCREATE PROCEDURE p()\nBEGIN\nCASE 1 WHEN 1 THEN SELECT 1;\nEND CASE;\nEND //\n/*! x",
		"DELIMITER //\n\n/*;\nE'a ;`/*//\n/*!b//E'/*",
		"\ufeff/* a;\n\r\n;\xff\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, dialect := range []string{"postgres", "mysql", "sqlite"} {
			r, rest, line := sqltext.NewReader(strings.NewReader(text), dialect), text, 0
			for {
				g, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(t, err)
				require.Less(t, g.Code, len(g.Text), "%s: %q", dialect, g.Text)
				require.GreaterOrEqual(t, g.Code, 0)
				require.Greater(t, g.Line, line)
				line = g.Line
				at := strings.Index(rest, g.Text)
				require.GreaterOrEqual(t, at, 0, "%s: %q is not in %q", dialect, g.Text, rest)
				rest = rest[at+len(g.Text):]
			}
		}
	})
}
