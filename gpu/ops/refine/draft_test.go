package refine

import (
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// normal is a normal distribution of one number.
type normal struct{ mean, deviation float64 }

func (d normal) density(x float64) float64 {
	z := (x - d.mean) / d.deviation
	return math.Exp(-z*z/2) / d.deviation / math.Sqrt(2*math.Pi)
}

// below is the distribution function.
func (d normal) below(x float64) float64 {
	return (1 + math.Erf((x-d.mean)/d.deviation/math.Sqrt2)) / 2
}

// checked is the definition of a check of one number in float64: the distribution function of
// what comes out, the share of proposals that stay, and the distance from p in total variation.
func checked(p, q normal, temperature float64) (below func(x float64) float64, stays, away float64) {
	const from, to, n = -12., 12., 1 << 16
	at := func(i int) float64 { return from + (to-from)*(float64(i)+0.5)/n }
	part, rest, out, both := make([]float64, n), make([]float64, n), make([]float64, n), 0.0
	for i := range n {
		a, b := p.density(at(i)), q.density(at(i))
		part[i] = b * min(1, math.Pow(a/max(b, 1e-300), 1/temperature/temperature)) * (to - from) / n
		rest[i] = max(a-b, 0) * (to - from) / n
		stays, both = stays+part[i], both+rest[i]
	}
	sum := 0.0
	for i := range n {
		x := part[i] + (1-stays)*rest[i]/both
		sum += x
		out[i] = sum
		away += math.Abs(x-p.density(at(i))*(to-from)/n) / 2
	}
	return func(x float64) float64 {
		return out[min(max(int((x-from)/(to-from)*n), 0), n-1)]
	}, stays, away
}

// off is the largest distance of a sample's distribution function from another, times the
// root of the sample's size (Kolmogorov and Smirnov).
func off(x []float64, below func(float64) float64) (most float64) {
	slices.Sort(x)
	n := float64(len(x))
	for i, y := range x {
		most = max(most, math.Abs(below(y)-float64(i)/n), math.Abs(below(y)-float64(i+1)/n))
	}
	return most * math.Sqrt(n)
}

// rare bounds off: it is exceeded once in 50,000 times.
const rare = 2.4

// checkAll proposes and checks n tokens of c numbers at once. Both networks say the same of all
// tokens. It returns what comes out, less what the noise at the beginning makes of
// it, and the share that stays.
func checkAll(t *testing.T, dev *gpu.Device, n, c int, q, p []float32, temperature float32, heat float32) (rest [][]float64, kept float64) {
	some := make([]draw, n)
	for i := range some {
		some[i] = draw{position: int32(i), hi: 2, active: true, heat: heat, scale: 1}
	}
	a, m := upload(t, dev, c, some)
	d, err := NewDraft(dev, 1, n, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Free)
	d.Temperature = temperature
	table := gputest.F32(t, dev, Table([]Pass{{Keep: 0.5, Move: 1, LogMin: -2, LogMax: 1, Noise: 1}, {Keep: 1}}), 2, PassColumns) // the second leaves tokens as they are
	began := gputest.F32(t, dev, make([]float32, n*c), n, c)
	for _, said := range [][]float32{q, p} {
		args := StepArgs{State: a.State, Out: gputest.F32(t, dev, slices.Repeat(said, n), m, 2*c), Table: table, Draft: &d}
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Begin(r, a)
			r.Copy(began, a.State.X)
			for range 2 {
				Step(r, args)
			}
		})
		d.Checks = true
	}
	out, start, stays := gputest.Read(t, a.State.X), gputest.Read(t, began), 0
	for i := range c {
		rest = append(rest, nil)
		for j := range n {
			rest[i] = append(rest[i], float64(out[j*c+i])-0.5*float64(start[j*c+i]))
		}
	}
	flags, err := d.Kept.I32()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range flags {
		stays += int(f)
	}
	return rest, float64(stays) / float64(n)
}

// TestCheckedDistribution checks proposals of one number. What comes out is distributed as
// float64 says, whatever the temperature, and at temperature 1 as the check's own network says,
// however far away the draft is. As many proposals stay as float64 says. The distance from the
// check's own is the share that stays beyond that.
func TestCheckedDistribution(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n = 40000
		deviation := func(w float32, heat float64) float64 { return heat * math.Exp((-2+3*(0.5*float64(w)+0.5))/2) }
		for name, c := range map[string]struct {
			q, p              []float32 // what draft and check say
			temperature, heat float32
		}{
			"near":         {[]float32{0.2, 0}, []float32{0, 0.1}, 1, 1},
			"far":          {[]float32{2, -0.5}, []float32{-0.5, 0}, 1, 1},
			"equal":        {[]float32{0.5, 0.2}, []float32{0.5, 0.2}, 1, 1},
			"cool":         {[]float32{0.4, 0.3}, []float32{0, 0}, 1, 0.7},
			"relaxed":      {[]float32{1, 0.2}, []float32{0, 0}, 2, 1},
			"relaxed more": {[]float32{2, -0.5}, []float32{-0.5, 0}, 42, 1},
		} {
			p, q := normal{float64(c.p[0]), deviation(c.p[1], float64(c.heat))}, normal{float64(c.q[0]), deviation(c.q[1], float64(c.heat))}
			below, stays, away := checked(p, q, float64(c.temperature))
			exactly := stays
			if c.temperature == 1 && name != "equal" {
				below = p.below
			} else {
				_, exactly, _ = checked(p, q, 1)
			}
			if name == "equal" { // nothing is left of p - q
				below, stays, away, exactly = p.below, 1, 0, 1
			}
			x, kept := checkAll(t, dev, n, 1, c.q, c.p, c.temperature, c.heat)
			far := off(x[0], below)
			t.Logf("%s: %.3f of the proposals stay, %.3f exactly; off by %.2f; total variation %.3f", name, kept, exactly, far, away)
			if far > rare {
				t.Errorf("%s: the distribution is off by %.2f, at most %g", name, far, rare)
			}
			if limit := 4.5*math.Sqrt(stays*(1-stays)/n) + 1e-4; math.Abs(kept-stays) > limit {
				t.Errorf("%s: %.4f of the proposals stay, want %.4f", name, kept, stays)
			}
			if math.Abs(away-(stays-exactly)) > 1e-3 {
				t.Errorf("%s: total variation %.4f, and %.4f more proposals stay", name, away, stays-exactly)
			}
		}
	})
}

// TestCheckedTokens checks tokens of several numbers, which stay or go together. Every number
// is distributed as the check's network says, and so is the distance of all from their means.
func TestCheckedTokens(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, c = 20000, 6
		q, p := []float32{0.3, -0.2, 0, 0.1, 0.5, 0, 0, 0.2, -0.1, 0, 0.1, 0}, []float32{0, 0, 0.2, 0, 0.1, -0.2, 0.1, 0, 0, 0.1, 0, -0.1}
		x, kept := checkAll(t, dev, n, c, q, p, 1, 1)
		if kept < 0.1 || kept > 0.9 {
			t.Errorf("%.3f of the proposals stay", kept)
		}
		squares := make([]float64, n)
		for i := range c {
			d := normal{float64(p[i]), math.Exp((-2 + 3*(0.5*float64(p[c+i])+0.5)) / 2)}
			for j, y := range x[i] {
				z := (y - d.mean) / d.deviation
				squares[j] += z * z
			}
			if far := off(x[i], d.below); far > rare {
				t.Errorf("number %d: the distribution is off by %.2f", i, far)
			}
		}
		// Of six degrees of freedom.
		if far := off(squares, func(s float64) float64 { return 1 - math.Exp(-s/2)*(1+s/2+s*s/8) }); far > rare {
			t.Errorf("the distribution of the distance is off by %.2f", far)
		}
	})
}

// TestCheckedCompany checks that a token has the bits that it has alone, and that at
// temperature 0 it is the check's own.
func TestCheckedCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		q, p := []float32{2, 0.1, 0, -0.5, 0, 0}, []float32{-0.5, 0, 0.4, 0, 0.1, 0}
		all, _ := checkAll(t, dev, 9, 3, q, p, 1, 1)
		few, _ := checkAll(t, dev, 4, 3, q, p, 1, 1)
		cold, _ := checkAll(t, dev, 4, 3, q, p, 1, 0)
		for i := range few {
			if !slices.Equal(few[i], all[i][:4]) {
				t.Errorf("number %d: %v, in company %v", i, few[i], all[i][:4])
			}
			for _, y := range cold[i] {
				if math.Abs(y-float64(p[i])) > 1e-6 {
					t.Errorf("number %d at temperature 0: %g, want %g", i, y, p[i])
				}
			}
		}
		x := gputest.F32(t, dev, make([]float32, 30), 1, 2, 5, 3)
		a, _ := upload(t, dev, 3, draws)
		step := StepArgs{State: a.State, Out: gputest.F32(t, dev, make([]float32, 15), 5, 3), Table: gputest.F32(t, dev, Table(passes), len(passes), PassColumns)}
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"kept":    func(r *gpu.Recorder) { b := step; b.Draft = &Draft{Proposals: x}; Step(r, b) },
			"numbers": func(r *gpu.Recorder) { b := step; b.Draft = &Draft{Proposals: x.View(0, 1, 1, 5, 2)}; Step(r, b) },
			"temperature": func(r *gpu.Recorder) {
				b := step
				b.Draft = &Draft{Proposals: x, Kept: gputest.U32(t, dev, []int32{0, 0}, 1, 2), Temperature: -1}
				Step(r, b)
			},
		})
	})
}
