package compare

import (
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
)

// peerAnswer is what testdata/trimesh_peer.py printed.
type peerAnswer struct {
	mesh, reference string
	scale, shift    float64 // of the mesh, along x
	side            float64
	accuracy        Direction
	completeness    Direction
	l1, l2          float64
	normals         float64 // 0 if not compared
	scores          []Score
}

var peerAnswers = []peerAnswer{
	{
		mesh: "cc-0_horse2.obj", reference: "cc-by_siamesecat.obj", scale: 1, side: 81.275272,
		accuracy:     Direction{Mean: 0.573753, MeanSquare: 0.450961, Max: 1.754864},
		completeness: Direction{Mean: 0.161188, MeanSquare: 0.030697, Max: 0.312326423},
		l1:           0.36747, l2: 0.481658,
		scores: []Score{
			{Threshold: 0.01, F: 0.00043, Precision: 0.00023, Recall: 0.00314},
			{Threshold: 0.02, F: 0.00163, Precision: 0.00089, Recall: 0.00983},
			{Threshold: 0.1, F: 0.03813, Precision: 0.02156, Recall: 0.16490},
		},
	},
	{
		mesh: "cc-by_siamesecat.obj", reference: "cc-by_siamesecat.obj", scale: 1.02, shift: 0.8, side: 81.275272,
		accuracy:     Direction{Mean: 0.00749031, MeanSquare: 7.05306e-05, Max: 0.0173931599},
		completeness: Direction{Mean: 0.00728382, MeanSquare: 6.6806e-05, Max: 0.0159716695},
		l1:           0.00738706, l2: 0.000137337, normals: 0.90606,
		scores: []Score{
			{Threshold: 0.005, F: 0.28515, Precision: 0.28060, Recall: 0.28985},
			{Threshold: 0.01, F: 0.71386, Precision: 0.69665, Recall: 0.73195},
			{Threshold: 0.02, F: 1, Precision: 1, Recall: 1},
		},
	},
}

// TestAgainstTrimesh compares with another program's numbers for two fixtures, far
// apart and near. Both draw points by chance: means agree to half a percent,
// shares to 0.005. Maxima are mostly of vertices, and those agree to all digits;
// one between vertices hangs on what was drawn. Normals are compared for the near
// pair alone: of triangles that share the nearest point trimesh takes the one that
// faces the query, and ours is the first, which matters where surfaces are far
// apart and most nearest points are vertices.
func TestAgainstTrimesh(t *testing.T) {
	for _, c := range peerAnswers {
		m, reference := fans(t, c.mesh), fans(t, c.reference)
		m = moved(m, c.scale, mesh.Vec3{c.shift})
		var thresholds []float64
		for _, s := range c.scores {
			thresholds = append(thresholds, s.Threshold)
		}
		r := surfaces(t, m, reference, Options{Samples: 40_000, Thresholds: thresholds})
		expect(t, "side", r.Side, c.side, 1e-6)
		for what, pair := range map[string][2]float64{
			"accuracy": {r.Accuracy.Mean, c.accuracy.Mean}, "its square": {r.Accuracy.MeanSquare, c.accuracy.MeanSquare},
			"completeness": {r.Completeness.Mean, c.completeness.Mean}, "its square ": {r.Completeness.MeanSquare, c.completeness.MeanSquare},
			"L1": {r.ChamferL1, c.l1}, "L2": {r.ChamferL2, c.l2},
		} {
			expect(t, c.mesh+": "+what, pair[0], pair[1], 5e-3*pair[1])
		}
		expect(t, c.mesh+": accuracy's maximum", r.Accuracy.Max, c.accuracy.Max, 1e-6)
		expect(t, c.mesh+": completeness' maximum", r.Completeness.Max, c.completeness.Max, 3e-3*c.completeness.Max)
		if c.normals != 0 {
			expect(t, c.mesh+": normals", r.NormalConsistency, c.normals, 5e-3)
		}
		for i, want := range c.scores {
			got := r.Scores[i]
			expect(t, c.mesh+": F", got.F, want.F, 5e-3)
			expect(t, c.mesh+": precision", got.Precision, want.Precision, 5e-3)
			expect(t, c.mesh+": recall", got.Recall, want.Recall, 5e-3)
		}
	}
}

// fans reads a fixture and cuts every face into a fan from its first corner, as
// the peer does.
func fans(t *testing.T, name string) *mesh.Mesh {
	t.Helper()
	m, _, err := obj.ReadFile("../../testdata/mesh/"+name, obj.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	out := &mesh.Mesh{Vertices: m.Vertices}
	for f := range m.NumFaces() {
		face := m.Face(f)
		for k := 1; k+1 < len(face); k++ {
			if err := out.AddFace(face[0], face[k], face[k+1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}
