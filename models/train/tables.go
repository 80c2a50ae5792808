package train

import (
	"math"

	"github.com/morton-gen/morton/models/system"
)

// Tables are a unigram and a bigram table of the training samples. A network that has
// learned anything beats them.
//
// Every sub-token (or bit) has tables of its own. The bigram table is indexed by the
// same sub-token of the position before. For bits that is the first token the row is
// fed, the cell before in time. Counts start at half a count, and a bigram backs off to
// the unigram with a weight of four counts.
type Tables struct {
	token        system.Token
	fed          int
	directions   int
	values       int         // of one sub-token or bit
	uni          [][]float64 // [part][value]
	uniTotal     []float64
	bi           []map[int]float64 // [part][before·values + value]
	biTotal      []map[int]float64 // [part][before]
	parts, words int
}

// NewTables returns tables without counts.
func NewTables(s *system.System) *Tables {
	t := &Tables{
		token: s.Token, fed: s.Layout.Fed, directions: max(s.Layout.Directions, 1),
		values: s.Token.Values, parts: s.Token.Sub, words: s.Token.Words(),
	}
	if s.Token.Bits > 0 {
		t.values, t.parts = 2, s.Token.Bits
	}
	for range t.parts {
		t.uni = append(t.uni, make([]float64, t.values))
		t.bi, t.biTotal = append(t.bi, map[int]float64{}), append(t.biTotal, map[int]float64{})
	}
	t.uniTotal = make([]float64, t.parts)
	return t
}

// Count counts the tokens of a training sample.
func (t *Tables) Count(q *Sequence) {
	for i := range q.Draws.At {
		t.each(q, i, t.count)
	}
}

// Lines returns the tables' loss on held-out windows, in nats a token, as
// Sequences.Heldout counts. Windows calls its argument for each of them.
func (t *Tables) Lines(windows func(visit func(Window)) error) ([]Line, error) {
	var uni, bi float64
	tokens := 0
	from := make([]int32, t.directions)
	err := windows(func(w Window) {
		for i := range w.Seq.Draws.At {
			if !w.rows(from, w.Seq.Draws.From[i*t.directions:(i+1)*t.directions], 0) {
				continue
			}
			parts := 0
			t.each(w.Seq, i, func(part, before, token int) {
				u, b := t.probability(part, before, token)
				uni, bi = uni-math.Log(u), bi-math.Log(b)
				parts++
			})
			if t.token.Bits > 0 {
				parts = 1
			}
			tokens += parts
		}
	})
	n := float64(max(tokens, 1))
	return []Line{{"unigram", uni / n}, {"bigram", bi / n}}, err
}

// Logits returns what a linear map needs to give the bigram table's chances of bits: the
// logit of bit i is bias[i] + weight[i]·(1 if the bit before is set, else -1). It is for
// tokens of bits.
func (t *Tables) Logits() (weight, bias []float32) {
	logit := func(part, before int) float64 {
		_, p := t.probability(part, before, 1)
		_, q := t.probability(part, before, 0)
		return math.Log(p / q)
	}
	for part := range t.parts {
		set, clear := logit(part, 1), logit(part, 0)
		weight, bias = append(weight, float32((set-clear)/2)), append(bias, float32((set+clear)/2))
	}
	return weight, bias
}

// each calls visit for every predicted part of a draw; before is -1 where
// there is no token before.
func (t *Tables) each(q *Sequence, draw int, visit func(part, before, token int)) {
	p := int(q.Draws.At[draw])
	from := p - 1
	if t.token.Bits > 0 {
		from = int(q.Fed[int(q.Draws.From[draw*t.directions])*t.fed])
	}
	if from < q.First {
		from = -1
	}
	for part := range t.parts {
		if t.token.Bits == 0 && part >= t.parts-q.ignored(draw, t.words) {
			break
		}
		before := -1
		if from >= 0 {
			before = t.value(q, from, part)
		}
		visit(part, before, t.value(q, p, part))
	}
}

func (t *Tables) value(q *Sequence, p, part int) int {
	if t.token.Bits > 0 {
		return int(q.Tokens[p*t.words+part/32] >> (part % 32) & 1)
	}
	return int(q.Tokens[p*t.words+part])
}

func (t *Tables) count(part, before, token int) {
	t.uni[part][token]++
	t.uniTotal[part]++
	t.bi[part][before*t.values+token]++
	t.biTotal[part][before]++
}

func (t *Tables) probability(part, before, token int) (unigram, bigram float64) {
	const half, backOff = 0.5, 4.0
	u := (t.uni[part][token] + half) / (t.uniTotal[part] + half*float64(t.values))
	b := (t.bi[part][before*t.values+token] + backOff*u) / (t.biTotal[part][before] + backOff)
	return u, b
}
