package train

import (
	"fmt"
	"math/rand/v2"
	"sort"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/system"
)

// Sequences is the task of training a network on laid-out samples.
type Sequences struct {
	// Starts is the share of the windows that begin where their sample does, of samples longer
	// than a window. 0: about a fifth.
	Starts float64

	net     *Network
	align   int // windows start at multiples of it behind the sink rows
	seed    uint64
	train   Source
	ends    []int // running sum of the sequences' rows
	held    Source
	heldout []cut
}

// cut is a window of a held-out sample.
type cut struct{ sample, from, to int }

// NewSequences makes the task. A batch holds windows drawn from the training samples.
// Each row is as likely as another. The held-out samples are cut into windows, and
// the held-out loss is over at most maxHeldout of them; 0 means all.
func NewSequences(net *Network, seed uint64, train, heldout Source, maxHeldout int) (*Sequences, error) {
	s := &Sequences{net: net, align: max(net.sys.Layout.Unit, 1), seed: seed, train: train, held: heldout}
	total := 0
	for _, n := range train.Rows() {
		total += n
		s.ends = append(s.ends, total)
	}
	if total == 0 {
		return nil, fmt.Errorf("train: %w: no training samples", ErrOptions)
	}
	for i, n := range heldout.Rows() {
		s.cut(i, n)
	}
	if len(s.heldout) == 0 {
		return nil, fmt.Errorf("train: %w: no held-out samples", ErrOptions)
	}
	if maxHeldout > 0 && len(s.heldout) > maxHeldout { // spread over all samples
		var few []cut
		for i := range maxHeldout {
			few = append(few, s.heldout[i*len(s.heldout)/maxHeldout])
		}
		s.heldout = few
	}
	return s, nil
}

// Store returns the network's parameters.
func (s *Sequences) Store() *params.Store { return s.net.Store() }

// Evaluated is the number of held-out windows that the held-out loss is over.
func (s *Sequences) Evaluated() int { return len(s.heldout) }

// HeldoutWindows calls visit for the windows that Heldout covers, in order.
func (s *Sequences) HeldoutWindows(visit func(Window)) error {
	for _, c := range s.heldout {
		w, err := s.window(c)
		if err != nil {
			return err
		}
		visit(w)
	}
	return nil
}

// window lays a held-out window out. Its lessons are the same whenever it is asked for.
func (s *Sequences) window(c cut) (Window, error) {
	q, err := s.held.Sequence(c.sample)
	if err != nil {
		return Window{}, err
	}
	w := Window{From: c.from, To: c.to, Chance: [2]uint64{heldoutChance, uint64(c.sample)}}
	err = w.learn(s.net.sys, q)
	return w, err
}

// learn lays a sample out for the window's lesson, which has rows of its own number.
func (w *Window) learn(sys *system.System, q *Sequence) (err error) {
	if w.Seq, err = q.Lesson(sys, words(w.Chance[0], w.Chance[1])); err == nil && sys.Practice != nil {
		w.From, w.To = 0, w.Seq.N
	}
	return err
}

// heldoutChance seeds the lessons of held-out samples.
const heldoutChance = 0x68656c646f7574

// sinks is the number of rows that every window begins with.
func (s *Sequences) sinks() int { return s.net.sys.Layout.Sinks }

// room is the number of rows that a window has beside the pinned ones.
func (s *Sequences) room() int { return max((s.net.n-s.sinks())/s.align*s.align, 1) }

// cut cuts a held-out sample of n rows.
func (s *Sequences) cut(sample, n int) {
	for from := s.sinks(); from < n; from += s.room() {
		s.heldout = append(s.heldout, cut{sample, from, min(from+s.room(), n)})
	}
}

// draw draws a window for one sequence of one batch.
func (s *Sequences) draw(r *rand.Rand) (Window, error) {
	at := r.IntN(s.ends[len(s.ends)-1])
	q, err := s.train.Sequence(sort.SearchInts(s.ends, at+1))
	if err != nil {
		return Window{}, err
	}
	n, room := q.N, s.room()
	free := (n - q.Sinks - room + s.align - 1) / s.align // window starts beyond the first
	from := q.Sinks
	switch {
	case free <= 0:
	case s.Starts > 0:
		if r.Float64() >= s.Starts {
			from += (1 + r.IntN(free)) * s.align
		}
	default:
		// The start of a sample has no past: give it its share of windows.
		if k := r.IntN(free + 1 + free/4); k <= free {
			from += k * s.align
		}
	}
	w := Window{Seq: q, From: from, To: min(from+room, n)}
	if most := s.net.options.Noise; most > 0 {
		w.Noise, w.Seed = most*r.Float64(), r.Uint64()
	}
	if s.net.sys.Practice != nil || s.net.in.teacher != nil {
		w.Chance = [2]uint64{r.Uint64(), r.Uint64()}
		if err := w.learn(s.net.sys, q); err != nil {
			return Window{}, err
		}
	}
	if w.Seq.conditioned() {
		w.Drop = r.Float64() < s.net.sys.Dropout
	}
	return w, nil
}

// Batch implements [Task].
func (s *Sequences) Batch(step int) (*gpu.Program, int, error) {
	r := rand.New(rand.NewPCG(s.seed, uint64(step)))
	ws := make([]Window, s.net.b)
	for i := range ws {
		var err error
		if ws[i], err = s.draw(r); err != nil {
			return nil, 0, err
		}
	}
	n, err := s.net.SetBatch(ws)
	return s.net.both, n, err
}

// Losses implements [Task].
func (s *Sequences) Losses() *gpu.Tensor { return s.net.in.losses }

// Loss implements [Task].
func (s *Sequences) Loss(losses []float32) float64 { return s.net.in.sum(losses) }

// Heldout returns the mean loss of a held-out token, in nats.
func (s *Sequences) Heldout() (float64, error) {
	b, _ := s.net.Batch()
	sum, count := 0.0, 0
	var ws []Window
	for at, c := range s.heldout {
		w, err := s.window(c)
		if err != nil {
			return 0, err
		}
		if ws = append(ws, w); len(ws) < b && at+1 < len(s.heldout) {
			continue
		}
		n, err := s.net.SetBatch(ws)
		if err != nil {
			return 0, err
		}
		loss, err := s.net.Forward()
		if err != nil {
			return 0, err
		}
		sum, count, ws = sum+loss*float64(n), count+n, ws[:0]
	}
	return sum / float64(max(count, 1)), nil
}
