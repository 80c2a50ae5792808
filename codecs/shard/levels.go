package shard

import (
	"encoding/binary"
	"fmt"
)

// hybrid fills dst from Parquet's mix of run lengths and bit-packed groups:
//
//	run:    varint(count << 1)       | value in ceil(width/8) bytes, LE
//	packed: varint(groups << 1 | 1)  | groups · 8 values of width bits, LSB first
//
// width is at most 32. Runs that go past dst are cut there, as a last packed
// group may; src too short for dst is an error wrapping [ErrCorrupt].
func hybrid[T uint8 | uint32](dst []T, src []byte, width uint) error {
	for len(dst) > 0 {
		head, n := binary.Uvarint(src)
		if n <= 0 {
			return fmt.Errorf("%w: levels or indices end %d values early", ErrCorrupt, len(dst))
		}
		src = src[n:]
		var used, wrote int
		if head&1 == 0 {
			used, wrote = fillRun(dst, src, width, head>>1)
		} else {
			used, wrote = unpack(dst, src, width, head>>1)
		}
		if used < 0 || wrote == 0 {
			return fmt.Errorf("%w: run header %d with %d bytes left", ErrCorrupt, head, len(src))
		}
		src, dst = src[used:], dst[wrote:]
	}
	return nil
}

// fillRun writes one run and returns the bytes used, -1 if they are missing,
// and the values written.
func fillRun[T uint8 | uint32](dst []T, src []byte, width uint, count uint64) (used, wrote int) {
	used = int(width+7) / 8
	if used > len(src) {
		return -1, 0
	}
	var v uint32
	for i, b := range src[:used] {
		v |= uint32(b) << (8 * i)
	}
	wrote = int(min(count, uint64(len(dst))))
	for i := range dst[:wrote] {
		dst[i] = T(v)
	}
	return used, wrote
}

// unpack writes bit-packed groups of eight values; results as fillRun.
func unpack[T uint8 | uint32](dst []T, src []byte, width uint, groups uint64) (used, wrote int) {
	if groups > uint64(len(src)) && width > 0 {
		return -1, 0
	}
	wrote = len(dst)
	if groups < uint64(len(dst)+7)/8 {
		wrote = int(groups * 8)
	}
	used = int(groups) * int(width)
	if width == 0 {
		used = 0
	}
	if used > len(src) {
		return -1, 0
	}
	var acc uint64
	var bits uint
	mask := uint64(1)<<width - 1
	pos := 0
	for i := range dst[:wrote] {
		for bits < width {
			acc |= uint64(src[pos]) << bits
			pos++
			bits += 8
		}
		dst[i] = T(acc & mask)
		acc >>= width
		bits -= width
	}
	return used, wrote
}

// widthOf is the number of bits that hold the levels 0 to top.
func widthOf(top int) (width uint) {
	for ; top > 0; top >>= 1 {
		width++
	}
	return width
}
