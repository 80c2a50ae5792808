package transformer

import (
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/tensor"
)

// DecoderBytes is the device memory a decoder needs: weights, caches and tables, and
// an estimate from above of what its programs' temporaries
// take, one program for each power of two of lanes and one for prompts.
func (c *Config) DecoderBytes(o DecoderOptions) uint64 {
	const word, half = 4, 2
	slots := o.Slots
	bytes := c.weightBytes(o.Precision) + half*2*uint64(c.Layers)*uint64(slots)*uint64(c.pages()*attention.MinPage)*uint64(c.Width)
	dims := c.Dims(slots)
	elems := uint64(slots) * uint64(c.Length) * uint64(dims.PlanColumns()+dims.Sub)
	rows := promptRows + c.Group
	for lanes := 1; lanes < 2*slots; lanes *= 2 {
		rows += lanes * c.Group
	}
	// Alive at once, at most: x, h, qkv, a; or x, h, u, s; or x, h, logits; and the rows' tables.
	perRow := 6*c.Width + 3*c.Hidden + c.Outputs() + 3*c.Fed*max(c.Bits, 1) + 4*dims.PlanColumns() + 64
	return bytes + word*(elems+uint64(rows)*uint64(perRow))
}

// StepGrain is the floating-point operations that each dispatch of a step does on
// average, of so many lanes: what gpu.Options wants to know before a decoder is made.
func (c *Config) StepGrain(lanes int) int64 {
	var weights int64
	for _, s := range c.specs() {
		if c.matrix(s.Name) {
			weights += int64(tensor.Elems(s.Shape))
		}
	}
	dispatches := int64(6*c.Layers + 6) // six a layer; rows in, embedding, head, zeros, draw, tokens out
	return 2 * int64(lanes*c.Group) * weights / dispatches
}
