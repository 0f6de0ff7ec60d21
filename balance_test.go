package rwsplit

import (
	"math"
	"testing"
)

func share(b *balancer, picks int, next func() int) map[int]float64 {
	got := make(map[int]int)
	for range picks {
		i := next()
		b.load[i].served.Add(1)
		got[i]++
	}
	out := make(map[int]float64)
	for i, n := range got {
		out[i] = float64(n) / float64(picks)
	}
	return out
}

func TestBalanceFollowsTheWeights(t *testing.T) {
	for _, mode := range []Balance{LeastBusy, RoundRobin, Random} {
		t.Run(string(mode), func(t *testing.T) {
			b := newBalancer(mode, []int{2, 1, 1}, 4)
			got := share(b, 20_000, func() int { return b.pick(0b1110, 0) })
			for i, want := range map[int]float64{1: 0.5, 2: 0.25, 3: 0.25} {
				if math.Abs(got[i]-want) > 0.03 {
					t.Errorf("replica %d got %.3f of the reads, want %.2f", i, got[i], want)
				}
			}
		})
	}
}

func TestBalanceIsFairToASingleConnection(t *testing.T) {
	b := newBalancer(LeastBusy, nil, 4)
	var held replicaSet
	got := share(b, 20_000, func() int {
		i := b.pick(0b1110, held)
		held = held.with(i)
		return i
	})
	for i := 1; i <= 3; i++ {
		if math.Abs(got[i]-1.0/3) > 0.03 {
			t.Errorf("replica %d got %.3f of the reads, want a third", i, got[i])
		}
	}
}

func TestBalanceStaysOnAReplicaThatTheConnectionHolds(t *testing.T) {
	b := newBalancer(LeastBusy, nil, 3)
	moves := 0
	for range 20 {
		i := b.pick(0b110, 0b010)
		b.load[i].served.Add(1)
		if i != 1 {
			moves++
		}
	}
	if moves != 0 {
		t.Errorf("%d of the first 20 reads left a replica that was no worse", moves)
	}
}

func TestBalanceAvoidsABusyReplica(t *testing.T) {
	b := newBalancer(LeastBusy, nil, 3)
	b.load[1].running.Store(10)
	for range 100 {
		if i := b.pick(0b110, 0b010); i != 2 {
			t.Fatal("a read went to the replica with ten reads under way, though it held another way")
		}
	}
}

func TestBalanceForgivesWhatAReplicaMissedWhileItWasAway(t *testing.T) {
	b := newBalancer(LeastBusy, nil, 3)
	b.load[1].served.Store(1_000_000)
	got := share(b, 1000, func() int { return b.pick(0b110, 0) })
	if got[1] < 0.4 {
		t.Errorf("after an absence the other replica keeps only %.2f of the reads", got[1])
	}
}

func TestBalancePicksOnlyFromTheSet(t *testing.T) {
	for _, mode := range []Balance{LeastBusy, RoundRobin, Random} {
		b := newBalancer(mode, []int{0, 3, 0}, 4)
		for set := replicaSet(2); set < 16; set += 2 {
			for held := replicaSet(0); held < 16; held += 2 {
				for range 20 {
					if i := b.pick(set, held); !set.has(i) {
						t.Fatalf("%s: pick(%b, %b) = %d", mode, set, held, i)
					}
				}
			}
		}
	}
}

func BenchmarkPick(b *testing.B) {
	bl := newBalancer(LeastBusy, nil, 4)
	b.ReportAllocs()
	for b.Loop() {
		bl.pick(0b1110, 0b0010)
	}
}

func TestPreparingTakesNoTurn(t *testing.T) {
	b := newBalancer(RoundRobin, nil, 3)
	got := make(map[int]int)
	for range 10 {
		expected := b.foresee(0b110, 0)
		i := b.pick(0b110, 0)
		if i != expected {
			t.Errorf("prepared for replica %d, executed on %d", expected, i)
		}
		got[i]++
	}
	if got[1] != 5 || got[2] != 5 {
		t.Errorf("got %v, want 5 executions each", got)
	}
}
