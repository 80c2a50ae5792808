package octree

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree/internal/keyset"
	"github.com/morton-gen/morton/octree/internal/voxel"
)

// Build returns the tree whose leaves at level depth are the cells that meet a
// face of m, a mesh within the domain (see [Fit]).
//
// The test is exact for closed cells and closed triangles. Cells are inflated by
// 2^-18 of their side, so that rounding cannot lose one. A face in the plane between
// two cells belongs to both. So every point of the surface lies in a leaf, and no
// path through non-leaf cells crosses the surface. Faces of more than three corners
// are cut into a fan from their first corner. Faces of 64 or more corners are cut by
// [mesh.CutLarge]. Faces of zero area count too.
//
// It returns an error wrapping [ErrDepth], [mesh.ErrFace], [mesh.ErrNotFinite],
// [ErrDomain], [ErrEmpty] if m has no face, or [ErrLimit]. Triangles are spread
// over GOMAXPROCS goroutines. Each goroutine needs up to 128 MiB at depth 10
// and 2 MiB at depth 8. The tree does not depend on their number.
func Build(m *mesh.Mesh, depth int) (*Octree, error) {
	if err := checkDepth("octree.Build", depth); err != nil {
		return nil, err
	}
	if err := checkMesh(m); err != nil {
		return nil, fmt.Errorf("octree.Build: %w", err)
	}
	set := cover(mesh.CutLarge(m), voxel.Grid{Depth: depth}, runtime.GOMAXPROCS(0))
	return fromSet("octree.Build", depth, set)
}

// checkMesh returns an error unless m is valid and its faces lie in the domain.
func checkMesh(m *mesh.Mesh) error {
	if err := m.Validate(); err != nil {
		return err
	}
	if m.NumFaces() == 0 {
		return fmt.Errorf("%w: mesh has no faces", ErrEmpty)
	}
	for _, c := range m.Corners {
		for _, x := range m.Vertices[c] {
			if x < -1 || x > 1 {
				return fmt.Errorf("%w: vertex %d at %v", ErrDomain, c, m.Vertices[c])
			}
		}
	}
	return nil
}

func fromSet(where string, depth int, set *keyset.Set) (*Octree, error) {
	n := set.Seal()
	if n > MaxNodes {
		return nil, fmt.Errorf("%s: %w: %d leaves, maximum %d", where, ErrLimit, n, MaxNodes)
	}
	leaves := make([]Key, 0, n)
	for k := range set.All {
		leaves = append(leaves, Key(k))
	}
	return fromLeaves(depth, leaves), nil
}

// facesAtOnce is how many faces a worker takes from the queue at a time.
const facesAtOnce = 512

// cover returns the keys of the cells that m's faces meet. Workers fill their
// own sets, whose union does not depend on who took which faces.
func cover(m *mesh.Mesh, grid voxel.Grid, workers int) *keyset.Set {
	workers = max(1, min(workers, m.NumFaces()/facesAtOnce))
	sets := make([]*keyset.Set, workers)
	var queue atomic.Int64
	var done sync.WaitGroup
	for i := range sets {
		sets[i] = keyset.New(grid.Depth)
		done.Go(func() {
			for {
				first := int(queue.Add(facesAtOnce)) - facesAtOnce
				if first >= m.NumFaces() {
					return
				}
				coverFaces(sets[i], m, grid, first, min(first+facesAtOnce, m.NumFaces()))
			}
		})
	}
	done.Wait()
	for _, s := range sets[1:] {
		sets[0].Merge(s)
	}
	return sets[0]
}

func coverFaces(set *keyset.Set, m *mesh.Mesh, grid voxel.Grid, first, last int) {
	add := func(x, y, z int) { set.Add(uint64(Encode(uint32(x), uint32(y), uint32(z)))) }
	for f := first; f < last; f++ {
		face := m.Face(f)
		a := ToGrid(m.Vertices[face[0]], grid.Depth)
		for i := 2; i < len(face); i++ {
			b, c := m.Vertices[face[i-1]], m.Vertices[face[i]]
			t := voxel.New(a, ToGrid(b, grid.Depth), ToGrid(c, grid.Depth))
			grid.Cells(&t, add)
		}
	}
}

// ToGrid maps a point of the domain to the units of level d's cells:
// [-1,1]^3 to [0,2^d]^3.
func ToGrid(p mesh.Vec3, d int) mesh.Vec3 {
	half := float64(int(1)<<d) / 2
	return mesh.Vec3{(p[0] + 1) * half, (p[1] + 1) * half, (p[2] + 1) * half}
}

// FromGrid inverts [ToGrid].
func FromGrid(g mesh.Vec3, d int) mesh.Vec3 {
	side := 2 / float64(int(1)<<d)
	return mesh.Vec3{g[0]*side - 1, g[1]*side - 1, g[2]*side - 1}
}
