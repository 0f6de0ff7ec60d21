package rwsplit_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rwsplit/rwsplit"
)

func TestClassifierRemembersATextSeenTwice(t *testing.T) {
	calls := 0
	classify, held := rwsplit.CachedClassifyFunc(func(query string) rwsplit.Statement {
		calls++
		return rwsplit.Statement{Route: rwsplit.RouteReplica, Reason: query}
	})
	for range 5 {
		assert.Equal(t, "SELECT 1", classify("SELECT 1").Reason)
	}
	assert.Equal(t, 2, calls)
	assert.Equal(t, len("SELECT 1"), held())
}

func TestClassifierSaysTheSameWithAndWithoutCache(t *testing.T) {
	for _, dialect := range []string{"postgres", "mysql", "mariadb", "sqlite", "generic"} {
		classify, _ := rwsplit.CachedClassify(dialect)
		for range 3 {
			for _, query := range []string{"SELECT 1", "DELETE FROM t", "BEGIN", "SELECT 'open", "", "/* rwsplit:primary */ SELECT 1"} {
				assert.Equal(t, rwsplit.Classify(dialect, query), classify(query), "%s: %s", dialect, query)
			}
		}
	}
}

func TestClassifierHoldsNothingOfTextsThatNeverComeAgain(t *testing.T) {
	classify, held := rwsplit.CachedClassify("postgres")
	for i := range 50000 {
		classify(fmt.Sprintf("SELECT * FROM t WHERE id = %d /* traceparent=%d */", i, i))
	}
	assert.Zero(t, held())
}

// A classifier that has seen many texts holds more of them than one that has
// seen few, and goes on holding those.
func TestClassifierGrows(t *testing.T) {
	calls := make(map[string]int)
	classify, held := rwsplit.CachedClassifyFunc(func(query string) rwsplit.Statement {
		calls[query]++
		return rwsplit.Statement{Reason: query}
	})
	const texts = 2000
	query := func(i int) string { return fmt.Sprintf("SELECT %04d", i) }
	for range 3 {
		classify(query(0))
	}
	for i := range texts { // seen once: enough to grow, and none is kept
		classify(fmt.Sprintf("SELECT %04d /* once */", i))
	}
	classify(query(0))
	assert.Equal(t, 2, calls[query(0)], "what was held before is held after")
	const rounds = 10
	for range rounds {
		for i := range texts {
			assert.Equal(t, query(i), classify(query(i)).Reason)
		}
	}
	known := 0
	for i := range texts {
		if calls[query(i)] < rounds {
			known++
		}
	}
	assert.Greater(t, known, texts*9/10)
	assert.LessOrEqual(t, held(), texts*len(query(0)))
}

func TestClassifierKeepsWhatIsUsedWhileOthersPassBy(t *testing.T) {
	calls := make(map[string]int)
	classify, _ := rwsplit.CachedClassifyFunc(func(query string) rwsplit.Statement {
		calls[query]++
		return rwsplit.Statement{}
	})
	classify("hot")
	for i := range 20000 {
		classify("hot")
		classify(fmt.Sprint("cold ", i))
	}
	assert.Less(t, calls["hot"], 5)
}

func TestClassifierBoundsItsMemory(t *testing.T) {
	classify, held := rwsplit.CachedClassify("postgres")
	for i := range 6000 {
		query := fmt.Sprintf("SELECT %d, '%s'", i, strings.Repeat("x", 8000))
		classify(query)
		classify(query)
		if got := held(); got > 8<<20 {
			t.Fatalf("got %d bytes held, want at most 8 MB", got)
		}
	}
	assert.NotZero(t, held())

	classify, held = rwsplit.CachedClassify("postgres")
	long := "SELECT '" + strings.Repeat("x", 9000) + "'"
	for range 5 {
		assert.Equal(t, rwsplit.RouteReplica, classify(long).Route)
	}
	assert.Zero(t, held())
}

func TestClassifierIsSafeForConcurrentUse(t *testing.T) {
	classify, _ := rwsplit.CachedClassify("mysql")
	var wg sync.WaitGroup
	var wrong atomic.Int64
	for g := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 3000 {
				n := (i*7 + g) % 500
				query, want := fmt.Sprintf("SELECT %d", n), rwsplit.RouteReplica
				if n%2 == 0 {
					query, want = fmt.Sprintf("SELECT %d FOR UPDATE", n), rwsplit.RoutePrimary
				}
				if classify(query).Route != want {
					wrong.Add(1)
				}
			}
		}()
	}
	wg.Wait()
	assert.Zero(t, wrong.Load())
}
