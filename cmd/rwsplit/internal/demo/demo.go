// Package demo is a small shop whose statements go through rwsplit, printed
// one by one with where they ran, why, and what a naive splitter would have
// answered.
package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
)

// Options say how the demo runs. The zero value of each field means its
// default.
type Options struct {
	// Config is a real cluster. Default: the embedded one.
	Config *rwsplit.Config
	// Delays are those of the embedded replicas. Default: 1 s and 2 s.
	Delays []time.Duration
	// Transfers is how much the bank works. Default: 400.
	Transfers int
	// Patience is how long a replica may take to get a row. Default: 15 s.
	Patience time.Duration
}

const reachTimeout = 5 * time.Second

// Run tells the story on w and fails if something did not come out right.
func Run(ctx context.Context, w io.Writer, style table.Style, o Options) (_ *Report, err error) {
	if o.Delays == nil {
		o.Delays = []time.Duration{time.Second, 2 * time.Second}
	}
	if o.Transfers == 0 {
		o.Transfers = 400
	}
	if o.Patience == 0 {
		o.Patience = 15 * time.Second
	}
	s := &shop{options: o, screen: newScreen(w, style), report: new(Report)}
	defer s.screen.clear()
	if o.Config == nil {
		err = s.embedded(ctx)
	} else {
		err = s.real(ctx)
	}
	return s.report, err
}

// embedded runs the shop on SQLite files.
func (s *shop) embedded(ctx context.Context) (err error) {
	s.engine = embeddedEngine()
	c, err := startCluster(ctx, embeddedDDL(), s.options.Delays)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	cfg := &rwsplit.Config{Driver: "sqlite", Position: rwsplit.PositionHeartbeat, Balance: rwsplit.RoundRobin}
	cfg.Primary, cfg.Replicas = c.dsns()
	if s.servers, err = open(cfg); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.servers.Close()) }()
	s.introduceEmbedded()
	return s.run(ctx)
}

// real runs the shop on a cluster that belongs to somebody.
func (s *shop) real(ctx context.Context) (err error) {
	cfg, reset := forTheStory(s.options.Config)
	if s.engine, err = realEngine(cfg); err != nil {
		return err
	}
	if s.servers, err = open(cfg); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.servers.Close()) }()
	if len(s.servers.Servers) < 2 {
		return errors.New("the DSN lists no replica: add replica= or replica_hosts=")
	}
	if err := s.servers.Reach(ctx, reachTimeout); err != nil {
		return err
	}
	s.introduceReal(reset)
	defer func() {
		// Also after Ctrl-C.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reachTimeout)
		defer cancel()
		if dropErr := execAll(ctx, s.servers.Servers[0].DB, s.engine.drop()); dropErr != nil {
			err = errors.Join(err, fmt.Errorf("the tables %s* could not be dropped: %w", s.engine.prefix, dropErr))
		}
	}()
	if err := execAll(ctx, s.servers.Servers[0].DB, s.engine.ddl()); err != nil {
		return fmt.Errorf("making the demo's tables on the primary: %w; may the user create tables, and is primary= the server that takes writes?", err)
	}
	return s.run(ctx)
}

func (s *shop) run(ctx context.Context) error {
	if err := execAll(ctx, s.servers.Servers[0].DB, s.engine.seed()); err != nil {
		return fmt.Errorf("filling the demo's tables: %w", err)
	}
	for _, story := range []func(context.Context) error{
		s.opening, s.banner, s.sticky, s.transactions, s.bank, s.totals,
	} {
		if err := story(ctx); err != nil {
			return err
		}
	}
	return nil
}

func execAll(ctx context.Context, db *sql.DB, stmts []string) error {
	for _, stmt := range stmts {
		if _, err := db.ExecContext(ctx, stmt); err != nil {
			return err
		}
	}
	return nil
}

func (s *shop) introduceEmbedded() {
	sc := s.screen
	sc.line(sc.style.Paint(table.Bold, "rwsplit demo: a shop on one primary and two replicas that lag"))
	sc.line("")
	sc.text(2, fmt.Sprintf("The servers are SQLite files. SQLite does not replicate: a loop of this demo copies every commit, to replica1 after %s and to replica2 after %s. Nor does it tell how far a replica is, so a heartbeat table does. All the rest is the driver as it is, opened with",
		seconds(s.options.Delays[0]), seconds(s.options.Delays[1])))
	sc.line("")
	sc.code("sql.Open(\"rwsplit\", `" + `
    driver=sqlite
    primary='file:primary.db?_txlock=immediate'
    replica='file:replica1.db?mode=ro'
    replica='file:replica2.db?mode=ro'
    position=heartbeat balance=round_robin` + "`)")
	sc.line("")
	s.introduceNaive()
}

// forTheStory returns cfg without the settings that would tell another story,
// and their keys.
func forTheStory(cfg *rwsplit.Config) (_ *rwsplit.Config, reset []string) {
	cfg = cfg.Clone()
	if cfg.Reads == rwsplit.ReadsPrimary || cfg.Reads == rwsplit.ReadsShadow {
		cfg.Reads, reset = "", append(reset, "reads")
	}
	if cfg.Consistency == rwsplit.Eventual {
		cfg.Consistency, reset = "", append(reset, "consistency")
	}
	if cfg.Wait > 0 {
		cfg.Wait, reset = 0, append(reset, "wait")
	}
	if cfg.MaxLag > 0 {
		cfg.MaxLag, reset = 0, append(reset, "max_lag")
	}
	if cfg.Fallback == rwsplit.FallbackError {
		cfg.Fallback, reset = "", append(reset, "fallback")
	}
	if cfg.FallbackMax > 0 {
		cfg.FallbackMax, reset = 0, append(reset, "fallback_max")
	}
	return cfg, reset
}

func (s *shop) introduceReal(reset []string) {
	sc := s.screen
	replicas := "one replica"
	if n := len(s.servers.Servers) - 1; n > 1 {
		replicas = fmt.Sprintf("%d replicas", n)
	}
	sc.line(sc.style.Paint(table.Bold, "rwsplit demo: a shop on your primary and "+replicas))
	sc.line("")
	sc.text(2, fmt.Sprintf("The tables are called %s* on the servers, and are dropped at the end.", s.engine.prefix))
	if len(reset) > 0 {
		sc.text(2, "The story is told with the default of "+strings.Join(reset, ", ")+", whatever the DSN says.")
	}
	s.introduceNaive()
}

func (s *shop) introduceNaive() {
	s.screen.text(2, "The column naive is a splitter that sends every text that begins with SELECT to a replica. Its answers are real: the same text, asked on replica1 at the same moment.")
}
