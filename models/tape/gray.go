package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/gray"
)

// Gray is gray.Quantize of z [n, c], the values of its levels, with the gradient straight
// through the rounding.
func (t *Tape) Gray(z *Value, p *gray.Plan) *Value {
	y := t.temp(z.X.Shape...)
	gray.Quantize(t.r, gray.QuantizeArgs{Z: z.X, Plan: p, Code: y.X})
	t.push(y, func(dy *gpu.Tensor) {
		t.into(z, func(g *gpu.Tensor) {
			gray.QuantizeGrad(t.r, gray.QuantizeGradArgs{Z: t.kept(z), Plan: p, DCode: dy, DZ: g})
		})
	})
	return y
}
