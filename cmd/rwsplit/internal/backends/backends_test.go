package backends_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/backends"
)

func TestBriefIsOneLine(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.New("failed to connect:\n\tdb-1: refused\n\tdb-1: timeout"), "db-1: timeout"},
		{&mysql.MySQLError{Number: 1064, Message: "wrong near 'SELECT\n\t1' at line 1"}, "Error 1064: wrong near 'SELECT 1' at line 1"},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), "no answer in time"},
	} {
		require.Equal(t, tt.want, backends.Brief(tt.err))
	}
}

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
