package step

import (
	"embed"
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

// Dims are the extents all tables of one engine share.
type Dims struct {
	Slots, Length int  // b, l
	Context       int  // cache slots; 0 means Length
	Static, Fed   int  // k static ids and f fed tokens a position
	Sub           int  // s sub-tokens a token, or words a binary code
	Axes          int  // a axes of a position
	Vocab         int  // v, of one sub-token; unused for codes
	Base          int  // table row where the fed tokens' embeddings start
	Codes         bool // tokens are binary codes of Sub words
}

// PlanColumns is the width of a row of State.Plan.
func (d Dims) PlanColumns() int { return d.Static + d.Fed + d.Axes + 3 }

func (d Dims) context() int {
	if d.Context > 0 {
		return d.Context
	}
	return d.Length
}

// IDColumns is the number of ids the embedding sums a row.
func (d Dims) IDColumns() int {
	if d.Codes {
		return d.Static
	}
	return d.Static + d.Fed*d.Sub
}

// FedID is the embedding row of a fed token: feed f's sub-token s with value
// token, or its start row if token is negative. Every (f, s) has v+1 rows.
func (d Dims) FedID(f, s int, token int64) int32 {
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
	return d.Base + d.Fed*d.Sub*(d.Vocab+1)
}

// State are the tables of all slots. The host writes a slot's rows when a
// request enters or grows; the device fills Tokens.
//
//	Plan   i32 [b, l, k+f+a+3]  static ids | positions fed from, -1: none |
//	                            axes | keys visible (cache slots 0..len-1),
//	                            lowest token allowed, one past the highest
//	Tokens u32 [b, l, s]        given or drawn
//	Slot   u32 [b, 12]          key (2), counter, top_k, temperature, top_p
//	                            (float bits), end token, 0, pinned positions,
//	                            1 if there is an end token, 0, 0
//
// The cache has Context slots. Position p lives in slot p while there is room;
// later ones overwrite the oldest that is not pinned, so a position sees the
// pinned ones and the latest Context - pinned others.
type State struct {
	Dims
	Plan, Tokens, Slot *gpu.Tensor
}

// NewState allocates the tables.
func NewState(dev *gpu.Device, d Dims) (*State, error) {
	s := &State{Dims: d}
	for _, x := range []struct {
		t     **gpu.Tensor
		typ   tensor.DType
		shape []int
	}{
		{&s.Plan, tensor.I32, []int{d.Slots, d.Length, d.PlanColumns()}},
		{&s.Tokens, tensor.U32, []int{d.Slots, d.Length, d.Sub}},
		{&s.Slot, tensor.U32, []int{d.Slots, slotWords}},
	} {
		t, err := dev.NewTensor(x.typ, x.shape...)
		if err != nil {
			s.Free()
			return nil, err
		}
		*x.t = t
	}
	return s, nil
}

// Free gives the tables' memory back.
func (s *State) Free() {
	s.Plan.Free()
	s.Tokens.Free()
	s.Slot.Free()
}

const slotWords = 12

// Sampling are one slot's drawing parameters.
type Sampling struct {
	Seed        uint64
	Request     uint64 // number of the request; with Seed, it decides the randomness
	Temperature float32
	TopK        int
	TopP        float32
	End         int64 // token that ends the sequence; negative: none
	Pinned      int   // first positions the cache never drops
}

// SetSlot writes a slot's drawing parameters.
func (s *State) SetSlot(slot int, p Sampling) error {
	var ends int32
	if p.End >= 0 {
		ends = 1
	}
	key, counter := sample.Stream(p.Seed, p.Request)
	row := []int32{
		int32(key[0]), int32(key[1]), int32(counter), int32(p.TopK),
		int32(math.Float32bits(p.Temperature)), int32(math.Float32bits(p.TopP)), int32(uint32(p.End)), 0,
		int32(p.Pinned), ends, 0, 0,
	}
	return s.Slot.View(slot*slotWords, slotWords).WriteI32(row)
}

// LaneWords is the width of a Lane row: slot, cursor, limit, first position drawn.
const LaneWords = 4

// Rows is what Gather makes for one step of g·n rows.
type Rows struct {
	Seq, Slot, Len *gpu.Tensor // i32 [r]: sequence, cache slot (-1: inactive), keys visible
	IDs            *gpu.Tensor // i32 [r, ids]
	Words          *gpu.Tensor // u32 [r·f, s], codes only
	Valid          *gpu.Tensor // i32 [r·f], codes only: 0 where nothing is fed
	Axes           *gpu.Tensor // i32 [r, a]
	Draw           *gpu.Tensor // u32 [r, 8], for package sample
	Temp           *gpu.Tensor // f32 [r, 2]
}

// Gather reads the next n rows of every lane out of the tables. Lane is i32
// [g, 4]: slot, cursor, limit (rows at or past it are inactive), first position
// whose token is drawn rather than given.
func Gather(r *gpu.Recorder, s *State, lane *gpu.Tensor, n int) Rows {
	g := lane.Elems() / LaneWords
	rows := g * n
	all := r.Temp(tensor.I32, 3, rows)
	axes := r.Temp(tensor.I32, rows*(s.Axes+s.Fed))
	out := Rows{
		Seq: all.View(0, rows), Slot: all.View(rows, rows), Len: all.View(2*rows, rows),
		IDs:   r.Temp(tensor.I32, rows, max(s.IDColumns(), 1)),
		Words: r.Temp(tensor.U32, rows*max(s.Fed, 1), s.Sub),
		Axes:  axes.View(0, rows, s.Axes),
		Valid: axes.View(rows*s.Axes, rows*s.Fed),
		Draw:  r.Temp(tensor.U32, rows, sample.DrawWords),
		Temp:  r.Temp(tensor.F32, rows, 2),
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "step", "gather", launch.Flag(s.Codes)), Grid: gpu.Linear(rows),
		In:  []*gpu.Tensor{lane, s.Slot, s.Plan, s.Tokens},
		Out: []*gpu.Tensor{all, out.IDs, out.Words, axes, out.Draw, out.Temp},
		Params: []uint32{
			uint32(rows), uint32(n), uint32(s.Length), uint32(s.Static), uint32(s.Fed), uint32(s.Sub), uint32(s.Axes), uint32(s.Base), uint32(s.Vocab), uint32(s.context()),
		},
		Work: gpu.Work{Bytes: s.gathered(g, rows, all, out, axes)},
	})
	return out
}

// gathered is the bytes of a step's rows: of the tables, and of what is made of them.
func (s *State) gathered(lanes, rows int, all *gpu.Tensor, out Rows, axes *gpu.Tensor) int64 {
	read := 4 * (lanes*(LaneWords+slotWords) + rows*(s.PlanColumns()+s.Fed*s.Sub))
	return int64(read) + launch.Work(0, all, out.IDs, out.Words, axes, out.Draw, out.Temp).Bytes
}

// Commit writes the drawn tokens (u32 [r, s]) of a step's rows to their slots
// and moves every lane's cursor by n, up to its limit; a drawn end token lowers
// the limit to just behind it. drawn may be nil: the step draws nothing.
func Commit(r *gpu.Recorder, s *State, lane *gpu.Tensor, n int, rows Rows, drawn *gpu.Tensor) {
	g := lane.Elems() / LaneWords
	if drawn != nil && drawn.Elems() != g*n*s.Sub {
		r.Fail(fmt.Errorf("step.Commit: %w: drawn %v for %d rows of %d", gpu.ErrShape, drawn.Shape, g*n, s.Sub))
		return
	}
	if drawn == nil {
		r.Fill(rows.Draw, 0)
		drawn = rows.Draw
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "step", "commit"), Grid: gpu.Linear(g),
		In:     []*gpu.Tensor{s.Slot, rows.Draw, drawn},
		Out:    []*gpu.Tensor{lane, s.Tokens},
		Params: []uint32{uint32(g), uint32(n), uint32(s.Length), uint32(s.Sub)},
		Work:   launch.Work(0, lane, lane, rows.Draw, drawn, drawn), // the last into the tables
	})
}
