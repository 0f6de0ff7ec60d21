// Package examples holds runnable examples of rwsplit on SQLite files. They run
// offline; go test checks what they print.
package examples
