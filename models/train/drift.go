package train

import (
	"errors"
	"hash/fnv"
	"io"
	"math/rand/v2"

	"github.com/morton-gen/morton/models/system"
)

// Drift makes training samples look like what a model continues itself. From some run on,
// in a share of the samples, rows are fed what a [Blend] predicts of the runs before, and
// their features are those of that. What they predict stays the truth. So a network learns
// to come back from its own errors. What stands in a row's own unit (see
// system.Layout.Unit) is the truth, since a unit agrees with itself.
//
// Source: Bengio et al., "Scheduled Sampling for Sequence Prediction with Recurrent Neural
// Networks", 2015, arXiv:1506.03099, whose context comes from the network that is trained.
type Drift struct {
	Blend *Blend  // fitted
	Share float64 // of the samples
}

// lay lays a sample out, as [Flatten] does. Which runs are predicted follows from the
// tokens.
func (d *Drift) lay(s *system.System, prompt system.Prompt, tokens []uint32) (*Sequence, error) {
	words := s.Token.Words()
	positions := len(tokens) / words
	if d == nil || positions < 2 { // nothing is before a single position
		return Flatten(s, prompt, tokens)
	}
	r := rand.New(rand.NewPCG(hash(tokens), 0x6472696674))
	if r.Float64() >= d.Share {
		return Flatten(s, prompt, tokens)
	}
	runs, err := s.Schedule(prompt)
	if err != nil {
		return nil, err
	}
	fed := append([]uint32(nil), tokens...)
	q := &Sequence{Tokens: fed, First: positions, Prompt: prompt, Sinks: s.Layout.Sinks}
	known := 0
	first := r.IntN(positions-1) + 1 // position from which on tokens are predicted
	for q.Draws.N == 0 || q.Draws.N < positions-q.First {
		run, err := runs.Next(fed[:known*words])
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = q.add(s, &run)
		}
		if err != nil {
			return nil, err
		}
		for i := q.Draws.N - run.Targets.N; i < q.Draws.N; i++ {
			at := int(q.Draws.At[i])
			q.First, known = min(q.First, at), max(known, at+1)
			if int(run.Targets.At[0]) >= first {
				d.Blend.predict(q, i, fed[at*words:(at+1)*words])
			}
		}
	}
	q.Tokens, q.Fed = tokens, append(fed, tokens...)
	d.trustOwn(s, q, int32(positions))
	return q, nil
}

// trustOwn has rows fed the true tokens of their own unit, which stand n positions behind
// the others.
func (d *Drift) trustOwn(s *system.System, q *Sequence, n int32) {
	unit, each := int32(max(s.Layout.Unit, 1)), s.Layout.Inputs
	for i, row := range q.Draws.From {
		first := q.Draws.At[i] / unit * unit
		for f, at := range q.Inputs[int(row)*each:][:each] {
			if at >= first {
				q.Inputs[int(row)*each+f] = at + n
			}
		}
	}
}

func hash(tokens []uint32) uint64 {
	h := fnv.New64a()
	for _, x := range tokens {
		_, _ = h.Write([]byte{byte(x), byte(x >> 8), byte(x >> 16), byte(x >> 24)}) // never fails
	}
	return h.Sum64()
}

// predict writes the likeliest code of a draw.
func (b *Blend) predict(q *Sequence, draw int, code []uint32) {
	clear(code)
	b.each(q, draw, func(bit, before int, guess float32, _ int) {
		if k := b.weight[bit]; k[0]*sign(before)+k[1]*float64(guess)+k[2] > 0 {
			code[bit/32] |= 1 << (bit % 32)
		}
	})
}
