package order

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/octree"
)

// randomTree is an octree of some depth, and the tokens of its nodes and leaves.
func randomTree(t *testing.T, r *rand.Rand, depth int) (*octree.Octree, []uint32) {
	t.Helper()
	var keys []octree.Key
	for range 900 {
		n := uint32(1) << depth
		keys = append(keys, octree.Encode(r.Uint32N(n), r.Uint32N(n), r.Uint32N(n/2)))
	}
	slices.Sort(keys)
	o, err := octree.FromKeys(depth, slices.Compact(keys))
	if err != nil {
		t.Fatal(err)
	}
	var tokens []uint32
	for d := range depth {
		for _, b := range o.Occupancy(d) {
			tokens = append(tokens, uint32(b), 0, 0, 0)
		}
	}
	for range o.Len(depth) {
		tokens = append(tokens, r.Uint32N(256), r.Uint32N(256), r.Uint32N(256), r.Uint32N(256))
	}
	return o, tokens
}

// TestOctreeTogether walks through random octrees. Every node is drawn once, in the level
// that is due. A row sees the rows of its own step and of those before, and is fed its parent
// and the neighbours that earlier steps drew. What is drawn together shares no face.
func TestOctreeTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for range 5 {
		const depth = 5
		o, tokens := randomTree(t, r, depth)
		runs, err := Octree{Depth: depth, Class: 2, Together: true}.Schedule(nil)
		if err != nil {
			t.Fatal(err)
		}
		drawn := map[int32]bool{}
		rows, steps, top, fed := 0, 0, 0, 0
		for {
			run, err := runs.Next(tokens[:top*LevelSub])
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if run.N != run.Group || run.Group != run.GroupTargets || run.N > LevelSetRows || run.Other == nil {
				t.Fatalf("a run of %d rows in groups of %d for %d, other branch %v", run.N, run.Group, run.GroupTargets, run.Other != nil)
			}
			rows, steps = rows+run.N, steps+1
			for i, at := range run.Targets.At {
				if drawn[at] {
					t.Fatalf("position %d is drawn twice", at)
				}
				if int(run.KVLen[i]) != rows {
					t.Fatalf("position %d sees %d rows of %d", at, run.KVLen[i], rows)
				}
				fed += checkNode(t, o, at, run.Inputs[i*LevelNear:(i+1)*LevelNear], drawn)
			}
			for _, at := range run.Targets.At {
				drawn[at], top = true, max(top, int(at)+1)
			}
		}
		if len(drawn) != len(tokens)/LevelSub || rows != len(drawn) {
			t.Errorf("%d positions of %d are drawn", len(drawn), len(tokens)/LevelSub)
		}
		most := 0 // a node of a small level a step, and 8 of a large one
		for d := range depth + 1 {
			if n := o.Len(d); n <= blockNodes {
				most += n
			} else {
				most += n / 8
			}
		}
		if steps > most || fed < len(drawn)/2 {
			t.Errorf("%d steps of at most %d for %d positions, which are fed %d neighbours", steps, most, len(drawn), fed)
		}
	}
}

// checkNode checks what the row of a position is fed, and returns how many neighbours.
func checkNode(t *testing.T, o *octree.Octree, at int32, fed []int32, drawn map[int32]bool) (n int) {
	t.Helper()
	d := 0
	for before(o, d+1) <= int(at) {
		d++
	}
	base := before(o, d)
	row := int(at) - base
	parent := int32(system.Start)
	if d > 0 {
		parent = int32(before(o, d-1)) + o.ParentRows(d)[row]
	}
	if fed[0] != parent || parent >= 0 && !drawn[parent] {
		t.Fatalf("position %d is fed parent %d, want %d", at, fed[0], parent)
	}
	x, y, z := o.Keys(d)[row].Decode()
	for i, s := range [][3]int{{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}, {0, 0, 1}, {0, 1, 0}, {1, 0, 0}} {
		want := int32(system.Start)
		if k, there := slices.BinarySearch(o.Keys(d), octree.Encode(x+uint32(s[0]), y+uint32(s[1]), z+uint32(s[2]))); there && drawn[int32(base+k)] &&
			min(int(x)+s[0], int(y)+s[1], int(z)+s[2]) >= 0 {
			want = int32(base + k)
			n++
		}
		if fed[1+i] != want {
			t.Fatalf("position %d is fed %d across face %d, want %d", at, fed[1+i], i, want)
		}
	}
	return n
}

// TestOctreeTogetherGiven begins behind given levels: the runs that follow are those of a
// request without them.
func TestOctreeTogetherGiven(t *testing.T) {
	_, tokens := randomTree(t, rand.New(rand.NewPCG(4, 1)), 4)
	all := func(given int) (rows system.Rows, at []int32) {
		runs, err := Octree{Depth: 4, Class: -1, Together: true}.Schedule(tokens[:given*LevelSub])
		if err != nil {
			t.Fatal(err)
		}
		for {
			run, err := runs.Next(tokens)
			if errors.Is(err, io.EOF) {
				return rows, at
			}
			if err != nil {
				t.Fatal(err)
			}
			rows.Inputs, rows.Fixed, rows.KVLen = append(rows.Inputs, run.Inputs...), append(rows.Fixed, run.Fixed...), append(rows.KVLen, run.KVLen...)
			at = append(at, run.Targets.At...)
		}
	}
	rows, at := all(0)
	for _, given := range []int{1, 5, 37} {
		some, rest := all(given)
		if !slices.Equal(some.Inputs, rows.Inputs) || !slices.Equal(some.Fixed, rows.Fixed) || !slices.Equal(some.KVLen, rows.KVLen) || !slices.Equal(rest, at[given:]) {
			t.Errorf("%d given positions change rows", given)
		}
	}
}
