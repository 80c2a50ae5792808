package compare

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/mesh"
)

// Surfaces compares a mesh with a reference. Swapping the two exchanges accuracy
// and completeness, precision and recall, and changes the unit of lengths.
//
// It takes O((n + v) log t) for n samples, v vertices and t triangles of each
// surface, spread over GOMAXPROCS goroutines; the report does not depend on
// their number.
//
// The errors wrap [ErrOptions], [mesh.ErrNoArea], [mesh.ErrEmpty] if a mesh has no
// faces, [mesh.ErrFace], or [mesh.ErrNotFinite] if a coordinate is not finite or
// the two sizes are too far apart for float64.
func Surfaces(m, reference *mesh.Mesh, o Options) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.filled()
	if err := check(m); err != nil {
		return nil, err
	}
	centre, side, err := frame(reference)
	if err != nil {
		return nil, err
	}
	a, err := newSide(m, centre, side, o)
	if err != nil {
		return nil, fmt.Errorf("compare: the mesh: %w", err)
	}
	b, err := newSide(reference, centre, side, o)
	if err != nil {
		return nil, fmt.Errorf("compare: the reference: %w", err)
	}
	return newReport(a.against(b), b.against(a), side, o), nil
}

func check(m *mesh.Mesh) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	if m.NumFaces() == 0 {
		return fmt.Errorf("compare: %w", mesh.ErrEmpty)
	}
	return nil
}

// frame validates a reference and returns the middle of its box and its longest
// side.
func frame(reference *mesh.Mesh) (centre mesh.Vec3, side float64, err error) {
	if err := check(reference); err != nil {
		return centre, 0, err
	}
	lo, hi := mesh.Bounds(reference)
	size := hi.Sub(lo)
	centre, side = lo.Scale(0.5).Add(hi.Scale(0.5)), max(size[0], size[1], size[2])
	switch {
	case !(side > 0):
		return centre, side, fmt.Errorf("compare: the reference: %w: all its points are one", mesh.ErrNoArea)
	case math.IsInf(side, 0) || math.IsInf(1/side, 0):
		return centre, side, fmt.Errorf("compare: the reference: %w: its longest side is %g", mesh.ErrNotFinite, side)
	}
	return centre, side, nil
}

func newReport(toReference, toMesh distances, side float64, o Options) *Report {
	r := &Report{Side: side, Samples: o.Samples, Seed: o.Seed}
	r.Accuracy, r.Completeness = toReference.direction(), toMesh.direction()
	r.ChamferL1 = (r.Accuracy.Mean + r.Completeness.Mean) / 2
	r.ChamferL2 = r.Accuracy.MeanSquare + r.Completeness.MeanSquare
	r.Hausdorff = max(r.Accuracy.Max, r.Completeness.Max)
	for _, t := range o.Thresholds {
		s := Score{Threshold: t, Precision: toReference.within(t), Recall: toMesh.within(t)}
		if sum := s.Precision + s.Recall; sum > 0 {
			s.F = 2 * s.Precision * s.Recall / sum
		}
		r.Scores = append(r.Scores, s)
	}
	signed0, absolute0 := toReference.consistency()
	signed1, absolute1 := toMesh.consistency()
	r.SignedConsistency, r.NormalConsistency = (signed0+signed1)/2, (absolute0+absolute1)/2
	return r
}
