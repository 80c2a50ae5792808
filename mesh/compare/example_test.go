package compare_test

import (
	"fmt"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/compare"
)

func ExampleSurfaces() {
	cube := mesh.Cube() // from -1 to 1
	moved := mesh.Transformed(cube, mesh.Transform{Scale: 1, Offset: mesh.Vec3{0.2}}.Matrix())
	report, err := compare.Surfaces(moved, cube, compare.Options{Samples: 10_000, Thresholds: []float64{0.01}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("Chamfer L1 %.3f of the side, %.3f in units\n", report.ChamferL1, report.Raw().ChamferL1)
	fmt.Printf("Hausdorff %.1f, F-score %.2f at 1%%\n", report.Hausdorff, report.Scores[0].F)
	// Output:
	// Chamfer L1 0.034 of the side, 0.067 in units
	// Hausdorff 0.1, F-score 0.61 at 1%
}

func BenchmarkSurfaces(b *testing.B) {
	m, reference := mesh.QuadSphere(130), mesh.QuadSphere(131) // 101,400 and 102,966 quads
	for b.Loop() {
		if _, err := compare.Surfaces(m, reference, compare.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	points := 2*compare.DefaultSamples + len(m.Vertices) + len(reference.Vertices)
	b.ReportMetric(float64(points)*float64(b.N)/b.Elapsed().Seconds(), "points/s")
}
