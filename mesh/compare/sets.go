package compare

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/mesh"
)

// Points of a shape in a comparison of sets.
const (
	DefaultCloud = 2048 // as in PointFlow
	MaxCloud     = 1 << 16
)

// A Cloud stands for a shape in a comparison of sets: points spread evenly over its area,
// with the middle of its box at the origin and the box's longest side as 1.
type Cloud struct{ x, y, z []float32 }

// NewCloud samples n points, 1 to MaxCloud. Errors wrap [ErrOptions] and mesh.ErrEmpty.
func NewCloud(m *mesh.Mesh, n int, seed uint64) (*Cloud, error) {
	if n < 1 || n > MaxCloud {
		return nil, fmt.Errorf("compare.NewCloud: %w: %d points, 1 to %d", ErrOptions, n, MaxCloud)
	}
	if err := mesh.CheckArea(m); err != nil {
		return nil, fmt.Errorf("compare.NewCloud: %w", err)
	}
	unit, _, _, err := mesh.Normalize(m, 1)
	if err != nil {
		return nil, fmt.Errorf("compare.NewCloud: %w", err)
	}
	points, _, _ := mesh.SampleSurface(unit, n, seed)
	c := &Cloud{}
	for _, p := range points {
		c.x, c.y, c.z = append(c.x, float32(p[0]/2)), append(c.y, float32(p[1]/2)), append(c.z, float32(p[2]/2))
	}
	return c, nil
}

// Chamfer returns the sum of the two mean squared distances from a point of one cloud to
// the nearest point of the other.
func (c *Cloud) Chamfer(d *Cloud) float64 {
	back := slices.Repeat([]float32{math.MaxFloat32}, len(d.x))
	dx, dy, dz := d.x, d.y[:len(d.x)], d.z[:len(d.x)]
	there := 0.0
	for i := range c.x {
		x, y, z, least := c.x[i], c.y[i], c.z[i], float32(math.MaxFloat32)
		for j := range dx {
			u, v, w := x-dx[j], y-dy[j], z-dz[j]
			s := u*u + v*v + w*w
			least, back[j] = min(least, s), min(back[j], s)
		}
		there += float64(least)
	}
	back64 := 0.0
	for _, s := range back {
		back64 += float64(s)
	}
	return there/float64(len(c.x)) + back64/float64(len(d.x))
}

// SetReport says how alike two sets of shapes are. Distances are those of [Cloud.Chamfer],
// so squares of shares of the longest side. They depend on the number of points, and so do
// the others a little: compare reports of equal numbers alone.
type SetReport struct {
	Made      int `json:"shapes"`
	Reference int `json:"reference_shapes"`
	// Coverage is the share of the reference shapes that are the nearest one of a made shape.
	// A set that repeats a shape has a low one.
	Coverage float64 `json:"coverage"`
	// MinimumMatching is the mean distance from a reference shape to the nearest made one.
	MinimumMatching float64 `json:"minimum_matching_distance"`
	// NearestNeighbour is the share of the shapes of both sets whose nearest other shape is of
	// their own set. Sets that cannot be told apart have 0.5, and 1 is the worst. It presumes
	// sets of one size.
	NearestNeighbour float64 `json:"nearest_neighbour_accuracy"`
	// Known compares with shapes that are known, such as those of a training; nil: none were.
	Known *Novelty `json:"novelty,omitempty"`
}

// Novelty has distances to the nearest known shape.
type Novelty struct {
	Shapes          int     `json:"shapes"`
	MadeMedian      float64 `json:"made_median"`
	MadeLeast       float64 `json:"made_least"` // 0: a copy
	ReferenceMedian float64 `json:"reference_median"`
	ReferenceLeast  float64 `json:"reference_least"`
}

// Sets compares made shapes with reference shapes, and both with known ones, of which there
// may be none. It takes as long as (n+m)²/2 + (n+m)·k distances. Errors: [ErrOptions] for an
// empty set, and the context's.
//
// Source: Achlioptas et al., "Learning Representations and Generative Models for 3D Point
// Clouds", 2018, arXiv:1707.02392 (coverage, minimum matching distance); Yang et al.,
// "PointFlow", 2019, arXiv:1906.12320 (nearest-neighbour accuracy).
func Sets(ctx context.Context, made, reference, known []*Cloud) (*SetReport, error) {
	n, m := len(made), len(reference)
	if n == 0 || m == 0 {
		return nil, fmt.Errorf("compare.Sets: %w: %d made and %d reference shapes", ErrOptions, n, m)
	}
	both := slices.Concat(made, reference)
	d, err := pairs(ctx, both, both, true)
	if err != nil {
		return nil, err
	}
	r := &SetReport{Made: n, Reference: m}
	covered := map[int]bool{}
	for i := range made {
		covered[nearest(d[i][n:], -1)] = true
	}
	r.Coverage = float64(len(covered)) / float64(m)
	own := 0
	for i := range both {
		if i >= n {
			r.MinimumMatching += slices.Min(d[i][:n]) / float64(m)
		}
		if (nearest(d[i], i) < n) == (i < n) {
			own++
		}
	}
	r.NearestNeighbour = float64(own) / float64(n+m)
	if len(known) == 0 {
		return r, nil
	}
	if d, err = pairs(ctx, both, known, false); err != nil {
		return nil, err
	}
	var least []float64
	for i := range d {
		least = append(least, slices.Min(d[i]))
	}
	slices.Sort(least[:n])
	slices.Sort(least[n:])
	r.Known = &Novelty{len(known), median(least[:n]), least[0], median(least[n:]), least[n]}
	return r, nil
}

// median is that of ascending numbers.
func median(x []float64) float64 { return (x[(len(x)-1)/2] + x[len(x)/2]) / 2 }

// nearest returns the place of the smallest number but that at place other. A lone number is
// the nearest to itself.
func nearest(d []float64, other int) int {
	best := -1
	for i, x := range d {
		if i != other && (best < 0 || x < d[best]) {
			best = i
		}
	}
	return max(best, 0)
}

// pairs returns the distances of all pairs. The same set twice has each pair once.
func pairs(ctx context.Context, a, b []*Cloud, same bool) ([][]float64, error) {
	d := make([][]float64, len(a))
	for i := range d {
		d[i] = make([]float64, len(b))
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range a {
		g.Go(func() error {
			from := 0
			if same {
				from = i + 1
			}
			for j := from; j < len(b) && ctx.Err() == nil; j++ {
				d[i][j] = a[i].Chamfer(b[j])
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if same {
		for i := range d {
			for j := range i {
				d[i][j] = d[j][i]
			}
		}
	}
	return d, nil
}
