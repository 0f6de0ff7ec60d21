package rwsplit

import (
	"context"
	"hash/maphash"
	"log/slog"
)

func (c *Connector) log(level slog.Level, msg string, args ...any) {
	if c.cfg.Logger != nil {
		c.cfg.Logger.Log(context.Background(), level, msg, args...)
	}
}

// logRefused logs a text that a replica refused as a write, once.
func (c *Connector) logRefused(srv *server, query string, err error) {
	if c.firstTime(query) {
		c.log(slog.LevelWarn, "rwsplit: a replica refused a statement that was taken for a read; it ran on the primary",
			"backend", srv.Name, "query", query, "error", err.Error())
	}
}

// logOnce logs a warning the first time that it is given this message.
func (c *Connector) logOnce(msg string, args ...any) {
	if c.firstTime(msg) {
		c.log(slog.LevelWarn, msg, args...)
	}
}

// maxLogged bounds what is remembered: texts may be unique.
const maxLogged = 10_000

// loggedOnce remembers what was logged, by its hash: texts may be long.
type loggedOnce struct {
	seed maphash.Seed
	seen map[uint64]struct{}
}

func newLoggedOnce() loggedOnce {
	return loggedOnce{maphash.MakeSeed(), make(map[uint64]struct{})}
}

// firstTime reports whether what was not logged before. When there is no room
// to remember more it says so, and nothing new is logged from then on.
func (c *Connector) firstTime(what string) bool {
	if c.cfg.Logger == nil {
		return false
	}
	h := maphash.String(c.logged.seed, what)
	c.mu.Lock()
	_, known := c.logged.seen[h]
	first := !known && len(c.logged.seen) < maxLogged
	if first {
		c.logged.seen[h] = struct{}{}
	}
	full := first && len(c.logged.seen) == maxLogged
	c.mu.Unlock()
	if full {
		c.log(slog.LevelWarn, "rwsplit: so much was logged once that what is new is not logged any more; StatsOf goes on counting", "messages", maxLogged)
	}
	return first
}
