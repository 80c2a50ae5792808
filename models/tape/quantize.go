package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/bsq"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Quantize is bsq.Quantize of z [n, l], the code on the sphere, with the
// gradient straight through the signs.
func (t *Tape) Quantize(z *Value) *Value {
	code, rnorm := t.temp(z.X.Shape...), t.r.Temp(tensor.F32, z.X.Rows())
	bsq.Quantize(t.r, bsq.QuantizeArgs{Z: z.X, Code: code.X, RNorm: rnorm})
	t.push(code, func(d *gpu.Tensor) {
		t.into(z, func(g *gpu.Tensor) {
			bsq.QuantizeGrad(t.r, bsq.QuantizeGradArgs{Z: z.X, RNorm: rnorm, DCode: d, DZ: g})
		})
	})
	return code
}
