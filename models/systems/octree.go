package systems

import (
	"fmt"

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

// classDropout is the share of the training samples whose class is not told.
const classDropout = 0.1

// trees is the shape system. Its parts:
//
//	token     an occupancy byte, or a leaf code of four bytes
//	schedule  level by level, in Morton order, one by one or many at once
//	input     the tokens before it, of its parent, and of its neighbours at -x, -y and -z, or
//	          of its parent and its known neighbours; and the class of the shape if the folder
//	          has classes
//	trunk     the decoder
//	head      four softmaxes, in a chain if the folder says so
//	sampling  temperature
//
// Source: octrees in Morton order as tokens follow OctGPT, arXiv:2504.09975; the network,
// the bytes and the leaf code are ours.
type trees struct{ octree.Config }

func (c trees) network(n Decoder) Decoder {
	n.Static, n.StaticRows, n.Fed, n.Sub, n.Vocab, n.Bits = order.LevelFixed, order.LevelIds, order.LevelFed, order.LevelSub, order.LevelVocab, 0
	if len(c.Classes) > 0 {
		n.Static, n.StaticRows = n.Static+1, n.StaticRows+len(c.Classes)
	}
	n.Group, n.Faces = 1, FaceRules{}
	if c.Together {
		n.Fed = order.LevelNear
	}
	n.RopePairs = n.threeAxes()
	return n
}

func (c trees) parts(s *system.System, _ Decoder) {
	if len(c.Classes) > 0 {
		s.Classes, s.Dropout = c.Classes, classDropout
	}
	s.Flatten, s.Format = c.Lay, system.Format{Depth: c.Default()}
	if c.Together {
		s.Layout.Group = order.LevelSetRows
	}
	s.Schedule = func(p system.Prompt) (system.Schedule, error) {
		if err := c.CheckDepth(p.Depth); err != nil {
			return nil, err
		}
		if p.Class < 0 || p.Class > max(len(c.Classes)-1, 0) {
			return nil, fmt.Errorf("systems: %w: class %d of %d", system.ErrPrompt, p.Class, len(c.Classes))
		}
		class := p.Class
		if len(c.Classes) == 0 {
			class = -1
		}
		return order.Octree{Depth: p.Depth, Class: class, Together: c.Together}.Schedule(p.Given)
	}
	s.Tokenizer = func(*gpu.Device, system.Files) (system.Tokenizer, error) {
		return octree.Tokenizer{Config: c.Config}, nil
	}
}
