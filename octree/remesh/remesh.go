package remesh

import (
	"context"
	"fmt"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// Errors a caller can branch on.
var (
	// ErrOptions reports options that ask for nothing, or for too much.
	ErrOptions = errkind.New("bad_request", "bad remesh options")
	// ErrBudget reports a budget that is too small for the surface.
	ErrBudget = errkind.New("budget", "too few faces")
	// ErrVanished reports a surface that no cell of the depth has inside.
	ErrVanished = errkind.New("vanished", "nothing is left of the surface at this depth")
)

// Limits of [Options].
const (
	MaxDepth = octree.MaxDepth
	MinFaces = 4
	MaxFaces = 1 << 20
)

// extent is the half side of the box that the source fills, of the domain's 1: it
// leaves room to thicken a sheet.
const extent = 0.9

// Options say what is wanted; one of the two must be set.
type Options struct {
	// Depth is the level of all leaves, or with Faces that of the finest.
	Depth int
	// Faces is how many faces there may be; 0 means as many as Depth gives.
	Faces int
}

// Validate returns an error wrapping [ErrOptions].
func (o Options) Validate() error {
	switch {
	case o.Depth < 0 || o.Depth > MaxDepth:
		return fmt.Errorf("remesh.Validate: %w: depth %d, want at most %d", ErrOptions, o.Depth, MaxDepth)
	case o.Faces != 0 && (o.Faces < MinFaces || o.Faces > MaxFaces):
		return fmt.Errorf("remesh.Validate: %w: %d faces, want %d to %d", ErrOptions, o.Faces, MinFaces, MaxFaces)
	case o.Depth == 0 && o.Faces == 0:
		return fmt.Errorf("remesh.Validate: %w: neither a depth nor a number of faces", ErrOptions)
	}
	return nil
}

// Error is how far a mesh is from its source, in the source's longest sides (see
// [compare.Report]).
type Error struct {
	ChamferL1, Hausdorff float64
	F                    float64 // F-score at one in a hundred
}

// Uniform is what leaves of one depth give.
type Uniform struct {
	Depth, Faces int
	Error
}

// Result is a mesh and how it came about.
type Result struct {
	Mesh  *mesh.Mesh // at the source's place, in its units
	Depth int        // of the finest leaves
	Parts surface.Parts
	// Error is that of the mesh, from 10,000 samples of each surface.
	Error
	// Replaced is the least uniform depth with as many faces or more, and nil where
	// the leaves have one depth.
	Replaced *Uniform
}

// Remesh returns a closed mesh near m. With a depth alone, its faces are quads.
// With a budget, it has at most that many quads and triangles, from leaves of the
// depths with the least error.
//
// It returns an error wrapping [ErrOptions], [ErrBudget] if no depth fits so few
// faces, [ErrVanished], an error of [surface.Build], or the context's error. The
// result depends on m and o alone.
func Remesh(ctx context.Context, m *mesh.Mesh, o Options) (*Result, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("remesh.Remesh: %w", err)
	}
	frame := octree.Fit(m, extent)
	s := search{ctx: ctx, source: frame.Mesh(m), options: o}
	r, err := s.run()
	if err != nil {
		return nil, fmt.Errorf("remesh.Remesh: %w", err)
	}
	r.Mesh = frame.InvertMesh(r.Mesh)
	return r, nil
}
