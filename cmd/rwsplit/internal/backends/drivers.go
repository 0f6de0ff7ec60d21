package backends

// The base drivers that a DSN can name.
import (
	"github.com/go-sql-driver/mysql"
	_ "modernc.org/sqlite"

	_ "github.com/rwsplit/rwsplit/rwmysql"
	_ "github.com/rwsplit/rwsplit/rwpgx"
)

// This driver writes to standard error what it also returns, and what it meets
// on connections that were cut off because their server hangs.
func init() { _ = mysql.SetLogger(&mysql.NopLogger{}) }
