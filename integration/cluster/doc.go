// Package cluster starts real database clusters in containers, a primary and
// replicas that really replicate, for tests: [Start], or [Shared] for one
// cluster per engine and test binary. It controls them (delay, pause, kill,
// freeze, promote) and asks the servers themselves what they did
// ([Server.Statements], [Cluster.Errant], [Cluster.DataEqual]).
//
// The application's user "app" has no privilege that bypasses a replica's
// read-only mode and owns the empty database "shop". Servers listen on
// 127.0.0.1 only, on ports that stay theirs through restarts. Nothing is
// flushed to disk: a killed server loses nothing, a crashed machine might.
package cluster
