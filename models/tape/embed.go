package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/embed"
)

// EmbedArgs are the operands of Embed.
type EmbedArgs struct {
	Table        *Value      // [v, d]
	IDs          *gpu.Tensor // i32 [n, k]
	Starts, Rows *gpu.Tensor // where each id stands, see embed.Index; only the gradient needs them
}

// Embed is embed.Sum: [n, d].
func (t *Tape) Embed(a EmbedArgs) *Value {
	y := t.temp(a.IDs.Dim(0), a.Table.X.Dim(1))
	embed.Sum(t.r, embed.SumArgs{Table: a.Table.X, IDs: a.IDs, Out: y.X})
	t.push(y, func(dy *gpu.Tensor) {
		if a.Table.grad != nil {
			embed.SumGrad(t.r, embed.SumGradArgs{DOut: dy, Starts: a.Starts, Rows: a.Rows, DTable: a.Table.grad})
		}
	})
	return y
}
