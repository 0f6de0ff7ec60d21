package rwsplit

import (
	"math/rand/v2"
	"sync/atomic"
)

// balancer picks one of several replicas. It holds no lock; a pick costs the
// same whatever the number of connections.
type balancer struct {
	mode    Balance
	weights [maxBackends]uint64 // by backend index
	turn    atomic.Uint64       // of round_robin
	load    []load              // by backend index
}

// load is what least_busy compares, and what tells a slow backend from a frozen
// one.
type load struct {
	running  atomic.Int64  // reads under way
	served   atomic.Uint64 // reads started, forgiven down to what the others have
	answered atomic.Uint64 // statements that ended well
}

const (
	// busySlack is by how many running reads another replica must be better
	// before a connection leaves the one that it already holds.
	busySlack = 2
	// servedSlack is by how many reads a replica that the connection holds may
	// be ahead of another one.
	servedSlack = 32
	// servedDebt bounds the reads that a replica is owed: one that comes back
	// after an hour must not get everything at once.
	servedDebt = 64
)

func newBalancer(mode Balance, weights []int, backends int) *balancer {
	b := &balancer{mode: mode, load: make([]load, backends)}
	for i := range backends {
		b.weights[i] = 1 // the first one too: with roles=auto it may follow
		if i > 0 && i <= len(weights) {
			b.weights[i] = uint64(weights[i-1])
		}
	}
	return b
}

// pick returns a member of set, which must not be empty. held are the replicas
// that the connection has dialled already.
func (b *balancer) pick(set, held replicaSet) int {
	if set.only() {
		return set.first()
	}
	switch b.mode {
	case RoundRobin:
		return b.weighted(set, b.turn.Add(1)-1)
	case Random:
		return b.weighted(set, rand.Uint64())
	default:
		return b.leastBusy(set, held)
	}
}

// foresee returns what pick is expected to return next. A statement is prepared
// there, which must not use up the turn of its execution: with two replicas
// all executions would go to the other one.
func (b *balancer) foresee(set, held replicaSet) int {
	if b.mode == RoundRobin && !set.only() {
		return b.weighted(set, b.turn.Load())
	}
	return b.pick(set, held)
}

// weighted spreads consecutive values of n over set by weight.
func (b *balancer) weighted(set replicaSet, n uint64) int {
	var total uint64
	for rest := set; rest != 0; rest &= rest - 1 {
		total += b.weights[rest.first()]
	}
	if total == 0 {
		return set.nth(int(n % uint64(set.len())))
	}
	n %= total
	for rest := set; ; rest &= rest - 1 {
		i := rest.first()
		if n < b.weights[i] {
			return i
		}
		n -= b.weights[i]
	}
}

// leastBusy takes two choices at random, one of them a replica that the
// connection holds, and returns the better.
func (b *balancer) leastBusy(set, held replicaSet) int {
	holds := set & held
	from := holds
	if from == 0 {
		from = set
	}
	i := from.nth(rand.IntN(from.len()))
	others := set.without(i)
	j := others.nth(rand.IntN(others.len()))

	wi, wj := b.weights[i], b.weights[j]
	if wj == 0 || wi == 0 {
		if wi == 0 && wj > 0 {
			return j
		}
		return i
	}
	li, lj := &b.load[i], &b.load[j]
	// Cross-multiplied, so that weights need no division.
	busyI, busyJ := li.running.Load()*int64(wj), lj.running.Load()*int64(wi)
	servedI, servedJ := li.served.Load(), lj.served.Load()
	if debt := servedI*wj/wi - min(servedI*wj/wi, servedJ); debt > servedDebt*wj {
		lj.served.CompareAndSwap(servedJ, servedI*wj/wi-servedDebt*wj)
		servedJ = lj.served.Load()
	}
	aheadI, aheadJ := servedI*wj, servedJ*wi

	if holds.has(i) && !holds.has(j) {
		if busyJ+busySlack*int64(wi) <= busyI || (busyJ <= busyI && aheadJ+servedSlack*wi*wj < aheadI) {
			return j
		}
		return i
	}
	if busyJ < busyI || (busyJ == busyI && aheadJ < aheadI) {
		return j
	}
	return i
}
