package head

import (
	"math"
	"math/rand/v2"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Pointing draws numbers by diffusion in some stages, and in others points at states: it scores
// the kept states of some candidates, which a row recalls as its second, and keeps the likeliest
// four with their shares, see sample.Influences. Each pair of a row and a candidate goes through a
// small network: the row scales and shifts what the candidate is mapped to, and the score is linear
// in SiLU of that. Each kind of pointing has a score of its own.
//
// Which of its candidates a row may point at is the TokenRange of its target.
type Pointing struct {
	*Diffusion
	Query      *nn.Linear // of a row: scale and shift
	Key        *nn.Linear // of a candidate
	Score      *nn.Linear // a number a kind
	Candidates int
	Rows       int // of a sequence that point in a step, at most
	// Kind is the kind of pointing of a stage, and -1 of stages that draw numbers.
	Kind func(stage int) int
	// KindOf is the kind of pointing of a target with a TokenRange.
	KindOf func(within [2]int32) int
}

// NewPointing declares the network of pairs, of a width, for states of a width.
func NewPointing(p nn.Params, d *Diffusion, width, state, kinds int) *Pointing {
	init := nn.Init{Std: 1 / math.Sqrt(float64(state))}
	return &Pointing{
		Diffusion: d, Query: p.Linear(2*width, state, init, "query"), Key: p.Linear(width, state, init, "key"),
		Score: p.Linear(kinds, width, nn.Init{Std: 1 / math.Sqrt(float64(width))}, "score"),
	}
}

// Refines implements system.PartialRefiner.
func (p *Pointing) Refines(stage int) bool { return p.Kind(stage) < 0 }

// kinds is the number of kinds.
func (p *Pointing) kinds() int { return p.Score.W.Out }

// Space implements system.SpaciousHead.
func (p *Pointing) Space() int {
	return p.Rows * p.Candidates * (p.Key.W.In + 3*p.Key.W.Out + 2*p.kinds())
}

// Logits implements system.Head.
func (p *Pointing) Logits(g nn.Graph, h *nn.Value) *nn.Value {
	if p.Refines(g.Stage()) || idle(g) {
		return p.Diffusion.Logits(g, h)
	}
	return g.Pick(p.scores(g, h), 0)
}

// scores records the scores of all rows, [n, candidates·kinds].
func (p *Pointing) scores(g nn.Graph, h *nn.Value) *nn.Value {
	n, state := h.X.Rows(), p.Key.W.In
	keys := reshaped(g, g.RecallSpan(1, p.Candidates), n*p.Candidates, state)
	pairs := g.Modulate(p.Key.Forward(g, keys, nn.ProductOptions{}), p.Query.Forward(g, h, nn.ProductOptions{}), 0, 1, nil)
	scores := reshaped(g, p.Score.Forward(g, g.SiLU(pairs), nn.ProductOptions{}), n, p.Candidates*p.kinds())
	g.Mark("scores", scores)
	return scores
}

// reshaped returns x with other extents.
func reshaped(g nn.Graph, x *nn.Value, n, d int) *nn.Value {
	if t, ok := g.(nn.Training); ok {
		return t.Reshape(x, n, d)
	}
	return tape.Constant(x.X.View(0, n, d))
}

// Join implements system.Joiner. There is no guidance.
func (p *Pointing) Join(g *nn.Inference, logits *gpu.Tensor) *gpu.Tensor {
	return logits.View(0, g.Targets(), logits.Dim(-1))
}

// Sample implements system.Head.
func (p *Pointing) Sample(g *nn.Inference, x, mask *gpu.Tensor) *gpu.Tensor {
	if p.Refines(g.InStage) {
		return p.Diffusion.Sample(g, x, mask)
	}
	out := g.Temp(tensor.U32, g.Targets(), sample.MostInfluences)
	g.Fill(out, 0) // inactive draws leave it alone
	sample.Influences(g.Recorder, sample.InfluencesArgs{Logits: x, Draw: g.Rows.Target, Out: out, Kind: p.Kind(g.InStage), Candidates: p.Candidates})
	return out
}

// A lesson is one of the diffusion, or points. Behind the diffusion's stand what is added to its
// network's scale, -1 in a lesson that points, and to its shift; the label, whose bits are an i32, -1
// in a lesson of the diffusion; and by candidate and kind what is added to the scores.

// forbidden is added to the scores of what a row may not point at.
const forbidden = -1e9

// Lessons implements system.Teacher.
func (p *Pointing) Lessons() (each, numbers int) {
	each, numbers = p.Diffusion.Lessons()
	return each, numbers + 2*p.teacher.token + 1 + p.Candidates*p.kinds()
}

// Lesson implements system.Teacher. Where a token has several candidates, the lesson is of one of them,
// drawn by their shares. So the mean gradient is that of the cross-entropy with the shares.
func (p *Pointing) Lesson(r *rand.Rand, token []float32, within [2]int32, lesson []float32) {
	clear(lesson)
	_, plain := p.Diffusion.Lessons()
	rest := lesson[plain:]
	c := p.teacher.token
	label := int32(-1)
	if within == [2]int32{} {
		p.Diffusion.Lesson(r, token, within, lesson[:plain])
	} else {
		kind := p.KindOf(within)
		for i := range c {
			rest[i] = -1
		}
		for i := range p.Candidates {
			for k := range p.kinds() {
				if k != kind || i < int(within[0]) || i >= int(within[1]) {
					rest[2*c+1+i*p.kinds()+k] = forbidden
				}
			}
		}
		label = int32(pointedAt(r.Float64(), token)*p.kinds() + kind)
	}
	rest[2*c] = math.Float32frombits(uint32(label))
}

// pointedAt returns the candidate of a token at a share u of all.
func pointedAt(u float64, token []float32) (at int) {
	for _, x := range token {
		if c, share, ok := sample.UnpackInfluence(x); ok {
			at = c
			if u -= share; u < 0 {
				break
			}
		}
	}
	return at
}

// Guess implements system.Teacher. Who points guesses among all candidates alike.
func (p *Pointing) Guess(lesson []float32, mean, deviation []float64) float64 {
	_, plain := p.Diffusion.Lessons()
	rest := lesson[plain+2*p.teacher.token:]
	if int32(math.Float32bits(rest[0])) < 0 {
		return p.Diffusion.Guess(lesson[:plain], mean, deviation)
	}
	n := 0
	for _, x := range rest[1:] {
		if x == 0 {
			n++
		}
	}
	return math.Log(float64(n))
}

// Loss implements system.Learner: that of the diffusion, or the cross-entropy of the candidates.
func (p *Pointing) Loss(g nn.Training, h *nn.Value, targets, weight, out *gpu.Tensor) {
	c := p.teacher.token
	_, plain := p.Diffusion.Lessons()
	said := g.Modulate(p.say(g, h, targets), lessonPart(g, targets, plain, 2*c), 0, 1, nil)
	g.Mark("said", said)
	p.noise(g, said, targets, weight, out)
	logits := g.Add(g.Learned(p.scores(g, h)), lessonPart(g, targets, plain+2*c+1, p.Candidates*p.kinds()))
	pointed := g.Recorder().Temp(tensor.F32, out.Elems())
	g.SoftmaxCE(logits, p.Candidates*p.kinds(), tape.LossArgs{Targets: lessonPart(g, targets, plain+2*c, 1).X.As(tensor.I32), Weight: weight, Loss: pointed})
	elementwise.Add(g.Recorder(), elementwise.AddArgs{A: out, B: pointed, Out: out})
}
