package systems

import (
	"encoding/json"
	"fmt"
	"hash/fnv"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// targets are the places of tokens that come next. The name is ours, as LlamaGen's are the
// others: the paper's networks are of texts.
const targets = "target_embeddings.weight"

func init() {
	system.Register(system.Published{
		Name: "any-order", Title: "any order, with targets", Paper: "2404.09562", Papers: []string{"2406.06525"}, Kind: "image", Trains: true,
		Tensors: []string{"tok_embeddings.weight", classTable, "output.weight", targets}, Open: openAnyOrder,
	})
}

// openAnyOrder opens LlamaGen's network with targets, after "σ-GPTs: A New Approach to
// Autoregressive Models", arXiv:2404.09562. It predicts tokens one by one in a random order,
// or in that of the request. Every sample is learned in an order of its own.
func openAnyOrder(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readLlama(config, w, 0)
	if err != nil {
		return nil, err
	}
	side, err := c.side()
	if err != nil {
		return nil, err
	}
	var own struct {
		Commit *order.Commit `json:"commit"` // a name of ours
	}
	if config != nil {
		if err := json.Unmarshal(config, &own); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	if err := own.Commit.Check(); err != nil {
		return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
	}
	p := nn.NewParams()
	grid := order.Grid{T: 1, H: side, W: side}
	s := &system.System{
		Name: "any-order", Params: p.List(), Token: system.Token{Sub: 1, Values: c.Vocab}, Grid: [3]int{1, side, side},
		Layout: system.Layout{Fixed: 2, Inputs: 1, Axes: 2, Base: c.Classes + 1 + c.Block, Context: 1 + c.Block, Length: 1 + c.Block, Group: 1, Ranges: order.GuessRanges, Guesses: 63},
		Input:  c.embeddings(p, nn.Part{Name: targets, Rows: c.Block}),
		Trunk:  c.trunk(p, 0, c.Layers, c.rope2D()), Head: head.Softmax{Linear: head.Linear{Out: c.out(p, "norm.weight", "output.weight")}},
		Default: system.Sampling{Temperature: 1, Guidance: 2}, Dropout: c.Dropout,
		Flatten: func(x shard.Sample) (system.Prompt, []uint32, error) {
			q, tokens, err := c.lay(grid)(x)
			q.Order = orderOf(x.ID, c.Block)
			return q, tokens, err
		},
	}
	if own.Commit != nil { // all that is left in one step
		s.Layout.Group = c.Block
	}
	s.Schedule = func(q system.Prompt) (system.Schedule, error) {
		condition, err := c.class(grid, q)
		if err != nil {
			return nil, err
		}
		return order.Shuffled{
			Grid: grid, Conditions: condition, Order: q.Order, Target: int32(c.Classes + 1), Guide: guide(q, func(before int) bool { return before-1 > q.Interval }), Commit: own.Commit,
		}.Schedule()
	}
	return s, nil
}

// orderOf is a random order of n positions that the id of a sample decides.
func orderOf(id string, n int) []int32 {
	h := fnv.New64a()
	h.Write([]byte(id))
	key, counter := sample.Stream(0, h.Sum64())
	return order.Shuffle(n, func(i uint32) uint32 { return sample.Philox([4]uint32{i, 0, counter, 0}, key)[0] })
}
