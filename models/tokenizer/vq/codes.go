package vq

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/codebook"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// codesName is upstream's name of the table of codes.
const codesName = "quantize.embedding.weight"

// codes stands between the networks: a latent becomes the index of the nearest code.
type codes struct{ Config }

// Params implements cnn.Latent. Codes are normalised when they are loaded.
func (c codes) Params() []cnn.Param {
	p := cnn.Param{Name: codesName, Shape: []int{c.CodebookSize, c.CodebookEmbedDim}}
	if c.CodebookL2Norm {
		p.Prepare = func(x []float32) { cnn.Normalize(x, c.CodebookEmbedDim) }
	}
	return []cnn.Param{p}
}

// Code implements cnn.Latent: an index for each latent.
func (c codes) Code(rows, cols int) (tensor.DType, int) { return tensor.I32, rows * cols }

// Encode implements cnn.Latent.
func (c codes) Encode(n *cnn.Net, x, code *gpu.Tensor) {
	codebook.Nearest(n.Recorder, codebook.NearestArgs{X: x, Codes: n.Weight(codesName), IDs: code, Cosine: c.CodebookL2Norm})
	if n.Traces() {
		n.Saw("quantize", c.lookUp(n, code))
	}
}

// Decode implements cnn.Latent.
func (c codes) Decode(n *cnn.Net, code *gpu.Tensor) *gpu.Tensor {
	x := c.lookUp(n, code)
	n.Saw("quantize", x)
	return x
}

// lookUp returns the codes of tokens, [tokens, d].
func (c codes) lookUp(n *cnn.Net, ids *gpu.Tensor) *gpu.Tensor {
	x := n.Map(c.CodebookEmbedDim)
	rows.Gather(n.Recorder, rows.GatherArgs{X: n.Weight(codesName), IDs: ids, Out: x})
	return x
}

// Bytes implements cnn.Latent.
func (c codes) Bytes(rows, cols int) uint64 {
	between := c.CodebookEmbedDim + c.ZChannels
	return 4*uint64(c.CodebookSize+rows*cols*between) + cnn.Chunk(rows*cols, c.CodebookSize)
}
