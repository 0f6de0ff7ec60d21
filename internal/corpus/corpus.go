// Package corpus reads the statement corpus in testdata/classify. The format
// is described in the README there.
package corpus

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Expect is what is expected of one flag.
type Expect uint8

// No, Yes and Any are the values of an Expect.
const (
	No Expect = iota
	Yes
	Any
)

// Allows reports whether got is as expected.
func (e Expect) Allows(got bool) bool {
	return e == Any || got == (e == Yes)
}

// String returns "no", "yes" or "any".
func (e Expect) String() string {
	return [...]string{"no", "yes", "any"}[e]
}

// Statement is one statement of the corpus and what is expected of it.
type Statement struct {
	// File is relative to testdata/classify; Line is the statement's first.
	File string
	Line int
	// Rule is the text of the header above the statement, HeaderLine its line.
	Rule       string
	HeaderLine int
	// SQL is the text.
	SQL string

	// Route is replica, primary or last.
	Route  string
	Writes Expect
	Pins   Expect
	// DDL is Any where the header does not say ddl.
	DDL Expect
	// Tx is the expected transaction control, empty where it is not compared.
	Tx string

	// Loud: a read-only replica refuses the statement.
	Loud bool
	// NoRun: the statement can't be executed as it stands.
	NoRun bool
	// Superuser: an application's role may not execute the statement.
	Superuser bool
}

// Name is the statement's name in test output.
func (s Statement) Name() string {
	return s.File + ":" + strconv.Itoa(s.Line)
}

// Dirs returns the directories under testdata/classify that hold the
// statements of a dialect.
func Dirs(dialect string) []string {
	switch dialect {
	case "mysql", "mariadb":
		return []string{"mysql_mariadb", dialect}
	default:
		return []string{dialect}
	}
}

// Load reads all statements of a dialect; root is the path of
// testdata/classify.
func Load(root, dialect string) ([]Statement, error) {
	var all []Statement
	for _, dir := range Dirs(dialect) {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.txt"))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("corpus: no files in %s", filepath.Join(root, dir))
		}
		sort.Strings(files)
		for _, file := range files {
			statements, err := LoadFile(root, filepath.ToSlash(filepath.Join(dir, filepath.Base(file))))
			if err != nil {
				return nil, err
			}
			all = append(all, statements...)
		}
	}
	return all, nil
}

// LoadFile reads one file; name is relative to root and has forward slashes.
func LoadFile(root, name string) ([]Statement, error) {
	f, err := os.Open(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	defer f.Close()

	var (
		all     []Statement
		header  Statement
		escaped bool
		seen    bool
		text    []string
		first   int
	)
	flush := func() {
		if len(text) > 0 {
			s := header
			s.Line, s.SQL = first, strings.Join(text, "\n")
			all, text = append(all, s), nil
		}
	}
	scan := bufio.NewScanner(f)
	for n := 1; scan.Scan(); n++ {
		line := scan.Text()
		switch {
		case strings.HasPrefix(line, "## "):
			flush()
		case isHeader(line):
			flush()
			header, escaped, err = parseHeader(line)
			if err != nil {
				return nil, fmt.Errorf("corpus: %s:%d: %w", name, n, err)
			}
			header.File, header.HeaderLine, seen = name, n, true
		case line == "":
			flush()
		case !seen:
			return nil, fmt.Errorf("corpus: %s:%d: statement before the first header", name, n)
		case escaped:
			sql, err := strconv.Unquote(`"` + strings.ReplaceAll(line, `"`, `\"`) + `"`)
			if err != nil {
				return nil, fmt.Errorf("corpus: %s:%d: bad escape", name, n)
			}
			s := header
			s.Line, s.SQL = n, sql
			all = append(all, s)
		default:
			if len(text) == 0 {
				first = n
			}
			text = append(text, line)
		}
	}
	flush()
	return all, scan.Err()
}

func isHeader(line string) bool {
	for _, route := range [...]string{"replica", "primary", "last"} {
		if strings.HasPrefix(line, "["+route+" ") || strings.HasPrefix(line, "["+route+"]") {
			return true
		}
	}
	return false
}

func parseHeader(line string) (s Statement, escaped bool, err error) {
	words, rule, ok := strings.Cut(line[1:], "] ")
	if !ok {
		return s, false, fmt.Errorf("header without a rule: %q", line)
	}
	s.Rule, s.DDL = rule, Any
	for i, word := range strings.Fields(words) {
		switch {
		case i == 0:
			s.Route = word
			if word != "primary" {
				s.Tx = "none"
			}
		case word == "writes":
			s.Writes = Yes
		case word == "writes?":
			s.Writes = Any
		case word == "pins":
			s.Pins = Yes
		case word == "pins?":
			s.Pins = Any
		case word == "ddl":
			s.DDL = Yes
		case word == "loud":
			s.Loud = true
		case word == "norun":
			s.NoRun = true
		case word == "superuser":
			s.Superuser = true
		case word == "escaped":
			escaped = true
		case strings.HasPrefix(word, "tx="):
			s.Tx = strings.TrimPrefix(word, "tx=")
		default:
			return s, false, fmt.Errorf("unknown word %q in the header", word)
		}
	}
	return s, escaped, nil
}
