package order

import "github.com/morton-gen/morton/models/system"

// Bands predicts a whole map of n tokens at every step, each time with more of its
// frequencies. A run has c rows of condition, and a row for each token, which is fed the
// token of the step before. All rows see each other, and stages count the steps.
//
// Every step has positions of its own: the last one the first n, the others those behind, in
// order. Ids of a row are its place's, and that of the condition or, of a token, of Bias. The
// only axis is the token's number, -1 for the condition.
//
// Source: Yu et al., "Frequency Autoregressive Image Generation with Continuous Tokens",
// 2025, arXiv:2503.05305.
type Bands struct {
	N, Levels  int
	Class      []int32                        // [c] ids of the condition's rows, and
	OtherClass []int32                        // without the condition
	Bias       int32                          // id of a token's rows; places begin with 0
	Scale      func(level int) float32        // of the guidance; nil: the request's
	Passes     func(level int) (lo, hi int32) // of a refiner
}

// first is the first position of a level; none before level 0.
func (b Bands) first(level int) int {
	if level == b.Levels-1 {
		return 0
	}
	return (level + 1) * b.N
}

// Schedule returns the runs.
func (b Bands) Schedule() system.Schedule {
	var runs []system.Run
	for k := range b.Levels {
		at := b.first(k)
		r := system.Run{Stage: k, GroupTargets: b.N, Targets: system.Targets{N: b.N, At: count(at, at+b.N), From: count(len(b.Class), len(b.Class)+b.N)}}
		r.Rows = b.rows(b.Class, k)
		other := b.rows(b.OtherClass, k)
		r.Other, r.Group = &other, r.N
		lo, hi := b.Passes(k)
		for range b.N {
			r.Targets.Passes = append(r.Targets.Passes, lo, hi)
			if b.Scale != nil {
				r.Targets.Scale = append(r.Targets.Scale, b.Scale(k))
			}
		}
		runs = append(runs, r)
	}
	return Fixed(runs...)
}

func (b Bands) rows(class []int32, level int) (r system.Rows) {
	c := len(class)
	r.N = c + b.N
	r.Slot, r.KVLen = count(0, r.N), fill(r.N, int32(r.N))
	for i := range r.N {
		id, fed := b.Bias, int32(system.Nothing)
		switch {
		case i < c:
			id = class[i]
		case level > 0:
			fed = int32(b.first(level-1) + i - c)
		}
		r.Fixed, r.Inputs, r.Axes = append(r.Fixed, int32(i), id), append(r.Inputs, fed), append(r.Axes, int32(max(i-c, -1)))
	}
	return r
}
