package demo

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/backends"
)

// engine is what the demo's SQL depends on.
type engine struct {
	dialect string
	// prefix goes before the name of every table.
	prefix string
	// forUpdate ends a locking read; SQLite has none, its writing transactions
	// are alone from their BEGIN on.
	forUpdate string
}

// embeddedDDL also makes the table of position=heartbeat, which rwsplit would
// make itself, early enough for the embedded cluster to replicate it.
func embeddedDDL() []string { return append(embeddedEngine().ddl(), heartbeatDDL) }

const heartbeatDDL = "CREATE TABLE rwsplit_heartbeat (id INT PRIMARY KEY, history VARCHAR(32) NOT NULL, n BIGINT NOT NULL)"

func embeddedEngine() engine { return engine{dialect: "sqlite"} }

// realEngine is for a cluster that belongs to somebody: the tables have names
// that nobody else uses.
func realEngine(cfg *rwsplit.Config) (engine, error) {
	e := engine{dialect: backends.DialectName(cfg), forUpdate: " FOR UPDATE"}
	if e.dialect == "" || e.dialect == "generic" {
		return e, fmt.Errorf("the demo does not know which SQL driver=%s speaks: add dialect=postgres, mysql, mariadb or sqlite", cfg.Driver)
	}
	if e.dialect == "sqlite" {
		e.forUpdate = ""
	}
	id := make([]byte, 3)
	if _, err := rand.Read(id); err != nil {
		return e, err
	}
	e.prefix = "rwsplit_demo_" + hex.EncodeToString(id) + "_"
	return e, nil
}

// tables in the order of their making.
var tables = []string{"banner", "product", "account", "account_naive"}

const accounts, startBalance = 4, 1000

func (e engine) ddl() []string {
	return e.each(
		"CREATE TABLE {banner} (id INTEGER PRIMARY KEY, title VARCHAR(80) NOT NULL)",
		"CREATE TABLE {product} (id INTEGER PRIMARY KEY, title VARCHAR(80) NOT NULL, stock INTEGER NOT NULL)",
		"CREATE TABLE {account} (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
		"CREATE TABLE {account_naive} (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
	)
}

func (e engine) seed() []string {
	balances := make([]string, accounts)
	for i := range balances {
		balances[i] = fmt.Sprintf("(%d, %d)", i+1, startBalance)
	}
	return e.each(
		"INSERT INTO {banner} VALUES (1, 'Sale 10%')",
		"INSERT INTO {product} VALUES (1, 'Umbrella', 12), (2, 'Sun hat', 5)",
		"INSERT INTO {account} VALUES "+strings.Join(balances, ", "),
		"INSERT INTO {account_naive} VALUES "+strings.Join(balances, ", "),
	)
}

func (e engine) drop() []string {
	var out []string
	for _, t := range tables {
		out = append(out, "DROP TABLE IF EXISTS "+e.prefix+t)
	}
	return out
}

func (e engine) each(stmts ...string) []string {
	for i := range stmts {
		stmts[i] = e.sql(stmts[i])
	}
	return stmts
}

// sql turns {table} and ? into what the engine knows.
func (e engine) sql(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		switch {
		case r == '{':
			b.WriteString(e.prefix)
		case r == '}':
		case r == '?' && e.dialect == "postgres":
			n++
			fmt.Fprintf(&b, "$%d", n)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// shown is the text with its arguments in place, for the screen.
func shown(text string, args ...any) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '{' || r == '}':
		case r == '?' && len(args) > 0:
			if s, ok := args[0].(string); ok {
				b.WriteString("'" + s + "'")
			} else {
				fmt.Fprint(&b, args[0])
			}
			args = args[1:]
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
