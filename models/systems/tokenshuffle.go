package systems

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// compress makes the embedding of a token narrower. This name and those of what else stands
// around LlamaGen's network are ours: the authors publish none.
const compress = "token_shuffle.compress"

func init() {
	system.Register(system.Published{
		Name: "token-shuffle", Title: "Token-Shuffle", Paper: "2504.17789", Papers: []string{"2406.06525"}, Kind: "image",
		Tensors: []string{"tok_embeddings.weight", classTable, "output.weight", compress + ".weight"}, Open: openTokenShuffle,
	})
}

// openTokenShuffle opens LlamaGen's network over windows of tokens, after "Token-Shuffle:
// Towards High-Resolution Image Generation with Autoregressive Models", arXiv:2504.17789. A
// window is one row of the network.
func openTokenShuffle(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readLlama(config, w, 0)
	if err != nil {
		return nil, err
	}
	side, err := c.side()
	if err != nil {
		return nil, err
	}
	narrow := dim(w, compress+".weight", 0)
	window := int(math.Round(math.Sqrt(float64(c.Dim) / float64(max(narrow, 1)))))
	if narrow < 2 || narrow%2 != 0 || window*window*narrow != c.Dim || side%window != 0 {
		return nil, fmt.Errorf("systems: %w: parts of %d of a width of %d, %d by %d tokens", nn.ErrConfig, narrow, c.Dim, side, side)
	}
	p, grid, each := nn.NewParams(), order.Grid{T: 1, H: side, W: side}, window*window
	rows := 1 + c.Block/each
	return &system.System{
		Name: "token-shuffle", Params: p.List(), Token: system.Token{Sub: 1, Values: c.Vocab}, Grid: [3]int{1, side, side},
		Layout: system.Layout{Fixed: 1, Inputs: each, Axes: 2, Context: rows, Length: max(rows, c.Block), Group: each, Raw: true},
		Input: input.Windows{
			Condition: p.Table(c.Dim, llamaInit, nn.Part{Name: classTable, Rows: c.Classes + 1}), Tokens: p.Table(c.Dim, llamaInit, nn.Part{Name: "tok_embeddings.weight", Rows: c.Vocab}),
			Compress: p.Linear(narrow, c.Dim, llamaInit, compress), Blocks: c.mlps(p, w, "token_shuffle"),
		},
		Trunk: c.trunk(p, 0, c.Layers, c.rope2D()),
		Head: head.Windows{
			Softmax: head.Softmax{Linear: head.Linear{Out: c.out(p, "norm.weight", "output.weight")}},
			Blocks:  c.mlps(p, w, "token_unshuffle"), Expand: p.Linear(c.Dim, narrow, llamaInit, "token_unshuffle.expand"),
		},
		Default: system.Sampling{Temperature: 1, Guidance: 2},
		Schedule: func(q system.Prompt) (system.Schedule, error) {
			condition, err := c.class(grid, q)
			if err != nil {
				return nil, err
			}
			return grid.Windows(condition, window, halfLinear(q, c.Block)), nil
		},
	}, nil
}

// mlps declares the blocks in front of the network or behind it: LlamaGen's feed-forward
// halves.
func (c *llama) mlps(p nn.Params, w nn.Weights, part string) (out []nn.MLP) {
	for i := range blocksOf(w, part+".blocks.%d.ffn_norm.weight") {
		out = append(out, c.mlp(p.In("%s.blocks.%d.", part, i)))
	}
	return out
}

// halfLinear lets guidance grow evenly over the first half of n tokens, and stay then, unless
// a prompt asks for another ramp.
func halfLinear(q system.Prompt, n int) order.GuidanceScale {
	if q.Ramp == system.Constant {
		return guide(q, func(before int) bool { return before-1 > q.Interval })
	}
	half := float32(n) / 2
	if q.Ramp == system.Linear {
		half = float32(n)
	}
	return func(before int) float32 {
		return 1 + (max(q.Guidance, 1)-1)*min(float32(before)/half, 1)
	}
}
