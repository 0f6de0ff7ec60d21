package rwsplit_test

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
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

// Package fmt walks through pointers to reach what a verb does not fit.
func TestWhatPrintsShowsNoDSN(t *testing.T) {
	dsns := []string{newFakeServer("primary", fakeShape{}).dsn(t), newFakeServer("replica1", fakeShape{}).dsn(t)}
	var printed []any
	c, err := rwsplit.NewConnector(&rwsplit.Config{
		Driver: "fakeold", Dialect: "generic", Primary: dsns[0], Replicas: dsns[1:], Consistency: rwsplit.Eventual,
		WrapConnector: func(_ rwsplit.Backend, base driver.Connector) driver.Connector {
			printed = append(printed, base)
			return base
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	defer db.Close()
	conn, err := db.Conn(bg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Raw(func(raw any) error { printed = append(printed, raw); return nil }); err != nil {
		t.Fatal(err)
	}
	printed = append(printed, c, c.Driver(), c.Stats(), db.Driver(), db, conn)
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%d", "%x"} {
		for _, value := range printed {
			got := fmt.Sprintf(verb, value)
			for _, dsn := range dsns {
				if strings.Contains(got, dsn) || strings.Contains(got, fmt.Sprintf("%x", dsn)) {
					t.Errorf("%s of %T shows a DSN: %.200s", verb, value, got)
				}
			}
		}
	}
}

func TestRedactingFindsThePasswordHoweverItIsWritten(t *testing.T) {
	for _, tt := range []struct{ dsn, said string }{
		{"sqlserver://sa:p%40ss%2Bword@h/db", "login of sa with p@ss+word failed"},
		{"sqlserver://sa:p%40ss%2Bword@h/db", "login of sa with p%40ss%2Bword failed"},
		{"odd://h/db?user=sa&password=p%40ss+word", "login of sa with p@ss word failed"},
		{"host=h password='pass word' user=sa", "login of sa with pass word failed"},
		{`host=h password='p\'ss \\word' user=sa`, `login of sa with p'ss \word failed`},
		{`host=h password='p\'ss \\word' user=sa`, `near "p\'ss \\word' user"`},
		{`server=h;pwd="pass word";user=sa`, "login of sa with pass word failed"},
	} {
		got := rwsplit.RedactDSN(errors.New(tt.said), tt.dsn).Error()
		if strings.Contains(got, "ss") || strings.Contains(got, "word") || !strings.Contains(got, "xxxxx") {
			t.Errorf("%s: %q is shown as %q", tt.dsn, tt.said, got)
		}
	}
	err := errors.New("connection refused")
	if got := rwsplit.RedactDSN(err, "postgres://app:secret@h/db"); got != err {
		t.Errorf("got %v, want the error as it is", got)
	}
}
