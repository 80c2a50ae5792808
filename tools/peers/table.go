package main

import (
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

// row is what was measured of one result.
type row struct {
	closed, manifold            bool
	faces                       int
	quads, jacobian, irregular  float64
	chamfer, hausdorff, inverse float64
}

// parseResults reads arguments of the form NAME=DIR.
func parseResults(args []string) (all []*results, err error) {
	for _, a := range args {
		name, dir, ok := strings.Cut(a, "=")
		if !ok {
			return nil, fmt.Errorf("%q is not NAME=DIR", a)
		}
		all = append(all, &results{name: name, dir: dir, rows: map[string]*row{}})
	}
	return all, nil
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
	return &row{
		closed: r.Watertight, manifold: r.NonManifoldEdges == 0, faces: r.Faces, quads: r.QuadRatio, jacobian: r.ScaledJacobianMean,
		irregular: r.IrregularRatio, chamfer: c.ChamferL1, hausdorff: c.Hausdorff, inverse: r.InvertedQuadRatio,
	}, nil
}

// table prints what the results are worth, and the first beside each other.
func table(args []string, out io.Writer) error {
	f := newFlags("table", out)
	list := f.String("list", "", "`file` that list printed")
	if err := f.Parse(args); err != nil {
		return err
	}
	files, err := readList(*list)
	if err != nil {
		return err
	}
	all, err := parseResults(f.Args())
	if err != nil {
		return err
	}
	closed := map[string]bool{}
	for _, path := range files {
		source, err := read(path)
		if err != nil {
			return err
		}
		r, err := mesh.Measure(source)
		if err != nil {
			return err
		}
		closed[path] = r.Watertight
		for _, p := range all {
			if m := p.open(path); m != nil {
				if p.rows[path], err = measure(m, source); err != nil {
					return err
				}
			}
		}
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

func (r *results) summary(out io.Writer, files []string, closed map[string]bool) {
	var faces, chamfer, hausdorff, jacobian, irregular, inverse []float64
	ok, of, any, quads := 0, 0, 0, 0
	for _, path := range files {
		x := r.rows[path]
		if closed[path] {
			of++
		}
		if x == nil {
			continue
		}
		if x.closed {
			any++
			if closed[path] {
				ok++
			}
		}
		if x.quads == 1 {
			quads++
		}
		faces, chamfer, hausdorff = append(faces, float64(x.faces)), append(chamfer, x.chamfer), append(hausdorff, x.hausdorff)
		jacobian, irregular, inverse = append(jacobian, x.jacobian), append(irregular, x.irregular), append(inverse, x.inverse)
	}
	fmt.Fprintf(out, "| %s | %d | %d of %d | %d | %d | %.0f | %.5f | %.4f | %.3f | %.1f%% (median %.1f%%) | %.2f%% |\n", r.name, len(faces), ok, of, any, quads,
		median(faces), median(chamfer), median(hausdorff), mean(jacobian), 100*mean(irregular), 100*median(irregular), 100*mean(inverse))
}

// beside compares two programs where both have a result.
func beside(out io.Writer, ours, peer *results, files []string) {
	var ca, cb, ha, hb, cr, hr []float64
	for _, path := range files {
		a, b := ours.rows[path], peer.rows[path]
		if a == nil || b == nil {
			continue
		}
		ca, cb, ha, hb = append(ca, a.chamfer), append(cb, b.chamfer), append(ha, a.hausdorff), append(hb, b.hausdorff)
		const none = 1e-9
		cr, hr = append(cr, (a.chamfer+none)/(b.chamfer+none)), append(hr, (a.hausdorff+none)/(b.hausdorff+none))
	}
	fmt.Fprintf(out, "%s beside %s, on the %d meshes that both have: median Chamfer %.5f and %.5f (%.2f times), median Hausdorff %.4f and %.4f (%.2f times); the median of the ratios is %.2f and %.2f.\n",
		ours.name, peer.name, len(ca), median(ca), median(cb), median(ca)/median(cb), median(ha), median(hb), median(ha)/median(hb), median(cr), median(hr))
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
			if !x.closed {
				mark = " open"
			}
			fmt.Fprintf(out, " %d%s | %.5f | %.4f | %.3f | %.1f%% |", x.faces, mark, x.chamfer, x.hausdorff, x.jacobian, 100*x.irregular)
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
