package integration_test

import (
	"os"
	"testing"

	"github.com/rwsplit/rwsplit/integration/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }
