package grammar

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
	"github.com/morton-gen/morton/gpu/ops/sample"
)

// place is a surface, as the marks that make a guide.
type place struct {
	cells, rim [][3]float64 // x, y, z
	points     [][3]float64
	level      []bool
	radius     float64
	budget     int
}

func (p *place) guide(levels int) *Guide {
	g := NewGuide(levels, float32(p.radius), p.budget)
	for _, c := range p.cells {
		g.Mark(c[0], c[1], c[2])
	}
	for _, c := range p.rim {
		g.MarkRim(c[0], c[1], c[2])
	}
	for i, c := range p.points {
		g.Watch(c[0], c[1], c[2], p.level[i])
	}
	return g
}

// shell is the surface of a box, without its top if it is open.
func shell(lo, hi int, open bool, budget int) *place {
	p := &place{radius: 2.5, budget: budget}
	for x := lo; x <= hi; x++ {
		for y := lo; y <= hi; y++ {
			for z := lo; z <= hi; z++ {
				side := x == lo || x == hi || y == lo || y == hi
				if side || z == lo || z == hi && !open {
					c := [3]float64{float64(x) + 0.5, float64(y) + 0.5, float64(z) + 0.5}
					p.cells = append(p.cells, c)
					if (x+2*y+3*z)%7 == 0 {
						p.points, p.level = append(p.points, c), append(p.level, !side)
					}
					if open && side && z == hi {
						p.rim = append(p.rim, c)
					}
				}
			}
		}
	}
	return p
}

// judge says by the definitions which vertices may stand. Sums of its own replace the
// device's: a vertex is closed if the edges to it and those from it have the same ends.
type judge struct {
	*place
	levels int
	oracle

	bare  []int    // points that no face covers
	least vertex   // that order and pace allow for a first corner
	rims  []vertex // vertices that have open edges, from least on
	goes  bool     // another face can begin where the last one did
}

func (j *judge) cell(v vertex) [3]float64 { // x, y, z
	return [3]float64{float64(v[1]), float64(v[2]), float64(v[0])}
}

// marked reports whether a mark lies in a vertex's cell, or within half a block of size
// side of the block that holds q.
func (j *judge) marked(list [][3]float64, q [3]float64, side float64) bool {
	return slices.ContainsFunc(list, func(c [3]float64) bool {
		for i := range c {
			lo := math.Floor(q[i]/side) * side
			at := func(x float64) float64 { return math.Floor(min(max(x, 0), float64(j.levels-1))) }
			if side == 1 {
				if math.Floor(c[i]) != lo {
					return false
				}
			} else if a, b := math.Floor(at(c[i]-side/2)/side)*side, math.Floor(at(c[i]+side/2)/side)*side; lo != a && lo != b {
				return false
			}
		}
		return true
	})
}

func span(a, b [3]float64) float64 {
	return max(math.Abs(a[0]-b[0]), math.Abs(a[1]-b[1]), math.Abs(a[2]-b[2]))
}

func block(length float64) float64 {
	switch {
	case length < 8:
		return 2
	case length < 32:
		return 4
	}
	return 8
}

func middle(a ...[3]float64) (m [3]float64) {
	for _, p := range a {
		for i := range m {
			m[i] += p[i] / float64(len(a))
		}
	}
	return m
}

func (j *judge) chord(a, b [3]float64) bool {
	l, m := span(a, b), middle(a, b)
	return j.marked(j.cells, m, block(l)) && (l < 16 || j.marked(j.cells, middle(a, m), block(l)) && j.marked(j.cells, middle(b, m), block(l)))
}

// ends returns the vertices that edges lead to from v, and those that lead to v.
func (j *judge) ends(v vertex) (from, to []vertex) {
	for _, f := range j.faces {
		for k := range f {
			a, b := f[k], f[(k+1)%len(f)]
			if a == v {
				from = append(from, b)
			}
			if b == v {
				to = append(to, a)
			}
		}
	}
	return from, to
}

// open returns the ends whose edge runs one way only: those that a face must lead to from
// v, and those that it must come from.
func (j *judge) open(v vertex) (next, last []vertex) {
	from, to := j.ends(v)
	for _, x := range to {
		if !slices.Contains(from, x) {
			next = append(next, x)
		}
	}
	for _, x := range from {
		if !slices.Contains(to, x) {
			last = append(last, x)
		}
	}
	return next, last
}

func (j *judge) closed(v vertex) bool {
	from, _ := j.ends(v)
	next, last := j.open(v)
	return len(from) > 0 && len(next) == 0 && len(last) == 0
}

func less(a, b vertex) int { return slices.Compare(a[:], b[:]) }

// lowest returns the least vertex; a vertex beyond all if there is none.
func (j *judge) lowest(list []vertex) vertex {
	top := vertex{int32(j.levels), 0, 0}
	for _, v := range list {
		if less(v, top) < 0 {
			top = v
		}
	}
	return top
}

// firstCorner grades a face's first corner, whose height at part 1 and 2 is given.
func (j *judge) firstCorner(v vertex, part int) int {
	least := j.least
	if less(v, least) < 0 || part == 2 && j.closed(v) {
		return 0
	}
	if less(v, j.lowest(j.rims)) > 0 || v == least && len(j.faces) > 0 && !j.goes {
		return 1
	}
	for _, i := range j.bare {
		q, level := j.quantised(j.points[i]), j.level[i]
		if q[2]+j.radius < float64(least[0]) || level && math.Floor(q[2]) <= float64(least[0]) && q[0]+j.radius < float64(least[1]) {
			continue
		}
		if float64(v[0])+0.5 > q[2]+j.radius || part > 0 && level && float64(v[0]) >= q[2]-1.5 && float64(v[1])+0.5 > q[0]+j.radius {
			return 2
		}
	}
	return 3
}

// look finds what the first corners of the next face depend on.
func (j *judge) look() {
	for i, p := range j.points {
		if !slices.ContainsFunc(j.faces, func(f []vertex) bool { return j.distance(j.quantised(p), f) <= j.radius }) {
			j.bare = append(j.bare, i)
		}
	}
	j.least = j.floor()
	if n := len(j.faces); n > 0 {
		next, last := j.open(j.least)
		j.goes = len(next)+len(last) > 0 && less(j.lowest(next), j.faces[n-1][1]) >= 0
	}
	for _, f := range j.faces {
		for _, k := range f {
			next, last := j.open(k)
			if len(next)+len(last) > 0 && less(k, j.least) >= 0 && (k != j.least || j.goes) && !j.marked(j.rim, j.cell(k), 2) {
				j.rims = append(j.rims, k)
			}
		}
	}
}

// floor is the least first corner that the order and the pace allow.
func (j *judge) floor() vertex {
	var least vertex
	if n := len(j.faces); n > 0 {
		least = j.faces[n-1][0]
	}
	var heights []float64
	for _, i := range j.bare {
		heights = append(heights, j.quantised(j.points[i])[2])
	}
	slices.Sort(heights)
	n := len(j.points)
	late := (4*len(j.faces)-j.budget)*n/(4*j.budget) - (n - len(heights))
	if late >= 1 && len(heights) > 0 {
		z := max(int32(math.Floor(heights[min(late, len(heights)-1)])), 1) - 1
		if v := (vertex{z, 0, 0}); less(v, least) > 0 {
			return v
		}
	}
	return least
}

func (j *judge) quantised(p [3]float64) (q [3]float64) {
	unit := float64(j.levels) / guideUnits
	for i := range q {
		q[i] = (math.Floor(p[i]/unit) + 0.5) * unit
	}
	return q
}

// distance is that of a point from a face's triangles, by search along them.
func (j *judge) distance(q [3]float64, f []vertex) float64 {
	at := func(k int) [3]float64 { return middle(j.cell(f[k]), add(j.cell(f[k]), 1)) }
	best := triangleDistance(q, at(0), at(1), at(2))
	if len(f) == 4 {
		best = min(best, triangleDistance(q, at(0), at(2), at(3)))
	}
	return best
}

func add(a [3]float64, x float64) [3]float64 { return [3]float64{a[0] + x, a[1] + x, a[2] + x} }

// triangleDistance narrows down the nearest place by nested ternary searches: the squared
// distance is convex in both coordinates.
func triangleDistance(q, a, b, c [3]float64) float64 {
	d := func(u, v float64) (s float64) {
		for i := range q {
			x := a[i] + u*(b[i]-a[i]) + v*(c[i]-a[i]) - q[i]
			s += x * x
		}
		return s
	}
	search := func(hi float64, f func(float64) float64) float64 {
		lo := 0.0
		for range 60 {
			m1, m2 := lo+(hi-lo)/3, hi-(hi-lo)/3
			if f(m1) < f(m2) {
				hi = m2
			} else {
				lo = m1
			}
		}
		return f((lo + hi) / 2)
	}
	return math.Sqrt(search(1, func(u float64) float64 { return search(1-u, func(v float64) float64 { return d(u, v) }) }))
}

// later grades corner v of a face of n, behind others.
func (j *judge) later(corners []vertex, v vertex, n, part int) int {
	all := append(slices.Clone(corners), v)
	if slices.Contains(corners, v) || !j.ordered(all, n) || j.repeats(all, n) || part == 2 && j.closed(v) {
		return 0
	}
	next, last := j.open(corners[0])
	if len(corners) == 1 && len(next) > 0 && less(v, j.lowest(next)) > 0 {
		return 1
	}
	before, one, d := j.cell(corners[len(corners)-1]), j.cell(corners[0]), j.cell(v)
	if !j.chord(before, d) {
		return 1
	}
	if len(all) < n {
		return 3
	}
	var places [][3]float64
	for _, c := range all {
		places = append(places, j.cell(c))
	}
	if !j.chord(d, one) || !j.marked(j.cells, middle(places...), block(max(span(one, d), span(d, before)))) {
		return 1
	}
	joins := slices.Contains(next, all[1]) || slices.Contains(last, v)
	if len(next)+len(last) > 0 && !joins || !convex(places) {
		return 2
	}
	return 3
}

func convex(q [][3]float64) bool {
	sub := func(a, b [3]float64) [3]float64 { return [3]float64{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }
	cross := func(a, b [3]float64) [3]float64 {
		return [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
	}
	dot := func(a, b [3]float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }
	n := len(q)
	normal := cross(sub(q[1], q[0]), sub(q[2], q[0]))
	if n == 4 {
		normal = cross(sub(q[2], q[0]), sub(q[3], q[1]))
	}
	if dot(normal, normal) == 0 {
		return false
	}
	for k := range q {
		a, b := sub(q[(k+1)%n], q[k]), sub(q[(k+n-1)%n], q[k])
		if turn := dot(cross(a, b), normal); turn <= 0 || turn < 0.2*math.Sqrt(dot(a, a)*dot(b, b)*dot(normal, normal)) {
			return false
		}
	}
	return true
}

// narrowed returns the tokens that may follow the prefix on the surface. Rest is what the
// grammar allows.
func (p *place) narrowed(levels int32, prefix []int32, rest map[int32]bool) map[int32]bool {
	j := &judge{place: p, levels: int(levels)}
	var open []int32
	j.oracle, open = read(levels, prefix)
	n, slot := 4, len(open)
	if slot > 0 && open[0] == levels {
		if slot < 3 {
			return rest
		}
		open, n = open[3:], 3
	}
	corners, part := vertices(open), open[len(open)/3*3:]
	if len(corners) == 0 {
		j.look()
	}
	grades, most := map[int32]int{}, 0
	for _, c := range p.cells {
		v := vertex{int32(c[2]), int32(c[0]), int32(c[1])}
		if !slices.Equal(v[:len(part)], part) {
			continue
		}
		grade := 0
		if len(corners) == 0 {
			grade = j.firstCorner(v, len(part))
		} else {
			grade = j.later(corners, v, n, len(part))
		}
		t := v[len(part)]
		grades[t] = max(grades[t], grade)
		most = max(most, grade)
	}
	if most == 0 {
		return rest
	}
	out := map[int32]bool{}
	for t, grade := range grades {
		if grade == most {
			out[t] = true
		}
	}
	if slot == 0 {
		triangles := 0
		for _, f := range j.faces {
			if len(f) == 3 {
				triangles++
			}
		}
		out[levels] = 4*triangles < p.budget
		out[levels+1] = rest[levels+1] && (most == 1 || j.done(most))
	}
	return out
}

// done reports whether nothing is open, and nothing uncovered unless no vertex could
// cover it.
func (j *judge) done(most int) bool {
	beyond := vertex{int32(j.levels), 0, 0}
	switch j.firstCorner(beyond, 0) {
	case 1:
		return false // an edge is open
	case 2:
		return most == 2
	}
	return true
}

// TestSurfaceMatchesTheDefinitions compares whole rows of masks along sequences that are
// drawn under them, on closed and open boxes, with and without pace.
func TestSurfaceMatchesTheDefinitions(t *testing.T) {
	const levels = 32
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for seed, p := range []*place{shell(6, 13, false, 400), shell(5, 22, false, 400), shell(6, 14, true, 400), shell(6, 12, false, 10)} {
			r := rand.New(rand.NewPCG(uint64(seed), 9))
			guide, tokens := p.guide(levels), []int32{}
			for len(tokens) < 12*9 {
				got := surface(t, dev, levels, tokens, guide)
				want := p.narrowed(levels, tokens, faces(t, dev, levels, 0, tokens)[len(tokens)])
				for x, is := range want {
					if !is {
						delete(want, x)
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("surface %d: after %v (%d) the mask is %v, want %v", seed, tokens[len(tokens)/12*12:], len(tokens), got, want)
				}
				var choice []int32
				for x := range got {
					if x < levels || r.IntN(4) == 0 && x == levels || len(got) == 1 {
						choice = append(choice, x)
					}
				}
				if slices.Sort(choice); len(choice) == 0 || choice[0] > levels {
					break
				}
				tokens = append(tokens, choice[r.IntN(len(choice))])
			}
			if len(tokens) < 12*6 {
				t.Errorf("surface %d: only %d tokens were compared", seed, len(tokens))
			}
		}
	})
}

// surface runs both kernels at the position behind tokens, in slot 1 of 2.
func surface(t *testing.T, dev *gpu.Device, levels int32, tokens []int32, g *Guide) map[int32]bool {
	t.Helper()
	length := len(tokens) + 1
	table := make([]int32, 2*length)
	copy(table[length:], tokens)
	guides := make([]int32, 2*SurfaceWords(int(levels)))
	for i, w := range g.Words() {
		guides[len(guides)/2+i] = int32(w)
	}
	a := FacesArgs{
		Tokens: gputest.U32(t, dev, table, 2, length, 1), Seq: gputest.I32(t, dev, []int32{1}, 1),
		Draw: gputest.U32(t, dev, []int32{0, 0, 0, int32(len(tokens)), 0, levels + 2, 0, 1}, 1, sample.DrawWords), Levels: int(levels),
	}
	held := gputest.U32(t, dev, guides, 2, len(guides)/2)
	var out *gpu.Tensor
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		mask := Faces(r, a)
		Surface(r, SurfaceArgs{FacesArgs: a, Guide: held, Mask: mask})
		out = r.Keep(mask)
	})
	raw, err := out.I32()
	if err != nil {
		t.Fatal(err)
	}
	m := map[int32]bool{}
	for v := range levels + 2 {
		if uint32(raw[v/32])>>(v%32)&1 == 1 {
			m[v] = true
		}
	}
	return m
}

func TestSurfaceRefuses(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		a := FacesArgs{Tokens: gputest.U32(t, dev, make([]int32, 8), 1, 8, 1), Seq: gputest.I32(t, dev, []int32{0}, 1), Draw: gputest.U32(t, dev, make([]int32, 8), 1, 8)}
		mask, guide := gputest.U32(t, dev, make([]int32, 2), 1, 2), gputest.U32(t, dev, make([]int32, SurfaceWords(32)), 1, SurfaceWords(32))
		with := func(levels int, guide *gpu.Tensor) func(r *gpu.Recorder) {
			return func(r *gpu.Recorder) {
				a.Levels = levels
				Surface(r, SurfaceArgs{FacesArgs: a, Guide: guide, Mask: mask})
			}
		}
		optest.Refused(t, dev, map[string]func(r *gpu.Recorder){"levels": with(48, guide), "guide": with(32, mask), "none": with(32, nil)})
	})
}

func BenchmarkSurface(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const levels, count, rows = 32, 200, 8
	p := shell(5, 22, false, 400)
	r := rand.New(rand.NewPCG(1, 1))
	tokens := make([]int32, 0, 12*count)
	for len(tokens) < 12*count {
		c := p.cells[r.IntN(len(p.cells))]
		tokens = append(tokens, int32(c[2]), int32(c[0]), int32(c[1]))
	}
	words := make([]int32, SurfaceWords(levels))
	for i, w := range p.guide(levels).Words() {
		words[i] = int32(w)
	}
	draw := make([]int32, 0, rows*sample.DrawWords)
	for i := range rows { // of all the face's slots but the first two corners'
		draw = append(draw, 0, 0, 0, int32(12*count-1-i), 0, levels+2, 0, 1)
	}
	a := FacesArgs{Tokens: gputest.U32(b, dev, tokens, 1, 12*count, 1), Seq: gputest.I32(b, dev, make([]int32, rows), rows), Draw: gputest.U32(b, dev, draw, rows, sample.DrawWords), Levels: levels}
	g := gputest.U32(b, dev, words, 1, len(words))
	mask := gputest.U32(b, dev, make([]int32, rows*sample.MaskWords(levels+2)), rows, sample.MaskWords(levels+2))
	optest.Bench(b, dev, 4*12*count*rows, rows, func(r *gpu.Recorder) { Surface(r, SurfaceArgs{FacesArgs: a, Guide: g, Mask: mask}) })
}
