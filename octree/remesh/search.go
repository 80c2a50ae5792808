package remesh

import (
	"context"
	"errors"
	"fmt"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/compare"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// How fine a surface a budget begins with: of finePerFace times as many faces, or
// fineLeast; never of more than fineMost.
const (
	finePerFace = 160
	fineLeast   = 1 << 17
	fineMost    = 1 << 21
)

// If nodes alone do not meet the budget, neighbours are joined across nodes. Joining
// begins at the larger of two face counts: pairsFrom times the budget, and
// startOverLeast times the least count that nodes reach. The last merges of nodes cost
// the most. A later start leaves more quads and more error. On the crate at depth 6,
// before triangles are paired, the share of quads is 34% and the error 0.0056 at twice
// the budget. At four times the budget they are 28% and 0.0033.
const (
	pairsFrom      = 4
	startOverLeast = 2
)

// Samples of each surface: fewSamples to compare depths, and allSamples for the
// reported error.
const (
	fewSamples = 5_000
	allSamples = 10_000
	sampleSeed = 1
)

// search looks for the depth that serves a budget best. All meshes are in the
// domain.
type search struct {
	ctx     context.Context
	source  *mesh.Mesh
	options Options

	uniform []Uniform        // of the depths looked at, unmeasured
	within  *surface.Contour // the deepest that meets the budget as it is
	best    *Result
}

func (s *search) run() (*Result, error) {
	if s.options.Faces == 0 {
		return s.atDepth(s.options.Depth)
	}
	for d, more := 1, true; more; d++ {
		var err error
		if more, err = s.try(d); err != nil {
			return nil, err
		}
	}
	if s.within != nil {
		if err := s.offer(s.within, s.within.Mesh); err != nil {
			return nil, err
		}
	}
	if s.best == nil {
		return nil, fmt.Errorf("%w: %d, with %s at least", ErrBudget, s.options.Faces, s.least())
	}
	if err := s.measure(s.best, allSamples); err != nil {
		return nil, err
	}
	return s.best, s.findReplaced()
}

// least tells what the coarsest depth needs.
func (s *search) least() string {
	for _, u := range s.uniform {
		if u.Faces > 0 {
			return fmt.Sprintf("depth %d it has %d", u.Depth, u.Faces)
		}
	}
	return "no depth it has any"
}

// atDepth returns the surface of leaves of one depth.
func (s *search) atDepth(d int) (*Result, error) {
	c, err := surface.NewContour(s.source, d)
	if err != nil {
		return nil, err
	}
	if c.Mesh.NumFaces() == 0 {
		return nil, fmt.Errorf("%w: %d", ErrVanished, d)
	}
	r := newResult(c, c.Mesh)
	return r, s.measure(r, allSamples)
}

// newResult turns a mesh in cells of a contour into an unmeasured result.
func newResult(c *surface.Contour, m *mesh.Mesh) *Result {
	return &Result{Mesh: inDomain(apart(m), c.Depth), Depth: c.Depth, Parts: c.Parts}
}

func (s *search) measure(r *Result, samples int) error {
	const threshold = 0.01
	report, err := compare.Surfaces(r.Mesh, s.source, compare.Options{
		Samples: samples, Vertices: samples, Seed: sampleSeed, Thresholds: []float64{threshold},
	})
	if err != nil {
		return err
	}
	r.Error = Error{ChamferL1: report.ChamferL1, Hausdorff: report.Hausdorff, F: report.Scores[0].F}
	return nil
}

// offer keeps a mesh if it is the best so far.
func (s *search) offer(c *surface.Contour, m *mesh.Mesh) error {
	r := newResult(c, m)
	if err := s.measure(r, fewSamples); err != nil {
		return err
	}
	if s.best == nil || r.ChamferL1 < s.best.ChamferL1 {
		s.best = r
	}
	return nil
}

func inDomain(m *mesh.Mesh, depth int) *mesh.Mesh {
	out := &mesh.Mesh{Vertices: make([]mesh.Vec3, len(m.Vertices)), Corners: m.Corners, Starts: m.Starts}
	for i, p := range m.Vertices {
		out.Vertices[i] = octree.FromGrid(p, depth)
	}
	return out
}

// try begins at one depth, and reports whether the next may be better.
func (s *search) try(d int) (more bool, err error) {
	if err := s.ctx.Err(); err != nil {
		return false, err
	}
	c, err := surface.NewContour(s.source, d)
	if errors.Is(err, octree.ErrLimit) && s.best != nil {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	n := c.Mesh.NumFaces()
	s.uniform = append(s.uniform, Uniform{Depth: d, Faces: n})
	if n > 0 && n <= s.options.Faces {
		s.within = c
	}
	if n > s.options.Faces {
		for _, m := range adapted(c, s.options.Faces) {
			if err := s.offer(c, m); err != nil {
				return false, err
			}
		}
	}
	if s.options.Depth > 0 {
		return d < s.options.Depth, nil
	}
	limit := min(max(finePerFace*s.options.Faces, fineLeast), fineMost)
	return d < MaxDepth && 4*n <= limit, nil
}

// adapted returns the surfaces of merged leaves that meet a budget, if that can be:
// one, with its vertices in two places.
func adapted(c *surface.Contour, faces int) []*mesh.Mesh {
	l := newLinks(c.Mesh)
	f := newForest(c, l)
	p := newPartition(f, l)
	p.reduce(faces)
	if p.faces > faces {
		start := max(pairsFrom*faces, startOverLeast*p.faces)
		p = newPartition(f, l)
		p.reduce(start)
		return p.across(c, faces)
	}
	m, clusters := p.mesh()
	return []*mesh.Mesh{m, p.fitted(m, clusters, c)}
}

// By how much neighbours are joined between one look at the quads and the next: at
// most so many faces are triangles for each quad in the end.
const (
	acrossFrom = 1.8
	acrossStep = 0.96
)

// across joins neighbours across nodes until the budget is met with triangles made
// quads where two are coplanar, and returns what adapted does.
func (p *partition) across(c *surface.Contour, faces int) []*mesh.Mesh {
	for goal := acrossFrom * float64(faces); ; goal *= acrossStep {
		before := p.faces
		p.pairUp(c, max(int(goal), faces))
		m, clusters := p.mesh()
		fit := p.fitted(m, clusters, c)
		if quads := coupled(fit); quads.NumFaces() <= faces {
			return []*mesh.Mesh{quads}
		}
		if p.faces == before && int(goal) <= faces {
			return nil // no two can be joined
		}
	}
}

// findReplaced measures the least uniform depth that has the result's faces.
func (s *search) findReplaced() error {
	for _, u := range s.uniform {
		if u.Faces < s.best.Mesh.NumFaces() {
			continue
		}
		if u.Depth == s.best.Depth && u.Faces == s.best.Mesh.NumFaces() {
			return nil
		}
		r, err := s.atDepth(u.Depth)
		if err != nil {
			return err
		}
		u.Error = r.Error
		s.best.Replaced = &u
		return nil
	}
	return nil
}
