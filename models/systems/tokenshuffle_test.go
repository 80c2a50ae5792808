package systems_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// The sizes of tiny networks with LlamaGen's blocks: pictures of 4x4 tokens.
const llWidth, llHeads, llHidden, llValues, llClasses, llSide = 16, 2, 24, 64, 3, 4

const llDescription = `{"n_head": 2, "block_size": 16}`

// llama adds LlamaGen's tensors below a prefix.
func (s shapes) llama(prefix string, layers, inputs, outputs int) {
	s[prefix+"tok_embeddings.weight"], s[prefix+"output.weight"] = []int{inputs, llWidth}, []int{outputs, llWidth}
	s[prefix+"norm.weight"] = []int{llWidth}
	for i := range layers {
		b := fmt.Sprintf("%slayers.%d.", prefix, i)
		s[b+"attention_norm.weight"] = []int{llWidth}
		s[b+"attention.wqkv.weight"], s[b+"attention.wo.weight"] = []int{3 * llWidth, llWidth}, []int{llWidth, llWidth}
		s.llamaMLP(b)
	}
}

func (s shapes) llamaMLP(block string) {
	s[block+"ffn_norm.weight"] = []int{llWidth}
	s[block+"feed_forward.w1.weight"], s[block+"feed_forward.w3.weight"] = []int{llHidden, llWidth}, []int{llHidden, llWidth}
	s[block+"feed_forward.w2.weight"] = []int{llWidth, llHidden}
}

// llRow is a row of LlamaGen's network in float64. The class has no place.
type llRow struct {
	x     []float64
	place [2]int
	class bool
	sees  int // rows
}

// llamaBlocks passes rows through LlamaGen's blocks.
func (o named64) llamaBlocks(prefix string, layers int, all []llRow) {
	for i := range layers {
		o.llamaBlock(fmt.Sprintf("%slayers.%d.", prefix, i), all)
	}
}

func (o named64) llamaBlock(b string, all []llRow) {
	var q, k, v [][]float64
	for _, r := range all {
		qkv := o.product(b+"attention.wqkv.weight", o.rmsOf(b+"attention_norm.weight", r.x, 1e-5))
		r.turn(qkv[:llWidth])
		r.turn(qkv[llWidth : 2*llWidth])
		q, k, v = append(q, qkv[:llWidth]), append(k, qkv[llWidth:2*llWidth]), append(v, qkv[2*llWidth:])
	}
	for j := range all {
		n := all[j].sees
		all[j].x = o.llamaMLP(b, plus(all[j].x, o.product(b+"attention.wo.weight", attend(q[j], k[:n], v[:n], llHeads))))
	}
}

func (o named64) llamaMLP(block string, x []float64) []float64 {
	h := o.rmsOf(block+"ffn_norm.weight", x, 1e-5)
	u, g := o.product(block+"feed_forward.w3.weight", h), each(o.product(block+"feed_forward.w1.weight", h), silu)
	for i := range u {
		u[i] *= g[i]
	}
	return plus(x, o.product(block+"feed_forward.w2.weight", u))
}

// turn rotates the first half of a head's pairs by the row, and the second by the column.
func (r llRow) turn(x []float64) {
	const dh = llWidth / llHeads
	for h := range llHeads {
		for j := range dh / 2 {
			sin, cos := math.Sincos(float64(r.place[j/(dh/4)]) * math.Pow(10000, -float64(j%(dh/4))/(dh/4)))
			if r.class {
				sin, cos = 0, 0
			}
			a, b := x[h*dh+2*j], x[h*dh+2*j+1]
			x[h*dh+2*j], x[h*dh+2*j+1] = a*cos-b*sin, a*sin+b*cos
		}
	}
}

// guided adds guidance to logits without condition, in place.
func guided(none, said []float64, scale float64) []float64 {
	for i := range none {
		none[i] += scale * (said[i] - none[i])
	}
	return none
}

const tsWindow, tsNarrow = 2, llWidth / 4

func tinyTokenShuffle() named64 {
	s := shapes{"cls_embedding.embedding_table.weight": {llClasses + 1, llWidth}}
	s.llama("", 2, llValues, llValues)
	s.linear("token_shuffle.compress", tsNarrow, llWidth)
	s.linear("token_unshuffle.expand", llWidth, tsNarrow)
	s.llamaMLP("token_shuffle.blocks.0.")
	for i := range 2 {
		s.llamaMLP(fmt.Sprintf("token_unshuffle.blocks.%d.", i))
	}
	return named64{s, &sync.Map{}}
}

// window are the cells of a window.
func window(i int) (cells []int) {
	for j := range tsWindow * tsWindow {
		y, x := i/(llSide/tsWindow)*tsWindow+j/tsWindow, i%(llSide/tsWindow)*tsWindow+j%tsWindow
		cells = append(cells, y*llSide+x)
	}
	return cells
}

// windowLogits are the logits of a window's tokens, behind those before it.
func (o named64) windowLogits(class, next int, tokens []uint32) (logits [][]float64) {
	all := []llRow{{x: o.row("cls_embedding.embedding_table.weight", class, llWidth), class: true, sees: 1}}
	for i := range next {
		r := llRow{place: [2]int{i / (llSide / tsWindow), i % (llSide / tsWindow)}, sees: i + 2}
		for _, cell := range window(i) {
			r.x = append(r.x, o.linear("token_shuffle.compress", o.row("tok_embeddings.weight", int(tokens[cell]), llWidth))...)
		}
		r.x = o.llamaMLP("token_shuffle.blocks.0.", r.x)
		all = append(all, r)
	}
	o.llamaBlocks("", 2, all)
	x := all[next].x
	for i := range 2 {
		x = o.llamaMLP(fmt.Sprintf("token_unshuffle.blocks.%d.", i), x)
	}
	for j := range tsWindow * tsWindow {
		h := o.linear("token_unshuffle.expand", x[j*tsNarrow:(j+1)*tsNarrow])
		logits = append(logits, o.product("output.weight", o.rmsOf("norm.weight", h, 1e-5)))
	}
	return logits
}

// TestTokenShuffle draws greedily, a window a step, and computes every window again in
// float64 from the windows before it, with guidance by its ramp.
func TestTokenShuffle(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		o := tinyTokenShuffle()
		published := must(system.Detect(o))(t)
		s := must(published.Open([]byte(llDescription), o))(t)
		if missing := s.Params.Missing(o); published.Name != "token-shuffle" || len(missing) > 0 {
			t.Fatalf("%s lacks %v", published.Name, missing)
		}
		e := must(engine.New(dev, s, o, engine.Options{Slots: 2, Precision: nn.F32, Cache: nn.F32}))(t)
		defer e.Close()
		for _, p := range []system.Prompt{{Class: 1, Guidance: 4}, {Class: 2, Guidance: 3, Ramp: system.Constant}, {Class: 0}} {
			res := must(e.Generate(context.Background(), request(s, "a", p, 0)))(t)
			windows := llSide * llSide / tsWindow / tsWindow
			if res.Steps != windows {
				t.Errorf("%d steps for %d windows", res.Steps, windows)
			}
			for w := range windows {
				logits := o.windowLogits(p.Class, w, res.Tokens)
				if p.Guidance > 1 {
					scale := float64(p.Guidance)
					if p.Ramp == "" {
						scale = 1 + (scale-1)*min(2*float64(w)/float64(windows), 1)
					}
					none := o.windowLogits(llClasses, w, res.Tokens)
					for i := range logits {
						logits[i] = guided(none[i], logits[i], scale)
					}
				}
				for i, cell := range window(w) {
					checkLikeliest(t, fmt.Sprintf("cell %d of class %d", cell, p.Class), logits[i], res.Tokens[cell])
				}
			}
		}
	})
}
