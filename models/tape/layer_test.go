package tape

import (
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/tensor"
)

func TestMain(m *testing.M) { gputest.Main(m) }

// operand is a value of a test: a matrix with its gradient.
type operand struct {
	rows, cols int
	x          []float32
	grad       *gpu.Tensor
}

// slopes runs f over some operands with a squared error behind it, and compares each
// gradient with the difference of losses along a random direction.
func slopes(t *testing.T, dev *gpu.Device, name string, shapes [][2]int, f func(g *Tape, v []*Value) *Value) {
	t.Helper()
	var ops []*operand
	for i, s := range shapes {
		ops = append(ops, &operand{rows: s[0], cols: s[1], x: gputest.Normal(uint64(i+1), max(s[0], 1)*s[1])})
	}
	run := func(training bool) float64 {
		rec := dev.NewRecorder()
		g := New(rec, training)
		var values []*Value
		for _, o := range ops {
			shape := []int{o.rows, o.cols}
			if o.rows == 0 {
				shape = shape[1:]
			}
			o.grad = gputest.F32(t, dev, make([]float32, tensor.Elems(shape)), shape...)
			values = append(values, Param(gputest.F32(t, dev, o.x, shape...), o.grad))
		}
		y := f(g, values)
		n, d := y.X.Rows(), y.X.Dim(-1)
		losses := gputest.F32(t, dev, make([]float32, n), n)
		g.MSE(y, gputest.F32(t, dev, gputest.Normal(99, n*d), n, d), 1, losses)
		g.Backward()
		p, err := rec.Finish()
		if err == nil {
			err = p.Run(1)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer p.Free()
		sum := 0.0
		for _, x := range gputest.Read(t, losses) {
			sum += float64(x)
		}
		return sum
	}
	run(true)
	grads := make([][]float32, len(ops))
	for i, o := range ops {
		grads[i] = gputest.Read(t, o.grad)
	}
	for i, o := range ops {
		direction, want := gputest.Normal(uint64(50+i), len(o.x)), 0.0
		for j, d := range direction {
			want += float64(d) * float64(grads[i][j])
		}
		const h = 1.0 / 256
		move := func(by float32) float64 {
			for j, d := range direction {
				o.x[j] += by * d
			}
			return run(false)
		}
		up := move(h)
		down := move(-2 * h)
		move(h)
		got := (up - down) / (2 * h)
		if math.Abs(got-want) > 2e-3*(1+math.Abs(want)) || want == 0 {
			t.Errorf("%s: operand %d: the loss grows by %g, its gradient says %g", name, i, got, want)
		}
	}
}

// TestLayerGradients holds the gradients of the layers that vision transformers and their
// heads add to slopes of the loss.
func TestLayerGradients(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		slopes(t, dev, "layer norm", [][2]int{{5, 8}, {0, 8}, {0, 8}}, func(g *Tape, v []*Value) *Value { return g.Layer(v[0], v[1], v[2], 1e-5) })
		slopes(t, dev, "silu", [][2]int{{5, 8}}, func(g *Tape, v []*Value) *Value { return g.SiLU(v[0]) })
		slopes(t, dev, "gelu", [][2]int{{5, 8}}, func(g *Tape, v []*Value) *Value { return g.ExactGELU(v[0]) })
		slopes(t, dev, "modulate", [][2]int{{5, 8}, {5, 16}}, func(g *Tape, v []*Value) *Value { return g.Modulate(v[0], v[1], 0, 1) })
		slopes(t, dev, "modulate after a layer", [][2]int{{5, 8}, {5, 16}}, func(g *Tape, v []*Value) *Value {
			return g.Modulate(g.SiLU(v[0]), g.SiLU(v[1]), 1, 0)
		})
		slopes(t, dev, "modulate by sequence", [][2]int{{6, 8}, {3, 24}}, func(g *Tape, v []*Value) *Value { return g.Modulate(v[0], v[1], 2, 1) })
		slopes(t, dev, "adaptive", [][2]int{{6, 8}, {3, 24}}, func(g *Tape, v []*Value) *Value { return g.Adaptive(v[0], v[1], 2, 0, 1e-5) })
		slopes(t, dev, "gate", [][2]int{{6, 8}, {3, 24}, {6, 8}}, func(g *Tape, v []*Value) *Value { return g.Gate(v[0], v[1], 1, v[2]) })
		slopes(t, dev, "one modulation for all", [][2]int{{6, 8}, {6, 32}}, func(g *Tape, v []*Value) *Value {
			m := g.SiLU(v[1])
			h := g.SiLU(g.Adaptive(v[0], m, 0, 1, 1e-5))
			return g.Gate(g.Modulate(h, m, 2, 0), m, 3, v[0])
		})
		slopes(t, dev, "unit", [][2]int{{5, 24}, {0, 2}}, func(g *Tape, v []*Value) *Value {
			return g.Unit(v[0], v[1], norm.UnitArgs{Cap: 3, Heads: 4, HeadDim: 4})
		})
		slopes(t, dev, "stack", [][2]int{{2, 8}, {3, 8}}, func(g *Tape, v []*Value) *Value { return g.Stack(v[0], g.SiLU(v[1]), v[0]) })
		slopes(t, dev, "vectors", [][2]int{{5, 8}, {16, 8}, {0, 8}, {0, 8}}, func(g *Tape, v []*Value) *Value {
			return g.Linear(v[0], LinearArgs{W: v[1], Bias: g.Stack(v[2], v[3])})
		})
		slopes(t, dev, "reshape", [][2]int{{5, 8}, {10, 4}}, func(g *Tape, v []*Value) *Value {
			return g.Sum(g.Reshape(g.SiLU(v[0]), 10, 4), v[1])
		})
		keyQ, keyK := gputest.I32(t, dev, []int32{1, 2, 9, 1, 1, 1}, 2, 3), gputest.I32(t, dev, []int32{0, 2, 0, 0}, 2, 2)
		slopes(t, dev, "cross-attention", [][2]int{{6, 8}, {4, 8}}, func(g *Tape, v []*Value) *Value {
			// The loss writes over what is in front of it, and attention needs its result.
			return g.SiLU(g.CrossAttention(g.SiLU(v[0]), v[1], CrossAttentionArgs{B: 2, N: 3, NK: 2, Heads: 4, KVHeads: 2, HeadDim: 2, KeyQ: keyQ, KeyK: keyK}))
		})
		pairs := []int32{3, -1, 0, 3, 1, 9}
		pairStarts, pairRows := make([]int32, 6), make([]int32, len(pairs))
		embed.Index(pairs, 1, 5, pairStarts, pairRows)
		slopes(t, dev, "gather side by side", [][2]int{{5, 8}}, func(g *Tape, v []*Value) *Value {
			return g.Gather(g.SiLU(v[0]), GatherArgs{gputest.I32(t, dev, pairs, 3, 2), gputest.I32(t, dev, pairStarts, 6), gputest.I32(t, dev, pairRows, len(pairs))})
		})
		ids := []int32{3, -1, 0, 3, 1, 9}
		starts, rows := make([]int32, 6), make([]int32, len(ids))
		embed.Index(ids, 1, 5, starts, rows)
		for _, kept := range []bool{false, true} {
			slopes(t, dev, "gather", [][2]int{{5, 8}}, func(g *Tape, v []*Value) *Value {
				x := v[0]
				if kept { // of another operation's result
					x = g.SiLU(x)
				}
				return g.Gather(x, GatherArgs{gputest.I32(t, dev, ids, len(ids)), gputest.I32(t, dev, starts, len(starts)), gputest.I32(t, dev, rows, len(rows))})
			})
		}
	})
}
