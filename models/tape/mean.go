package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
)

// MeanArgs say which rows Mean takes, as rows.Segment and rows.SegmentGrad have them.
type MeanArgs struct {
	Starts, Rows     *gpu.Tensor // i32 [m+1]: where the rows of each mean begin in Rows
	ToStarts, ToRows *gpu.Tensor // see rows.Transpose; only the gradient needs them
}

// Mean returns means of rows of xs, [m, d]. The values are equal in shape, [n, d], and
// their rows are counted one value after the other. A mean of no rows is zero.
func (t *Tape) Mean(xs []*Value, a MeanArgs) *Value {
	n, d := xs[0].X.Rows(), xs[0].X.Dim(-1)
	all := t.r.Temp(tensor.F32, len(xs)*n, d)
	for i, x := range xs {
		t.r.Copy(all.View(i*n*d, n, d), x.X)
	}
	y := t.temp(a.Starts.Elems()-1, d)
	rows.Segment(t.r, rows.SegmentArgs{X: all, Starts: a.Starts, Rows: a.Rows, Out: y.X, Mean: true})
	t.push(y, func(dy *gpu.Tensor) {
		dx := t.r.Temp(tensor.F32, len(xs)*n, d)
		rows.SegmentGrad(t.r, rows.SegmentGradArgs{DOut: dy, Starts: a.Starts, ToStarts: a.ToStarts, ToRows: a.ToRows, DX: dx, Mean: true})
		for i, x := range xs {
			t.accumulate(x, dx.View(i*n*d, n, d))
		}
	})
	return y
}
