package remesh

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/meshfile"
)

var tableFile = flag.String("table", "", "write the table of all fixtures at 800 faces to this file, which takes minutes")

// TestTable remeshes every fixture and holds each to less error than the deepest
// uniform depth within the budget has.
func TestTable(t *testing.T) {
	if *tableFile == "" {
		t.Skip("only with -table")
	}
	var rows []string
	for _, pattern := range []string{"*.obj", "*.gl*"} {
		paths, err := filepath.Glob(filepath.Join("..", "..", "testdata", "mesh", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			rows = append(rows, tableRow(t, path))
		}
	}
	if err := os.WriteFile(*tableFile, []byte(tableHead+strings.Join(rows, "")), 0o644); err != nil {
		t.Fatal(err)
	}
}

func tableRow(t *testing.T, path string) string {
	const budget = 800
	m, _, err := meshfile.Read(path, meshfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := remesh(t, m, Options{Faces: budget})
	report, err := mesh.Measure(r.Mesh)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Watertight || !report.ConsistentWinding || report.Faces > budget {
		t.Errorf("%s: %+v", path, report)
	}
	within := deepestWithin(t, m, budget)
	if r.ChamferL1 > within.ChamferL1 {
		t.Errorf("%s: Chamfer %g, %g at depth %d", path, r.ChamferL1, within.ChamferL1, within.Depth)
	}
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	row := fmt.Sprintf("| %s | %d | %.0f%% | %d | %.2f | %.1f | %s", name, report.Faces, 100*report.QuadRatio, r.Depth, 1e3*r.ChamferL1, 1e3*r.Hausdorff, within.cells())
	if r.Replaced == nil {
		return row + " | | | | | |\n"
	}
	return row + fmt.Sprintf(" | %s | %.2f |\n", r.Replaced.cells(), r.ChamferL1/r.Replaced.ChamferL1)
}

func (u *Uniform) cells() string {
	return fmt.Sprintf("%d | %d | %.2f | %.1f", u.Depth, u.Faces, 1e3*u.ChamferL1, 1e3*u.Hausdorff)
}

// deepestWithin returns the deepest uniform depth that meets a budget.
func deepestWithin(t *testing.T, m *mesh.Mesh, budget int) *Uniform {
	var best *Uniform
	for d := 1; ; d++ {
		r, err := Remesh(context.Background(), m, Options{Depth: d})
		if errors.Is(err, ErrVanished) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := r.Mesh.NumFaces(); n > budget {
			return best
		}
		best = &Uniform{d, r.Mesh.NumFaces(), r.Error}
	}
}

const tableHead = `# Remeshing for a budget of 800 faces

Made by

	go test ./octree/remesh -run TestTable -timeout 60m -table ../../docs/benchmarks/surface-budget.md

For each fixture: what ` + "`morton remesh --faces 800`" + ` makes of it, beside the deepest uniform depth with at most 800 faces and
the one that the result stands in for, the least with as many faces or more. Every result is a closed, oriented 2-manifold.
Distances are between surfaces, from 10,000 points and up to 10,000 vertices of each, in thousandths of the source's longest
side: Chamfer is half the sum of the two mean distances, Hausdorff the larger maximum. They are towards the source as it is,
so surfaces that lie inside other parts, which no remeshing keeps, count against all three alike. The last column is the
result's Chamfer over that of the depth it replaces, with that depth's more faces.

Uniform depths lose to walls and bars thinner than a cell, which they thicken; a budget begins at a finer depth, which holds
them, and spends no faces on flat places. Where a thin bar is a tube in every cell, neighbours are joined across cells, which
leaves fewer quads: the crate, the chairs and the table have 23 to 55%, the others 54 to 90%.

| fixture | faces | quads | finest depth | Chamfer | Hausdorff | depth within | faces | Chamfer | Hausdorff | depth replaced | faces | Chamfer | Hausdorff | ratio |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
`
