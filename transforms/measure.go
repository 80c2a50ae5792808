package transforms

import (
	"maps"
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/compare"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
)

// compareOptions are the options for a result's distance from its source. Means are
// accurate to about 1%, in at most a second of one core.
var compareOptions = compare.Options{Samples: 10_000, Vertices: 10_000, Seed: 1, Thresholds: []float64{0.005, 0.01, 0.02}}

// fscoreNames are the measures for the thresholds of compareOptions.
var fscoreNames = []string{"fscore_0.5pct", report.FScoreMeasure, "fscore_2pct"}

// measure returns the numbers of a result that a report shows: the model's own, and
// for a mesh the topology and the distance from the source. The mesh is the one read
// back from the written file. A mesh that cannot be measured is written without
// these.
func measure(it *Item, m *mesh.Mesh) family.Measures {
	all := maps.Clone(it.Result.Measures)
	if all == nil {
		all = family.Measures{}
	}
	if m != nil {
		measureTopology(all, m)
		measureDistance(all, m, it.Media.Mesh)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

func measureTopology(all family.Measures, m *mesh.Mesh) {
	r, err := mesh.Measure(m)
	if err != nil {
		return
	}
	all["vertices"], all["faces"] = float64(r.WeldedVertices), float64(r.Faces)
	all["triangles"], all["quads"], all["quad_ratio"] = float64(r.Triangles), float64(r.Quads), r.QuadRatio
	all["boundary_edges"], all["non_manifold_edges"] = float64(r.BoundaryEdges), float64(r.NonManifoldEdges)
	all["components"], all["watertight"] = float64(r.Components), 0
	if r.Watertight {
		all["watertight"] = 1
	}
	all["scaled_jacobian_mean"] = r.ScaledJacobianMean
}

// measureDistance compares without alignment. Lengths are in units of the
// source's longest side, squared ones in that squared.
func measureDistance(all family.Measures, m, source *mesh.Mesh) {
	if source == nil {
		return
	}
	r, err := compare.Surfaces(m, source, compareOptions)
	if err != nil {
		return
	}
	found := family.Measures{
		"chamfer_mean": r.ChamferL1, "chamfer_squared": r.ChamferL2, "hausdorff": r.Hausdorff, "normal_consistency": r.NormalConsistency,
	}
	for i, name := range fscoreNames {
		found[name] = r.Scores[i].F
	}
	for name, x := range found {
		if !math.IsNaN(x) && !math.IsInf(x, 0) { // not representable in JSON
			all[name] = x
		}
	}
}
