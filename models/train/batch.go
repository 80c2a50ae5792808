package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// Window fills a sequence of a batch: a sample's pinned rows, and a stretch of the others.
// Together they are at most n.
type Window struct {
	Seq      *Sequence
	From, To int  // rows [From, To), From at least Seq.Pinned
	Drop     bool // the condition, for guidance
	// Noise is the chance that a bit of a code that rows are fed is turned over, drawn
	// from Seed. What they predict stays as it is.
	Noise float64
	Seed  uint64
}

// SetBatch uploads windows, one a sequence; unused rows are masked out. It
// returns how many tokens are predicted.
func (t *Network) SetBatch(ws []Window) (int, error) {
	if len(ws) > t.b {
		return 0, fmt.Errorf("train.SetBatch: %w: %d windows for %d sequences", nn.ErrConfig, len(ws), t.b)
	}
	t.in.clear()
	counts := make([]int, len(ws))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, w := range ws { // each has rows of its own
		g.Go(func() (err error) {
			counts[i], err = t.setWindow(i, w)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	count := 0
	for _, n := range counts {
		count += n
	}
	for i, x := range t.in.hostWeight {
		t.in.hostWeight[i] = x / float32(max(count, 1))
	}
	return count, t.in.upload(t.store.Scale)
}

func (t *Network) setWindow(b int, w Window) (int, error) {
	q := w.Seq
	if q.Pinned+w.To-w.From > t.n || w.From < q.Pinned || w.To > q.N {
		return 0, fmt.Errorf("train.SetBatch: %w: window [%d, %d) of %d rows, %d pinned, room for %d", nn.ErrConfig, w.From, w.To, q.N, q.Pinned, t.n)
	}
	r := &q.Rows
	if w.Drop && q.Other != nil {
		r = q.Other
	}
	fed := w.noisy(t.sys.Token)
	for i := range q.Pinned + w.To - w.From {
		p := i
		if i >= q.Pinned {
			p = w.From + i - q.Pinned
		}
		t.in.setRow(b*t.n+i, r, p, fed)
	}
	return t.setTargets(b, w)
}

// noisy returns the sample's tokens with noise.
func (w *Window) noisy(token system.Token) []uint32 {
	if w.Noise <= 0 || token.Bits == 0 {
		return w.Seq.Tokens
	}
	out, words := slices.Clone(w.Seq.Tokens), token.Words()
	r := rand.New(rand.NewPCG(w.Seed, 0x6e6f697365)) // "noise"
	// The gaps between turned bits are geometric.
	gap := func() int { return int(math.Log(1-r.Float64()) / math.Log1p(-min(w.Noise, 0.5))) }
	for at := gap(); at < len(out)/words*token.Bits; at += 1 + gap() {
		bit := at % token.Bits
		out[at/token.Bits*words+bit/32] ^= 1 << (bit % 32)
	}
	return out
}

// setTargets says what the window predicts: the draws whose rows are all in it.
func (t *Network) setTargets(b int, w Window) (count int, err error) {
	q, words := w.Seq, t.sys.Token.Words()
	h := max(t.sys.Layout.Directions, 1)
	from := make([]int32, h)
	next := b * t.n // slot, with several directions
	for i, at := range q.Draws.At {
		if !w.rows(from, q.Draws.From[i*h:(i+1)*h], b*t.n) {
			continue
		}
		slot := int(from[0])
		if h > 1 {
			slot = next
			next++
		}
		if slot >= (b+1)*t.n || t.in.taken(slot) {
			return 0, fmt.Errorf("train.SetBatch: %w: %d draws of a sequence of %d rows, or a row that predicts two", nn.ErrConfig, q.Draws.N, t.n)
		}
		if h > 1 {
			copy(t.in.hostFrom[slot*h:], from)
		}
		count += t.in.setTarget(slot, q.Tokens[int(at)*words:(int(at)+1)*words], q.ignored(i, words))
	}
	return count, nil
}

// rows sets to[d] to the batch's row for each row of the sample, and reports whether the
// window, whose rows begin at first, has them all.
func (w *Window) rows(to, of []int32, first int) bool {
	for d, p := range of {
		to[d] = -1
		if p < 0 {
			continue
		}
		row := w.row(int(p))
		if row < 0 {
			return false
		}
		to[d] = int32(first + row)
	}
	return true
}

// row returns where row p of the sample is in the window, -1 if it is not.
func (w *Window) row(p int) int {
	switch pinned := w.Seq.Pinned; {
	case p < pinned:
		return p
	case p >= w.From && p < w.To:
		return pinned + p - w.From
	}
	return -1
}
