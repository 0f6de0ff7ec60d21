//go:build race

package difftest

// slow divides the number of texts: the race detector makes all this some ten
// times slower, and nothing here runs at once.
const slow = 10
