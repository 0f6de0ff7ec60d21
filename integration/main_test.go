package integration_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/rwsplit/rwsplit/integration/cluster"
)

func TestMain(m *testing.M) {
	// Servers that go away are what these tests are about.
	_ = mysql.SetLogger(&mysql.NopLogger{})
	if os.Getenv(playing) != "" {
		if err := playElsewhere(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(cluster.Main(m))
}
