package order

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/morton-gen/morton/models/system"
)

// Masked predicts positions in random order, set by set. Each set takes two runs. The
// first reads the condition and the known tokens, which see each other. It keeps their
// hidden states. The second has a row for the condition and every position, which all see
// each other, and predicts the set. Tokens are n, behind c rows of condition, and the
// place of a hidden state is its row in the second run.
//
// Source: Li et al., "Autoregressive Image Generation without Vector Quantization", 2024,
// arXiv:2406.11838; He et al., "Masked Autoencoders Are Scalable Vision Learners", 2021,
// arXiv:2111.06377.
type Masked struct {
	N, Steps   int
	Unknowns   int     // positions that are unknown at first; 0: all
	Order      []int32 // of the positions: the last of them are predicted first; nil: random
	Class      []int32 // [c] ids of the condition's rows, and
	OtherClass []int32 // without the condition
	// Ids of the first run: Known stands beside a known token, and Places is that of the
	// first place. In the second Unknown stands at an unknown position, and Fill is that of
	// the first place.
	Known, Places, Unknown, Fill int32
	Stage                        int                           // of the second run; the first has stage 0
	Scale                        func(left int) float32        // of the guidance, when so many are unknown; nil: the request's
	Passes                       func(step int) (lo, hi int32) // of a refiner; nil: all
	// Rewrites is the number of sets that are predicted once more at the end, the first ones
	// first: they knew least of the others. Each then knows all other tokens. A position draws
	// with the random numbers that it had. At most all sets are rewritten.
	//
	// Source: arXiv:2506.06215, which rewrites windows of a text from what came later.
	Rewrites int
	// Once has one run a set, as in a network without an encoder of its own: a row for the
	// condition and every position, of which the known ones are fed their tokens. Its ids
	// are those of the second run, and Known.
	Once bool
	// Ahead is how many sets a draft predicts before they are checked: as one set, each with
	// the scale and the passes that it has alone. The first 15% of the steps are not
	// drafted. Up to 1 none is.
	//
	// Source: Wang et al., "Continuous Speculative Decoding for Autoregressive Image
	// Generation", 2024, arXiv:2411.11925.
	Ahead int
	// Sparse has the runs that fill in choose, once a share Whole of the steps is done, the keys that
	// they see from then on.
	Sparse bool
	Whole  float64
}

// Schedule returns the runs. They are made one by one, as they are asked for.
func (m Masked) Schedule() (system.Schedule, error) {
	if m.Order != nil {
		if err := checkOrder(m.Order, m.N); err != nil {
			return nil, err
		}
	}
	if m.Unknowns == 0 {
		m.Unknowns = m.N
	}
	return &masked{Masked: m, left: m.Unknowns}, nil
}

func checkOrder(order []int32, n int) error {
	seen := make([]bool, n)
	for _, p := range order {
		if p < 0 || int(p) >= n || seen[p] {
			return fmt.Errorf("order: %w: position %d of %d stands twice in the order, or is none", system.ErrPrompt, p, n)
		}
		seen[p] = true
	}
	if len(order) != n {
		return fmt.Errorf("order: %w: an order of %d positions, want %d", system.ErrPrompt, len(order), n)
	}
	return nil
}

// Shuffle is a random order of n positions.
//
// Source: Durstenfeld, "Algorithm 235: Random permutation", 1964.
func Shuffle(n int, word func(i uint32) uint32) []int32 {
	out := count(0, n)
	for i := n - 1; i > 0; i-- {
		j := int(uint64(word(uint32(i))) * uint64(i+1) >> 32)
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// Left returns how many of n positions are unknown after step k of so many: the cosine,
// rounded down, and at least one fewer than before. Only the last step leaves none.
func Left(n, k, steps, before int) int { return Cosine.left(n, k, steps, before) }

// Share is the share of positions that are unknown when a share x of the steps is done.
type Share func(x float64) float64

// Cosine reveals few positions first, and ArcCosine more.
var (
	Cosine    Share = func(x float64) float64 { return math.Cos(math.Pi / 2 * x) }
	ArcCosine Share = func(x float64) float64 { return math.Acos(x) / (math.Pi / 2) }
)

func (s Share) left(n, k, steps, before int) int {
	if k >= steps-1 {
		return 0
	}
	return max(min(int(s(float64(k+1)/float64(steps))*float64(n)), before-1), 1)
}

type masked struct {
	Masked
	step int // next
	left int // unknown positions, the first of Order
	then *system.Run
	sets [][2]int // of Order, those predicted so far

	chosen bool // the keys that are seen
}

// Seed implements system.Seeded.
func (m *masked) Seed(word func(i uint32) uint32) {
	if m.Order == nil {
		m.Order = Shuffle(m.N, word)
	}
}

// IgnoresTokens reports that Next ignores the tokens.
func (m *masked) IgnoresTokens() bool { return true }

// Next implements system.Schedule.
func (m *masked) Next([]uint32) (system.Run, error) {
	if m.then != nil {
		r := *m.then
		m.then = nil
		return r, nil
	}
	if m.left == 0 {
		return m.rewrite()
	}
	if m.Order == nil { // nobody seeded it, as where steps are counted
		m.Order = count(0, m.N)
	}
	known := m.Order[m.left:]
	together := []set{m.next()}
	for drafted := m.Ahead > 1 && float64(together[0].step) > undrafted*float64(m.Steps); drafted && len(together) < m.Ahead && m.left > 0; {
		together = append(together, m.next())
	}
	return m.predict(known, together...), nil
}

// undrafted is the share of the steps that is never drafted. The first tokens are those that
// models of different sizes agree least about.
const undrafted = 0.15

// set is positions that are predicted together.
type set struct {
	at   []int32
	left int // positions that are unknown after it
	step int
}

// next returns the next set.
func (m *masked) next() set {
	left := Left(m.N, m.step, m.Steps, m.left)
	for left == m.left { // more steps than positions
		m.step++
		left = Left(m.N, m.step, m.Steps, m.left)
	}
	m.sets = append(m.sets, [2]int{left, m.left})
	s := set{slices.Sorted(slices.Values(m.Order[left:m.left])), left, m.step}
	m.left = left
	m.step++
	return s
}

// predict returns the first run of sets that are predicted together, and keeps the second if
// there is one.
func (m *masked) predict(known []int32, sets ...set) system.Run {
	known = slices.Sorted(slices.Values(known))
	r := m.fill(known, sets)
	r.Drafted = len(sets) > 1
	if m.Once {
		m.feed(&r, known)
		return r
	}
	m.then = &r
	return m.read(known)
}

// rewrite returns the first run of the next set that is rewritten, with the passes of the
// last step.
func (m *masked) rewrite() (system.Run, error) {
	if m.Rewrites <= 0 || len(m.sets) == 0 {
		return system.Run{}, io.EOF
	}
	from, to := m.sets[0][0], m.sets[0][1]
	m.sets, m.Rewrites = m.sets[1:], m.Rewrites-1
	again := set{slices.Sorted(slices.Values(m.Order[from:to])), 0, m.Steps - 1}
	return m.predict(slices.Concat(m.Order[:from], m.Order[to:]), again), nil
}

// feed turns the run that fills in tokens into one that reads the known ones too.
func (m *masked) feed(r *system.Run, known []int32) {
	r.Recall = nil
	for _, p := range known {
		i := len(m.Class) + int(p)
		r.Inputs[i], r.Fixed[2*i] = p, m.Known
	}
	other := r.Rows
	other.Fixed = slices.Clone(r.Fixed)
	for i := range m.Class {
		r.Fixed[2*i], other.Fixed[2*i] = m.Class[i], m.OtherClass[i]
	}
	r.Other = &other
}

// read is the run that reads the condition and the known tokens.
func (m *masked) read(known []int32) system.Run {
	c := len(m.Class)
	r := system.Run{Group: c + len(known)}
	r.N = r.Group
	r.Slot, r.KVLen, r.Axes, r.Keep = count(0, r.N), fill(r.N, int32(r.N)), fill(r.N, -1), count(0, c)
	for i, id := range m.Class {
		r.Fixed, r.Inputs = append(r.Fixed, id, m.Places+int32(i)), append(r.Inputs, system.Nothing)
	}
	for _, p := range known {
		r.Fixed, r.Inputs, r.Keep = append(r.Fixed, m.Known, m.Places+int32(c)+p), append(r.Inputs, p), append(r.Keep, int32(c)+p)
	}
	other := r.Rows
	other.Fixed = slices.Clone(r.Fixed)
	for i, id := range m.OtherClass {
		other.Fixed[2*i] = id
	}
	r.Other = &other
	return r
}

// fill is the run that predicts sets.
func (m *masked) fill(known []int32, sets []set) system.Run {
	c := len(m.Class)
	r := system.Run{Group: c + m.N, Stage: m.Stage, Pattern: m.pattern(sets[0].step)}
	r.N = r.Group
	r.Slot, r.KVLen, r.Inputs = count(0, r.N), fill(r.N, int32(r.N)), fill(r.N, system.Nothing)
	r.Axes, r.Recall = append(fill(c, -1), count(0, m.N)...), append(count(0, c), fill(m.N, -1)...)
	for _, p := range known {
		r.Recall[c+int(p)] = int32(c) + p
	}
	for i := range r.N {
		id := m.Unknown
		if r.Recall[i] >= 0 {
			id = -1
		}
		r.Fixed = append(r.Fixed, id, m.Fill+int32(i))
	}
	for _, s := range sets {
		m.ask(&r, s)
	}
	return r
}

// pattern says what the run of a step does with the pattern of attention.
func (m *masked) pattern(step int) system.Pattern {
	switch {
	case !m.Sparse || float64(step) < m.Whole*float64(m.Steps):
		return system.Full
	case !m.chosen:
		m.chosen = true
		return system.Chooses
	}
	return system.Chosen
}

// ask adds the targets of a set to a run.
func (m *masked) ask(r *system.Run, s set) {
	t := &r.Targets
	t.N, t.At = t.N+len(s.at), append(t.At, s.at...)
	r.GroupTargets = t.N
	for _, p := range s.at {
		t.From = append(t.From, int32(len(m.Class))+p)
		if m.Passes != nil {
			lo, hi := m.Passes(s.step)
			t.Passes = append(t.Passes, lo, hi)
		}
		if m.Scale != nil {
			t.Scale = append(t.Scale, m.Scale(s.left))
		}
	}
}
