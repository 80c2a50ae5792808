package head

import (
	"fmt"
	"hash/fnv"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

func TestMain(m *testing.M) { gputest.Main(m) }

// random are weights that a list of parameters wants, by the hash of their names.
type random map[string][]int

func randomOf(l *nn.List) random {
	out := random{}
	for _, s := range l.Specs() {
		out[s.Name] = s.Shape
	}
	return out
}

func (r random) Names() []string                 { return nil }
func (r random) Shape(name string) ([]int, bool) { s, ok := r[name]; return s, ok }

func (r random) Floats(name string) ([]float32, error) {
	h := fnv.New64a()
	h.Write([]byte(name))
	x := gputest.Normal(h.Sum64(), tensor.Elems(r[name]))
	scale := 0.3
	if s := r[name]; len(s) > 1 {
		scale = 1 / math.Sqrt(float64(s[1]))
	}
	for i := range x {
		x[i] *= float32(scale)
	}
	return x, nil
}

// oracle computes layers in float64.
type oracle struct{ random }

func (o oracle) tensor(name string) []float64 {
	x, _ := o.Floats(name) // has no errors
	return wide(x)
}

func wide(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func (o oracle) linear(name string, x []float64) []float64 {
	w, out := o.tensor(name+".weight"), o.tensor(name+".bias")
	for i := range out {
		for j, v := range x {
			out[i] += w[i*len(x)+j] * v
		}
	}
	return out
}

func silu(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v / (1 + math.Exp(-v))
	}
	return out
}

// normalized brings x to mean 0 and variance 1.
func normalized(x []float64) []float64 {
	mean, variance := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = (v - mean) / math.Sqrt(variance+denoiserEps)
	}
	return out
}

// blocks runs the blocks and the last layer over x, told y.
func (o oracle) blocks(depth int, x, y []float64, heat float64) []float64 {
	y, w := silu(y), len(x)
	for i := range depth {
		b := fmt.Sprintf("res_blocks.%d.", i)
		gain, bias, mod, h := o.tensor(b+"in_ln.weight"), o.tensor(b+"in_ln.bias"), o.linear(b+"adaLN_modulation.1", y), normalized(x)
		for j := range h {
			h[j] = (h[j]*gain[j]+bias[j])*(1+mod[w+j]) + heat*mod[j]
		}
		h = o.linear(b+"mlp.2", silu(o.linear(b+"mlp.0", h)))
		for j := range x {
			x[j] += mod[2*w+j] * h[j]
		}
	}
	mod, h := o.linear("final_layer.adaLN_modulation.1", y), normalized(x)
	for j := range h {
		h[j] = h[j]*(1+mod[w+j]) + mod[j]
	}
	return o.linear("final_layer.linear", h)
}

func (o oracle) times(name string, t float64) []float64 {
	x := make([]float64, TimeFeatures)
	for i := range TimeFeatures / 2 {
		x[TimeFeatures/2+i], x[i] = math.Sincos(t * math.Pow(10000, -float64(i)/(TimeFeatures/2)))
	}
	return o.linear(name+".2", silu(o.linear(name+".0", x)))
}

// words are draws of request 7 at positions 3, 4, …, through rows lo to hi of a table.
func words(m int, lo, hi []int32) []int32 {
	var out []int32
	for i := range m {
		out = append(out, 5, 6, 7, int32(3+i), lo[i], hi[i], 0, 1)
	}
	return out
}

// uniforms are the random numbers of a draw.
func uniforms(n, position int) (out []float64) {
	for b := uint32(0); len(out) < n; b++ {
		for _, x := range sample.Philox([4]uint32{b, uint32(position), 7, 256}, [2]uint32{5, 6}) {
			out = append(out, (float64(x>>8)+0.5)/(1<<24)-0.5)
		}
	}
	return out[:n]
}

// run records and runs a program once.
func run(t *testing.T, dev *gpu.Device, record func(r *gpu.Recorder)) {
	t.Helper()
	gputest.Run(t, dev, record)
}

// near fails if got is farther from want than a part of the largest value.
func near(t *testing.T, what string, got []float32, want []float64, part float64) {
	t.Helper()
	most := 0.0
	for _, x := range want {
		most = max(most, math.Abs(x))
	}
	for i, x := range want {
		if d := math.Abs(float64(got[i]) - x); !(d <= part*most) {
			t.Errorf("%s: number %d is %g, want %g", what, i, got[i], x)
		}
	}
}

// TestEnergy holds the tokens of the energy head to float64, noise, temperature and all.
func TestEnergy(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		p := nn.NewParams()
		e := NewEnergy(p, EnergyOptions{Width: 24, Depth: 3, Token: 10, Noise: 14, Condition: 20})
		w := randomOf(p.List())
		loaded, err := nn.Load(dev, p.List(), w, nn.F32)
		if err != nil {
			t.Fatal(err)
		}
		defer loaded.Free()
		heats := []float32{0.7, 0, 1, 2.5}
		m := len(heats)
		z := gputest.Normal(1, m*20)
		temp := make([]float32, 3*m)
		for i, h := range heats {
			temp[3*i] = h
		}
		out := gputest.F32(t, dev, make([]float32, m*10), m, 10)
		run(t, dev, func(r *gpu.Recorder) {
			g := &nn.Inference{Recorder: r, Loaded: loaded, Rows: step.Rows{
				Target: gputest.U32(t, dev, words(m, make([]int32, m), make([]int32, m)), m, sample.DrawWords), Temp: gputest.F32(t, dev, temp, m, 3),
			}}
			r.Copy(out, e.Sample(g, gputest.F32(t, dev, z, m, 20), nil).As(tensor.F32))
		})
		var want []float64
		o := oracle{w}
		for i, h := range heats {
			y := o.linear("noise_embed", uniforms(14, 3+i))
			want = append(want, o.blocks(3, o.linear("input_proj", wide(z[i*20:(i+1)*20])), y, float64(h))...)
		}
		near(t, "tokens", gputest.Read(t, out), want, 2e-6)
	})
}

// TestShortcut holds a shortcut head's steps to float64: draws of 1, 2 and 4 steps at once,
// with guidance.
func TestShortcut(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const c, width, depth, condition = 6, 24, 2, 20
		p := nn.NewParams()
		net := NewDenoiser(p, DenoiserOptions{Width: width, Depth: depth, Token: c, Says: c, Condition: condition})
		s := NewShortcut(p, net, Flow(4), Flow(1), Flow(2))
		w := randomOf(p.List())
		loaded, err := nn.Load(dev, p.List(), w, nn.F32)
		if err != nil {
			t.Fatal(err)
		}
		defer loaded.Free()
		lo, hi := []int32{4, 5, 0}, []int32{5, 7, 4}
		m := len(lo)
		scale := []float32{3, 1, 2}
		z, noise := gputest.Normal(1, 2*m*condition), gputest.Normal(2, 20*5*c)
		state, err := refine.NewState(dev, m, c, 2)
		if err != nil {
			t.Fatal(err)
		}
		defer state.Free()
		recorded := gputest.F32(t, dev, noise, 1, 20, 5, c)
		run(t, dev, func(r *gpu.Recorder) {
			g := &nn.Inference{Recorder: r, Loaded: loaded}
			draw := gputest.U32(t, dev, words(m, lo, hi), m, sample.DrawWords)
			refine.Begin(r, refine.BeginArgs{
				State: state, Draw: draw, Temp: gputest.F32(t, dev, make([]float32, 3*m), m, 3), Scale: gputest.F32(t, dev, scale, m),
				Canvas: gputest.I32(t, dev, make([]int32, m), m), Picks: gputest.I32(t, dev, []int32{0, 1, 2, 3, 4, 5}, 2*m), Recorded: recorded,
			})
			x := &system.Refinement{State: state, Branches: 2, Prepared: s.Prepare(g), Recorded: recorded}
			x.Logits = net.Cond.Forward(g, tape.Constant(gputest.F32(t, dev, z, 2*m, condition)), nn.ProductOptions{}).X
			for range 4 {
				s.Pass(g, x)
			}
		})
		o := oracle{w}
		var want []float64
		for i := range m {
			x, steps := wide(noise[(3+i)*5*c:][:c]), int(hi[i]-lo[i])
			for k := range steps {
				var said [2][]float64
				for b := range said {
					y := o.linear("cond_embed", wide(z[(b*m+i)*condition:][:condition]))
					at, length := o.times("time_embed.mlp", float64(k)/float64(steps)*1000), o.times("step_embed.mlp", 1000/float64(steps))
					for j := range y {
						y[j] += at[j] + length[j]
					}
					said[b] = o.blocks(depth, o.linear("input_proj", x), y, 1)
				}
				for j := range x {
					x[j] += (said[1][j] + float64(scale[i])*(said[0][j]-said[1][j])) / float64(steps)
				}
			}
			want = append(want, x...)
		}
		near(t, "tokens", gputest.Read(t, state.X), want, 2e-5)
	})
}
