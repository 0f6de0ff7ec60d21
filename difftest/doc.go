// Package difftest compares the classifier of rwsplit with full parsers:
// libpg_query for PostgreSQL and TiDB's parser for MySQL. It is a module of its
// own because the parsers need cgo and many packages.
//
// Three sources feed the comparison: a grammar-based generator that knows
// whether it put something unsafe into a statement, the corpus in
// testdata/classify, and mutants of the corpus. Where a parse tree has a write,
// a locking clause, INTO, or a function outside a list that is kept here apart
// from the classifier's, the classifier may never answer replica. On trees that
// are plain it must answer replica nearly always.
//
// RWSPLIT_DIFF_COUNT sets the number of generated statements per engine (a full
// run is 1000000), RWSPLIT_DIFF_SEED the seed, a number or "random"; every run
// prints it.
package difftest
