package systems

import (
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/octree"
)

func init() {
	registerOwn(system.Published{
		Name: "octree", Title: "Morton's octrees", Paper: "2504.09975", Kind: system.Shape, Samples: shard.KindOctree,
	}, func(s *Sections) own {
		if s.Octree == nil {
			return nil
		}
		return trees{*s.Octree}
	})
}

// trees is the shape system. Its parts:
//
//	token     an occupancy byte, or a leaf code of four bytes
//	schedule  level by level, in Morton order
//	input     the tokens before it, of its parent, and of its neighbours at -x, -y and -z
//	trunk     the decoder
//	head      four softmaxes, in a chain if the folder says so
//	sampling  temperature
//
// Source: octrees in Morton order as tokens follow OctGPT, arXiv:2504.09975; the network,
// the bytes and the leaf code are ours.
type trees struct{ octree.Config }

func (c trees) network(n Decoder) Decoder {
	n.Static, n.StaticRows, n.Fed, n.Sub, n.Vocab, n.Bits = order.LevelFixed, order.LevelIds, order.LevelFed, order.LevelSub, order.LevelVocab, 0
	n.Group, n.Faces = 1, FaceRules{}
	n.RopePairs = n.threeAxes()
	return n
}

func (c trees) parts(s *system.System, _ Decoder) {
	s.Flatten, s.Format = c.Lay, system.Format{Depth: c.Default()}
	s.Schedule = func(p system.Prompt) (system.Schedule, error) {
		if err := c.CheckDepth(p.Depth); err != nil {
			return nil, err
		}
		return order.Levels(p.Given, p.Depth)
	}
	s.Tokenizer = func(*gpu.Device, system.Files) (system.Tokenizer, error) {
		return octree.Tokenizer{Config: c.Config}, nil
	}
}
