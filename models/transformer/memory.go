package transformer

import "github.com/morton-gen/morton/gpu/tensor"

// DecoderBytes is the device memory a decoder of so many slots needs: parameters,
// caches and tables, and an estimate from above of what its programs' temporaries
// take, one program for each power of two of lanes and one for prompts.
func (c *Config) DecoderBytes(slots int) uint64 {
	const word = 4
	var elems uint64
	for _, s := range c.specs() {
		elems += uint64(tensor.Elems(s.Shape)) + 64 // aligned
	}
	elems += 2 * uint64(c.Layers) * uint64(slots) * uint64(c.Context) * uint64(c.Width)
	dims := c.Dims(slots)
	elems += uint64(slots) * uint64(c.Length) * uint64(dims.PlanColumns()+dims.Sub)
	rows := promptRows + c.Group
	for lanes := 1; lanes < 2*slots; lanes *= 2 {
		rows += lanes * c.Group
	}
	// Alive at once, at most: x, h, qkv, a; or x, h, u, s; or x, h, logits; and the rows' tables.
	perRow := 6*c.Width + 3*c.Hidden + c.Outputs() + 3*c.Fed*max(c.Bits, 1) + 4*dims.PlanColumns() + 64
	return word * (elems + uint64(rows)*uint64(perRow))
}
