package testmesh

import (
	"math"
	"math/rand/v2"

	"github.com/morton-gen/morton/mesh"
)

// Index finds the distance from points to a mesh, by buckets of a coarse grid.
type Index struct {
	side    float64
	tris    [][3]mesh.Vec3
	buckets map[[3]int][]int32
}

// Triangles cuts all faces into fans.
func Triangles(m *mesh.Mesh) (tris [][3]mesh.Vec3) {
	for f := range m.NumFaces() {
		face := m.Face(f)
		for i := 2; i < len(face); i++ {
			tris = append(tris, [3]mesh.Vec3{m.Vertices[face[0]], m.Vertices[face[i-1]], m.Vertices[face[i]]})
		}
	}
	return tris
}

// NewIndex sorts m's triangles into buckets of the given side.
func NewIndex(m *mesh.Mesh, side float64) *Index {
	x := &Index{side: side, tris: Triangles(m), buckets: map[[3]int][]int32{}}
	for i, t := range x.tris {
		var lo, hi [3]int
		for a := range 3 {
			lo[a] = int(math.Floor(min(t[0][a], t[1][a], t[2][a]) / side))
			hi[a] = int(math.Floor(max(t[0][a], t[1][a], t[2][a]) / side))
		}
		for j := lo[0]; j <= hi[0]; j++ {
			for k := lo[1]; k <= hi[1]; k++ {
				for l := lo[2]; l <= hi[2]; l++ {
					x.buckets[[3]int{j, k, l}] = append(x.buckets[[3]int{j, k, l}], int32(i))
				}
			}
		}
	}
	return x
}

// Distance returns the distance from p to the mesh, or 2 if it is further than
// 40 buckets.
func (x *Index) Distance(p mesh.Vec3) float64 {
	best := 2.0
	var at [3]int
	for a := range at {
		at[a] = int(math.Floor(p[a] / x.side))
	}
	for ring := 0; ring <= 40 && best > float64(ring-1)*x.side; ring++ {
		x.search(p, at, ring, &best)
	}
	return best
}

func (x *Index) search(p mesh.Vec3, at [3]int, ring int, best *float64) {
	for j := -ring; j <= ring; j++ {
		for k := -ring; k <= ring; k++ {
			step := 2 * ring
			if max(j, -j) == ring || max(k, -k) == ring || ring == 0 {
				step = 1
			}
			for l := -ring; l <= ring; l += step {
				for _, i := range x.buckets[[3]int{at[0] + j, at[1] + k, at[2] + l}] {
					*best = min(*best, p.Sub(nearest(p, x.tris[i])).Len())
				}
			}
		}
	}
}

// nearest returns the point of a triangle nearest to p: on the plane if that is
// inside, else on the nearest edge.
func nearest(p mesh.Vec3, t [3]mesh.Vec3) mesh.Vec3 {
	n := t[1].Sub(t[0]).Cross(t[2].Sub(t[0]))
	if n.Len() > 0 {
		q := p.Sub(n.Scale(p.Sub(t[0]).Dot(n) / n.Dot(n)))
		in := true
		for i := range 3 {
			in = in && t[(i+1)%3].Sub(t[i]).Cross(q.Sub(t[i])).Dot(n) >= 0
		}
		if in {
			return q
		}
	}
	best, where := math.Inf(1), t[0]
	for i := range 3 {
		d := t[(i+1)%3].Sub(t[i])
		s := 0.0
		if d.Dot(d) > 0 {
			s = min(max(p.Sub(t[i]).Dot(d)/d.Dot(d), 0), 1)
		}
		if q := t[i].Add(d.Scale(s)); q.Sub(p).Len() < best {
			best, where = q.Sub(p).Len(), q
		}
	}
	return where
}

// Sample returns n points spread evenly over m's area, from a seed.
func Sample(m *mesh.Mesh, n int, seed uint64) []mesh.Vec3 {
	r := rand.New(rand.NewPCG(seed, 77))
	tris := Triangles(m)
	sums := make([]float64, len(tris))
	total := 0.0
	for i, t := range tris {
		total += t[1].Sub(t[0]).Cross(t[2].Sub(t[0])).Len()
		sums[i] = total
	}
	points := make([]mesh.Vec3, 0, n)
	i := 0
	for k := range n { // stratified: the k-th of n equal shares of the area
		at := (float64(k) + r.Float64()) / float64(n) * total
		for i < len(tris)-1 && sums[i] < at {
			i++
		}
		u, v := r.Float64(), r.Float64()
		if u+v > 1 {
			u, v = 1-u, 1-v
		}
		t := tris[i]
		points = append(points, t[0].Add(t[1].Sub(t[0]).Scale(u)).Add(t[2].Sub(t[0]).Scale(v)))
	}
	return points
}
