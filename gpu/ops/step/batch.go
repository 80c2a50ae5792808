package step

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Sequence is one sequence in a batch. It says where the tables lie, how far they are done,
// and how much a step takes.
type Sequence struct {
	Slot   int // of its rows, its targets, and its sequence of the cache
	Canvas int // slot of the tokens that it reads and writes, and of their sampling
	// Row is the next row and Rows one past the last. A step takes Group of them.
	Row, Rows, Group int
	// Target is the next target and Targets one past the last. A step takes GroupTargets of them.
	Target, Targets, GroupTargets int
	// Unconditional is the sequence of the second branch of guidance, -1 for none. The
	// sequences of all Branches but the first lie side by side from there on, with as many
	// rows each. 0 branches mean 2.
	Unconditional int
	Branches      int
	// Checks says that the targets' positions hold drafted tokens: the sequence goes on only
	// to behind the first token that is drawn otherwise. A step has as many draws as
	// rows.
	Checks bool
}

const sequenceWords = 13

// Batch holds a step's sequences on the device, with the rows and targets of each. It has
// room for a number of them. Those that a step lacks are inactive.
type Batch struct {
	Rows, Targets int // r, m
	t             *gpu.Tensor
	sequences     int
	host          []int32
}

// NewBatch allocates a batch of up to sequences sequences, rows rows and draws targets.
func NewBatch(dev *gpu.Device, sequences, rows, draws int) (*Batch, error) {
	n := sequences*sequenceWords + 2*(rows+draws)
	t, err := dev.NewTensor(tensor.I32, n)
	if err != nil {
		return nil, err
	}
	return &Batch{Rows: rows, Targets: draws, t: t, sequences: sequences, host: make([]int32, n)}, nil
}

// Free gives the memory back.
func (b *Batch) Free() { b.t.Free() }

// Write lays out the sequences' rows and targets, one sequence after the other, and uploads them.
// The error wraps [gpu.ErrShape] if they do not fit.
func (b *Batch) Write(sequences []Sequence) error {
	clear(b.host)
	maps := b.host[b.sequences*sequenceWords:]
	for i := range maps {
		maps[i] = -1
	}
	bases := make([]int, len(sequences))
	rows, draws := 0, 0
	for i, l := range sequences {
		bases[i] = rows
		rows, draws = rows+l.Group, draws+l.GroupTargets
	}
	if len(sequences) > b.sequences || rows > b.Rows || draws > b.Targets {
		return fmt.Errorf("step.Batch: %w: %d sequences, %d rows and %d draws, room for %d, %d and %d", gpu.ErrShape, len(sequences), rows, draws, b.sequences, b.Rows, b.Targets)
	}
	rows, draws = 0, 0
	for i, l := range sequences {
		partner := -1
		if l.Unconditional >= 0 {
			partner = bases[l.Unconditional]
		}
		checks := 0
		if l.Checks {
			checks = 1
		}
		for j, x := range []int{l.Slot, l.Canvas, l.Row, l.Rows, l.Group, l.Target, l.Targets, l.GroupTargets, bases[i], partner, draws, checks, l.branches()} {
			b.host[i*sequenceWords+j] = int32(x)
		}
		rows = fill(maps, rows, i, l.Group)
		draws = fill(maps[2*b.Rows:], draws, i, l.GroupTargets)
	}
	for i := len(sequences); i < b.sequences; i++ {
		b.host[i*sequenceWords+9] = -1
	}
	return b.t.WriteI32(b.host)
}

// branches is the number of branches that the sequence's targets are made from.
func (l *Sequence) branches() int {
	if l.Unconditional < 0 {
		return 1
	}
	return max(l.Branches, 2)
}

// fill gives entries from at on to a sequence, and returns the next.
func fill(pairs []int32, at, sequence, n int) int {
	for i := range n {
		pairs[2*at], pairs[2*at+1] = int32(sequence), int32(i)
		at++
	}
	return at
}

// Read reads the sequences' cursors and limits back.
func (b *Batch) Read(sequences []Sequence) error {
	raw := b.host[:len(sequences)*sequenceWords]
	if err := b.t.View(0, len(raw)).ReadI32(raw); err != nil {
		return err
	}
	for i := range sequences {
		w := raw[i*sequenceWords:]
		sequences[i].Row, sequences[i].Rows, sequences[i].Target, sequences[i].Targets = int(w[2]), int(w[3]), int(w[5]), int(w[6])
	}
	return nil
}
