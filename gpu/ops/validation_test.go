package ops_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/activation"
	"github.com/morton-gen/morton/gpu/ops/adamw"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/bsq"
	"github.com/morton-gen/morton/gpu/ops/codebook"
	"github.com/morton-gen/morton/gpu/ops/conv"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/grammar"
	"github.com/morton-gen/morton/gpu/ops/gray"
	"github.com/morton-gen/morton/gpu/ops/loss"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/gpu/ops/resize"
	"github.com/morton-gen/morton/gpu/ops/rope"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/ops/singular"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/gpu/tensor"
)

// validated opens a device under the Khronos validation layer. Without the layer
// it skips, or fails where the environment sets MORTON_GPU=required.
func validated(t *testing.T) *gpu.Device {
	t.Helper()
	if os.Getenv("VK_INSTANCE_LAYERS") != "" { // scripts/validate
		t.Skip("under a layer already: the operations' own tests are what it hears")
	}
	dev, err := gpu.Open(gpu.Options{Validation: true})
	switch {
	case (errors.Is(err, gpu.ErrUnsupported) || errors.Is(err, gpu.ErrNoDevice)) && !gputest.Required():
		t.Skipf("nothing to validate with: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(dev.Close)
	return dev
}

// silent fails if the layer said anything since the last call.
func silent(t *testing.T, dev *gpu.Device, what string) {
	t.Helper()
	if n, text := dev.Validation(); n > 0 {
		t.Errorf("%s: %d validation messages:\n%s", what, n, text)
	}
}

// bench hands out small tensors, all of them filled with something harmless.
type bench struct {
	t    *testing.T
	dev  *gpu.Device
	made *[]*gpu.Tensor // what was handed out; nil: nobody asks
}

func (b bench) keep(x *gpu.Tensor) *gpu.Tensor {
	if b.made != nil {
		*b.made = append(*b.made, x)
	}
	return x
}

func (b bench) f32(shape ...int) *gpu.Tensor {
	return b.keep(gputest.F32(b.t, b.dev, gputest.Normal(1, tensor.Elems(shape)), shape...))
}

// i32 repeats 0, 1, … n-1; u32 is the same.
func (b bench) i32(n int32, shape ...int) *gpu.Tensor {
	return b.keep(gputest.I32(b.t, b.dev, counting(n, shape), shape...))
}

func (b bench) u32(n int32, shape ...int) *gpu.Tensor {
	return b.keep(gputest.U32(b.t, b.dev, counting(n, shape), shape...))
}

func counting(n int32, shape []int) []int32 {
	data := make([]int32, tensor.Elems(shape))
	for i := range data {
		data[i] = int32(i) % n
	}
	return data
}

// TestValidation runs every operation once under the validation layer, which
// must have nothing to say, then or when the device is closed.
func TestValidation(t *testing.T) {
	dev := validated(t)
	silent(t, dev, "opening")
	for name, record := range families {
		t.Run(name, func(t *testing.T) {
			gputest.Run(t, dev, func(r *gpu.Recorder) { record(bench{t: t, dev: dev}, r) })
			silent(t, dev, name)
		})
	}
	dev.Close()
	silent(t, dev, "closing")
}

// TestValidationHears makes a mistake the layer must report: a test that is
// silent because nobody listens would be worthless.
func TestValidationHears(t *testing.T) {
	dev := validated(t)
	spv, err := os.ReadFile("elementwise/scale.spv")
	if err != nil {
		t.Fatal(err)
	}
	spv[4] = 0xff // a version of SPIR-V that does not exist
	dev.NewRecorder().Dispatch(gpu.Call{Kernel: &gpu.Kernel{Name: "broken", SPIRV: spv}})
	if n, text := dev.Validation(); n == 0 || text == "" {
		t.Errorf("a broken kernel gave %d messages: %q", n, text)
	}
	if n, _ := dev.Validation(); n != 0 {
		t.Errorf("%d messages were reported twice", n)
	}
}

// TestValidationOfEveryKernel compiles all of them, also those the programs above
// have no use for, with their constants
// off and on; 2 is on, and the least width of a head.
func TestValidationOfEveryKernel(t *testing.T) {
	dev := validated(t)
	names, err := fs.Glob(os.DirFS("."), "*/*.spv")
	if err != nil || len(names) < 30 {
		t.Fatalf("%d kernels, error %v", len(names), err)
	}
	r := dev.NewRecorder()
	for _, name := range names {
		spv, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		specs := [][]uint32{nil, {2, 1, 1}}
		if name == "matmul/coop.spv" {
			c, err := dev.CoopMatrix()
			if err != nil {
				t.Logf("%s is not compiled: %v", name, err)
				continue
			}
			shape := []uint32{0, 4, uint32(c.M), uint32(c.N), uint32(c.K), 2, 2}
			specs = [][]uint32{append([]uint32{0, 0, 0}, shape...), append([]uint32{2, 1, 1}, shape...)}
		}
		for _, spec := range specs {
			r.Dispatch(gpu.Call{Kernel: &gpu.Kernel{Name: name, SPIRV: spv, Spec: spec}})
			silent(t, dev, name)
		}
	}
	if r.Err() != nil {
		t.Error(r.Err())
	}
}

func matmuls(b bench, r *gpu.Recorder) {
	const k, n = 34, 70
	for _, m := range gputest.Pick(2, []int{1, 3, 8, 13, 40}) { // every tile height in exhaustive tests; the low ones compile soon
		matmul.Record(r, matmul.Args{Layout: matmul.NT, A: b.f32(m, k), B: b.f32(n, k), C: b.f32(m, n), Bias: b.f32(n)})
		matmul.Record(r, matmul.Args{Layout: matmul.NN, A: b.f32(m, k), B: b.f32(k, n), C: b.f32(m, n), Add: true, Alpha: 0.5})
		matmul.Record(r, matmul.Args{Layout: matmul.TN, A: b.f32(k, m+m%2), B: b.f32(k, n), C: b.f32(m, n)})
	}
	matmul.Record(r, matmul.Args{Layout: matmul.TN, A: b.f32(1024, 8), B: b.f32(1024, 8), C: b.f32(8, 8)}) // cut along k
	coops(b, r)
	p, err := matmul.Quantize(tensor.I8, gputest.Normal(1, 2*n*64), 2*n, 64)
	if err != nil {
		b.t.Fatal(err)
	}
	w, scale, err := p.Upload(b.dev)
	if err != nil {
		b.t.Fatal(err)
	}
	matmul.Record(r, matmul.Args{A: b.f32(3, 64), B: w, Scale: scale, C: b.f32(3, n), Gated: true, NormEps: 1e-6})
	for _, dt := range gputest.Pick(1, []tensor.DType{tensor.F16, tensor.BF16}) {
		x, y, wide := b.half(dt, 4, 36), b.half(dt, 36, 36), b.f32(4, 36)
		matmul.Record(r, matmul.Args{Layout: matmul.NT, A: x, B: y, C: b.half(dt, 4, 36)})
		matmul.Record(r, matmul.Args{Layout: matmul.NN, A: x, B: y, C: wide})
		matmul.Record(r, matmul.Args{Layout: matmul.TN, A: b.f32(4, 8), B: x, C: b.f32(8, 36)})
	}
}

// half is a matrix of 16-bit floats.
func (b bench) half(dt tensor.DType, rows, cols int) *gpu.Tensor {
	x, err := b.dev.NewTensor(dt, rows, cols)
	if err == nil {
		err = x.WriteBytes(make([]byte, 2*rows*cols))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return b.keep(x)
}

// coops are products by cooperative matrices, where there are any.
func coops(b bench, r *gpu.Recorder) {
	if _, err := b.dev.CoopMatrix(); err != nil {
		b.t.Logf("cooperative matrices are not run: %v", err)
		return
	}
	const m, n, k = 13, 70, 36
	must := matmul.MustCoop
	matmul.Record(r, matmul.Args{Layout: matmul.NT, A: b.f32(m, k), B: b.f32(n, k), C: b.f32(m, n), Bias: b.f32(n), Coop: must})
	matmul.Record(r, matmul.Args{Layout: matmul.NN, A: b.f32(m, k), B: b.f32(k, n), C: b.f32(m, n), Add: true, Alpha: 0.5, Coop: must})
	matmul.Record(r, matmul.Args{Layout: matmul.TN, A: b.f32(k, m+1), B: b.f32(k, n), C: b.f32(m, n), Coop: must})
	matmul.Record(r, matmul.Args{Layout: matmul.TN, A: b.f32(1024, 8), B: b.f32(1024, 8), C: b.f32(8, 8), Coop: must}) // cut along k
	matmul.Record(r, matmul.Args{A: b.f32(m, k), B: b.half(tensor.F16, 2*n, k), C: b.f32(m, n), Gated: true, NormEps: 1e-6, Coop: must})
}

func embeds(b bench, r *gpu.Recorder) {
	embed.Sum(r, embed.SumArgs{Table: b.f32(9, 20), IDs: b.i32(9, 5, 2), Out: b.f32(5, 20)})
	embed.Sinusoid(r, embed.SinusoidArgs{Pos: b.f32(5, 2), Freq: b.f32(2, 3), Out: b.f32(5, 12), Order: embed.Interleaved})
	embed.SumGrad(r, embed.SumGradArgs{DOut: b.f32(5, 20), Starts: b.i32(10, 10), Rows: b.i32(5, 10), DTable: b.f32(9, 20)})
}

func norms(b bench, r *gpu.Recorder) {
	x, gain, out, rstd, mean := b.f32(70, 33), b.f32(33), b.f32(70, 33), b.f32(70), b.f32(70)
	norm.RMS(r, norm.RMSArgs{X: x, Gain: gain, Out: out, RStd: rstd})
	norm.RMSGrad(r, norm.RMSGradArgs{X: x, Gain: gain, RStd: rstd, DOut: out, DX: b.f32(70, 33), DGain: b.f32(33)})
	norm.Layer(r, norm.LayerArgs{X: x, Gain: gain, Bias: b.f32(33), Out: out, Mean: mean, RStd: rstd})
	norm.LayerGrad(r, norm.LayerGradArgs{X: x, Gain: gain, Mean: mean, RStd: rstd, DOut: out, DX: b.f32(70, 33), DGain: b.f32(33), DBias: b.f32(33)})
	mod, dmod := b.f32(2, 33), b.f32(2, 33)
	norm.Adaptive(r, norm.AdaptiveArgs{X: x, Scale: mod, Shift: mod, Out: out, Mean: mean, RStd: rstd, B: 2})
	norm.AdaptiveGrad(r, norm.AdaptiveGradArgs{X: x, Scale: mod, Mean: mean, RStd: rstd, DOut: out, DX: b.f32(70, 33), DScale: dmod, DShift: dmod, B: 2})
	norm.Gate(r, norm.GateArgs{X: x, Gate: mod, Residual: out, Out: out, B: 2})
	norm.Modulate(r, norm.ModulateArgs{X: x, Scale: mod, Shift: mod, Out: out, B: 2})
	norm.GateGrad(r, norm.GateGradArgs{X: x, Gate: mod, DOut: out, DX: b.f32(70, 33), DGate: dmod, B: 2})
	unit := norm.UnitArgs{X: b.f32(70, 34), Out: b.f32(70, 34), Log: b.f32(2), N: 70, Heads: 3, HeadDim: 8, LD: 34}
	norm.Unit(r, unit)
	norm.UnitGrad(r, norm.UnitGradArgs{UnitArgs: unit, DOut: b.f32(70, 34), DX: b.f32(70, 34), DLog: b.f32(2)})
	norm.Group(r, norm.GroupArgs{X: x, Gain: gain, Bias: gain, Out: out, Mean: b.f32(1, 11), RStd: b.f32(1, 11), Groups: 11})
	s := norm.Samples{Of: b.i32(1, 70), Starts: gputest.I32(b.t, b.dev, []int32{0, 70}, 2), Rows: b.i32(70, 70)}
	norm.Group(r, norm.GroupArgs{X: x, Out: out, Groups: 11, Samples: s})
}

func ropes(b bench, r *gpu.Recorder) {
	x := b.f32(6, 24)
	for _, half := range []bool{false, true} {
		rope.Apply(r, rope.Args{X: x, Out: x, Pos: b.i32(9, 6, 3), Freq: b.f32(6), Axis: b.i32(3, 6), Heads: 2, Half: half, Inverse: half})
		rope.Apply(r, rope.Args{X: x, Out: x, Pos: b.i32(9, 6, 3), Freq: b.f32(3, 2, 6), Heads: 2, Half: half, Inverse: half})
	}
}

func attentions(b bench, r *gpu.Recorder) {
	const batch, n, heads, dh = 2, 11, 2, 6
	m := func() *gpu.Tensor { return b.f32(batch*n, heads*dh) }
	a := attention.Args{
		Q: m(), K: m(), V: m(), Out: m(), B: batch, N: n, Heads: heads, HeadDim: dh,
		KeyQ: b.i32(n, batch, n), LSE: b.f32(batch, heads, n),
	}
	attention.Forward(r, a)
	attention.Backward(r, attention.BackwardArgs{Args: a, DOut: m(), DQ: m(), DK: m(), DV: m()})
	attention.Wide(r, attention.WideArgs{Q: b.f32(6, 34), K: b.f32(9, 34), V: b.f32(9, 34), Out: b.f32(6, 34), B: 3})
}

func cached(b bench, r *gpu.Recorder) {
	const rows, heads, dh = 8, 2, 6
	m := func() *gpu.Tensor { return b.f32(rows, heads*dh) }
	page := func() *gpu.Tensor {
		x, err := b.dev.NewTensor(tensor.F16, 2, attention.MinPage, heads*dh)
		if err != nil {
			b.t.Fatal(err)
		}
		r.Fill(x, 0)
		return x
	}
	c := attention.Cache{K: page(), V: page(), Table: b.i32(2, 2, 1)}
	seq, gain := b.i32(2, rows), b.f32(dh)
	for _, run := range []int{1, 4} {
		attention.Prepare(r, attention.PrepareArgs{
			QKV: b.f32(rows, 3*heads*dh), Heads: heads, HeadDim: dh, Cache: c, Seq: seq, Slot: b.i32(20, rows),
			QGain: gain, KGain: gain, Pos: b.i32(9, rows, 2), Freq: b.f32(2, 1, dh/2), Half: run > 1,
		})
		attention.Cached(r, attention.CachedArgs{
			Q: m(), Out: m(), Cache: c, Heads: heads, HeadDim: dh, Seq: seq, Len: b.i32(20, rows), Window: 9, Ranges: b.i32(20, rows, 1, 2), Run: run,
		})
	}
}

func losses(b bench, r *gpu.Recorder) {
	loss.SoftmaxCE(r, loss.SoftmaxCEArgs{Logits: b.f32(7, 90), Targets: b.i32(90, 7), Weight: b.f32(7), Loss: b.f32(7), DLogits: b.f32(7, 90)})
	loss.BitsBCE(r, loss.BitsBCEArgs{Logits: b.f32(7, 40), Targets: b.u32(90, 7, 2), Weight: b.f32(7), Loss: b.f32(7), DLogits: b.f32(7, 40)})
	loss.Noise(r, loss.NoiseArgs{Said: b.f32(7, 10), Target: b.f32(7, 10), Weight: b.f32(7), Loss: b.f32(7), DSaid: b.f32(7, 10)})
	loss.Noise(r, loss.NoiseArgs{Said: b.f32(7, 10), Target: b.f32(7, 5), Bounds: b.f32(7, 3), Weight: b.f32(7), Loss: b.f32(7), DSaid: b.f32(7, 10)})
	loss.Energy(r, loss.EnergyArgs{A: b.f32(7, 5), B: b.f32(7, 5), Target: b.f32(7, 5), Weight: b.f32(7), Loss: b.f32(7), DA: b.f32(7, 5), DB: b.f32(7, 5)})
	loss.Pixels(r, loss.PixelsArgs{H: 3, W: 2, X: b.f32(12, 4), Y: b.f32(12, 4), Loss: b.f32(6), DX: b.f32(12, 4), Square: 1, Size: 1, Slope: 1})
}

func bsqs(b bench, r *gpu.Recorder) {
	z, code, bits, rnorm := b.f32(7, 40), b.f32(7, 40), b.u32(9, 7, 2), b.f32(7)
	bsq.Quantize(r, bsq.QuantizeArgs{Z: z, Code: code, Bits: bits, RNorm: rnorm})
	bsq.QuantizeGrad(r, bsq.QuantizeGradArgs{Z: z, RNorm: rnorm, DCode: code, DZ: b.f32(7, 40), CommitWeight: 1, EntropyWeight: 1, DiversityWeight: 1})
	bsq.Expand(r, bsq.ExpandArgs{Bits: bits, Valid: b.i32(2, 7), Code: code})
}

func activations(b bench, r *gpu.Recorder) {
	x, half := b.f32(5, 66), b.f32(5, 33)
	activation.SwiGLU(r, activation.SwiGLUArgs{X: x, Out: half})
	activation.SwiGLUGrad(r, activation.SwiGLUGradArgs{X: x, DOut: half, DX: b.f32(5, 66)})
	activation.SiLU(r, activation.SiLUArgs{X: x, Out: b.f32(5, 66)})
	activation.SiLUGrad(r, activation.SiLUGradArgs{X: x, DOut: b.f32(5, 66), DX: b.f32(5, 66)})
	for _, tanh := range []bool{false, true} {
		activation.GELU(r, activation.GELUArgs{X: x, Out: b.f32(5, 66), Tanh: tanh})
		activation.GELUGrad(r, activation.GELUGradArgs{X: x, DOut: b.f32(5, 66), DX: b.f32(5, 66), Tanh: tanh})
	}
}

func codebooks(b bench, r *gpu.Recorder) {
	x, codes, ids := b.f32(8, 6), b.f32(9, 6), b.i32(9, 8)
	codebook.Nearest(r, codebook.NearestArgs{X: x, Codes: codes, IDs: ids})
	codebook.Nearest(r, codebook.NearestArgs{X: x, Codes: codes, IDs: ids, Cosine: true})
}

func grays(b bench, r *gpu.Recorder) {
	plan, err := gray.NewPlan(b.dev, []int{8, 5, 1, 6})
	if err != nil {
		b.t.Fatal(err)
	}
	z, code, bits := b.f32(9, 4), b.f32(9, 4), b.u32(1<<20, 9, 1)
	gray.Quantize(r, gray.QuantizeArgs{Z: z, Plan: plan, Code: code, Bits: bits})
	gray.Expand(r, gray.ExpandArgs{Bits: bits, Plan: plan, Code: code})
	gray.QuantizeGrad(r, gray.QuantizeGradArgs{Z: z, Plan: plan, DCode: code, DZ: b.f32(9, 4)})
}

func convs(b bench, r *gpu.Recorder) {
	s := conv.Shape{T: 2, H: 2, W: 2, Cin: 6, Cout: 4, Kernel: [3]int{3, 3, 3}, Pad: [3][2]int{{2, 0}, {1, 1}, {1, 1}}, First: true}
	n := s.T * s.H * s.W // few rows: a product's low tile compiles soon
	x, y, w, bias := b.f32(n, 6), b.f32(n, 4), b.f32(4, 27, 6), b.f32(4)
	conv.Forward(r, conv.Args{Shape: s, X: x, W: w, Bias: bias, Out: y})
	s = conv.Shape{T: 3, H: 4, W: 5, Cin: 6, Cout: 4, Kernel: [3]int{1, 3, 3}, Pad: [3][2]int{{}, {1, 1}, {1, 1}}}
	pixels := s.T * s.H * s.W
	x, y = b.f32(pixels, 6), b.f32(pixels, 4)
	for _, add := range []bool{false, true} {
		conv.Winograd(r, conv.WinogradArgs{Shape: s, X: x, W: b.f32(16, 4, 6), Bias: bias, Out: y, Add: add})
	}
}

func resizes(b bench, r *gpu.Recorder) {
	s := resize.Shape{B: 2, T: 2, H: 3, W: 4, C: 5, To: [3]int{3, 2, 5}}
	for _, mode := range []resize.Mode{resize.Nearest, resize.Linear, resize.Area} {
		resize.Record(r, resize.Args{Shape: s, Mode: mode, X: b.f32(48, 5), Out: b.f32(60, 5)})
	}
}

func rowses(b bench, r *gpu.Recorder) {
	x, starts, ids := b.f32(9, 20), b.i32(10, 10), b.i32(9, 9)
	rows.Gather(r, rows.GatherArgs{X: x, IDs: b.i32(9, 5, 27), Out: b.f32(5, 27*20)})
	rows.Scatter(r, rows.ScatterArgs{X: x, IDs: gputest.I32(b.t, b.dev, []int32{3, -1, 0, 1, 2, 8, 9, 7, 5}, 9), Out: b.f32(9, 20)})
	rows.Cut(r, rows.CutArgs{X: x, Out: b.f32(9, 7), From: 3})
	for _, mean := range []bool{false, true} {
		rows.Segment(r, rows.SegmentArgs{X: x, Starts: starts, Rows: ids, Out: b.f32(9, 20), Mean: mean})
		rows.SegmentGrad(r, rows.SegmentGradArgs{DOut: x, Starts: starts, ToStarts: starts, ToRows: ids, DX: b.f32(9, 20), Mean: mean})
	}
}

func elementwises(b bench, r *gpu.Recorder) {
	x, y, one := b.f32(200, 37), b.f32(200, 37), b.f32(1)
	elementwise.Add(r, elementwise.AddArgs{A: x, B: y, Out: y})
	elementwise.Scale(r, elementwise.ScaleArgs{X: x, Out: x, By: 3})
	elementwise.Sum(r, elementwise.SumArgs{X: x, Out: one})
	elementwise.ColumnSum(r, elementwise.ColumnSumArgs{X: x, Out: b.f32(37)})
	elementwise.MSE(r, elementwise.MSEArgs{X: x, Y: y, RowWeight: b.f32(200), Loss: b.f32(200), DX: y})
}

func adamws(b bench, r *gpu.Recorder) {
	g, length := b.f32(99), b.f32(1)
	hyper := gputest.F32(b.t, b.dev, adamw.Hyper(1e-3, 0.9, 0.99, 1e-8, 0.1, 1, 1, 1), adamw.HyperLen)
	adamw.Norm(r, adamw.NormArgs{G: g, Out: length})
	half := b.half(tensor.BF16, 1, 98)
	elementwise.Narrow(r, elementwise.NarrowArgs{X: b.f32(98), Out: half})
	elementwise.Widen(r, elementwise.WidenArgs{X: half, Out: b.f32(98)})
	adamw.Step(r, adamw.StepArgs{P: b.f32(98), G: b.f32(98), M: b.f32(98), V: b.f32(98), Norm: length, Hyper: hyper, Copy: half})
	adamw.Step(r, adamw.StepArgs{P: b.f32(99), G: g, M: b.f32(99), V: b.f32(99), Norm: length, Hyper: hyper, Decay: true, ZeroGrad: true})
}

func samples(b bench, r *gpu.Recorder) {
	draw := b.u32(7, 4, sample.DrawWords)
	sample.Softmax(r, sample.SoftmaxArgs{Logits: b.f32(8, 50), Draw: draw, Temp: b.f32(4, 2), Out: b.u32(1, 4, 2), S: 2})
	sample.Bits(r, sample.BitsArgs{Logits: b.f32(4, 50), Draw: draw, Temp: b.f32(4, 2), Out: b.u32(1, 4, 2)})
	sample.Bits(r, sample.BitsArgs{Logits: b.f32(4, 50), Draw: draw, Temp: b.f32(4, 2), Out: b.u32(1, 4, 2), Pairs: true})
	singular.Scale(r, singular.Args{X: b.f32(10, 6), B: 2, Strength: -1, Out: b.f32(10, 6)})
	sample.Smooth(r, sample.SmoothArgs{Logits: b.f32(4, 34), Draw: b.u32(7, 4, sample.DrawWords), Temp: b.f32(4, 3), Gain: 2, Tau: 0.1, Out: b.f32(4, 34)})
	sample.Project(r, sample.ProjectArgs{X: b.f32(10, 8), Picks: b.i32(5, 10), Scale: b.f32(5), Out: b.f32(5, 8), N: 2, Threshold: 1})
}

func grammars(b bench, r *gpu.Recorder) {
	draw := b.u32(7, 4, sample.DrawWords)
	a := grammar.FacesArgs{Tokens: b.u32(8, 4, 40, 1), Seq: b.i32(4, 4), Draw: draw, Levels: 32, Start: 1}
	mask := grammar.Faces(r, a)
	grammar.Surface(r, grammar.SurfaceArgs{FacesArgs: a, Guide: b.u32(2, 4, grammar.SurfaceWords(32)), Mask: mask})
	sample.Softmax(r, sample.SoftmaxArgs{Logits: b.f32(4, 34), Draw: draw, Temp: b.f32(4, 2), Mask: mask, Out: b.u32(1, 4, 1)})
}

func refines(b bench, r *gpu.Recorder) {
	const m, c = 5, 6
	s := &refine.State{X: b.f32(m, c), At: b.i32(2, 2*m), Draw: b.u32(9, m, sample.DrawWords), Info: b.f32(m, 4)}
	table := b.f32(3, refine.PassColumns)
	for _, recorded := range []*refine.Recorded{nil, b.f32(2, 9, 4, c)} {
		refine.Begin(r, refine.BeginArgs{State: s, Draw: b.u32(2, m, sample.DrawWords), Temp: b.f32(m, 3), Scale: b.f32(m), Canvas: b.i32(2, m), Picks: b.i32(m, 2*m), Recorded: recorded})
		refine.Step(r, refine.StepArgs{State: s, Out: b.f32(m, c), Table: table, Recorded: recorded})
		refine.Step(r, refine.StepArgs{State: s, Out: b.f32(2*m, 2*c), Table: table, Recorded: recorded})
	}
	whole := &refine.State{X: s.X, At: s.At, Draw: s.Draw, Info: r.Temp(tensor.F32, m, 4)}
	r.Fill(whole.Info, 0)
	refine.Renorm(r, refine.RenormArgs{State: whole, Out: b.f32(2*m, c), Table: table, Rest: b.f32(2, 9, c+1), Back: b.f32(m)})
	refine.Noise(r, refine.NoiseArgs{Draw: s.Draw, Out: b.f32(m, 7), Uniform: true})
}

func steps(b bench, r *gpu.Recorder) {
	for places, codes := range []bool{false, true} {
		s, err := step.NewState(b.dev, step.Dims{Slots: 2, Length: 5, Fixed: 1, Inputs: 2, Sub: 2, Axes: 3, Vocab: 10, Codes: codes, Places: 3 * places, Ranges: 2 * places})
		if err != nil {
			b.t.Fatal(err)
		}
		for _, x := range []*gpu.Tensor{s.Rows, s.Targets, s.Tokens, s.Sampling} {
			r.Fill(x, 0)
		}
		batch, err := step.NewBatch(b.dev, 2, 4, 3)
		if err != nil {
			b.t.Fatal(err)
		}
		lanes := []step.Sequence{{Rows: 5, Group: 2, Targets: 5, GroupTargets: 2, Unconditional: 1}, {Slot: 1, Canvas: 1, Row: 2, Rows: 5, Group: 2, Target: 1, Targets: 5, GroupTargets: 1, Unconditional: -1}}
		if err := batch.Write(lanes); err != nil {
			b.t.Fatal(err)
		}
		rows := step.Gather(r, s, batch)
		step.Commit(r, s, batch, rows, b.u32(9, 3, 2))
		joined := r.Temp(tensor.F32, 3, 10)
		sample.Combine(r, sample.CombineArgs{X: b.f32(6, 10), Picks: rows.Picks, Scale: rows.Scale, Out: joined})
	}
}
