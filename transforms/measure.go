package transforms

import (
	"maps"
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/transforms/family"
)

// Samples of each surface when a result is compared with its source: distances
// are then good to about a hundredth of the box.
const (
	compareSamples = 4096
	compareSeed    = 1
)

// measure returns what a report shows about a result: the model's own numbers,
// and for meshes the topology and the distance from the source. A mesh that
// cannot be measured has none of these; writing it is not refused for that.
func measure(it *Item) family.Measures {
	all := maps.Clone(it.Result.Measures)
	if all == nil {
		all = family.Measures{}
	}
	if m := it.Result.Media.Mesh; m != nil {
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

// measureDistance compares in the box that the source fills, longest side 2.
func measureDistance(all family.Measures, m, source *mesh.Mesh) {
	if _, measured := all["hausdorff"]; measured || source == nil {
		return // by the family, or there is nothing to compare with
	}
	reference, to, _, err := mesh.Normalize(source, 1)
	if err != nil {
		return
	}
	c, err := mesh.Compare(cloud(mesh.Transformed(m, to.Matrix())), cloud(reference))
	if err != nil {
		return
	}
	if d := c.ChamferL1(); !math.IsNaN(d) && !math.IsInf(d, 0) {
		all["chamfer_l1"] = d
	}
	all["fscore_0.02"], _, _ = c.FScore(0.02)
}

func cloud(m *mesh.Mesh) mesh.Cloud {
	points, normals, _ := mesh.SampleSurface(m, compareSamples, compareSeed)
	return mesh.Cloud{Points: points, Normals: normals}
}
