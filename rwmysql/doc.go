// Package rwmysql links [github.com/go-sql-driver/mysql] into rwsplit, for
// MySQL and MariaDB.
//
//	import _ "github.com/rwsplit/rwsplit/rwmysql"
//
//	db, err := sql.Open("rwsplit", "driver=mysql primary=app:secret@tcp(db-1)/shop replica=...")
//
// It registers the dialect of the driver mysql, and the driver name
// rwsplit-mysql, whose DSNs need no driver= key, for libraries that key on the
// name. Which of the two engines answers is learned from the first server that
// is reached; until then a text is a read only if it is one under both.
//
// On replicas two parameters of a base DSN are overruled: autocommit, which is
// on there (a session without it would keep its first snapshot for ever), and
// rejectReadOnly, which is off (it would turn a write that a replica refused
// into a broken connection).
//
// Networks registered with [mysql.RegisterDialContext] work under names of
// their own; a call that hangs on such a connection ends with its context only.
// One registered under the name of a built-in network (tcp, unix) is not used.
package rwmysql
