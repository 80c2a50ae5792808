package compare

// Direction holds the distances from the points of one surface to the other
// surface.
type Direction struct {
	Mean       float64 `json:"mean"`        // mean distance of the samples
	MeanSquare float64 `json:"mean_square"` // mean squared distance of the samples
	Max        float64 `json:"max"`         // largest distance of samples and vertices
}

// Distances are the lengths of a report.
type Distances struct {
	Accuracy     Direction `json:"accuracy"`     // from the mesh to the reference
	Completeness Direction `json:"completeness"` // from the reference to the mesh
	// ChamferL1 is the half-sum of the mean distances:
	//
	//	½ ( mean_p d(p, R) + mean_q d(q, M) )
	ChamferL1 float64 `json:"chamfer_l1"`
	// ChamferL2 is the sum of the mean squared distances:
	//
	//	mean_p d(p, R)² + mean_q d(q, M)²
	ChamferL2 float64 `json:"chamfer_l2"`
	// Hausdorff is the larger maximum. It is a lower bound of the true distance,
	// since only points are measured.
	Hausdorff float64 `json:"hausdorff"`
}

// Score is an F-score with its precision and recall.
//
//	precision = share of p with d(p, R) < threshold
//	recall    = share of q with d(q, M) < threshold
//	F         = 2 · precision · recall / (precision + recall), 0 if both are 0
type Score struct {
	Threshold float64 `json:"threshold"` // share of the reference's longest side
	F         float64 `json:"f"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
}

// Report is a comparison. Lengths are in units of the reference's longest side,
// squared ones in that unit squared.
type Report struct {
	// Side is the reference's longest side, in the reference's own units.
	Side    float64 `json:"side"`
	Samples int     `json:"samples"` // on each surface
	Seed    uint64  `json:"seed"`
	Distances
	Scores []Score `json:"scores"`
	// NormalConsistency is the mean agreement of normals with those at the
	// nearest point of the other surface, regardless of sign:
	//
	//	½ ( mean_p |n_p · n(p, R)| + mean_q |n_q · n(q, M)| )
	//
	// If several triangles share the nearest point, the first counts. Triangles
	// without a normal are left out.
	NormalConsistency float64 `json:"normal_consistency"`
	// SignedConsistency is the same without absolute values. It is negative
	// where faces are inside out.
	SignedConsistency float64 `json:"signed_consistency"`
}

// F returns the F-score at one of the report's thresholds, and whether there is
// one.
func (r *Report) F(threshold float64) (float64, bool) {
	for _, s := range r.Scores {
		if s.Threshold == threshold {
			return s.F, true
		}
	}
	return 0, false
}

// Raw returns the distances in the reference's own units. Squared ones may
// overflow or underflow float64.
func (r *Report) Raw() Distances {
	d := r.Distances
	d.Accuracy, d.Completeness = d.Accuracy.scaled(r.Side), d.Completeness.scaled(r.Side)
	d.ChamferL1 *= r.Side
	d.ChamferL2 *= r.Side * r.Side
	d.Hausdorff *= r.Side
	return d
}

func (d Direction) scaled(side float64) Direction {
	return Direction{Mean: d.Mean * side, MeanSquare: d.MeanSquare * side * side, Max: d.Max * side}
}
