package cluster

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Errant returns an error that names the transactions which a replica has and
// the primary has not: somebody wrote there. PostgreSQL standbys can't have any.
func (c *Cluster) Errant(ctx context.Context) error {
	return c.eachReplica(func(s *Server) error {
		extra, err := c.flavor.errant(ctx, c.Primary(), s)
		if err == nil && extra != "" {
			err = fmt.Errorf("cluster: %s has transactions of its own: %s", s.Name, strings.ReplaceAll(extra, "\n", ""))
		}
		return err
	})
}

// DataEqual waits until the replicas have replayed everything and returns an
// error that names each table of the application that differs from the
// primary's. Nobody may write meanwhile.
func (c *Cluster) DataEqual(ctx context.Context) error {
	if err := c.WaitReplayed(ctx); err != nil {
		return err
	}
	want, err := c.sums(ctx, c.Primary())
	if err != nil {
		return err
	}
	return c.eachReplica(func(s *Server) error {
		got, err := c.sums(ctx, s)
		if err != nil {
			return err
		}
		var errs []error
		for _, table := range slices.Sorted(maps.Keys(want)) {
			if got[table] != want[table] {
				errs = append(errs, fmt.Errorf("cluster: table %s of %s has %s, the primary has %s", table, s.Name, got[table], want[table]))
			}
			delete(got, table)
		}
		for _, table := range slices.Sorted(maps.Keys(got)) {
			errs = append(errs, fmt.Errorf("cluster: table %s is on %s only", table, s.Name))
		}
		return errors.Join(errs...)
	})
}

// sums returns the number of rows and a hash of them for each table.
func (c *Cluster) sums(ctx context.Context, s *Server) (map[string]string, error) {
	queries, err := c.flavor.tables(ctx, s)
	if err != nil {
		return nil, err
	}
	sums := make(map[string]string, len(queries))
	for table, query := range queries {
		rows, err := queryStrings(ctx, s.admin, query)
		if err != nil {
			return nil, err
		}
		hash := sha256.New()
		for _, row := range rows {
			fmt.Fprintln(hash, row)
		}
		sums[table] = fmt.Sprintf("%d rows with hash %.8x", len(rows), hash.Sum(nil))
	}
	return sums, nil
}

// run runs statements one by one as the administrator.
func run(ctx context.Context, s *Server, statements ...string) error {
	for _, statement := range statements {
		if _, err := s.admin.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("cluster: %s: %s: %w", s.Name, strings.SplitN(statement, " ", 3)[0], err)
		}
	}
	return nil
}

// queryStrings returns the single column of a query.
func queryStrings(ctx context.Context, db *sql.DB, query string) ([]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var value sql.NullString
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		out = append(out, value.String)
	}
	return out, rows.Err()
}

// queryRow returns the first row of a query by column name; none is an empty map.
func queryRow(ctx context.Context, db *sql.DB, query string) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make(map[string]string)
	columns, err := rows.Columns()
	if err != nil || !rows.Next() {
		return out, errors.Join(err, rows.Err())
	}
	values := make([]sql.NullString, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	for i, column := range columns {
		out[column] = values[i].String
	}
	return out, rows.Err()
}
