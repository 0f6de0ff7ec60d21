package backends_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/backends"
)

// With roles=auto each server is opened for both roles, and is still one.
func TestOpenHasEveryServerOnce(t *testing.T) {
	for _, roles := range []rwsplit.Roles{rwsplit.RolesStatic, rwsplit.RolesAuto} {
		set, err := backends.Open(&rwsplit.Config{
			Driver: "pgx", Primary: "postgres://app@127.0.0.1:1/shop", ReplicaHosts: []string{"127.0.0.1:2", "127.0.0.1:3"}, Roles: roles,
		})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, set.Close()) })
		require.Len(t, set.Servers, 3)
		for i, name := range []string{"primary", "replica1", "replica2"} {
			require.Equal(t, name, set.Servers[i].Name)
			require.Equal(t, i == 0, set.Servers[i].Role == rwsplit.RolePrimary)
		}
	}
}
