package head

import (
	"math"
	"math/rand/v2"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/loss"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Level is how much noise a denoiser learns to see in a token, x = Keep·token + Add·noise,
// and what it is to say of it: Of·noise - Minus·token.
type Level struct {
	Time      float64 // as the network is told
	Keep, Add float64
	Of, Minus float64
	Bounds    [3]float64 // of the variance, see loss.Noise
}

// NoiseLevels are those of a network that says the noise: every step of a diffusion.
func NoiseLevels(betas []float64) (out []Level) {
	kept := make([]int, len(betas))
	for i := range kept {
		kept[i] = i
	}
	d := respace(betas, kept)
	for i, a := range d.products {
		k := d.coef1[i] * d.recipM1[i]
		out = append(out, Level{
			Time: float64(i), Keep: math.Sqrt(a), Add: math.Sqrt(1 - a), Of: 1, Bounds: [3]float64{d.posterior[i], math.Log(d.betas[i]), k * k},
		})
	}
	return out
}

// FlowLevels are n levels of a network that says the velocity from token to noise, as likely
// as each other. They are quantiles of the logistic function of a normal distribution,
// shifted towards noise as in [ShiftedFlow].
//
// Source: arXiv:2403.03206, section 3.1.
func FlowLevels(n int, shift float64) (out []Level) {
	for i := range n {
		z := math.Sqrt2 * math.Erfinv((2*float64(i)+1)/float64(n)-1)
		x := 1 / (1 + math.Exp(-z))
		x = shift * x / (1 + (shift-1)*x)
		out = append(out, Level{Time: timeScale * x, Keep: 1 - x, Add: x, Of: 1, Minus: 1})
	}
	return out
}

// guess returns the mean squared error of what is said at a level by somebody who knows the
// means and deviations of a token's numbers, and the mean error that he expects.
func (l Level) guess(x, target []float32, mean, deviation []float64) (e, expected float64) {
	for i, m := range mean {
		s := deviation[i] * deviation[i]
		v := l.Keep*l.Keep*s + l.Add*l.Add
		off := (float64(x[i]) - l.Keep*m) / v
		d := l.Of*l.Add*off - l.Minus*(m+l.Keep*s*off) - float64(target[i])
		e += d * d / float64(len(mean))
		// Noise and token are opposite in what is left of both.
		left := l.Keep * math.Sqrt(s/v) * l.Of
		if l.Minus != 0 {
			left += l.Minus * l.Add * math.Sqrt(s/v)
		}
		expected += left * left / float64(len(mean))
	}
	return e, expected
}

// A lesson of a denoiser is x, the target, the time, and the bounds.
const lessonMore = 4

// teacher makes lessons at levels of noise.
type teacher struct {
	levels []Level
	token  int // numbers of a token
	each   int // lessons of a token
}

// lesson fills in a lesson.
func (t *teacher) lesson(r *rand.Rand, token, lesson []float32) {
	c, l := t.token, t.levels[r.IntN(len(t.levels))]
	for i, x := range token {
		n := r.NormFloat64()
		lesson[i], lesson[c+i] = float32(l.Keep*float64(x)+l.Add*n), float32(l.Of*n-l.Minus*float64(x))
	}
	lesson[2*c] = float32(l.Time)
	for i, b := range l.Bounds {
		lesson[2*c+1+i] = float32(b)
	}
}

// level returns the level of a lesson.
func (t *teacher) level(lesson []float32) Level {
	at := 0
	for i, l := range t.levels {
		if math.Abs(l.Time-float64(lesson[2*t.token])) < math.Abs(t.levels[at].Time-float64(lesson[2*t.token])) {
			at = i
		}
	}
	return t.levels[at]
}

// Teach says how the head learns: at which levels, and from how many lessons of a token.
func (d *Diffusion) Teach(levels []Level, token, each int) *Diffusion {
	d.teacher = teacher{levels, token, each}
	return d
}

// Lessons implements system.Teacher.
func (d *Diffusion) Lessons() (each, numbers int) {
	return d.teacher.each, 2*d.teacher.token + lessonMore
}

// Lesson implements system.Teacher.
func (d *Diffusion) Lesson(r *rand.Rand, token []float32, _ [2]int32, lesson []float32) {
	d.teacher.lesson(r, token, lesson)
}

// Guess implements system.Teacher.
func (d *Diffusion) Guess(lesson []float32, mean, deviation []float64) float64 {
	c, l := d.teacher.token, d.teacher.level(lesson)
	e, expected := l.guess(lesson[:c], lesson[c:2*c], mean, deviation)
	if d.says() == c {
		return e
	}
	lo, k := l.Bounds[0], l.Bounds[2]
	best := math.Log(math.Exp(lo) + k*expected) // of variances
	return e + (-1+best-lo+math.Exp(lo-best)+k*e*math.Exp(-best))/(2*math.Ln2)
}

// says is the number of numbers that the network says of a token.
func (d *Diffusion) says() int {
	if s, ok := d.Net.(interface{ Says() int }); ok {
		return s.Says()
	}
	return d.teacher.token
}

// Loss implements system.Learner: the loss of loss.Noise.
func (d *Diffusion) Loss(g nn.Training, h *nn.Value, targets, weight, out *gpu.Tensor) {
	d.noise(g, d.say(g, h, targets), targets, weight, out)
}

// noise records the loss of what the network says of lessons.
func (d *Diffusion) noise(g nn.Training, said *nn.Value, targets, weight, out *gpu.Tensor) {
	c := d.teacher.token
	a := loss.NoiseArgs{Target: lessonPart(g, targets, c, c).X, Weight: weight, Loss: out}
	if said.X.Dim(-1) == 2*c {
		a.Bounds = lessonPart(g, targets, 2*c+1, 3).X
	}
	g.Noise(said, a)
}

// say records what the network says of lessons.
func (d *Diffusion) say(g nn.Training, h *nn.Value, targets *gpu.Tensor) *nn.Value {
	c, z := d.teacher.token, g.Learned(h)
	g.Mark("z", z)
	y := g.Add(d.Net.Times(g, lessonPart(g, targets, 2*c, 1)), d.Net.Condition(g, z))
	return d.Net.Say(g, lessonPart(g, targets, 0, c), g.SiLU(y))
}

// lessonPart returns columns of lessons.
func lessonPart(g nn.Training, lessons *gpu.Tensor, from, n int) *nn.Value {
	x := g.Recorder().Temp(tensor.F32, lessons.Rows(), n)
	rows.Cut(g.Recorder(), rows.CutArgs{X: lessons, Out: x, From: from})
	return tape.Constant(x)
}

// Lessons implements system.Teacher: noise of two samples, and the token.
func (e *Energy) Lessons() (each, numbers int) { return 1, 2*e.Noise.W.In + e.Out.W.Out }

// Lesson implements system.Teacher.
func (e *Energy) Lesson(r *rand.Rand, token []float32, _ [2]int32, lesson []float32) {
	n := 2 * e.Noise.W.In
	for i := range n {
		lesson[i] = r.Float32() - 0.5
	}
	copy(lesson[n:], token)
}

// Guess implements system.Teacher, by two samples.
func (e *Energy) Guess(lesson []float32, mean, deviation []float64) float64 {
	r := rand.New(rand.NewPCG(uint64(math.Float32bits(lesson[0])), uint64(math.Float32bits(lesson[1]))))
	var a, b, between float64
	for i, y := range lesson[2*e.Noise.W.In:] {
		u, v := mean[i]+deviation[i]*r.NormFloat64(), mean[i]+deviation[i]*r.NormFloat64()
		a, b, between = a+square(u-float64(y)), b+square(v-float64(y)), between+square(u-v)
	}
	return math.Sqrt(a) + math.Sqrt(b) - math.Sqrt(between)
}

func square(x float64) float64 { return x * x }

// Loss implements system.Learner: the energy score of two samples.
func (e *Energy) Loss(g nn.Training, h *nn.Value, targets, weight, out *gpu.Tensor) {
	k, z := e.Noise.W.In, g.Learned(h)
	noise := g.Stack(lessonPart(g, targets, 0, k), lessonPart(g, targets, k, k))
	samples := e.token(g, g.Stack(z, z), noise, nil)
	g.Energy(samples, loss.EnergyArgs{Target: lessonPart(g, targets, 2*k, e.Out.W.Out).X, Weight: weight, Loss: out})
}
