package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/rwsplit/rwsplit"
)

// Row is one statement of the shop.
type Row struct {
	Story  string
	SQL    string
	Ran    rwsplit.Backend
	Reason string
	// Answer is the first value that came back, "no row", or the number of
	// rows that a write changed.
	Answer string
	// Naive is what a naive splitter returned for the same text at the same
	// moment; empty for what it sends to the primary as well.
	Naive string
}

// NaiveWrong reports that the naive splitter's answer was another one.
func (r Row) NaiveWrong() bool { return r.Naive != "" && r.Naive != r.Answer }

// Bank is how the transfers ended.
type Bank struct {
	Transfers             int // as many through the naive splitter
	Start, End            int
	NaiveStart, NaiveEnd  int
	Elapsed, NaiveElapsed time.Duration
}

// Report is what a run of the demo found.
type Report struct {
	Rows  []Row
	Bank  Bank
	Stats rwsplit.Stats
}

// because says in a few words why a statement ran where it did.
func because(d rwsplit.Decision) string {
	switch d.Reason {
	case rwsplit.ReasonStatement:
		return d.Statement.Reason
	case rwsplit.ReasonExec:
		if d.Statement.Writes {
			return d.Statement.Reason
		}
	}
	return d.Reason.String()
}

// thousands writes 4000 as 4,000.
func thousands[N int | uint64](n N) string {
	s := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}
