package order

import (
	"fmt"
	"io"
	"slices"

	"github.com/morton-gen/morton/models/system"
)

// Causal predicts a video frame by frame, and each frame in random sets, by one network
// without parts. A row stands for a token. It sees the condition, all frames before its
// own, and its own frame, whose unknown tokens stand there as such. A frame that is done is
// read once more, in the step of the next frame's first set, and its keys stay. So a frame
// takes a step a set.
//
// Source: VideoMAR, arXiv:2506.14168.
type Causal struct {
	T, H, W int     // tokens of a clip
	Known   int     // frames that are given
	Steps   int     // sets of a frame at most
	Order   []int32 // of every frame's positions: the last of them are predicted first; nil: random ones
	// Class has the ids of the condition's rows, and OtherClass those without the condition.
	Class, OtherClass []int32
	Token, Unknown    int32                                // ids beside a known token, and of an unknown one
	Scale             func(left int) float32               // of the guidance, when so many of a frame are unknown; nil: the request's
	Passes            func(frame, step int) (lo, hi int32) // of a refiner; nil: all
}

// Schedule returns the runs. They are made set by set, as they are asked for.
func (c Causal) Schedule() (system.Schedule, error) {
	if c.Order != nil {
		if err := checkOrder(c.Order, c.H*c.W); err != nil {
			return nil, err
		}
	}
	s := &causal{Causal: c, frame: c.Known - 1}
	if c.Known > 0 {
		s.runs = append(s.runs, c.condition().whole())
	}
	if c.Known > 1 { // the last one is read by the step behind it
		r := c.known(0, c.Known-1)
		r.Group = c.H * c.W
		s.runs = append(s.runs, r.Run)
	}
	return s, nil
}

// Lesson returns the runs of one frame, of which as many positions as unknowns, the first in
// Order, are predicted in one set. The frames before it are known.
func (c Causal) Lesson(frame, unknowns int) (system.Schedule, error) {
	if err := checkOrder(c.Order, c.H*c.W); err != nil {
		return nil, err
	}
	if frame < 0 || frame >= c.T || unknowns < 1 || unknowns > c.H*c.W {
		return nil, fmt.Errorf("order: %w: %d positions of frame %d of %d", system.ErrPrompt, unknowns, frame, c.T)
	}
	r := c.condition()
	r.join(c.known(0, frame))
	r.join(c.rowsOf(frame, c.Order[unknowns:]))
	return Fixed(c.predict(r, frame, 0, c.Order[:unknowns], 0)), nil
}

type causal struct {
	Causal
	frame int // that is predicted
	order []int32
	left  int // of its positions, the first of order
	step  int
	runs  []system.Run // of what is given
	word  func(i uint32) uint32
}

// Seed implements system.Seeded.
func (c *causal) Seed(word func(i uint32) uint32) { c.word = word }

// IgnoresTokens reports that Next ignores the tokens.
func (c *causal) IgnoresTokens() bool { return true }

// Next implements system.Schedule.
func (c *causal) Next([]uint32) (system.Run, error) {
	if len(c.runs) > 0 {
		r := c.runs[0]
		c.runs = c.runs[1:]
		return r, nil
	}
	rows := &causalRows{}
	if c.left == 0 {
		if c.frame++; c.frame >= c.T {
			return system.Run{}, io.EOF
		}
		c.order, c.left, c.step = c.shuffled(), c.H*c.W, 0
		rows = c.condition()
		if c.frame > 0 {
			rows = c.known(c.frame-1, c.frame)
		}
	}
	return c.set(rows), nil
}

// shuffled is the order of the frame.
func (c *causal) shuffled() []int32 {
	n := uint32(c.H * c.W)
	switch {
	case c.Order != nil:
		return c.Order
	case c.word == nil: // nobody seeded it, as where steps are counted
		return count(0, int(n))
	}
	return Shuffle(int(n), func(i uint32) uint32 { return c.word(uint32(c.frame)*n + i) })
}

// set is the step of the next set, behind some rows.
func (c *causal) set(rows *causalRows) system.Run {
	left := Left(c.H*c.W, c.step, c.Steps, c.left)
	for left == c.left { // more steps than positions
		c.step++
		left = Left(c.H*c.W, c.step, c.Steps, c.left)
	}
	rows.join(c.rowsOf(c.frame, c.order[c.left:]))
	r := c.predict(rows, c.frame, c.step, c.order[left:c.left], left)
	c.left = left
	c.step++
	return r
}

// causalRows are rows with and without the condition.
type causalRows struct {
	system.Run
	other []int32 // ids; nil: the same
}

// add appends a row.
func (r *causalRows) add(id, other, fed int32, slot, sees int, axes ...int32) {
	r.N++
	r.Fixed, r.other, r.Inputs = append(r.Fixed, id), append(r.other, other), append(r.Inputs, fed)
	r.Slot, r.KVLen, r.Axes = append(r.Slot, int32(slot)), append(r.KVLen, int32(sees)), append(r.Axes, axes...)
}

// join appends rows.
func (r *causalRows) join(more *causalRows) {
	r.N += more.N
	r.Fixed, r.other, r.Inputs = append(r.Fixed, more.Fixed...), append(r.other, more.other...), append(r.Inputs, more.Inputs...)
	r.Slot, r.KVLen, r.Axes = append(r.Slot, more.Slot...), append(r.KVLen, more.KVLen...), append(r.Axes, more.Axes...)
}

// whole makes the rows one step.
func (r *causalRows) whole() system.Run {
	r.Group = r.N
	if !slices.Equal(r.Fixed, r.other) {
		other := r.Rows
		other.Fixed = r.other
		r.Other = &other
	}
	return r.Run
}

// condition has the rows of the condition, which see each other.
func (c *Causal) condition() *causalRows {
	r := &causalRows{}
	for i, id := range c.Class {
		r.add(id, c.OtherClass[i], system.Nothing, i, len(c.Class), 0, 0, 0)
	}
	return r
}

// known has the rows of frames [from, to) whose tokens are known.
func (c *Causal) known(from, to int) *causalRows {
	r := &causalRows{}
	for f := from; f < to; f++ {
		r.join(c.rowsOf(f, count(0, c.H*c.W)))
	}
	return r
}

// rowsOf has the rows of a frame, some of whose tokens are known.
func (c *Causal) rowsOf(f int, known []int32) *causalRows {
	r, n := &causalRows{}, c.H*c.W
	is := make([]bool, n)
	for _, p := range known {
		is[p] = true
	}
	for p := range n {
		id, fed := c.Unknown, int32(system.Nothing)
		if is[p] {
			id, fed = c.Token, int32(f*n+p)
		}
		r.add(id, id, fed, len(c.Class)+f*n+p, len(c.Class)+(f+1)*n, int32(f), int32(p/c.W), int32(p%c.W))
	}
	return r
}

// predict is the step whose last rows are a frame's, of which it predicts a set. Then so many
// are unknown.
func (c *Causal) predict(rows *causalRows, frame, step int, set []int32, left int) system.Run {
	r := rows.whole()
	n := c.H * c.W
	r.GroupTargets, r.Targets.N = len(set), len(set)
	for _, p := range slices.Sorted(slices.Values(set)) {
		r.Targets.At, r.Targets.From = append(r.Targets.At, int32(frame*n)+p), append(r.Targets.From, int32(r.N-n)+p)
		if c.Passes != nil {
			lo, hi := c.Passes(frame, step)
			r.Targets.Passes = append(r.Targets.Passes, lo, hi)
		}
		if c.Scale != nil {
			r.Targets.Scale = append(r.Targets.Scale, c.Scale(left))
		}
	}
	return r
}
