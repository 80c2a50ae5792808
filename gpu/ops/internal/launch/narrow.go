package launch

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Narrow demands a tensor of n 2-byte floats, n even, for narrow.glsl; it returns the
// kind it has there, or 0 for nil.
func Narrow(where, name string, t *gpu.Tensor, n int) (kind uint32, err error) {
	switch {
	case t == nil:
		return 0, nil
	case t.Elems() != n || n%2 != 0:
		return 0, Error(where, "%s has %d elements, want %d and an even number", name, t.Elems(), n)
	case t.DType == tensor.F16:
		return 1, nil
	case t.DType == tensor.BF16:
		return 2, nil
	}
	return 0, Error(where, "%s is %v, want %v or %v", name, t.DType, tensor.F16, tensor.BF16)
}
