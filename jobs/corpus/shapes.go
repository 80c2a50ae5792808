package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"github.com/morton-gen/morton/jobs/corpus/furniture"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
)

// makeShapes writes whole furniture models and their closed parts, each shape
// once, moved and scaled to [-1, 1] along the longest side.
func makeShapes(ctx context.Context, args []string, out io.Writer) error {
	c := &shapeCorpus{seen: map[string]bool{}, attribution: newAttribution()}
	flags := flag.NewFlagSet("corpus shapes", flag.ContinueOnError)
	folder := flags.String("furniture", furnitureFolder, "`folder` of the .sh3f libraries")
	flags.StringVar(&c.out, "out", "corpus/shapes", "`folder` to write to")
	flags.IntVar(&c.minFaces, "min-faces", 50, "fewest faces of a model")
	flags.IntVar(&c.minPart, "min-part-faces", 20, "fewest faces of a closed part")
	flags.IntVar(&c.maxFaces, "max-faces", 20_000, "most faces of a model or a part")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := prepare(c.out); err != nil {
		return err
	}
	if err := eachModel(ctx, *folder, out, c.model); err != nil {
		return err
	}
	if err := c.attribution.write(c.out); err != nil {
		return err
	}
	c.report(out)
	return nil
}

type shapeCorpus struct {
	out                         string
	minFaces, minPart, maxFaces int
	seen                        map[string]bool
	attribution                 *attribution
	models, repeated            int
	whole, parts                [2]int // train, held out
}

func (c *shapeCorpus) model(l furniture.Library, m furniture.Model, heldOut bool, shape *mesh.Mesh) error {
	c.models++
	whole := mesh.Clean(shape, 0)
	if s := measure(whole); s.faces >= c.minFaces && s.faces <= c.maxFaces {
		if err := c.add(&c.whole, m.Name, l, m, heldOut, whole, s); err != nil {
			return err
		}
	}
	list := mesh.Components(shape)
	if len(list) == 1 {
		return nil // the model itself
	}
	for i, part := range list {
		s := measure(part)
		if !s.closed || s.faces < c.minPart || s.faces > c.maxFaces {
			continue
		}
		if err := c.add(&c.parts, fmt.Sprintf("%s_part%03d", m.Name, i), l, m, heldOut, part, s); err != nil {
			return err
		}
	}
	return nil
}

// add writes one shape unless it has been seen.
func (c *shapeCorpus) add(n *[2]int, name string, l furniture.Library, m furniture.Model, heldOut bool, shape *mesh.Mesh, s stats) error {
	signature := mesh.Signature(shape)
	if c.seen[signature] {
		c.repeated++
		return nil
	}
	c.seen[signature] = true
	unit, _, _, err := mesh.Normalize(shape, 1)
	if err != nil {
		return err
	}
	roundCoordinates(unit)
	file := filepath.Join(splitFolder(heldOut), name+".obj")
	if err := obj.WriteFile(filepath.Join(c.out, file), unit); err != nil {
		return err
	}
	c.attribution.add(file, m, l, s)
	if heldOut {
		n[1]++
	} else {
		n[0]++
	}
	return nil
}

// roundCoordinates keeps six decimals, a thousandth of a cell at depth 10:
// files take half the space.
func roundCoordinates(m *mesh.Mesh) {
	for i := range m.Vertices {
		for j, x := range m.Vertices[i] {
			m.Vertices[i][j] = math.Round(x*1e6) / 1e6
		}
	}
}

func (c *shapeCorpus) report(out io.Writer) {
	fmt.Fprintf(out, "models read                      %6d\n", c.models)
	fmt.Fprintf(out, "the shape of an earlier one      %6d\n", c.repeated)
	fmt.Fprintf(out, "written                           train heldout    both\n")
	fmt.Fprintf(out, "  %-32s%5d %7d %7d\n", "whole models", c.whole[0], c.whole[1], c.whole[0]+c.whole[1])
	fmt.Fprintf(out, "  %-32s%5d %7d %7d\n", "closed parts", c.parts[0], c.parts[1], c.parts[0]+c.parts[1])
}
