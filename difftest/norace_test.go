//go:build !race

package difftest

const slow = 1
