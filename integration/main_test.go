package integration_test

import (
	"os"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/rwsplit/rwsplit/integration/cluster"
)

func TestMain(m *testing.M) {
	// Servers that go away are what these tests are about.
	_ = mysql.SetLogger(&mysql.NopLogger{})
	os.Exit(cluster.Main(m))
}
