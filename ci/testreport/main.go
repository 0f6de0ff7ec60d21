// Command testreport reads the output of go test -json on its standard input,
// prints what people want to see of it, and adds its counts to a file. It exits
// with 1 if a test failed.
//
//	go test -json ./... | testreport -totals FILE
//	testreport -totals FILE -sum
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	totals := flag.String("totals", "", "file that counts are added to, one line a run")
	sum := flag.Bool("sum", false, "print the sum of the counts in the file and read nothing")
	flag.Parse()
	if *sum {
		c, err := readTotals(*totals)
		exitOn(err)
		fmt.Println(c)
		return
	}
	r := newReport(os.Stdout)
	exitOn(r.read(os.Stdin))
	if *totals != "" {
		exitOn(r.counts.appendTo(*totals))
	}
	if r.counts.failed > 0 {
		os.Exit(1)
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
}

// counts are numbers of tests; subtests count, tests that only hold subtests too.
type counts struct{ passed, failed, skipped int }

// String is the closing line of a test run.
func (c counts) String() string {
	s := fmt.Sprintf("%d passed, %d failed", c.passed, c.failed)
	if c.skipped > 0 {
		s += fmt.Sprintf(", %d skipped", c.skipped)
	}
	return s
}

func (c counts) appendTo(name string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, c.passed, c.failed, c.skipped); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

func readTotals(name string) (c counts, err error) {
	b, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return c, nil
	}
	for line := range strings.Lines(string(b)) {
		var one counts
		if _, err := fmt.Sscan(line, &one.passed, &one.failed, &one.skipped); err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
		c.passed += one.passed
		c.failed += one.failed
		c.skipped += one.skipped
	}
	return c, err
}

// event is one line of test2json. https://pkg.go.dev/cmd/test2json
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Elapsed    float64
	Output     string
}

// report turns events into lines for people.
type report struct {
	out    io.Writer
	counts counts
	output map[[2]string]*strings.Builder // of tests that have not ended, by package and name
	inside map[string]counts              // by package
	slow   map[string][]slowTest          // by package
	shown  time.Time                      // when a package was last heard of
	quiet  time.Duration                  // how long may pass until it is again
}

func newReport(out io.Writer) *report {
	return &report{
		out: out, output: make(map[[2]string]*strings.Builder),
		inside: make(map[string]counts), slow: make(map[string][]slowTest),
		shown: time.Now(), quiet: 20 * time.Second,
	}
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
				r.event(e)
			} else {
				fmt.Fprint(r.out, line)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) event(e event) {
	switch {
	case e.Action == "build-output":
		fmt.Fprint(r.out, e.Output)
	case e.Action == "output":
		r.keep(e)
	case e.Test != "":
		r.test(e)
	default:
		r.end(e)
	}
}

// keep keeps a test's output until it is known whether anybody wants it. What a
// package says outside its tests is shown at once, but for its verdict.
func (r *report) keep(e event) {
	if e.Test == "" {
		switch verdict, _, _ := strings.Cut(e.Output, "\t"); strings.TrimSpace(verdict) {
		case "PASS", "FAIL", "ok", "?":
		default:
			fmt.Fprint(r.out, e.Output)
		}
		return
	}
	key := [2]string{e.Package, e.Test}
	if r.output[key] == nil {
		r.output[key] = new(strings.Builder)
	}
	r.output[key].WriteString(e.Output)
}

func (r *report) test(e event) {
	c := r.inside[e.Package]
	switch e.Action {
	case "pass":
		c.passed++
	case "fail":
		c.failed++
	case "skip":
		c.skipped++
	default:
		return
	}
	r.inside[e.Package] = c
	if e.Elapsed >= slowAfter && !strings.Contains(e.Test, "/") {
		r.slow[e.Package] = append(r.slow[e.Package], slowTest{e.Test, e.Elapsed})
	}
	key := [2]string{e.Package, e.Test}
	if e.Action != "pass" && r.output[key] != nil {
		fmt.Fprint(r.out, r.output[key].String())
	}
	delete(r.output, key)
	if time.Since(r.shown) > r.quiet {
		r.shown = time.Now()
		fmt.Fprintf(r.out, "...  %s  %s so far, the last one %s\n", e.Package, c, e.Test)
	}
}

// end shows a package's verdict.
func (r *report) end(e event) {
	c := r.inside[e.Package]
	switch e.Action {
	case "pass":
		fmt.Fprintf(r.out, "ok   %s  %.1fs  %s\n", e.Package, e.Elapsed, c)
	case "fail":
		if c.failed == 0 {
			c.failed = 1 // it did not build, or ended outside a test
		}
		fmt.Fprintf(r.out, "FAIL %s  %.1fs  %s\n", e.Package, e.Elapsed, c)
	case "skip":
		fmt.Fprintf(r.out, "     %s  no tests\n", e.Package)
	default:
		return
	}
	r.slowest(e.Package)
	r.shown = time.Now()
	r.counts.passed += c.passed
	r.counts.failed += c.failed
	r.counts.skipped += c.skipped
}

// slowTest is a test that took long, with all its subtests.
type slowTest struct {
	name    string
	elapsed float64
}

const (
	slowAfter = 10 // seconds
	slowShown = 8
)

// slowest tells where a package's time went.
func (r *report) slowest(pkg string) {
	slow := r.slow[pkg]
	slices.SortFunc(slow, func(a, b slowTest) int { return cmp.Compare(b.elapsed, a.elapsed) })
	for _, t := range slow[:min(len(slow), slowShown)] {
		fmt.Fprintf(r.out, "     %6.1fs  %s\n", t.elapsed, t.name)
	}
}
