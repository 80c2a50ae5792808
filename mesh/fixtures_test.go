package mesh_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/distance"
	"github.com/morton-gen/morton/mesh/obj"
)

var update = flag.Bool("update", false, "rewrite the golden tables")

// fixtures reads the OBJ files that the repository holds, by name.
func fixtures(t *testing.T) (names []string, meshes []*mesh.Mesh) {
	t.Helper()
	paths, err := filepath.Glob("../testdata/mesh/*.obj")
	if err != nil || len(paths) != 21 {
		t.Fatalf("%d fixtures, want 21: %v", len(paths), err)
	}
	for _, path := range paths {
		m, _, err := obj.ReadFile(path, obj.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".obj"))
		meshes = append(meshes, m)
	}
	return names, meshes
}

// TestFixtureMeasures compares the measures of all fixtures with a table that
// is read in review. Numbers of vertices to loops were checked once against an
// independent program (trimesh and networkx).
func TestFixtureMeasures(t *testing.T) {
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 1, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "mesh\tV\tE\tF\ttri\tquad\tngon\tEuler\tboundary\tnon-man.\tloops\tcomp.\twatertight\twinding\tquad ratio\tirreg.\tloop len.\tJ mean\tJ min\tarea\tvolume\t")
	names, meshes := fixtures(t)
	for i, m := range meshes {
		r, err := mesh.Measure(m)
		if err != nil {
			t.Fatalf("%s: %v", names[i], err)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%v\t%v\t%.3f\t%d\t%.2f\t%.3f\t%.3f\t%.4g\t%.4g\t\n",
			names[i], r.WeldedVertices, r.Edges, r.Faces, r.Triangles, r.Quads, r.Ngons, r.Euler, r.BoundaryEdges, r.NonManifoldEdges,
			r.BoundaryLoops, r.Components, r.Watertight, r.ConsistentWinding, r.QuadRatio, r.IrregularVertices, r.EdgeLoopLength,
			r.ScaledJacobianMean, r.ScaledJacobianMin, r.Area, r.Volume)
	}
	w.Flush()
	checkGolden(t, "testdata/fixtures.txt", table.Bytes())
}

// checkGolden compares got with a file, or rewrites the file under -update.
func checkGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		if i >= len(gotLines) || i >= len(wantLines) || gotLines[i] != wantLines[i] {
			t.Fatalf("%s differs from line %d on; run with -update and read the change\ngot:\n%s", path, i+1, got)
		}
	}
}

// TestFixtureOrient checks that repair leaves all fixtures consistent, and
// closed patches with their volume outward.
func TestFixtureOrient(t *testing.T) {
	names, meshes := fixtures(t)
	for i, m := range meshes {
		out, did := mesh.Orient(mesh.Clean(m, 0))
		r, err := mesh.Measure(out)
		if err != nil {
			t.Fatal(err)
		}
		if !r.ConsistentWinding || did.Conflicts != 0 || r.Watertight && r.Volume <= 0 {
			t.Errorf("%s: %+v, volume %g", names[i], did, r.Volume)
		}
	}
}

// TestFixtureSamplesLieOnSurface ties sampling to the distance query.
func TestFixtureSamplesLieOnSurface(t *testing.T) {
	names, meshes := fixtures(t)
	for i, m := range meshes {
		lo, hi := mesh.Bounds(m)
		tolerance := 1e-12 * (hi.Sub(lo).Len() + hi.Len() + lo.Len())
		query := distance.New(m)
		points, _, _ := mesh.SampleSurface(m, 2000, 7)
		for _, p := range points {
			if d, _, _ := query.Distance(p); d > tolerance {
				t.Fatalf("%s: a sample lies %g off the surface, limit %g", names[i], d, tolerance)
			}
		}
	}
}

// TestFixtureComponents checks that parts add up to the whole.
func TestFixtureComponents(t *testing.T) {
	names, meshes := fixtures(t)
	for i, m := range meshes {
		whole, err := mesh.Measure(m)
		if err != nil {
			t.Fatal(err)
		}
		parts := mesh.Components(m)
		vertices, faces, euler := 0, 0, 0
		for _, p := range parts {
			r, err := mesh.Measure(p)
			if err != nil {
				t.Fatal(err)
			}
			if r.Components != 1 {
				t.Errorf("%s: a part has %d components", names[i], r.Components)
			}
			vertices, faces, euler = vertices+r.WeldedVertices, faces+r.Faces, euler+r.Euler
		}
		if len(parts) != whole.Components || vertices != whole.WeldedVertices || faces != whole.Faces || euler != whole.Euler {
			t.Errorf("%s: %d parts with V %d, F %d, Euler %d; want %+v", names[i], len(parts), vertices, faces, euler, whole)
		}
	}
}
