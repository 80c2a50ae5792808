package shard

import (
	"encoding/binary"
	"fmt"
)

// hybrid decodes Parquet's RLE/bit-packing hybrid into dst:
//
//	run:    varint(count << 1)       | value in ceil(width/8) bytes, LE
//	packed: varint(groups << 1 | 1)  | groups · 8 values of width bits, LSB first
//
// width is at most 32. Values beyond dst are ignored, as in a last packed group.
// If src is too short the error wraps [ErrCorrupt].
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

// fillRun writes one run. It returns the bytes used, or -1 if src is too short,
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

// unpack writes bit-packed groups of eight values. Results are as in fillRun.
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

// widthOf is the number of bits for levels 0 to top.
func widthOf(top int) (width uint) {
	for ; top > 0; top >>= 1 {
		width++
	}
	return width
}
