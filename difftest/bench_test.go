package difftest

import (
	"context"
	"database/sql/driver"
	"path"
	"syscall"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// BenchmarkAgainstParsers classifies the corpus, or a part of it, and parses
// the same texts in turns. The metric times-faster is the parsers' time over
// the classifier's: of texts that it sees for the first time, and, as
// times-faster-cached, of texts that a Connector has seen before, as most of an
// application's are. 50 is the least that is wanted. It counts processor time, and of several turns the shortest, so that
// other work on the machine does not matter.
func BenchmarkAgainstParsers(b *testing.B) {
	p := NewMySQLParser()
	mysqlParse := func(sql string) error {
		_, _, err := p.modes[0].Parse(sql, "", "")
		return err
	}
	for _, bench := range []struct {
		dialect string
		parse   func(string) error
	}{
		{"postgres", postgresParse},
		{"mysql", mysqlParse},
	} {
		for _, part := range []string{"all", "orm.txt", "analytics.txt"} {
			b.Run(bench.dialect+"/"+part, func(b *testing.B) {
				var texts []string
				size := 0
				for _, s := range loadCorpus(b, bench.dialect) {
					if (part == "all" || path.Base(s.File) == part) && bench.parse(s.SQL) == nil {
						texts, size = append(texts, s.SQL), size+len(s.SQL)
					}
				}
				// The parsers get fewer rounds in a turn: they take long enough.
				const rounds = 20
				connector, err := rwsplit.NewConnector(&rwsplit.Config{Dialect: bench.dialect, PrimaryConnector: unused{}})
				if err != nil {
					b.Fatal(err)
				}
				classify, cached, parse := time.Duration(1<<62), time.Duration(1<<62), time.Duration(1<<62)
				for b.Loop() {
					classify = min(classify, cpuTime(b, func() {
						for range rounds {
							for _, sql := range texts {
								rwsplit.Classify(bench.dialect, sql)
							}
						}
					})/rounds)
					cached = min(cached, cpuTime(b, func() {
						for range rounds {
							for _, sql := range texts {
								connector.Classify(sql)
							}
						}
					})/rounds)
					parse = min(parse, cpuTime(b, func() {
						for _, sql := range texts {
							_ = bench.parse(sql)
						}
					}))
				}
				n := float64(len(texts))
				b.ReportMetric(0, "ns/op") // of both together
				b.ReportMetric(float64(parse)/float64(classify), "times-faster")
				b.ReportMetric(float64(parse)/float64(cached), "times-faster-cached")
				b.ReportMetric(float64(classify)/n, "classify-ns/statement")
				b.ReportMetric(float64(cached)/n, "cached-ns/statement")
				b.ReportMetric(float64(parse)/n, "parse-ns/statement")
				b.ReportMetric(float64(size)/float64(classify)*1e3, "classify-MB/s")
			})
		}
	}
}

// unused is the primary of a Connector that only classifies.
type unused struct{}

func (unused) Connect(context.Context) (driver.Conn, error) { return nil, driver.ErrBadConn }
func (unused) Driver() driver.Driver                        { return nil }

// cpuTime is the processor time that the process spends while fn runs.
func cpuTime(b *testing.B, fn func()) time.Duration {
	b.Helper()
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	fn()
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		b.Fatal(err)
	}
	return time.Duration(after.Utime.Nano() - before.Utime.Nano() + after.Stime.Nano() - before.Stime.Nano())
}
