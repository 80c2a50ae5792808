package order

import (
	"fmt"

	"github.com/morton-gen/morton/models/system"
)

// Unit is positions that are predicted together.
type Unit struct {
	At    []int32 // [n] positions
	Place []int32 // [n] cells of the grid, whose places the positions have
}

// Boxes divides a grid into boxes of t frames, h rows and w columns, in raster order over
// time, rows and columns. So are the cells of a box. A box of one frame as large as a
// frame is a frame. The error wraps system.ErrPrompt if boxes do not fill the grid.
//
// Source: cubes, Ren et al., "Autoregressive Video Generation beyond Next Frames
// Prediction", 2025, arXiv:2509.24081 (VideoAR); cells of a picture, Ren et al., "Beyond
// Next-Token: Next-X Prediction for Autoregressive Visual Generation", 2025,
// arXiv:2502.20388 (xAR).
func (g Grid) Boxes(t, h, w int) (units []Unit, err error) {
	if t < 1 || h < 1 || w < 1 || g.T%t != 0 || g.H%h != 0 || g.W%w != 0 {
		return nil, fmt.Errorf("order: %w: boxes of %dx%dx%d in a grid of %dx%dx%d", system.ErrPrompt, t, h, w, g.T, g.H, g.W)
	}
	for f := 0; f < g.T; f += t {
		for y := 0; y < g.H; y += h {
			for x := 0; x < g.W; x += w {
				units = append(units, g.box([3]int{f, y, x}, [3]int{t, h, w}))
			}
		}
	}
	return units, nil
}

// box is the unit of a box's cells.
func (g Grid) box(from, size [3]int) (u Unit) {
	for i := range size[0] * size[1] * size[2] {
		f, y, x := from[0]+i/(size[1]*size[2]), from[1]+i/size[2]%size[1], from[2]+i%size[2]
		u.At = append(u.At, int32((f*g.H+y)*g.W+x))
	}
	u.Place = u.At
	return u
}

// KeyFrames predicts every stride-th frame, and then those between, frame by frame. The
// error wraps system.ErrPrompt.
//
// Source: arXiv:2509.24081, key frames and then details.
func (g Grid) KeyFrames(stride int) (units []Unit, err error) {
	if stride < 1 {
		return nil, fmt.Errorf("order: %w: every %d frames", system.ErrPrompt, stride)
	}
	var between []Unit
	for f := range g.T {
		u := g.box([3]int{f, 0, 0}, [3]int{1, g.H, g.W})
		if f%stride == 0 {
			units = append(units, u)
		} else {
			between = append(between, u)
		}
	}
	return append(units, between...), nil
}

// Halves predicts a clip at several scales, all frames of a scale at once. The last is the
// grid; one before it has half as many rows and columns. Positions of the grid come first,
// behind them those of the other scales, the smallest first. A cell of a small scale has
// the place of the grid's cell at its centre. The error wraps system.ErrPrompt if halves
// do not fill the grid.
//
// Source: arXiv:2509.24081, from coarse to fine.
func (g Grid) Halves(scales int) (units []Unit, err error) {
	if scales < 1 || scales > 16 || g.H%(1<<(scales-1)) != 0 || g.W%(1<<(scales-1)) != 0 {
		return nil, fmt.Errorf("order: %w: %d scales of a grid of %dx%d", system.ErrPrompt, scales, g.H, g.W)
	}
	at := g.Cells()
	for s := scales - 1; s > 0; s-- {
		var u Unit
		h, w, half := g.H>>s, g.W>>s, 1<<(s-1)
		for i := range g.T * h * w {
			f, y, x := i/(h*w), i/w%h<<s+half, i%w<<s+half
			u.At, u.Place = append(u.At, int32(at+i)), append(u.Place, int32((f*g.H+y)*g.W+x))
		}
		units, at = append(units, u), at+len(u.At)
	}
	return append(units, g.box([3]int{}, [3]int{g.T, g.H, g.W})), nil
}

// Denoised predicts units one after the other by a network that is itself the denoiser. A
// unit starts from noise, and every pass of the network is a step. The first step of a unit
// also reads the unit before it, whose tokens are known by then, and puts its keys in the
// place of those that noise has left. So a unit of one pass costs one step. A row sees the
// units before its own, and its own.
//
// The first step of a unit has stage 0: rows of the unit before are fed their tokens, those
// of the unit nothing. The others have stage 1: rows are fed what the last pass left. Ids of
// a row are its place's in the frame, its frame's, and Bias. Axes are frame, row, column,
// condition and pass; tokens that are known have the number of passes as theirs.
//
// Source: Ren et al., xAR, 2025, arXiv:2502.20388; one pass a unit, arXiv:2509.24081
// (VideoAR).
type Denoised struct {
	Grid
	Units        []Unit
	Passes       int
	Class, Other int32                      // conditions, and none
	Places       []int32                    // ids of a frame's cells; nil: their numbers
	Frames, Bias int32                      // ids of the first frame, and of what all rows have
	Scale        func(unit, of int) float32 // of the guidance; nil: the request's
}

// DenoisedAxes are the coordinates of a row of [Denoised]. Those from DenoisedClass on are
// not positions.
const (
	DenoisedFixed = 3
	DenoisedAxes  = 5
	DenoisedClass = 3
	DenoisedPass  = 4
)

// Schedule returns the runs.
func (d Denoised) Schedule() system.Schedule {
	var runs []system.Run
	seen := 0
	for k, u := range d.Units {
		n, before := len(u.At), 0
		first := system.Run{GroupTargets: n}
		if k > 0 {
			before = len(d.Units[k-1].At)
			d.rows(&first, d.Units[k-1], seen-before, d.Passes, true)
		}
		d.rows(&first, u, seen, 0, false)
		first.Group = first.N
		d.draws(&first, u, k, before)
		runs = append(runs, first)
		if d.Passes > 1 {
			rest := system.Run{Group: n, GroupTargets: n, Stage: 1}
			for pass := 1; pass < d.Passes; pass++ {
				d.rows(&rest, u, seen, pass, true)
				d.draws(&rest, u, k, 0)
			}
			runs = append(runs, rest)
		}
		seen += n
	}
	return Fixed(runs...)
}

// rows appends the rows of a unit, whose cache slots begin at from.
func (d Denoised) rows(r *system.Run, u Unit, from, pass int, fed bool) {
	if r.Other == nil {
		r.Other = &system.Rows{}
	}
	for i, at := range u.At {
		place := int(u.Place[i])
		frame, cell, token := place/(d.H*d.W), place%(d.H*d.W), int32(system.Nothing)
		if fed {
			token = at
		}
		id := int32(cell)
		if d.Places != nil {
			id = d.Places[cell]
		}
		for _, x := range []struct {
			*system.Rows
			class int32
		}{{&r.Rows, d.Class}, {r.Other, d.Other}} {
			x.N++
			x.Fixed, x.Inputs = append(x.Fixed, id, d.Frames+int32(frame), d.Bias), append(x.Inputs, token)
			x.Axes = append(x.Axes, int32(frame), int32(cell/d.W), int32(cell%d.W), x.class, int32(pass))
			x.KVLen, x.Slot = append(x.KVLen, int32(from+len(u.At))), append(x.Slot, int32(from+i))
		}
	}
}

// draws appends the targets of unit k, whose rows stand behind others of the step.
func (d Denoised) draws(r *system.Run, u Unit, k, behind int) {
	w := &r.Targets
	for i, at := range u.At {
		w.N++
		w.At, w.From, w.TokenRange = append(w.At, at), append(w.From, int32(behind+i)), append(w.TokenRange, 0, int32(d.Passes))
		if d.Scale != nil {
			w.Scale = append(w.Scale, d.Scale(k, len(d.Units)))
		}
	}
}
