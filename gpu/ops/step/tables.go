package step

import (
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Dims are the extents that all tables of one engine share.
type Dims struct {
	Slots, Length int  // b, l
	Fixed, Inputs int  // k fixed ids and f input tokens a row
	Sub           int  // s sub-tokens a token, or words a binary code
	Axes          int  // a axes of a position
	Vocab         int  // v, of one sub-token; unused for codes
	Base          int  // table row where the input tokens' embeddings start
	Codes         bool // tokens are binary codes of Sub words
	Directions    int  // h hidden states that one target is made from; 0 means 1
	Places        int  // kept hidden states of a slot, below 2²⁸; 0: none, and rows lack their columns
	Recalls       int  // k kept states that a row starts from, at most 15; 0 means 1
	Branches      int  // of guidance at most; 0 means 2
	Ranges        int  // ranges of cache slots that a row sees; 0: all up to the slots seen
}

func (d Dims) directions() int { return max(d.Directions, 1) }

func (d Dims) recalls() int { return max(d.Recalls, 1) }

func (d Dims) branches() int { return max(d.Branches, 2) }

// RowColumns is the width of a row of State.Rows.
func (d Dims) RowColumns() int {
	n := d.Fixed + d.Inputs + d.Axes + 2 + 2*d.Ranges
	if d.Places > 0 {
		n += 1 + d.recalls()
	}
	return n
}

// TargetColumns is the width of a row of State.Targets.
func (d Dims) TargetColumns() int { return 3 + d.branches() + d.directions() }

// IDColumns is the number of ids the embedding sums a row.
func (d Dims) IDColumns() int {
	if d.Codes {
		return d.Fixed
	}
	return d.Fixed + d.Inputs*d.Sub
}

// InputID returns the row of the embedding table for sub-token s of input token f. A
// negative token is the start. Every (f, s) has v+1 rows.
func (d Dims) InputID(f, s int, token int64) int32 {
	block := d.Base + (f*d.Sub+s)*(d.Vocab+1)
	if token < 0 {
		return int32(block + d.Vocab)
	}
	return int32(block) + int32(token)
}

// TableRows is the number of embedding rows all ids need.
func (d Dims) TableRows() int {
	if d.Codes {
		return d.Base
	}
	return d.Base + d.Inputs*d.Sub*(d.Vocab+1)
}

// Start and Nothing stand for the position of an input token. Start has a row of the
// embedding table. Nothing adds nothing.
const (
	Start   = -1
	Nothing = -2
)

// State are the tables of all slots. The host writes a slot's rows and targets
// before they run; the device fills Tokens.
//
//	Rows     i32 [b, l, k+f+a+2 or more]  fixed ids, -1: none | positions fed from, or Start
//	                              or Nothing | axes | cache slot, -1: none | slots seen |
//	                              with Places: where the row's hidden state is kept, and
//	                              the k kept states that it starts from; -1: none |
//	                              with Ranges: the first slot and the end of each
//	Draws    i32 [b, l, 5+h or more] position | lowest token allowed | one past the
//	                              highest, see sample.Existing | guidance scale and what the
//	                              temperature is multiplied by (float bits) | rows of the
//	                              sequence's step that it is made from | further scales of
//	                              guidance, with more than two branches
//	Tokens   u32 [b, l, s]        given or drawn, by position
//	Sampling u32 [b, 12]          key (2), counter, top_k, temperature, top_p (float
//	                              bits), end token, 1 if there is one, min_p, 0, 0, 0
type State struct {
	Dims
	Rows, Targets, Tokens, Sampling *gpu.Tensor

	shares bool // Tokens and Sampling are another's
}

const samplingWords = 12

// NewState allocates the tables. Until [State.SetSampling] a slot's tokens are the
// likeliest.
func NewState(dev *gpu.Device, d Dims) (*State, error) {
	s := &State{Dims: d}
	if err := s.allocate(dev); err != nil {
		return nil, err
	}
	// New memory holds anything.
	if err := s.Sampling.WriteI32(slices.Repeat(Sampling{TopP: 1, End: -1}.words(), d.Slots)); err != nil {
		s.Free()
		return nil, err
	}
	return s, nil
}

// Share allocates tables for another network that reads and writes the same tokens. It
// shares their sampling too; its rows and targets are its own. The error wraps
// [gpu.ErrShape] if the slots, positions or sub-tokens differ.
func (s *State) Share(dev *gpu.Device, d Dims) (*State, error) {
	if d.Slots != s.Slots || d.Length != s.Length || d.Sub != s.Sub || d.Codes != s.Codes {
		return nil, fmt.Errorf("step.Share: %w: %d slots of %d positions of %d words, want %d, %d and %d", gpu.ErrShape, d.Slots, d.Length, d.Sub, s.Slots, s.Length, s.Sub)
	}
	o := &State{Dims: d, Tokens: s.Tokens, Sampling: s.Sampling, shares: true}
	if err := o.allocate(dev); err != nil {
		return nil, err
	}
	return o, nil
}

// allocate makes the tables that there are not yet.
func (s *State) allocate(dev *gpu.Device) error {
	d := s.Dims
	for _, x := range []struct {
		t     **gpu.Tensor
		typ   tensor.DType
		shape []int
	}{
		{&s.Rows, tensor.I32, []int{d.Slots, d.Length, d.RowColumns()}},
		{&s.Targets, tensor.I32, []int{d.Slots, d.Length, d.TargetColumns()}},
		{&s.Tokens, tensor.U32, []int{d.Slots, d.Length, d.Sub}},
		{&s.Sampling, tensor.U32, []int{d.Slots, samplingWords}},
	} {
		if *x.t != nil {
			continue
		}
		t, err := dev.NewTensor(x.typ, x.shape...)
		if err != nil {
			s.Free()
			return err
		}
		*x.t = t
	}
	return nil
}

// Bytes is the memory of the tables of so many slots.
func (d Dims) Bytes() uint64 {
	return 4 * uint64(d.Slots) * (uint64(d.Length)*uint64(d.RowColumns()+d.TargetColumns()+d.Sub) + samplingWords)
}

// Free gives the tables' memory back.
func (s *State) Free() {
	s.Rows.Free()
	s.Targets.Free()
	if !s.shares {
		s.Tokens.Free()
		s.Sampling.Free()
	}
}

// Sampling says how the tokens of one slot are drawn.
type Sampling struct {
	Seed        uint64
	Request     uint64 // number of the request; with Seed, it decides the randomness
	Temperature float32
	TopK        int
	TopP, MinP  float32
	End         int64 // token that ends the sequence; negative: none
}

// words are a row of the table.
func (p Sampling) words() []int32 {
	ends := int32(0)
	if p.End >= 0 {
		ends = 1
	}
	key, counter := sample.Stream(p.Seed, p.Request)
	return []int32{
		int32(key[0]), int32(key[1]), int32(counter), int32(p.TopK),
		int32(math.Float32bits(p.Temperature)), int32(math.Float32bits(p.TopP)), int32(uint32(p.End)), ends,
		int32(math.Float32bits(p.MinP)), 0, 0, 0,
	}
}

// SetSampling writes how a slot's tokens are drawn.
func (s *State) SetSampling(slot int, p Sampling) error {
	return s.Sampling.View(slot*samplingWords, samplingWords).WriteI32(p.words())
}
