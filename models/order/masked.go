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
	left := Left(m.N, m.step, m.Steps, m.left)
	for left == m.left { // more steps than positions
		m.step++
		left = Left(m.N, m.step, m.Steps, m.left)
	}
	m.sets = append(m.sets, [2]int{left, m.left})
	first := m.predict(m.Order[m.left:], m.Order[left:m.left], left)
	m.left = left
	m.step++
	return first, nil
}

// predict returns the first run of a set, and keeps the second if there is one.
func (m *masked) predict(known, set []int32, left int) system.Run {
	known, set = slices.Sorted(slices.Values(known)), slices.Sorted(slices.Values(set))
	r := m.fill(known, set, left)
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
	m.sets, m.Rewrites, m.step = m.sets[1:], m.Rewrites-1, m.Steps-1
	return m.predict(slices.Concat(m.Order[:from], m.Order[to:]), m.Order[from:to], 0), nil
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

// fill is the run that predicts a set, after which so many positions are unknown.
func (m *masked) fill(known, set []int32, left int) system.Run {
	c := len(m.Class)
	r := system.Run{Group: c + m.N, GroupTargets: len(set), Stage: m.Stage, Targets: system.Targets{N: len(set), At: set}}
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
	for _, p := range set {
		r.Targets.From = append(r.Targets.From, int32(c)+p)
		if m.Passes != nil {
			lo, hi := m.Passes(m.step)
			r.Targets.Passes = append(r.Targets.Passes, lo, hi)
		}
	}
	if m.Scale != nil {
		for range set {
			r.Targets.Scale = append(r.Targets.Scale, m.Scale(left))
		}
	}
	return r
}
