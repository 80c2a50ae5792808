package train

import (
	"math"
	"math/rand/v2"

	"github.com/morton-gen/morton/models/system"
)

// Tables are a unigram and a bigram table of the training samples. A network that has
// learned anything beats them.
//
// Every sub-token (or bit) has tables of its own. The bigram table is indexed by the
// same sub-token of the position before. For bits that is the first token the row is
// fed, the cell before in time. Counts start at half a count, and a bigram backs off to
// the unigram with a weight of four counts.
//
// For tokens of real numbers, which a Teacher makes lessons of, the tables are normal
// distributions: one of every number of a token, and one of every number at every place.
// For clips they are one of every number at every place, and one of how it differs
// from that of the frame before, which the first frame lacks.
type Tables struct {
	teacher      system.Teacher // nil but for real numbers
	all, placed  moments
	moved        moments // from the frame before
	clips        bool
	cells        int // places
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
		token: s.Token, fed: s.Layout.Inputs, directions: max(s.Layout.Directions, 1),
		values: s.Token.Values, parts: s.Token.Sub, words: s.Token.Words(),
	}
	if teacher, ok := s.Head.(system.Teacher); ok {
		t.teacher, t.cells = teacher, s.Cells()
		t.all, t.placed, t.moved = newMoments(t.words), newMoments(t.words*t.cells), newMoments(t.words*t.cells)
		t.clips = s.Grid[0] > 1
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
	if t.teacher != nil {
		for i, x := range reals(q.Tokens) {
			t.all.add(i%t.words, x)
			frame := t.words * t.cells
			t.placed.add(i%frame, x)
			if i >= frame {
				t.moved.add(i%frame, x-math.Float32frombits(q.Tokens[i-frame]))
			}
		}
		return
	}
	for i := range q.Draws.At {
		t.each(q, i, t.count)
	}
}

// Lines returns the tables' loss on held-out windows, in nats a token, as
// Sequences.Heldout counts. Windows calls its argument for each of them. Of real numbers it
// is the loss of a lesson.
func (t *Tables) Lines(windows func(visit func(Window)) error) ([]Line, error) {
	if t.teacher != nil {
		return t.guesses(windows)
	}
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

// guesses returns the loss of guesses by both tables.
func (t *Tables) guesses(windows func(visit func(Window)) error) ([]Line, error) {
	lines := []Line{{Name: "normal"}, {Name: "normal by place"}}
	if t.clips {
		lines = []Line{{Name: "normal by place"}, {Name: "normal by the frame before"}}
	}
	count := 0
	each, numbers := t.teacher.Lessons()
	lesson := make([]float32, numbers)
	all, placed, moved := t.all.normal(), t.placed.normal(), t.moved.normal()
	err := windows(func(w Window) {
		w.lessons(t.words, func(_, at int, token []float32, within [2]int32, r *rand.Rand) {
			from := at % t.cells * t.words
			own := placed.part(from, t.words)
			guesses := [2]normals{all, own}
			if t.clips {
				guesses = [2]normals{own, own}
			}
			if t.clips && at >= t.cells {
				guesses[1] = moved.part(from, t.words).from(reals(w.Seq.Tokens[(at-t.cells)*t.words:][:t.words]))
			}
			for range each {
				t.teacher.Lesson(r, token, within, lesson)
				for i, g := range guesses {
					lines[i].Value += t.teacher.Guess(lesson, g.mean, g.deviation)
				}
				count++
			}
		})
	})
	for i := range lines {
		lines[i].Value /= float64(max(count, 1))
	}
	return lines, err
}

// normals are normal distributions of several numbers.
type normals struct{ mean, deviation []float64 }

// part returns n of them from one on.
func (n normals) part(from, count int) normals {
	return normals{n.mean[from : from+count], n.deviation[from : from+count]}
}

// from moves the means by some numbers.
func (n normals) from(x []float32) normals {
	out := normals{deviation: n.deviation}
	for i, m := range n.mean {
		out.mean = append(out.mean, m+float64(x[i]))
	}
	return out
}

// moments collect numbers of several kinds.
type moments struct{ n, sum, squares []float64 }

func newMoments(kinds int) moments {
	return moments{make([]float64, kinds), make([]float64, kinds), make([]float64, kinds)}
}

func (m *moments) add(kind int, x float32) {
	m.n[kind]++
	m.sum[kind] += float64(x)
	m.squares[kind] += float64(x) * float64(x)
}

// normal returns means and standard deviations.
func (m *moments) normal() (out normals) {
	for i, n := range m.n {
		u := m.sum[i] / max(n, 1)
		out.mean, out.deviation = append(out.mean, u), append(out.deviation, math.Sqrt(max(m.squares[i]/max(n, 1)-u*u, 1e-12)))
	}
	return out
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
		from = int(q.Inputs[int(q.Draws.From[draw*t.directions])*t.fed])
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
			before = t.value(q, from, part) // of q.Tokens, whatever rows are fed
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
