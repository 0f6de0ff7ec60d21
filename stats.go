package rwsplit

import (
	"database/sql"
	"errors"
	"sync/atomic"
	"time"
)

// counters count statements by backend and reason.
type counters struct {
	routed []atomic.Uint64 // backend index * numReasons + reason
}

func newCounters(backends int) counters {
	return counters{routed: make([]atomic.Uint64, backends*int(numReasons))}
}

func (c *counters) add(backend int, r Reason) {
	c.routed[backend*int(numReasons)+int(r)].Add(1)
}

func (c *counters) addAll(o *counters) {
	for i := range o.routed {
		c.routed[i].Add(o.routed[i].Load())
	}
}

// Stats is what a [Connector] did so far. It is a snapshot that the caller
// owns.
type Stats struct {
	// Backends has the primary first and then the replicas in their order.
	Backends []BackendStats
	// Reasons counts statements by routing rule, over all backends.
	Reasons map[Reason]uint64
	// RoleChanges counts, with roles=auto, what happened to the roles:
	// promotion (the one in charge became read-only and another took over),
	// takeover (it did not answer), demotion (nobody took over), refused (split
	// brain).
	RoleChanges map[string]uint64
	// Writes is the number of writes so far. A replica is known to have them all
	// once its CaughtUp is greater.
	Writes uint64
	// Tracking is what an unconfirmed write holds back now: with
	// tracking=table it is TrackingDatabase until the schema was read, and
	// while it changes.
	Tracking Tracking
	// Held says what held reads back from the replicas.
	Held HeldReads
}

// BackendStats is what [Stats] says of one backend.
type BackendStats struct {
	Backend
	// Up reports that reads may be sent there.
	Up bool
	// State says the same in more words, and Since since when.
	State BackendState
	// Since is when State began.
	Since time.Time
	// Statements is how many statements were routed there, transactions
	// begun included.
	Statements uint64
	// Reasons counts them by routing rule.
	Reasons map[Reason]uint64
	// Running is the number of reads under way.
	Running int64
	// Connections is the number of physical connections, those included that
	// are being closed.
	Connections int
	// CaughtUp is how many writes the backend is known to have replayed, what
	// was there before the start counting as the first one; 0: nothing is known.
	CaughtUp uint64
	// Lag is for how long a replica has been known to miss something; if not
	// LagKnown it is only a lower bound. An idle primary is no lag.
	Lag      time.Duration
	LagKnown bool
	// Position is what a replica had replayed when it was last asked, in the
	// engine's notation.
	Position string
	// Server is what the newest connection found out about it.
	Server Server
	// LastError is the last error of dialling it, without addresses or
	// secrets of its DSN beyond what the base driver puts into its errors.
	LastError string
}

// errNotOurs is returned for a sql.DB of another driver.
var errNotOurs = errors.New("rwsplit: this sql.DB was not opened with the rwsplit driver")

// connectorOf finds the Connector behind db.
func connectorOf(db *sql.DB) (*Connector, error) {
	if db == nil {
		return nil, errNotOurs
	}
	if d, ok := db.Driver().(*Driver); ok && d.connector != nil {
		return d.connector, nil
	}
	return nil, errNotOurs
}

// StatsOf returns what db did so far. It takes a lock that no statement takes,
// and does no I/O. It fails if db was not opened with this driver.
func StatsOf(db *sql.DB) (Stats, error) {
	c, err := connectorOf(db)
	if err != nil {
		return Stats{}, err
	}
	return c.Stats(), nil
}

// Stats returns what c did so far; see [StatsOf].
func (c *Connector) Stats() Stats {
	total := newCounters(len(c.servers))
	c.mu.Lock()
	total.addAll(&c.past)
	for cn := range c.open {
		total.addAll(&cn.counts)
	}
	c.mu.Unlock()

	snap := c.board.load()
	st := Stats{
		Backends: make([]BackendStats, len(c.servers)),
		Reasons:  make(map[Reason]uint64),
		Writes:   c.writes.counter.Load() - 1,
		Tracking: TrackingDatabase,
		Held:     c.heldReads(),
	}
	if c.classifier.Load().know.knowsTables() {
		st.Tracking = TrackingTable
	}
	if c.roles != nil {
		st.RoleChanges = c.roles.counted()
	}
	for i, srv := range c.servers {
		b := &st.Backends[i]
		b.Backend = c.backend(i, snap.role(i))
		b.State, b.Since = c.stateOf(snap, i), time.Unix(0, srv.since.Load())
		b.Up = b.State == StateUp
		b.Reasons = make(map[Reason]uint64)
		for r := range numReasons {
			if n := total.routed[i*int(numReasons)+int(r)].Load(); n != 0 {
				b.Reasons[r] = n
				b.Statements += n
				st.Reasons[r] += n
			}
		}
		b.Running = c.balancer.load[i].running.Load()
		b.Connections = srv.gate.count()
		b.CaughtUp = snap.backends[i].caughtUp
		b.Lag, b.LagKnown = snap.backends[i].lag.lag(time.Now())
		b.Position = snap.backends[i].position.String()
		if seen := srv.seen.Load(); seen != nil {
			b.Server = *seen
		}
		if msg := srv.lastErr.Load(); msg != nil {
			b.LastError = *msg
		}
	}
	return st
}
