package dual

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
)

// Values is how many numbers a leaf of a [Field] has.
const Values = 4

// Field is a function of space that blends a linear function of every leaf. Let t be the offset
// from a leaf's middle, in cells of its level d. The leaf's weight is
// (1-|t_x|)(1-|t_y|)(1-|t_z|)·d²/50 where no |t| exceeds 1. The field is
//
//	f(p) = Σ weight·(a·(p - middle) + b) / (Σ weight + 10⁻⁸)
//
// Nodes of the last level count as leaves.
//
// Source: Ohtake et al., "Multi-level Partition of Unity Implicits", 2003, as in Wang, Liu
// and Tong, arXiv:2205.02825.
type Field struct {
	tree   *Tree
	first  []int
	values []float32 // [n, Values]: a, then b
}

// NewField returns the field of values [n, Values] for the nodes of the graph at the tree's last
// level: a and then b. The error wraps [octree.ErrTokens] if there are fewer or more.
func NewField(t *Tree, values []float32) (*Field, error) {
	f := &Field{tree: t, first: t.first(t.Depth()), values: values}
	if n := f.first[len(f.first)-1]; len(values) != Values*n {
		return nil, fmt.Errorf("dual.NewField: %w: %d numbers for %d nodes", octree.ErrTokens, len(values), n)
	}
	return f, nil
}

// leaf is a leaf of a field: its middle, its side, and its linear function.
type leaf struct {
	middle mesh.Vec3
	side   float64
	weight float64
	a      mesh.Vec3
	b      float64
}

// leaf returns node r of level d, and false if it splits.
func (f *Field) leaf(d, r int) (leaf, bool) {
	if f.tree.Splits(d, r) {
		return leaf{}, false
	}
	x, y, z := f.tree.Keys(d)[r].Decode()
	id := r
	if d < f.tree.Depth() {
		id = int(f.tree.at(d).leaf[r])
	}
	v := f.values[Values*(f.first[d-f.tree.Top]+id):][:Values]
	return leaf{
		middle: octree.FromGrid(mesh.Vec3{float64(x) + 0.5, float64(y) + 0.5, float64(z) + 0.5}, d), side: 2 / float64(int(1)<<d), weight: float64(d*d) / 50,
		a: mesh.Vec3{float64(v[0]), float64(v[1]), float64(v[2])}, b: float64(v[3]),
	}, true
}

// sum is that of the weighted functions, and of the weights.
type sum struct{ value, weight float64 }

const fieldEps = 1e-8

func (s sum) field() float64 { return s.value / (s.weight + fieldEps) }

// At returns the field at a point, 0 where no leaf is near.
func (f *Field) At(p mesh.Vec3) float64 {
	y, _ := f.Slope(p)
	return y
}

// Slope returns the field at a point, and its gradient.
func (f *Field) Slope(p mesh.Vec3) (y float64, gradient mesh.Vec3) {
	var s sum
	var value, weight mesh.Vec3 // gradients of the sums
	for d := f.tree.Top; d <= f.tree.Depth(); d++ {
		g := octree.ToGrid(p, d)
		var low [3]int
		for axis, x := range g {
			low[axis] = int(math.Floor(x - 0.5))
		}
		for c := range 8 {
			l, ok := f.cell(d, low[0]+c>>2, low[1]+c>>1&1, low[2]+c&1)
			if !ok {
				continue
			}
			way := p.Sub(l.middle)
			w, slope := l.blend(way)
			v := l.a.Dot(way) + l.b
			s.weight += w
			s.value += w * v
			weight = weight.Add(slope)
			value = value.Add(slope.Scale(v)).Add(l.a.Scale(w))
		}
	}
	y = s.field()
	return y, value.Sub(weight.Scale(y)).Scale(1 / (s.weight + fieldEps))
}

// cell is the leaf of level d at a place of its grid, and false if there is none.
func (f *Field) cell(d, x, y, z int) (leaf, bool) {
	if n := 1 << d; x < 0 || y < 0 || z < 0 || x >= n || y >= n || z >= n {
		return leaf{}, false
	}
	at, r := f.tree.find(d, octree.Encode(uint32(x), uint32(y), uint32(z)))
	if at != d {
		return leaf{}, false
	}
	return f.leaf(d, r)
}

// blend is the weight at a way from the middle, and its gradient.
func (l *leaf) blend(way mesh.Vec3) (w float64, gradient mesh.Vec3) {
	var hat mesh.Vec3
	for axis, x := range way {
		if hat[axis] = 1 - math.Abs(x)/l.side; hat[axis] < 0 {
			return 0, gradient
		}
	}
	for axis, x := range way {
		gradient[axis] = -math.Copysign(1/l.side, x) * hat[(axis+1)%3] * hat[(axis+2)%3] * l.weight
	}
	return hat[0] * hat[1] * hat[2] * l.weight, gradient
}
