//go:build go1.26

package rwsplit

// ignoresColumnConverter: see args_go125.go.
const ignoresColumnConverter = false
