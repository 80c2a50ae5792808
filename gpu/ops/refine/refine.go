package refine

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

const infoWords = 4

// infoOf is the number of words of a draw's info with so many branches.
func infoOf(branches int) int { return infoWords + max(branches-2, 0) }

// State is what tokens keep from pass to pass.
type State struct {
	X    *gpu.Tensor // f32 [m, c]: the tokens as they are
	At   *gpu.Tensor // i32 [n·m]: row of the table that the next pass takes, of all branches; -1: none
	Draw *gpu.Tensor // u32 [m, 8], as sample has it; lo and hi bound the rows of the table
	// Info is f32 [m, 4 or more]: temperature, guidance scale, canvas, 1 with a second branch,
	// and the scales between further branches.
	Info *gpu.Tensor
}

// NewState allocates the state of up to m draws of c numbers in up to so many branches, at
// least 2.
func NewState(dev *gpu.Device, m, c, branches int) (*State, error) {
	s := &State{}
	for _, x := range []struct {
		t     **gpu.Tensor
		typ   tensor.DType
		shape []int
	}{
		{&s.X, tensor.F32, []int{m, c}}, {&s.At, tensor.I32, []int{branches * m}}, {&s.Draw, tensor.U32, []int{m, sample.DrawWords}}, {&s.Info, tensor.F32, []int{m, infoOf(branches)}},
	} {
		t, err := dev.NewTensor(x.typ, x.shape...)
		if err != nil {
			s.Free()
			return nil, err
		}
		*x.t = t
	}
	return s, nil
}

// StateBytes is the memory of the state of m draws of c numbers in so many branches.
func StateBytes(m, c, branches int) uint64 {
	return 4 * uint64(m) * uint64(c+branches+sample.DrawWords+infoOf(branches))
}

// First returns the state of m draws in the same memory.
func (s *State) First(m int) *State {
	return &State{
		X: s.X.View(0, m, s.X.Dim(-1)), At: s.At.View(0, s.At.Elems()/s.X.Rows()*m), Draw: s.Draw.View(0, m, sample.DrawWords), Info: s.Info.View(0, m, s.Info.Dim(-1)),
	}
}

// Free gives the memory back.
func (s *State) Free() {
	if s == nil {
		return
	}
	s.X.Free()
	s.At.Free()
	s.Draw.Free()
	s.Info.Free()
}

func (s *State) wants() []launch.Want {
	m, c := s.X.Rows(), s.X.Dim(-1)
	n := max(s.At.Elems()/m, 2)
	return []launch.Want{
		launch.F32("X", s.X, m*c), launch.I32("At", s.At, n*m), launch.U32("Draw", s.Draw, m*sample.DrawWords), launch.F32("Info", s.Info, m*infoOf(n)),
	}
}

// branches is the number of branches in what a network says in rows of a width.
func (s *State) branches(where string, said *gpu.Tensor, width int) (int, error) {
	rows, wide, err := launch.Matrix(where, "Out", said)
	if err != nil {
		return 0, err
	}
	m := s.X.Rows()
	if rows%m != 0 || rows > s.At.Elems() || wide != width {
		return 0, launch.Error(where, "Out is %d rows of %d for %d draws of %d numbers in up to %d branches", rows, wide, m, width, s.At.Elems()/m)
	}
	return rows / m, nil
}

// Recorded are numbers that take the place of random ones, f32 [slots, l, n, c]: for each
// canvas and position the first noise, and then that of each pass. Tests inject them.
type Recorded = gpu.Tensor

// recorded returns the positions and entries a position of recorded numbers.
func recorded(where string, t *Recorded, c int) (l, n uint32, err error) {
	if t == nil {
		return 0, 0, nil
	}
	if t.DType != tensor.F32 || len(t.Shape) != 4 || t.Dim(3) != c {
		return 0, 0, launch.Error(where, "recorded numbers of %v, want f32 [slots, positions, passes, %d]", t.Shape, c)
	}
	return uint32(t.Dim(1)), uint32(t.Dim(2)), nil
}

// NoiseArgs are the operands of [Noise].
type NoiseArgs struct {
	Draw     *gpu.Tensor // u32 [m, 8], as sample has it
	Canvas   *gpu.Tensor // i32 [m]: slot of the canvas; only Recorded needs it
	Recorded *Recorded   // taken in place of random numbers; nil: none
	Out      *gpu.Tensor // f32 [m, c]
	Uniform  bool        // from -1/2 to 1/2, instead of normal
}

// Noise adds to a program random numbers for each draw: normal, or uniform between -1/2
// and 1/2. Numbers 4i to 4i+3 come from Philox with the counter (i, position, request,
// 256). A draw that is not active gets zeros. Normal numbers are those of Box and Muller
// within 2⁻²⁰/r + 10⁻⁶·r, r being the radius of the pair. Errors wrap [gpu.ErrShape].
//
// Source: Box and Muller, "A Note on the Generation of Random Normal Deviates", 1958.
func Noise(r *gpu.Recorder, a NoiseArgs) {
	const where = "refine.Noise"
	m, c, err := launch.Matrix(where, "Out", a.Out)
	if err == nil {
		err = launch.Check(where, launch.U32("Draw", a.Draw, m*sample.DrawWords), launch.Optional(launch.I32("Canvas", a.Canvas, m)))
	}
	l, n, rerr := recorded(where, a.Recorded, c)
	if err == nil && rerr == nil && a.Recorded != nil && a.Canvas == nil {
		rerr = launch.Error(where, "recorded numbers without canvases")
	}
	if err == nil {
		err = rerr
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "refine", "noise", launch.Flag(a.Uniform), launch.Flag(a.Recorded != nil)), Grid: gpu.Linear(m),
		In: []*gpu.Tensor{a.Draw, a.Canvas, a.Recorded}, Out: []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(m), uint32(c), l, n},
		Work:   launch.Work(20*m*c, a.Draw, a.Out),
	})
}

// BeginArgs are the operands of [Begin].
type BeginArgs struct {
	State                     *State
	Draw, Temp, Scale, Canvas *gpu.Tensor // of the step's m draws, see step.Rows
	Picks                     *gpu.Tensor // i32 [n·m]: whether a draw has a row of each branch; nil: one branch
	Recorded                  *Recorded   // in place of random numbers; nil: none
}

// Begin adds to a program the state that passes begin with: normal noise at the first row
// of each draw's part of the table. Errors wrap [gpu.ErrShape].
func Begin(r *gpu.Recorder, a BeginArgs) {
	const where = "refine.Begin"
	m := a.State.X.Rows()
	n := a.State.At.Elems() / m
	wants := append(a.State.wants(), launch.U32("Draw", a.Draw, m*sample.DrawWords), launch.F32("Temp", a.Temp, 3*m), launch.F32("Scale", a.Scale, (n-1)*m),
		launch.I32("Canvas", a.Canvas, m), launch.Optional(launch.I32("Picks", a.Picks, n*m)))
	if err := launch.Check(where, wants...); err != nil {
		r.Fail(err)
		return
	}
	Noise(r, NoiseArgs{Draw: a.Draw, Canvas: a.Canvas, Recorded: a.Recorded, Out: a.State.X})
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "refine", "begin"), Grid: gpu.Linear(launch.Ceil(m, r.Device().SubgroupWidth())),
		In: []*gpu.Tensor{a.Draw, a.Temp, a.Scale, a.Canvas, a.Picks}, Out: []*gpu.Tensor{a.State.Draw, a.State.Info, a.State.At},
		Params: []uint32{uint32(m), uint32(n), uint32(a.State.Info.Dim(-1))},
		Work:   launch.Work(0, a.Draw, a.Temp, a.Scale, a.Canvas, a.State.Draw, a.State.Info, a.State.At),
	})
}
