package rwsplit

// Classify says where one SQL text may run. dialect is postgres, mysql,
// mariadb, sqlite or generic; any other name is read as generic. It does no
// I/O and never panics; whatever it does not understand belongs on the primary
// and counts as a write.
func Classify(dialect, query string) Statement {
	l, _ := languageOf(dialect)
	return classifyText(l, nil, query)
}

func classifyText(l language, k *knowledge, query string) Statement {
	return Statement{Writes: true, Pins: true, State: StateOpaque, Opaque: true, Reason: "unknown statement"}
}
