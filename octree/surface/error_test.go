package surface_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/testmesh"
)

var tableFile = flag.String("table", "", "write the table of surface errors, with fixtures, to this file")

var cubeAngles = mesh.Vec3{0.3, 0.7, 1.1}

// shape is a closed surface whose distance is known.
type shape struct {
	name     string
	m        *mesh.Mesh
	distance func(p mesh.Vec3) float64
}

func shapes() []shape {
	return []shape{
		{"sphere", testmesh.Sphere(mesh.Vec3{}, 0.7, 300), func(p mesh.Vec3) float64 { return math.Abs(p.Len() - 0.7) }},
		{"torus", testmesh.Torus(0.6, 0.25, 400), func(p mesh.Vec3) float64 {
			return math.Abs(math.Hypot(math.Hypot(p[0], p[1])-0.6, p[2]) - 0.25)
		}},
		{"turned cube", testmesh.Rotated(box(0.5), cubeAngles), cubeDistance},
	}
}

// cubeDistance is the distance to the surface of the turned cube.
func cubeDistance(p mesh.Vec3) float64 {
	for a := 2; a >= 0; a-- { // undo the turns in reverse order
		var back mesh.Vec3
		back[a] = -cubeAngles[a]
		p = testmesh.Turn(p, back)
	}
	var out mesh.Vec3
	inner := math.Inf(-1)
	for a := range 3 {
		d := math.Abs(p[a]) - 0.5
		out[a], inner = max(d, 0), max(inner, d)
	}
	return out.Len() + math.Abs(min(inner, 0))
}

// row is one line of the table; distances are in domain units.
type row struct {
	name             string
	depth            int
	leaves           int
	mean, max        float64 // from the result to the source
	backMean, backMx float64 // from the source to the result
}

const samples = 20000

func measure(t *testing.T, s shape, depth int) row {
	t.Helper()
	out, _, _ := rebuild(t, s.m, depth)
	r := row{name: s.name, depth: depth, leaves: len(out.Vertices)}
	r.mean, r.max = spread(testmesh.Sample(out, samples, 1), s.distance)
	if depth > 6 && *tableFile == "" {
		return r // the index of a fine mesh takes seconds
	}
	back := testmesh.NewIndex(out, max(0.01, 2/float64(int(1)<<depth)))
	r.backMean, r.backMx = spread(testmesh.Sample(s.m, samples, 2), back.Distance)
	return r
}

func spread(points []mesh.Vec3, distance func(mesh.Vec3) float64) (mean, far float64) {
	for _, p := range points {
		d := distance(p)
		mean += d / float64(len(points))
		far = max(far, d)
	}
	return mean, far
}

// The error halves with each level once the offset's quantisation, 1/32 of a
// cell, is all there is; before, the part due to curvature falls to a quarter.
func TestSurfaceError(t *testing.T) {
	var table []row
	deepest := 7
	if *tableFile != "" || os.Getenv("MORTON_TEST") == "all" {
		deepest = 8 // two thirds of the time
	}
	for _, s := range shapes() {
		var before row
		for depth := 5; depth <= deepest; depth++ {
			r := measure(t, s, depth)
			cell := 2 / float64(int(1)<<depth)
			t.Logf("%-12s depth %d: mean %.5f (%.3f cells), max %.5f (%.2f cells)", r.name, depth, r.mean, r.mean/cell, r.max, r.max/cell)
			if r.mean > 0.02*cell || r.max > 0.7*cell || r.backMean > 0.02*cell || r.backMx > 0.7*cell {
				t.Errorf("%s at depth %d: %+v, cell %v", s.name, depth, r, cell)
			}
			if depth > 5 && (r.mean < 0.25*before.mean || r.mean > 0.65*before.mean) {
				t.Errorf("%s: mean error %v at depth %d, %v at depth %d: ratio %.2f", s.name, before.mean, depth-1, r.mean, depth, r.mean/before.mean)
			}
			before = r
			table = append(table, r)
		}
	}
	if *tableFile != "" {
		writeTable(t, append(table, fixtureRows(t)...))
	}
}

// closedFixtures are those fixtures that are one closed part.
var closedFixtures = []string{"cc-0_rock2", "cc-0_stonelantern", "scopia_bowl", "katorlegaz_highball_glass", "cc-by_spoon"}

func fixtureRows(t *testing.T) (table []row) {
	for _, name := range closedFixtures {
		m := testmesh.ReadOBJ(t, filepath.Join("..", "..", "testdata", "mesh", name+".obj"))
		m = octree.Fit(m, 0.9).Mesh(m)
		s := shape{name, m, testmesh.NewIndex(m, 0.05).Distance}
		for depth := 5; depth <= 8; depth++ {
			table = append(table, measure(t, s, depth))
		}
	}
	return table
}

func writeTable(t *testing.T, table []row) {
	var b strings.Builder
	fmt.Fprintf(&b, `# Error of mesh -> octree -> mesh

Made by

	go test ./octree/surface -run TestSurfaceError -table ../../docs/benchmarks/surface-error.md

Distances from %d points spread evenly over one surface to the other, in domain units of 1e-5 (the domain is 2 wide) and in cells.
Sphere (radius 0.7), torus (0.6 and 0.25) and cube (side 1, turned) are measured against their formulas, fixtures (longest side 1.8)
against their polygons. Every result is a closed 2-manifold of quads only. The glass and the spoon have walls thinner than a cell at
the lower depths; those are thickened there, to half a cell and more on each side.

| shape | depth | vertices | mean 1e-5 | max 1e-5 | mean cells | max cells | source to result: mean cells | max cells | mean / previous |
|---|---|---|---|---|---|---|---|---|---|
`, samples)
	for i, r := range table {
		cells := float64(int(1)<<r.depth) / 2
		ratio := ""
		if i > 0 && table[i-1].name == r.name {
			ratio = fmt.Sprintf("%.2f", r.mean/table[i-1].mean)
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %.1f | %.0f | %.4f | %.2f | %.4f | %.2f | %s |\n", r.name, r.depth, r.leaves,
			1e5*r.mean, 1e5*r.max, r.mean*cells, r.max*cells, r.backMean*cells, r.backMx*cells, ratio)
	}
	if err := os.WriteFile(*tableFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
