package surface

import (
	"fmt"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/keyset"
)

// Report counts what [Extract] did with a tree and its codes.
type Report struct {
	// Leaf has, for each vertex of the mesh, the row of the leaf whose code
	// placed it, or -1 if the vertex has a default place. Codes[Leaf[v]].Normal()
	// is such a vertex's normal.
	Leaf []int32
	// Active counts the leaves that the surface crosses, and Idle the others.
	Active, Idle int
	// Added counts cells that are not leaves but that the surface crosses: 0 for
	// codes from [Build]. Their vertices have default places.
	Added int
	// Split counts cells with more than one vertex, one for each sheet.
	Split int
	// Untangled counts cells whose sheets were joined the other way so that no
	// mesh edge has four quads.
	Untangled int
	// Disputed counts corners about which the leaves around them disagreed.
	Disputed int
	// Thin counts active leaves whose code has the thin flag.
	Thin int
}

// Extract returns the closed quad mesh that a tree and the codes of its leaves,
// in Morton order, describe, in the domain [-1,1]^3.
//
// Any codes give a closed mesh. First every corner of the grid gets a side. A
// corner of leaves takes the majority of their signs, and a tie means inside.
// Any other corner takes the side of the empty node that it lies in. Empty nodes that are
// joined across faces and that no leaf contradicts have one side: outside if they reach
// the domain's border. Where leaves say both, for instance around a hole between leaves,
// the sides of nodes are those that contradict the fewest corners, and a boundary between
// nodes of two sides counts as corners too. Corners on the domain's border are outside.
//
// Then every grid edge between an inside and an outside corner becomes one quad.
// The quad joins the edge's four cells and faces out. A cell has one vertex for
// each sheet of surface in it. The code places the vertex of the sheet with most
// edges. The other vertices, and those of non-leaf cells, lie at the mean of
// their edges' midpoints.
//
// So all faces are quads. Every edge has exactly two faces, which run along it
// in opposite directions. Every vertex has one fan of faces. The mesh is a
// closed, oriented 2-manifold, though it may touch or intersect itself. It is
// empty if no edge is crossed.
//
// It returns an error wrapping [ErrCodes] if there is not one code a leaf.
// Vertices follow the cells in Morton order; the result depends on the arguments
// alone.
//
// Source: Ju et al., "Dual Contouring of Hermite Data", 2002; one vertex a sheet
// as in Nielson, "Dual Marching Cubes", 2004; pulling apart of edges with four
// quads after Wenger, "Isosurfaces", 2013, with the rule here by table.
func Extract(o *octree.Octree, codes []Code) (*mesh.Mesh, Report, error) {
	if len(codes) != len(o.Leaves()) {
		return nil, Report{}, fmt.Errorf("surface.Extract: %w: %d codes, %d leaves", ErrCodes, len(codes), len(o.Leaves()))
	}
	f := newField(o, codes)
	crossings := f.crossings()
	x := newExtraction(o.Depth, f.signs, crossings)
	x.tree = o
	x.report.Disputed = f.disputed
	x.placeVertices(codes)
	for _, e := range crossings {
		x.addQuad(e)
	}
	x.report.Idle = len(codes) - x.report.Active
	return x.mesh, x.report, nil
}

// crossing is a grid edge with an inside and an outside end.
type crossing struct {
	low   octree.Key // corner at its low end
	axis  uint8
	lowIn bool // the low end is inside
}

// crossings returns all crossed edges. Those of two unknown corners are where sides of
// empty nodes meet. For the others it goes over the known corners in
// Morton order and from each up, and down where the other end is unknown.
func (f *field) crossings() []crossing {
	all := f.torn()
	for k := range f.known.All {
		corner := octree.Key(k)
		in, _ := f.at(corner)
		for axis := range 3 {
			if up, _, ok := f.beside(corner, axis, 1); ok && up != in {
				all = append(all, crossing{low: corner, axis: uint8(axis), lowIn: in})
			}
			down, known, ok := f.beside(corner, axis, -1)
			if ok && !known && down != in {
				low, _ := f.step(corner, axis, -1)
				all = append(all, crossing{low: low, axis: uint8(axis), lowIn: down})
			}
		}
	}
	return all
}

// step returns the corner one edge further along an axis. Corner coordinates
// reach 2^D, one more than those of cells. So step offsets the key at depth D+1
// and checks the bound itself.
func (f *field) step(corner octree.Key, axis, by int) (octree.Key, bool) {
	var s [3]int
	s[axis] = by
	next, ok := corner.Offset(f.o.Depth+1, s[0], s[1], s[2])
	if !ok {
		return 0, false
	}
	x, y, z := next.Decode()
	return next, max(x, y, z) <= 1<<f.o.Depth
}

func (f *field) beside(corner octree.Key, axis, by int) (inside, known, ok bool) {
	next, ok := f.step(corner, axis, by)
	if !ok {
		return false, false, false
	}
	inside, known = f.at(next)
	return inside, known, true
}

// around returns the four cells of an edge, and the edge's number in each. The
// cells run counter-clockwise, seen from the axis' positive end. The edge must
// not lie on the domain's border.
func (e crossing) around() (cells [4]octree.Key, edges [4]int) {
	x, y, z := e.low.Decode()
	at := [3]uint32{x, y, z}
	u, v := (int(e.axis)+1)%3, (int(e.axis)+2)%3
	for i, back := range [4][2]uint32{{1, 1}, {0, 1}, {0, 0}, {1, 0}} {
		cell := at
		cell[u] -= back[0]
		cell[v] -= back[1]
		cells[i] = octree.Encode(cell[0], cell[1], cell[2])
		edges[i] = 4*int(e.axis) + 2*int(back[0]) + int(back[1])
	}
	return cells, edges
}

// extraction is a mesh in the making: crossed cells have ranks in cells.
type extraction struct {
	depth  int
	tree   *octree.Octree // of the cells that are leaves
	cells  *keyset.Set
	keys   []octree.Key
	signs  []uint8
	rule   []uint8 // which of the two topologies
	first  []int32 // first vertex
	mesh   *mesh.Mesh
	report Report
}

// newExtraction finds the sheets in the cells around crossings of a grid of 2^depth cells a
// side, by the signs of their corners.
func newExtraction(depth int, signs func(cell octree.Key) uint8, crossings []crossing) *extraction {
	x := &extraction{depth: depth, cells: keyset.New(depth), mesh: &mesh.Mesh{}}
	for _, e := range crossings {
		cells, _ := e.around()
		for _, c := range cells {
			x.cells.Add(uint64(c))
		}
	}
	n := x.cells.Seal()
	x.rule, x.first = make([]uint8, n), make([]int32, n)
	for k := range x.cells.All {
		x.keys = append(x.keys, octree.Key(k))
		x.signs = append(x.signs, signs(octree.Key(k)))
	}
	x.untangle()
	return x
}

// untangle switches both cells of a face on which each has one sheet crossing
// twice to the rule that keeps those crossings apart.
func (x *extraction) untangle() {
	for i, k := range x.keys {
		face := tangled[x.signs[i]]
		if face < 0 {
			continue
		}
		var step [3]int
		step[face/2] = 2*int(face%2) - 1
		other, ok := k.Offset(x.depth, step[0], step[1], step[2])
		if !ok {
			continue
		}
		if j := x.cells.Rank(uint64(other)); j >= 0 && tangled[x.signs[j]] == face^1 {
			x.rule[i] = 1
			x.report.Untangled++
		}
	}
}

func (x *extraction) topology(i int) *topology { return &cellTopology[x.rule[i]][x.signs[i]] }

func (x *extraction) placeVertices(codes []Code) {
	for i, k := range x.keys {
		row, leaf := x.tree.Find(x.depth, k)
		if leaf {
			x.report.Active++
		} else {
			x.report.Added++
		}
		t := x.topology(i)
		if len(t.patches) > 1 {
			x.report.Split++
		}
		x.first[i] = int32(len(x.mesh.Vertices))
		for p := range t.patches {
			if p == 0 && leaf {
				x.addVertex(k, codes[row].Offset(), row)
				if codes[row].Thin {
					x.report.Thin++
				}
			} else {
				x.addVertex(k, t.middle(p), -1)
			}
		}
	}
}

// middle is the mean of the midpoints of a patch's edges, in cell units.
func (t *topology) middle(p int) (at mesh.Vec3) {
	n := 0
	for i := range t.of {
		if int(t.of[i]) == p {
			n++
		}
	}
	for a := range 3 {
		at[a] = float64(t.center[p][a]) / float64(2*n)
	}
	return at
}

func (x *extraction) addVertex(cell octree.Key, offset mesh.Vec3, row int) {
	i, j, k := cell.Decode()
	low := mesh.Vec3{float64(i), float64(j), float64(k)}
	x.mesh.AddVertex(octree.FromGrid(low.Add(offset), x.depth))
	x.report.Leaf = append(x.report.Leaf, int32(row))
}

// addQuad joins the vertices of the sheets that cross an edge.
func (x *extraction) addQuad(e crossing) {
	cells, edges := e.around()
	var quad [4]int32
	for i, c := range cells {
		r := x.cells.Rank(uint64(c))
		corner := i
		if !e.lowIn {
			corner = 3 - i
		}
		quad[corner] = x.first[r] + int32(x.topology(r).of[edges[i]])
	}
	if len(x.mesh.Starts) == 0 {
		x.mesh.Starts = append(x.mesh.Starts, 0)
	}
	x.mesh.Corners = append(x.mesh.Corners, quad[:]...)
	x.mesh.Starts = append(x.mesh.Starts, int32(len(x.mesh.Corners)))
}
