package surface

import (
	"fmt"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/blocks"
)

// inset is the least distance of a vertex from the cell's border, as with a code.
// So the vertices of two cells never coincide.
const inset = 0.5 / offsetSteps

// Contour is the surface of a mesh on the cells of one level, with what is needed
// to move and to join its vertices.
type Contour struct {
	Depth int
	// Mesh is closed and of quads, in cells of that level: the domain is
	// [0, 2^Depth]³. Each vertex lies in the cell of its sheet.
	Mesh *mesh.Mesh
	// Cells has the cell of each vertex, in ascending order.
	Cells []octree.Key
	// Planes has, for each vertex, the planes of the faces that it stands for,
	// weighed by their area in its cell.
	Planes []Quadric
	Parts  Parts
}

// NewContour contours m, which must lie in the domain. The surface is that of
// [Build] and [Extract], with two differences. Vertices are not rounded to the
// precision of a code. Every sheet in a cell has a vertex of its own, placed by
// the faces with the sheet's orientation.
//
// It returns the errors of Build. The result depends on the arguments alone.
func NewContour(m *mesh.Mesh, depth int) (*Contour, error) {
	md, o, parts, err := newTree(m, depth)
	if err != nil {
		return nil, fmt.Errorf("surface.NewContour: %w", err)
	}
	f := newField(o, md.signCodes(o))
	crossings := f.crossings()
	x := newExtraction(depth, f.signs, crossings)
	x.tree = o
	c := &Contour{Depth: depth, Mesh: x.mesh, Parts: parts}
	c.placeSheets(x, md)
	for _, e := range crossings {
		x.addQuad(e)
	}
	return c, nil
}

// signCodes returns codes with corner signs and nothing else.
func (m *model) signCodes(o *octree.Octree) []Code {
	codes := make([]Code, o.Len(o.Depth))
	blocks.Each(len(codes), 1024, func(from, to int) {
		for i := from; i < to; i++ {
			codes[i].Signs, _ = m.signs(o.Leaves()[i])
		}
	})
	return codes
}

// placeSheets makes one vertex for each sheet of each crossed cell.
func (c *Contour) placeSheets(x *extraction, md *model) {
	for i, k := range x.keys {
		x.first[i] = int32(len(c.Cells))
		for range x.topology(i).patches {
			c.Cells = append(c.Cells, k)
		}
	}
	c.Mesh.Vertices = make([]mesh.Vec3, len(c.Cells))
	c.Planes = make([]Quadric, len(c.Cells))
	near := newNearby(md.src, x.tree)
	blocks.Each(len(x.keys), 1024, func(from, to int) {
		e := encoder{m: md, near: near}
		for i := from; i < to; i++ {
			for p := range x.topology(i).patches {
				v := int(x.first[i]) + p
				c.Mesh.Vertices[v], c.Planes[v] = e.sheet(x, i, p)
			}
		}
	})
}

// sheet returns the vertex of one sheet of a crossed cell, and its planes. A sheet
// without faces, such as beside a thickened corner, has one plane across.
func (e *encoder) sheet(x *extraction, i, p int) (mesh.Vec3, Quadric) {
	cell, t := x.keys[i], x.topology(i)
	var q Quadric
	if row, leaf := x.tree.Find(x.depth, cell); leaf {
		_, thick := e.m.signs(cell)
		e.addSheet(&q, row, cell, t, p, x.signs[i], thick)
	}
	if q.weight == 0 {
		q.Add(t.way(p).Unit(), t.middle(p), 1)
	}
	at := q.Point(mesh.Vec3{inset, inset, inset}, mesh.Vec3{1 - inset, 1 - inset, 1 - inset})
	low := lowCorner(cell)
	return low.Add(at), q.Moved(low)
}
