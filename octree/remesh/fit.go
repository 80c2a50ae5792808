package remesh

import (
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree/surface"
)

// target is a place that the result should pass through.
type target struct {
	at, normal mesh.Vec3
	sharp      bool // on an edge or a corner: the place itself counts, not a plane
	weight     float64
	vertex     int32 // of the result: the place belongs to a face around it
}

// sharpness is how short the mean of unit normals must be for a place to count as
// an edge: the normals are some 36 degrees apart.
const sharpness = 0.95

// Bounds of the work: the error falls by less than a tenth with twice the rounds.
const (
	fitRounds  = 5
	maxTargets = 1 << 16
)

// fitted returns m, the mesh of a partition, with vertices moved to where the faces
// between them are nearest to the targets. Each stays in its cluster's node.
func (p *partition) fitted(m *mesh.Mesh, clusters []int32, c *surface.Contour) *mesh.Mesh {
	m = mesh.Clone(m)
	vertex := make([]int32, len(p.clusters))
	for v, k := range clusters {
		vertex[k] = int32(v)
	}
	all := p.targets(c, vertex)
	for range fitRounds {
		asked := ask(m, all)
		for v := range asked {
			if asked[v].Weight() > 0 {
				k := &p.clusters[clusters[v]]
				m.Vertices[v] = asked[v].Point(k.low, k.high)
			}
		}
	}
	return m
}

// targets returns vertices of the fine surface, with the vertex of m that stands for
// each.
func (p *partition) targets(c *surface.Contour, vertex []int32) []target {
	stride := len(p.of)/maxTargets + 1
	var all []target
	for v := 0; v < len(p.of); v += stride {
		n, agreement := c.Planes[v].Normal()
		all = append(all, target{c.Mesh.Vertices[v], n, agreement < sharpness, c.Planes[v].Weight(), vertex[p.of[v]]})
	}
	return all
}

// ask returns what the targets ask of each vertex of m.
func ask(m *mesh.Mesh, all []target) []surface.Quadric {
	tris, _ := mesh.Triangulate(m)
	around := facesAround(tris)
	asked := make([]surface.Quadric, len(m.Vertices))
	for i := range all {
		t := &all[i]
		f, weights := nearestOf(tris, around[t.vertex], t.at)
		t.ask(m, tris.Face(int(f)), weights, asked)
	}
	return asked
}

// ask shares what a target asks of a triangle among its corners: with weights that
// sum to 1, the sum of what each corner is off is at least what the face is off.
func (t *target) ask(m *mesh.Mesh, face []int32, weights mesh.Vec3, asked []surface.Quadric) {
	foot := mesh.Vec3{}
	for k, v := range face {
		foot = foot.Add(m.Vertices[v].Scale(weights[k]))
	}
	off := t.at.Sub(foot)
	for k, v := range face {
		q, at, w := &asked[v], m.Vertices[v].Add(off), t.weight*weights[k]
		if !t.sharp {
			q.Add(t.normal, at, w)
			continue
		}
		for axis := range 3 {
			var n mesh.Vec3
			n[axis] = 1
			q.Add(n, at, w/3)
		}
	}
}

// facesAround lists the faces of each vertex.
func facesAround(m *mesh.Mesh) [][]int32 {
	around := make([][]int32, len(m.Vertices))
	for f := range m.NumFaces() {
		for _, v := range m.Face(f) {
			around[v] = append(around[v], int32(f))
		}
	}
	return around
}

// nearestOf returns the triangle nearest to a point, and the weights of its
// corners at the nearest place.
func nearestOf(m *mesh.Mesh, faces []int32, at mesh.Vec3) (best int32, weights mesh.Vec3) {
	best = -1
	least := 0.0
	for _, f := range faces {
		face := m.Face(int(f))
		a, b, c := m.Vertices[face[0]], m.Vertices[face[1]], m.Vertices[face[2]]
		w := nearestWeights(at, a, b, c)
		foot := a.Scale(w[0]).Add(b.Scale(w[1])).Add(c.Scale(w[2]))
		d := foot.Sub(at)
		if s := d.Dot(d); best < 0 || s < least {
			best, least, weights = f, s, w
		}
	}
	return best, weights
}

// nearestWeights returns the weights of a triangle's corners that make the point
// nearest to p.
//
// Source: Ericson, "Real-Time Collision Detection", 2005, section 5.1.5.
func nearestWeights(p, a, b, c mesh.Vec3) mesh.Vec3 {
	ab, ac := b.Sub(a), c.Sub(a)
	ap, bp, cp := p.Sub(a), p.Sub(b), p.Sub(c)
	d1, d2 := ab.Dot(ap), ac.Dot(ap)
	d3, d4 := ab.Dot(bp), ac.Dot(bp)
	d5, d6 := ab.Dot(cp), ac.Dot(cp)
	va, vb, vc := d3*d6-d5*d4, d5*d2-d1*d6, d1*d4-d3*d2
	switch {
	case d1 <= 0 && d2 <= 0:
		return mesh.Vec3{1, 0, 0}
	case d3 >= 0 && d4 <= d3:
		return mesh.Vec3{0, 1, 0}
	case d6 >= 0 && d5 <= d6:
		return mesh.Vec3{0, 0, 1}
	case vc <= 0 && d1 >= 0 && d3 <= 0:
		t := d1 / (d1 - d3)
		return mesh.Vec3{1 - t, t, 0}
	case vb <= 0 && d2 >= 0 && d6 <= 0:
		t := d2 / (d2 - d6)
		return mesh.Vec3{1 - t, 0, t}
	case va <= 0 && d4 >= d3 && d5 >= d6:
		t := (d4 - d3) / (d4 - d3 + d5 - d6)
		return mesh.Vec3{0, 1 - t, t}
	}
	sum := va + vb + vc
	return mesh.Vec3{va / sum, vb / sum, vc / sum}
}
