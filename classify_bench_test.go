package rwsplit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rwsplit/rwsplit"
)

// sizedQuery returns a plain read of about n bytes that looks like what
// programs send: names, operators, literals and parameters.
func sizedQuery(n int) string {
	if n <= 30 {
		return "SELECT id, a FROM t WHERE id=1"
	}
	if n <= 100 {
		return "SELECT id, customer_id, status, total, created_at FROM orders WHERE id = 12345 AND status = 'open'  "[:100]
	}
	var b strings.Builder
	b.WriteString("SELECT o.id, o.customer_id, COUNT(*) AS n, SUM(o.total) FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.deleted_at IS NULL")
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, " AND (o.status_%d <> 'cancelled by customer' OR c.country_code IN ('DE', 'FR', 'IT') AND o.total > %d)", i%10, i)
	}
	b.WriteString(" GROUP BY o.id, o.customer_id")
	return b.String()
}

func BenchmarkClassify(b *testing.B) {
	for _, dialect := range []string{"postgres", "mysql", "mariadb", "sqlite", "generic"} {
		cached, _ := rwsplit.CachedClassify(dialect)
		for _, size := range []int{30, 100, 300, 3000, 1 << 20} {
			query := sizedQuery(size)
			if st := rwsplit.Classify(dialect, query); st.Route != rwsplit.RouteReplica {
				b.Fatalf("%s: got %+v, want a plain read: %.200s", dialect, st, query)
			}
			b.Run(fmt.Sprintf("%s/%d/uncached", dialect, size), func(b *testing.B) {
				b.SetBytes(int64(len(query)))
				b.ReportAllocs()
				for b.Loop() {
					rwsplit.Classify(dialect, query)
				}
			})
			if size > 3000 {
				continue // never kept
			}
			b.Run(fmt.Sprintf("%s/%d/cached", dialect, size), func(b *testing.B) {
				b.SetBytes(int64(len(query)))
				b.ReportAllocs()
				for b.Loop() {
					cached(query)
				}
			})
		}
	}
}
