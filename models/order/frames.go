package order

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/morton-gen/morton/models/system"
)

// Frames predicts a video frame by frame, and each frame in random sets. A frame has a
// run that reads the frame before it, in a cache that all frames share. Then each set has
// two runs. One reads what the frame's first run has said and the known tokens. The other
// fills in the set. Rows have two ids, and are fed Fed tokens.
//
// Source: Deng et al., "Autoregressive Video Generation without Vector Quantization", 2024,
// arXiv:2412.14169.
type Frames struct {
	T, H, W int     // tokens of a clip
	Known   int     // frames that are given
	Steps   int     // sets of a frame at most
	Order   []int32 // of a frame's positions, the first of them predicted first; nil: random
	// Conditions are runs that keep the rows that the first frame's run begins with, in
	// places from 0 on. There are Prefix such rows. With Times a row for every frame is kept
	// behind them, from which the frame's rows start.
	Conditions []system.Run
	Prefix     int
	Times      bool
	// First has the rows of a frame start from what the first frame's run said, too.
	First bool
	Block int // rows and columns of tokens that a row of the frame's run reads at once
	// Canvas is the stage of one more run of a frame, which guesses all its tokens from what
	// the frame's run said and from the frame before; 0: none. Unknown rows of a set start
	// from the guess too, by their second state.
	Canvas int
	// Ids of the table: of the start, of what is read, of the first place of a frame's row;
	// then of a token, of an unknown one, and of the first place of a token.
	Start, Read, ReadPlaces, Token, Unknown, TokenPlaces int32
	Axes                                                 bool                        // rows have coordinates: frame, row, column
	Stages                                               [4]int                      // of the first run, of another frame, and of both runs of a set
	Scale                                                func(set, sets int) float32 // of the guidance; nil: the request's
	// Apart is the scale of guidance by the frames before, apart from that by the text, see
	// system.Targets. A third branch does not see them: all it is fed there is the start. 0:
	// there are two branches. It needs Scale.
	Apart  float32
	Passes func(set int) (lo, hi int32) // of a refiner; nil: all
}

// Schedule returns the runs. They are made set by set, as they are asked for.
func (f Frames) Schedule() (system.Schedule, error) {
	if f.Order != nil {
		if err := checkOrder(f.Order, f.H*f.W); err != nil {
			return nil, err
		}
	}
	return &frames{Frames: f, runs: f.Conditions}, nil
}

// Lesson returns the runs of one frame, of which as many positions as unknowns, the last in
// Order, are predicted in one set. The frames before it are known.
func (f Frames) Lesson(frame, unknowns int) (system.Schedule, error) {
	if err := checkOrder(f.Order, f.H*f.W); err != nil {
		return nil, err
	}
	if frame < 0 || frame >= f.T || unknowns < 1 || unknowns > f.H*f.W {
		return nil, fmt.Errorf("order: %w: %d positions of frame %d of %d", system.ErrPrompt, unknowns, frame, f.T)
	}
	l, runs := &frames{Frames: f}, f.Conditions
	for l.frame = range frame + 1 {
		runs = append(runs, l.read())
	}
	l.frame = frame
	runs = append(runs, l.canvas()...)
	known, set := f.Order[:f.H*f.W-unknowns], f.Order[f.H*f.W-unknowns:]
	return Fixed(append(runs, l.reread(known), l.fill(known, set, 0, 1))...), nil
}

type frames struct {
	Frames
	frame int // that was read last
	begun bool
	runs  []system.Run
	left  []int // sizes of the frame's sets to come
	set   int   // their number
	known int   // tokens of the frame
}

// Seed implements system.Seeded.
func (f *frames) Seed(word func(i uint32) uint32) {
	if f.Order == nil {
		f.Order = Shuffle(f.H*f.W, word)
	}
}

// IgnoresTokens reports that Next ignores the tokens.
func (f *frames) IgnoresTokens() bool { return true }

// Next implements system.Schedule.
func (f *frames) Next([]uint32) (system.Run, error) {
	if f.Order == nil { // nobody seeded it, as where steps are counted
		f.Order = count(0, f.H*f.W)
	}
	if len(f.runs) == 0 && !f.more() {
		return system.Run{}, io.EOF
	}
	r := f.runs[0]
	f.runs = f.runs[1:]
	return r, nil
}

// more makes the runs of the next set, or of the next frame in front of its sets.
func (f *frames) more() bool {
	if len(f.left) > 0 {
		known, all := f.Order[:f.known], f.set+len(f.left)
		f.runs = append(f.runs, f.reread(known), f.fill(known, f.Order[f.known:f.known+f.left[0]], f.set, all))
		f.known, f.left, f.set = f.known+f.left[0], f.left[1:], f.set+1
		return true
	}
	if f.begun {
		f.frame++
	}
	if f.frame == f.T {
		return false
	}
	f.begun = true
	f.runs = append(f.runs, f.read())
	if f.frame >= f.Known {
		f.runs = append(f.runs, f.canvas()...)
		f.left, f.set, f.known = sizes(f.H*f.W, f.Steps), 0, 0
	}
	return true
}

// blocks is the number of rows that read a frame.
func (f *Frames) blocks() int { return f.H * f.W / f.Block / f.Block }

// said is the place of the state that a frame's run has for block j, and half that of row
// j of a set's first run.
func (f *Frames) said(j int) int32 { return int32(f.Prefix + f.T + j) }
func (f *Frames) half(j int) int32 { return f.said(f.blocks() + j) }

// origin is the place of the state that the first frame's run has for block j.
func (f *Frames) origin(j int) int32 { return f.half(f.blocks() + f.H*f.W + j) }

// guess is the place of the state that a frame's canvas has for position p.
func (f *Frames) guess(p int) int32 { return f.origin(f.blocks() + p) }

// Places is the number of places of a clip of so many frames.
func (f *Frames) Places() int {
	if f.Canvas != 0 {
		return int(f.guess(f.H * f.W))
	}
	return int(f.origin(f.blocks()))
}

// rows collects rows of a run.
type rows struct {
	system.Run
	f *Frames
}

// add appends a row at the next cache slot, or that of slot.
func (r *rows) add(slot int, ids [2]int32, keep int32, recall [2]int32, axes [3]int, fed ...int32) {
	r.N++
	r.Slot, r.Fixed, r.Keep, r.Recall = append(r.Slot, int32(slot)), append(r.Fixed, ids[:]...), append(r.Keep, keep), append(r.Recall, recall[0])
	if r.f.First || r.f.Canvas != 0 {
		r.Recall = append(r.Recall, recall[1])
	}
	if r.f.Axes {
		r.Axes = append(r.Axes, int32(axes[0]), int32(axes[1]), int32(axes[2]))
	}
	for i := range r.f.Block * r.f.Block {
		at := int32(system.Nothing)
		if i < len(fed) {
			at = fed[i]
		}
		r.Inputs = append(r.Inputs, at)
	}
}

// whole makes the rows one step, in which they see so many slots.
func (r *rows) whole(sees int) system.Run {
	r.Group, r.KVLen = r.N, fill(r.N, int32(sees))
	return r.Run
}

// none stands for no ids and no states.
var none = [2]int32{-1, -1}

// from is a start from one kept state.
func from(place int32) [2]int32 { return [2]int32{place, -1} }

// heard is the place of what the frame's run has said of block j.
func (f *frames) heard(j int) int32 {
	if f.First && f.frame == 0 {
		return f.origin(j)
	}
	return f.said(j)
}

// read is the run that reads the frame before, or the conditions and the start.
func (f *frames) read() system.Run {
	r := rows{f: &f.Frames}
	n := f.blocks()
	if f.frame == 0 {
		for i := range f.Prefix {
			r.add(i, none, -1, from(int32(i)), [3]int{})
		}
	}
	for j := range n {
		y, x := j/(f.W/f.Block), j%(f.W/f.Block)
		id, fed, start, keep := f.Start, []int32(nil), none, f.said(j)
		if f.Times {
			start[0] = int32(f.Prefix + f.frame)
		}
		if f.First {
			start[1], keep = f.origin(j), f.said(j)
			if f.frame == 0 {
				start[1], keep = -1, f.origin(j)
			}
		}
		if f.frame > 0 {
			id = f.Read
			for i := range f.Block * f.Block {
				fed = append(fed, int32(((f.frame-1)*f.H+y*f.Block+i/f.Block)*f.W+x*f.Block+i%f.Block))
			}
		}
		r.add(f.Prefix+f.frame*n+j, [2]int32{id, f.ReadPlaces + int32(j)}, keep, start, [3]int{f.frame, y, x}, fed...)
	}
	r.Stage = f.Stages[min(f.frame, 1)]
	run := r.whole(f.Prefix + (f.frame+1)*n)
	if f.Apart != 0 {
		run.Further = []*system.Rows{f.blind(run.Rows)}
	}
	return run
}

// blind returns the rows of a frame's run for a branch that sees no frame: they start from
// nothing and have no place.
func (f *frames) blind(r system.Rows) *system.Rows {
	r.Fixed, r.Inputs, r.Recall = slices.Clone(r.Fixed), slices.Clone(r.Inputs), slices.Clone(r.Recall)
	recalls, fed := len(r.Recall)/r.N, len(r.Inputs)/r.N
	for i := r.N - f.blocks(); i < r.N; i++ {
		r.Fixed[2*i], r.Fixed[2*i+1], r.Recall[i*recalls] = f.Start, -1, -1
		copy(r.Inputs[i*fed:], fill(fed, system.Nothing))
	}
	return &r
}

// canvas is the run that guesses a frame, if there is one.
func (f *frames) canvas() []system.Run {
	if f.Canvas == 0 {
		return nil
	}
	r := rows{f: &f.Frames}
	for p := range f.H * f.W {
		y, x := p/f.W, p%f.W
		id, fed := f.Start, []int32(nil)
		if f.frame > 0 {
			id, fed = f.Token, []int32{int32((f.frame-1)*f.H*f.W + p)}
		}
		r.add(p, [2]int32{id, f.TokenPlaces + int32(p)}, f.guess(p), from(f.heard(y/f.Block*(f.W/f.Block)+x/f.Block)), [3]int{f.frame, y, x}, fed...)
	}
	r.Stage = f.Canvas
	return []system.Run{r.whole(r.N)}
}

func (f *frames) axes(p int32) [3]int { return [3]int{0, int(p) / f.W, int(p) % f.W} }

// reread is the run that reads what the frame's run has said, and the known tokens.
func (f *frames) reread(known []int32) system.Run {
	r := rows{f: &f.Frames}
	n := f.blocks()
	for j := range n {
		r.add(j, none, f.half(j), from(f.heard(j)), [3]int{})
	}
	for i, p := range known {
		r.add(n+i, [2]int32{f.Token, f.TokenPlaces + p}, f.half(n+int(p)), none, f.axes(p), int32(f.frame*f.H*f.W)+p)
	}
	r.Stage = f.Stages[2]
	return r.whole(r.N)
}

// fill is the run that predicts a set.
func (f *frames) fill(known, set []int32, number, of int) system.Run {
	r := rows{f: &f.Frames}
	n := f.blocks()
	for j := range n {
		r.add(j, none, -1, from(f.half(j)), [3]int{})
	}
	is := make([]bool, f.H*f.W)
	for _, p := range known {
		is[p] = true
	}
	for p := range int32(f.H * f.W) {
		if is[p] {
			r.add(n+int(p), none, -1, from(f.half(n+int(p))), f.axes(p))
		} else {
			start := none
			if f.Canvas != 0 {
				start[1] = f.guess(int(p))
			}
			r.add(n+int(p), [2]int32{f.Unknown, f.TokenPlaces + p}, -1, start, f.axes(p))
		}
	}
	r.Keep = nil
	r.GroupTargets, r.Targets.N = len(set), len(set)
	for _, p := range set {
		r.Targets.At, r.Targets.From = append(r.Targets.At, int32(f.frame*f.H*f.W)+p), append(r.Targets.From, int32(n)+p)
		if f.Passes != nil {
			lo, hi := f.Passes(number)
			r.Targets.Passes = append(r.Targets.Passes, lo, hi)
		}
		if f.Scale != nil {
			r.Targets.Scale = append(r.Targets.Scale, f.Scale(number, of))
			if f.Apart != 0 {
				r.Targets.Scale = append(r.Targets.Scale, f.Apart)
			}
		}
	}
	r.Stage = f.Stages[3]
	return r.whole(r.N)
}

// sizes returns the sizes of sets of n positions, by the cosine. Empty ones are left out.
func sizes(n, steps int) (out []int) {
	left := func(i int) int { return int(math.Round(math.Cos(math.Pi/2*float64(i)/float64(steps)) * float64(n))) }
	for i := range steps {
		if size := left(i) - left(i+1); size > 0 {
			out = append(out, size)
		}
	}
	return out
}
