package surface

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
)

// perCell is the number of points along a cell at which [Coarse] samples its field.
const perCell = 6

// CoarseDepth is the largest depth that [Coarse] takes.
const CoarseDepth = 5

// Coarse returns surfaces of what a tree's leaves and the space that they enclose fill, without
// any code: what can be said of a shape by its coarse octree alone. Cells is the surface of the
// cells, with its edges cut. Smooth is a level of how full the cells are, taken as linear
// between their middles and blurred by a normal distribution of that many cells. A lower level is a thicker
// shape, and above 0.5 what is one cell thick goes first. Both are closed. The depth is at most [CoarseDepth].
// Errors wrap [octree.ErrDepth] and [octree.ErrLimit].
func Coarse(o *octree.Octree, blur, level float64) (cells, smooth *mesh.Mesh, err error) {
	if o.Depth > CoarseDepth || o.Depth < 1 {
		return nil, nil, fmt.Errorf("surface.Coarse: %w: %d, from 1 to %d", octree.ErrDepth, o.Depth, CoarseDepth)
	}
	n := 1<<o.Depth + 2 // with a border of empty cells
	full := filled(o, n)
	step := math.Ldexp(2, -o.Depth) / perCell
	points := n * perCell
	g := Grid{N: points, Low: mesh.Vec3{}, Step: step, Values: make([]float32, points*points*points)}
	for i := range 3 {
		g.Low[i] = -1 - (perCell-0.5)*step
	}
	for i := range g.Values {
		x, y, z := i/(points*points)/perCell, i/points%points/perCell, i%points/perCell
		g.Values[i] = 1 - full[(x*n+y)*n+z]
	}
	if cells, err = g.Triangles(0.5); err != nil {
		return nil, nil, err
	}
	// A box as wide as a cell makes it linear between the middles of cells.
	box := make([]float64, perCell+1)
	for i := range box {
		box[i] = 1
	}
	box[0], box[perCell] = 0.5, 0.5
	var bell []float64
	for r, i := int(3*blur*perCell), -int(3*blur*perCell); i <= r; i++ {
		bell = append(bell, math.Exp(-0.5*math.Pow(float64(i)/(blur*perCell), 2)))
	}
	for _, kernel := range [][]float64{box, bell} {
		if len(kernel) > 1 {
			g.convolve(kernel)
		}
	}
	smooth, err = g.Triangles(1 - level)
	return cells, smooth, err
}

// filled returns 1 for the leaves and what they enclose in a grid of n cells a side, of which the
// outermost are a border, and 0 elsewhere.
func filled(o *octree.Octree, n int) []float32 {
	full := make([]float32, n*n*n)
	for i := range full {
		full[i] = 1
	}
	wall := make([]bool, len(full))
	for _, k := range o.Leaves() {
		c := cellAt(k)
		wall[((c[0]+1)*n+c[1]+1)*n+c[2]+1] = true
	}
	full[0] = 0
	for open := []int{0}; len(open) > 0; {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		at := [3]int{i / (n * n), i / n % n, i % n}
		for axis, stride := range [3]int{n * n, n, 1} {
			for _, d := range [2]int{-1, 1} {
				j := i + d*stride
				if at[axis]+d >= 0 && at[axis]+d < n && !wall[j] && full[j] != 0 {
					full[j] = 0
					open = append(open, j)
				}
			}
		}
	}
	return full
}

// convolve applies a kernel, whose length is odd, along each axis. The border goes on.
func (g *Grid) convolve(kernel []float64) {
	sum := 0.0
	for _, w := range kernel {
		sum += w
	}
	line := make([]float64, g.N)
	for _, stride := range g.strides() {
		for start := range g.Values {
			if start/stride%g.N != 0 {
				continue
			}
			for i := range line {
				line[i] = float64(g.Values[start+i*stride])
			}
			for i := range line {
				x := 0.0
				for j, w := range kernel {
					x += w * line[min(max(i+j-len(kernel)/2, 0), g.N-1)]
				}
				g.Values[start+i*stride] = float32(x / sum)
			}
		}
	}
}
