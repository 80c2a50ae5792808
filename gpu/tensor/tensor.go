// Package tensor holds element types and shapes, and nothing that needs a
// device. Tensors are dense and row-major; a scalar has the empty shape.
package tensor

import "fmt"

// DType is the type of a tensor's elements.
type DType uint8

// Element types the engine stores.
const (
	F32 DType = iota
	I32
	U32
	F16
	BF16
	I8   // a byte of an operation's own packing
	I4x2 // two integers of four bits in a byte, likewise
)

// Bytes returns the size of one element.
func (t DType) Bytes() int {
	switch t {
	case F16, BF16:
		return 2
	case I8, I4x2:
		return 1
	}
	return 4
}

func (t DType) String() string {
	names := [...]string{"f32", "i32", "u32", "f16", "bf16", "i8", "i4x2"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("dtype(%d)", uint8(t))
}

// Elems returns the number of elements of a shape: the product of its extents.
func Elems(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}

// Valid reports whether every extent is positive and the element count fits.
func Valid(shape []int) bool {
	n := 1
	for _, s := range shape {
		if s <= 0 || n > (1<<40)/s {
			return false
		}
		n *= s
	}
	return true
}
