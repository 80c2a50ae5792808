package sequence

import "github.com/morton-gen/morton/mesh"

// DeepMesh encodes the fans of [BPT] with three-level positions: patch, block among 8³
// within it, offset among 16³ within that. With 512 levels there are 4³ patches, and the
// token ids are those published: patch 0, block 64, offset 576, patch of a fan's centre
// 4672, begin 4736, end 4737. Levels are a multiple of 128. Quads are triangulated.
//
// Source: Zhao et al., "DeepMesh", 2025, arXiv:2503.15265.
type DeepMesh struct {
	Options
	Order VertexOrder
}

func (c DeepMesh) code() *fanCode { return newFanCode(c.Options, 1, int32(c.levels()/128), 8, 16) }

// Name returns [NameDeepMesh].
func (DeepMesh) Name() string { return NameDeepMesh }

// EOS returns the end token.
func (c DeepMesh) EOS() int32 { return c.code().eos }

// VocabSize returns the number of tokens: 4738 with 512 levels.
func (c DeepMesh) VocabSize() int { return int(c.EOS()) + 1 }

// Encode returns the fans of m.
func (c DeepMesh) Encode(m *mesh.Mesh) ([]int32, Report, error) { return c.code().encode(m, c.Order) }

func (c DeepMesh) Reader() Reader { return c.code().reader() }
