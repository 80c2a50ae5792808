package dual

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
)

// node is one of a graph, by its place.
type node struct {
	level int
	key   octree.Key
}

// nodes are those of the graph at level d, in order.
func (t *Tree) nodes(d int) (out []node) {
	for l := t.Top; l <= d; l++ {
		for r, k := range t.Keys(l) {
			if l == d || !t.Splits(l, r) {
				out = append(out, node{l, k})
			}
		}
	}
	return out
}

// random returns a tree of which one node in so many splits.
func random(tb testing.TB, seed uint64, top, depth, of int) *Tree {
	tb.Helper()
	t, err := New(top)
	if err != nil {
		tb.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for t.Depth() < depth {
		flags := make([]uint32, len(t.Keys(t.Depth())))
		for i := range flags {
			if r.IntN(of) == 0 {
				flags[i] = 1
			}
		}
		if err := t.Grow(flags); err != nil {
			tb.Fatal(err)
		}
	}
	return t
}

// box is a node's place in cells of a level.
func (n node) box(d int) (low [3]int, side int) {
	x, y, z := n.key.Decode()
	side = 1 << (d - n.level)
	return [3]int{int(x) * side, int(y) * side, int(z) * side}, side
}

// TestGraphTouches holds neighbours to be those nodes that share a part of a face.
func TestGraphTouches(t *testing.T) {
	for seed := range uint64(6) {
		tree := random(t, seed, int(seed%3), 4, 3)
		for d := tree.Top; d <= 4; d++ {
			g, err := tree.Graph(d)
			if err != nil {
				t.Fatal(err)
			}
			nodes := tree.nodes(d)
			if len(nodes) != g.Len() || g.Len()-g.Leaves() != len(tree.Keys(d)) {
				t.Fatalf("%d nodes, %d of them leaves", g.Len(), g.Leaves())
			}
			for r, n := range nodes {
				for kind, s := range append(octree.FaceOffsets[:], [3]int{}) {
					got := slices.Sorted(slices.Values(g.Rows[g.Starts[Kinds*r+kind]:g.Starts[Kinds*r+kind+1]]))
					if want := touching(nodes, n, s, d); !slices.Equal(got, want) {
						t.Fatalf("seed %d, level %d: neighbours of kind %d of node %d are %v, want %v", seed, d, kind, r, got, want)
					}
				}
			}
		}
	}
}

// touching are the nodes on a side of n; with no step n itself.
func touching(nodes []node, n node, step [3]int, d int) (out []int32) {
	low, side := n.box(d)
	for i, m := range nodes {
		at, s := m.box(d)
		touches := true
		for axis, dir := range step {
			switch {
			case dir > 0:
				touches = touches && at[axis] == low[axis]+side
			case dir < 0:
				touches = touches && at[axis]+s == low[axis]
			default:
				touches = touches && at[axis] < low[axis]+side && low[axis] < at[axis]+s
			}
		}
		if touches {
			out = append(out, int32(i))
		}
	}
	return out
}

// TestFirstNodeSplits holds that a level on which nothing splits grows all the same.
func TestFirstNodeSplits(t *testing.T) {
	tree, err := New(3)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Grow(make([]uint32, 512)); err != nil || !slices.Equal(tree.Keys(4), []octree.Key{0, 1, 2, 3, 4, 5, 6, 7}) || !tree.Splits(3, 0) || tree.Splits(3, 1) {
		t.Fatalf("%v, %v", tree.Keys(4), err)
	}
	if tree.Splits(4, 0) || tree.Flags(3)[0] != 1 {
		t.Error("flags are not those of a first node that splits")
	}
	again, err := tree.Copy(3)
	if err != nil || again.Depth() != 3 || again.Splits(3, 0) || tree.Depth() != 4 {
		t.Errorf("a copy splits: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	tree := random(t, 1, 2, 3, 4)
	if err := tree.Grow(make([]uint32, 3)); !errors.Is(err, octree.ErrTokens) {
		t.Errorf("too few flags: %v", err)
	}
	for _, d := range []int{1, 4} {
		if _, err := tree.Graph(d); !errors.Is(err, octree.ErrDepth) {
			t.Errorf("graph at %d: %v", d, err)
		}
		if _, err := tree.Copy(d); !errors.Is(err, octree.ErrDepth) {
			t.Errorf("copy to %d: %v", d, err)
		}
	}
	if _, err := New(MaxTop + 1); !errors.Is(err, octree.ErrDepth) {
		t.Errorf("a deep top: %v", err)
	}
	deep := random(t, 1, 0, octree.MaxDepth, 1<<30)
	if err := deep.Grow(make([]uint32, 8)); !errors.Is(err, octree.ErrDepth) {
		t.Errorf("too deep: %v", err)
	}
	full := random(t, 1, 5, 7, 1)
	flags := make([]uint32, len(full.Keys(7)))
	for i := range flags {
		flags[i] = 1
	}
	if err := full.Grow(flags); err != nil { // level 8 has 2^24 nodes, the most there may be
		t.Fatal(err)
	}
	if err := full.Grow(slices.Repeat([]uint32{1}, len(full.Keys(8)))); !errors.Is(err, octree.ErrLimit) {
		t.Errorf("too many nodes: %v", err)
	}
	one, up := []mesh.Vec3{{0.1, 0.2, 0.3}}, []mesh.Vec3{{0, 0, 1}}
	for name, x := range map[string]struct {
		points, normals []mesh.Vec3
		top, depth      int
		want            error
	}{
		"no points":    {nil, nil, 3, 6, octree.ErrEmpty},
		"outside":      {[]mesh.Vec3{{0.99, 0, 0}}, up, 3, 6, octree.ErrEmpty},
		"few normals":  {one, nil, 3, 6, octree.ErrTokens},
		"no number":    {[]mesh.Vec3{{math.NaN(), 0, 0}}, up, 3, 6, mesh.ErrNotFinite},
		"a bad normal": {one, []mesh.Vec3{{0, math.Inf(1), 0}}, 3, 6, mesh.ErrNotFinite},
		"deep":         {one, up, 3, octree.MaxDepth + 1, octree.ErrDepth},
		"shallow":      {one, up, 3, 2, octree.ErrDepth},
	} {
		if _, _, err := FromPoints(x.points, x.normals, x.top, x.depth); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewField(tree, make([]float32, 7)); !errors.Is(err, octree.ErrTokens) {
		t.Errorf("few values: %v", err)
	}
	f := randomField(t, 1, tree)
	for _, n := range []int{0, MaxSamples + 1} {
		if _, err := f.Sample(mesh.Vec3{}, 1, n); !errors.Is(err, octree.ErrLimit) {
			t.Errorf("%d samples: %v", n, err)
		}
	}
	if _, err := f.Sample(mesh.Vec3{}, 0, 2); !errors.Is(err, octree.ErrLimit) {
		t.Errorf("no step: %v", err)
	}
}

func randomField(tb testing.TB, seed uint64, t *Tree) *Field {
	tb.Helper()
	r := rand.New(rand.NewPCG(seed, 2))
	values := make([]float32, 4*len(t.nodes(t.Depth())))
	for i := range values {
		values[i] = float32(r.NormFloat64())
	}
	f, err := NewField(t, values)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// TestFieldOfOnePlane holds that leaves which all say the same linear function give it back,
// except at the border, where no leaf is near.
func TestFieldOfOnePlane(t *testing.T) {
	tree := random(t, 3, 2, 5, 3)
	a, b := mesh.Vec3{0.3, -0.7, 0.2}, 0.25
	var values []float32
	for _, n := range tree.nodes(5) {
		x, y, z := n.key.Decode()
		middle := octree.FromGrid(mesh.Vec3{float64(x) + 0.5, float64(y) + 0.5, float64(z) + 0.5}, n.level)
		values = append(values, float32(a[0]), float32(a[1]), float32(a[2]), float32(a.Dot(middle)+b))
	}
	f, err := NewField(tree, values)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		p := mesh.Vec3{r.Float64()*1.8 - 0.9, r.Float64()*1.8 - 0.9, r.Float64()*1.8 - 0.9}
		y, slope := f.Slope(p)
		if want := a.Dot(p) + b; math.Abs(y-want) > 1e-5 || slope.Sub(a).Len() > 1e-3 {
			t.Fatalf("at %v: %g and %v, want %g and %v", p, y, slope, want, a)
		}
	}
	if y := f.At(mesh.Vec3{1.3, 0, 0}); y != 0 {
		t.Errorf("outside it is %g", y)
	}
}

// TestSlope holds the gradient to differences, where the field is smooth.
func TestSlope(t *testing.T) {
	f := randomField(t, 5, random(t, 5, 2, 5, 3))
	r := rand.New(rand.NewPCG(1, 3))
	const h = 1e-6
	for range 500 {
		p := mesh.Vec3{r.Float64()*2 - 1, r.Float64()*2 - 1, r.Float64()*2 - 1}
		_, slope := f.Slope(p)
		for axis := range 3 {
			low, high := p, p
			low[axis] -= h
			high[axis] += h
			if want := (f.At(high) - f.At(low)) / (2 * h); math.Abs(slope[axis]-want) > 1e-3*(1+math.Abs(want)) {
				t.Errorf("at %v the slope on axis %d is %g, differences say %g", p, axis, slope[axis], want)
			}
		}
	}
}

// TestSample holds that going over leaves gives what going over points gives.
func TestSample(t *testing.T) {
	f := randomField(t, 7, random(t, 7, 2, 5, 3))
	const n, step = 37, 0.06
	low := mesh.Vec3{-1.05, -0.9, -1}
	got, err := f.Sample(low, step, n)
	if err != nil {
		t.Fatal(err)
	}
	for i, y := range got {
		p := low.Add(mesh.Vec3{float64(i / (n * n)), float64(i / n % n), float64(i % n)}.Scale(step))
		if want := f.At(p); math.Abs(float64(y)-want) > 1e-6*(1+math.Abs(want)) {
			t.Fatalf("at %v: %g, want %g", p, y, want)
		}
	}
}

// FuzzGrow holds that any flags give a tree whose graph has a mirrored edge for each.
func FuzzGrow(f *testing.F) {
	f.Add([]byte{0xff}, []byte{1}, []byte{})
	f.Add([]byte{3, 7}, []byte{0xaa, 0x55}, []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		tree, err := New(1)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range [][]byte{a, b, c} {
			flags := make([]uint32, len(tree.Keys(tree.Depth())))
			for i := range flags {
				if i/8 < len(raw) {
					flags[i] = uint32(raw[i/8] >> (i % 8))
				}
			}
			if err := tree.Grow(flags); err != nil {
				t.Fatal(err)
			}
		}
		g, err := tree.Graph(tree.Depth())
		if err != nil {
			t.Fatal(err)
		}
		edges := map[[3]int32]bool{}
		for r := range g.Len() {
			for kind := range Kinds - 1 {
				for _, c := range g.Rows[g.Starts[Kinds*r+kind]:g.Starts[Kinds*r+kind+1]] {
					edges[[3]int32{int32(r), int32(kind), c}] = true
				}
			}
		}
		for e := range edges {
			if !edges[[3]int32{e[2], e[1] ^ 1, e[0]}] {
				t.Fatalf("edge %v has no mirror", e)
			}
		}
	})
}
