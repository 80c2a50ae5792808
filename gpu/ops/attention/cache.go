package attention

import (
	"math/bits"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Cache is a paged store of keys and values, in halves or in floats: slot s of
// sequence b is row s mod z of page Table[b, s / z] of K and V. Sequences may share pages, and a
// slot whose page is negative or beyond the last does not exist.
//
// There is no other state: to roll a sequence back to n slots is to see n from
// now on, and to write slot n next.
type Cache struct {
	K, V  *gpu.Tensor // f16 or f32 [pages, z, g·dh]; z is a power of two, at least MinPage
	Table *gpu.Tensor // i32 [b, pages of a sequence]
}

// MinPage is the least number of slots of a page: [Cached] takes that many at
// once, on the widest device, and looks their page up together.
const MinPage = 64

// slots is how many slots a sequence can have.
func (c *Cache) slots() int { return c.Table.Dim(1) * c.K.Dim(1) }

// paging are the parameters that page.glsl wants: sequences, pages of one, pages
// in all, and the logarithm of a page's slots.
func (c *Cache) paging() []uint32 {
	return []uint32{uint32(c.Table.Dim(0)), uint32(c.Table.Dim(1)), uint32(c.K.Dim(0)), uint32(bits.TrailingZeros(uint(c.K.Dim(1))))}
}

// floats reports whether keys and values are f32.
func (c *Cache) floats() bool { return c.K.DType == tensor.F32 }

func (c *Cache) check(where string, width int) error {
	for _, t := range []*gpu.Tensor{c.K, c.V} {
		if t == nil || t.DType != tensor.F16 && t.DType != tensor.F32 || len(t.Shape) != 3 || t.Dim(2) != width || t.Dim(1) < MinPage || bits.OnesCount(uint(t.Dim(1))) != 1 {
			return launch.Error(where, "K and V must be f16 or f32 [pages, slots, %d], slots a power of two from %d on", width, MinPage)
		}
	}
	if c.K.DType != c.V.DType || c.K.Dim(0) != c.V.Dim(0) || c.K.Dim(1) != c.V.Dim(1) {
		return launch.Error(where, "K is %v %v, V %v %v", c.K.DType, c.K.Shape, c.V.DType, c.V.Shape)
	}
	if c.Table == nil || len(c.Table.Shape) != 2 {
		return launch.Error(where, "Table must be i32 [sequences, pages]")
	}
	return launch.Check(where, launch.I32("Table", c.Table, c.Table.Elems()))
}
