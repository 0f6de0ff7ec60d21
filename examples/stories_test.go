package examples_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/rwsplit/rwsplit"
)

// A row is saved and read back in the next statement: the read stays on the
// primary until the replicas have the row.
func Example_banner() {
	shop := openShop("position=none sticky_for=100ms")
	defer shop.close()
	ctx := context.Background()

	_, err := shop.ExecContext(ctx, "INSERT INTO product VALUES (2, 'coffee')")
	must(err)
	fmt.Println(shop.name(ctx, 2))
	shop.caughtUp()
	fmt.Println(shop.name(ctx, 1))
	// Output:
	// primary <- exec: statement belongs on the primary
	// primary <- query: no replica has caught up with the last write
	// coffee
	// replica <- query: plain read
	// tea
}

// Hints override where that is safe: a write stays a write.
func Example_hints() {
	shop := openShop("position=none sticky_for=100ms")
	defer shop.close()
	ctx := context.Background()

	shop.name(rwsplit.WithPrimary(ctx), 1)
	_, err := shop.ExecContext(rwsplit.WithReplica(ctx), "UPDATE product SET name = 'green tea' WHERE id = 1")
	must(err)
	fmt.Println(shop.name(rwsplit.WithReplica(ctx), 1), "(stale: it was asked for)")
	_, err = shop.ExecContext(rwsplit.WithReadOnly(ctx), "DELETE FROM product")
	fmt.Println(errors.Is(err, rwsplit.ErrReadOnly))
	// Output:
	// primary <- query: hint: primary
	// primary <- exec: statement belongs on the primary
	// replica <- query: hint: replica
	// tea (stale: it was asked for)
	// true
}

// A read-only transaction runs on a replica, any other on the primary from its
// first read.
func Example_transactions() {
	shop := openShop("position=none sticky_for=100ms")
	defer shop.close()
	ctx := context.Background()

	for _, readOnly := range []bool{true, false} {
		tx, err := shop.BeginTx(ctx, &sql.TxOptions{ReadOnly: readOnly})
		must(err)
		var name string
		must(tx.QueryRowContext(ctx, "SELECT name FROM product WHERE id = 1").Scan(&name))
		must(tx.Commit())
	}
	// Output:
	// replica <- begin: read-only transaction
	// replica <- query: in a transaction
	// primary <- begin: transaction
	// primary <- query: in a transaction
}

// Classify tells where a text may run, and why.
func Example_classify() {
	for _, query := range []string{
		"SELECT * FROM product",
		"SELECT * FROM product WHERE id = 1 FOR UPDATE SKIP LOCKED",
		"WITH gone AS (DELETE FROM product RETURNING *) SELECT * FROM gone",
	} {
		st := rwsplit.Classify("postgres", query)
		fmt.Printf("%s: %s\n", st.Route, st.Reason)
	}
	// Output:
	// replica: plain read
	// primary: locking read (FOR UPDATE)
	// primary: write inside a query (DELETE, MERGE)
}
