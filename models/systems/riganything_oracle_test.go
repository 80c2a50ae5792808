package systems_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/train"
)

// rigOracle is RigAnything's network in float64, row by row.
type rigOracle struct {
	t      testing.TB
	w      nn.Weights
	tokens []uint32
	states []float64   // [rows of points and joints, width]
	fused  []float64   // [rows that draw, width]
	scores [][]float64 // of rows that point: [candidates there are, kinds], empty of others
}

// newRigOracle computes the rows of a lesson's runs.
func newRigOracle(t testing.TB, w nn.Weights, tokens []uint32, runs []system.Run) *rigOracle {
	o := &rigOracle{t: t, w: w, tokens: tokens}
	var rows [][]float64
	var sees []int32
	for _, r := range runs {
		for i := range r.N {
			if r.Stage == order.RigRead {
				x := add(o.linear("input.numbers", o.numbers(&r, i)), o.embedding(&r, i))
				rows = append(rows, add(o.linear("input.out", siluAll(x)), o.vector("input.out.bias")))
				sees = append(sees, r.KVLen[i])
			}
		}
	}
	for b := range rigBlocks {
		rows = o.block(fmt.Sprintf("blocks.%d.", b), rows, sees)
	}
	for _, x := range rows {
		o.states = append(o.states, o.norm("norm", x)...)
	}
	for _, r := range runs {
		for i := range r.N {
			if r.Stage != order.RigRead {
				o.draw(&r, i)
			}
		}
	}
	return o
}

// draw computes a row that draws.
func (o *rigOracle) draw(r *system.Run, i int) {
	x := add(add(o.linear("fuse.numbers", o.numbers(r, i)), o.embedding(r, i)), o.state(int(r.Recall[2*i])))
	h := o.norm("fuse.norm", o.mlp("fuse.", x))
	o.fused = append(o.fused, h...)
	var scores []float64
	if r.Stage != order.RigPlace {
		query := add(o.linear("pairs.query", h), o.vector("pairs.query.bias"))
		for c := 0; (int(r.Recall[2*i+1])+c+1)*rigWidth <= len(o.states); c++ {
			y := add(o.linear("pairs.key", o.state(int(r.Recall[2*i+1])+c)), o.vector("pairs.key.bias"))
			for j := range y {
				y[j] = (1+query[j])*y[j] + query[rigPairs+j]
			}
			scores = append(scores, add(o.linear("pairs.score", siluAll(y)), o.vector("pairs.score.bias"))...)
		}
	}
	o.scores = append(o.scores, scores)
}

// loss returns the loss of a lesson whose chance is that of golden.learn: the cross-entropy of the
// scores, and the squared error of what the network said of noisy places, of each slot.
func (o *rigOracle) loss(s *system.System, q *train.Sequence, said []float32) (sum float64) {
	const width = sample.MostInfluences
	teacher := s.Head.(system.Teacher)
	each, numbers := teacher.Lessons()
	lesson, r := make([]float32, numbers), rand.New(rand.NewPCG(1, 2))
	for i, at := range q.Draws.At {
		token := make([]float32, width)
		for k := range token {
			token[k] = math.Float32frombits(q.Tokens[int(at)*width+k])
		}
		within := [2]int32(q.Draws.TokenRange[2*i:])
		for k := range each {
			teacher.Lesson(r, token, within, lesson)
			if within != [2]int32{} {
				sum += o.surprise(o.scores[q.Draws.From[i]], token, within, lesson)
				continue
			}
			for c := range width {
				e := float64(said[(i*each+k)*width+c]) - float64(lesson[width+c])
				sum += e * e / width
			}
		}
	}
	return sum / float64(each*q.Draws.N)
}

// surprise is the cross-entropy of a row that points, with the label of a lesson. It fails the test
// if the label is not among the token's candidates.
func (o *rigOracle) surprise(scores []float64, token []float32, within [2]int32, lesson []float32) float64 {
	kind := 0 // of parents
	if within[0] > 0 {
		kind = 1
	}
	label := int32(math.Float32bits(lesson[len(lesson)-2*(1+rigJoints)-1]))
	candidate := int(label) / 2
	if int(label)%2 != kind || !slices.ContainsFunc(token, func(x float32) bool {
		c, _, ok := sample.UnpackInfluence(x)
		return ok && c == candidate
	}) {
		o.t.Errorf("a lesson of the token %v points at %d of kind %d", token, candidate, label%2)
	}
	sum := 0.0
	for c := within[0]; c < within[1]; c++ {
		sum += math.Exp(scores[2*int(c)+kind])
	}
	return math.Log(sum) - scores[label]
}

// numbers are those that a row is fed.
func (o *rigOracle) numbers(r *system.Run, i int) (out []float64) {
	for _, at := range r.Inputs[i*order.RigInputs : (i+1)*order.RigInputs] {
		for k := range sample.MostInfluences {
			x := 0.0
			if at >= 0 {
				x = float64(math.Float32frombits(o.tokens[int(at)*sample.MostInfluences+k]))
			}
			out = append(out, x)
		}
	}
	return out
}

// embedding is the sum of what a row's ids stand for.
func (o *rigOracle) embedding(r *system.Run, i int) []float64 {
	out := make([]float64, rigWidth)
	for _, id := range r.Fixed[i*order.RigFixed : (i+1)*order.RigFixed] {
		switch k := int(id) - order.RigKinds; {
		case id < 0:
		case k < 0:
			out = add(out, o.vector("input.kinds.weight")[int(id)*rigWidth:][:rigWidth])
		default:
			wave := make([]float64, rigWidth)
			j := k
			if k >= rigJoints { // from the last joint's last number backwards
				j = 2*rigJoints - 1 - k
			}
			for c := range rigWidth / 2 {
				wave[2*c], wave[2*c+1] = math.Sincos(float64(j) * math.Pow(10_000, -2*float64(c)/rigWidth))
			}
			if k >= rigJoints {
				slices.Reverse(wave)
			}
			out = add(out, wave)
		}
	}
	return out
}

// block computes a block of all rows, which see as many of the first as told.
func (o *rigOracle) block(name string, rows [][]float64, sees []int32) (out [][]float64) {
	const dh = rigWidth / rigHeads
	var qkv [][]float64
	for _, x := range rows {
		qkv = append(qkv, o.linear(name+"attention.qkv", o.rms(name+"attention_norm.weight", x)))
	}
	for i, x := range rows {
		var all []float64
		for h := range rigHeads {
			weights, sum := make([]float64, sees[i]), 0.0
			for k := range weights {
				for c := range dh {
					weights[k] += qkv[i][h*dh+c] * qkv[k][rigWidth+h*dh+c] / math.Sqrt(dh)
				}
				weights[k] = math.Exp(weights[k])
				sum += weights[k]
			}
			for c := range dh {
				y := 0.0
				for k, a := range weights {
					y += a / sum * qkv[k][2*rigWidth+h*dh+c]
				}
				all = append(all, y)
			}
		}
		out = append(out, o.mlp(name, add(x, o.linear(name+"attention.out", all))))
	}
	return out
}

// mlp is x + SwiGLU(RMS x). In blocks its tensors have another prefix than in the fuse.
func (o *rigOracle) mlp(name string, x []float64) []float64 {
	inner := name
	if name != "fuse." {
		inner += "mlp."
	}
	y := o.linear(inner+"gate_up", o.rms(name+"mlp_norm.weight", x))
	gate := siluAll(y[:rigHidden])
	for i := range gate {
		gate[i] *= y[rigHidden+i]
	}
	return add(x, o.linear(inner+"down", gate))
}

func (o *rigOracle) state(i int) []float64 { return o.states[i*rigWidth : (i+1)*rigWidth] }

func (o *rigOracle) vector(name string) (out []float64) {
	for _, x := range must(o.w.Floats(name))(o.t) {
		out = append(out, float64(x))
	}
	return out
}

// linear is the product with name.weight.
func (o *rigOracle) linear(name string, x []float64) []float64 {
	w := o.vector(name + ".weight")
	out := make([]float64, len(w)/len(x))
	for i := range out {
		for j, y := range x {
			out[i] += w[i*len(x)+j] * y
		}
	}
	return out
}

func (o *rigOracle) rms(name string, x []float64) (out []float64) {
	square, gain := 0.0, o.vector(name)
	for _, y := range x {
		square += y * y / float64(len(x))
	}
	for i, y := range x {
		out = append(out, y/math.Sqrt(square+nn.OwnEps)*gain[i])
	}
	return out
}

func (o *rigOracle) norm(name string, x []float64) (out []float64) {
	mean, square := 0.0, 0.0
	for _, y := range x {
		mean += y / float64(len(x))
	}
	for _, y := range x {
		square += (y - mean) * (y - mean) / float64(len(x))
	}
	gain, bias := o.vector(name+".weight"), o.vector(name+".bias")
	for i, y := range x {
		out = append(out, (y-mean)/math.Sqrt(square+1e-5)*gain[i]+bias[i])
	}
	return out
}

func add(a, b []float64) []float64 {
	out := slices.Clone(a)
	for i := range out {
		out[i] += b[i]
	}
	return out
}

func siluAll(x []float64) []float64 {
	out := slices.Clone(x)
	for i, y := range x {
		out[i] = y / (1 + math.Exp(-y))
	}
	return out
}

// distance64 is the largest difference of two lists, relative to the largest value.
func distance64(got []float32, want []float64) float64 {
	most, scale := 0.0, 0.0
	for i := range want {
		most, scale = max(most, math.Abs(float64(got[i])-want[i])), max(scale, math.Abs(want[i]))
	}
	if len(want) == 0 {
		return 0
	}
	return most / scale
}
