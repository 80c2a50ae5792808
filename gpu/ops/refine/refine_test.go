package refine

import (
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
)

// draw is one draw of a test.
type draw struct {
	position, lo, hi int32
	active, guided   bool
	heat, scale      float32
	canvas           int32
	more             float32 // scale between the second and the third branch; 0: 1
}

func (d draw) further() float32 {
	if d.more == 0 {
		return 1
	}
	return d.more
}

const (
	request       = 77
	seed0         = 5
	seed1   int32 = -9
)

// numbers are four random numbers of a counter, in float64, with what the device may be off.
func numbers(uniform bool, block, position, pass uint32) (x, bound [4]float64) {
	key1 := seed1
	w := sample.Philox([4]uint32{block, position, request, 256 + pass}, [2]uint32{seed0, uint32(key1)})
	var u [4]float64
	for i := range u {
		u[i] = (float64(w[i]>>8) + 0.5) / (1 << 24)
		x[i] = u[i] - 0.5
		bound[i] = gputest.Eps
	}
	if uniform {
		return x, bound
	}
	for i := range 2 {
		r := math.Sqrt(-2 * math.Log(u[2*i]))
		sin, cos := math.Sincos(2 * math.Pi * u[2*i+1])
		x[2*i], x[2*i+1] = r*cos, r*sin
		bound[2*i] = math.Exp2(-20)/r + 1e-6*r
		bound[2*i+1] = bound[2*i]
	}
	return x, bound
}

// noise are the numbers of a draw in one pass.
func noise(uniform bool, c int, d draw, pass uint32) (x, bound []float64) {
	for b := 0; len(x) < c; b++ {
		y, e := numbers(uniform, uint32(b), uint32(d.position), pass)
		x, bound = append(x, y[:]...), append(bound, e[:]...)
	}
	return x[:c], bound[:c]
}

// upload makes the operands of Begin with two branches.
func upload(t *testing.T, dev *gpu.Device, c int, draws []draw) (BeginArgs, int) {
	return uploadBranches(t, dev, c, 2, draws)
}

func uploadBranches(t *testing.T, dev *gpu.Device, c, branches int, draws []draw) (BeginArgs, int) {
	m := len(draws)
	words := make([]int32, m*sample.DrawWords)
	temp, scale, canvas, picks := make([]float32, 3*m), make([]float32, (branches-1)*m), make([]int32, m), make([]int32, branches*m)
	for i, d := range draws {
		on := int32(0)
		if d.active {
			on = 1
		}
		copy(words[i*sample.DrawWords:], []int32{seed0, seed1, request, d.position, d.lo, d.hi, 0, on})
		temp[3*i], scale[i], canvas[i], picks[i] = d.heat, d.scale, d.canvas, int32(i)
		for b := 1; b < branches; b++ {
			picks[b*m+i] = -1
			if d.guided {
				picks[b*m+i] = int32(i)
			}
			if b > 1 {
				scale[(b-1)*m+i] = d.further()
			}
		}
	}
	s, err := NewState(dev, m+3, c, branches)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Free)
	return BeginArgs{
		State: s.First(m), Draw: gputest.U32(t, dev, words, m, sample.DrawWords), Temp: gputest.F32(t, dev, temp, m, 3), Scale: gputest.F32(t, dev, scale, branches-1, m),
		Canvas: gputest.I32(t, dev, canvas, m), Picks: gputest.I32(t, dev, picks, branches*m),
	}, m
}

var draws = []draw{
	{position: 3, lo: 0, hi: 4, active: true, guided: true, heat: 0.9, scale: 3, more: 2},
	{position: 9, lo: 2, hi: 4, active: true, guided: true, heat: 1, scale: 1, canvas: 1, more: 1.5},
	{position: 3, lo: 0, hi: 4, active: false, guided: true, heat: 1, scale: 3},
	{position: 7, lo: 1, hi: 3, active: true, heat: 0, scale: 3, canvas: 1},
	{position: 8, lo: 3, hi: 9, active: true, heat: 1, scale: 2}, // ends with the table
}

var passes = []Pass{{0.9, -0.4, -4, -1, 1, false}, {1.1, 0.3, -3, -2, 0.5, false}, {1, -0.2, -1, -0.5, 1, false}, {0.7, 0.2, -6, -6, 0, true}}

// TestNoise holds random numbers to Philox and Box and Muller in float64.
func TestNoise(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, uniform := range []bool{false, true} {
			for _, c := range []int{1, 12, 39} {
				a, m := upload(t, dev, c, draws)
				out := gputest.F32(t, dev, make([]float32, m*c), m, c)
				gputest.Run(t, dev, func(r *gpu.Recorder) { Noise(r, NoiseArgs{Draw: a.Draw, Out: out, Uniform: uniform}) })
				var want, bound []float64
				for _, d := range draws {
					x, e := noise(uniform, c, d, 0)
					if !d.active {
						x, e = make([]float64, c), make([]float64, c)
					}
					want, bound = append(want, x...), append(bound, e...)
				}
				gputest.Close(t, "noise", gputest.Read(t, out), want, bound)
			}
		}
	})
}

// TestNoiseIsNormal looks at the first four moments of many numbers.
func TestNoiseIsNormal(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n = 1 << 16
		a, _ := upload(t, dev, n, []draw{{active: true, hi: 1}})
		out := gputest.F32(t, dev, make([]float32, n), 1, n)
		gputest.Run(t, dev, func(r *gpu.Recorder) { Noise(r, NoiseArgs{Draw: a.Draw, Out: out}) })
		var m [5]float64
		for _, x := range gputest.Read(t, out) {
			for k := range m {
				m[k] += math.Pow(float64(x), float64(k)) / n
			}
		}
		for k, want := range []float64{1, 0, 1, 0, 3} { // the deviations of the means are 1, 1.4, 3.9 and 9.8 over 256
			if d := math.Abs(m[k] - want); d > 5*[]float64{0, 1, 1.42, 3.88, 9.8}[k]/256+1e-9 {
				t.Errorf("moment %d is %g, want %g", k, m[k], want)
			}
		}
	})
}

// oracle moves one draw by all passes.
func oracle(d draw, branches int, x, bound []float64, said func(i int, row int) float64, learned bool, z func(pass int) ([]float64, []float64)) {
	c := len(x)
	for at := int(d.lo); d.active && at < min(int(d.hi), len(passes)); at++ {
		p := passes[at]
		zs, es := z(at - int(d.lo) + 1)
		for j := range c {
			e, v := said(0, j), float64(float32(p.LogMin))
			mag := math.Abs(e)
			if d.guided && !p.Plain && (d.scale != 1 || branches > 2 && d.further() != 1) {
				o, u := said(1, j), said(branches-1, j)
				mag += math.Abs(float64(d.scale))*(math.Abs(e)+math.Abs(o)) + math.Abs(u)
				e = u + float64(d.scale)*(e-o)
				if branches > 2 {
					mag += float64(d.further()) * (math.Abs(o) + math.Abs(u))
					e += float64(d.further()) * (o - u)
				}
			}
			if learned {
				v += float64(float32(p.LogMax)-float32(p.LogMin)) * (0.5*said(0, c+j) + 0.5)
			}
			keep, move := float64(float32(p.Keep)), float64(float32(p.Move))
			heat := float64(float32(p.Noise)) * float64(d.heat) * math.Exp(v/2)
			bound[j] = math.Abs(keep)*bound[j] + 8*gputest.Eps*(math.Abs(keep*x[j])+math.Abs(move)*mag) + heat*(es[j]+8*gputest.Eps*(1+math.Abs(v))*math.Abs(zs[j]))
			x[j] = keep*x[j] + move*e + heat*zs[j]
		}
	}
}

// TestStep holds all passes of draws with different parts of the table to float64, with
// and without learned variance and recorded numbers, in one to three branches.
func TestStep(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, c := range []int{3, 12} {
			for kind := range 12 {
				testStep(t, dev, c, kind&1 != 0, 1+kind/4, kind&2 != 0)
			}
		}
	})
}

func testStep(t *testing.T, dev *gpu.Device, c int, learned bool, branches int, record bool) {
	a, m := uploadBranches(t, dev, c, max(branches, 2), draws)
	rows, wide := branches*m, c
	if learned {
		wide = 2 * c
	}
	out := gputest.Normal(3, rows*wide)
	const l, n = 10, 5
	entries := gputest.Normal(4, 2*l*n*c)
	if record {
		a.Recorded = gputest.F32(t, dev, entries, 2, l, n, c)
	}
	args := StepArgs{State: a.State, Out: gputest.F32(t, dev, out, rows, wide), Table: gputest.F32(t, dev, Table(passes), len(passes), PassColumns), Recorded: a.Recorded}
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Begin(r, a)
		for range len(passes) + 1 {
			Step(r, args)
		}
	})
	var want, bound []float64
	for i, d := range draws {
		d.guided = d.guided && branches > 1
		z := func(pass int) ([]float64, []float64) {
			if record {
				at := ((int(d.canvas)*l+int(d.position))*n + pass) * c
				return optest.Wide(entries[at : at+c]), make([]float64, c)
			}
			return noise(false, c, d, uint32(pass))
		}
		x, e := z(0)
		x, e = slices.Clone(x), slices.Clone(e)
		if !d.active {
			clear(x)
			clear(e)
		}
		oracle(d, branches, x, e, func(branch, j int) float64 { return float64(out[(branch*m+i)*wide+j]) }, learned, z)
		want, bound = append(want, x...), append(bound, e...)
	}
	gputest.Close(t, "x", gputest.Read(t, a.State.X), want, bound)
	at, err := a.State.At.I32()
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range at {
		if x != -1 {
			t.Errorf("draw %d of branch %d is at %d when all is done", i%m, i/m, x)
		}
	}
}

// TestCompany checks that a draw has the bits that it has alone, whoever shares the step.
func TestCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const c = 12
		run := func(some []draw, said []float32) []float32 {
			a, m := upload(t, dev, c, some)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Begin(r, a)
				for range passes {
					Step(r, StepArgs{State: a.State, Out: gputest.F32(t, dev, said, 2*m, c), Table: gputest.F32(t, dev, Table(passes), len(passes), PassColumns)})
				}
			})
			return gputest.Read(t, a.State.X)
		}
		said := gputest.Normal(3, 2*len(draws)*c)
		all := run(draws, said)
		for i, d := range draws {
			own := append(slices.Clone(said[i*c:(i+1)*c]), said[(len(draws)+i)*c:(len(draws)+i+1)*c]...)
			if alone := run([]draw{d}, own); !slices.Equal(alone, all[i*c:(i+1)*c]) {
				t.Errorf("draw %d: %v alone, %v in company", i, alone, all[i*c:(i+1)*c])
			}
		}
	})
}

func TestShapes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		a, m := upload(t, dev, 4, draws)
		x := func(shape ...int) *gpu.Tensor {
			return gputest.F32(t, dev, make([]float32, tensor.Elems(shape)), shape...)
		}
		table := x(2, PassColumns)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"temp":     func(r *gpu.Recorder) { b := a; b.Temp = x(m, 2); Begin(r, b) },
			"recorded": func(r *gpu.Recorder) { b := a; b.Recorded = x(2, 9, 4, 3); Begin(r, b) },
			"out":      func(r *gpu.Recorder) { Step(r, StepArgs{State: a.State, Out: x(m, 3), Table: table}) },
			"branches": func(r *gpu.Recorder) { Step(r, StepArgs{State: a.State, Out: x(3*m, 4), Table: table}) },
			"rest": func(r *gpu.Recorder) {
				Renorm(r, RenormArgs{State: a.State, Out: x(2*m, 4), Table: table, Rest: x(2, 9, 4), Back: x(m, 1)})
			},
			"rows":   func(r *gpu.Recorder) { Step(r, StepArgs{State: a.State, Out: x(m+1, 4), Table: table}) },
			"table":  func(r *gpu.Recorder) { Step(r, StepArgs{State: a.State, Out: x(m, 4), Table: x(2, 4)}) },
			"canvas": func(r *gpu.Recorder) { Noise(r, NoiseArgs{Draw: a.Draw, Out: x(m, 4), Recorded: x(2, 9, 4, 4)}) },
		})
	})
}
