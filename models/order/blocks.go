package order

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/morton-gen/morton/models/system"
)

// Blocks predicts a line of tokens in blocks, one after the other. A block starts from masks,
// and its tokens come in random order: one a step, or each in a random one of a few steps. Rows
// of a block see each other and the blocks before. The first step of a block also reads the
// block before it, whose tokens are known by then, and puts its keys in the place of those
// that masks have left.
//
// A row of condition stands before the line and belongs to the first block. A row has one id,
// which is -1 where it is fed a token, and its number as the only axis.
//
// Source: Arriola et al., "Block Diffusion: Interpolating Between Autoregressive and Diffusion
// Language Models", 2025, arXiv:2503.09573. One token a step is the first-hitting sampler of
// Zheng et al., "Masked Diffusion Models are Secretly Time-Agnostic Masked Models and Exploit
// Inaccurate Categorical Sampling", 2024, arXiv:2409.02908.
type Blocks struct {
	N, Size      int                      // tokens, and rows of a block
	Steps        int                      // of a block at most; 0: one token a step
	Order        []int32                  // of the positions: those of a block come in this order; nil: random
	Class, Other int32                    // ids of the condition, and of none
	Mask         int32                    // id of an unknown token
	Scale        func(before int) float32 // of the guidance, behind so many tokens; nil: the request's
	Commit       *Commit                  // when all tokens that are left of a block come at once; nil: never
}

// Schedule returns the runs. They are made block by block. Errors wrap system.ErrPrompt.
func (b Blocks) Schedule() (system.Schedule, error) {
	if b.N < 1 || b.Size < 1 || b.Steps < 0 {
		return nil, fmt.Errorf("order: %w: %d tokens in blocks of %d with %d steps", system.ErrPrompt, b.N, b.Size, b.Steps)
	}
	if err := b.Commit.Check(); err != nil {
		return nil, err
	}
	s := &blocks{Blocks: b, when: make([]float64, b.N)}
	if b.Order != nil {
		if err := checkOrder(b.Order, b.N); err != nil {
			return nil, err
		}
		s.inOrder()
	}
	if b.Commit != nil {
		return &surely{blocks: s}, nil
	}
	return s, nil
}

type blocks struct {
	Blocks
	when  []float64 // share of the block's steps behind which a token is known
	block int       // next
	drawn int       // tokens
	runs  []system.Run
}

// Seed implements system.Seeded.
func (s *blocks) Seed(word func(i uint32) uint32) {
	if s.Order == nil {
		for i := range s.when {
			s.when[i] = float64(word(uint32(i))) / (1 << 32)
		}
	}
}

// IgnoresTokens reports that Next ignores the tokens.
func (s *blocks) IgnoresTokens() bool { return true }

// inOrder spreads the tokens of every block evenly over its steps.
func (s *blocks) inOrder() {
	seen := map[int]int{}
	for _, p := range s.Order {
		k := s.blockOf(int(p) + 1)
		lo, hi := s.rowsOf(k)
		s.when[p] = float64(seen[k]) / float64(hi-max(lo, 1))
		seen[k]++
	}
}

func (s *blocks) blockOf(row int) int { return row / s.Size }

// rowsOf returns the rows [lo, hi) of a block.
func (s *blocks) rowsOf(block int) (lo, hi int) {
	return block * s.Size, min((block+1)*s.Size, s.N+1)
}

// Next implements system.Schedule.
func (s *blocks) Next([]uint32) (system.Run, error) {
	for len(s.runs) == 0 {
		if lo, _ := s.rowsOf(s.block); lo > s.N {
			return system.Run{}, io.EOF
		}
		s.runs = s.next()
		s.block++
	}
	r := s.runs[0]
	s.runs = s.runs[1:]
	return r, nil
}

// next returns the runs of the next block. Steps of as many tokens are one run, up to as many
// rows as the sequence has.
func (s *blocks) next() (runs []system.Run) {
	lo, hi := s.rowsOf(s.block)
	known := make([]bool, hi-lo)
	known[0] = lo == 0
	for i, set := range s.sets(max(lo, 1), hi) {
		if n := len(runs) - 1; i < 2 || runs[n].GroupTargets != len(set) || runs[n].N+hi-lo > s.N+1 {
			runs = append(runs, system.Run{Group: hi - lo, GroupTargets: len(set)})
		}
		s.step(&runs[len(runs)-1], known, set, i == 0)
		for _, row := range set {
			known[row-lo] = true
		}
		s.drawn += len(set)
	}
	return runs
}

// step appends to a run the rows of a step of the block, and the targets of some of them. The
// first step also reads the block before.
func (s *blocks) step(r *system.Run, known []bool, targets []int, first bool) {
	lo, hi := s.rowsOf(s.block)
	from := int32(0)
	if first && lo > 0 {
		before, end := s.rowsOf(s.block - 1)
		for row := before; row < end; row++ {
			s.row(r, row, end, true)
		}
		r.Group += end - before
		from = int32(end - before)
	}
	for row := lo; row < hi; row++ {
		s.row(r, row, hi, known[row-lo])
	}
	for _, row := range targets {
		r.Targets.N++
		r.Targets.At, r.Targets.From = append(r.Targets.At, int32(row-1)), append(r.Targets.From, from+int32(row-lo))
		if s.Scale != nil {
			r.Targets.Scale = append(r.Targets.Scale, s.Scale(s.drawn))
		}
	}
}

// surely are blocks that end early. Every step draws all tokens that the block lacks, those
// of its set behind which are the others. As long as the network is not sure of the others
// they are masks again, and are drawn once more.
type surely struct {
	*blocks
	known []bool
	sets  [][]int // of the block at hand, those to come
	gaps  []float32
}

// Sure implements system.Confident.
func (s *surely) Sure(gaps []float32) { s.gaps = gaps }

// Next implements system.Schedule.
func (s *surely) Next([]uint32) (system.Run, error) {
	lo, hi := s.rowsOf(s.block)
	if s.known != nil && (len(s.sets) == 0 || s.Commit.now(s.gaps, s.left(), hi-max(lo, 1))) {
		s.known, s.block = nil, s.block+1
		lo, hi = s.rowsOf(s.block)
	}
	if lo > s.N {
		return system.Run{}, io.EOF
	}
	first := s.known == nil
	if first {
		s.known, s.sets = make([]bool, hi-lo), s.blocks.sets(max(lo, 1), hi)
		s.known[0] = lo == 0
	}
	all := slices.Concat(s.sets...)
	r := system.Run{Group: hi - lo, GroupTargets: len(all)}
	s.step(&r, s.known, all, first)
	for _, row := range s.sets[0] {
		s.known[row-lo] = true
	}
	s.drawn += len(s.sets[0])
	s.sets = s.sets[1:]
	return r, nil
}

// left are the positions that the block still lacks.
func (s *surely) left() (at []int32) {
	for _, row := range slices.Concat(s.sets...) {
		at = append(at, int32(row-1))
	}
	return at
}

// sets returns the rows [lo, hi) by the step that predicts them. Steps that predict nothing
// are left out.
func (s *blocks) sets(lo, hi int) (sets [][]int) {
	rows := make([]int, hi-lo)
	for i := range rows {
		rows[i] = lo + i
	}
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(s.when[a-1], s.when[b-1]) })
	last := -1
	for i, row := range rows {
		step := i
		if s.Steps > 0 {
			step = int(s.when[row-1] * float64(s.Steps))
		}
		if step != last {
			sets = append(sets, nil)
		}
		sets[len(sets)-1] = append(sets[len(sets)-1], row)
		last = step
	}
	return sets
}

// row appends a row, which sees the first sees slots, in both branches.
func (s *blocks) row(r *system.Run, row, sees int, known bool) {
	if r.Other == nil {
		r.Other = &system.Rows{}
	}
	id, other, fed := s.Mask, s.Mask, int32(system.Nothing)
	switch {
	case row == 0:
		id, other = s.Class, s.Other
	case known:
		id, other, fed = -1, -1, int32(row-1)
	}
	for _, x := range []struct {
		*system.Rows
		id int32
	}{{&r.Rows, id}, {r.Other, other}} {
		x.N++
		x.Fixed, x.Inputs, x.Axes = append(x.Fixed, x.id), append(x.Inputs, fed), append(x.Axes, int32(row))
		x.KVLen, x.Slot = append(x.KVLen, int32(sees)), append(x.Slot, int32(row))
	}
}
