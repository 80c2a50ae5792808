package surface

import (
	"fmt"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/keyset"
	"github.com/morton-gen/morton/octree/internal/voxel"
)

// Parts counts the parts of a mesh by what [Build] made of them. A part is a
// set of faces connected across edges after welding.
type Parts struct {
	// Solid counts the closed parts, Sealed the parts taken for solids after
	// small holes were capped, Sheets the open parts, which were thickened.
	Solid, Sealed, Sheets int
	// Buried counts the parts, of all kinds, that lie inside others wherever
	// the grid meets them. They leave no surface, since parts unite: an inner
	// shell is filled.
	Buried int
	// Lost counts the leaves of closed parts that were thickened because the
	// grid is too coarse to have corners between both sides.
	Lost int
}

// Build returns the tree of m at the given depth and the codes of its leaves,
// from which [Extract] makes a closed mesh near m. m must lie in the domain (see
// [octree.Fit]; an extent of 0.9 leaves room for thickened sheets).
//
// Build decides part by part which points are inside. A part is a set of faces
// connected across edges after equal vertices are welded:
//   - a closed part encloses the points with a nonzero winding number,
//     whichever way it faces. If it is not consistently oriented, it encloses
//     the points from which rays cross it an odd number of times. Overlapping
//     parts unite. Both rules are exact at every grid corner, up to snapping
//     vertices to 2^-20 cells;
//   - an open part whose holes can be capped with at most 5% of its area is
//     capped (a fan from the middle of each hole's rim) and then closed;
//   - any other open part is a sheet: it gets a thickness of one cell along its
//     most aligned axis (the Minkowski sum with a cube of one cell);
//   - closed parts are thickened likewise where they are too thin for the grid.
//
// The leaves are the cells with corners on both sides, each of which meets a
// face or is beside a corner that thickening made inside. Cells that only hold
// surfaces inside another part, or between corners on one side, are left out. For
// such trees Extract adds no cells and places every leaf.
//
// A leaf's vertex minimises, within the cell, the sum of squared distances to
// the planes of the faces in it. Each plane's weight is the area of its face in
// the cell.
//
// It returns an error wrapping [octree.ErrDepth], [mesh.ErrFace],
// [mesh.ErrNotFinite], [octree.ErrDomain], [octree.ErrEmpty] or
// [octree.ErrLimit]. The result depends on the arguments alone.
func Build(m *mesh.Mesh, depth int) (*octree.Octree, []Code, Parts, error) {
	md, o, parts, err := newTree(m, depth)
	if err != nil {
		return nil, nil, Parts{}, fmt.Errorf("surface.Build: %w", err)
	}
	o, codes, err := active(o, md.encode(o))
	if err != nil {
		return nil, nil, Parts{}, fmt.Errorf("surface.Build: %w", err)
	}
	return o, codes, parts, nil
}

// newTree returns the model of a mesh and the tree of the cells that its surface
// or its thickened corners touch.
func newTree(m *mesh.Mesh, depth int) (*model, *octree.Octree, Parts, error) {
	src, err := newSource(m, depth)
	if err != nil {
		return nil, nil, Parts{}, err
	}
	md, err := newModel(src)
	if err != nil {
		return nil, nil, Parts{}, err
	}
	parts := src.count()
	o, err := md.tree()
	if err != nil {
		return nil, nil, Parts{}, err
	}
	if parts.Lost = md.thickenLost(o); parts.Lost > 0 {
		o, err = md.tree()
	}
	return md, o, parts, err
}

// active drops the leaves that the surface does not cross. What they separated
// had the same side, so the mesh stays the same.
func active(o *octree.Octree, codes []Code) (*octree.Octree, []Code, error) {
	var keys []octree.Key
	kept := codes[:0]
	for i, k := range o.Leaves() {
		if codes[i].Signs != 0 && codes[i].Signs != 255 {
			keys = append(keys, k)
			kept = append(kept, codes[i])
		}
	}
	o, err := octree.FromKeys(o.Depth, keys)
	return o, kept, err
}

func (s *source) count() (n Parts) {
	for _, p := range s.parts {
		if p.met && !p.bare {
			n.Buried++
		}
		switch {
		case p.rule == sheet:
			n.Sheets++
		case p.sealed:
			n.Sealed++
		default:
			n.Solid++
		}
	}
	return n
}

// tree returns the tree of the cells that meet a triangle or touch a thickened
// corner.
func (m *model) tree() (*octree.Octree, error) {
	set := keyset.New(m.src.depth)
	grid := voxel.Grid{Depth: m.src.depth}
	for i := range m.src.tris {
		t := voxel.New(m.src.corners(&m.src.tris[i]))
		grid.Cells(&t, func(x, y, z int) { set.Add(uint64(octree.Encode(uint32(x), uint32(y), uint32(z)))) })
	}
	for k := range m.thick.All {
		x, y, z := octree.Key(k).Decode()
		for c := range 8 {
			set.Add(uint64(octree.Encode(x-uint32(c>>2), y-uint32(c>>1&1), z-uint32(c&1))))
		}
	}
	if n := set.Seal(); n > octree.MaxNodes {
		return nil, fmt.Errorf("%w: %d leaves, maximum %d", octree.ErrLimit, n, octree.MaxNodes)
	}
	leaves := make([]octree.Key, 0, set.Len())
	for k := range set.All {
		leaves = append(leaves, octree.Key(k))
	}
	return octree.FromKeys(m.src.depth, leaves)
}
