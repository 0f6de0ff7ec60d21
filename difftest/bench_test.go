package difftest

import (
	"path"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// BenchmarkAgainstParsers classifies the corpus, or a part of it, and parses the same texts in
// the same run. The metric times-faster is the parsers' time over the
// classifier's; 50 is the least that is wanted.
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
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					for _, sql := range texts {
						rwsplit.Classify(bench.dialect, sql)
					}
				}
				classify := b.Elapsed() / time.Duration(b.N)
				begin := time.Now()
				const rounds = 5
				for range rounds {
					for _, sql := range texts {
						_ = bench.parse(sql)
					}
				}
				parse := time.Since(begin) / rounds
				b.ReportMetric(float64(parse)/float64(classify), "times-faster")
				b.ReportMetric(float64(classify)/float64(len(texts)), "ns/statement")
			})
		}
	}
}
