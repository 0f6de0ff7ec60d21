package rwmysql

import "github.com/rwsplit/rwsplit"

// New returns what is registered for the driver mysql, over another engine.
func New(engine rwsplit.Dialect) rwsplit.Dialect { return dialect{engine} }

// ConfigOf is what a DSN is opened with.
var ConfigOf = config
