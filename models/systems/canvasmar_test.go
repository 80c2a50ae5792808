package systems_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/head"
)

// tinyCanvasMAR is as large as the tiny VideoMAR.
func tinyCanvasMAR() named64 {
	s := shapes{
		"class_emb.weight": {vmClasses, vmWidth}, "fake_latent": {1, vmWidth}, "start_token": {1, vmWidth}, "pos_embed_learned": {1, vmCells, vmWidth},
		"canvas_proj.weight": {vmToken, vmWidth},
	}
	s.linear("z_proj", vmWidth, vmToken)
	s.linear("temporal_proj", vmWidth, vmToken)
	for _, part := range []string{"temporal", "canvas", "encoder", "decoder"} {
		s.vit(part+"_blocks.0.", vmWidth, 2*vmWidth)
		s.layerNorm(part+"_norm", vmWidth)
	}
	s.denoiser(vmHead, 2, vmToken, vmToken, vmWidth)
	return named64{s, &sync.Map{}}
}

// part passes rows through one of the parts.
func (o named64) part(name string, x [][]float64, steps []int, places [][3]int) [][]float64 {
	x = slices.Clone(x)
	o.block(name+"_blocks.0.", vmHeads, x, steps, places)
	for i := range x {
		x[i] = o.norm(name+"_norm", x[i])
	}
	return x
}

// canvasStates are the hidden states of the last frame, whose tokens are known where they are
// not nil, behind the frames before it.
func (o named64) canvasStates(table string, row int, frames [][][]float64) [][]float64 {
	place := func(x []float64, p int) []float64 { return plus(x, o.row("pos_embed_learned", p, vmWidth)) }
	start := o.row("start_token", 0, vmWidth)
	var x [][]float64
	var steps []int
	var places [][3]int
	for range vmBuffer {
		x, steps, places = append(x, o.row(table, row, vmWidth)), append(steps, 0), append(places, [3]int{})
	}
	for f := range frames {
		for p := range vmCells {
			v := start
			if f > 0 {
				v = o.linear("temporal_proj", frames[f-1][p])
			}
			x, steps, places = append(x, place(v, p)), append(steps, f), append(places, [3]int{f, p / vmSide, p % vmSide})
		}
	}
	x = o.part("temporal", x, steps, places)
	said := x[len(x)-vmCells:]

	last := len(frames) - 1
	var canvas [][]float64
	for p, z := range said {
		v := start
		if last > 0 {
			v = o.linear("z_proj", frames[last-1][p])
		}
		canvas = append(canvas, place(plus(z, v), p))
	}
	canvas = o.part("canvas", canvas, nil, nil)

	known, at := slices.Clone(said), map[int]int{}
	for p, token := range frames[last] {
		if token != nil {
			at[p] = len(known)
			known = append(known, place(o.linear("z_proj", token), p))
		}
	}
	known = o.part("encoder", known, nil, nil)
	all := slices.Clone(known[:vmCells])
	for p := range vmCells {
		if i, ok := at[p]; ok {
			all = append(all, known[i])
			continue
		}
		guess := make([]float64, vmToken)
		for i := range guess {
			for j, w := range o.row("canvas_proj.weight", i, vmWidth) {
				guess[i] += w * canvas[p][j]
			}
		}
		all = append(all, place(o.linear("z_proj", guess), p))
	}
	return o.part("decoder", all, nil, nil)[vmCells:]
}

// TestCanvasMAR draws clips with a tiny CanvasMAR, as TestVideoMAR does: the frames before, the
// guess of the next one, the sets that start from it, and the flow of each token are those of
// float64.
func TestCanvasMAR(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		o := tinyCanvasMAR()
		schedule := head.ShiftedFlow(3, 1)
		steps := o.checkClips(t, dev, "canvasmar", [2]int{3, 3}, o.canvasStates, func(_ int, c, u []float64, at int32, scale float64) []float64 {
			return o.denoised(schedule, c, u, at, scale, 1, vmToken)
		})
		if want := []int{3 * 3, 2, 2}; !slices.Equal(steps, want) {
			t.Errorf("%v steps, want %v", steps, want)
		}
	})
}
