package rwhttp_test

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rwsplit/rwsplit"
)

// What rwhttp asks of the root package.

func TestAddTokenRaisesWhatASessionSees(t *testing.T) {
	c := newCluster("shop", 1)
	a, b := c.openDB(t), c.openDB(t)
	tokenAfterWrite := func() string {
		t.Helper()
		ctx := rwsplit.WithSession(context.Background())
		if err := write(ctx, a); err != nil {
			t.Fatal(err)
		}
		token, err := rwsplit.Token(ctx, a)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	first, second := tokenAfterWrite(), tokenAfterWrite()

	session := rwsplit.WithSession(context.Background())
	check := func(ctx context.Context, want seen) {
		t.Helper()
		got, err := read(ctx, b)
		if err != nil {
			t.Fatal(err)
		}
		wantSeen(t, got, want)
	}
	check(session, seen{Replica: true})
	if err := rwsplit.AddToken(session, b, ""); err != nil {
		t.Fatal(err)
	}
	check(session, seen{Replica: true})

	// In any order, from many goroutines, through any context of the session.
	var wg sync.WaitGroup
	for _, token := range []string{second, first, second, first} {
		wg.Go(func() {
			if err := rwsplit.AddToken(rwsplit.WithReadOnly(session), b, token); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := rwsplit.AddToken(session, b, first); err != nil {
		t.Fatal(err)
	}
	c.replayTo(1)
	c.settle(t, b)
	check(session, seen{Version: 2})
	check(rwsplit.WithToken(context.Background(), first), seen{Replica: true, Version: 1})
	check(rwsplit.WithToken(session, first), seen{Version: 2})

	// What was handed in is handed on.
	token, err := rwsplit.Token(session, b)
	if err != nil {
		t.Fatal(err)
	}
	check(rwsplit.WithToken(context.Background(), token), seen{Version: 2})
	c.replay()
	c.settle(t, b)
	check(rwsplit.WithToken(context.Background(), token), seen{Replica: true, Version: 2})
	// The session itself has read on the primary: it goes back to a replica
	// once that is known to be as far as the primary was then.
	for deadline := time.Now().Add(5 * time.Second); ; {
		got, err := read(session, b)
		if err != nil {
			t.Fatal(err)
		}
		if got == (seen{Replica: true, Version: 2}) {
			break
		}
		if got.Version != 2 || time.Now().After(deadline) {
			t.Fatalf("read: got %+v, want a replica with version 2", got)
		}
		time.Sleep(time.Millisecond)
	}

	// One that can't be used spoils the session's knowledge, and nobody else's.
	if err := rwsplit.AddToken(session, b, "forged"); err != nil {
		t.Fatal(err)
	}
	check(session, seen{Version: 2})
	check(rwsplit.WithSession(context.Background()), seen{Replica: true, Version: 2})
	if token, err = rwsplit.Token(session, b); err != nil {
		t.Fatal(err)
	}
	check(rwsplit.WithToken(context.Background(), token), seen{Version: 2})
}

func TestAddTokenNeedsASessionAndADB(t *testing.T) {
	c := newCluster("shop", 1)
	db := c.openDB(t)
	other := sql.OpenDB(server{c, 0})
	t.Cleanup(func() { _ = other.Close() })
	session := rwsplit.WithSession(context.Background())
	for _, tt := range []struct {
		ctx  context.Context
		db   *sql.DB
		want string
	}{
		{context.Background(), db, "in no session"},
		{session, other, "not opened with the rwsplit driver"},
		{session, nil, "not opened with the rwsplit driver"},
	} {
		if err := rwsplit.AddToken(tt.ctx, tt.db, "x"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

func TestLastWriteIsTheSessionsOwn(t *testing.T) {
	c := newCluster("shop", 1)
	db, second := c.openDB(t), c.openDB(t)
	one, two := rwsplit.WithSession(context.Background()), rwsplit.WithSession(context.Background())
	if err := write(one, db); err != nil {
		t.Fatal(err)
	}
	n := rwsplit.LastWrite(one, db)
	if n == 0 {
		t.Error("a session that wrote: got 0")
	}
	for name, got := range map[string]uint64{
		"another session": rwsplit.LastWrite(two, db),
		"another db":      rwsplit.LastWrite(one, second),
		"no session":      rwsplit.LastWrite(context.Background(), db),
		"no db":           rwsplit.LastWrite(one, nil),
	} {
		if got != 0 {
			t.Errorf("%s: got %d, want 0", name, got)
		}
	}

	tx, err := db.BeginTx(one, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(one, "UPDATE version"); err != nil {
		t.Fatal(err)
	}
	if got := rwsplit.LastWrite(one, db); got != n {
		t.Errorf("before the commit: got %d, want %d", got, n)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := rwsplit.LastWrite(one, db); got <= n {
		t.Errorf("after the commit: got %d, want more than %d", got, n)
	}
}
