package rwsplit_test

import (
	"database/sql/driver"
	"testing"

	"github.com/rwsplit/rwsplit"
)

// Rows and results are the base driver's own values: nothing is wrapped, so
// whatever a base driver adds to them is there.
func TestRowsAndResultsAreTheBaseDrivers(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{})
	conn := f.mustConn()
	err := conn.Raw(func(c any) error {
		rows, err := c.(driver.QueryerContext).QueryContext(bg, "SELECT server", nil)
		if err != nil {
			return err
		}
		if _, ok := rows.(*fakeRows); !ok {
			t.Errorf("rows are %T", rows)
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
		res, err := c.(driver.ExecerContext).ExecContext(bg, "INSERT INTO t VALUES (1)", nil)
		if err != nil {
			return err
		}
		if _, ok := res.(fakeResult); !ok {
			t.Errorf("result is %T", res)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRawGivesTheBaseConnections(t *testing.T) {
	f := newFakeCluster(t, 1, rwsplit.Config{}, fakeShape{conn: "+Pinger"})
	conn := f.mustConn()
	err := conn.Raw(func(c any) error {
		p, err := c.(rwsplit.Conn).Replica(bg)
		if err != nil {
			return err
		}
		equal(t, "replica", p.(fakeCore).fake().s.name, "replica1")
		if _, ok := p.(driver.Pinger); !ok {
			t.Error("the base connection lost its Ping")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()

	conn = f.mustConn()
	err = conn.Raw(func(c any) error {
		p, err := c.(rwsplit.Conn).Primary(bg)
		if err != nil {
			return err
		}
		equal(t, "primary", p.(fakeCore).fake().s.name, "primary")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "read after Raw", where(t, bg, conn), "primary")
}
