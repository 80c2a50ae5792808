package surface

import (
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/keyset"
	"github.com/morton-gen/morton/octree/internal/voxel"
)

// dualHalf is half the side of the cube around a corner, in cells. A corner is
// inside if a thin surface meets its cube. The cubes are the cells of the dual
// grid, so the inside corners are connected wherever the sheet is. They
// represent the sheet's Minkowski sum with such a cube.
const dualHalf = 0.5

// model is a source with everything that decides corner signs.
type model struct {
	src   *source
	solid *solid
	thick *keyset.Set // corners that thin surfaces make inside
}

func newModel(src *source) (*model, error) {
	s, err := newSolid(src)
	if err != nil {
		return nil, err
	}
	m := &model{src: src, solid: s, thick: keyset.New(src.depth + 1)}
	half := mesh.Vec3{dualHalf, dualHalf, dualHalf}
	grid := voxel.Grid{Depth: src.depth + 1} // corner p's cube is cell p of the grid moved by half a cell
	for i := range src.tris {
		if !src.tris[i].thin {
			continue
		}
		a, b, c := src.corners(&src.tris[i])
		t := voxel.New(a.Add(half), b.Add(half), c.Add(half))
		p := &src.parts[src.tris[i].part]
		grid.Cells(&t, func(x, y, z int) {
			if k := octree.Encode(uint32(x), uint32(y), uint32(z)); m.thicken(k) {
				p.meet(!m.solidAt(k))
			}
		})
	}
	return m, nil
}

// thicken makes a corner inside, unless it is on the domain's border, and returns
// whether it did.
func (m *model) thicken(corner octree.Key) bool {
	last := uint32(1) << m.src.depth
	x, y, z := corner.Decode()
	if min(x, y, z) == 0 || max(x, y, z) >= last {
		return false
	}
	m.thick.Add(uint64(corner))
	return true
}

func (m *model) solidAt(corner octree.Key) bool {
	x, y, z := corner.Decode()
	return m.solid.inside(x, y, z)
}

// signs returns a cell's corner signs, and which corners thin surfaces make
// inside, whether a closed part does too or not.
func (m *model) signs(cell octree.Key) (all, thick uint8) {
	for c := range 8 {
		k := cornerKey(cell, c)
		if m.thick.Has(uint64(k)) {
			thick |= 1 << c
			all |= 1 << c
		} else if m.solidAt(k) {
			all |= 1 << c
		}
	}
	return all, thick
}

// thickenLost finds the leaves whose surface the grid would lose or tear. It
// makes a corner of such a leaf inside if the surface in the leaf meets the
// corner's cube. It returns the number of those leaves.
//
// The search begins with two kinds of leaves. Leaves of the first kind have no
// corner inside, and either a thin wall behind them or no neighbour with corners
// on both sides. Leaves of the second kind have two sheets and a very thin wall.
// The search then spreads from leaf to leaf as far as the wall is thin. So a
// wall that the grid represents only in places is thickened as a whole. A wall
// that it represents everywhere is not changed.
func (m *model) thickenLost(o *octree.Octree) int {
	signs := make([]uint8, o.Len(o.Depth))
	var suspects []int32
	for i, k := range o.Leaves() {
		signs[i], _ = m.signs(k)
		if signs[i] == 0 || len(cellTopology[0][signs[i]].patches) > 1 {
			suspects = append(suspects, int32(i))
		}
	}
	if len(suspects) == 0 {
		return 0
	}
	w := newWalls(m, o)
	lost := make([]bool, len(signs))
	var queue []int32
	for _, i := range suspects {
		wall := w.at(int(i))
		gone := signs[i] == 0 && (wall != sturdy || !anyCrossed(signs, o.Neighbours26(o.Depth, int(i))))
		if gone || signs[i] != 0 && wall == veryThin {
			lost[i] = true
			queue = append(queue, i)
		}
	}
	queue = w.spread(lost, queue)
	if len(queue) > 0 {
		m.thickenLeaves(o, lost)
	}
	return len(queue)
}

// anyCrossed tells whether one of the leaves has corners on both sides.
func anyCrossed(signs []uint8, rows [27]int32) bool {
	for _, r := range rows {
		if r >= 0 && signs[r] != 0 && signs[r] != 255 {
			return true
		}
	}
	return false
}

func (m *model) thickenLeaves(o *octree.Octree, lost []bool) {
	grid := voxel.Grid{Depth: o.Depth}
	for i := range m.src.tris {
		t := &m.src.tris[i]
		v := voxel.New(m.src.corners(t))
		grid.Cells(&v, func(x, y, z int) {
			k := octree.Encode(uint32(x), uint32(y), uint32(z))
			row, ok := o.Find(o.Depth, k)
			if !ok || !lost[row] {
				return
			}
			t.thin = true
			for c := range 8 {
				at := mesh.Vec3{float64(x + c>>2), float64(y + c>>1&1), float64(z + c&1)}
				if v.Overlaps(at, dualHalf+voxel.Tolerance) {
					m.thicken(cornerKey(k, c))
				}
			}
		})
	}
}
