package rwsplit_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/internal/corpus"
)

var update = flag.Bool("update", false, "write the tables of docs/routing.md")

// TestRoutingDocs holds that docs/routing.md lists the rules of the corpus with
// the reasons that the classifier gives.
func TestRoutingDocs(t *testing.T) {
	file := filepath.Join("docs", "routing.md")
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := got
	for dir, dialects := range map[string][]string{
		"postgres":      {"postgres"},
		"mysql_mariadb": {"mysql", "mariadb"},
		"mysql":         {"mysql"},
		"mariadb":       {"mariadb"},
		"sqlite":        {"sqlite"},
	} {
		begin, end := "<!-- begin table "+dir+" -->\n", "<!-- end table "+dir+" -->"
		head, rest, ok := bytes.Cut(want, []byte(begin))
		_, tail, ok2 := bytes.Cut(rest, []byte(end))
		if !ok || !ok2 {
			t.Fatalf("%s has no place for the table of %s", file, dir)
		}
		table := routingTable(t, dir, dialects)
		want = bytes.Join([][]byte{head, []byte(begin), []byte(table), []byte(end), tail}, nil)
	}
	if bytes.Equal(got, want) {
		return
	}
	if !*update {
		t.Fatalf("%s is out of date: run go test -run TestRoutingDocs . -update", file)
	}
	if err := os.WriteFile(file, want, 0o644); err != nil {
		t.Fatal(err)
	}
}

// routingTable is the table of one directory of the corpus.
func routingTable(t *testing.T, dir string, dialects []string) string {
	t.Helper()
	type row struct {
		first   corpus.Statement
		reasons map[string]bool
		count   int
	}
	var rows []*row
	index := make(map[string]*row)
	for _, dialect := range dialects {
		all, err := corpus.Load(corpusRoot, dialect)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if path.Dir(s.File) != dir {
				continue
			}
			key := fmt.Sprint(s.File, s.Rule, s.Route, s.Writes, s.Pins)
			r := index[key]
			if r == nil {
				r = &row{first: s, reasons: make(map[string]bool)}
				index[key], rows = r, append(rows, r)
			}
			r.reasons[rwsplit.Classify(dialect, s.SQL).Reason] = true
			if dialect == dialects[0] {
				r.count++
			}
		}
	}
	var b strings.Builder
	b.WriteString("\n| rule | route | write | pins | reasons given | statements |\n| --- | --- | --- | --- | --- | --- |\n")
	cell := strings.NewReplacer("|", `\|`)
	for _, r := range rows {
		var reasons []string
		for reason := range r.reasons {
			reasons = append(reasons, reason)
		}
		sort.Strings(reasons)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d in [%s](../testdata/classify/%s) |\n", cell.Replace(r.first.Rule),
			r.first.Route, mark(r.first.Writes), mark(r.first.Pins), cell.Replace(strings.Join(reasons, "; ")),
			r.count, path.Base(r.first.File), r.first.File)
	}
	b.WriteString("\n")
	return b.String()
}

func mark(e corpus.Expect) string {
	return map[corpus.Expect]string{corpus.No: "", corpus.Yes: "yes", corpus.Any: "(may)"}[e]
}
