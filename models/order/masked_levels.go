package order

import (
	"fmt"
	"io"
	"slices"

	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/octree"
)

// MaskedLevels predicts an octree level by level in Morton order, and the nodes of a level
// in random sets. A node of the first levels has a flag: it splits into eight children, or
// it does not. Where none splits, the first does. A node of the last level has a code. Each
// set takes two runs. The first reads the condition and the known tokens of all levels so
// far, and keeps their hidden states. The second has a row for the condition and every node
// so far, and predicts the set. It is drawn at a temperature that falls to nearly 0 over the steps
// of a level. In the last steps of a level some known tokens are drawn again, see
// sample.Redraw. Rows have one id and four axes: x, y and z in half cells of the last level,
// and the level.
//
// A step that would reveal nothing is left out, since a level may have fewer nodes than
// steps. Positions are nodes level by level, and the place of a state is its row in the
// second run.
//
// Source: Wei et al., "OctGPT: Octree-based Multiscale Autoregressive Models for 3D Shape
// Generation", 2025, arXiv:2504.09975.
type MaskedLevels struct {
	Top, Depth int       // the first level, of which all nodes exist, and the last
	Most       int       // nodes at most, of all levels
	Steps      []int     // of each level
	Heat       []float32 // of each level's first step, what the request's temperature is multiplied by
	Again      float64   // share of the steps before those that draw tokens again
	Given      []uint32  // tokens of the first levels
	Order      []int32   // of all positions, level by level; of a level the last are predicted first; nil: random
	// Condition are the runs that read a text of so many rows. All rows see as many slots of
	// the cache.
	Condition []system.Run
	Text      int
	Buffer    int   // rows of the condition
	Class     int32 // their id; -1: none
	Kept      int32 // the place of the state that the first of them starts from, and as many behind it as the text has rows; -1: none
	// Ids: the flag 0 and behind it 1, what stands beside a code, and an unknown token.
	Split, Code, Unknown int32
	// Stages: the first run; the second, of flags and of codes; and where tokens are drawn again.
	Read         int
	Fill, Redraw [2]int
}

// LevelsAxes is the number of a row's axes in [MaskedLevels].
const LevelsAxes = 4

// Schedule returns the runs. They are made one by one, as they are asked for. Errors wrap
// system.ErrPrompt; those of the schedule also system.ErrTooLong.
func (m MaskedLevels) Schedule() (system.Schedule, error) {
	s := &maskedLevels{MaskedLevels: m, runs: m.Condition, levels: [][]octree.Key{octree.Full(m.Top)}, first: []int{0}}
	for s.end() <= len(m.Given) && s.level() < m.Depth {
		if err := s.grow(m.Given); err != nil {
			return nil, err
		}
	}
	if len(m.Given) != s.begin() {
		return nil, fmt.Errorf("order.MaskedLevels: %w: %d tokens are given, which end within level %d, from %d to %d", system.ErrPrompt, len(m.Given), s.level(), s.begin(), s.end())
	}
	return s, s.start()
}

type maskedLevels struct {
	MaskedLevels
	runs   []system.Run   // at hand
	levels [][]octree.Key // so far
	first  []int          // position of each
	known  []uint32       // tokens of all levels but the last
	order  []int32        // of the level's nodes
	step   int            // next
	left   int            // unknown nodes, the first of order
	word   func(i uint32) uint32
}

// level is the last level so far, which is being predicted, and begin and end are its positions.
func (s *maskedLevels) level() int { return s.Top + len(s.levels) - 1 }
func (s *maskedLevels) begin() int { return s.first[len(s.levels)-1] }
func (s *maskedLevels) end() int   { return s.begin() + len(s.levels[len(s.levels)-1]) }

// Seed implements system.Seeded.
func (s *maskedLevels) Seed(word func(i uint32) uint32) { s.word = word }

// IgnoresTokens reports whether Next has a run at hand, or predicts codes: those are fed on
// the device.
func (s *maskedLevels) IgnoresTokens() bool { return len(s.runs) > 0 || s.level() == s.Depth }

// grow adds the level that the flags of the last one describe.
func (s *maskedLevels) grow(tokens []uint32) error {
	end := s.end()
	if len(tokens) < end {
		return fmt.Errorf("order.MaskedLevels: %w: %d positions, level %d ends at %d", system.ErrPrompt, len(tokens), s.level(), end)
	}
	s.known = slices.Clone(tokens[:end])
	next := octree.Split(s.levels[len(s.levels)-1], tokens[s.begin():end])
	if end+len(next) > s.Most {
		return fmt.Errorf("order.MaskedLevels: %w: %d nodes up to level %d, at most %d", system.ErrTooLong, end+len(next), s.level()+1, s.Most)
	}
	s.levels, s.first = append(s.levels, next), append(s.first, end)
	return nil
}

// start begins a level.
func (s *maskedLevels) start() error {
	s.step, s.left, s.order = 0, s.end()-s.begin(), nil
	if s.Order == nil {
		return nil
	}
	if len(s.Order) < s.end() {
		return fmt.Errorf("order.MaskedLevels: %w: an order of %d positions, level %d ends at %d", system.ErrPrompt, len(s.Order), s.level(), s.end())
	}
	for _, p := range s.Order[s.begin():s.end()] {
		s.order = append(s.order, p-int32(s.begin()))
	}
	return checkOrder(s.order, s.left)
}

// Next implements system.Schedule.
func (s *maskedLevels) Next(tokens []uint32) (system.Run, error) {
	if len(s.runs) == 0 {
		if s.left == 0 {
			if s.level() == s.Depth {
				return system.Run{}, io.EOF
			}
			if err := s.grow(tokens); err != nil {
				return system.Run{}, err
			}
			if err := s.start(); err != nil {
				return system.Run{}, err
			}
		}
		s.predict(tokens)
	}
	r := s.runs[0]
	s.runs = s.runs[1:]
	return r, nil
}

// shuffle takes a random order of the level's nodes, if there is none.
func (s *maskedLevels) shuffle() {
	switch n := s.end() - s.begin(); {
	case s.order != nil:
	case s.word == nil: // nobody seeded it, as where steps are counted
		s.order = count(0, n)
	default:
		s.order = Shuffle(n, func(i uint32) uint32 { return s.word(uint32(s.begin()) + i) })
	}
}

// predict makes the runs of the next set.
func (s *maskedLevels) predict(tokens []uint32) {
	s.shuffle()
	n, steps := s.end()-s.begin(), s.Steps[len(s.levels)-1]
	left := Left(n, s.step, steps, s.left)
	for left == s.left {
		s.step++
		left = Left(n, s.step, steps, s.left)
	}
	known := slices.Sorted(slices.Values(s.order[s.left:]))
	if s.level() < s.Depth {
		s.known = append(slices.Clone(tokens), make([]uint32, max(s.end()-len(tokens), 0))...)
	}
	s.runs = []system.Run{s.read(known), s.fill(known, left)}
	s.left = left
	s.step++
}

// read is the run that reads the condition and the known tokens.
func (s *maskedLevels) read(known []int32) system.Run {
	r := system.Run{Stage: s.Read}
	for i := range s.Buffer {
		s.buffer(&r.Rows)
		r.Fixed = append(r.Fixed, s.Class)
		if s.Kept >= 0 {
			r.Recall = append(r.Recall, s.kept(i))
		}
		r.Keep = append(r.Keep, int32(i))
	}
	token := func(l, i int) {
		p := s.first[l] + i
		s.node(&r.Rows, l, i)
		r.Keep = append(r.Keep, int32(s.Buffer+p))
		if s.Top+l == s.Depth {
			r.Fixed, r.Inputs[r.N-1] = append(r.Fixed, s.Code), int32(p)
		} else {
			r.Fixed = append(r.Fixed, s.Split+int32(s.known[p]&1))
		}
		if s.Kept >= 0 {
			r.Recall = append(r.Recall, -1)
		}
	}
	last := len(s.levels) - 1
	for l, nodes := range s.levels[:last] {
		for i := range nodes {
			token(l, i)
		}
	}
	for _, i := range known {
		token(last, int(i))
	}
	r.Group = r.N
	return r
}

// kept is the place of the state that row i of the condition starts from.
func (s *maskedLevels) kept(i int) int32 {
	if i >= s.Text {
		return -1
	}
	return s.Kept + int32(i)
}

// buffer appends a row of the condition, which stands at the corner of the grid.
func (s *maskedLevels) buffer(r *system.Rows) {
	r.N++
	r.Inputs, r.Slot, r.KVLen, r.Axes = append(r.Inputs, system.Nothing), append(r.Slot, -1), append(r.KVLen, int32(s.Text)), append(r.Axes, 0, 0, 0, 0)
}

// node appends the row of node i of level l, which is fed nothing yet.
func (s *maskedLevels) node(r *system.Rows, l, i int) {
	s.buffer(r)
	x, y, z := s.levels[l][i].Decode()
	shift := s.Depth - s.Top - l
	copy(r.Axes[len(r.Axes)-LevelsAxes:], []int32{int32(2*x+1) << shift, int32(2*y+1) << shift, int32(2*z+1) << shift, int32(l)})
}

// fill is the run that predicts a set, after which so many nodes are unknown.
func (s *maskedLevels) fill(known []int32, left int) system.Run {
	r := system.Run{Stage: s.Fill[0]}
	kind, again := 0, float64(s.step) > s.Again*float64(s.Steps[len(s.levels)-1])
	if s.level() == s.Depth {
		kind = 1
	}
	if r.Stage = s.Fill[kind]; again {
		r.Stage = s.Redraw[kind]
	}
	for range s.Buffer {
		s.buffer(&r.Rows)
	}
	for l, nodes := range s.levels {
		for i := range nodes {
			s.node(&r.Rows, l, i)
		}
	}
	r.Recall, r.Fixed = count(0, r.N), fill(r.N, -1)
	for _, i := range s.order[:s.left] {
		at := s.Buffer + s.begin() + int(i)
		r.Recall[at], r.Fixed[at] = -1, s.Unknown
	}
	r.Group = r.N
	s.targets(&r, known, left, again)
	return r
}

// targets sets what a run predicts: the set, and if tokens are drawn again all nodes of the level.
func (s *maskedLevels) targets(r *system.Run, known []int32, left int, again bool) {
	status := make([]int32, s.end()-s.begin())
	for _, i := range s.order[:left] {
		status[i] = sample.Hidden
	}
	for _, i := range known {
		status[i] = sample.Filled
	}
	steps := s.Steps[len(s.levels)-1]
	heat := s.Heat[len(s.levels)-1] * float32(float64(steps-s.step)/float64(steps))
	t := &r.Targets
	for i, x := range status {
		if x == sample.Fresh || again {
			t.At, t.From = append(t.At, int32(s.begin()+i)), append(t.From, int32(s.Buffer+s.begin()+i))
			t.TokenRange, t.Heat = append(t.TokenRange, x, 0), append(t.Heat, heat)
		}
	}
	t.N, r.GroupTargets = len(t.At), len(t.At)
}
