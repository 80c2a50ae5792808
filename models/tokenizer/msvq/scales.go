package msvq

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/codebook"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// scales stands between the networks: latents become indices of every scale, or the numbers
// of the codes.
type scales struct {
	Config
	smooth bool
}

func (s scales) on(n *cnn.Net) Quantizer {
	return Quantizer{Config: s.Config, Weight: n.Weight, Smooth: s.smooth}
}

// width is the number of words of a token.
func (s scales) width() int {
	if s.smooth {
		return s.Dim
	}
	return 1
}

// of returns the part of a code that holds scale k.
func (s scales) of(code *gpu.Tensor, k int) *gpu.Tensor {
	at := 0
	for _, p := range s.Sides[:k] {
		at += p * p
	}
	return code.View(at*s.width(), s.Sides[k]*s.Sides[k]*s.width())
}

// Code implements cnn.Latent: the tokens of all scales, the coarsest first.
func (s scales) Code(int, int) (tensor.DType, int) {
	if s.smooth {
		return tensor.F32, s.Tokens() * s.Dim
	}
	return tensor.I32, s.Tokens()
}

// Encode implements cnn.Latent. Each scale takes the nearest codes to what is left, and
// takes away what they stand for.
func (s scales) Encode(n *cnn.Net, x, code *gpu.Tensor) {
	q, sum := s.on(n), s.zeros(n)
	for k := range s.Sides {
		tokens := s.of(code, k)
		ids := tokens
		if s.smooth {
			ids = n.Temp(tensor.I32, s.Sides[k]*s.Sides[k])
		}
		codebook.Nearest(n.Recorder, codebook.NearestArgs{X: q.Reduce(n.Recorder, k, 1, x), Codes: q.Book(), IDs: ids})
		if s.smooth {
			rows.Gather(n.Recorder, rows.GatherArgs{X: q.Book(), IDs: ids, Out: tokens.View(0, s.Sides[k]*s.Sides[k], s.Dim)})
		}
		part := n.Map(s.Dim)
		q.Refine(n.Recorder, k, 1, q.Look(n.Recorder, k, 1, tokens), part, false)
		elementwise.Add(n.Recorder, elementwise.AddArgs{A: x, B: part, Out: x, Alpha: -1})
		if n.Traces() {
			elementwise.Add(n.Recorder, elementwise.AddArgs{A: sum, B: part, Out: sum})
			n.Saw(fmt.Sprint("scale", k), sum)
		}
	}
}

// Decode implements cnn.Latent: the sum of what all scales stand for.
func (s scales) Decode(n *cnn.Net, code *gpu.Tensor) *gpu.Tensor {
	q, sum := s.on(n), s.zeros(n)
	for k := range s.Sides {
		q.Refine(n.Recorder, k, 1, q.Look(n.Recorder, k, 1, s.of(code, k)), sum, true)
		n.Saw(fmt.Sprint("scale", k), sum)
	}
	return sum
}

func (s scales) zeros(n *cnn.Net) *gpu.Tensor {
	x := n.Map(s.Dim)
	n.Fill(x, 0)
	return x
}

// Bytes implements cnn.Latent.
func (s scales) Bytes(rows, cols int) uint64 {
	cells := rows * cols
	return 4*uint64(s.Codes+5*cells*s.Dim) + max(cnn.Chunk(cells, s.Codes), cnn.TilesBytes(rows, cols, s.Dim, s.Dim))
}
