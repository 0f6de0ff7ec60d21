package rwsplit_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rwsplit/rwsplit"
)

func TestAReadWaitsOnlyForTheTablesItReads(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		ctx := t.Context()
		for _, tc := range []struct {
			query string
			want  []string
		}{
			{"INSERT INTO b VALUES (1)", []string{"b"}},
			{"UPDATE a SET x = 1", []string{"a", "v"}},
			{"DELETE FROM public.b", []string{"b"}},
			{"INSERT INTO c VALUES (1)", []string{"c", "d"}},
			{"WITH w AS (DELETE FROM b RETURNING *) SELECT * FROM w", []string{"b"}},
			{"INSERT INTO nobody_knows VALUES (1)", everything},
			{"CALL p()", everything},
			{"DO $$ BEGIN NULL; END $$", everything},
		} {
			d.execs(ctx, tc.query)
			d.held(tc.query, tc.want...)
			time.Sleep(10 * time.Second)
			d.held(tc.query+", not replayed for ten seconds", tc.want...)
			d.catchUp()
		}
		if _, err := d.ExecContext(ctx, "SELECT * FROM a"); err != nil {
			t.Fatal(err)
		}
		d.held("Exec of a read")
	})
}

func TestATransactionsTablesAddUp(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		ctx := t.Context()
		tx, err := d.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range []string{"UPDATE a SET x = 1", "SELECT * FROM b", "INSERT INTO c VALUES (1)"} {
			if _, err := tx.Exec(query); err != nil {
				t.Fatal(err)
			}
			d.held("before the commit")
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		d.held("committed", "a", "c", "d", "v")
		d.catchUp()

		tx, err = d.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("UPDATE a SET x = 1"); err != nil {
			t.Fatal(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		d.held("rolled back")
		d.execs(ctx, "UPDATE b SET x = 1")
		d.held("what was rolled back is forgotten", "b")
	})
}

func TestATransactionByTextAddsUp(t *testing.T) {
	trackTables(t, func(cfg *rwsplit.Config) { cfg.Pins = rwsplit.PinsConn }, func(t *testing.T, d *byTable) {
		ctx := t.Context()
		conn, err := d.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		run := func(queries ...string) {
			t.Helper()
			for _, query := range queries {
				if _, err := conn.ExecContext(ctx, query); err != nil {
					t.Fatalf("%s: %v", query, err)
				}
			}
		}
		run("BEGIN", "UPDATE a SET x = 1", "SAVEPOINT s", "UPDATE b SET x = 1")
		d.held("before COMMIT")
		run("COMMIT")
		d.held("after COMMIT", "a", "b", "v")
		d.catchUp()
		run("BEGIN", "UPDATE a SET x = 1", "ROLLBACK", "BEGIN", "UPDATE b SET x = 1", "COMMIT AND CHAIN")
		d.held("after ROLLBACK, and COMMIT AND CHAIN", "b")
		run("UPDATE c SET x = 1")
		d.held("in the chained one", "b")
		run("COMMIT")
		d.held("after the chained one", "b", "c", "d")
		d.catchUp()
		run("BEGIN", "UPDATE a SET x = 1")
		d.primary.at.Add(1) // as if it had
		run("CALL p()")
		d.held("a procedure may have committed", everything...)
	})
}

// What is in doubt may land later: its own tables stay on the primary.
func TestADoubtfulCommitHoldsBackItsTables(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		tx, err := d.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("UPDATE a SET x = 1"); err != nil {
			t.Fatal(err)
		}
		d.primary.breakOn(opCommit, 1, errFakeLost)
		if err := tx.Commit(); err == nil {
			t.Fatal("the commit did not fail")
		}
		d.replay()
		time.Sleep(time.Second)
		d.held("in doubt", "a", "v")
		d.execs(t.Context(), "UPDATE b SET x = 1")
		d.replay()
		time.Sleep(time.Second)
		d.held("nothing is confirmed meanwhile", "a", "b", "v")
		time.Sleep(5 * time.Second)
		d.held("after sticky_for")
	})
}

func TestAnOpenWriteHoldsBackItsTables(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		ctx := t.Context()
		conn, err := d.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := conn.QueryContext(ctx, "INSERT INTO c VALUES (1) RETURNING x")
		if err != nil {
			t.Fatal(err)
		}
		d.replay()
		time.Sleep(10 * time.Second)
		d.held("the rows are open", "c", "d")
		d.execs(ctx, "UPDATE a SET x = 1")
		d.replay()
		time.Sleep(10 * time.Second)
		d.held("a write beside it", "a", "c", "d", "v")
		if err := errors.Join(rows.Close(), conn.Close()); err != nil {
			t.Fatal(err)
		}
		d.replay()
		time.Sleep(time.Second)
		d.held("the scope has ended")
	})
}

func TestRawCountsForEveryTable(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		ctx := t.Context()
		conn, err := d.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		err = conn.Raw(func(c any) error {
			_, err := c.(rwsplit.Conn).Primary(ctx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		d.replay()
		time.Sleep(10 * time.Second)
		d.held("the raw connection is out", everything...)
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		d.held("it is back")
	})
}

// A transaction says when it begins what its reads may lack.
func TestAReadOnlyTransactionNeedsEveryTable(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		ctx := t.Context()
		d.execs(ctx, "UPDATE a SET x = 1")
		tx, err := d.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "a read of b in it", d.readsOn(ctx, tx, "b"), "primary")
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		d.held("outside of it", "a", "v")
	})
}

func TestPreparedStatementsFollowTheSchema(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		ctx := t.Context()
		write, err := d.PrepareContext(ctx, "UPDATE b SET x = ?")
		if err != nil {
			t.Fatal(err)
		}
		defer write.Close()
		read, err := d.PrepareContext(ctx, "SELECT * FROM v")
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		where := func() (name string) {
			if err := read.QueryRow().Scan(&name); err != nil {
				t.Fatal(err)
			}
			return name
		}
		if _, err := write.Exec(1); err != nil {
			t.Fatal(err)
		}
		d.held("b was written", "b")
		if got := where(); got == "primary" {
			t.Errorf("the prepared read of v ran on %s", got)
		}

		d.server.on("CREATE TRIGGER t1", func(s *rwsplit.TestSchema) {
			s.Triggers["b"] = []string{"BEGIN DELETE FROM a; END"}
		})
		d.execs(ctx, "CREATE TRIGGER t1")
		d.knows()
		d.catchUp()
		if _, err := write.Exec(1); err != nil {
			t.Fatal(err)
		}
		d.held("b was written, and a by its trigger", "a", "b", "v")
		equal(t, "the prepared read of v", where(), "primary")
	})
}

func TestOwnDDLCountsForEveryTableAtOnce(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		ctx := t.Context()
		d.server.on("CREATE TRIGGER t1", func(s *rwsplit.TestSchema) {
			s.Triggers["b"] = []string{"BEGIN DELETE FROM a; END"}
		})
		d.execs(ctx, "UPDATE b SET x = 1")
		d.execs(ctx, "CREATE TRIGGER t1")
		equal(t, "just changed: tracking", d.conn.Stats().Tracking, rwsplit.TrackingDatabase)
		d.held("just changed", everything...)
		d.knows()
		d.held("read again, not replayed", everything...)
		d.catchUp()
		d.execs(ctx, "UPDATE b SET x = 1")
		d.held("with the trigger", "a", "b", "v")
	})
}

// triggerInTx makes a trigger in a transaction.
func (d *byTable) triggerInTx() *sql.Tx {
	d.t.Helper()
	tx, err := d.BeginTx(d.t.Context(), nil)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := tx.Exec("CREATE TRIGGER t1"); err != nil {
		d.t.Fatal(err)
	}
	return tx
}

// Nothing is told apart while a statement is under way that may change the
// schema: others may meet what it does before it has returned.
func TestDDLUnderWayCountsForEveryTable(t *testing.T) {
	for name, begin := range map[string]func(d *byTable) (finish func() error){
		"in a transaction": func(d *byTable) func() error {
			return d.triggerInTx().Commit
		},
		"in a transaction by text": func(d *byTable) func() error {
			conn, err := d.Conn(d.t.Context())
			if err != nil {
				d.t.Fatal(err)
			}
			for _, query := range []string{"BEGIN", "CREATE TRIGGER t1"} {
				if _, err := conn.ExecContext(d.t.Context(), query); err != nil {
					d.t.Fatal(err)
				}
			}
			return func() error {
				_, err := conn.ExecContext(d.t.Context(), "COMMIT")
				return errors.Join(err, conn.Close())
			}
		},
		"a transaction that is rolled back": func(d *byTable) func() error {
			return d.triggerInTx().Rollback
		},
		"through Query, with rows open": func(d *byTable) func() error {
			rows, err := d.QueryContext(d.t.Context(), "CREATE TRIGGER t1")
			if err != nil {
				d.t.Fatal(err)
			}
			return rows.Close
		},
		"not answered": func(d *byTable) func() error {
			hang := d.primary.hang(d.t, opExec, 1)
			done := make(chan error, 1)
			go func() {
				_, err := d.ExecContext(d.t.Context(), "CREATE TRIGGER t1")
				done <- err
			}()
			<-hang.entered
			return func() error { hang.release(); return <-done }
		},
		"a lost transaction": func(d *byTable) func() error {
			tx := d.triggerInTx()
			return func() error {
				d.primary.killConns()
				if tx.Commit() == nil {
					return errors.New("the commit went through")
				}
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			trackTables(t, nil, func(t *testing.T, d *byTable) {
				finish := begin(d)
				d.replay()
				time.Sleep(5 * time.Second)
				equal(t, "under way: tracking", d.conn.Stats().Tracking, rwsplit.TrackingDatabase)
				d.execs(t.Context(), "CREATE TABLE other (x INT)") // has the schema read
				time.Sleep(5 * time.Second)
				equal(t, "still under way: tracking", d.conn.Stats().Tracking, rwsplit.TrackingDatabase)
				d.execs(t.Context(), "UPDATE b SET x = 1")
				d.held("under way", everything...)
				if err := finish(); err != nil {
					t.Fatal(err)
				}
				d.knows()
				d.replay()
				time.Sleep(10 * time.Second)
				d.held("all is over")
			})
		})
	}
}

func TestDDLOfOthersIsNoticed(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		ctx := t.Context()
		d.execs(ctx, "UPDATE b SET x = 1")
		d.held("b was written", "b")
		d.server.change(func(s *rwsplit.TestSchema) { s.Triggers["b"] = []string{"BEGIN DELETE FROM a; END"} })
		time.Sleep(150 * time.Millisecond)
		d.execs(ctx, "UPDATE c SET x = 1")
		time.Sleep(5 * time.Millisecond) // the next write has it looked for
		d.held("noticed", everything...)
		d.knows()
		d.catchUp()
		d.execs(ctx, "UPDATE b SET x = 1")
		d.held("with the trigger", "a", "b", "v")
		d.catchUp()

		d.server.change(func(s *rwsplit.TestSchema) { s.Triggers["d"] = []string{"BEGIN DELETE FROM a; END"} })
		d.execs(ctx, "UPDATE d SET x = 1") // before anybody has noticed
		time.Sleep(5 * time.Second)
		d.knows()
		d.held("what was written before it was noticed", everything...)
		d.catchUp()

		d.server.change(func(s *rwsplit.TestSchema) { delete(s.Triggers, "b") })
		for deadline := time.Now().Add(1100 * time.Millisecond); d.conn.Stats().Tracking == rwsplit.TrackingTable; {
			if time.Sleep(time.Millisecond); time.Now().After(deadline) {
				t.Fatal("not noticed while nothing is written")
			}
		}
	})
}

// What was read of the schema does not count if a statement has changed it by
// the time that it is understood.
func TestDDLWhileTheSchemaIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newByTable(t, nil)
		d.server.on("CREATE TRIGGER t1", func(s *rwsplit.TestSchema) {
			s.Triggers["b"] = []string{"BEGIN DELETE FROM a; END"}
		})
		d.server.after = func() { // after the first of two fingerprints
			d.server.mu.Lock()
			defer d.server.mu.Unlock()
			d.server.after = func() { d.execs(d.t.Context(), "CREATE TRIGGER t1") }
		}
		d.knows()
		d.catchUp()
		d.execs(t.Context(), "UPDATE b SET x = 1")
		d.held("with the trigger", "a", "b", "v")
	})
}

// A procedure may change the schema: nothing that it may have done is confirmed
// before that was looked at.
func TestAWriteThatNobodyUnderstandsIsConfirmedAfterALook(t *testing.T) {
	trackTables(t, func(cfg *rwsplit.Config) { cfg.ProbeInterval = time.Minute }, func(t *testing.T, d *byTable) {
		ctx := t.Context()
		before, _ := d.server.asked()
		d.server.on("CALL p()", func(s *rwsplit.TestSchema) { s.Triggers["b"] = []string{"BEGIN DELETE FROM a; END"} })
		d.execs(ctx, "UPDATE a SET x = 1")
		time.Sleep(time.Millisecond) // it has just looked
		d.execs(ctx, "CALL p()")
		d.replay()
		for d.reads("d") == "primary" { // until it is confirmed
			time.Sleep(time.Millisecond)
		}
		d.execs(ctx, "UPDATE b SET x = 1")
		if d.reads("a") != "primary" {
			t.Error("a read of a misses what the trigger wrote that the procedure made")
		}
		if after, _ := d.server.asked(); after == before {
			t.Error("the fingerprint was not asked for")
		}
	})
}

// A transaction whose tables were told apart by what is not known any more
// counts for all of them.
func TestTheSchemaChangesBetweenStatementAndCommit(t *testing.T) {
	for name, change := range map[string]func(d *byTable){
		"by others": func(d *byTable) {
			d.server.change(func(s *rwsplit.TestSchema) { s.Tables = append(s.Tables, "e") })
			time.Sleep(2 * time.Second)
		},
		"by itself": func(d *byTable) {
			d.server.on("CREATE TABLE e (x INT)", func(s *rwsplit.TestSchema) { s.Tables = append(s.Tables, "e") })
			d.execs(d.t.Context(), "CREATE TABLE e (x INT)")
		},
	} {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", and it writes again: ", again), func(t *testing.T) {
				trackTables(t, nil, func(t *testing.T, d *byTable) {
					tx, err := d.BeginTx(t.Context(), nil)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := tx.Exec("UPDATE a SET x = 1"); err != nil {
						t.Fatal(err)
					}
					change(d)
					d.knows()
					d.catchUp()
					if again {
						if _, err := tx.Exec("UPDATE a SET x = 1"); err != nil {
							t.Fatal(err)
						}
					}
					if err := tx.Commit(); err != nil {
						t.Fatal(err)
					}
					d.held("committed", everything...)
				})
			})
		}
	}
}

func TestASessionsTables(t *testing.T) {
	trackTables(t, func(cfg *rwsplit.Config) { cfg.Consistency = rwsplit.Session }, func(t *testing.T, d *byTable) {
		one, two := rwsplit.WithSession(t.Context()), rwsplit.WithSession(t.Context())
		// A session that has read on the primary does not go back: each check
		// has one of its own, which is handed what the first one wrote.
		d.execs(one, "UPDATE b SET x = 1")
		if got := d.readsIn(one, "a"); got == "primary" {
			t.Error("a read of a waits for b")
		}
		equal(t, "its own write", d.readsIn(one, "b"), "primary")
		if got := d.readsIn(two, "b"); got == "primary" {
			t.Error("another session waits for it")
		}
		d.execs(t.Context(), "UPDATE a SET x = 1") // outside any session
		d.heldIn(t.Context(), "outside", "a", "v")
		equal(t, "another session", d.readsIn(two, "v"), "primary")
		d.catchUp()

		three := rwsplit.WithSession(t.Context())
		for _, table := range []string{"a", "b", "c", "d"} {
			d.execs(three, "UPDATE "+table+" SET x = 1")
		}
		equal(t, "one of many tables", d.readsIn(three, "d"), "primary")
		d.catchUp()
	})
}

// What a session wrote is told apart by what was known then.
func TestASessionOutlivesTheSchema(t *testing.T) {
	trackTables(t, func(cfg *rwsplit.Config) { cfg.Consistency = rwsplit.Session }, func(t *testing.T, d *byTable) {
		s := rwsplit.WithSession(t.Context())
		d.server.change(func(schema *rwsplit.TestSchema) { schema.Triggers["b"] = []string{"BEGIN DELETE FROM a; END"} })
		d.execs(s, "UPDATE b SET x = 1") // before anybody has noticed
		d.primary.at.Add(0)
		time.Sleep(2 * time.Second)
		d.knows()
		time.Sleep(2 * time.Second)
		equal(t, "what the trigger wrote", d.readsIn(s, "a"), "primary")
	})
}

func TestTablesAreNotToldApart(t *testing.T) {
	broken := errors.New("permission denied")
	for name, tc := range map[string]struct {
		config func(*rwsplit.Config)
		server func(*schemaServer)
	}{
		"before the schema is read":   {server: func(s *schemaServer) { s.schema.Err = broken }},
		"without a fingerprint":       {server: func(s *schemaServer) { s.schema.PrintErr = broken }},
		"catalog=off":                 {config: func(cfg *rwsplit.Config) { cfg.Catalog = rwsplit.ToggleOff }},
		"a server that can't be told": {server: func(s *schemaServer) { s.anonymous = true }},
		"sessions with catalog=off":   {config: func(cfg *rwsplit.Config) { cfg.Catalog, cfg.Consistency = rwsplit.ToggleOff, rwsplit.Session }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newByTable(t, tc.config)
				if tc.server != nil {
					d.server.mu.Lock()
					tc.server(d.server)
					d.server.mu.Unlock()
				}
				d.reads("a")
				d.replay()
				time.Sleep(5 * time.Second)
				d.held("replayed")
				d.execs(t.Context(), "UPDATE b SET x = 1")
				d.held("b was written", everything...)
				equal(t, "tracking", d.conn.Stats().Tracking, rwsplit.TrackingDatabase)
			})
		})
	}
}

// A fingerprint that can't be had any more ends the knowledge, and costs the
// server no more than reading again now and then.
func TestTheFingerprintIsLost(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		d.server.mu.Lock()
		d.server.schema.PrintErr = errors.New("permission denied")
		d.server.mu.Unlock()
		time.Sleep(2 * time.Second)
		d.execs(t.Context(), "UPDATE b SET x = 1")
		d.held("lost", everything...)
		before, _ := d.server.asked()
		time.Sleep(time.Minute)
		if after, _ := d.server.asked(); after-before > 120 {
			t.Errorf("%d questions in a minute", after-before)
		}
		d.server.mu.Lock()
		d.server.schema.PrintErr = nil
		d.server.mu.Unlock()
		time.Sleep(time.Minute)
		d.knows()
	})
}

func TestARestartOfThePrimaryIsAnotherSchema(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		_, before := d.server.asked()
		d.primary.mu.Lock()
		d.primary.started = d.primary.started.Add(time.Hour)
		d.primary.mu.Unlock()
		d.primary.killConns()
		time.Sleep(5 * time.Second)
		d.knows()
		if _, after := d.server.asked(); after == before {
			t.Error("the schema was not read again: counters of a server begin anew with it")
		}
	})
}

// A schema that changes all the time is not read all the time.
func TestDDLWithoutEnd(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		_, before := d.server.asked()
		for range 1000 {
			d.execs(t.Context(), "CREATE TABLE x (i INT)")
			time.Sleep(10 * time.Millisecond)
		}
		if _, after := d.server.asked(); after-before > 60 {
			t.Errorf("read %d times in ten seconds", after-before)
		}
		d.knows()
	})
}

func TestAnUnknownTableIsAHint(t *testing.T) {
	trackTables(t, func(cfg *rwsplit.Config) { cfg.ProbeInterval = 10 * time.Minute }, func(t *testing.T, d *byTable) {
		time.Sleep(5 * time.Second)
		d.server.change(func(s *rwsplit.TestSchema) { s.Tables = append(s.Tables, "e") })
		time.Sleep(30 * time.Second)
		d.execs(t.Context(), "UPDATE b SET x = 1")
		equal(t, "a table that nobody knows", d.reads("e"), "primary")
		d.replay()
		time.Sleep(5 * time.Second)
		d.knows()
		d.execs(t.Context(), "UPDATE b SET x = 1")
		if got := d.reads("e"); got == "primary" {
			t.Error("the new table is still unknown")
		}
	})
}

func TestStatsSayWhatHeldReadsBack(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		ctx := t.Context()
		before := d.conn.Stats().Held
		d.execs(ctx, "UPDATE c SET x = 1")
		d.reads("a")
		d.reads("c")
		d.reads("d")
		d.reads("d")
		d.execs(ctx, "CALL p()")
		d.reads("a")
		d.execs(ctx, "UPDATE c SET x = 1")
		d.reads("c, a")
		got := d.conn.Stats().Held
		equal(t, "by c", got.Tables["c"]-before.Tables["c"], 2)
		equal(t, "by d", got.Tables["d"]-before.Tables["d"], 2)
		equal(t, "by a", got.Tables["a"]-before.Tables["a"], 0)
		equal(t, "by the database", got.Database-before.Database, 1)
		equal(t, "by others", got.OtherTables, 0)
	})
	track(t, nil, func(t *testing.T, d *tracked) {
		d.settle()
		before := d.conn.Stats().Held.Database
		d.write(t.Context())
		d.want(t.Context(), "primary", "just written")
		equal(t, "with tracking=database", d.conn.Stats().Held.Database-before, 1)
	})
}

// A temporary table changes nothing that others find.
func TestATemporaryTableLeavesTheSchemaAlone(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		d.execs(t.Context(), "CREATE TEMPORARY TABLE tmp (x INT)")
		equal(t, "tracking", d.conn.Stats().Tracking, rwsplit.TrackingTable)
	})
}

// Statements by which the tables are known leave the schema alone, too.
func TestTruncateIsAWriteToItsTables(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		d.execs(t.Context(), "TRUNCATE b")
		d.held("truncated", "b")
		equal(t, "tracking", d.conn.Stats().Tracking, rwsplit.TrackingTable)
	})
}

func TestTokensAndGlobalReadsStayAsTheyAre(t *testing.T) {
	trackTables(t, nil, func(t *testing.T, d *byTable) {
		d.execs(t.Context(), "UPDATE b SET x = 1")
		d.held("b was written", "b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := rwsplit.WaitForReplicas(ctx, d.DB, rwsplit.All); !errors.Is(err, rwsplit.ErrWaitTimeout) {
			t.Errorf("the replicas do not have b: got %v", err)
		}
	})
}

func TestContradictionsOfTableTracking(t *testing.T) {
	for _, options := range []string{"consistency=eventual", "consistency=global", "position=none"} {
		_, err := rwsplit.ParseDSN("driver=fake primary=x tracking=table " + options)
		if err == nil || !strings.Contains(err.Error(), "tracking=table contradicts "+options) {
			t.Errorf("%s: got %v", options, err)
		}
	}
}
