package rwsplit

// Decision says where a statement runs and why.
type Decision struct {
	Backend   Backend
	Statement Statement
	Query     string
}
