package order

import (
	"slices"

	"github.com/morton-gen/morton/models/system"
)

// Pyramid predicts scales from an accumulated code. A first run keeps the condition as a
// hidden state, from which all rows start. A row is input tokens of the scales before, so
// that the rows of a scale are fed all of them, in order. Fixed ids of a row are its
// level's, its place's, and, at the first scale, the condition's and the start's. The rows of
// the others have the bias.
//
// A scale may be of several maps, such as the planes of a shape, whose tokens stand one map
// behind the other. Then all rows have their map's id where those of the first scale have the
// condition's.
//
// Source: Tian et al., "Visual Autoregressive Modeling", 2024, arXiv:2404.02905.
type Pyramid struct {
	Sides        []int
	Class, Other int32                   // ids of the condition, and of none
	Start        int32                   // id of the start, and
	Bias         int32                   // of what all rows but the first have in its place
	Levels       int32                   // id of the first level
	Places       int32                   // id of the first place
	Fed          int                     // tokens that a row is fed, see [FedByRow]
	Maps         int                     // of a scale; 0: one, that has no id
	Map          int32                   // id of the first
	Scale        func(scale int) float32 // of the guidance; nil: the request's
}

// FedByRow is the number of tokens that every row must be fed, so that the rows of each of
// n passes are fed the tokens of all passes before it. A pass has size(i) of both.
func FedByRow(n int, size func(i int) int) (fed int) {
	before := 0
	for i := range n {
		fed = max(fed, (before+size(i)-1)/size(i))
		before += size(i)
	}
	return fed
}

// Schedule returns the runs. Stage 0 keeps the condition, and stage k+1 predicts scale k.
func (p Pyramid) Schedule() system.Schedule {
	return Fixed(append([]system.Run{p.condition()}, p.Scales()...)...)
}

// Scales returns the runs without that of the condition.
func (p Pyramid) Scales() (runs []system.Run) {
	at := 0
	for k, side := range p.Sides {
		cells := side * side
		n := cells * max(p.Maps, 1)
		r := system.Run{Group: n, GroupTargets: n, Stage: k + 1, Targets: system.Targets{N: n, At: count(at, at+n)}}
		r.N, r.Slot, r.KVLen, r.Axes, r.Recall = n, count(at, at+n), fill(n, int32(at+n)), fill(n, 0), fill(n, 0)
		for i := range n {
			of := int32(-1)
			if p.Maps > 0 {
				of = p.Map + int32(i/cells)
			}
			r.Fixed = append(r.Fixed, p.Levels+int32(k), p.Places+int32(at+i), of, p.Bias)
			for j := range p.Fed {
				from := int32(system.Nothing)
				if x := i*p.Fed + j; x < at {
					from = int32(x)
				}
				r.Inputs = append(r.Inputs, from)
			}
		}
		if k == 0 {
			p.start(&r)
		}
		if p.Scale != nil {
			for range n {
				r.Targets.Scale = append(r.Targets.Scale, p.Scale(k))
			}
		}
		runs = append(runs, r)
		at += n
	}
	return runs
}

// start gives the rows of the first scale the start, and the condition where it has an id.
func (p Pyramid) start(r *system.Run) {
	for i := range r.N {
		r.Fixed[4*i+3] = p.Start
	}
	if p.Maps > 0 {
		return
	}
	other := r.Rows
	other.Fixed = slices.Clone(r.Fixed)
	for i := range r.N {
		r.Fixed[4*i+2], other.Fixed[4*i+2] = p.Class, p.Other
	}
	r.Other = &other
}

// condition is the run of one row that keeps the condition. It has no place in the cache.
func (p Pyramid) condition() system.Run {
	row := func(id int32) system.Rows {
		return system.Rows{
			N: 1, Fixed: []int32{id, -1, -1, -1}, Inputs: fill(p.Fed, system.Nothing), Axes: []int32{0}, KVLen: []int32{0}, Slot: []int32{-1}, Keep: []int32{0},
		}
	}
	other := row(p.Other)
	return system.Run{Rows: row(p.Class), Other: &other, Group: 1}
}

func fill(n int, x int32) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = x
	}
	return out
}
