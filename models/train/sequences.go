package train

import (
	"fmt"
	"math/rand/v2"
	"sort"

	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/transformer"
)

// Sequences is the task of training a transformer on laid-out samples.
type Sequences struct {
	net      *transformer.Train
	align    int // windows start at multiples of it behind the pinned positions
	seed     uint64
	train    []*transformer.Sequence
	ends     []int // running sum of the sequences' lengths
	heldout  []transformer.Window
	batchLen int
}

// NewSequences makes the task. A batch holds windows drawn from the training samples.
// Each position is as likely as another. The held-out samples are cut into windows, and
// the held-out loss is over at most maxHeldout of them.
func NewSequences(net *transformer.Train, cfg transformer.Config, align int, seed uint64, train, heldout []*transformer.Sequence, maxHeldout int) (*Sequences, error) {
	s := &Sequences{net: net, align: max(align, 1), seed: seed, train: train}
	_, s.batchLen = net.Batch()
	total := 0
	for _, q := range train {
		total += q.N
		s.ends = append(s.ends, total)
	}
	if total == 0 {
		return nil, fmt.Errorf("train: %w: no training samples", ErrOptions)
	}
	for _, q := range heldout {
		s.heldout = append(s.heldout, s.cut(q)...)
	}
	if len(s.heldout) == 0 {
		return nil, fmt.Errorf("train: %w: no held-out samples", ErrOptions)
	}
	if maxHeldout > 0 && len(s.heldout) > maxHeldout { // spread over all samples
		var few []transformer.Window
		for i := range maxHeldout {
			few = append(few, s.heldout[i*len(s.heldout)/maxHeldout])
		}
		s.heldout = few
	}
	return s, nil
}

// Store returns the network's parameters.
func (s *Sequences) Store() *params.Store { return s.net.Store() }

// HeldoutWindows returns the windows that Heldout covers.
func (s *Sequences) HeldoutWindows() []transformer.Window { return s.heldout }

func (s *Sequences) room(q *transformer.Sequence) int {
	return max((s.batchLen-q.Pinned)/s.align*s.align, 1)
}

func (s *Sequences) cut(q *transformer.Sequence) []transformer.Window {
	var out []transformer.Window
	n, room := q.N, s.room(q)
	for from := q.Pinned; from < n; from += room {
		out = append(out, transformer.Window{Seq: q, From: from, To: min(from+room, n)})
	}
	return out
}

// window draws a window for one row of one batch.
func (s *Sequences) window(r *rand.Rand) transformer.Window {
	at := r.IntN(s.ends[len(s.ends)-1])
	q := s.train[sort.SearchInts(s.ends, at+1)]
	n, room := q.N, s.room(q)
	free := (n - q.Pinned - room + s.align - 1) / s.align // window starts beyond the first
	from := q.Pinned
	if free > 0 {
		// The start of a sample has no past: give it its share of windows.
		if k := r.IntN(free + 1 + free/4); k <= free {
			from += k * s.align
		}
	}
	return transformer.Window{Seq: q, From: from, To: min(from+room, n)}
}

// Step trains on batch number step.
func (s *Sequences) Step(step int) (float64, int, error) {
	r := rand.New(rand.NewPCG(s.seed, uint64(step)))
	b, _ := s.net.Batch()
	ws := make([]transformer.Window, b)
	for i := range ws {
		ws[i] = s.window(r)
	}
	n, err := s.net.SetBatch(ws)
	if err != nil {
		return 0, 0, err
	}
	loss, err := s.net.Backward()
	return loss, n, err
}

// Heldout returns the mean loss of a held-out token, in nats.
func (s *Sequences) Heldout() (float64, error) {
	b, _ := s.net.Batch()
	sum, count := 0.0, 0
	for at := 0; at < len(s.heldout); at += b {
		n, err := s.net.SetBatch(s.heldout[at:min(at+b, len(s.heldout))])
		if err != nil {
			return 0, err
		}
		loss, err := s.net.Forward()
		if err != nil {
			return 0, err
		}
		sum, count = sum+loss*float64(n), count+n
	}
	return sum / float64(max(count, 1)), nil
}
