package train

import (
	"math"

	"github.com/morton-gen/morton/models/transformer"
)

// Tables returns the held-out loss of a unigram and a bigram table built from the
// training samples. It is in nats a token, as Sequences.Heldout counts. A network that
// has learned anything beats them.
//
// Every sub-token (or bit) has tables of its own. The bigram table is indexed by the
// same sub-token of the token before. For bits that is the first token the position is
// fed, the cell before in time. Counts start at half a count, and a bigram backs off to
// the unigram with a weight of four counts.
func Tables(c transformer.Config, train []*transformer.Sequence, heldout []transformer.Window) []Line {
	t := newTables(c)
	for _, q := range train {
		for p := q.Draw; p < q.N; p++ {
			t.each(q, p, t.count)
		}
	}
	var uni, bi float64
	tokens := 0
	for _, w := range heldout {
		for p := max(w.From, w.Seq.Draw); p < w.To; p++ {
			parts := 0
			t.each(w.Seq, p, func(part, before, token int) {
				u, b := t.probability(part, before, token)
				uni, bi = uni-math.Log(u), bi-math.Log(b)
				parts++
			})
			if c.Bits > 0 {
				parts = 1
			}
			tokens += parts
		}
	}
	n := float64(max(tokens, 1))
	return []Line{{"unigram", uni / n}, {"bigram", bi / n}}
}

type tables struct {
	cfg          transformer.Config
	values       int         // of one sub-token or bit
	uni          [][]float64 // [part][value]
	uniTotal     []float64
	bi           []map[int]float64 // [part][before·values + value]
	biTotal      []map[int]float64 // [part][before]
	parts, words int
}

func newTables(c transformer.Config) *tables {
	t := &tables{cfg: c, values: c.Vocab, parts: c.Sub, words: c.Words()}
	if c.Bits > 0 {
		t.values, t.parts = 2, c.Bits
	}
	for range t.parts {
		t.uni = append(t.uni, make([]float64, t.values))
		t.bi, t.biTotal = append(t.bi, map[int]float64{}), append(t.biTotal, map[int]float64{})
	}
	t.uniTotal = make([]float64, t.parts)
	return t
}

// each calls visit for every predicted part of a position; before is -1 where
// there is no token before.
func (t *tables) each(q *transformer.Sequence, p int, visit func(part, before, token int)) {
	from := p - 1
	if t.cfg.Bits > 0 {
		from = int(q.Fed[p*t.cfg.Fed])
	}
	if from < q.Draw {
		from = -1
	}
	for part := range t.parts {
		if t.cfg.Bits == 0 && part >= t.parts-q.Ignored(p, t.words) {
			break
		}
		before := -1
		if from >= 0 {
			before = t.value(q, from, part)
		}
		visit(part, before, t.value(q, p, part))
	}
}

func (t *tables) value(q *transformer.Sequence, p, part int) int {
	if t.cfg.Bits > 0 {
		return int(q.Tokens[p*t.words+part/32] >> (part % 32) & 1)
	}
	return int(q.Tokens[p*t.words+part])
}

func (t *tables) count(part, before, token int) {
	t.uni[part][token]++
	t.uniTotal[part]++
	t.bi[part][before*t.values+token]++
	t.biTotal[part][before]++
}

func (t *tables) probability(part, before, token int) (unigram, bigram float64) {
	const half, backOff = 0.5, 4.0
	u := (t.uni[part][token] + half) / (t.uniTotal[part] + half*float64(t.values))
	b := (t.bi[part][before*t.values+token] + backOff*u) / (t.biTotal[part][before] + backOff)
	return u, b
}
