package surface

import (
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
)

// opposed is the largest cosine between the normals of a wall's two sides. It
// keeps the flanks of an edge from counting as a wall.
const opposed = -0.5

// thickness compares a wall's thickness with the L1 length of its unit normal, 1
// to 1.73 cells. A wall of at least that length has inside corners everywhere,
// connected along the grid's edges. A thinner wall may have holes.
type thickness uint8

const (
	sturdy   thickness = iota
	thin               // below 1.5 times that, a margin for uneven walls
	veryThin           // below 1 times that
)

// thinFactor is the margin of thin.
const thinFactor = 1.5

// walls measures how thick a part is behind its surface.
type walls struct {
	m       *model
	o       *octree.Octree
	near    *nearby
	normals []mesh.Vec3 // outward, zero for the triangles of sheets
	buffer  [2][12]mesh.Vec3
}

func newWalls(m *model, o *octree.Octree) *walls {
	w := &walls{m: m, o: o, near: newNearby(m.src, o), normals: make([]mesh.Vec3, len(m.src.tris))}
	for i := range m.src.tris {
		t := &m.src.tris[i]
		if p := m.src.parts[t.part]; p.rule != sheet {
			w.normals[i] = m.src.area(t).Unit().Scale(p.facing)
		}
	}
	return w
}

// spread marks all leaves with thin walls that are connected to those in the
// queue. Leaves in the queue are marked already. It returns all marked leaves.
func (w *walls) spread(marked []bool, queue []int32) []int32 {
	for at := 0; at < len(queue); at++ {
		for _, r := range w.o.Neighbours26(w.o.Depth, int(queue[at])) {
			if r >= 0 && !marked[r] && w.at(int(r)) != sturdy {
				marked[r] = true
				queue = append(queue, r)
			}
		}
	}
	return queue
}

// at returns how thick the wall behind most of a leaf's surface is.
func (w *walls) at(row int) thickness {
	low := lowCorner(w.o.Leaves()[row])
	var some, very, all float64
	for _, i := range w.near.of(row) {
		if w.normals[i] == (mesh.Vec3{}) {
			continue
		}
		a, b, c := w.m.src.corners(&w.m.src.tris[i])
		area, middle := clipToCell([3]mesh.Vec3{a.Sub(low), b.Sub(low), c.Sub(low)}, &w.buffer)
		if area == 0 {
			continue
		}
		all += area
		end := w.endBehind(i, middle.Add(low))
		if end < thinFactor {
			some += area
		}
		if end < 1 {
			very += area
		}
	}
	switch {
	case 2*very > all:
		return veryThin
	case 2*some > all:
		return thin
	}
	return sturdy
}

// endBehind follows a ray from a point of a triangle into its part, leaf by
// leaf. It returns the distance at which the ray leaves the part, as a multiple
// of the L1 length of the triangle's normal. The result is at least thinFactor
// if the exit is far away.
func (w *walls) endBehind(tri int32, from mesh.Vec3) float64 {
	back := w.normals[tri].Scale(-1)
	unit := math.Abs(back[0]) + math.Abs(back[1]) + math.Abs(back[2])
	before, end := octree.Key(math.MaxUint64), math.Inf(1)
	for step := 0.0; step <= thinFactor*unit && step <= end; step += 0.125 {
		k, ok := w.cell(from.Add(back.Scale(step)))
		if !ok || k == before {
			continue
		}
		before = k
		if row, leaf := w.o.Find(w.o.Depth, k); leaf {
			end = min(end, w.endIn(row, tri, from, back))
		}
	}
	return end / unit
}

// endIn returns where the ray first meets a triangle of the same part that lies
// in a leaf and faces the other way.
func (w *walls) endIn(row int, tri int32, from, back mesh.Vec3) float64 {
	part, end := w.m.src.tris[tri].part, math.Inf(1)
	for _, i := range w.near.of(row) {
		if i == tri || w.m.src.tris[i].part != part || w.normals[i].Dot(back) < -opposed {
			continue
		}
		if at, hit := w.meet(&w.m.src.tris[i], from, back); hit {
			end = min(end, at)
		}
	}
	return end
}

func (w *walls) cell(p mesh.Vec3) (octree.Key, bool) {
	last := float64(int(1)<<w.o.Depth) - 1
	var c [3]uint32
	for a, x := range p {
		f := math.Floor(x)
		if f < 0 || f > last {
			return 0, false
		}
		c[a] = uint32(f)
	}
	return octree.Encode(c[0], c[1], c[2]), true
}

// meet returns where a ray meets a triangle. The ray begins just behind its
// start, so that a sheet's other face at the same place counts.
//
// Source: Möller and Trumbore, "Fast, Minimum Storage Ray/Triangle
// Intersection", 1997.
func (w *walls) meet(t *triangle, from, way mesh.Vec3) (float64, bool) {
	a, b, c := w.m.src.corners(t)
	ab, ac, o := b.Sub(a), c.Sub(a), from.Sub(a)
	p := way.Cross(ac)
	det := ab.Dot(p)
	if det == 0 {
		return 0, false
	}
	u, q := o.Dot(p)/det, o.Cross(ab)
	v := way.Dot(q) / det
	at := ac.Dot(q) / det
	return at, u >= -1e-9 && v >= -1e-9 && u+v <= 1+1e-9 && at >= -1e-6
}
