package main

import (
	"fmt"
	"io"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/compare"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// coarse compares a refined octree with what its given levels say by themselves: surfaces that
// no model made.
type coarse struct {
	// Kept is what the octree of the full depth keeps of the source, which no refinement beats.
	// Cells is the surface of the given octree's cells, Smooth a smooth one through them.
	Model  refined `json:"model"`
	Kept   refined `json:"kept"`
	Cells  refined `json:"cells"`
	Smooth refined `json:"smooth"`
}

// refined is how near a surface is to the source. IoU is that with Kept, whose sheets have a
// thickness.
type refined struct {
	Chamfer float64 `json:"chamfer"`
	F       float64 `json:"f"`
	IoU     float64 `json:"iou"`
}

// How the smooth surface is made: of eight levels and blurs (0.3 and 0.6, 0.5 to 0.8), these have the least
// Chamfer distance and the most overlap on training shapes, from depth 4.
const (
	coarseBlur  = 0.6
	coarseLevel = 0.7
)

// coarseDepth is the depth of the grid on which volumes are compared.
const coarseDepth = 7

// compareCoarse measures the surfaces of a source's octree: made of depth by the model from the first
// given levels, and without the model. Where all cells are too thin for the smooth surface, there
// is none, and the cells stand in.
func compareCoarse(made, source *mesh.Mesh, depth, given int, o compare.Options) (*coarse, error) {
	f := octree.Fit(source, surface.FitExtent)
	source, made = f.Mesh(source), f.Mesh(made)
	full, codes, _, err := surface.Build(source, depth)
	if err != nil {
		return nil, err
	}
	kept, _, err := surface.Extract(full, codes)
	if err != nil {
		return nil, err
	}
	tree, err := full.Truncate(given)
	if err != nil {
		return nil, err
	}
	cells, smooth, err := surface.Coarse(tree, coarseBlur, coarseLevel)
	if err != nil {
		return nil, err
	}
	if smooth.NumFaces() == 0 {
		smooth = cells
	}
	out := &coarse{}
	for _, x := range []struct {
		to *refined
		m  *mesh.Mesh
	}{{&out.Model, made}, {&out.Kept, kept}, {&out.Cells, cells}, {&out.Smooth, smooth}} {
		r, err := compare.Surfaces(x.m, source, o)
		if err != nil {
			return nil, err
		}
		x.to.Chamfer = r.ChamferL1
		x.to.F, _ = r.F(fThreshold)
		if x.to.IoU, err = surface.Overlap(x.m, kept, coarseDepth); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// coarseSummary are medians over the files, and how often the model is nearer to the source than
// the smooth surface.
type coarseSummary struct {
	coarse

	Nearer int `json:"nearer"` // files on which the model has the smaller Chamfer distance
	Fuller int `json:"fuller"` // and the larger IoU
}

// sumCoarse returns nil where no file was compared.
func sumCoarse(done []score) *coarseSummary {
	var all []*coarse
	for _, r := range done {
		if r.Coarse != nil {
			all = append(all, r.Coarse)
		}
	}
	if all == nil {
		return nil
	}
	column := func(of func(*coarse) float64) float64 {
		var list []float64
		for _, c := range all {
			list = append(list, of(c))
		}
		return median(list)
	}
	medians := func(of func(*coarse) refined) refined {
		return refined{
			Chamfer: column(func(c *coarse) float64 { return of(c).Chamfer }),
			F:       column(func(c *coarse) float64 { return of(c).F }),
			IoU:     column(func(c *coarse) float64 { return of(c).IoU }),
		}
	}
	s := &coarseSummary{coarse: coarse{
		Model: medians(func(c *coarse) refined { return c.Model }), Kept: medians(func(c *coarse) refined { return c.Kept }),
		Cells: medians(func(c *coarse) refined { return c.Cells }), Smooth: medians(func(c *coarse) refined { return c.Smooth }),
	}}
	for _, c := range all {
		if c.Model.Chamfer < c.Smooth.Chamfer {
			s.Nearer++
		}
		if c.Model.IoU > c.Smooth.IoU {
			s.Fuller++
		}
	}
	return s
}

func (s *coarseSummary) print(w io.Writer) error {
	if s == nil {
		return nil
	}
	for _, x := range []struct {
		name string
		of   refined
	}{{"model", s.Model}, {"cells given", s.Cells}, {"smooth through them", s.Smooth}, {"octree of the source", s.Kept}} {
		if _, err := fmt.Fprintf(w, "%21s: chamfer %.4f, F(0.02) %.3f, IoU %.3f\n", x.name, x.of.Chamfer, x.of.F, x.of.IoU); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "the model is nearer than the smooth surface on %s, and has more of the volume on %d\n", many(s.Nearer, "file"), s.Fuller)
	return err
}
