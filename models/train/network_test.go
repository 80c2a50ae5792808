package train

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/systems"
)

// tiny are small networks of each kind of token and grouping.
func tiny() map[string]systems.Decoder {
	base := systems.Decoder{
		Width: 32, Layers: 2, Heads: 2, Hidden: 48, RopePairs: []int{4, 4}, RopeTheta: 100,
		Static: 2, StaticRows: 20, Fed: 2, Sub: 1, Vocab: 12, Context: 24, Length: 64, Group: 1,
	}
	sub, codes := base, base
	sub.Sub, sub.Vocab, sub.Group = 3, 8, 4
	codes.Sub, codes.Vocab, codes.Bits, codes.Group = 0, 0, 40, 2
	chained := sub
	chained.Chain = true
	words := codes
	words.Bits, words.Chain = 96, true
	return map[string]systems.Decoder{"softmax": base, "sub-tokens": sub, "chained sub-tokens": chained, "codes": codes, "chained words": words}
}

// chain lays out n positions in groups, fed from the previous group and from two
// groups back, with random tokens.
func chain(c systems.Decoder, n int, seed uint64) *Sequence {
	r := rand.New(rand.NewPCG(seed, 0))
	var rows order.Positions
	var tokens []uint32
	for p := range n {
		g := p / c.Group
		feed := func(k int) int32 { return int32(max(p-k*c.Group, -1)) }
		if p < c.Group {
			feed = func(int) int32 { return -1 }
		}
		one, two := feed(1), feed(2)
		if p < 2*c.Group {
			two = -1
		}
		rows.Add([]int32{int32(g % 10), int32(10 + p%10)}, []int32{one, two}, []int32{int32(g), int32(p % c.Group)}, int32((g+1)*c.Group), 0, int32(max(c.Vocab, 1)))
		for range c.Words() {
			if c.Bits > 0 {
				tokens = append(tokens, r.Uint32())
			} else {
				tokens = append(tokens, uint32(r.IntN(c.Vocab)))
			}
		}
	}
	if c.Bits > 0 {
		for i := c.Words() - 1; i < len(tokens); i += c.Words() {
			tokens[i] &= 1<<((c.Bits-1)%32+1) - 1
		}
	}
	return joined(c, rows, tokens)
}

// joined lays out positions of which all are drawn.
func joined(c systems.Decoder, rows order.Positions, tokens []uint32) *Sequence {
	q, err := Join(c.System(), order.Fixed(rows.Runs(0, 0, c.Group)...), tokens)
	if err != nil {
		panic(err) // the test's own rows
	}
	return q
}

// from returns a sequence that predicts the tokens from position p on, a row each.
func from(q *Sequence, p int) *Sequence {
	out := *q
	d := q.Draws
	out.Draws = system.Targets{N: d.N - p, At: d.At[p:], From: d.From[p:], TokenRange: d.TokenRange[2*p:]}
	out.First = p
	return &out
}

// must returns a function that fails the test on an error and returns the value.
func must[T any](x T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// TestGradientIsTheSlope holds the gradient of the whole network against
// differences of the loss along random directions.
func TestGradientIsTheSlope(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, c := range tiny() {
			net := must(NewNetwork(dev, c.System(), 2, 24, NetworkOptions{}))(t)
			check(t, net.Store().Init(3))
			seqs := []Window{{Seq: chain(c, 24, 1), To: 24}, {Seq: chain(c, 20, 2), To: 16}}
			must(net.SetBatch(seqs))(t)
			must(net.Backward())(t)
			p, g := must(net.Store().P.F32())(t), must(net.Store().G.F32())(t)
			r := rand.New(rand.NewPCG(9, 9))
			for range 4 {
				dir := make([]float32, len(p))
				slope := 0.0
				for i := range dir {
					dir[i] = float32(r.NormFloat64())
					slope += float64(dir[i]) * float64(g[i])
				}
				at := func(e float64) float64 {
					moved := slices.Clone(p)
					for i := range moved {
						moved[i] += float32(e) * dir[i]
					}
					check(t, net.Store().P.WriteF32(moved))
					return must(net.Forward())(t)
				}
				const e = 1e-3
				// The fourth-order stencil: the curvature along so many weights is large.
				diff := (8*(at(e)-at(-e)) - (at(2*e) - at(-2*e))) / (12 * e)
				if math.Abs(diff-slope) > 5e-3*(math.Abs(slope)+1) {
					t.Errorf("%s: slope %g by differences, %g by the gradient", name, diff, slope)
				}
			}
			check(t, net.Store().P.WriteF32(p))
		}
	})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// saved stores a freshly initialised network and opens it for a decoder.
func savedWeights(t *testing.T, dev *gpu.Device, c systems.Decoder) *safetensors.File {
	t.Helper()
	net := must(NewNetwork(dev, c.System(), 1, c.Context, NetworkOptions{}))(t)
	check(t, net.Store().Init(5))
	// Larger weights than the initial ones, so that draws depend on the context.
	p := must(net.Store().P.F32())(t)
	for i := range p {
		p[i] *= 3
	}
	switch {
	case c.Chain && c.Bits > 0: // from 0
		at, n := net.Store().Range("chain.up.weight")
		copy(p[at:at+n], gputest.Normal(1, n))
	case c.Chain: // from 0.02 to 1
		at, n := net.Store().Range("chain.weight")
		for i := range n {
			p[at+i] *= 50. / 3
		}
	}
	check(t, net.Store().P.WriteF32(p))
	path := filepath.Join(t.TempDir(), "w.safetensors")
	check(t, net.Store().Save(path, safetensors.F32, false, nil))
	f := must(safetensors.Open(path))(t)
	t.Cleanup(func() { f.Close() })
	return f
}

// newDecoder opens a network to generate.
func newDecoder(t testing.TB, dev *gpu.Device, c systems.Decoder, f *safetensors.File, o engine.DecoderOptions) *engine.Decoder {
	t.Helper()
	return must(engine.NewDecoder(dev, c.System(), nn.File(f), o))(t)
}

// lay writes a sequence to a slot, with the tokens of its first positions, and returns
// the lane that reads them in a piece of 64 rows; draw lets it go on.
func lay(t testing.TB, dec *engine.Decoder, c systems.Decoder, slot int, s *Sequence, prompt int) step.Sequence {
	t.Helper()
	check(t, dec.SetTokens(slot, 0, s.Tokens[:prompt*c.Words()]))
	if !must(dec.Reserve(slot, c.Context))(t) {
		t.Fatal("too few pages")
	}
	check(t, dec.LoadRows(slot, 0, 0, 0, &s.Rows))
	draws := s.Draws
	draws.From = nil // the rows of their own numbers
	check(t, dec.LoadTargets(slot, 0, &draws, c.Group, 1))
	return step.Sequence{Slot: slot, Canvas: slot, Rows: prompt, Group: 64, Target: prompt, Targets: prompt, Unconditional: -1}
}

// draw lets a lane draw up to position n.
func draw(l step.Sequence, c systems.Decoder, n int) step.Sequence {
	l.Rows, l.Group, l.Targets, l.GroupTargets = n, c.Group, n, c.Group
	return l
}

// drawAll generates n positions of several slots after a prompt, with some lanes a step.
func drawAll(t *testing.T, dec *engine.Decoder, c systems.Decoder, seqs []*Sequence, prompt, n int, slots []int, times int) [][]uint32 {
	t.Helper()
	lanes := make([]step.Sequence, len(slots))
	for i, slot := range slots {
		check(t, dec.SetSampling(slot, step.Sampling{Seed: 77, Request: uint64(1000 + seqs[i].Fixed[0]), Temperature: 1, TopP: 1, End: -1}))
		one := engine.Step{Sequences: []step.Sequence{lay(t, dec, c, slot, seqs[i], prompt)}, Times: 1}
		check(t, dec.Run(one))
		lanes[i] = draw(one.Sequences[0], c, n)
	}
	for lanes[0].Row < n {
		check(t, dec.Run(engine.Step{Sequences: lanes, Times: times, EveryRow: true}))
	}
	var out [][]uint32
	for _, slot := range slots {
		out = append(out, must(dec.Tokens(slot, 0, n))(t))
	}
	return out
}

// TestRequestsDoNotDependOnTheBatch draws sequences alone, together, in other
// slots, with other numbers of steps a submit, and past the cache's length.
func TestRequestsDoNotDependOnTheBatch(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, c := range tiny() {
			dec := newDecoder(t, dev, c, savedWeights(t, dev, c), engine.DecoderOptions{Slots: 5})
			const n = 60
			var seqs []*Sequence
			for i := range uint64(5) {
				seqs = append(seqs, chain(c, n, i))
			}
			together := drawAll(t, dec, c, seqs, 8, n, []int{0, 1, 2, 3, 4}, 3)
			for i, s := range seqs {
				alone := drawAll(t, dec, c, []*Sequence{s}, 8, n, []int{(i * 3) % 5}, 7)[0]
				if !slices.Equal(alone, together[i]) {
					t.Errorf("%s: sequence %d differs alone from in the batch", name, i)
				}
			}
			if slices.Equal(together[0][8*c.Words():], together[1][8*c.Words():]) {
				t.Errorf("%s: different prompts gave equal samples", name)
			}
			dec.Free()
		}
	})
}

// TestDecodingIsTheTrainedNetwork compares the network that draws with the network
// that trains, for every kind of token and group. A token drawn at temperature 0 is
// the likeliest of the trained network: no other token there has a lower loss.
func TestDecodingIsTheTrainedNetwork(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, c := range tiny() {
			f := savedWeights(t, dev, c)
			dec := newDecoder(t, dev, c, f, engine.DecoderOptions{Slots: 1, Precision: nn.F32})
			seq := chain(c, c.Context, 3)
			prompt := 2 * c.Group
			check(t, dec.SetSampling(0, step.Sampling{TopP: 1, End: -1}))
			lanes := []step.Sequence{lay(t, dec, c, 0, seq, prompt)}
			check(t, dec.Run(engine.Step{Sequences: lanes, Times: 1}))
			lanes[0] = draw(lanes[0], c, c.Context)
			for lanes[0].Row < c.Context {
				check(t, dec.Run(engine.Step{Sequences: lanes, Times: 8, EveryRow: true}))
			}
			seq.Tokens = must(dec.Tokens(0, 0, c.Context))(t)
			dec.Free()
			net := must(NewNetwork(dev, c.System(), 1, c.Context, NetworkOptions{}))(t)
			check(t, net.Store().Load(f, false))
			if c.Chain && c.Bits > 0 {
				likeliestWords(t, net, c, seq, prompt)
				net.Free()
				continue
			}
			for p := prompt; p < c.Context; p += 5 { // every place in a group
				likeliest(t, name, net, c, seq, p)
			}
			net.Free()
		}
	})
}

// likeliest holds the token at position p of a drawn sequence against all others.
// The window ends with the group of p, whose positions see each other's inputs but
// not each other's tokens, so a change of p's token changes p's loss alone.
func likeliest(t *testing.T, name string, net *Network, c systems.Decoder, seq *Sequence, p int) {
	t.Helper()
	lossOf := func(word int, token uint32) float64 {
		one := from(seq, p)
		one.Tokens = slices.Clone(seq.Tokens)
		one.Tokens[p*c.Words()+word] = token
		must(net.SetBatch([]Window{{Seq: one, To: (p/c.Group + 1) * c.Group}}))(t)
		all := must(net.Forward())(t)
		if !c.Chain {
			return all
		}
		// Later words of the token are told of this one, which was drawn without them.
		first := slices.IndexFunc(net.in.hostWeight, func(w float32) bool { return w != 0 })
		return float64(must(net.in.loss.F32())(t)[first+word])
	}
	for word, drawn := range seq.Tokens[p*c.Words() : (p+1)*c.Words()] {
		best := lossOf(word, drawn)
		for i := range max(c.Vocab, min(c.Bits-32*word, 32)) {
			other := uint32(i)
			if c.Bits > 0 {
				other = drawn ^ 1<<i
			}
			if l := lossOf(word, other); l < best-1e-5 {
				t.Fatalf("%s: position %d: word %d: %d has loss %g, the decoder's %d has %g", name, p, word, other, l, drawn, best)
			}
		}
	}
}

// likeliestWords holds every drawn bit against the sign of its logit in float64, told of the
// words before.
func likeliestWords(t *testing.T, net *Network, c systems.Decoder, seq *Sequence, prompt int) {
	t.Helper()
	must(net.SetBatch([]Window{{Seq: from(seq, prompt), To: c.Context}}))(t)
	o := &oracle{net, c, wide(must(net.Store().P.F32())(t))}
	for i, x := range o.logits()[prompt*c.Bits:] {
		p, bit := prompt+i/c.Bits, i%c.Bits
		if set := seq.Tokens[p*c.Words()+bit/32]>>(bit%32)&1 == 1; set != (x > 0) && math.Abs(x) > 1e-4 {
			t.Fatalf("position %d: bit %d is %v, its logit is %g", p, bit, set, x)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for name, change := range map[string]func(*systems.Decoder){
		"heads":   func(c *systems.Decoder) { c.Heads = 3 },
		"rope":    func(c *systems.Decoder) { c.RopePairs = []int{1} },
		"both":    func(c *systems.Decoder) { c.Bits = 8 },
		"width":   func(c *systems.Decoder) { c.Width = 1 << 30 },
		"context": func(c *systems.Decoder) { c.Context = 0 },
		"theta":   func(c *systems.Decoder) { c.RopeTheta = math.NaN() },
		"words":   func(c *systems.Decoder) { c.Sub, c.Vocab, c.Bits, c.Chain = 0, 0, 40, true },
	} {
		c := tiny()["softmax"]
		change(&c)
		if c.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
