package surface

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/blocks"
)

// Grid has the values of a field at the n³ points Low + Step·(i, j, k). Values below a level
// are inside. A surface that leaves the grid ends there.
type Grid struct {
	N      int // points a side, 2 to 2^octree.MaxDepth
	Low    mesh.Vec3
	Step   float64
	Values []float32 // [n, n, n], finite
}

func (g *Grid) check() error {
	if g.N < 2 || g.N > 1<<octree.MaxDepth || len(g.Values) != g.N*g.N*g.N || !(g.Step > 0) {
		return fmt.Errorf("surface.Grid: %w: %d values for %d points a side, %g apart", octree.ErrLimit, len(g.Values), g.N, g.Step)
	}
	for i, v := range g.Values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("surface.Grid: %w: value %d is %g", mesh.ErrNotFinite, i, v)
		}
	}
	return nil
}

// strides are the steps between points along the axes.
func (g *Grid) strides() [3]int { return [3]int{g.N * g.N, g.N, 1} }

// gridCrossing is an edge of a grid on which the surface lies.
type gridCrossing struct {
	at   [3]int // point at its low end
	axis int
	t    float64 // where on the edge
	in   bool    // the low end is inside
}

// crossings returns the crossed edges by their points, and those of a point by axis.
func (g *Grid) crossings(level float64) (out []gridCrossing) {
	stride, i := g.strides(), 0
	for x := range g.N {
		for y := range g.N {
			for z := range g.N {
				at := [3]int{x, y, z}
				a := float64(g.Values[i])
				for axis, s := range stride {
					if at[axis]+1 == g.N {
						continue
					}
					if b := float64(g.Values[i+s]); (a < level) != (b < level) {
						out = append(out, gridCrossing{at, axis, (level - a) / (b - a), a < level})
					}
				}
				i++
			}
		}
	}
	return out
}

// point is where the surface crosses, in cells.
func (c *gridCrossing) point() mesh.Vec3 {
	p := mesh.Vec3{float64(c.at[0]), float64(c.at[1]), float64(c.at[2])}
	p[c.axis] += c.t
	return p
}

func (g *Grid) place(p mesh.Vec3) mesh.Vec3 { return g.Low.Add(p.Scale(g.Step)) }

// index numbers a point, and edge an edge from it along an axis.
func (g *Grid) index(at [3]int) int          { return (at[0]*g.N+at[1])*g.N + at[2] }
func (g *Grid) edge(at [3]int, axis int) int { return 3*g.index(at) + axis }

// edgeOf is the number of a cell's edge e.
func (g *Grid) edgeOf(cell [3]int, e int) int {
	low, _ := edgeCorners(e)
	return g.edge([3]int{cell[0] + bit(low, 0), cell[1] + bit(low, 1), cell[2] + bit(low, 2)}, e>>2)
}

// signs has a bit for each corner of a cell that is inside.
func (g *Grid) signs(at [3]int, level float64) (signs uint8) {
	stride, i := g.strides(), g.index(at)
	for c := range 8 {
		if float64(g.Values[i+bit(c, 0)*stride[0]+bit(c, 1)*stride[1]+bit(c, 2)]) < level {
			signs |= 1 << c
		}
	}
	return signs
}

// Triangles returns the surface at a level by marching cubes. Each crossed edge of the grid has
// a vertex, where the values along it, taken as linear, reach the level. Triangles face
// outwards. Away from the border of the grid every edge has two of them.
//
// Errors wrap [octree.ErrLimit] and [mesh.ErrNotFinite].
func (g *Grid) Triangles(level float64) (*mesh.Mesh, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	m, vertices := &mesh.Mesh{}, map[int]int32{}
	for _, c := range g.crossings(level) {
		vertices[g.edge(c.at, c.axis)] = m.AddVertex(g.place(c.point()))
	}
	for x := range g.N - 1 {
		for y := range g.N - 1 {
			for z := range g.N - 1 {
				at := [3]int{x, y, z}
				for _, t := range cellTriangles[g.signs(at, level)] {
					if m.Starts == nil {
						m.Starts = []int32{0}
					}
					for _, e := range t {
						m.Corners = append(m.Corners, vertices[g.edgeOf(at, int(e))])
					}
					m.Starts = append(m.Starts, int32(len(m.Corners)))
				}
			}
		}
	}
	return m, nil
}

// Quads returns the surface at a level by dual contouring. Each sheet in a cell has a vertex,
// placed nearest to the planes where the surface crosses the cell's edges. Each crossed edge
// with four cells around it has a quad. Slope returns the gradient of the field at a point;
// it is called from several goroutines. Quads face outwards.
//
// Errors are those of [Grid.Triangles]. Source: see [Extract].
func (g *Grid) Quads(level float64, slope func(p mesh.Vec3) mesh.Vec3) (*mesh.Mesh, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	all := g.crossings(level)
	planes := &gridPlanes{g, all, make([]mesh.Vec3, len(all)), map[int]int{}}
	for i, c := range all {
		planes.number[g.edge(c.at, c.axis)] = i
	}
	blocks.Each(len(all), 256, func(from, to int) {
		for i := from; i < to; i++ {
			planes.normals[i] = slope(g.place(all[i].point())).Unit()
		}
	})
	var inner []crossing // with four cells around
	for _, c := range all {
		if u, v := c.at[(c.axis+1)%3], c.at[(c.axis+2)%3]; u > 0 && v > 0 && u+1 < g.N && v+1 < g.N {
			inner = append(inner, crossing{low: octree.Encode(uint32(c.at[0]), uint32(c.at[1]), uint32(c.at[2])), axis: uint8(c.axis), lowIn: c.in})
		}
	}
	x := newExtraction(max(bits.Len(uint(g.N-1)), 1), func(cell octree.Key) uint8 { return g.signs(cellAt(cell), level) }, inner)
	for i, k := range x.keys {
		x.first[i] = int32(len(x.mesh.Vertices))
		for p := range x.topology(i).patches {
			x.mesh.AddVertex(g.place(planes.vertex(k, x.topology(i), p)))
		}
	}
	for _, e := range inner {
		x.addQuad(e)
	}
	return x.mesh, nil
}

// gridPlanes are the planes of the surface where it crosses edges of a grid.
type gridPlanes struct {
	*Grid

	all     []gridCrossing
	normals []mesh.Vec3
	number  map[int]int // by edge
}

// vertex is the point of a cell, in cells, that is nearest to the planes of one of its sheets.
func (g *gridPlanes) vertex(k octree.Key, t *topology, p int) mesh.Vec3 {
	var q Quadric
	low := lowCorner(k)
	for edges := t.patches[p]; edges != 0; edges &= edges - 1 {
		c := g.number[g.edgeOf(cellAt(k), bits.TrailingZeros16(uint16(edges)))]
		q.Add(g.normals[c], g.all[c].point().Sub(low), 1)
	}
	if q.normal.Len() == 0 { // the field has no slope there
		q = Quadric{}
		q.Add(t.way(p).Unit(), t.middle(p), 1)
	}
	return low.Add(q.Point(mesh.Vec3{inset, inset, inset}, mesh.Vec3{1 - inset, 1 - inset, 1 - inset}))
}

func cellAt(k octree.Key) [3]int {
	x, y, z := k.Decode()
	return [3]int{int(x), int(y), int(z)}
}
