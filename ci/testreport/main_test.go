package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReportCountsTestsAndShowsFailures(t *testing.T) {
	const in = `go: downloading example.com/x v1.0.0
{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"quiet\n"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.1}
{"Action":"output","Package":"p","Test":"TestB","Output":"got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestB","Elapsed":0.1}
{"Action":"output","Package":"p","Test":"TestC","Output":"NOT COVERED: mysql\n"}
{"Action":"skip","Package":"p","Test":"TestC","Elapsed":0.1}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.5s\n"}
{"Action":"fail","Package":"p","Elapsed":0.5}
{"ImportPath":"q","Action":"build-output","Output":"q.go:1: broken\n"}
{"ImportPath":"q","Action":"build-fail"}
{"Action":"fail","Package":"q","Elapsed":0}
{"Action":"output","Package":"r","Output":"?   \tr\t[no test files]\n"}
{"Action":"skip","Package":"r","Elapsed":0}
{"Action":"output","Package":"s","Output":"ok  \ts\t0.2s\n"}
{"Action":"pass","Package":"s","Elapsed":0.2}
{"Action":"pass","Package":"t","Test":"TestLong/one","Elapsed":11}
{"Action":"pass","Package":"t","Test":"TestLong","Elapsed":11}
{"Action":"pass","Package":"t","Test":"TestShort","Elapsed":1}
{"Action":"pass","Package":"t","Test":"TestLonger","Elapsed":20.5}
{"Action":"pass","Package":"t","Elapsed":33}
`
	var out bytes.Buffer
	r := newReport(&out)
	require.NoError(t, r.read(strings.NewReader(in)))
	require.Equal(t, `go: downloading example.com/x v1.0.0
got 1, want 2
NOT COVERED: mysql
FAIL p  0.5s  1 passed, 1 failed, 1 skipped
q.go:1: broken
FAIL q  0.0s  0 passed, 1 failed
     r  no tests
ok   s  0.2s  0 passed, 0 failed
ok   t  33.0s  4 passed, 0 failed
       20.5s  TestLonger
       11.0s  TestLong
`, out.String())
	require.Equal(t, counts{passed: 5, failed: 2, skipped: 1}, r.counts)
}

func TestALongPackageIsHeardOf(t *testing.T) {
	var out bytes.Buffer
	r := newReport(&out)
	r.quiet = 0
	require.NoError(t, r.read(strings.NewReader(`{"Action":"pass","Package":"p","Test":"TestA"}`+"\n")))
	require.Equal(t, "...  p  1 passed, 0 failed so far, the last one TestA\n", out.String())
}

func TestTotalsAreSummed(t *testing.T) {
	name := filepath.Join(t.TempDir(), "totals")
	got, err := readTotals(name)
	require.NoError(t, err)
	require.Equal(t, "0 passed, 0 failed", got.String())
	require.NoError(t, counts{passed: 3}.appendTo(name))
	require.NoError(t, counts{passed: 4, failed: 1, skipped: 2}.appendTo(name))
	got, err = readTotals(name)
	require.NoError(t, err)
	require.Equal(t, "7 passed, 1 failed, 2 skipped", got.String())
}
