package rwsplit

import "math/bits"

// Words are read eight bytes at a time: which of them belong to a word, and its
// hash, come from a few operations on one integer.

const (
	everyByte = 0x0101010101010101
	highBits  = 0x80 * everyByte
	caseBits  = 0x20 * everyByte // what ASCII letters of the two cases differ in
)

// spread is 2^64 over the golden ratio: a product with it has mixed high bits.
const spread = 0x9e3779b97f4a7c15

// block returns the eight bytes of s from i on, the first one lowest, and zeros
// for what is behind its end.
func block(s string, i int) uint64 {
	if i+8 <= len(s) {
		return within(s, i)
	}
	if len(s) >= 8 {
		return within(s, len(s)-8) >> (8 * uint(i+8-len(s)))
	}
	var x uint64
	for k := len(s) - 1; k >= i; k-- {
		x = x<<8 | uint64(s[k])
	}
	return x
}

// within is block where s goes on long enough.
func within(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// wordBytesIn returns how many bytes at the start of a block belong to a word:
// all engines agree on letters, digits, _ and $. Bytes from 0x80 on are parts of
// letters: texts that are not UTF-8 are refused before.
func wordBytesIn(x uint64) int {
	low := x &^ highBits
	lower := low | caseBits
	// A sum's high bit says that the byte is at least what makes it 0x80.
	letter := (lower + (0x80-'a')*everyByte) &^ (lower + (0x80-'z'-1)*everyByte)
	digit := (low + (0x80-'0')*everyByte) &^ (low + (0x80-'9'-1)*everyByte)
	other := (low ^ '_'*everyByte) + 0x7f*everyByte // high bit: not _
	other &= (low ^ '$'*everyByte) + 0x7f*everyByte // nor $
	return bits.TrailingZeros64(^(x|letter|digit|^other)&highBits) / 8
}

// firstBytes is the part of a block that holds its first n bytes, n from 0 to 8,
// in lower case as far as they are letters.
func firstBytes(x uint64, n int) uint64 {
	return (x | caseBits) & (1<<(8*uint(n)) - 1)
}

// firstOf is firstBytes for a text.
func firstOf(text string) uint64 { return firstBytes(block(text, 0), min(len(text), 8)) }

// mixWord adds a block to the hash of a word; the result's low half is good for
// hash tables.
func mixWord(h, x uint64) uint64 {
	h = (h ^ x) * spread
	return h ^ h>>32
}

// scanWord reads a word. It returns its end, its firstBytes and its hash.
func scanWord(src string, pos int) (end int, first uint64, hash uint32) {
	var x uint64
	if pos+8 <= len(src) {
		x = within(src, pos)
	} else {
		x = block(src, pos)
	}
	n := wordBytesIn(x)
	first = firstBytes(x, n)
	h := mixWord(0, first)
	for pos += n; n == 8; pos += n {
		x = block(src, pos)
		n = wordBytesIn(x)
		h = mixWord(h, firstBytes(x, n))
	}
	return pos, first, uint32(h)
}

// hashWord hashes any text, as the lexer hashes words.
func hashWord(text string) uint32 {
	n := min(len(text), 8)
	h := mixWord(0, firstBytes(block(text, 0), n))
	for i := 8; n == 8; i += 8 {
		n = min(len(text)-i, 8)
		h = mixWord(h, firstBytes(block(text, i), n))
	}
	return uint32(h)
}
