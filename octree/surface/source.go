package surface

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
)

// snapBits is to how many bits below the cell vertices are snapped, so that
// "which side of an edge" is exact in 64 bits: at depth 10 coordinates need 30
// bits and a product of differences 60.
const snapBits = 20

// fixed is a point in units of 2^-snapBits cells.
type fixed [3]int32

// triangle is one of a source's triangles: vertices in order, and its part.
type triangle struct {
	v    [3]int32
	part int32
	// thin says that corners near it are inside, because it belongs to a sheet
	// or to a wall that the grid is too coarse for.
	thin bool
}

// source is the mesh that is being encoded, as triangles over welded vertices.
type source struct {
	depth int
	exact []fixed     // [v]
	at    []mesh.Vec3 // [v] the same, in cells
	tris  []triangle
	parts []part
}

// newSource welds, cuts faces into fans (large ones by their ears), sorts out the parts and seals those
// that are nearly closed.
func newSource(m *mesh.Mesh, depth int) (*source, error) {
	if depth < 0 || depth > octree.MaxDepth {
		return nil, fmt.Errorf("%w: %d, maximum %d", octree.ErrDepth, depth, octree.MaxDepth)
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	if m.NumFaces() == 0 {
		return nil, fmt.Errorf("%w: mesh has no faces", octree.ErrEmpty)
	}
	m = mesh.CutLarge(m)
	s := &source{depth: depth}
	welded, err := s.weld(m)
	if err != nil {
		return nil, err
	}
	for f := range m.NumFaces() {
		face := m.Face(f)
		for i := 2; i < len(face); i++ {
			s.tris = append(s.tris, triangle{v: [3]int32{welded[face[0]], welded[face[i-1]], welded[face[i]]}})
		}
	}
	s.findParts()
	return s, nil
}

// weld snaps m's used vertices and gives equal ones one number.
func (s *source) weld(m *mesh.Mesh) ([]int32, error) {
	welded := make([]int32, len(m.Vertices))
	number := make(map[fixed]int32, len(m.Vertices))
	for _, c := range m.Corners {
		var p fixed
		for a, x := range octree.ToGrid(m.Vertices[c], s.depth) {
			if v := m.Vertices[c][a]; v < -1 || v > 1 {
				return nil, fmt.Errorf("%w: vertex %d at %v", octree.ErrDomain, c, m.Vertices[c])
			}
			p[a] = int32(math.Round(x * (1 << snapBits)))
		}
		n, ok := number[p]
		if !ok {
			n = s.addVertex(p)
			number[p] = n
		}
		welded[c] = n
	}
	return welded, nil
}

func (s *source) addVertex(p fixed) int32 {
	s.exact = append(s.exact, p)
	var at mesh.Vec3
	for a := range at {
		at[a] = float64(p[a]) / (1 << snapBits)
	}
	s.at = append(s.at, at)
	return int32(len(s.at) - 1)
}

func (s *source) corners(t *triangle) (a, b, c mesh.Vec3) {
	return s.at[t.v[0]], s.at[t.v[1]], s.at[t.v[2]]
}

// area returns the triangle's area vector: its normal, of length twice its area.
func (s *source) area(t *triangle) mesh.Vec3 {
	a, b, c := s.corners(t)
	return b.Sub(a).Cross(c.Sub(a))
}

// side is a triangle's use of the edge between two vertices.
type side struct {
	low, high int32
	tri       int32
	forward   bool // from low to high
}

// sides returns all uses of all edges, those of one edge together.
func (s *source) sides() []side {
	all := make([]side, 0, 3*len(s.tris))
	for i := range s.tris {
		v := s.tris[i].v
		for k := range 3 {
			a, b := v[k], v[(k+1)%3]
			if a != b {
				all = append(all, side{low: min(a, b), high: max(a, b), tri: int32(i), forward: a < b})
			}
		}
	}
	slices.SortFunc(all, func(x, y side) int {
		return cmp.Or(cmp.Compare(x.low, y.low), cmp.Compare(x.high, y.high), cmp.Compare(x.tri, y.tri))
	})
	return all
}

// edgeRuns yields the uses of each edge.
func edgeRuns(all []side) func(yield func([]side) bool) {
	return func(yield func([]side) bool) {
		for first := 0; first < len(all); {
			last := first + 1
			for last < len(all) && all[last].low == all[first].low && all[last].high == all[first].high {
				last++
			}
			if !yield(all[first:last]) {
				return
			}
			first = last
		}
	}
}
