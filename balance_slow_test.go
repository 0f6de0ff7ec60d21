package rwsplit

import (
	"testing"
)

// slowShare lets readers read for a while from three replicas, of which the
// first takes ten times as long, in a time of its own. It returns the shares of
// the reads by replica, and how many there were.
func slowShare(mode Balance, readers int) (share [3]float64, reads int) {
	b := newBalancer(mode, nil, 4)
	cost := [4]int{1: 100, 2: 10, 3: 10}
	type reader struct{ on, until int }
	now := make([]reader, readers)
	var got [4]int
	for tick := range 100_000 {
		for r := range now {
			if now[r].until > tick {
				continue
			}
			if i := now[r].on; i != 0 {
				b.load[i].running.Add(-1)
			}
			i := b.pick(0b1110, 0b1110)
			b.load[i].running.Add(1)
			b.load[i].served.Add(1)
			got[i]++
			reads++
			now[r] = reader{i, tick + cost[i]}
		}
	}
	for i := range share {
		share[i] = float64(got[i+1]) / float64(reads)
	}
	return share, reads
}

func TestBalanceGivesASlowReplicaLess(t *testing.T) {
	for _, readers := range []int{4, 32} {
		even, slow := slowShare(RoundRobin, readers)
		t.Logf("%2d readers, replica1 ten times slower: round_robin %.3f, %d reads", readers, even, slow)
		got, reads := slowShare(LeastBusy, readers)
		t.Logf("%2d readers, replica1 ten times slower: least_busy  %.3f, %d reads", readers, got, reads)
		if got[0] > even[0]/2 {
			t.Errorf("%d readers: the slow replica gets %.3f of the reads", readers, got[0])
		}
		if d := got[1] - got[2]; d > 0.05 || d < -0.05 {
			t.Errorf("%d readers: the fast ones get %.3f and %.3f", readers, got[1], got[2])
		}
		if reads < slow {
			t.Errorf("%d readers: %d reads, with turns %d", readers, reads, slow)
		}
	}
}
