//go:build !go1.26

package rwsplit

// ignoresColumnConverter: database/sql before Go 1.26 leaves arguments as they
// are where a statement has a ColumnConverter and does not say how many inputs
// it has (NumInput -1), so rwsplit does too.
const ignoresColumnConverter = true
