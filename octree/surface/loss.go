package surface

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/compare"
	"github.com/morton-gen/morton/octree"
)

// Loss says what of a mesh is not in a surface made from it at some depth.
type Loss struct {
	Depth int `json:"depth"`
	// Share is how much of the mesh's area lies further from the surface than the
	// diagonal of a cell. A leaf's vertex lies in its cell, so a point whose own
	// cell is a leaf is never that far: what counts is in no leaf at all. That is
	// what lies inside other parts, and gaps narrower than a cell, which are filled.
	Share float64 `json:"share"`
	// Parts counts the parts of which no point is nearer, of Of that have area.
	Parts int `json:"parts"`
	Of    int `json:"of"`
	// Buried is [Parts.Buried]. A shell close under another one is buried without
	// being far from the surface.
	Buried int `json:"buried"`
	// Thickened is [Parts.Lost]: leaves whose walls are too thin for the grid, and
	// come out a cell thick.
	Thickened int `json:"thickened"`
}

// Any reports whether anything is missing. Walls that are thickened are there.
func (l Loss) Any() bool { return l.Share > 0 || l.Parts > 0 || l.Buried > 0 }

// lossSamples is how many points of a mesh are looked at: a share of a thousandth
// is then seen.
const lossSamples = 5_000

// FitExtent is the extent for [octree.Fit] that leaves room in the domain for the
// cells of thickened sheets.
const FitExtent = 0.9

// MeasureLoss builds and extracts the surface of m, which must lie in the domain,
// and says what of m it lacks. The errors are those of [Build], and
// [mesh.ErrNoArea].
func MeasureLoss(m *mesh.Mesh, depth int) (Loss, error) {
	o, codes, parts, err := Build(m, depth)
	if err != nil {
		return Loss{}, err
	}
	out, _, err := Extract(o, codes)
	if err != nil {
		return Loss{}, err
	}
	return LossOf(m, out, depth, parts)
}

// LossOf says what of m a surface lacks that was made of it at a depth, with the
// parts that Build or NewContour found. Both must lie in the domain. The result
// depends on the arguments alone.
//
// The errors are those of [compare.MissingFrom].
func LossOf(m, out *mesh.Mesh, depth int, parts Parts) (Loss, error) {
	if depth < 0 || depth > octree.MaxDepth {
		return Loss{}, fmt.Errorf("surface.LossOf: %w: %d, maximum %d", octree.ErrDepth, depth, octree.MaxDepth)
	}
	diagonal := math.Sqrt(3) * 2 / float64(int(1)<<depth)
	missing, err := compare.MissingFrom(out, m, diagonal, compare.Options{Samples: lossSamples})
	if err != nil {
		return Loss{}, fmt.Errorf("surface.LossOf: %w", err)
	}
	return Loss{
		Depth: depth, Share: missing.Share, Parts: missing.Parts, Of: missing.Of,
		Buried: parts.Buried, Thickened: parts.Lost,
	}, nil
}
