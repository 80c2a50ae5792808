package step

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Lane is one sequence in a batch. It says where the tables lie, how far they are done,
// and how much a step takes.
type Lane struct {
	Slot   int // of its rows, its draws, and its sequence of the cache
	Canvas int // slot of the tokens that it reads and writes, and of their sampling
	// Row is the next row and Rows one past the last. A step takes Group of them.
	Row, Rows, Group int
	// Draw is the next draw and Draws one past the last. A step takes Ask of them.
	Draw, Draws, Ask int
	// Partner is the lane of the branch of guidance without the condition, -1 for none.
	Partner int
	// Checks says that the draws' positions hold drafted tokens: the lane goes on only
	// to behind the first token that is drawn otherwise. A step has as many draws as
	// rows.
	Checks bool
}

const laneWords = 12

// Batch holds a step's lanes on the device, with the rows and draws of each. It has
// room for a number of them. Those that a step lacks are inactive.
type Batch struct {
	Rows, Draws int // r, m
	t           *gpu.Tensor
	lanes       int
	host        []int32
}

// NewBatch allocates a batch of up to lanes lanes, rows rows and draws draws.
func NewBatch(dev *gpu.Device, lanes, rows, draws int) (*Batch, error) {
	n := lanes*laneWords + 2*(rows+draws)
	t, err := dev.NewTensor(tensor.I32, n)
	if err != nil {
		return nil, err
	}
	return &Batch{Rows: rows, Draws: draws, t: t, lanes: lanes, host: make([]int32, n)}, nil
}

// Free gives the memory back.
func (b *Batch) Free() { b.t.Free() }

// Write lays out the lanes' rows and draws, one lane after the other, and uploads them.
// The error wraps [gpu.ErrShape] if they do not fit.
func (b *Batch) Write(lanes []Lane) error {
	clear(b.host)
	maps := b.host[b.lanes*laneWords:]
	for i := range maps {
		maps[i] = -1
	}
	bases := make([]int, len(lanes))
	rows, draws := 0, 0
	for i, l := range lanes {
		bases[i] = rows
		rows, draws = rows+l.Group, draws+l.Ask
	}
	if len(lanes) > b.lanes || rows > b.Rows || draws > b.Draws {
		return fmt.Errorf("step.Batch: %w: %d lanes, %d rows and %d draws, room for %d, %d and %d", gpu.ErrShape, len(lanes), rows, draws, b.lanes, b.Rows, b.Draws)
	}
	rows, draws = 0, 0
	for i, l := range lanes {
		partner := -1
		if l.Partner >= 0 {
			partner = bases[l.Partner]
		}
		checks := 0
		if l.Checks {
			checks = 1
		}
		for j, x := range []int{l.Slot, l.Canvas, l.Row, l.Rows, l.Group, l.Draw, l.Draws, l.Ask, bases[i], partner, draws, checks} {
			b.host[i*laneWords+j] = int32(x)
		}
		rows = fill(maps, rows, i, l.Group)
		draws = fill(maps[2*b.Rows:], draws, i, l.Ask)
	}
	for i := len(lanes); i < b.lanes; i++ {
		b.host[i*laneWords+9] = -1
	}
	return b.t.WriteI32(b.host)
}

// fill gives entries from at on to a lane, and returns the next.
func fill(pairs []int32, at, lane, n int) int {
	for i := range n {
		pairs[2*at], pairs[2*at+1] = int32(lane), int32(i)
		at++
	}
	return at
}

// Read reads the lanes' cursors and limits back.
func (b *Batch) Read(lanes []Lane) error {
	raw := b.host[:len(lanes)*laneWords]
	if err := b.t.View(0, len(raw)).ReadI32(raw); err != nil {
		return err
	}
	for i := range lanes {
		w := raw[i*laneWords:]
		lanes[i].Row, lanes[i].Rows, lanes[i].Draw, lanes[i].Draws = int(w[2]), int(w[3]), int(w[5]), int(w[6])
	}
	return nil
}
