package rwsplit_test

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/rwsplit/rwsplit"
)

// lockedBuffer is written to by goroutines that nobody waits for.
type lockedBuffer struct {
	mu  sync.Mutex // protects buf
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Some base drivers repeat their DSN when it leads nowhere.
func TestDSNShowsNeitherInTheLogNorInStats(t *testing.T) {
	primary, replica := newFakeServer("primary", fakeShape{}), newFakeServer("replica1", fakeShape{})
	dsn := replica.dsn(t)
	replica.failAll(opConnect, errors.New("fakedb: can't open "+dsn))
	var log lockedBuffer // a replica that is tried again is logged later on
	c, err := rwsplit.NewConnector(&rwsplit.Config{
		Driver: "fake", Primary: primary.dsn(t), Replicas: []string{dsn}, Consistency: rwsplit.Eventual,
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(driver.Connector(c))
	defer db.Close()
	equal(t, "read", where(t, bg, db), "primary")
	st := c.Stats()
	said := []string{strings.Join(c.Check(bg), "\n"), log.String(), st.Backends[1].LastError}
	for _, text := range said {
		if !strings.Contains(text, "can't open xxxxx") || strings.Contains(text, dsn) {
			t.Errorf("got %q, want the error without the DSN", text)
		}
	}
}
