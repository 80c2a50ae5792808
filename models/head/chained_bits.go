package head

import (
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/bsq"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// chainWord is the number of bits that are drawn at once.
const chainWord = 32

// ChainedBits draws a binary code word by word, 32 bits at once. A small network tells each
// word of those before it. Let x be the outputs of Linear, [bits + latent], and c the code so
// far: ±1 for the bits of words before k, and 0 for the others. The logits of word k of w are
//
//	logits_k = (Base·x)_k + Up·silu((Hidden·x + bias)_k + Told·c)
//
// Told and Up serve all words, as in NADE. What differs by word comes from Hidden, so the
// hidden state decides which bits go together.
//
// Source: Larochelle and Murray, "The Neural Autoregressive Distribution Estimator", 2011,
// by words in place of bits, and with a condition.
type ChainedBits struct {
	Linear
	Base   *nn.Matrix // [bits, outputs]
	Hidden *nn.Matrix // [w·hidden, outputs]
	Bias   *nn.Vector // [w·hidden]
	Told   *nn.Matrix // [hidden, bits]
	Up     *nn.Matrix // [32, hidden]
}

// ChainFits reports whether codes of that many bits can be chained.
func ChainFits(bits int) bool { return bits > chainWord && bits%chainWord == 0 }

// NewChainedBits declares the network. Its first outputs are the code's logits, as those of
// [Bits] are.
func NewChainedBits(p nn.Params, l Linear, bits, hidden int, std float64) ChainedBits {
	words := bits / chainWord
	return ChainedBits{
		Linear: l,
		Base:   p.Matrix(bits, l.Out.Out, nn.Init{Diagonal: 1}, "chain.base.weight"),
		Hidden: p.Matrix(words*hidden, l.Out.Out, nn.Init{Std: std}, "chain.hidden.weight"),
		Bias:   p.Vector(words*hidden, 0, "chain.hidden.bias"),
		Told:   p.Matrix(hidden, bits, nn.Init{Std: std}, "chain.told.weight"),
		Up:     p.Matrix(chainWord, hidden, nn.Init{}, "chain.up.weight"),
	}
}

// Sample implements system.Head. A draw depends on its own logits and on the request's
// numbers, so words drawn too early do no harm: they are drawn again.
func (c ChainedBits) Sample(g *nn.Inference, x, _ *gpu.Tensor) *gpu.Tensor {
	m, bits := x.Rows(), c.Base.Out
	words := bits / chainWord
	base, before := c.start(g, tape.Constant(x))
	told, hidden := g.Temp(tensor.F32, m*words, chainWord), g.Temp(tensor.F32, m*words, c.Told.Out)
	code, drawn := g.Temp(tensor.F32, m*words, bits), g.Temp(tensor.U32, m, words)
	g.Fill(drawn, 0)
	for range words {
		bsq.Expand(g.Recorder, bsq.ExpandArgs{Bits: drawn, Code: code, Prefixes: true})
		g.Copy(hidden, before.X.View(0, m*words, c.Told.Out)) // products add in place
		g.Copy(told, base.X.View(0, m*words, chainWord))
		c.tell(g, tape.Constant(told), tape.Constant(hidden), tape.Constant(code))
		drawn = drawBits(g, told.View(0, m, bits))
	}
	return drawn
}

// Loss implements system.Learner: the binary cross-entropy of every bit, told of the words
// before its own.
func (c ChainedBits) Loss(g nn.Training, h *nn.Value, targets, weight, loss *gpu.Tensor) {
	x, bits := c.Logits(g, h), c.Base.Out
	n, words := x.X.Rows(), bits/chainWord
	code := g.Program().Temp(tensor.F32, n*words, bits)
	bsq.Expand(g.Program(), bsq.ExpandArgs{Bits: targets, Code: code, Prefixes: true})
	base, before := c.start(g, x)
	told := c.tell(g, g.Reshape(base, n*words, chainWord), g.Reshape(before, n*words, c.Told.Out), tape.Constant(code))
	g.BitsBCE(g.Reshape(told, n, bits), tape.LossArgs{Targets: targets, Weight: weight, Loss: loss})
}

// start returns the logits without what words tell, [n, bits], and what the hidden state
// says in the small network, [n, w·hidden].
func (c ChainedBits) start(g nn.Graph, x *nn.Value) (base, before *nn.Value) {
	return g.Product(x, c.Base, nn.ProductOptions{}), g.Product(x, c.Hidden, nn.ProductOptions{Bias: c.Bias})
}

// tell returns the logits of words, [n·w, 32].
func (c ChainedBits) tell(g nn.Graph, base, before, code *nn.Value) *nn.Value {
	unit := float32(math.Sqrt(float64(c.Base.Out))) // makes codes, which have unit length, ±1
	hidden := g.SiLU(g.Product(code, c.Told, nn.ProductOptions{Add: before, Alpha: unit}))
	return g.Product(hidden, c.Up, nn.ProductOptions{Add: base})
}
