package systems_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

// TestMARHead compares values inside the denoiser with the authors' code.
func TestMARHead(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "mar")
		net := g.sys.Head.(*head.Diffusion).Net.(*head.Denoiser)
		loaded := must(nn.Load(dev, g.sys.Params, nn.File(g.weights), nn.F32))(t)
		defer loaded.Free()
		var at []float32
		for _, x := range g.ints(t, "head.t") {
			at = append(at, float32(x))
		}
		n := len(at)
		input := func(name string) *gpu.Tensor { x := g.floats(t, name); return gputest.F32(t, dev, x, n, len(x)/n) }
		rec := dev.NewRecorder()
		kept := map[string]*gpu.Tensor{}
		keep := func(name string, x *gpu.Tensor) {
			kept[name] = must(dev.NewTensor(tensor.F32, x.Shape...))(t)
			rec.Copy(kept[name], x)
		}
		d := &nn.Inference{Recorder: rec, Loaded: loaded, Marked: keep}
		cond := net.Cond.Forward(d, tape.Constant(input("head.c")), nn.ProductOptions{})
		keep("head.cond_embed", cond.X)
		times := net.Times(d, tape.Constant(gputest.F32(t, dev, at, n, 1)))
		y := head.Told(d, times.X, gputest.I32(t, dev, []int32{0, 1, 2, 3, 4}, n), cond.X)
		keep("head.out", net.Say(d, tape.Constant(input("head.x")), y).X)
		d.Marked = nil
		kept8 := must(head.Spacing(1000, "ddim8"))(t)
		for _, i := range []int{7, 3, 0} {
			at := slices.Repeat([]float32{float32(kept8[i])}, n)
			y := head.Told(d, net.Times(d, tape.Constant(gputest.F32(t, dev, at, n, 1))).X, gputest.I32(t, dev, []int32{0, 1, 2, 3, 4}, n), cond.X)
			keep(fmt.Sprint("pmv", i), net.Say(d, tape.Constant(input("head.x")), y).X)
		}
		p := must(rec.Finish())(t)
		defer p.Free()
		if err := p.Run(1); err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		for _, name := range []string{"head.time_freq", "head.time_embed", "head.cond_embed", "head.input_proj", "head.block0", "head.block1", "head.out"} {
			e := distance(must(kept[name].F32())(t), g.floats(t, name))
			worst = max(worst, e)
			if e > bound {
				t.Errorf("%s is off by %.1e", name, e)
			}
		}
		s, x, c := head.Ancestral(head.CosineBetas(1000), kept8), g.floats(t, "head.x"), g.sys.Token.Width
		for _, at := range []int{7, 3, 0} {
			p, said := s.Passes[len(kept8)-1-at], must(kept[fmt.Sprint("pmv", at)].F32())(t)
			mean, variance := make([]float32, len(x)), make([]float32, len(x))
			for i := range x {
				row, j := i/c, i%c
				mean[i] = float32(p.Keep*float64(x[i]) + p.Move*float64(said[row*2*c+j]))
				variance[i] = float32(p.LogMin + (p.LogMax-p.LogMin)*(float64(said[row*2*c+c+j])+1)/2)
			}
			for name, got := range map[string][]float32{"mean": mean, "log_variance": variance} {
				e := distance(got, g.floats(t, fmt.Sprintf("pmv%d.%s", at, name)))
				worst = max(worst, e)
				if e > bound {
					t.Errorf("step %d: the %s is off by %.1e", at, name, e)
				}
			}
		}
		t.Logf("mar: largest relative error at any waypoint of the head %.1e", worst)
	})
}

// noise lays out a run's recorded numbers by position: those of the start, and of every
// pass.
func (g *golden) noise(t testing.TB, run string, sample int, sets []system.Run) []float32 {
	t.Helper()
	const passes = 8
	c := g.sys.Token.Width
	out := make([]float32, g.cells()*(passes+1)*c)
	for k, r := range sets {
		first, all := g.floats(t, fmt.Sprintf("%s.step%d.noise_init", run, k)), g.floats(t, fmt.Sprintf("%s.step%d.noise", run, k))
		rows := len(all) / passes / c
		for i, at := range r.Targets.At {
			row := sample*r.GroupTargets + i
			to := out[int(at)*(passes+1)*c:]
			copy(to, first[row*c:(row+1)*c])
			for j := range passes {
				copy(to[(j+1)*c:(j+2)*c], all[(j*rows+row)*c:])
			}
		}
	}
	return out
}

// TestMARSchedules compares the tables of respaced steps with the authors', and the mean
// and variance of single passes.
func TestMARSchedules(t *testing.T) {
	g := open(t, "mar")
	betas := head.CosineBetas(1000)
	for _, spacing := range []string{"ddim8", "8", "100", "1000"} {
		kept := must(head.Spacing(1000, spacing))(t)
		s := head.Ancestral(betas, kept)
		table := func(name string) []float64 { return g.doubles(t, "sched"+spacing+"."+name) }
		for i, at := range g.ints(t, "sched"+spacing+".timestep_map") {
			if kept[i] != int(at) || s.Times[len(kept)-1-i] != float32(at) {
				t.Fatalf("%s: step %d is %d of upstream's %d", spacing, i, kept[i], at)
			}
		}
		logBeta, all := table("betas"), []string{}
		for i, beta := range logBeta {
			p := s.Passes[len(kept)-1-i]
			if e := math.Abs(math.Exp(p.LogMax)/beta - 1); e > 1e-11 { // a cancellation in 1 - (1 - beta)
				t.Errorf("%s: beta %d is off by %.1e", spacing, i, e)
			}
			if spacing == "1000" {
				continue // only its betas are known
			}
			one, two := table("posterior_mean_coef1")[i], table("posterior_mean_coef2")[i]
			recip, less := table("sqrt_recip_alphas_cumprod")[i], table("sqrt_recipm1_alphas_cumprod")[i]
			for name, pair := range map[string][2]float64{
				"keep": {p.Keep, one*recip + two}, "move": {p.Move, -one * less}, "log variance": {p.LogMin, table("posterior_log_variance_clipped")[i]},
			} {
				if e := math.Abs(pair[0]-pair[1]) / math.Abs(pair[1]); e > 1e-9 { // the products of small factors, in another order
					all = append(all, fmt.Sprintf("%s %d: %.1e", name, i, e))
				}
			}
		}
		if len(all) > 0 {
			t.Errorf("%s: %v", spacing, all)
		}
	}
}

func (g *golden) doubles(t testing.TB, name string) []float64 {
	t.Helper()
	x := must(g.answers.Tensor(name))(t)
	out := make([]float64, len(x.Data)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(x.Data[8*i:]))
	}
	return out
}
