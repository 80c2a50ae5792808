package dual

import (
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
)

// Edge is where points end: only those inside of (-Edge, Edge)³ count.
const Edge = 0.99

// Features is how many numbers a node of [FromPoints] has.
const Features = 4

// FromPoints returns the tree of the cells of level depth that hold points, and features
// [n, 4] of all nodes of that level: the mean normal of the cell's points at unit length, and
// how far its middle is below the plane through their mean point, in cells. An empty node has
// zeros. Coordinates are rounded to f32, as networks were trained on them.
//
// Errors wrap [octree.ErrDepth], [octree.ErrEmpty] if no point is inside of [Edge],
// [octree.ErrLimit], or [mesh.ErrNotFinite].
func FromPoints(points, normals []mesh.Vec3, top, depth int) (*Tree, []float32, error) {
	if depth < top || depth > octree.MaxDepth {
		return nil, nil, fmt.Errorf("dual.FromPoints: %w: %d, from %d up to %d", octree.ErrDepth, depth, top, octree.MaxDepth)
	}
	t, err := New(top)
	if err != nil {
		return nil, nil, err
	}
	cells, err := gather(points, normals, depth)
	if err != nil {
		return nil, nil, fmt.Errorf("dual.FromPoints: %w", err)
	}
	occupied := make([]octree.Key, len(cells))
	for i, c := range cells {
		occupied[i] = c.key
	}
	for d := top; d < depth; d++ {
		if err := t.Grow(t.holding(occupied, depth-d)); err != nil {
			return nil, nil, err
		}
	}
	return t, features(t.Keys(depth), cells), nil
}

// holding returns a flag for each node of the last level: 1 if it is above one of keys, which
// are so many levels deeper and in order.
func (t *Tree) holding(keys []octree.Key, levels int) []uint32 {
	nodes := t.Keys(t.Depth())
	flags := make([]uint32, len(nodes))
	for r, k := range nodes {
		for len(keys) > 0 && keys[0].Ancestor(levels) == k {
			flags[r], keys = 1, keys[1:]
		}
	}
	return flags
}

// cell sums the points of a cell, in cells of the grid.
type cell struct {
	key           octree.Key
	n             int
	point, normal [3]float64
}

// gather returns the cells that hold points, in Morton order.
func gather(points, normals []mesh.Vec3, depth int) ([]cell, error) {
	if len(points) != len(normals) {
		return nil, fmt.Errorf("%w: %d points, %d normals", octree.ErrTokens, len(points), len(normals))
	}
	type at struct {
		key octree.Key
		i   int
	}
	var all []at
	for i, p := range points {
		if q := p.Add(normals[i]); math.IsNaN(q.Len()) || math.IsInf(q.Len(), 0) {
			return nil, fmt.Errorf("%w: point %d is %v, its normal %v", mesh.ErrNotFinite, i, p, normals[i])
		}
		if inside(p) {
			x := onGrid(p, depth)
			all = append(all, at{octree.Encode(uint32(x[0]), uint32(x[1]), uint32(x[2])), i})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: none of %d points lies within %g of the middle", octree.ErrEmpty, len(points), Edge)
	}
	slices.SortFunc(all, func(a, b at) int {
		if a.key != b.key {
			return int(int64(a.key) - int64(b.key))
		}
		return a.i - b.i
	})
	var out []cell
	for _, a := range all {
		if len(out) == 0 || out[len(out)-1].key != a.key {
			out = append(out, cell{key: a.key})
		}
		c := &out[len(out)-1]
		c.n++
		x := onGrid(points[a.i], depth)
		for axis := range 3 {
			c.point[axis] += float64(x[axis])
			c.normal[axis] += float64(float32(normals[a.i][axis]))
		}
	}
	return out, nil
}

func inside(p mesh.Vec3) bool {
	for _, x := range p {
		if y := float32(x); !(y > -Edge && y < Edge) {
			return false
		}
	}
	return true
}

// onGrid is a point in cells of level d.
func onGrid(p mesh.Vec3, d int) (x [3]float32) {
	half := float32(int(1)<<d) / 2
	for axis := range x {
		x[axis] = (float32(p[axis]) + 1) * half
	}
	return x
}

func features(keys []octree.Key, cells []cell) []float32 {
	out := make([]float32, Features*len(keys))
	for r, k := range keys {
		if len(cells) == 0 || cells[0].key != k {
			continue
		}
		c := cells[0]
		cells = cells[1:]
		length := max(math.Sqrt(c.normal[0]*c.normal[0]+c.normal[1]*c.normal[1]+c.normal[2]*c.normal[2]), 1e-12)
		offset := 0.0
		for axis := range 3 {
			n := c.normal[axis] / length
			mean := c.point[axis] / float64(c.n)
			offset += (mean - math.Floor(mean) - 0.5) * n
			out[Features*r+axis] = float32(n)
		}
		out[Features*r+3] = float32(offset)
	}
	return out
}
