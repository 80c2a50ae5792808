package train

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/rope"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/systems"
)

// oracle is the network in float64, written out from its equations: the loss of
// the batch that a network holds.
type oracle struct {
	t *Network
	c systems.Decoder
	p []float64 // all parameters, in the store's layout
}

func (o *oracle) param(name string) []float64 {
	at, n := o.t.store.Range(name)
	return o.p[at : at+n]
}

// linear is y = x·wᵀ for n rows.
func linear(x, w []float64, n int) []float64 {
	in := len(x) / n
	out := len(w) / in
	y := make([]float64, n*out)
	for r := range n {
		for j := range out {
			for i := range in {
				y[r*out+j] += x[r*in+i] * w[j*in+i]
			}
		}
	}
	return y
}

func rms(x, gain []float64) []float64 {
	d, y := len(gain), make([]float64, len(x))
	for r := 0; r < len(x); r += d {
		sum := 0.0
		for _, v := range x[r : r+d] {
			sum += v * v
		}
		for c := range d {
			y[r+c] = x[r+c] * gain[c] / math.Sqrt(sum/float64(d)+nn.OwnEps)
		}
	}
	return y
}

func plus(a, b []float64) []float64 {
	y := make([]float64, len(a))
	for i := range a {
		y[i] = a[i] + b[i]
	}
	return y
}

// loss is the weighted sum of cross-entropies over the batch.
func (o *oracle) loss() float64 {
	if o.c.Bits == 0 {
		return o.softmaxLoss(o.logits())
	}
	return o.bitsLoss(o.logits())
}

func (o *oracle) logits() []float64 {
	c, n := &o.c, o.t.b*o.t.n
	x := o.embed(n)
	for l := range c.Layers {
		p := func(name string) []float64 { return o.param(fmt.Sprintf("layers.%d.%s", l, name)) }
		qkv := linear(rms(x, p("attention_norm.weight")), p("attention.qkv.weight"), n)
		x = plus(x, linear(o.attend(qkv), p("attention.out.weight"), n))
		u := linear(rms(x, p("mlp_norm.weight")), p("mlp.gate_up.weight"), n)
		x = plus(x, linear(swiglu(u, c.Hidden), p("mlp.down.weight"), n))
	}
	logits := linear(rms(x, o.param("norm.weight")), o.param("head.weight"), n)
	for i := range logits {
		logits[i] += o.param("head.bias")[i%c.Outputs()]
	}
	if c.Bits == 0 {
		if c.Chain {
			o.tell(logits)
		}
		return logits
	}
	for i, s := range linear(o.codes(), o.param("skip.weight"), n) {
		logits[i] += s * math.Sqrt(float64(c.Bits))
	}
	if c.Chain {
		return o.words(logits, n)
	}
	return logits
}

// words returns the logits of n codes' bits, told of the words before.
func (o *oracle) words(x []float64, n int) []float64 {
	bits, words := o.c.Bits, o.c.Words()
	out, hidden := linear(x, o.param("chain.base.weight"), n), linear(x, o.param("chain.hidden.weight"), n)
	told, up := o.param("chain.told.weight"), o.param("chain.up.weight")
	each := len(told) / bits
	for i, b := range o.param("chain.hidden.bias") {
		for row := range n {
			hidden[row*words*each+i] += b
		}
	}
	for i := range hidden {
		row, word := i/each/words, i/each%words
		for bit := range 32 * word {
			if uint32(o.t.in.hostTargets[row*words+bit/32])>>(bit%32)&1 == 1 {
				hidden[i] += told[i%each*bits+bit]
			} else {
				hidden[i] -= told[i%each*bits+bit]
			}
		}
		hidden[i] /= 1 + math.Exp(-hidden[i])
	}
	for i := range out {
		for j := range each {
			out[i] += up[i%32*each+j] * hidden[i/32*each+j]
		}
	}
	return out
}

// codes are the codes that rows are fed: ±1/√bits, and 0 for none.
func (o *oracle) codes() (out []float64) {
	bits, words := o.c.Bits, o.c.Words()
	for i, valid := range o.t.in.hostValid {
		for b := range bits {
			x := float64(float32(1 / math.Sqrt(float64(bits))))
			if uint32(o.t.in.hostBits[i*words+b/32])>>(b%32)&1 == 0 {
				x = -x
			}
			out = append(out, x*float64(valid))
		}
	}
	return out
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func (o *oracle) embed(n int) []float64 {
	d, table := o.c.Width, o.param("embed.weight")
	x := make([]float64, n*d)
	ids := len(o.t.in.hostIDs) / n
	for i, id := range o.t.in.hostIDs {
		for c := range d {
			if id >= 0 {
				x[i/ids*d+c] += table[int(id)*d+c]
			}
		}
	}
	if o.t.in.codes != nil {
		x = plus(x, linear(o.codes(), o.param("code.weight"), n))
	}
	return x
}

// attend turns queries and keys by their positions and mixes values, a head at a time.
func (o *oracle) attend(qkv []float64) []float64 {
	c := &o.c
	d, dh, n := c.Width, c.HeadDim(), o.t.n
	freq, axis := rope.Table(dh, c.RopePairs, c.RopeTheta)
	axes := len(c.RopePairs)
	turned := func(row, col int) []float64 {
		v := append([]float64(nil), qkv[row*3*d+col:row*3*d+col+dh]...)
		for j := range dh / 2 {
			sin, cos := math.Sincos(float64(float32(o.t.in.hostAxes[row*axes+int(axis[j])]) * freq[j]))
			v[2*j], v[2*j+1] = v[2*j]*cos-v[2*j+1]*sin, v[2*j]*sin+v[2*j+1]*cos
		}
		return v
	}
	out := make([]float64, len(qkv)/3)
	for row := range len(qkv) / (3 * d) {
		for h := range c.Heads {
			q, total := turned(row, h*dh), 0.0
			sum := make([]float64, dh)
			for key := row / n * n; key < (row/n+1)*n; key++ {
				if o.t.in.hostKey[key] > o.t.in.hostKey[row] {
					continue
				}
				s := 0.0
				for i, k := range turned(key, d+h*dh) {
					s += q[i] * k
				}
				w := math.Exp(s / math.Sqrt(float64(dh)))
				total += w
				for i := range dh {
					sum[i] += w * qkv[key*3*d+2*d+h*dh+i]
				}
			}
			for i := range dh {
				out[row*d+h*dh+i] = sum[i] / total
			}
		}
	}
	return out
}

func swiglu(u []float64, f int) []float64 {
	y := make([]float64, len(u)/2)
	for i := range y {
		gate, up := u[i/f*2*f+i%f], u[i/f*2*f+f+i%f]
		y[i] = gate / (1 + math.Exp(-gate)) * up
	}
	return y
}

// tell adds to the logits of a sub-token what each one before it says: a table for each pair.
func (o *oracle) tell(logits []float64) {
	v, sub, table := o.c.Vocab, o.c.Sub, o.param("chain.weight")
	for i := range o.t.in.hostTargets {
		at := 0
		for later := range sub {
			for before := range later {
				if said := o.t.in.hostTargets[i/sub*sub+before]; later == i%sub && said >= 0 {
					for c := range v {
						logits[i*v+c] += table[(at+int(said))*v+c]
					}
				}
				at += v
			}
		}
	}
}

func (o *oracle) softmaxLoss(logits []float64) float64 {
	v, sum := o.c.Vocab, 0.0
	for i, target := range o.t.in.hostTargets {
		if target < 0 {
			continue
		}
		total := 0.0
		for _, x := range logits[i*v : (i+1)*v] {
			total += math.Exp(x)
		}
		sum += float64(o.t.in.hostWeight[i]) * (math.Log(total) - logits[i*v+int(target)])
	}
	return sum
}

func (o *oracle) bitsLoss(logits []float64) float64 {
	bits, words, sum := o.c.Bits, o.c.Words(), 0.0
	for i, x := range logits {
		row, bit := i/bits, i%bits
		if uint32(o.t.in.hostTargets[row*words+bit/32])>>(bit%32)&1 == 1 {
			x = -x
		}
		sum += float64(o.t.in.hostWeight[row]) * math.Log1p(math.Exp(x))
	}
	return sum
}

// TestGradientMatchesFloat64 holds the loss and the gradient of every parameter of
// whole networks, small enough to move one weight at a time, against float64.
func TestGradientMatchesFloat64(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, c := range tiny() {
			c.Width, c.Heads, c.Hidden, c.RopePairs = 8, 2, 6, []int{1, 1}
			if c.Bits = min(c.Bits, 12); c.Chain && c.Bits > 0 {
				c.Bits = 64
			}
			var want float64
			var grad []float64
			for _, o := range []NetworkOptions{{}, {Recompute: true}} {
				net := must(NewNetwork(dev, c.System(), 2, 12, o))(t)
				check(t, net.Store().Init(3))
				p := must(net.Store().P.F32())(t)
				for i := range p {
					p[i] *= 6 // far enough from zero for every path to carry something
				}
				check(t, net.Store().P.WriteF32(p))
				must(net.SetBatch([]Window{{Seq: chain(c, 12, 1), To: 12}, {Seq: chain(c, 12, 2), To: 8}}))(t)
				loss := must(net.Backward())(t)
				if grad == nil { // the same for both
					want, grad = slopes(&oracle{net, c, wide(p)})
				}
				if math.Abs(loss-want) > 1e-5*want {
					t.Errorf("%s: loss %g, in float64 %g", name, loss, want)
				}
				compare(t, fmt.Sprintf("%s, recompute %v", name, o.Recompute), must(net.Store().G.F32())(t), grad)
			}
		}
	})
}

// slopes returns the loss, and by central differences its gradient; their error in
// float64 is about 1e-10.
func slopes(o *oracle) (loss float64, g []float64) {
	const e = 1e-5
	for i, x := range o.p {
		o.p[i] = x + e
		up := o.loss()
		o.p[i] = x - e
		g = append(g, (up-o.loss())/(2*e))
		o.p[i] = x
	}
	return o.loss(), g
}

func compare(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	var dot, gg, ww, worst float64
	for i, w := range want {
		g := float64(got[i])
		dot, gg, ww = dot+g*w, gg+g*g, ww+w*w
		worst = max(worst, math.Abs(g-w))
	}
	if cos := dot / math.Sqrt(gg*ww); !(cos > 1-1e-6) {
		t.Errorf("%s: cosine with the float64 gradient is 1 - %g", what, 1-cos)
	}
	if rms := math.Sqrt(ww / float64(len(want))); !(worst < 1e-4*max(rms, 1)) {
		t.Errorf("%s: an element is off by %g, the gradient's root mean square is %g", what, worst, rms)
	}
}

// TestRecomputeChangesNoBit trains a step both ways.
func TestRecomputeChangesNoBit(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, c := range tiny() {
			c.Layers = 4
			var grads [2][]float32
			var arena [2]uint64
			for i, o := range []NetworkOptions{{}, {Recompute: true}} {
				net := must(NewNetwork(dev, c.System(), 2, 24, o))(t)
				check(t, net.Store().Init(3))
				must(net.SetBatch([]Window{{Seq: chain(c, 24, 1), To: 24}, {Seq: chain(c, 20, 2), To: 16}}))(t)
				must(net.Backward())(t)
				grads[i], arena[i] = must(net.Store().G.F32())(t), net.both.Stats().ArenaBytes
			}
			for i := range grads[0] {
				if math.Float32bits(grads[0][i]) != math.Float32bits(grads[1][i]) {
					t.Fatalf("%s: gradient %d is %g, recomputed %g", name, i, grads[0][i], grads[1][i])
				}
			}
			if arena[1] >= arena[0]*2/3 {
				t.Errorf("%s: %d bytes of temporaries, recomputed %d", name, arena[0], arena[1])
			}
		}
	})
}
