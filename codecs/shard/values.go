package shard

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"
)

// values is a sequence of decoded leaf values: ints or texts, never both.
type values struct {
	ints  []int64
	texts [][]byte // views into decompressed pages
}

func (v *values) len() int { return len(v.ints) + len(v.texts) }

// appendPlain decodes n values in PLAIN encoding: little-endian integers, or
// byte arrays with a u32 length. If b is too short it returns an error wrapping
// [ErrCorrupt] before allocating.
func (v *values) appendPlain(b []byte, typ int32, n int) error {
	size := map[int32]int{typeInt32: 4, typeInt64: 8, typeByteArray: 4}[typ]
	if n > len(b)/size {
		return fmt.Errorf("%w: %d values in %d bytes", ErrCorrupt, n, len(b))
	}
	switch typ {
	case typeInt32:
		v.ints = slices.Grow(v.ints, n)
		for i := range n {
			v.ints = append(v.ints, int64(int32(binary.LittleEndian.Uint32(b[4*i:]))))
		}
	case typeInt64:
		if v.ints == nil && n > 0 {
			if v.ints = asInts(b, n); v.ints != nil {
				return nil
			}
		}
		v.ints = slices.Grow(v.ints, n)
		for i := range n {
			v.ints = append(v.ints, int64(binary.LittleEndian.Uint64(b[8*i:])))
		}
	case typeByteArray:
		return v.appendTexts(b, n)
	}
	return nil
}

// asInts returns n 8-byte numbers as a read-only view of b, which avoids a copy of long
// samples. It returns nil if b is unaligned or the byte order differs.
func asInts(b []byte, n int) []int64 {
	first := unsafe.Pointer(unsafe.SliceData(b))
	if uintptr(first)%unsafe.Alignof(int64(0)) != 0 || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil
	}
	return unsafe.Slice((*int64)(first), n)
}

func (v *values) appendTexts(b []byte, n int) error {
	v.texts = slices.Grow(v.texts, n)
	for range n {
		if len(b) < 4 {
			return fmt.Errorf("%w: strings end early", ErrCorrupt)
		}
		size := binary.LittleEndian.Uint32(b)
		b = b[4:]
		if uint64(size) > uint64(len(b)) {
			return fmt.Errorf("%w: string of %d bytes, %d left", ErrCorrupt, size, len(b))
		}
		v.texts = append(v.texts, b[:size:size])
		b = b[size:]
	}
	return nil
}

// appendIndexed decodes n dictionary indices, a width byte and then runs, and
// appends the entries they name.
func (v *values) appendIndexed(b []byte, dict *values, n int) error {
	if n == 0 {
		return nil
	}
	if dict == nil || len(b) == 0 || b[0] > 32 {
		return fmt.Errorf("%w: dictionary indices without a dictionary or a width", ErrCorrupt)
	}
	indices := make([]uint32, n)
	if err := hybrid(indices, b[1:], uint(b[0])); err != nil {
		return err
	}
	size := uint32(dict.len())
	for _, i := range indices {
		if i >= size {
			return fmt.Errorf("%w: index %d in a dictionary of %d", ErrCorrupt, i, size)
		}
		if dict.texts != nil {
			v.texts = append(v.texts, dict.texts[i])
		} else {
			v.ints = append(v.ints, dict.ints[i])
		}
	}
	return nil
}

// move appends value i of from.
func (v *values) move(from *values, i int) {
	if from.texts != nil {
		v.texts = append(v.texts, from.texts[i])
	} else {
		v.ints = append(v.ints, from.ints[i])
	}
}

// appendZero appends the value of a null: 0 or the empty string.
func (v *values) appendZero(typ int32) {
	if typ == typeByteArray {
		v.texts = append(v.texts, nil)
	} else {
		v.ints = append(v.ints, 0)
	}
}
