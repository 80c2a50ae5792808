package order

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/octree"
)

// someLevels are orders of an octree from level 1 to 3, with two rows of condition.
func someLevels() MaskedLevels {
	return MaskedLevels{
		Top: 1, Depth: 3, Most: 584, Steps: []int{3, 5, 40}, Heat: []float32{1, 2, 3}, Again: 0.5, Buffer: 2, Class: 7, Kept: -1,
		Split: 10, Code: 12, Unknown: 13, Read: 0, Fill: [2]int{1, 2}, Redraw: [2]int{3, 4},
	}
}

// TestMaskedLevels walks through random octrees: every node is predicted once, and later
// only where tokens are drawn again; what is read is what was predicted before.
func TestMaskedLevels(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := someLevels()
		s, err := m.Schedule()
		if err != nil {
			t.Fatal(err)
		}
		s.(system.Seeded).Seed(func(i uint32) uint32 { return uint32(rand.New(rand.NewPCG(seed, uint64(i))).Uint64()) })
		var tokens []uint32 // up to the highest drawn
		drawn := map[int32]bool{}
		nodes := []octree.Key{0, 1, 2, 3, 4, 5, 6, 7}
		levels, begin, steps := [][]octree.Key{nodes}, 0, 0
		for {
			read, err := s.Next(tokens)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			fill, err := s.Next(nil)
			if err != nil {
				t.Fatal(err)
			}
			if n := fill.N - m.Buffer - begin; len(drawn) == begin+len(nodes) && n > len(nodes) {
				next := octree.Split(nodes, tokens[begin:])
				begin, nodes, steps = begin+len(nodes), next, 0
				levels = append(levels, next)
			}
			last := len(levels) == 3
			checkLevels(t, &m, levels, tokens, drawn, &read, &fill)
			if fill.Targets.N == 0 || fill.N != m.Buffer+begin+len(nodes) || read.N != m.Buffer+len(drawn) {
				t.Fatalf("level %d: %d and %d rows, %d targets, %d nodes, %d known", len(levels), read.N, fill.N, fill.Targets.N, begin+len(nodes), len(drawn))
			}
			for i, at := range fill.Targets.At {
				status := fill.Targets.TokenRange[2*i]
				if (status == sample.Filled) != drawn[at] || fill.Stage < 3 && status != sample.Fresh {
					t.Fatalf("node %d of status %d in stage %d", at, status, fill.Stage)
				}
				if status != sample.Fresh {
					continue
				}
				for len(tokens) <= int(at) {
					tokens = append(tokens, 99)
				}
				drawn[at] = true
				if tokens[at] = r.Uint32() % 2; last {
					tokens[at] = r.Uint32()
				}
			}
			steps++
			if want := m.Steps[len(levels)-1]; steps > want || fill.Stage >= 3 != (fill.Targets.Heat[0] < m.Heat[len(levels)-1]*(1-float32(m.Again))) {
				t.Fatalf("step %d of %d in stage %d at %g", steps, want, fill.Stage, fill.Targets.Heat[0])
			}
		}
		if len(levels) != 3 || len(drawn) != begin+len(nodes) {
			t.Fatalf("%d levels, %d of %d nodes are drawn", len(levels), len(drawn), begin+len(nodes))
		}
	}
}

// checkLevels checks the columns of a step's runs.
func checkLevels(t *testing.T, m *MaskedLevels, levels [][]octree.Key, tokens []uint32, drawn map[int32]bool, read, fill *system.Run) {
	t.Helper()
	row := m.Buffer
	for l, nodes := range levels {
		for _, k := range nodes {
			p := int32(row - m.Buffer)
			x, y, z := k.Decode()
			half := int32(1) << (m.Depth - m.Top - l) // of a cell
			axes := []int32{(2*int32(x) + 1) * half, (2*int32(y) + 1) * half, (2*int32(z) + 1) * half, int32(l)}
			if got := fill.Axes[4*row : 4*row+4]; !slices.Equal(got, axes) || drawn[p] != (fill.Recall[row] == int32(row)) || drawn[p] == (fill.Fixed[row] == m.Unknown) {
				t.Fatalf("node %d at %v, want %v; id %d, state %d", p, got, axes, fill.Fixed[row], fill.Recall[row])
			}
			if i := slices.Index(read.Keep, int32(row)); drawn[p] != (i >= 0) {
				t.Fatalf("node %d is read: %v", p, i >= 0)
			} else if i >= 0 {
				id, fed := m.Split+int32(tokens[p]), int32(system.Nothing)
				if m.Top+l == m.Depth {
					id, fed = m.Code, p
				}
				if read.Fixed[i] != id || read.Inputs[i] != fed || !slices.Equal(read.Axes[4*i:4*i+4], axes) {
					t.Fatalf("node %d is read as %d, fed %d, at %v", p, read.Fixed[i], read.Inputs[i], read.Axes[4*i:4*i+4])
				}
			}
			row++
		}
	}
}

// TestMaskedLevelsGiven begins behind given levels, and refuses tokens that end within one,
// too many nodes, and an order that is none.
func TestMaskedLevelsGiven(t *testing.T) {
	m := someLevels()
	m.Given = []uint32{0, 1, 0, 0, 0, 0, 0, 1}
	s, err := m.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	read, err := s.Next(m.Given)
	if err != nil || read.N != 2+8 {
		t.Fatalf("%d rows are read, %v", read.N, err)
	}
	if fill, err := s.Next(nil); err != nil || fill.N != 2+8+16 || !slices.Equal(fill.Axes[4*10:4*11], []int32{2, 2, 10, 1}) {
		t.Errorf("%d rows, %v", fill.N, err)
	}
	// No node splits: the first one does.
	if got := octree.Split([]octree.Key{3, 4}, []uint32{0, 0}); len(got) != 8 || got[7] != octree.Key(3).Child(7) {
		t.Errorf("children %v", got)
	}
	for name, spoil := range map[string]func(m *MaskedLevels){
		"part of a level":  func(m *MaskedLevels) { m.Given = m.Given[:5] },
		"beyond the flags": func(m *MaskedLevels) { m.Given = make([]uint32, 8+8+8+1) },
		"short order":      func(m *MaskedLevels) { m.Order = count(0, 12) },
		"no order":         func(m *MaskedLevels) { m.Order = make([]int32, 24) },
	} {
		b := m
		spoil(&b)
		if _, err := b.Schedule(); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m.Most = 8 + 15
	if _, err := m.Schedule(); !errors.Is(err, system.ErrTooLong) {
		t.Errorf("too many nodes: %v", err)
	}
	m = someLevels()
	if s, err = m.Schedule(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err = s.Next([]uint32{1}); err != nil {
			break
		}
	}
	if !errors.Is(err, system.ErrPrompt) {
		t.Errorf("a level whose flags are missing: %v", err)
	}
}
