package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/system"
)

// Preferences is the task of training on pairs of samples of one prompt, of which one is
// preferred. It raises the chance of the preferred one over that of the other, beside what
// both have in a frozen network:
//
//	loss = -log sigmoid(beta·(log p(a)/q(a) - log p(b)/q(b)))
//
// with p of the network, q of the frozen one, a preferred to b. A chance is that of the
// predicted tokens of a window, which begins as far into either sample. So the loss is that of
// truncated sequences.
//
// Source: Rafailov et al., "Direct Preference Optimization", 2023, arXiv:2305.18290, equation
// 7; truncated, QuadGPT, 2025, arXiv:2509.21420.
type Preferences struct {
	net, frozen    *Network
	beta           float64
	seed           uint64
	pairs, heldout Source
	loss           float64 // of the batch at hand
}

// NewPreferences makes the task. Samples 2i and 2i+1 of a source are a pair, the preferred one
// first. Both networks are of one system and of one size, of an even number of sequences. The
// error wraps [ErrOptions] if they are not, or if there are no pairs.
func NewPreferences(net, frozen *Network, beta float64, seed uint64, pairs, heldout Source) (*Preferences, error) {
	b, n := net.Batch()
	if fb, fn := frozen.Batch(); b%2 != 0 || fb != b || fn != n || net.in.teacher != nil || net.sys.Token.Bits > 0 || net.sys.Layout.Directions > 1 || !(beta > 0 && beta <= 100) {
		return nil, fmt.Errorf("train: %w: preferences of %d and %d sequences of %d and %d rows, beta %g; an even number, of indices that one row each predicts", ErrOptions, b, fb, n, fn, beta)
	}
	for _, s := range []Source{pairs, heldout} {
		if k := len(s.Rows()); k < 2 || k%2 != 0 {
			return nil, fmt.Errorf("train: %w: %d samples, where two each are a pair", ErrOptions, k)
		}
	}
	return &Preferences{net: net, frozen: frozen, beta: beta, seed: seed, pairs: pairs, heldout: heldout}, nil
}

// Store implements [Task].
func (p *Preferences) Store() *params.Store { return p.net.Store() }

// Losses implements [Task].
func (p *Preferences) Losses() *gpu.Tensor { return p.net.in.losses }

// Loss implements [Task]: that of the batch as it was set.
func (p *Preferences) Loss([]float32) float64 { return p.loss }

// Batch implements [Task]. It takes the forward pass of both networks.
func (p *Preferences) Batch(step int) (*gpu.Program, int, error) {
	r := rand.New(rand.NewPCG(p.seed, uint64(step)))
	var ws []Window
	for len(ws) < p.net.b {
		pair, err := p.windows(p.pairs, r.IntN(len(p.pairs.Rows())/2), [2]uint64{r.Uint64(), r.Uint64()})
		if err != nil {
			return nil, 0, err
		}
		ws = append(ws, pair...)
	}
	var n int
	var err error
	p.loss, n, err = p.set(ws)
	return p.net.both, n, err
}

// Heldout implements [Task]: the mean loss of all held-out pairs. Of networks that are equal it
// is log 2.
func (p *Preferences) Heldout() (float64, error) {
	sum, all := 0.0, len(p.heldout.Rows())/2
	for first := 0; first < all; first += p.net.b / 2 {
		var ws []Window
		for i := first; i < min(first+p.net.b/2, all); i++ {
			pair, err := p.windows(p.heldout, i, [2]uint64{heldoutChance, uint64(i)})
			if err != nil {
				return 0, err
			}
			ws = append(ws, pair...)
		}
		loss, _, err := p.set(ws)
		if err != nil {
			return 0, err
		}
		sum += loss * float64(len(ws)/2)
	}
	return sum / float64(all), nil
}

// windows returns the windows of a pair.
func (p *Preferences) windows(s Source, pair int, chance [2]uint64) (ws []Window, err error) {
	for i := range 2 {
		q, err := s.Sequence(2*pair + i)
		if err != nil {
			return nil, err
		}
		align := max(p.net.sys.Layout.Unit, 1)
		room := max((p.net.n-q.Sinks)/align*align, 1)
		free := max((q.N-q.Sinks-room+align-1)/align, 0)
		w := Window{From: q.Sinks + align*int(rand.New(rand.NewPCG(chance[0], chance[1])).Float64()*float64(free+1)), Chance: chance}
		w.To = min(w.From+room, q.N)
		if err := w.learn(p.net.sys, q); err != nil { // a lesson has a window of its own
			return nil, err
		}
		ws = append(ws, w)
	}
	if a, b := ws[0].Seq.Prompt, ws[1].Seq.Prompt; !slices.Equal(a.Points, b.Points) || a.Class != b.Class {
		return nil, fmt.Errorf("train: %w: samples %d and %d are of two prompts, and no pair", system.ErrPrompt, 2*pair, 2*pair+1)
	}
	return ws, nil
}

// set uploads pairs of windows, and weights of their tokens by which the backward pass of the
// cross-entropy gives the gradient of the loss. It returns the loss of a pair.
func (p *Preferences) set(ws []Window) (loss float64, tokens int, err error) {
	if tokens, err = p.net.SetBatch(ws); err != nil {
		return 0, 0, err
	}
	if _, err = p.frozen.SetBatch(ws); err != nil {
		return 0, 0, err
	}
	own, err := p.net.surprise()
	if err != nil {
		return 0, 0, err
	}
	before, err := p.frozen.surprise()
	if err != nil {
		return 0, 0, err
	}
	weight := make([]float64, p.net.b)
	for i := 0; i < len(ws); i += 2 {
		margin := p.beta * ((own[i+1] - before[i+1]) - (own[i] - before[i]))
		loss += softplus(-margin) / float64(len(ws)/2)
		weight[i] = p.beta / (1 + math.Exp(margin)) / float64(len(ws)/2)
		weight[i+1] = -weight[i]
	}
	for i := range p.net.in.hostWeight {
		if p.net.in.hostWeight[i] != 0 {
			p.net.in.hostWeight[i] = float32(weight[i/p.net.in.weights(p.net.n)])
		}
	}
	return loss, tokens, p.net.in.uploadWeight(p.net.store.Scale)
}

// softplus is log(1 + e^x).
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// surprise returns by sequence minus the logarithm of the chance of the batch's tokens.
func (t *Network) surprise() ([]float64, error) {
	if err := t.forward.Run(1); err != nil {
		return nil, err
	}
	l, err := t.in.loss.F32()
	if err != nil {
		return nil, err
	}
	out := make([]float64, t.b)
	for i, w := range t.in.hostWeight {
		if w != 0 {
			out[i/t.in.weights(t.n)] += float64(l[i])
		}
	}
	return out, nil
}
