package rwsplit

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"time"
)

// Config is a parsed DSN plus what a DSN can't carry. The zero value of every
// field but Driver and Primary means its default. [NewConnector] copies it
// deeply; later changes to it have no effect.
type Config struct {
	// Driver is the name of the registered base driver. Required unless
	// PrimaryConnector is set.
	Driver string
	// Dialect is postgres, mysql, mariadb, sqlite or generic. Default: the
	// dialect that belongs to Driver.
	Dialect string

	// Primary is the base driver's DSN of the primary.
	Primary string
	// Replicas are the base driver's DSNs of the replicas.
	Replicas []string
	// ReplicaHosts are host:port pairs: each adds a replica with the primary's
	// DSN and that host.
	ReplicaHosts []string
	// PrimaryConnector takes the place of Primary.
	PrimaryConnector driver.Connector
	// ReplicaConnectors are further replicas, after Replicas and ReplicaHosts.
	ReplicaConnectors []driver.Connector
	// Weights are the replicas' shares of the reads, in their order. Default:
	// equal.
	Weights []int

	// Reads says which reads may leave the primary. Default: ReadsReplica.
	Reads Reads
	// Consistency is what a read sees at least. Default: Process.
	Consistency Consistency
	// Wait is how long a read may wait for a replica to catch up. Default: 0.
	Wait time.Duration
	// StickyFor is how long reads stay on the primary after a write where the
	// replicas' positions can't tell. Default: 5s.
	StickyFor time.Duration
	// Position is how replicas are known to have caught up. Default: PositionNative.
	Position PositionSource
	// Tracking is what an unconfirmed write holds back: every read, or those of
	// the tables that it may have changed. Default: TrackingDatabase.
	Tracking Tracking
	// MaxLag keeps replicas that are further behind from serving reads.
	// Default: no limit.
	MaxLag time.Duration
	// Balance picks one of several replicas. Default: LeastBusy.
	Balance Balance
	// Fallback says what happens to a read that no replica can serve.
	// Default: FallbackPrimary.
	Fallback Fallback
	// FallbackMax bounds the reads that run on the primary at once because no
	// replica is healthy enough; one more fails with ErrNoReplica. Default: no
	// limit.
	FallbackMax int
	// Roles says whether roles follow the servers. Default: RolesStatic.
	Roles Roles
	// ProbeInterval is the time between two looks at an idle backend. Default: 1s.
	ProbeInterval time.Duration
	// ProbeTimeout bounds each look. Default: 1s.
	ProbeTimeout time.Duration
	// ReadOnlyReplicas opens replica sessions read-only. Default: on.
	ReadOnlyReplicas Toggle
	// OnRefused says what happens to a write that a replica refused.
	// Default: RefusedPrimary.
	OnRefused OnRefused
	// Pins says how long session state keeps statements on its server.
	// Default: PinsScope.
	Pins Pins
	// Cluster is a name mixed into tokens: those made under another one send
	// reads to the primary. Default: none.
	Cluster string
	// ReadFunctions are functions of the user that are safe on a replica, with
	// their schema if that matters. Default: none.
	ReadFunctions []string
	// Catalog says whether the engine's catalog is read for what the
	// classifier can't know. Default: on.
	Catalog Toggle
	// Hints says whether leading comment hints are honoured. Default: off.
	Hints Toggle
	// LazyBegin delays BEGIN to the first statement of a transaction.
	// Default: off.
	LazyBegin Toggle

	// Logger gets what an operator should know. Default: nothing is logged.
	Logger *slog.Logger
	// OnRoute is called once for every statement, after it was routed and
	// before it runs, on the caller's goroutine: it must not block.
	OnRoute func(context.Context, Decision)
	// WrapConnector is applied to each backend's connector; with roles=auto to
	// two of each that is given by a DSN, one for either role.
	WrapConnector func(Backend, driver.Connector) driver.Connector
}

// Toggle is a boolean with a default.
type Toggle uint8

const (
	// ToggleDefault is the zero value: the default of the field.
	ToggleDefault Toggle = iota
	// ToggleOn is yes.
	ToggleOn
	// ToggleOff is no.
	ToggleOff
)

// Reads says which reads may leave the primary.
type Reads string

// Values of [Config.Reads].
const (
	// ReadsReplica lets every read run on a replica that may.
	ReadsReplica Reads = "replica"
	// ReadsPrimary leaves replicas to what a hint or a read-only transaction
	// sends there.
	ReadsPrimary Reads = "primary"
	// ReadsShadow runs everything on the primary, and tells by OnRoute and
	// [StatsOf] where it would have run.
	ReadsShadow Reads = "shadow"
)

// Consistency says what a read sees at least.
type Consistency string

// Values of [Config.Consistency], the weakest first; the package comment has
// more on each.
const (
	// Eventual promises nothing beyond a transaction and a connection's scope.
	Eventual Consistency = "eventual"
	// Session shows what the session wrote or was handed by token, and what was
	// written outside any session.
	Session Consistency = "session"
	// Process shows every write that the same sql.DB completed before.
	Process Consistency = "process"
	// Global shows every write that anybody completed on the primary before.
	Global Consistency = "global"
)

// PositionSource says how replicas are known to have caught up.
type PositionSource string

// Values of [Config.Position].
const (
	// PositionNative asks for the engine's replication positions.
	PositionNative PositionSource = "native"
	// PositionHeartbeat counts in a table of one row, rwsplit_heartbeat, that
	// the tracker makes and writes on the primary.
	PositionHeartbeat PositionSource = "heartbeat"
	// PositionNone asks for nothing: reads stay on the primary for StickyFor
	// after a write.
	PositionNone PositionSource = "none"
)

// Tracking says what an unconfirmed write holds back.
type Tracking string

// Values of [Config.Tracking].
const (
	// TrackingDatabase: every read.
	TrackingDatabase Tracking = "database"
	// TrackingTable: those that could see it, as the catalog tells.
	TrackingTable Tracking = "table"
)

// Balance picks one of several replicas.
type Balance string

// Values of [Config.Balance].
const (
	// LeastBusy takes the one with fewer running reads of two chosen at random.
	LeastBusy Balance = "least_busy"
	// RoundRobin takes one after the other.
	RoundRobin Balance = "round_robin"
	// Random takes any.
	Random Balance = "random"
)

// Fallback says what happens to a read that no replica can serve.
type Fallback string

// Values of [Config.Fallback].
const (
	// FallbackPrimary: it runs on the primary.
	FallbackPrimary Fallback = "primary"
	// FallbackError: it fails with [ErrNoReplica].
	FallbackError Fallback = "error"
)

// Roles says whether roles follow the servers.
type Roles string

// Values of [Config.Roles].
const (
	// RolesStatic: they are those of the Config.
	RolesStatic Roles = "static"
	// RolesAuto: the one server that takes writes is the primary.
	RolesAuto Roles = "auto"
)

// OnRefused says what happens to a write that a replica refused.
type OnRefused string

// Values of [Config.OnRefused].
const (
	// RefusedPrimary: it runs on the primary.
	RefusedPrimary OnRefused = "primary"
	// RefusedError: the caller gets the replica's error.
	RefusedError OnRefused = "error"
)

// Pins says how long session state keeps statements on its server.
type Pins string

// Values of [Config.Pins].
const (
	// PinsScope: until the scope ends, however the state is left.
	PinsScope Pins = "scope"
	// PinsConn: until the state is undone, across the scopes of a pooled
	// connection.
	PinsConn Pins = "conn"
)
