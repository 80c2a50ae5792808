package systems

import (
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/sampler"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/faces"
)

func init() {
	registerOwn(system.Published{
		Name: "quad", Title: "Morton's quad meshes", Paper: "2509.21420", Kind: system.Quads, Samples: shard.KindQuad,
	}, func(s *Sections) own {
		if s.Quad == nil {
			return nil
		}
		return quads{*s.Quad}
	})
}

// quads is the system of quad meshes. Its parts:
//
//	token     a coordinate, a pad or the end
//	schedule  raster order, behind the points of a surface, which stay visible for ever
//	input     the last three coordinates, and those six, nine and twelve before
//	trunk     the decoder
//	head      a softmax
//	rule      the grammar of face sequences, and of a surface to follow
//	sampling  temperature, top-k and top-p
//
// Source: the task and the face layout are QuadGPT's, arXiv:2509.21420; the network is
// ours.
type quads struct{ faces.Config }

func (c quads) network(n Decoder) Decoder {
	n.Static, n.StaticRows, n.Fed, n.Sub, n.Bits, n.Group = order.FaceFixed, order.FaceIds, order.FaceInputs, 1, 0, 1
	n.Vocab = c.Sequence().VocabSize()
	n.Vocab += n.Vocab % 2
	n.Faces = FaceRules{Levels: c.Levels, Start: c.Points}
	half := n.HeadDim() / 4
	n.RopePairs = []int{half, n.HeadDim()/2 - half}
	return n
}

func (c quads) parts(s *system.System, n Decoder) {
	s.Layout.Sinks, s.Layout.Unit = c.Points, sequence.FaceTokens
	s.Token.End = int(c.Sequence().EOS())
	s.Constraint = sampler.Faces{Levels: c.Levels, Start: c.Points}
	s.Flatten, s.Format = c.Lay, system.Format{Faces: c.Faces}
	s.Schedule = func(p system.Prompt) (system.Schedule, error) {
		return order.Faces{Options: c.Sequence(), Points: c.Points}.Schedule(p.Points, p.Faces*sequence.FaceTokens+1, len(p.Given))
	}
	s.Tokenizer = func(*gpu.Device, system.Files) (system.Tokenizer, error) {
		return faces.Tokenizer{Config: c.Config, Length: n.Length}, nil
	}
}
