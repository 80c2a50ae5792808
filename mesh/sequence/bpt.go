package sequence

import "github.com/morton-gen/morton/mesh"

// BPT encodes triangles as fans of vertices with two-level positions: a block,
// omitted if it repeats, and an offset among 16³ within it. With 128 levels there
// are 8³ blocks, and the token ids are those published: block 0, offset 512, block
// of a fan's centre 4608, end 5120. Levels are a multiple of 16, at most 1024. Quads
// are triangulated.
//
// Source: Weng et al., "Scaling Mesh Generation via Compressive Tokenization", 2024,
// arXiv:2411.07025.
type BPT struct {
	Options
	Order VertexOrder
}

func (c BPT) code() *fanCode { return newFanCode(c.Options, 0, int32(c.levels()/16), 16) }

// Name returns [NameBPT].
func (BPT) Name() string { return NameBPT }

// EOS returns the end token.
func (c BPT) EOS() int32 { return c.code().eos }

// VocabSize returns the number of tokens: 5121 with 128 levels.
func (c BPT) VocabSize() int { return int(c.EOS()) + 1 }

// Encode returns the fans of m.
func (c BPT) Encode(m *mesh.Mesh) ([]int32, Report, error) { return c.code().encode(m, c.Order) }

func (c BPT) Reader() Reader { return c.code().reader() }
