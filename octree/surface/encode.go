package surface

import (
	"math/bits"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/blocks"
	"github.com/morton-gen/morton/octree/internal/voxel"
)

// encode fills in all codes, in blocks of leaves that do not depend on each
// other.
func (m *model) encode(o *octree.Octree) []Code {
	codes := make([]Code, o.Len(o.Depth))
	near := newNearby(m.src, o)
	blocks.Each(len(codes), 1024, func(from, to int) {
		e := encoder{m: m, near: near}
		for i := from; i < to; i++ {
			codes[i] = e.code(i, o.Leaves()[i])
		}
	})
	return codes
}

// nearby lists, leaf by leaf, the triangles that place its vertex: those that
// meet it and, of thin surfaces, those within half a cell.
type nearby struct {
	first []int32
	tris  []int32
}

func newNearby(s *source, o *octree.Octree) *nearby {
	n := &nearby{first: make([]int32, o.Len(o.Depth)+1)}
	s.eachNear(o, func(row int, tri int32) { n.first[row+1]++ })
	for i := range n.first[1:] {
		n.first[i+1] += n.first[i]
	}
	n.tris = make([]int32, n.first[len(n.first)-1])
	next := append([]int32(nil), n.first...)
	s.eachNear(o, func(row int, tri int32) {
		n.tris[next[row]] = tri
		next[row]++
	})
	return n
}

func (n *nearby) of(row int) []int32 { return n.tris[n.first[row]:n.first[row+1]] }

func (s *source) eachNear(o *octree.Octree, visit func(row int, tri int32)) {
	for i := range s.tris {
		grid := voxel.Grid{Depth: o.Depth}
		if s.tris[i].thin {
			grid.Pad = dualHalf
		}
		t := voxel.New(s.corners(&s.tris[i]))
		grid.Cells(&t, func(x, y, z int) {
			if row, ok := o.Find(o.Depth, octree.Encode(uint32(x), uint32(y), uint32(z))); ok {
				visit(row, int32(i))
			}
		})
	}
}

// encoder makes codes one after the other.
type encoder struct {
	m      *model
	near   *nearby
	buffer [2][12]mesh.Vec3
}

// code finds one leaf's signs, and the point and normal of its main sheet.
func (e *encoder) code(row int, cell octree.Key) Code {
	all, thick := e.m.signs(cell)
	c := Code{Signs: all}
	t := &cellTopology[0][all]
	var q Quadric
	var outward mesh.Vec3
	if len(t.patches) > 0 {
		outward = t.way(0)
		c.Thin = e.addSheet(&q, row, cell, t, 0, all, thick)
	} else {
		e.addFaces(&q, cell, outward, e.near.of(row))
	}
	at := mesh.Vec3{0.5, 0.5, 0.5}
	switch {
	case q.weight > 0:
		at = q.point()
	case len(t.patches) > 0:
		at = t.middle(0)
	}
	c.setOffset(at)
	n := q.normal
	if n.Len() <= 1e-3*q.weight || q.weight == 0 {
		n = outward
	}
	c.Octant = QuantizeNormal(n)
	return c
}

// addSheet adds the planes of one sheet in a leaf, in the cell's units. It returns
// whether a thin surface has a part in it.
func (e *encoder) addSheet(q *Quadric, row int, cell octree.Key, t *topology, sheet int, all, thick uint8) bool {
	tris := e.near.of(row)
	thin := e.addThick(q, cell, t.patches[sheet], all, thick, tris)
	if !thin || crosses(t.patches[sheet], all&^thick, all) {
		e.addFaces(q, cell, t.way(sheet), tris)
	}
	return thin
}

// way points from the inside of a sheet to its outside; its length means nothing.
func (t *topology) way(sheet int) (v mesh.Vec3) {
	for a := range 3 {
		v[a] = float64(t.outward[sheet][a])
	}
	return v
}

// crosses tells whether a patch has an edge from a corner in some to one that is
// not in all.
func crosses(p patch, some, all uint8) bool {
	for ; p != 0; p &= p - 1 {
		low, high := edgeCorners(bits.TrailingZeros16(uint16(p)))
		if inside(some, low) && !inside(all, high) || inside(some, high) && !inside(all, low) {
			return true
		}
	}
	return false
}

func lowCorner(cell octree.Key) mesh.Vec3 {
	x, y, z := cell.Decode()
	return mesh.Vec3{float64(x), float64(y), float64(z)}
}

// addFaces adds the plane of every triangle, weighed by its area in the cell. Of
// several sheets only those count that face the way the coded one does, unless
// none does.
func (e *encoder) addFaces(q *Quadric, cell octree.Key, outward mesh.Vec3, tris []int32) {
	low, before := lowCorner(cell), q.weight
	for _, strict := range [2]bool{true, false} {
		for _, i := range tris {
			t := &e.m.src.tris[i]
			a, b, c := e.m.src.corners(t)
			n := e.m.src.area(t).Unit()
			if r := e.m.src.parts[t.part]; r.rule == winding {
				n = n.Scale(r.facing)
				if strict && n.Dot(outward) < 0 {
					continue
				}
			}
			if n.Dot(outward) < 0 {
				n = n.Scale(-1)
			}
			area, middle := clipToCell([3]mesh.Vec3{a.Sub(low), b.Sub(low), c.Sub(low)}, &e.buffer)
			if area > 0 {
				q.Add(n, middle, area)
			}
		}
		if q.weight > before {
			return
		}
	}
}

// thickWeight is the weight of one edge's crossing next to a cell's face of
// weight 1: a flat sheet crosses four edges of a cell.
const thickWeight = 0.25

// addThick adds planes for the edges of a patch whose inside end is inside
// because of a thin surface. Each plane lies where the edge leaves the
// thickened surface. addThick returns whether there was such an edge.
func (e *encoder) addThick(q *Quadric, cell octree.Key, p patch, all, thick uint8, tris []int32) bool {
	found := false
	low := lowCorner(cell)
	for ; p != 0; p &= p - 1 {
		edge := bits.TrailingZeros16(uint16(p))
		from, to := edgeCorners(edge)
		if !inside(all, from) {
			from, to = to, from
		}
		if !inside(thick, from) {
			continue
		}
		found = true
		var start mesh.Vec3
		for a := range 3 {
			start[a] = float64(bit(from, a))
		}
		exit, n := e.exit(low.Add(start), edge>>2, to > from, tris)
		start[edge>>2] += exit
		q.Add(n, start, thickWeight)
	}
	return found
}

// ends reports whether a triangle's box, made larger by half a cell, holds a part of the
// line along an axis farther than far. It is a bound on [voxel.Triangle.Slide] that costs a
// tenth: a cell may have thousands of small triangles.
func ends(a, b, c, corner mesh.Vec3, axis int, up bool, far float64) bool {
	const half = dualHalf + voxel.Tolerance
	for k := range 3 {
		lo, hi := min(a[k], b[k], c[k])-half, max(a[k], b[k], c[k])+half
		switch {
		case k != axis:
			if corner[k] < lo || corner[k] > hi {
				return false
			}
		case up && hi-corner[k] <= far, !up && corner[k]-lo <= far:
			return false
		}
	}
	return true
}

// exit goes from an inside corner along an axis, up or down, to the end of the
// thickened surface. It returns the signed distance, at most one cell, and the
// outward unit normal there.
func (e *encoder) exit(corner mesh.Vec3, axis int, up bool, tris []int32) (float64, mesh.Vec3) {
	sign := 1.0
	if !up {
		sign = -1
	}
	far := -1.0
	var n mesh.Vec3
	n[axis] = sign
	for _, i := range tris {
		if !e.m.src.tris[i].thin {
			continue
		}
		a, b, c := e.m.src.corners(&e.m.src.tris[i])
		if !ends(a, b, c, corner, axis, up, far) {
			continue
		}
		t := voxel.New(a, b, c)
		s := t.Slide(corner, axis, dualHalf+voxel.Tolerance)
		if s.From > s.To || s.From > 0 || s.To < 0 {
			continue
		}
		end, out := s.To, s.AtTo
		if !up {
			end, out = -s.From, s.AtFrom
		}
		if end > far {
			far, n = end, out.Unit()
		}
	}
	if far < 0 {
		far = 0.5
	}
	return sign * min(far, 1), n
}
