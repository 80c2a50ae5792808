package dual

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/blocks"
)

// MaxSamples is how many points a side of a grid has at most.
const MaxSamples = 1 << octree.MaxDepth

// Sample returns the field at the n³ points low + step·(i, j, k), with k running fastest. It
// gives what [Field.At] gives up to rounding, and goes over leaves instead of points: most
// points are near few leaves. The error wraps [octree.ErrLimit] if n is not from 1 to
// [MaxSamples], or step not above 0.
func (f *Field) Sample(low mesh.Vec3, step float64, n int) ([]float32, error) {
	if n < 1 || n > MaxSamples || !(step > 0) {
		return nil, fmt.Errorf("dual.Sample: %w: %d points a side, %g apart, maximum %d", octree.ErrLimit, n, step, MaxSamples)
	}
	out := make([]float32, n*n*n)
	blocks.Each(n, planes, func(from, to int) {
		for ; from < to; from += planes {
			f.slab(slab{low: low, step: step, n: n, from: from, to: min(from+planes, to)}, out)
		}
	})
	return out, nil
}

// planes of a grid are summed at a time, so that the sums take little memory.
const planes = 8

// slab sums the leaves of a field at the points of some planes of a grid.
type slab struct {
	low      mesh.Vec3
	step     float64
	n        int
	from, to int
	sums     []sum
}

func (f *Field) slab(s slab, out []float32) {
	s.sums = make([]sum, (s.to-s.from)*s.n*s.n)
	for d := f.tree.Top; d <= f.tree.Depth(); d++ {
		for r := range f.tree.Keys(d) {
			if l, ok := f.leaf(d, r); ok {
				s.add(&l)
			}
		}
	}
	for i, x := range s.sums {
		out[s.from*s.n*s.n+i] = float32(x.field())
	}
}

// span are the points on an axis that lie less than a leaf's side from its middle.
func (s *slab) span(l *leaf, axis int) (from, to int) {
	x := l.middle[axis] - s.low[axis]
	return max(int(math.Ceil((x-l.side)/s.step)), 0), min(int(math.Floor((x+l.side)/s.step))+1, s.n)
}

// way is how far point i of an axis is from a leaf's middle, and hat the part of its weight.
func (s *slab) way(l *leaf, axis, i int) (way, hat float64) {
	way = s.low[axis] + s.step*float64(i) - l.middle[axis]
	return way, max(1-math.Abs(way)/l.side, 0)
}

func (s *slab) add(l *leaf) {
	i0, i1 := s.span(l, 0)
	i0, i1 = max(i0, s.from), min(i1, s.to)
	if i0 >= i1 {
		return
	}
	j0, j1 := s.span(l, 1)
	k0, k1 := s.span(l, 2)
	for i := i0; i < i1; i++ {
		x, wx := s.way(l, 0, i)
		for j := j0; j < j1; j++ {
			y, wy := s.way(l, 1, j)
			wy *= wx * l.weight
			vy := l.a[0]*x + l.a[1]*y + l.b
			row := s.sums[((i-s.from)*s.n+j)*s.n:][:s.n]
			for k := k0; k < k1; k++ {
				z, w := s.way(l, 2, k)
				w *= wy
				row[k].weight += w
				row[k].value += w * (vy + l.a[2]*z)
			}
		}
	}
}
