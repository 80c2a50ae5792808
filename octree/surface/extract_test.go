package surface_test

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// checkManifold makes sure that every face is a quad of four different
// vertices, every directed edge has exactly one opposite, and the faces around
// every vertex form one fan.
func checkManifold(t testing.TB, m *mesh.Mesh) {
	t.Helper()
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	for f := range m.NumFaces() {
		face := m.Face(f)
		if len(face) != 4 {
			t.Fatalf("face %d has %d corners", f, len(face))
		}
		for i, v := range face {
			if v == face[(i+1)%4] || v == face[(i+2)%4] {
				t.Fatalf("face %d repeats vertex %d", f, v)
			}
		}
	}
	checkFans(t, m, twins(t, m))
}

// twins finds for each half-edge, the one from corner h of a quad mesh to the
// next, the one that goes back.
func twins(t testing.TB, m *mesh.Mesh) []int32 {
	t.Helper()
	name := func(h int, back bool) uint64 {
		from, to := uint64(m.Corners[h]), uint64(m.Corners[h&^3|(h+1)&3])
		if back {
			from, to = to, from
		}
		return from<<32 | to
	}
	order := make([]int32, len(m.Corners))
	for h := range order {
		order[h] = int32(h)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(name(int(a), false), name(int(b), false)) })
	twin := make([]int32, len(order))
	for h := range twin {
		at, ok := slices.BinarySearchFunc(order, name(h, true), func(o int32, n uint64) int { return cmp.Compare(name(int(o), false), n) })
		if !ok || at+1 < len(order) && name(int(order[at+1]), false) == name(h, true) {
			t.Fatalf("the edge from corner %d of face %d does not go back exactly once", h%4, h/4)
		}
		twin[h] = order[at]
	}
	return twin
}

func checkFans(t testing.TB, m *mesh.Mesh, twin []int32) {
	t.Helper()
	degree, first := make([]int, len(m.Vertices)), make([]int32, len(m.Vertices))
	for h, v := range m.Corners {
		degree[v]++
		first[v] = int32(h)
	}
	for v, n := range degree {
		if n == 0 {
			t.Fatalf("vertex %d has no face", v)
		}
		fan, h := 0, first[v]
		for {
			fan++
			back := twin[h]
			if h = back&^3 | (back+1)&3; h == first[v] || fan > n {
				break
			}
		}
		if fan != n {
			t.Fatalf("vertex %d has %d faces, %d of them in one fan", v, n, fan)
		}
	}
}

func randomTree(t testing.TB, depth int, share float64, seed uint64) *octree.Octree {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	keys := []octree.Key{0}
	for k := octree.Key(0); k < 1<<(3*depth); k++ {
		if r.Float64() < share {
			keys = append(keys, k)
		}
	}
	o, err := octree.FromKeys(depth, keys)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func randomCodes(n int, seed uint64) []surface.Code {
	r := rand.New(rand.NewPCG(seed, 2))
	codes := make([]surface.Code, n)
	for i := range codes {
		codes[i] = surface.FromBits(r.Uint32())
	}
	return codes
}

// Whatever a network says, the mesh is a closed manifold.
func TestExtractClosesAnyCodes(t *testing.T) {
	var untangled, added, split int
	for seed := range uint64(60) {
		depth := 1 + int(seed%5)
		o := randomTree(t, depth, []float64{0.02, 0.3, 0.8, 1}[seed%4], seed)
		m, report, err := surface.Extract(o, randomCodes(len(o.Leaves()), seed))
		if err != nil {
			t.Fatal(err)
		}
		checkManifold(t, m)
		if report.Active+report.Idle != len(o.Leaves()) || len(report.Leaf) != len(m.Vertices) {
			t.Fatalf("report %d active, %d idle, %d leaves", report.Active, report.Idle, len(o.Leaves()))
		}
		placed := map[int32]bool{}
		for _, row := range report.Leaf {
			if row >= 0 && placed[row] {
				t.Fatalf("leaf %d places two vertices", row)
			}
			placed[row] = true
		}
		untangled, added, split = untangled+report.Untangled, added+report.Added, split+report.Split
	}
	if untangled == 0 || added == 0 || split == 0 {
		t.Errorf("%d untangled, %d added, %d split: the hard cases were not met", untangled, added, split)
	}
}

func TestExtractOneCorner(t *testing.T) {
	// All eight leaves of a depth-1 tree agree that the middle is inside.
	var keys []octree.Key
	var codes []surface.Code
	for k := range octree.Key(8) {
		keys = append(keys, k)
		codes = append(codes, surface.FromBits(1<<(24+7-k)|0x7<<21)) // vertices near the high corners
	}
	o, err := octree.FromKeys(1, keys)
	if err != nil {
		t.Fatal(err)
	}
	m, report, err := surface.Extract(o, codes)
	if err != nil {
		t.Fatal(err)
	}
	checkManifold(t, m)
	if m.NumFaces() != 6 || len(m.Vertices) != 8 || report.Active != 8 {
		t.Fatalf("%d faces, %d vertices, %+v", m.NumFaces(), len(m.Vertices), report)
	}
	if volume(m) <= 0 {
		t.Errorf("faces look inwards: volume %v", volume(m))
	}
	// One vote in eight is outvoted.
	for i := 1; i < 8; i++ {
		codes[i].Signs = 0
	}
	m, report, err = surface.Extract(o, codes)
	if err != nil || m.NumFaces() != 0 || report.Disputed != 1 {
		t.Errorf("outvoted: %d faces, %+v, %v", m.NumFaces(), report, err)
	}
}

// volume is the enclosed volume, positive if faces look outwards.
func volume(m *mesh.Mesh) (sum float64) {
	for f := range m.NumFaces() {
		face := m.Face(f)
		for i := 2; i < len(face); i++ {
			a, b, c := m.Vertices[face[0]], m.Vertices[face[i-1]], m.Vertices[face[i]]
			sum += a.Dot(b.Cross(c)) / 6
		}
	}
	return sum
}

func TestExtractErrors(t *testing.T) {
	o := randomTree(t, 2, 0.5, 1)
	if _, _, err := surface.Extract(o, randomCodes(len(o.Leaves())-1, 1)); !errors.Is(err, surface.ErrCodes) {
		t.Errorf("one code short: %v", err)
	}
}

func TestExtractIsDeterministic(t *testing.T) {
	o := randomTree(t, 4, 0.3, 3)
	codes := randomCodes(len(o.Leaves()), 3)
	a, _, err := surface.Extract(o, codes)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		b, _, err := surface.Extract(o, codes)
		if err != nil || !slices.Equal(a.Vertices, b.Vertices) || !slices.Equal(a.Corners, b.Corners) {
			t.Fatal("another mesh from the same codes")
		}
	}
}

// FuzzExtract takes a tree as occupancy bytes and codes as tokens.
func FuzzExtract(f *testing.F) {
	f.Add([]byte{0xff}, []byte{1, 2, 3, 4, 0x80, 0, 0, 0, 0x10, 9, 9, 9})
	f.Add([]byte{0x81, 0xff, 0x3c}, []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3, 0x55, 0xaa, 0, 1})
	f.Fuzz(func(t *testing.T, occupancy, tokens []byte) {
		o, err := octree.FromKeys(0, []octree.Key{0})
		for err == nil && len(occupancy) >= o.Len(o.Depth) && o.Depth < 7 {
			n := o.Len(o.Depth)
			var next *octree.Octree
			if next, _, err = o.Grow(occupancy[:n]); err == nil {
				o, occupancy = next, occupancy[n:]
			}
		}
		codes := make([]surface.Code, len(o.Leaves()))
		for i := range codes {
			var token [surface.TokensPerCode]byte
			if len(tokens) > 0 {
				for j := range token {
					token[j] = tokens[(4*i+j)%len(tokens)]
				}
			}
			codes[i] = surface.FromTokens(token)
		}
		m, _, err := surface.Extract(o, codes)
		if err != nil {
			t.Fatal(err)
		}
		checkManifold(t, m)
	})
}
