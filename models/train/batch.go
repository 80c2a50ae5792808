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

// Window fills a sequence of a batch: a sample's sink rows, and a stretch of the others.
// Together they are at most n.
type Window struct {
	Seq      *Sequence
	From, To int       // rows [From, To), From at least Seq.Pinned
	Drop     bool      // the condition, for guidance
	Chance   [2]uint64 // seeds of the lessons of real numbers
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
	for _, in := range t.before {
		in.clear()
	}
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
	for _, in := range t.before {
		if err := in.upload(); err != nil {
			return 0, err
		}
	}
	return count, t.in.upload(t.store.Scale)
}

func (t *Network) setWindow(b int, w Window) (int, error) {
	q := w.Seq
	if q.Sinks+w.To-w.From > t.n || w.From < q.Sinks || w.To > q.N {
		return 0, fmt.Errorf("train.SetBatch: %w: window [%d, %d) of %d rows, %d sinks, room for %d", nn.ErrConfig, w.From, w.To, q.N, q.Sinks, t.n)
	}
	kept := t.setBefore(b, w)
	r := q.rows(w.Drop)
	fed := w.noisy(t.sys.Token)
	for i := range q.Sinks + w.To - w.From {
		p := i
		if i >= q.Sinks {
			p = w.From + i - q.Sinks
		}
		t.in.setRow(b*t.n+i, r, p, fed, kept)
	}
	for i := range min(len(t.in.hostCanvas)/t.b, len(q.Tokens)) {
		t.in.hostCanvas[b*len(t.in.hostCanvas)/t.b+i] = int32(q.Tokens[i])
	}
	if t.in.teacher != nil {
		return t.setLessons(b, w), nil
	}
	return t.setTargets(b, w)
}

// rows are those of a pass, with or without the condition.
func (p *Part) rows(drop bool) *system.Rows {
	if drop && p.Other != nil {
		return p.Other
	}
	return &p.Rows
}

// setBefore sets the rows of the passes before the last, and returns the numbers of
// the states that are kept, by place.
func (t *Network) setBefore(b int, w Window) map[int32]int32 {
	kept, at := map[int32]int32{}, 0
	for i, in := range t.before {
		r, n, keeps := w.Seq.Before[i].rows(w.Drop), in.r/t.b, max(in.pass.Keeps, 1)
		for p := range r.N {
			in.setRow(b*n+p, r, p, w.Seq.Tokens, kept)
		}
		for p, place := range r.Keep {
			if place >= 0 {
				for k := range keeps {
					kept[place+int32(k)] = int32(at + (b*n+p)*keeps + k)
				}
			}
		}
		at += in.r * keeps
	}
	return kept
}

// setLessons makes the lessons of the tokens that the window's rows predict.
func (t *Network) setLessons(b int, w Window) int {
	slot := b * t.sys.Cells() * t.in.each
	w.lessons(t.sys.Token.Width, func(row, _ int, token []float32, within [2]int32, r *rand.Rand) {
		t.in.teach(slot, b*t.n+row, token, within, r)
		slot += t.in.each
	})
	return w.Seq.Draws.N
}

// lessons calls visit for every token of real numbers that the window predicts, with the
// row, its position, its bounds, and the random numbers of its lessons.
func (w *Window) lessons(width int, visit func(row, at int, token []float32, within [2]int32, r *rand.Rand)) {
	q, r := w.Seq, rand.New(rand.NewPCG(w.Chance[0], w.Chance[1]))
	for i, at := range q.Draws.At {
		visit(int(q.Draws.From[i]), int(at), reals(q.Tokens[int(at)*width:(int(at)+1)*width]), [2]int32(q.Draws.TokenRange[2*i:]), r)
	}
}

// noisy returns the tokens that rows are fed, with noise.
func (w *Window) noisy(token system.Token) []uint32 {
	fed := w.Seq.Tokens
	if w.Seq.Fed != nil {
		fed = w.Seq.Fed
	}
	if w.Noise <= 0 || token.Bits == 0 {
		return fed
	}
	out, words := slices.Clone(fed), token.Words()
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
	switch pinned := w.Seq.Sinks; {
	case p < pinned:
		return p
	case p >= w.From && p < w.To:
		return pinned + p - w.From
	}
	return -1
}
