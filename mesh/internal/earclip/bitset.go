package earclip

import "math/bits"

// bitset is a hierarchical bitset: a set of integers below its size. Level 0 has one
// bit per integer. A bit of a higher level is set if the word below it is not zero.
type bitset [][]uint64

func newBitset(size int) bitset {
	var b bitset
	for {
		size = (size + 63) / 64
		b = append(b, make([]uint64, size))
		if size <= 1 {
			return b
		}
	}
}

// set adds i to the set or removes it.
func (b bitset) set(i int32, in bool) {
	for _, words := range b {
		was := words[i/64] != 0
		if in {
			words[i/64] |= 1 << (i % 64)
		} else {
			words[i/64] &^= 1 << (i % 64)
		}
		in = words[i/64] != 0
		if in == was {
			return
		}
		i /= 64
	}
}

// next returns the first member at or after i, wrapping around, or -1 if the set is
// empty.
func (b bitset) next(i int32) int32 {
	if j := b.from(i); j >= 0 {
		return j
	}
	return b.from(0)
}

// from returns the first member at or after i, or -1.
func (b bitset) from(i int32) int32 {
	level := 0
	for ; level < len(b); level++ { // climb until a word has a later member
		words := b[level]
		if int(i/64) >= len(words) {
			return -1
		}
		if rest := words[i/64] >> (i % 64); rest != 0 {
			i += int32(bits.TrailingZeros64(rest))
			break
		}
		i = i/64 + 1
	}
	if level == len(b) {
		return -1
	}
	for ; level > 0; level-- { // descend along the first members
		i = i*64 + int32(bits.TrailingZeros64(b[level-1][i]))
	}
	return i
}
