package octree_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/testmesh"
)

func randomTree(t testing.TB, depth, n int, seed uint64) *octree.Octree {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 9))
	var keys []octree.Key
	for range n {
		keys = append(keys, octree.Key(r.Uint64N(1<<(3*depth))))
	}
	o, err := octree.FromKeys(depth, keys)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// checkInvariants compares every level with the one below it by definition.
func checkInvariants(t testing.TB, o *octree.Octree) {
	t.Helper()
	for d := range o.Depth {
		below := map[octree.Key]byte{}
		for _, k := range o.Keys(d + 1) {
			below[k.Parent()] |= 1 << k.ChildIndex()
		}
		if len(below) != o.Len(d) || !slices.IsSorted(o.Keys(d)) {
			t.Fatalf("level %d: %d nodes, %d parents below, or out of order", d, o.Len(d), len(below))
		}
		for r, k := range o.Keys(d) {
			if o.Occupancy(d)[r] != below[k] || below[k] == 0 {
				t.Fatalf("level %d node %d: occupancy %08b, want %08b", d, r, o.Occupancy(d)[r], below[k])
			}
		}
	}
}

// checkTokens takes the tree through its tokens, from every level.
func checkTokens(t testing.TB, o *octree.Octree) {
	t.Helper()
	for base := 0; base <= o.Depth; base++ {
		var occupancy [][]byte
		for d := base; d < o.Depth; d++ {
			occupancy = append(occupancy, o.Occupancy(d))
		}
		got, err := octree.FromOccupancy(base, o.Keys(base), occupancy...)
		if err != nil || !got.Equal(o) {
			t.Fatalf("occupancy from level %d: another tree (%v)", base, err)
		}
	}
}

func TestTreesSurviveTokens(t *testing.T) {
	for _, c := range []struct{ depth, n int }{{0, 1}, {1, 3}, {2, 1}, {5, 400}, {6, 30}, {10, 900}} {
		o := randomTree(t, c.depth, c.n, uint64(c.depth))
		checkInvariants(t, o)
		checkTokens(t, o)
	}
}

func TestFindAndDescend(t *testing.T) {
	o := randomTree(t, 4, 200, 5)
	for d := range o.Depth + 1 {
		for k := octree.Key(0); k < 1<<(3*d); k++ {
			want, stored := slices.BinarySearch(o.Keys(d), k)
			row, ok := o.Find(d, k)
			if ok != stored || ok && row != want {
				t.Fatalf("Find(%d, %d) = %d, %v, want %d, %v", d, k, row, ok, want, stored)
			}
			reached, at := o.Descend(d, k)
			if o.Keys(reached)[at] != k.Ancestor(d-reached) {
				t.Fatalf("Descend(%d, %d) ends at a node that is no ancestor", d, k)
			}
			if reached < d {
				if _, ok := o.Find(reached+1, k.Ancestor(d-reached-1)); ok {
					t.Fatalf("Descend(%d, %d) stops early at level %d", d, k, reached)
				}
			}
		}
	}
	for _, bad := range []int{-1, 5} {
		if _, ok := o.Find(bad, 0); ok || o.Keys(bad) != nil {
			t.Errorf("level %d exists", bad)
		}
	}
}

func TestNeighbours(t *testing.T) {
	o := randomTree(t, 3, 250, 6)
	for row, k := range o.Leaves() {
		all := o.Neighbours26(3, row)
		if all[13] != int32(row) {
			t.Fatalf("entry 13 of node %d is %d", row, all[13])
		}
		x, y, z := k.Decode()
		for i, s := range octree.Offsets27 {
			want := int32(-1)
			for r, other := range o.Leaves() {
				a, b, c := other.Decode()
				if int(a) == int(x)+s[0] && int(b) == int(y)+s[1] && int(c) == int(z)+s[2] {
					want = int32(r)
				}
			}
			if all[i] != want {
				t.Fatalf("node %d step %v: row %d, want %d", row, s, all[i], want)
			}
		}
	}
}

func TestTruncateThenGrow(t *testing.T) {
	o := randomTree(t, 7, 500, 7)
	for depth := range o.Depth + 1 {
		short, err := o.Truncate(depth)
		if err != nil || short.Depth != depth || !slices.Equal(short.Leaves(), o.Keys(depth)) {
			t.Fatalf("Truncate(%d): %v", depth, err)
		}
		checkInvariants(t, short)
		for d := depth; d < o.Depth; d++ {
			var grown octree.Grown
			if short, grown, err = short.Grow(o.Occupancy(d)); err != nil || grown.Died != 0 {
				t.Fatalf("Grow from %d: %+v %v", d, grown, err)
			}
		}
		if !short.Equal(o) {
			t.Fatalf("truncated to %d and grown again: another tree", depth)
		}
	}
	if _, err := o.Truncate(8); !errors.Is(err, octree.ErrDepth) {
		t.Errorf("Truncate(8): %v", err)
	}
}

func TestGrowPrunes(t *testing.T) {
	// Two leaves under child 1, one under child 4; those of child 1 die.
	o, err := octree.FromKeys(2, []octree.Key{0o10, 0o17, 0o42})
	if err != nil {
		t.Fatal(err)
	}
	next, grown, err := o.Grow([]byte{0, 0, 0b1000_0001})
	if err != nil {
		t.Fatal(err)
	}
	checkInvariants(t, next)
	if want := []octree.Key{0o420, 0o427}; !slices.Equal(next.Leaves(), want) {
		t.Errorf("leaves %o, want %o", next.Leaves(), want)
	}
	if grown.Died != 2 || !slices.Equal(grown.Pruned, []int{0, 1, 2}) {
		t.Errorf("grown %+v, want 2 dead, pruned 0 1 2", grown)
	}
}

func TestTokenErrors(t *testing.T) {
	o := randomTree(t, 2, 9, 8)
	deep := randomTree(t, octree.MaxDepth, 3, 8)
	n := o.Len(2)
	for name, c := range map[string]struct {
		run  func() error
		want error
	}{
		"short level": {func() error { _, err := octree.FromOccupancy(2, o.Leaves(), make([]byte, n-1)); return err }, octree.ErrTokens},
		"zero byte":   {func() error { _, err := octree.FromOccupancy(2, o.Leaves(), make([]byte, n)); return err }, octree.ErrTokens},
		"unsorted":    {func() error { _, err := octree.FromOccupancy(2, []octree.Key{3, 2}); return err }, octree.ErrTokens},
		"key too big": {func() error { _, err := octree.FromOccupancy(2, []octree.Key{64}); return err }, octree.ErrTokens},
		"no base":     {func() error { _, err := octree.FromOccupancy(2, nil); return err }, octree.ErrEmpty},
		"too deep":    {func() error { _, err := octree.FromOccupancy(10, []octree.Key{0}, []byte{1}); return err }, octree.ErrDepth},
		"negative":    {func() error { _, err := octree.FromOccupancy(-1, []octree.Key{0}, []byte{1}); return err }, octree.ErrDepth},
		"grow deep":   {func() error { _, _, err := deep.Grow([]byte{1, 1, 1}); return err }, octree.ErrDepth},
		"grow short":  {func() error { _, _, err := o.Grow(nil); return err }, octree.ErrTokens},
		"grow dies":   {func() error { _, _, err := o.Grow(make([]byte, n)); return err }, octree.ErrEmpty},
	} {
		if err := c.run(); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
}

func TestGrowStopsAtTheLimit(t *testing.T) {
	o, err := octree.FromKeys(0, []octree.Key{0})
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if o, _, err = o.Grow(slices.Repeat([]byte{255}, o.Len(o.Depth))); err != nil {
			t.Fatal(err)
		}
	}
	if o.Len(8) != octree.MaxNodes {
		t.Fatalf("%d nodes at depth 8", o.Len(8))
	}
	full := slices.Repeat([]byte{1}, o.Len(8))
	full[0] = 3
	if _, _, err = o.Grow(full); !errors.Is(err, octree.ErrLimit) {
		t.Errorf("one node over the limit: %v", err)
	}
}

func TestFit(t *testing.T) {
	m := testmesh.Box(mesh.Vec3{10, 20, 30}, mesh.Vec3{14, 21, 31})
	f := octree.Fit(m, 0.9)
	got := f.Mesh(m)
	if a, b := got.Vertices[0], got.Vertices[7]; a.Sub(mesh.Vec3{-0.9, -0.225, -0.225}).Len() > 1e-12 || b.Add(a).Len() > 1e-12 {
		t.Errorf("box is mapped to %v, %v", a, b)
	}
	for i, p := range f.InvertMesh(got).Vertices {
		if p.Sub(m.Vertices[i]).Len() > 1e-12 {
			t.Errorf("vertex %d comes back as %v", i, p)
		}
	}
	if f := octree.Fit(&mesh.Mesh{}, 0.9); f.Scale != 1 {
		t.Errorf("empty mesh: %+v", f)
	}
}

// A level and the bytes below it are a tree.
func ExampleFromOccupancy() {
	o, err := octree.FromKeys(2, []octree.Key{0o17, 0o40, 0o42})
	if err != nil {
		fmt.Println(err)
		return
	}
	back, err := octree.FromOccupancy(0, o.Keys(0), o.Occupancy(0), o.Occupancy(1))
	fmt.Printf("%08b, the same tree: %v, %v\n", o.Occupancy(0), back.Equal(o), err)
	// Output: [00010010], the same tree: true, <nil>
}
