package rwsplit

import (
	"log/slog"
	"time"
)

// BackendState is what a backend is good for at the moment.
type BackendState string

// The states of a backend.
const (
	// StateUp: it serves what belongs on it.
	StateUp BackendState = "up"
	// StateDown: it can't be reached, or does not answer.
	StateDown BackendState = "down"
	// StateLagging: a replica that is further behind than max_lag.
	StateLagging BackendState = "lagging"
	// StateRefused: with roles=auto, a server that takes writes beside the one
	// in charge, or was in charge and has not said yet that it follows.
	StateRefused BackendState = "refused"
)

// stateOf works out the state of backend i, and since when it has been in it.
func (c *Connector) stateOf(snap *snapshot, i int) BackendState {
	switch {
	case i != snap.primary && !snap.replicas.has(i):
		return StateRefused
	case i == snap.primary && c.servers[i].down.Load(), i != snap.primary && !snap.up.has(i):
		return StateDown
	case i != snap.primary && !snap.fresh.has(i):
		return StateLagging
	default:
		return StateUp
	}
}

// noteState remembers since when backend i is in its state, and logs that it
// left the reads for its lag or came back.
func (c *Connector) noteState(i int) {
	snap := c.board.load()
	srv := c.servers[i]
	now := c.stateOf(snap, i)
	was, _ := srv.state.Swap(now).(BackendState)
	if was == now {
		return
	}
	srv.since.Store(time.Now().UnixNano())
	if now != StateLagging && (was != StateLagging || now != StateUp) {
		return // who took it down or put it back says so
	}
	lag, known := snap.backends[i].lag.lag(time.Now())
	c.log(slog.LevelInfo, "rwsplit: replica is "+string(now), "backend", srv.Name, "lag", lag, "lag_known", known, "max_lag", c.cfg.MaxLag)
}
