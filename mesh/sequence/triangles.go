package sequence

import (
	"cmp"
	"math"
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// VertexOrder is the order in which a coding of triangles numbers vertices.
type VertexOrder int

// The orders of BPT and DeepMesh. Both compare y, then x, then z.
const (
	// BlockFirst compares blocks of 32 cells before cells. The block number is
	// 16·⌊y/32⌋ + 4·⌊x/32⌋ + ⌊z/32⌋. Above 128 levels numbers overlap, as in the
	// published code of BPT and DeepMesh.
	BlockFirst VertexOrder = iota
	// ZYX compares cells alone.
	ZYX
)

// compare orders cells.
func (o VertexOrder) compare(a, b Cell) int {
	if o == BlockFirst {
		block := func(c Cell) int32 { return c[1]/32*16 + c[0]/32*4 + c[2]/32 }
		if c := cmp.Compare(block(a), block(b)); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(a[1], b[1]), cmp.Compare(a[0], b[0]), cmp.Compare(a[2], b[2]))
}

// triangles is a quantised mesh of triangles with its vertices in a coding's order.
type triangles struct {
	vertices []Cell
	faces    [][3]int32 // lowest first, ascending by their sorted corners
}

// newTriangles quantises m by rounding half to even, as published codings do, and
// triangulates it.
func newTriangles(m *mesh.Mesh, o Options, compare func(a, b Cell) int) (*triangles, Report, error) {
	q, report, err := quantize(m, o, o.roundedCell)
	if err != nil {
		return nil, report, err
	}
	cells := &mesh.Mesh{Vertices: make([]mesh.Vec3, len(q.Vertices)), Starts: []int32{0}}
	for v, c := range q.Vertices {
		cells.Vertices[v] = mesh.Vec3{float64(c[0]), float64(c[1]), float64(c[2])}
	}
	for f := range q.Faces {
		cells.Corners = append(cells.Corners, q.Faces[f].Corners()...)
		cells.Starts = append(cells.Starts, int32(len(cells.Corners)))
	}
	cut, _ := mesh.Triangulate(cells)
	report.Faces, report.Triangles, report.Quads = cut.NumFaces(), cut.NumFaces(), 0
	return sortTriangles(q.Vertices, cut, compare), report, nil
}

// sortTriangles renumbers vertices and sorts faces.
func sortTriangles(cells []Cell, cut *mesh.Mesh, compare func(a, b Cell) int) *triangles {
	order := make([]int32, len(cells))
	for v := range order {
		order[v] = int32(v)
	}
	slices.SortFunc(order, func(a, b int32) int { return compare(cells[a], cells[b]) })
	t := &triangles{vertices: make([]Cell, len(cells)), faces: make([][3]int32, cut.NumFaces())}
	to := make([]int32, len(cells))
	for i, v := range order {
		t.vertices[i], to[v] = cells[v], int32(i)
	}
	for f := range t.faces {
		c := cut.Face(f)
		face := newFace([]int32{to[c[0]], to[c[1]], to[c[2]]})
		t.faces[f] = [3]int32(face[:3])
	}
	slices.SortStableFunc(t.faces, func(f, g [3]int32) int {
		f, g = sorted3(f), sorted3(g)
		return slices.Compare(f[:], g[:])
	})
	return t
}

func sorted3(f [3]int32) [3]int32 {
	slices.Sort(f[:])
	return f
}

// roundedCell returns the cell of p, rounding half to even.
func (o Options) roundedCell(p mesh.Vec3) (Cell, error) {
	cell, err := o.cell(p)
	if err != nil {
		return cell, err
	}
	n := float64(o.levels())
	for i, x := range p {
		cell[i] = int32(min(max(math.RoundToEven((x+1)/2*n-0.5), 0), n-1))
	}
	return cell, nil
}
