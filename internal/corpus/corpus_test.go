package corpus_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rwsplit/rwsplit/internal/corpus"
)

func TestLoadFileReadsHeadersAndStatements(t *testing.T) {
	root := t.TempDir()
	write(t, root, "postgres/a.txt", `## A comment.

[primary writes pins? loud tx=begin] a rule
SELECT 1
  FROM a

SELECT 2

[replica escaped norun] another
SELECT\t"a"
SELECT '\\'
`)
	got, err := corpus.LoadFile(root, "postgres/a.txt")
	if err != nil {
		t.Fatal(err)
	}
	first := corpus.Statement{
		File: "postgres/a.txt", Line: 4, Rule: "a rule", HeaderLine: 3, SQL: "SELECT 1\n  FROM a",
		Route: "primary", Writes: corpus.Yes, Pins: corpus.Any, DDL: corpus.Any, Tx: "begin", Loud: true,
	}
	if len(got) != 4 || got[0] != first {
		t.Fatalf("got %+v, want 4 statements and the first %+v", got, first)
	}
	if got[2].SQL != "SELECT\t\"a\"" || got[2].Line != 10 || !got[2].NoRun || got[2].Tx != "none" {
		t.Errorf("got %+v for the first escaped statement", got[2])
	}
	if got[3].SQL != `SELECT '\'` {
		t.Errorf("got %q for the second escaped statement", got[3].SQL)
	}
}

func TestLoadFileRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, text := range map[string]string{
		"a word":      "[replica sometimes] rule\nSELECT 1\n",
		"no rule":     "[replica]\nSELECT 1\n",
		"no header":   "SELECT 1\n",
		"bad escapes": "[replica escaped] rule\nSELECT \\z\n",
	} {
		root := t.TempDir()
		write(t, root, "sqlite/a.txt", text)
		if _, err := corpus.LoadFile(root, "sqlite/a.txt"); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// TestCorpusIsWellFormed holds that the corpus can be read, is large enough, and
// has a schema to run on.
func TestCorpusIsWellFormed(t *testing.T) {
	root := filepath.Join("..", "..", "testdata", "classify")
	for dialect, least := range map[string]int{"postgres": 400, "mysql": 400, "mariadb": 300, "sqlite": 150} {
		all, err := corpus.Load(root, dialect)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) < least {
			t.Errorf("%s: %d statements, want at least %d", dialect, len(all), least)
		}
		for _, s := range all {
			if s.Loud && s.Route != "primary" {
				t.Errorf("%s: loud, but for the %s", s.Name(), s.Route)
			}
		}
		if _, err := os.Stat(filepath.Join(root, dialect, "schema.sql")); err != nil {
			t.Errorf("%s: %v", dialect, err)
		}
	}
}

func write(t *testing.T, root, name, text string) {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
