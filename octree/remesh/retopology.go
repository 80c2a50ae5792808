package remesh

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/quadfield"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// Methods of [Quads].
const (
	// FieldPairs and FieldSplit are the two ways of quadfield on the source's faces.
	FieldPairs, FieldSplit = "field, " + quadfield.Pairs, "field, " + quadfield.Split
	// ContourPairs and ContourSplit are the same on the octree's surface.
	ContourPairs, ContourSplit = "octree and field, " + quadfield.Pairs, "octree and field, " + quadfield.Split
	// DualContouring is [Remesh], which leaves triangles.
	DualContouring = "dual contouring"
)

// MaxQuads is the most that [Quads] makes: the mesh that its field is on has some 20
// triangles for each.
const MaxQuads = 1 << 17

// fieldDepth is the depth of the octree whose surface the field is put on.
const fieldDepth = 7

// steepAngle is how far faces must be apart to count as an edge where a smaller angle
// leaves too many edges for the budget.
const steepAngle = 75 * math.Pi / 180

// noLines is an angle that no two faces have between them: no edge is kept. The octree's
// surface has edges where its cells meet, which are not those of the source.
const noLines = math.Pi

// Retopology is a closed mesh and how it came about.
type Retopology struct {
	Mesh    *mesh.Mesh // at the source's place, in its units
	Method  string
	Open    int // surfaces of the source with a boundary, which were given a thickness
	Quality quadfield.Quality
}

// Quads returns a closed mesh of quads near m, with at most so many faces, by
// [quadfield.Remesh] on the source's faces. Where that is not sound (see
// [quadfield.Quality.Sound]), it tries fewer feature lines, none, and the surface of an
// octree, which unites what overlaps, and returns the best by score: one without inverted
// quads if there is any. Where no try is closed and without inverted quads, it returns the
// mesh of [Remesh] if that is, or if no try is closed; Method is then [DualContouring].
//
// The errors are those of [Remesh]. The result depends on m and faces alone.
func Quads(ctx context.Context, m *mesh.Mesh, faces int) (*Retopology, error) {
	if err := (Options{Faces: faces}).Validate(); err != nil {
		return nil, err
	}
	if faces > MaxQuads {
		return nil, fmt.Errorf("remesh.Quads: %w: %d faces, want at most %d", ErrOptions, faces, MaxQuads)
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("remesh.Quads: %w", err)
	}
	if err := mesh.CheckArea(m); err != nil {
		return nil, fmt.Errorf("remesh.Quads: %w", err)
	}
	frame := octree.Fit(m, extent)
	s := &retopology{source: frame.Mesh(m), faces: faces}
	open, err := quadfield.Open(s.source)
	if err != nil && !errors.Is(err, mesh.ErrNoArea) { // an octree may hold what is too thin for the field
		return nil, fmt.Errorf("remesh.Quads: %w", err)
	}
	if err := s.run(ctx); err != nil {
		return nil, fmt.Errorf("remesh.Quads: %w", err)
	}
	if s.best == nil || !s.best.Quality.Closed || s.best.Quality.Inverted > 0 {
		if err := s.contouring(ctx); err != nil {
			return nil, err
		}
	}
	s.best.Mesh, s.best.Open = frame.InvertMesh(s.best.Mesh), open
	return s.best, nil
}

// retopology keeps the best of several tries in the domain.
type retopology struct {
	source *mesh.Mesh
	faces  int
	best   *Retopology
}

// run makes the tries: one if that is sound, else all.
func (s *retopology) run(ctx context.Context) error {
	for i, try := range []func() error{s.direct(0), s.direct(steepAngle), s.direct(noLines), s.contour} {
		if i == 1 && s.best != nil && s.best.Quality.Sound() {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := try(); err != nil {
			return err
		}
	}
	return nil
}

// direct tries the source's own faces.
func (s *retopology) direct(angle float64) func() error {
	return func() error { return s.try(s.source, angle, FieldPairs, FieldSplit) }
}

// contour tries the octree's surface.
func (s *retopology) contour() error {
	c, err := surface.NewContour(s.source, fieldDepth)
	if err != nil || c.Mesh.NumFaces() == 0 {
		return nil // dual contouring, which comes next, has the error
	}
	return s.try(inDomain(c.Mesh, fieldDepth), noLines, ContourPairs, ContourSplit)
}

// try keeps what the field makes of a surface, if it is the best so far. Too few faces
// are no error: another surface may need fewer.
func (s *retopology) try(m *mesh.Mesh, angle float64, pairs, split string) error {
	r, err := quadfield.Remesh(m, quadfield.Options{Faces: s.faces, Angle: angle})
	if errors.Is(err, quadfield.ErrBudget) || errors.Is(err, mesh.ErrNoArea) {
		return nil
	}
	if err != nil {
		return err
	}
	q, err := quadfield.Measure(r.Mesh, s.source)
	if err != nil {
		return err
	}
	if s.best != nil && s.best.Quality.Score() <= q.Score() {
		return nil
	}
	method := pairs
	if r.Way == quadfield.Split {
		method = split
	}
	s.best = &Retopology{Mesh: r.Mesh, Method: method, Quality: q}
	return nil
}

// contouring takes the mesh of [Remesh] if it is without inverted quads, or if no try was
// closed.
func (s *retopology) contouring(ctx context.Context) error {
	closed := s.best != nil && s.best.Quality.Closed
	r, err := Remesh(ctx, s.source, Options{Faces: s.faces})
	switch {
	case err != nil && closed && ctx.Err() == nil:
		return nil
	case err != nil:
		return err
	}
	q, err := quadfield.Measure(r.Mesh, s.source)
	if err != nil {
		return fmt.Errorf("remesh.Quads: %w", err)
	}
	if !closed || q.Closed && q.Inverted == 0 {
		s.best = &Retopology{Mesh: r.Mesh, Method: DualContouring, Quality: q}
	}
	return nil
}
