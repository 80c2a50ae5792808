package refine

import (
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
	"github.com/morton-gen/morton/gpu/ops/sample"
)

// mapped are draws of three requests, whose maps have mapTokens tokens: with guidance, without,
// and with guidance again. The last draw is nobody's.
var mapped = []draw{
	{position: 2, hi: 4, active: true, guided: true, heat: 0.9, scale: 4, more: 2},
	{position: 6, hi: 4, active: true, guided: true, heat: 0.9, scale: 4, more: 2},
	{position: 9, hi: 4, active: true, heat: 1, scale: 1, canvas: 2},
	{position: 10, lo: 1, hi: 4, active: true, guided: true, heat: 1, scale: 2, more: 1.5, canvas: 1},
	{position: 8, lo: 1, hi: 4, active: true, guided: true, heat: 1, scale: 2, more: 1.5, canvas: 1},
	{position: 1, hi: 4, guided: true, heat: 1, scale: 3},
}

const mapTokens = 7

// restNoise are the numbers of a token of the rest of a map in one pass, whose first draw is
// first.
func restNoise(c int, first draw, token int, pass uint32) (x []float64) {
	key1 := seed1
	for b := 0; len(x) < c; b++ {
		position := uint32(int(first.position)/mapTokens*mapTokens + token)
		w := sample.Philox([4]uint32{uint32(b), position, request, 1<<31 | uint32(int(first.position)%mapTokens)<<10 | pass}, [2]uint32{seed0, uint32(key1)})
		for i := range 2 {
			u := func(j int) float64 { return (float64(w[j]>>8) + 0.5) / (1 << 24) }
			r := math.Sqrt(-2 * math.Log(u(2*i)))
			sin, cos := math.Sincos(2 * math.Pi * u(2*i+1))
			x = append(x, r*cos, r*sin)
		}
	}
	return x[:c]
}

// renormed moves the draws of a request, and the rest of its map, by all passes in float64.
func renormed(own []draw, c, branches int, least float64, x [][]float64, z func(d draw, pass int) []float64, rest func(token, pass int) []float64, said func(branch, i, j int) float64) {
	others := map[int][]float64{}
	for token := range mapTokens {
		if !slices.ContainsFunc(own, func(d draw) bool { return int(d.position)%mapTokens == token }) {
			others[token] = slices.Clone(rest(token, 0))
		}
	}
	for at := int(own[0].lo); at < len(passes); at++ {
		p, pass := passes[at], at-int(own[0].lo)+1
		d, back := own[0], 1.0
		moves := d.guided && !p.Plain && (d.scale != 1 || branches > 2 && d.further() != 1)
		inner := func(i, j int) float64 {
			return said(branches-1, i, j) + float64(d.scale)*(said(0, i, j)-said(1, i, j))
		}
		if moves {
			var cc, gg float64
			for i := range own {
				for j := range c {
					cc, gg = cc+said(0, i, j)*said(0, i, j), gg+inner(i, j)*inner(i, j)
				}
			}
			for _, r := range others {
				for _, v := range r {
					cc, gg = cc+v*v, gg+v*v
				}
			}
			back = min(max(math.Sqrt(cc/gg), least), 1)
		}
		heat := p.Noise * float64(d.heat) * math.Exp(p.LogMin/2)
		for i := range own {
			for j := range c {
				e := said(0, i, j)
				if moves {
					e = back * inner(i, j)
					if branches > 2 {
						e += float64(d.further()) * (said(1, i, j) - said(2, i, j))
					}
				}
				x[i][j] = p.Keep*x[i][j] + p.Move*e + heat*z(own[i], pass)[j]
			}
		}
		for token, r := range others {
			for j := range r {
				r[j] = (p.Keep+p.Move*back)*r[j] + heat*rest(token, pass)[j]
			}
		}
	}
}

// TestRenorm holds passes of renormed guidance to float64, in two and in three branches, with
// random numbers and recorded ones, and each request alone to its bits in company.
func TestRenorm(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, c := range []int{3, 12} {
			for _, branches := range []int{2, 3} {
				for _, record := range []bool{false, true} {
					testRenorm(t, dev, c, branches, record)
				}
			}
		}
	})
}

func testRenorm(t *testing.T, dev *gpu.Device, c, branches int, record bool) {
	const l, n, least = 2 * mapTokens, 5, 0.6
	entries := gputest.Normal(4, 3*l*n*c)
	said := gputest.Normal(3, branches*len(mapped)*c)
	run := func(some []draw, said []float32) []float32 {
		a, m := uploadBranches(t, dev, c, branches, some)
		if record {
			a.Recorded = gputest.F32(t, dev, entries, 3, l, n, c)
		}
		s := StepArgs{State: a.State, Out: gputest.F32(t, dev, said, branches*m, c), Table: gputest.F32(t, dev, Table(passes), len(passes), PassColumns), Recorded: a.Recorded}
		s.Back = gputest.F32(t, dev, make([]float32, m), m)
		rest := gputest.F32(t, dev, gputest.Normal(9, 3*mapTokens*(c+1)), 3, mapTokens, c+1) // of earlier requests
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Begin(r, a)
			for range len(passes) + 1 {
				Renorm(r, RenormArgs{State: s.State, Out: s.Out, Table: s.Table, Rest: rest, Least: least, Recorded: s.Recorded, Back: s.Back})
				Step(r, s)
			}
		})
		return gputest.Read(t, a.State.X)
	}
	all := run(mapped, said)
	for _, part := range [][2]int{{0, 2}, {2, 3}, {3, 5}} {
		own := mapped[part[0]:part[1]]
		z := func(d draw, pass int) []float64 {
			if record {
				return optest.Wide(entries[((int(d.canvas)*l+int(d.position))*n+pass)*c:][:c])
			}
			x, _ := noise(false, c, d, uint32(pass))
			return x
		}
		rest := func(token, pass int) []float64 {
			if record {
				position := int(own[0].position)/mapTokens*mapTokens + token
				return optest.Wide(entries[((int(own[0].canvas)*l+position)*n+pass)*c:][:c])
			}
			return restNoise(c, own[0], token, uint32(pass))
		}
		var x [][]float64
		var alone []float32
		for _, d := range own {
			x = append(x, slices.Clone(z(d, 0)))
		}
		for b := range branches {
			alone = append(alone, said[(b*len(mapped)+part[0])*c:(b*len(mapped)+part[1])*c]...)
		}
		renormed(own, c, branches, least, x, z, rest, func(b, i, j int) float64 { return float64(said[(b*len(mapped)+part[0]+i)*c+j]) })
		got := all[part[0]*c : part[1]*c]
		for i, v := range slices.Concat(x...) {
			if d := math.Abs(float64(got[i]) - v); !(d <= 2e-5*(1+math.Abs(v))) {
				t.Fatalf("draws %v of %d branches of %d numbers: number %d is %g, want %g", part, branches, c, i, got[i], v)
			}
		}
		if !slices.Equal(run(own, alone), got) {
			t.Errorf("draws %v differ alone", part)
		}
	}
}
