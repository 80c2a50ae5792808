package quadfield

import (
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/distance"
)

// surface is the target of projections.
type surface struct {
	near *distance.Query
	l    lines
}

// relax moves vertices so that quads become rectangles. Each quad proposes the
// corners of its nearest rectangle. A vertex moves to the mean of its proposals,
// projected to the surface or its line.
//
// Source: the projections of Bouaziz et al., "Shape-up: shaping discrete geometry
// with projections", 2012, with the alternation of averages and projections.
func (p *patch) relax(s *surface, rounds int) {
	p.findBeside()
	sum, weight := make([]mesh.Vec3, len(p.at)), make([]float64, len(p.at))
	for range rounds {
		clear(sum)
		clear(weight)
		for _, face := range p.faces {
			if len(face) == 4 {
				p.ask(face, sum, weight)
			}
		}
		normal := p.normals()
		for v := range p.at {
			if weight[v] > 0 {
				p.move(s, int32(v), sum[v].Scale(1/weight[v]), normal[v])
			}
		}
	}
}

// evenness is the fraction by which a rectangle's sides move to their mean length.
const evenness = 0.1

// ask adds the corners of the rectangle nearest to a quad.
func (p *patch) ask(face []int32, sum []mesh.Vec3, weight []float64) {
	a, b, c, d := p.at[face[0]], p.at[face[1]], p.at[face[2]], p.at[face[3]]
	e := b.Sub(a).Add(c.Sub(d)).Scale(0.5)
	f := d.Sub(a).Add(c.Sub(b)).Scale(0.5)
	u, w := e.Unit(), f.Unit()
	plus, minus := u.Add(w).Unit(), u.Sub(w).Unit()
	if plus == (mesh.Vec3{}) || minus == (mesh.Vec3{}) {
		return
	}
	x, y := plus.Add(minus).Scale(math.Sqrt2/2), plus.Sub(minus).Scale(math.Sqrt2/2)
	le, lf := e.Len(), f.Len()
	mean := (le + lf) / 2
	x, y = x.Scale((le+(mean-le)*evenness)/2), y.Scale((lf+(mean-lf)*evenness)/2)
	middle := a.Add(b).Add(c).Add(d).Scale(0.25)
	for i, at := range [4]mesh.Vec3{middle.Sub(x).Sub(y), middle.Add(x).Sub(y), middle.Add(x).Add(y), middle.Sub(x).Add(y)} {
		v := face[i]
		sum[v], weight[v] = sum[v].Add(at), weight[v]+1
	}
}

// move moves a vertex to the point of the surface, or of its line, nearest to to.
func (p *patch) move(s *surface, v int32, to, normal mesh.Vec3) {
	switch p.kind[v] {
	case corner:
	case onLine:
		if to = s.l.nearest(p.line[v], to); !p.crowds(v, to) {
			p.at[v] = to
		}
	default:
		if _, on, face := s.near.Facing(to, normal); face >= 0 {
			p.at[v] = on
		}
	}
}

// crowds reports whether a position is too near to v's neighbours on its line. Every
// position past the end of a line projects to that end.
func (p *patch) crowds(v int32, to mesh.Vec3) bool {
	const share = 0.2
	a, b := p.at[p.beside[v][0]], p.at[p.beside[v][1]]
	least := share * min(a.Sub(p.at[v]).Len(), b.Sub(p.at[v]).Len())
	return a.Sub(to).Len() <= least || b.Sub(to).Len() <= least
}

// findBeside lists the two neighbours of each vertex on a line.
func (p *patch) findBeside() {
	p.beside = make([][2]int32, len(p.at))
	count := make([]int8, len(p.at))
	for _, face := range p.faces {
		for i, a := range face {
			b := face[(i+1)%len(face)]
			if p.marks[key(a, b)] != 0 { // each edge is visited in both directions
				p.beside[a][count[a]&1] = b
				count[a]++
			}
		}
	}
}

// normals returns the area-weighted unit normal of each vertex.
func (p *patch) normals() []mesh.Vec3 {
	all := make([]mesh.Vec3, len(p.at))
	for _, face := range p.faces {
		n := p.faceVector(face)
		for _, v := range face {
			all[v] = all[v].Add(n)
		}
	}
	for v := range all {
		all[v] = all[v].Unit()
	}
	return all
}

func (p *patch) faceVector(face []int32) (n mesh.Vec3) {
	o := p.at[face[0]]
	for i := 2; i < len(face); i++ {
		n = n.Add(p.at[face[i-1]].Sub(o).Cross(p.at[face[i]].Sub(o)))
	}
	return n
}

// poor is the scaled Jacobian below which untangle moves a quad's corners.
const poor = 0.15

// untangle moves the corners of folded quads to the mean of their neighbours and
// relaxes again, until none is folded or nothing changes.
func (p *patch) untangle(s *surface) {
	const rounds = 12
	for range rounds {
		bad := make([]bool, len(p.at))
		any := false
		for _, face := range p.faces {
			if p.jacobian(face) < poor {
				any = true
				for _, v := range face {
					bad[v] = true
				}
			}
		}
		if !any {
			return
		}
		sum, weight := make([]mesh.Vec3, len(p.at)), make([]float64, len(p.at))
		for range 3 {
			clear(sum)
			clear(weight)
			for _, face := range p.faces {
				for i, v := range face {
					if bad[v] {
						sum[v], weight[v] = sum[v].Add(p.at[face[(i+1)%len(face)]]), weight[v]+1
					}
				}
			}
			normal := p.normals()
			for v := range p.at {
				if weight[v] > 0 {
					p.move(s, int32(v), sum[v].Scale(1/weight[v]), normal[v])
				}
			}
		}
		p.relax(s, 2)
	}
}

// jacobian is [mesh.ScaledJacobian] of a face.
func (p *patch) jacobian(face []int32) float64 {
	return mesh.ScaledJacobian(&mesh.Mesh{Vertices: p.at, Corners: face, Starts: []int32{0, int32(len(face))}}, 0)
}

// settle moves free vertices off the surface by half the mean distance of the
// surrounding face centres to it. Faces of a bent surface then lie half inside and
// half outside it, which lowers Chamfer by about a third on a sphere.
func (p *patch) settle(s *surface) {
	sum, weight := make([]float64, len(p.at)), make([]float64, len(p.at))
	normal := p.normals()
	for _, face := range p.faces {
		n := p.faceVector(face).Unit()
		middle := mesh.Vec3{}
		for _, v := range face {
			middle = middle.Add(p.at[v].Scale(1 / float64(len(face))))
		}
		_, on, f := s.near.Facing(middle, n)
		if f < 0 {
			continue
		}
		for _, v := range face {
			sum[v], weight[v] = sum[v]+on.Sub(middle).Dot(normal[v]), weight[v]+1
		}
	}
	for v, k := range p.kind {
		if k == free && weight[v] > 0 {
			p.at[v] = p.at[v].Add(normal[v].Scale(sum[v] / weight[v] / 2))
		}
	}
}

// spread moves free vertices that coincide with a neighbour a tenth of the way to the
// mean of all neighbours.
func (p *patch) spread() {
	sum, weight, tight := make([]mesh.Vec3, len(p.at)), make([]float64, len(p.at)), make([]bool, len(p.at))
	const tiny = 1e-3 // relative to the mean edge
	mean, n := 0.0, 0
	for _, face := range p.faces {
		for i, v := range face {
			mean += p.at[v].Sub(p.at[face[(i+1)%len(face)]]).Len()
			n++
		}
	}
	mean /= float64(max(n, 1))
	for _, face := range p.faces {
		for i, v := range face {
			w := face[(i+1)%len(face)]
			sum[v], weight[v] = sum[v].Add(p.at[w]), weight[v]+1
			if p.at[v].Sub(p.at[w]).Len() < tiny*mean {
				tight[v], tight[w] = true, true
			}
		}
	}
	for v, is := range tight {
		if is && p.kind[v] == free {
			p.at[v] = p.at[v].Add(sum[v].Scale(1 / weight[v]).Sub(p.at[v]).Scale(0.1))
		}
	}
}
