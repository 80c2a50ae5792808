package loss

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// PixelsArgs are the operands of [Pixels].
type PixelsArgs struct {
	H, W int         // rows and columns of a picture
	X, Y *gpu.Tensor // f32 [pictures·h·w, c]
	Loss *gpu.Tensor // f32 [pictures·h]
	DX   *gpu.Tensor // f32 [pictures·h·w, c], optional; neither X nor Y

	Square float32 // weight of squared errors
	Size   float32 // weight of absolute errors
	Slope  float32 // weight of absolute errors of differences between neighbours
	Soft   float32 // errors below it count nearly as squares; 0 means 1/256
}

// Pixels adds a loss of pictures and its gradient to a program. With e = x - y and
// r(e) = √(e² + soft²) - soft, a row of a picture has the loss
//
//	Σ square·e² + size·r(e) + slope·(r(e_right - e) + r(e_below - e))
//
// over its pixels and channels. A neighbour outside the picture adds nothing. DX is the
// gradient of the sum of all losses. The mean over a batch is the caller's. The relative
// error of a loss is at most (w·c/W + 24)·2⁻²⁴ beside the errors' own rounding. Loss and
// DX are overwritten. Errors wrap [gpu.ErrShape] and come out of Finish.
//
// Source: the smooth absolute value is that of Charbonnier, Blanc-Féraud, Aubert and
// Barlaud, 1994; the loss of differences follows Mathieu, Couprie and LeCun, "Deep
// multi-scale video prediction beyond mean square error", 2015, arXiv:1511.05440, eq. 6,
// with the difference taken before the absolute value.
func Pixels(r *gpu.Recorder, a PixelsArgs) {
	const where = "loss.Pixels"
	n, c, err := launch.Matrix(where, "X", a.X)
	if err == nil && (a.H < 1 || a.W < 1 || n%(a.H*a.W) != 0) {
		err = launch.Error(where, "%d pixels are no pictures of %d by %d", n, a.H, a.W)
	}
	if err == nil {
		err = launch.Check(where, launch.F32("Y", a.Y, n*c), launch.F32("Loss", a.Loss, n/a.W), launch.Optional(launch.F32("DX", a.DX, n*c)))
	}
	if err == nil && (a.DX == a.X || a.DX == a.Y) {
		err = launch.Error(where, "DX is X or Y")
	}
	if err != nil {
		r.Fail(err)
		return
	}
	if a.Soft == 0 {
		a.Soft = 1.0 / 256
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "loss", "pixels"),
		Grid:   gpu.Linear(n / a.W),
		In:     []*gpu.Tensor{a.X, a.Y},
		Out:    []*gpu.Tensor{a.Loss, a.DX},
		Params: []uint32{
			uint32(n / a.W), uint32(a.H), uint32(a.W), uint32(c),
			gpu.F32Param(a.Square), gpu.F32Param(a.Size), gpu.F32Param(a.Slope), gpu.F32Param(a.Soft),
		},
		Work: launch.Work(40*n*c, a.X, a.Y, a.Loss, a.DX),
	})
}
