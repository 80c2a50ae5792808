package order

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/morton-gen/morton/models/system"
)

func square(side int) Grid { return Grid{T: 1, H: side, W: side} }

// class is a condition of one row.
func class(g Grid) Conditions {
	var c Conditions
	g.Condition(&c.Rows, 7)
	g.Condition(&c.Other, 8)
	return c
}

func transitions(n int) []int32 { return count(100, 100+n-1) }

func arpg(side, steps int, unknown Share) system.Schedule {
	s, err := Targets{H: side, W: side, Steps: steps, Unknown: unknown}.Schedule()
	if err != nil {
		panic(err)
	}
	return s
}

// anyOrder is seeded with words that count.
func anyOrder(side int) system.Schedule {
	g := square(side)
	s, err := Shuffled{Grid: g, Conditions: class(g), Target: 1000}.Schedule()
	if err != nil {
		panic(err)
	}
	s.(system.Seeded).Seed(func(i uint32) uint32 { return i * 0x9E3779B9 })
	return s
}

// inBlocks predicts 256 tokens behind a condition, seeded with words that count.
func inBlocks(size, steps int) func() system.Schedule {
	return func() system.Schedule {
		s, err := Blocks{N: 256, Size: size, Steps: steps}.Schedule()
		if err != nil {
			panic(err)
		}
		s.(system.Seeded).Seed(func(i uint32) uint32 { return i * 0x9E3779B9 })
		return s
	}
}

var clip = Grid{T: 8, H: 16, W: 16}

func denoised(g Grid, passes int, divide func(Grid) ([]Unit, error)) func() system.Schedule {
	return func() system.Schedule {
		units, err := divide(g)
		if err != nil {
			panic(err)
		}
		return Denoised{Grid: g, Units: units, Passes: passes}.Schedule()
	}
}

// orders are the schedules with the numbers that their papers state.
var orders = []struct {
	name             string
	s                func() system.Schedule
	positions, steps int
	times            int // each position is predicted
	keep             bool
}{
	{"LlamaGen 24x24", func() system.Schedule { g := square(24); return g.Raster(class(g), nil) }, 576, 576, 1, true},
	{"LlamaGen 1x1", func() system.Schedule { g := square(1); return g.Raster(class(g), nil) }, 1, 1, 1, true},
	{"PAR 24x24 by 4", func() system.Schedule { g := square(24); return g.Groups(class(g), 2, transitions(4), nil) }, 576, 147, 1, true},
	{"PAR 24x24 by 16", func() system.Schedule { g := square(24); return g.Groups(class(g), 4, transitions(16), nil) }, 576, 51, 1, true},
	{"PAR 5x16x16 by 4", func() system.Schedule {
		g := Grid{T: 5, H: 16, W: 16}
		return g.Groups(class(g), 2, transitions(4), nil)
	}, 1280, 323, 1, true},
	{"PAR 5x16x16 by 16", func() system.Schedule {
		g := Grid{T: 5, H: 16, W: 16}
		return g.Groups(class(g), 4, transitions(16), nil)
	}, 1280, 95, 1, true},
	{"NAR 16x16", func() system.Schedule { g := square(16); return g.Shells(class(g), 2, nil) }, 256, 31, 1, true},
	{"NAR 4x16x16", func() system.Schedule { g := Grid{T: 4, H: 16, W: 16}; return g.Shells(class(g), 3, nil) }, 1024, 34, 1, true},
	// Ten scales, behind a step that keeps the condition.
	{"VAR 256", func() system.Schedule {
		return Pyramid{Sides: []int{1, 2, 3, 4, 5, 6, 8, 10, 13, 16}, Fed: 1}.Schedule()
	}, 680, 1 + 10, 1, false},
	{"σ-GPT 16x16", func() system.Schedule { return anyOrder(16) }, 256, 256, 1, true},
	{"σ-GPT 1x1", func() system.Schedule { return anyOrder(1) }, 1, 1, 1, true},
	// A set is read in a step of its own, and the first step reads the condition.
	{"ARPG 16x16", func() system.Schedule { return arpg(16, 64, ArcCosine) }, 256, 2 * 64, 1, false},
	{"ARPG 16x16 by the cosine", func() system.Schedule { return arpg(16, 64, Cosine) }, 256, 2 * 64, 1, false},
	{"ARPG 2x2, more steps than tokens", func() system.Schedule { return arpg(2, 64, Cosine) }, 4, 2 * 4, 1, false},
	{"xAR 16x16, cells of 8x8, 50 passes", denoised(square(16), 50, func(g Grid) ([]Unit, error) { return g.Boxes(1, 8, 8) }), 256, 4 * 50, 50, false},
	// A unit costs one step, whatever it is.
	{"VideoAR, frames", denoised(clip, 1, func(g Grid) ([]Unit, error) { return g.Boxes(1, g.H, g.W) }), 2048, 8, 1, false},
	{"VideoAR, key frames", denoised(clip, 1, func(g Grid) ([]Unit, error) { return g.KeyFrames(4) }), 2048, 8, 1, false},
	{"VideoAR, scales", denoised(clip, 1, func(g Grid) ([]Unit, error) { return g.Halves(3) }), 2048 + 512 + 128, 3, 1, false},
	{"VideoAR, cubes of 2x2x2", denoised(clip, 1, func(g Grid) ([]Unit, error) { return g.Boxes(2, 2, 2) }), 2048, 256, 1, false},
	{"VideoAR, two of each axis", denoised(clip, 1, func(g Grid) ([]Unit, error) { return g.Boxes(4, 8, 8) }), 2048, 8, 1, false},
	{"VideoAR, cubes of 4x16x8 in two passes", denoised(clip, 2, func(g Grid) ([]Unit, error) { return g.Boxes(4, 16, 8) }), 2048, 4 * 2, 2, false},
	{"Token-Shuffle 16x16 by 2x2", func() system.Schedule { g := square(16); return g.Windows(class(g), 2, nil) }, 256, 64, 1, true},
	{"Token-Shuffle 32x32 by 4x4", func() system.Schedule { g := square(32); return g.Windows(class(g), 4, nil) }, 1024, 64, 1, true},
	{"Token-Shuffle 2x2 by 2x2", func() system.Schedule { g := square(2); return g.Windows(class(g), 2, nil) }, 4, 1, 1, true},
	{"coarse-to-fine 16x16", func() system.Schedule { g := square(16); return g.CoarseToFine(class(g), 512, nil) }, 2 * 256, 256 + 1, 1, false},
	{"coarse-to-fine 1x1", func() system.Schedule { g := square(1); return g.CoarseToFine(class(g), 512, nil) }, 2, 1 + 1, 1, false},
	// A token a step, whatever a block is. The condition alone is no step of its own.
	{"block diffusion by 1", inBlocks(1, 0), 256, 256, 1, false},
	{"block diffusion by 4", inBlocks(4, 0), 256, 256, 1, false},
	{"block diffusion by 16", inBlocks(16, 0), 256, 256, 1, false},
	{"block diffusion, one block", inBlocks(257, 0), 256, 256, 1, false},
	{"block diffusion by 16, one step each", inBlocks(16, 1), 256, 17, 1, false},
	{"block diffusion by 257 in 64 steps", inBlocks(257, 64), 256, 64, 1, false},
	{"FAR, ten levels of 16x16", func() system.Schedule {
		class := make([]int32, 64)
		return Bands{N: 256, Levels: 10, Class: class, OtherClass: class, Passes: func(int) (lo, hi int32) { return 0, 1 }}.Schedule()
	}, 10 * 256, 10, 1, false},
}

// TestNoRunIsEmpty holds that each run has rows, also where the condition predicts all.
func TestNoRunIsEmpty(t *testing.T) {
	for _, o := range orders {
		s := o.s()
		for tokens := make([]uint32, o.positions); ; {
			r, err := s.Next(tokens)
			if err == io.EOF {
				break
			}
			if err != nil || r.Rows.N == 0 {
				t.Fatalf("%s: a run of %d rows, %v", o.name, r.Rows.N, err)
			}
		}
	}
}

// TestCounts compares the steps of every order with its paper. Every position must be
// predicted the right number of times. Rows must be fed, and see, only what is there.
func TestCounts(t *testing.T) {
	for _, o := range orders {
		t.Run(o.name, func(t *testing.T) {
			w := walk{t: t, all: o.keep, done: map[int32]int{}, kept: make([]bool, 1<<14)}
			s := o.s()
			for {
				r, err := s.Next(nil)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				w.run(&r)
			}
			if w.steps != o.steps {
				t.Errorf("%d steps, want %d", w.steps, o.steps)
			}
			if len(w.done) != o.positions {
				t.Errorf("%d positions, want %d", len(w.done), o.positions)
			}
			for p, n := range w.done {
				if p < 0 || int(p) >= o.positions || n != o.times {
					t.Fatalf("position %d is predicted %d times, want %d", p, n, o.times)
				}
			}
			if kept := w.slots(); o.keep && kept != w.rows {
				t.Errorf("%d rows keep %d slots", w.rows, kept)
			}
		})
	}
}

// walk follows a schedule step by step.
type walk struct {
	t           *testing.T
	done        map[int32]int // positions that were predicted, how often
	kept        []bool        // slots of the cache that hold something
	steps, rows int
	all         bool // a row sees all rows up to the end of its step
}

func (w *walk) run(r *system.Run) {
	w.t.Helper()
	if r.N%r.Group != 0 || r.Targets.N != r.Steps()*r.GroupTargets || len(r.Targets.At) != r.Targets.N || len(r.KVLen) != r.N || len(r.Inputs)%r.N != 0 {
		w.t.Fatalf("a run of %d rows in groups of %d with %d draws of %d, columns of %d and %d", r.N, r.Group, r.Targets.N, r.GroupTargets, len(r.KVLen), len(r.Inputs))
	}
	for s := range r.Steps() {
		w.steps++
		w.keep(r, s)
		for i := s * r.Group; i < (s+1)*r.Group; i++ {
			each := len(r.Inputs) / r.N
			for _, from := range r.Inputs[i*each : (i+1)*each] {
				if from >= 0 && w.done[from] == 0 {
					w.t.Fatalf("step %d is fed position %d, which is not there", w.steps, from)
				}
			}
			if w.all && int(r.KVLen[i]) != w.rows {
				w.t.Fatalf("step %d: row %d sees %d slots of %d", w.steps, i, r.KVLen[i], w.rows)
			}
			for slot := range r.KVLen[i] {
				if !w.kept[slot] {
					w.t.Fatalf("step %d sees slot %d, which is empty", w.steps, slot)
				}
			}
		}
		for i := s * r.GroupTargets; i < (s+1)*r.GroupTargets; i++ {
			w.draw(r, i)
		}
	}
}

// keep puts the rows of a step where later ones see them.
func (w *walk) keep(r *system.Run, s int) {
	for i := s * r.Group; i < (s+1)*r.Group; i++ {
		at := int32(w.rows)
		if r.Slot != nil {
			at = r.Slot[i]
		}
		w.rows++
		if at >= 0 {
			w.kept[at] = true
		}
	}
}

// slots is how many hold something.
func (w *walk) slots() (n int) {
	for _, k := range w.kept {
		if k {
			n++
		}
	}
	return n
}

// draw predicts a position, from rows that are there.
func (w *walk) draw(r *system.Run, i int) {
	w.done[r.Targets.At[i]]++
	if r.Targets.From == nil {
		return
	}
	h, any := len(r.Targets.From)/r.Targets.N, false
	for _, from := range r.Targets.From[i*h : (i+1)*h] {
		if from >= int32(r.Group) {
			w.t.Fatalf("draw %d comes from row %d of %d", i, from, r.Group)
		}
		any = any || from >= 0
	}
	if !any {
		w.t.Fatalf("draw %d comes from nowhere", i)
	}
}

// TestUnits looks at the order of units and of what is in them.
func TestUnits(t *testing.T) {
	g := Grid{T: 3, H: 2, W: 4}
	for _, c := range []struct {
		name   string
		divide func() ([]Unit, error)
		at     [][]int32
		place  [][]int32 // nil: as at
	}{
		{"cubes", func() ([]Unit, error) { return Grid{T: 2, H: 2, W: 4}.Boxes(2, 1, 2) }, [][]int32{{0, 1, 8, 9}, {2, 3, 10, 11}, {4, 5, 12, 13}, {6, 7, 14, 15}}, nil},
		{"key frames", func() ([]Unit, error) { return g.KeyFrames(2) }, [][]int32{count(0, 8), count(16, 24), count(8, 16)}, nil},
		{"scales", func() ([]Unit, error) { return Grid{T: 2, H: 2, W: 4}.Halves(2) }, [][]int32{{16, 17, 18, 19}, count(0, 16)}, [][]int32{{5, 7, 13, 15}, count(0, 16)}},
	} {
		units, err := c.divide()
		if err != nil || len(units) != len(c.at) {
			t.Fatalf("%s: %v, %v", c.name, units, err)
		}
		if c.place == nil {
			c.place = c.at
		}
		for i, u := range units {
			if !slices.Equal(u.At, c.at[i]) || !slices.Equal(u.Place, c.place[i]) {
				t.Errorf("%s: unit %d is %v at %v, want %v at %v", c.name, i, u.At, u.Place, c.at[i], c.place[i])
			}
		}
	}
	for name, divide := range map[string]func() ([]Unit, error){
		"a cube that does not fit": func() ([]Unit, error) { return g.Boxes(2, 1, 1) }, "a cube of nothing": func() ([]Unit, error) { return g.Boxes(0, 1, 1) },
		"no stride": func() ([]Unit, error) { return g.KeyFrames(0) }, "a half row": func() ([]Unit, error) { return g.Halves(3) }, "no scale": func() ([]Unit, error) { return g.Halves(0) },
	} {
		if units, err := divide(); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("%s: %v, %v", name, units, err)
		}
	}
}

// TestTargets holds that every row of a shuffled order is told the cell that it predicts.
func TestTargets(t *testing.T) {
	s := anyOrder(4)
	var order []int32
	for {
		r, err := s.Next(nil)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range r.Targets.At {
			if r.Fixed[2*i+1] != 1000+at {
				t.Errorf("row %d predicts cell %d, and is told %d", i, at, r.Fixed[2*i+1]-1000)
			}
			if len(order) > 0 && r.Inputs[i] != order[len(order)-1] {
				t.Errorf("row %d is fed cell %d, want %d", i, r.Inputs[i], order[len(order)-1])
			}
			order = append(order, at)
		}
	}
	if slices.IsSorted(order) {
		t.Errorf("the order is not shuffled: %v", order)
	}
}
