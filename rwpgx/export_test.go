package rwpgx

import "github.com/rwsplit/rwsplit"

// New returns what is registered for the driver pgx, over another engine.
func New(engine rwsplit.Dialect) rwsplit.Dialect { return dialect{engine} }
