package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/tools/corpus/furniture"
)

// makeQuads writes the connected, quad-dominant parts of the furniture models,
// each shape once, in the models' own units.
func makeQuads(ctx context.Context, args []string, out io.Writer) error {
	q := &quadCorpus{seen: map[string]bool{}, attribution: newAttribution()}
	flags := flag.NewFlagSet("corpus quads", flag.ContinueOnError)
	folder := flags.String("furniture", furnitureFolder, "`folder` of the .sh3f libraries")
	flags.StringVar(&q.out, "out", "corpus/quads", "`folder` to write to")
	flags.IntVar(&q.minFaces, "min-faces", 6, "fewest faces of a part")
	flags.IntVar(&q.maxFaces, "max-faces", 800, "most faces of a part")
	flags.IntVar(&q.perModel, "per-model", 60, "most parts of one model: a ficus alone has 1,785 different leaves")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := prepare(q.out); err != nil {
		return err
	}
	if err := eachModel(ctx, *folder, out, q.model); err != nil {
		return err
	}
	if err := q.attribution.write(q.out); err != nil {
		return err
	}
	q.report(out)
	return nil
}

// quadCorpus counts what becomes of every part.
type quadCorpus struct {
	out                string
	minFaces, maxFaces int
	perModel           int
	seen               map[string]bool // signatures
	attribution        *attribution

	models, parts                           int
	small, large, triangles, flat, repeated int
	crowded                                 int
	kept, kept20, closed20, larger          [2]int // train, held out
}

func (q *quadCorpus) model(l furniture.Library, m furniture.Model, heldOut bool, shape *mesh.Mesh) error {
	q.models++
	var list []candidate
	for i, part := range mesh.Components(shape) {
		q.parts++
		s := measure(part)
		if signature, ok := q.wanted(part, s); ok {
			list = append(list, candidate{fmt.Sprintf("%s_part%03d", m.Name, i), signature, part, s})
		}
	}
	kept := fewest(list, q.perModel)
	q.crowded += len(list) - len(kept)
	for _, c := range kept {
		file := filepath.Join(splitFolder(heldOut), c.name+".obj")
		if err := obj.WriteFile(filepath.Join(q.out, file), c.part); err != nil {
			return err
		}
		q.attribution.add(file, m, l, c.stats)
		q.count(c.stats, heldOut)
	}
	return nil
}

// candidate is a part that a corpus could hold.
type candidate struct {
	name, signature string
	part            *mesh.Mesh
	stats           stats
}

// fewest returns at most n of the candidates, in their order: those with the
// lowest signatures, which is as good as drawing lots and never changes.
func fewest(list []candidate, n int) []candidate {
	if len(list) <= n {
		return list
	}
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b candidate) int { return strings.Compare(a.signature, b.signature) })
	last := sorted[n-1].signature
	return slices.DeleteFunc(list, func(c candidate) bool { return c.signature > last })
}

// wanted decides on one part, and counts why not; it returns the signature.
func (q *quadCorpus) wanted(part *mesh.Mesh, s stats) (signature string, ok bool) {
	switch {
	case s.faces < q.minFaces:
		q.small++
		return "", false
	case s.faces > q.maxFaces:
		q.large++
		return "", false
	case !s.quadDominant():
		q.triangles++
		return "", false
	}
	if _, _, _, err := mesh.Normalize(part, 1); err != nil || thin(part) {
		q.flat++
		return "", false
	}
	signature = mesh.Signature(part)
	if q.seen[signature] {
		q.repeated++
		return "", false
	}
	q.seen[signature] = true
	return signature, true
}

// thin says whether the part's bounds are a line or a point.
func thin(m *mesh.Mesh) bool {
	lo, hi := mesh.Bounds(m)
	sides := 0
	for i := range 3 {
		if hi[i] > lo[i] {
			sides++
		}
	}
	return sides < 2
}

func (q *quadCorpus) count(s stats, heldOut bool) {
	side := 0
	if heldOut {
		side = 1
	}
	q.kept[side]++
	if s.faces >= 20 {
		q.kept20[side]++
		if s.closed {
			q.closed20[side]++
		}
	}
	if s.larger > 0 {
		q.larger[side]++
	}
}

func (q *quadCorpus) report(out io.Writer) {
	fmt.Fprintf(out, "models read                      %6d\n", q.models)
	fmt.Fprintf(out, "connected parts                  %6d\n", q.parts)
	fmt.Fprintf(out, "  fewer than %3d faces           %6d\n", q.minFaces, q.small)
	fmt.Fprintf(out, "  more than %4d faces           %6d\n", q.maxFaces, q.large)
	fmt.Fprintf(out, "  mostly triangles or n-gons     %6d\n", q.triangles)
	fmt.Fprintf(out, "  a line, a point, out of range  %6d\n", q.flat)
	fmt.Fprintf(out, "  the shape of an earlier part   %6d\n", q.repeated)
	fmt.Fprintf(out, "  past %4d of one model         %6d\n", q.perModel, q.crowded)
	fmt.Fprintf(out, "written                           train heldout    both\n")
	for _, row := range []struct {
		name string
		n    [2]int
	}{
		{"parts", q.kept},
		{"of 20 faces or more", q.kept20},
		{"  and closed", q.closed20},
		{"with a face of 5 corners or more", q.larger},
	} {
		fmt.Fprintf(out, "  %-32s%5d %7d %7d\n", row.name, row.n[0], row.n[1], row.n[0]+row.n[1])
	}
}
