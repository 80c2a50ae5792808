package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/tools/corpus/furniture"
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
	flags.IntVar(&c.perModel, "per-model", 30, "most parts of one model")
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
	perModel                    int
	seen                        map[string]bool
	attribution                 *attribution
	models, repeated            int
	whole, parts                [2]int // train, held out
}

func (c *shapeCorpus) model(l furniture.Library, m furniture.Model, heldOut bool, shape *mesh.Mesh) error {
	c.models++
	whole := mesh.Clean(shape, 0)
	if s := measure(whole); s.faces >= c.minFaces && s.faces <= c.maxFaces {
		if signature, ok := c.unseen(whole); ok {
			if err := c.add(&c.whole, candidate{m.Name, signature, whole, s}, l, m, heldOut); err != nil {
				return err
			}
		}
	}
	list := fewest(c.closedParts(m, shape), c.perModel)
	for _, part := range list {
		if err := c.add(&c.parts, part, l, m, heldOut); err != nil {
			return err
		}
	}
	return nil
}

// closedParts returns the closed parts of a model of several that have not been
// seen.
func (c *shapeCorpus) closedParts(m furniture.Model, shape *mesh.Mesh) (list []candidate) {
	parts := mesh.Components(shape)
	if len(parts) == 1 {
		return nil // the model itself
	}
	for i, part := range parts {
		s := measure(part)
		if !s.closed || s.faces < c.minPart || s.faces > c.maxFaces {
			continue
		}
		if signature, ok := c.unseen(part); ok {
			list = append(list, candidate{fmt.Sprintf("%s_part%03d", m.Name, i), signature, part, s})
		}
	}
	return list
}

// unseen returns a shape's signature and whether it is new.
func (c *shapeCorpus) unseen(shape *mesh.Mesh) (signature string, ok bool) {
	signature = mesh.Signature(shape)
	if c.seen[signature] {
		c.repeated++
		return signature, false
	}
	c.seen[signature] = true
	return signature, true
}

// add writes one shape.
func (c *shapeCorpus) add(n *[2]int, shape candidate, l furniture.Library, m furniture.Model, heldOut bool) error {
	unit, _, _, err := mesh.Normalize(shape.part, 1)
	if err != nil {
		return err
	}
	roundCoordinates(unit)
	file := filepath.Join(splitFolder(heldOut), shape.name+".obj")
	if err := obj.WriteFile(filepath.Join(c.out, file), unit); err != nil {
		return err
	}
	c.attribution.add(file, m, l, shape.stats)
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
