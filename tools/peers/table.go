package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/compare"
	"github.com/morton-gen/morton/mesh/meshfile"
)

// results are the meshes of one program.
type results struct {
	name, dir string
	rows      map[string]*row
}

// row is a result beside its source.
type row struct {
	mesh.Report
	source *compare.Report
}

// parseResults adds the flag of a list, parses flags, and reads arguments of the form
// NAME=DIR. It returns the sources and the results.
func parseResults(f *flag.FlagSet, args []string) (files []string, all []*results, err error) {
	list := f.String("list", "", "`file` that list printed")
	if err := f.Parse(args); err != nil {
		return nil, nil, err
	}
	for _, a := range f.Args() {
		name, dir, ok := strings.Cut(a, "=")
		if !ok {
			return nil, nil, fmt.Errorf("%q is not NAME=DIR", a)
		}
		all = append(all, &results{name: name, dir: dir, rows: map[string]*row{}})
	}
	files, err = readList(*list)
	return files, all, err
}

// visit calls do for each source with its results, nil where there is none.
func visit(files []string, all []*results, do func(path string, source *mesh.Mesh, got []*mesh.Mesh) error) error {
	for _, path := range files {
		source, err := read(path)
		if err != nil {
			return err
		}
		var got []*mesh.Mesh
		for _, p := range all {
			got = append(got, p.open(path))
		}
		if err := do(path, source, got); err != nil {
			return fmt.Errorf("%s: %w", name(path), err)
		}
	}
	return nil
}

// open reads the result of a source; nil without one.
func (r *results) open(source string) *mesh.Mesh {
	for _, ext := range []string{".glb", ".obj"} {
		path := filepath.Join(r.dir, name(source)+ext)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if m, _, err := meshfile.Read(path, meshfile.Options{}); err == nil && mesh.CheckArea(m) == nil {
			return m
		}
	}
	return nil
}

// measure compares a result with its source, from 10,000 samples and vertices of each.
func measure(m, source *mesh.Mesh) (*row, error) {
	r, err := mesh.Measure(m)
	if err != nil {
		return nil, err
	}
	const samples = 10_000
	c, err := compare.Surfaces(m, source, compare.Options{Samples: samples, Vertices: samples, Seed: 1})
	if err != nil {
		return nil, err
	}
	return &row{r, c}, nil
}

// table prints what the results are worth, and the first beside each other.
func table(args []string, out io.Writer) error {
	f := newFlags("table", out)
	files, all, err := parseResults(f, args)
	if err != nil {
		return err
	}
	closed := map[string]bool{}
	if err := visit(files, all, func(path string, source *mesh.Mesh, got []*mesh.Mesh) error {
		r, err := mesh.Measure(source)
		closed[path] = r.Watertight
		for k, m := range got {
			if err == nil && m != nil {
				all[k].rows[path], err = measure(m, source)
			}
		}
		return err
	}); err != nil {
		return err
	}
	fmt.Fprintln(out, "| by | results | closed, of closed sources | closed | all quads | faces | Chamfer | Hausdorff | Jacobian | irregular | inverted |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|---|")
	for _, p := range all {
		p.summary(out, files, closed)
	}
	fmt.Fprintln(out)
	for _, p := range all[1:] {
		beside(out, all[0], p, files)
	}
	fmt.Fprintln(out)
	each(out, all, files, closed)
	return nil
}

// figures returns one figure of each row.
func figures(rows []*row, of func(*row) float64) (x []float64) {
	for _, r := range rows {
		x = append(x, of(r))
	}
	return x
}

func chamfer(x *row) float64   { return x.source.ChamferL1 }
func hausdorff(x *row) float64 { return x.source.Hausdorff }
func jacobian(x *row) float64  { return x.ScaledJacobianMean }
func irregular(x *row) float64 { return 100 * x.IrregularRatio }

func (r *results) summary(out io.Writer, files []string, closed map[string]bool) {
	var rows []*row
	ok, of, any, quads := 0, 0, 0, 0
	for _, path := range files {
		x := r.rows[path]
		if closed[path] {
			of++
		}
		if x == nil {
			continue
		}
		rows = append(rows, x)
		if x.Watertight {
			any++
			if closed[path] {
				ok++
			}
		}
		if x.QuadRatio == 1 {
			quads++
		}
	}
	fmt.Fprintf(out, "| %s | %d | %d of %d | %d | %d | %.0f | %.5f | %.4f | %.3f | %.1f%% (median %.1f%%) | %.2f%% |\n", r.name, len(rows), ok, of, any, quads,
		median(figures(rows, func(x *row) float64 { return float64(x.Faces) })), median(figures(rows, chamfer)), median(figures(rows, hausdorff)),
		mean(figures(rows, jacobian)), mean(figures(rows, irregular)), median(figures(rows, irregular)),
		mean(figures(rows, func(x *row) float64 { return 100 * x.InvertedQuadRatio })))
}

// beside compares two programs where both have a result.
func beside(out io.Writer, ours, peer *results, files []string) {
	var a, b []*row
	for _, path := range files {
		if x, y := ours.rows[path], peer.rows[path]; x != nil && y != nil {
			a, b = append(a, x), append(b, y)
		}
	}
	of := func(rows []*row, f func(*row) float64) float64 { return median(figures(rows, f)) }
	ratio := func(f func(*row) float64) float64 {
		x := figures(a, f)
		for i := range x {
			const none = 1e-9
			x[i] = (x[i] + none) / (f(b[i]) + none)
		}
		return median(x)
	}
	ca, cb, ha, hb := of(a, chamfer), of(b, chamfer), of(a, hausdorff), of(b, hausdorff)
	fmt.Fprintf(out, "%s beside %s, on the %d meshes that both have: median Chamfer %.5f and %.5f (%.2f times), median Hausdorff %.4f and %.4f (%.2f times); the median of the ratios is %.2f and %.2f.\n",
		ours.name, peer.name, len(a), ca, cb, ca/cb, ha, hb, ha/hb, ratio(chamfer), ratio(hausdorff))
}

// each prints a line a mesh.
func each(out io.Writer, all []*results, files []string, closed map[string]bool) {
	fmt.Fprint(out, "| mesh | closed |")
	for _, p := range all {
		fmt.Fprintf(out, " %s: faces | Chamfer | Hausdorff | Jacobian | irregular |", p.name)
	}
	fmt.Fprintf(out, "\n|---|---|%s\n", strings.Repeat("---|---|---|---|---|", len(all)))
	for _, path := range files {
		fmt.Fprintf(out, "| %s | %v |", name(path), closed[path])
		for _, p := range all {
			x := p.rows[path]
			if x == nil {
				fmt.Fprint(out, " refused | | | | |")
				continue
			}
			mark := ""
			if !x.Watertight {
				mark = " open"
			}
			fmt.Fprintf(out, " %d%s | %.5f | %.4f | %.3f | %.1f%% |", x.Faces, mark, chamfer(x), hausdorff(x), jacobian(x), irregular(x))
		}
		fmt.Fprintln(out)
	}
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

func mean(x []float64) (sum float64) {
	for _, v := range x {
		sum += v / float64(len(x))
	}
	return sum
}
