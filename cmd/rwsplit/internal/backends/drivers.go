package backends

// The base drivers that a DSN can name.
import (
	_ "modernc.org/sqlite"

	_ "github.com/rwsplit/rwsplit/rwmysql"
	_ "github.com/rwsplit/rwsplit/rwpgx"
)
