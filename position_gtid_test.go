package rwsplit_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rwsplit/rwsplit"
)

// randomGTIDSet writes a set over few sources, tags and small numbers, so that
// sets overlap often, in no particular order and with white space.
func randomGTIDSet(rnd *rand.Rand) string {
	var parts []string
	for range rnd.IntN(4) {
		part := []string{uuidA, uuidB, strings.ToUpper(uuidA)}[rnd.IntN(3)]
		for i := range 1 + rnd.IntN(4) {
			if rnd.IntN(4) == 0 {
				part += ":" + []string{"aa", "b_1", "AA"}[rnd.IntN(3)]
			}
			lo := 1 + rnd.IntN(12)
			if hi := lo + rnd.IntN(5); hi > lo || i%2 == 0 {
				part += fmt.Sprintf(":%d-%d", lo, hi)
			} else {
				part += fmt.Sprintf(": %d", lo)
			}
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ",\n")
}

func isSubset(sub, super map[string]bool) bool {
	for k := range sub {
		if !super[k] {
			return false
		}
	}
	return true
}

// checkGTIDSets holds the laws of sets, each against a naive model.
func checkGTIDSets(t *testing.T, a, b, c rwsplit.Position) {
	t.Helper()
	ta, tb, tc := a.Transactions(), b.Transactions(), c.Transactions()
	if got, want := a.Reached(b), isSubset(tb, ta); got != want {
		t.Errorf("%q reached %q: got %v, want %v", a, b, got, want)
	}
	if !a.Reached(a) {
		t.Errorf("%q has not reached itself", a)
	}
	if a.Reached(b) && b.Reached(a) && a.String() != b.String() {
		t.Errorf("equal sets print differently: %q and %q", a, b)
	}
	if a.Reached(b) && b.Reached(c) && !a.Reached(c) {
		t.Errorf("not transitive: %q, %q, %q", a, b, c)
	}
	ab, ok := a.Merge(b)
	if !ok {
		t.Fatalf("merging %q and %q failed", a, b)
	}
	union := ab.Transactions()
	if !isSubset(ta, union) || !isSubset(tb, union) {
		t.Errorf("%q does not cover %q and %q", ab, a, b)
	}
	for k := range union {
		if !ta[k] && !tb[k] {
			t.Errorf("%q has %s, which is neither in %q nor in %q", ab, k, a, b)
		}
	}
	if got, want := ab.Reached(c), isSubset(tc, union); got != want {
		t.Errorf("%q reached %q: got %v, want %v", ab, c, got, want)
	}
}

func TestGTIDSetsAgreeWithASimpleModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		a, b, c := mysqlAt(t, randomGTIDSet(rnd)), mysqlAt(t, randomGTIDSet(rnd)), mysqlAt(t, randomGTIDSet(rnd))
		checkGTIDSets(t, a, b, c)
		if t.Failed() {
			return
		}
	}
}

// small reports a set that the model can list.
func small(p rwsplit.Position) bool {
	for _, part := range strings.FieldsFunc(p.String(), func(r rune) bool { return r == ',' || r == ':' }) {
		if len(part) > 36 {
			return false
		}
		var lo, hi uint64
		if n, _ := fmt.Sscanf(part, "%d-%d", &lo, &hi); n == 2 && hi-lo > 1000 {
			return false
		}
	}
	return true
}

func FuzzGTIDSet(f *testing.F) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		f.Add(randomGTIDSet(rnd), randomGTIDSet(rnd), randomGTIDSet(rnd))
	}
	f.Add(uuidA+":1-3:tag:1-5:7", uuidA+":1-9223372036854775806", "")
	f.Fuzz(func(t *testing.T, textA, textB, textC string) {
		var sets []rwsplit.Position
		for _, text := range []string{textA, textB, textC} {
			p, err := rwsplit.MySQLPositions.ParsePosition(text)
			if err != nil {
				continue
			}
			again, err := rwsplit.MySQLPositions.ParsePosition(p.String())
			if err != nil || again.String() != p.String() || !again.Equal(p) {
				t.Fatalf("%q prints as %q, which reads as %q, %v", text, p, again, err)
			}
			sets = append(sets, p)
		}
		if len(sets) == 3 && small(sets[0]) && small(sets[1]) && small(sets[2]) {
			checkGTIDSets(t, sets[0], sets[1], sets[2])
		}
	})
}

func FuzzMariaDBPosition(f *testing.F) {
	f.Add("0-1-5,1-2-3", "1-2-4")
	f.Add("", "0-1-1")
	f.Fuzz(func(t *testing.T, textA, textB string) {
		a, errA := rwsplit.MariaDBPositions.ParsePosition(textA)
		b, errB := rwsplit.MariaDBPositions.ParsePosition(textB)
		if errA != nil || errB != nil {
			return
		}
		again, err := rwsplit.MariaDBPositions.ParsePosition(a.String())
		if err != nil || !again.Equal(a) || again.String() != a.String() {
			t.Fatalf("%q prints as %q, which reads as %q, %v", textA, a, again, err)
		}
		if !a.Reached(a) {
			t.Fatalf("%q has not reached itself", a)
		}
		if a.Reached(b) && b.Reached(a) && a.String() != b.String() {
			t.Fatalf("%q and %q reach each other", a, b)
		}
		m, ok := a.Merge(b)
		other, ok2 := b.Merge(a)
		if ok != ok2 || m.String() != other.String() {
			t.Fatalf("merging %q and %q: got %q, %v one way and %q, %v the other", a, b, m, ok, other, ok2)
		}
		if again, ok3 := m.Merge(a); ok && (!ok3 || !again.Equal(m)) {
			t.Fatalf("merging %q into %q again: got %q, %v", a, m, again, ok3)
		}
	})
}

func BenchmarkParseGTIDSet(b *testing.B) {
	text := uuidA + ":1-5:7:9-12345678,\n" + uuidB + ":1-987654321"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rwsplit.MySQLPositions.ParsePosition(text); err != nil {
			b.Fatal(err)
		}
	}
}
