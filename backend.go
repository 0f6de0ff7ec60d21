package rwsplit

// Role is what a backend is used for.
type Role uint8

const (
	// RolePrimary takes writes.
	RolePrimary Role = iota
	// RoleReplica serves reads.
	RoleReplica
)

// String returns "primary" or "replica".
func (r Role) String() string {
	if r == RoleReplica {
		return "replica"
	}
	return "primary"
}

// Backend names one of the servers of a [Config]. It holds no address and no
// secret.
type Backend struct {
	// Index is 0 for the configured primary and 1, 2, ... for the replicas in
	// their order.
	Index int
	// Name is "primary", "replica1", "replica2", ...
	Name string
	// Role is what the backend is used for now.
	Role Role
}
