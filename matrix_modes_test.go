package rwsplit_test

import (
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/rwsplit/rwsplit"
)

// matrixModes are the ways through rwsplit that must look like the bare driver.
var matrixModes = []matrixMode{
	{name: "DSN without replicas", open: func(t *testing.T, servers []*fakeServer) *sql.DB {
		return openDSN(t, "rwsplit", "driver=fake primary="+servers[0].dsn(t))
	}},
	{name: "DSN without replicas, dialect generic, driver without connectors", open: func(t *testing.T, servers []*fakeServer) *sql.DB {
		return openDSN(t, "rwsplit", "driver=fakeold dialect=generic primary="+servers[0].dsn(t))
	}},
	{name: "connectors without replicas", open: func(t *testing.T, servers []*fakeServer) *sql.DB {
		return openFakes(t, rwsplit.Config{}, servers...)
	}},
	{name: "two replicas", replicas: 2, open: func(t *testing.T, servers []*fakeServer) *sql.DB {
		return openFakes(t, rwsplit.Config{Consistency: rwsplit.Eventual}, servers...)
	}},
	{name: "two replicas, reads=shadow", replicas: 2, open: func(t *testing.T, servers []*fakeServer) *sql.DB {
		return openFakes(t, rwsplit.Config{Consistency: rwsplit.Eventual, Reads: rwsplit.ReadsShadow}, servers...)
	}},
}

func openDSN(t testing.TB, name, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(name, dsn)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// openFakes opens the fake servers, the primary first.
func openFakes(t testing.TB, cfg rwsplit.Config, servers ...*fakeServer) *sql.DB {
	t.Helper()
	if cfg.Dialect == "" {
		cfg.Driver = "fake"
	}
	cfg.PrimaryConnector = servers[0].connector()
	cfg.ReplicaConnectors = nil
	for _, s := range servers[1:] {
		cfg.ReplicaConnectors = append(cfg.ReplicaConnectors, s.connector())
	}
	c, err := rwsplit.NewConnector(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	return sql.OpenDB(driver.Connector(c))
}
