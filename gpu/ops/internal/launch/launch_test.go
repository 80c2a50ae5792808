package launch

import (
	"errors"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

func TestCheck(t *testing.T) {
	f := &gpu.Tensor{Shape: []int{3, 4}, DType: tensor.F32}
	i := &gpu.Tensor{Shape: []int{3, 4}, DType: tensor.I32}
	for name, c := range map[string]struct {
		want Want
		ok   bool
	}{
		"f32":            {F32("x", f, 12), true},
		"i32":            {I32("x", i, 12), true},
		"rows fit":       {Rows("x", f, 3, 2, 5), true},
		"nil, optional":  {Optional(F32("x", nil, 12)), true},
		"nil":            {F32("x", nil, 12), false},
		"short":          {F32("x", f, 13), false},
		"long":           {F32("x", f, 11), false},
		"type":           {F32("x", i, 12), false},
		"rows past end":  {Rows("x", f, 3, 3, 5), false},
		"wrong optional": {Optional(F32("x", f, 1)), false},
	} {
		if err := Check("test", c.want); (err == nil) != c.ok || err != nil && !errors.Is(err, gpu.ErrShape) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
