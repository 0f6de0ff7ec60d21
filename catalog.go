package rwsplit

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"
)

// catalogReader is implemented by dialects whose engine's catalog tells which
// functions of the user are safe on a replica, and which relations a replica
// can't serve.
type catalogReader interface {
	readCatalog(ctx context.Context, s PhysicalConn) (catalogFacts, error)
}

// catalogFacts is what was read from the catalog.
type catalogFacts struct {
	functions []catalogFunction
	views     []catalogView
	// primaryOnly are relations that a replica can't serve, as schema.name.
	primaryOnly []string
	// noViews: the rest was read.
	noViews bool
}

// catalogFunction is one function of the user; several may have one name.
type catalogFunction struct {
	schema, name string
	// trusted: declared without side effects by someone who knows (an
	// extension's immutable or stable function).
	trusted bool
	// body is the text of a function that is nothing but SQL, else "".
	body string
}

// catalogView is one view of the user, and the text of its query.
type catalogView struct{ schema, name, query string }

// readsCatalog reports whether anything is read from this engine's catalog.
func (t *tracker) readsCatalog() bool {
	if t.c.cfg.Catalog == ToggleOff {
		t.c.giveUpTables("catalog=off")
		return false
	}
	_, functions := engineOf(t.c.dialect).(catalogReader)
	return functions || t.c.byTable
}

// watchCatalog reads the catalog when the tracker starts and again after DDL,
// and gives the classifier what it says. Until then, and where it can't be
// read, functions that nobody knows stay on the primary, and writes count for
// the whole database.
func (t *tracker) watchCatalog(ctx context.Context) {
	failures := 0
	for {
		began := time.Now()
		err := t.readCatalog(ctx)
		wait := time.Duration(-1)
		if err != nil {
			failures++
			wait = retryAfter(failures)
			if failures == 1 && ctx.Err() == nil {
				t.c.log(slog.LevelWarn, "rwsplit: the catalog can't be read; functions that are not built in stay on the primary, and writes count for the whole database", "error", err.Error())
			}
		} else {
			failures = 0
		}
		// More DDL may follow, and a transaction may have to commit.
		pause := min(max(catalogPause, catalogShare*time.Since(began)), maxCatalogPause)
		select {
		case <-ctx.Done():
			return
		case <-t.ddl:
			if !pauseFor(ctx, pause) {
				return
			}
		case <-after(wait):
		}
	}
}

// readCatalog reads the catalog once and publishes it.
func (t *tracker) readCatalog(ctx context.Context) error {
	c := t.c
	var gen uint64
	if c.byTable {
		// A statement of unknown outcome may change the schema yet.
		doubt := c.writes.doubt.left()
		if doubt > 0 && !pauseFor(ctx, doubt) {
			return nil
		}
		gen = c.schema.generation()
	}
	// On the primary, which has the newest catalog; on a connection that is
	// closed again, since this is seldom.
	p := &probe{c: c, srv: c.servers[max(c.board.load().primary, 0)], limit: catalogLimit}
	defer p.close()
	var facts catalogFacts
	err := p.ask(ctx, func(ctx context.Context, s PhysicalConn) (err error) {
		if r, ok := c.speaks().(catalogReader); ok {
			facts, err = r.readCatalog(ctx, s)
		}
		return err
	})
	if err != nil {
		if facts.noViews {
			c.setKnowledge(c.learnCatalog(facts))
		}
		return err
	}
	know := c.learnCatalog(facts)
	if !c.byTable {
		c.setKnowledge(know)
		return nil
	}
	schema, fingerprint, err := c.readTables(ctx, p)
	if err != nil {
		c.setKnowledge(know)
		return err
	}
	tables := c.learnTables(schema)
	c.writes.tables.grow(c.tableNames.count())
	if !c.rememberTables(gen, know.withTables(tables), fingerprint, p.seen) {
		c.setKnowledge(know)
	}
	return nil
}

// readTables reads the schema, and the fingerprint of just that.
func (c *Connector) readTables(ctx context.Context, p *probe) (facts schemaFacts, fingerprint string, err error) {
	if c.board.load().primary == none || p.seen.Identity == "" {
		return facts, "", errSchemaServer
	}
	err = p.ask(ctx, func(ctx context.Context, s PhysicalConn) (err error) {
		r, ok := c.speaks().(schemaReader)
		if !ok {
			return errSchemaServer
		}
		began := time.Now()
		if fingerprint, err = r.schemaFingerprint(ctx, s); err != nil {
			return err
		}
		if time.Since(began) > c.cfg.ProbeTimeout/2 {
			return errSchemaSlow
		}
		if facts, err = r.readSchema(ctx, s); err != nil {
			return err
		}
		again, err := r.schemaFingerprint(ctx, s)
		if err == nil && again != fingerprint {
			return errSchemaMoves
		}
		return err
	})
	return facts, fingerprint, err
}

var (
	errSchemaServer = errors.New("rwsplit: the server does not tell which one it is, or is no primary")
	errSchemaMoves  = errors.New("rwsplit: the schema changed while it was read")
	errSchemaSlow   = errors.New("rwsplit: the schema is too large to be watched within probe_timeout")
)

const (
	// catalogPause is how long after DDL the catalog is read, or catalogShare
	// times as long as that took before.
	catalogPause    = 200 * time.Millisecond
	catalogShare    = 10
	maxCatalogPause = time.Minute
	// catalogLimit is how long the catalog may take to be read, and viewsLimit
	// how long the texts of its views may.
	catalogLimit = 30 * time.Second
	viewsLimit   = 5 * time.Second
)

// after is time.After, or never for a negative duration.
func after(d time.Duration) <-chan time.Time {
	if d < 0 {
		return nil
	}
	return time.After(d)
}

// maxCatalogRounds bounds how deep functions that call functions are followed.
const maxCatalogRounds = 8

// learnCatalog works out which functions can be trusted: a name can if every
// function that it may mean can. Functions made of SQL can if their text is a
// plain read, given those that are trusted already.
func (c *Connector) learnCatalog(facts catalogFacts) *knowledge {
	var trusted []string
	lang := c.classifier.Load().lang
	primaryOnly := facts.primaryOnlyRelations(lang)
	know := newKnowledge(c.cfg.ReadFunctions, nil, primaryOnly)
	for range maxCatalogRounds {
		bad := make(map[string]bool)
		good := make(map[string]bool)
		for _, f := range facts.functions {
			ok := f.trusted || f.body != "" && plainBody(classifyText(lang, know, f.body))
			for _, name := range []string{quoteName(f.name), quoteName(f.schema) + "." + quoteName(f.name)} {
				if ok {
					good[name] = true
				} else {
					bad[name] = true
				}
			}
		}
		var next []string
		for name := range good {
			if !bad[name] {
				next = append(next, name)
			}
		}
		grown := len(next) > len(trusted)
		trusted = next
		know = newKnowledge(c.cfg.ReadFunctions, trusted, primaryOnly)
		if !grown {
			break
		}
	}
	return know
}

// primaryOnlyRelations returns the relations that a replica can't serve: those
// that the engine names, and the views that read them, lock, or do anything else
// for which their query would go to the primary. Functions that nobody knows make
// none: who wants them on the primary can call them by name, and a replica refuses
// to write.
func (f *catalogFacts) primaryOnlyRelations(lang language) []string {
	names, views := f.primaryOnly, f.views
	for range maxCatalogRounds {
		know := newKnowledge(nil, nil, names)
		if know == nil {
			know = new(knowledge)
		}
		know.anyFunction = true
		var plain []catalogView
		for _, v := range views {
			if st := classifyText(lang, know, v.query); st.Route == RouteReplica || st.Opaque {
				plain = append(plain, v)
			} else {
				names = append(names, quoteName(v.schema)+"."+quoteName(v.name))
			}
		}
		if len(plain) == len(views) {
			break
		}
		views = plain
	}
	return names
}

func plainBody(st Statement) bool {
	return st.Route == RouteReplica && !st.Writes && !st.Pins && st.Tx == TxNone
}

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// readCatalog reads functions and views outside the system's schemas, and the
// relations that a standby can't serve, see
// https://www.postgresql.org/docs/current/catalog-pg-proc.html and
// https://www.postgresql.org/docs/current/catalog-pg-class.html. Volatility is
// the author's claim; it is believed of extensions only, since a function in
// PL/pgSQL that is declared stable may take advisory locks and change settings.
// Two extensions call functions volatile that only make new values.
//
// Unlogged tables are empty there, and can't be read. Sequences are ahead: the
// log says that a sequence went on by 32 values when it gives out the first.
func (postgresDialect) readCatalog(ctx context.Context, s PhysicalConn) (catalogFacts, error) {
	var facts catalogFacts
	err := s.queryAll(ctx, `SELECT n.nspname::text, p.proname::text,
		CASE WHEN p.provolatile IN ('i', 's') AND d.objid IS NOT NULL OR e.extname IN ('pgcrypto', 'uuid-ossp')
			THEN 'trusted' ELSE '' END,
		CASE WHEN l.lanname = 'sql' AND p.prokind = 'f' THEN coalesce(p.prosrc, '') ELSE '' END
		FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
		JOIN pg_catalog.pg_language l ON l.oid = p.prolang
		LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
			AND d.objid = p.oid AND d.deptype = 'e'
		LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
		WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')`, func(row []string) {
		facts.functions = append(facts.functions, catalogFunction{
			schema: row[0], name: row[1], trusted: row[2] != "", body: row[3],
		})
	})
	if err != nil {
		return facts, err
	}
	err = s.queryAll(ctx, `SELECT n.nspname::text, c.relname::text
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relpersistence = 'u' AND c.relkind IN ('r', 'p', 'm') OR c.relpersistence <> 't' AND c.relkind = 'S'`, func(row []string) {
		facts.primaryOnly = append(facts.primaryOnly, quoteName(row[0])+"."+quoteName(row[1]))
	})
	if err != nil {
		return facts, err
	}
	// That waits for everybody who alters a table of a view.
	ctx, cancel := context.WithTimeout(ctx, viewsLimit)
	defer cancel()
	facts.noViews = true
	err = s.queryAll(ctx, `SELECT n.nspname::text, c.relname::text, coalesce(pg_catalog.pg_get_viewdef(c.oid), '')
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'v' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')`, func(row []string) {
		facts.views = append(facts.views, catalogView{schema: row[0], name: row[1], query: row[2]})
	})
	if err != nil {
		facts.views = nil
		return facts, err
	}
	facts.noViews = false
	return facts, nil
}
