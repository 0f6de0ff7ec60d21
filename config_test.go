package rwsplit_test

import (
	"context"
	"database/sql/driver"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

type noConnector struct{ driver.Connector }

func TestConfigNormalize(t *testing.T) {
	primary := noConnector{}
	tests := []struct {
		name string
		c    rwsplit.Config
		want string
	}{
		{"by DSN", rwsplit.Config{Driver: "pgx", Primary: "p"}, ""},
		{"by connector", rwsplit.Config{Dialect: "postgres", PrimaryConnector: primary}, ""},
		{"by connector with a driver", rwsplit.Config{Driver: "pgx", PrimaryConnector: primary}, ""},
		{
			"DSN and connectors",
			rwsplit.Config{Driver: "pgx", Primary: "p", ReplicaConnectors: []driver.Connector{primary}, Weights: []int{1}},
			"",
		},
		{"nothing", rwsplit.Config{}, "primary is required: the base driver's DSN of the primary"},
		{
			"two primaries",
			rwsplit.Config{Driver: "pgx", Primary: "hunter2", PrimaryConnector: primary},
			"primary and PrimaryConnector are both set: one of them names the primary",
		},
		{
			"hosts without a DSN",
			rwsplit.Config{Driver: "pgx", PrimaryConnector: primary, ReplicaHosts: []string{"h:1"}},
			"replica_hosts needs primary: the replicas' DSNs are made of it",
		},
		{
			"a replica's DSN without a driver",
			rwsplit.Config{Dialect: "postgres", PrimaryConnector: primary, Replicas: []string{"hunter2"}},
			"driver is required: the name of the base driver, such as pgx or mysql",
		},
		{
			"connectors and nothing else",
			rwsplit.Config{PrimaryConnector: primary},
			"dialect is required where connectors are given and no driver",
		},
		{
			"a nil connector",
			rwsplit.Config{Driver: "pgx", Primary: "p", ReplicaConnectors: []driver.Connector{nil}},
			"ReplicaConnectors must not contain nil",
		},
		{
			"an empty replica",
			rwsplit.Config{Driver: "pgx", Primary: "p", Replicas: []string{""}},
			"replica: must not be empty",
		},
		{
			"a negative duration",
			rwsplit.Config{Driver: "pgx", Primary: "p", StickyFor: -time.Second},
			`sticky_for="-1s": must be a duration from 1ms to 24h`,
		},
		{
			"a value that is none",
			rwsplit.Config{Driver: "pgx", Primary: "p", Balance: "app:hunter2@h"},
			"balance: must be one of least_busy, round_robin, random",
		},
		{
			"a toggle that is none",
			rwsplit.Config{Driver: "pgx", Primary: "p", Hints: 7},
			`hints="7": must be on or off`,
		},
		{
			"a weight out of bounds",
			rwsplit.Config{Driver: "pgx", Primary: "p", Replicas: []string{"r"}, Weights: []int{-1}},
			`weights="-1": must be whole numbers from 1 to 1000, one for each replica`,
		},
		{
			"more weights than replicas",
			rwsplit.Config{Driver: "pgx", Primary: "p", Replicas: []string{"r"}, ReplicaHosts: []string{"h:1"}, Weights: []int{1, 2, 3}},
			"weights has 3 numbers for 2 replicas: must be one for each",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := rwsplit.NormalizeConfig(&test.c); err != nil {
				got = err.Error()
			}
			want := test.want
			if want != "" {
				want = "rwsplit: " + want
			}
			if got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestConfigCloneIsDeep(t *testing.T) {
	c := &rwsplit.Config{
		Driver: "pgx", Primary: "p", Replicas: []string{"a"}, ReplicaHosts: []string{"b:1"},
		ReplicaConnectors: []driver.Connector{noConnector{}}, Weights: []int{1, 2, 3}, ReadFunctions: []string{"f"},
		OnRoute: func(context.Context, rwsplit.Decision) {},
	}
	d := c.Clone()
	// Functions compare equal only to nil.
	if d.OnRoute == nil {
		t.Error("OnRoute is lost")
	}
	c.OnRoute, d.OnRoute = nil, nil
	if !reflect.DeepEqual(c, d) {
		t.Error("the copy differs")
	}
	// Every slice of the copy is its own, those of later fields too.
	cv, dv := reflect.ValueOf(c).Elem(), reflect.ValueOf(d).Elem()
	slices := 0
	for i := range cv.NumField() {
		if cv.Field(i).Kind() != reflect.Slice {
			continue
		}
		slices++
		name := cv.Type().Field(i).Name
		if cv.Field(i).Len() == 0 {
			t.Errorf("this test does not fill %s", name)
		} else if cv.Field(i).Pointer() == dv.Field(i).Pointer() {
			t.Errorf("%s is shared", name)
		}
	}
	if slices != 5 {
		t.Errorf("got %d slices in Config, want 5", slices)
	}
}

func TestNewConnectorWantsAConfig(t *testing.T) {
	if _, err := rwsplit.NewConnector(nil); err == nil || !strings.Contains(err.Error(), "Config is nil") {
		t.Errorf("got error %v", err)
	}
}
