package dual

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
)

// golden are known answers by name, see testdata/README.md.
type golden map[string][]float64

// open reads them. Package octree knows no codecs.
func open(tb testing.TB) golden {
	tb.Helper()
	data, err := os.ReadFile("testdata/golden.safetensors")
	if err != nil {
		tb.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(data)
	var header map[string]struct {
		DType   string `json:"dtype"`
		Offsets [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(data[8:8+n], &header); err != nil {
		tb.Fatal(err)
	}
	out := golden{}
	for name, t := range header {
		var g []float64
		for b := data[8+int(n)+t.Offsets[0] : 8+int(n)+t.Offsets[1]]; len(b) > 0; {
			switch t.DType {
			case "F32":
				g, b = append(g, float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))), b[4:]
			case "I32":
				g, b = append(g, float64(int32(binary.LittleEndian.Uint32(b)))), b[4:]
			case "I16":
				g, b = append(g, float64(int16(binary.LittleEndian.Uint16(b)))), b[2:]
			case "U8":
				g, b = append(g, float64(b[0])), b[1:]
			default:
				tb.Fatalf("%s: %s", name, t.DType)
			}
		}
		out[name] = g
	}
	return out
}

func (g golden) vectors(name string) (out []mesh.Vec3) {
	for x := range slices.Chunk(g[name], 3) {
		out = append(out, mesh.Vec3(x))
	}
	return out
}

func (g golden) ints(name string) (out []int32) {
	for _, x := range g[name] {
		out = append(out, int32(x))
	}
	return out
}

// tree is that of the golden's points.
func (g golden) tree(tb testing.TB) (*Tree, []float32) {
	tb.Helper()
	t, features, err := FromPoints(g.vectors("points"), g.vectors("normals"), 3, 6)
	if err != nil {
		tb.Fatal(err)
	}
	return t, features
}

func TestGoldenTree(t *testing.T) {
	g := open(t)
	tree, features := g.tree(t)
	for i, p := range g.vectors("points") {
		if want := g.ints("keep")[i] == 1; inside(p) != want {
			t.Errorf("point %d at %v: inside %v", i, p, !want)
		}
	}
	var flags []int32
	for d := 3; d < 6; d++ {
		for _, f := range tree.Flags(d) {
			flags = append(flags, int32(f))
		}
	}
	if !slices.Equal(flags, g.ints("flags3to5")) {
		t.Error("flags differ")
	}
	keys := tree.Keys(6)
	for i, k := range g.ints("keys6") {
		if keys[i] != octree.Key(k) {
			t.Fatalf("node %d is %d, want %d", i, keys[i], k)
		}
	}
	for r, occupied := range g.ints("occupied6") {
		if f := features[Features*r:][:Features]; (f[0] != 0 || f[1] != 0 || f[2] != 0) != (occupied == 1) {
			t.Errorf("node %d has the features %v", r, f)
		}
	}
	want, worst := g["features.every4th"], 0.0
	for i, w := range want {
		worst = max(worst, math.Abs(float64(features[i/Features*4*Features+i%Features])-w))
	}
	t.Logf("largest error of a feature %.1e", worst)
	if !(worst <= 2e-5) { // upstream sums in f32, some 64 cells from the corner
		t.Errorf("a feature is off by %g", worst)
	}
}

func TestGoldenNeighbours(t *testing.T) {
	g := open(t)
	tree, _ := g.tree(t)
	for name, x := range map[string][2]int{"neigh3.every4th": {3, 4}, "neigh4": {4, 1}, "neigh5.every4th": {5, 4}, "neigh6.every10th": {6, 10}} {
		all := tree.Neighbours27(x[0])
		for i, want := range g.ints(name) {
			if got := all[i/27*x[1]*27+i%27]; got != want {
				t.Fatalf("%s: neighbour %d of row %d is %d, want %d", name, i%27, i/27*x[1], got, want)
			}
		}
	}
	query := g.ints("search5.query")
	for i, want := range g.ints("search5.row") {
		q := query[4*i:]
		got := int32(-1)
		if at, r := tree.find(5, octree.Encode(uint32(q[0]), uint32(q[1]), uint32(q[2]))); at == 5 {
			got = int32(r)
		}
		if got != want {
			t.Errorf("cell %v is row %d, want %d", q[:3], got, want)
		}
	}
}

// TestGoldenGraph holds the nodes and the edges of the dual graphs, in order, to the hashes of
// upstream's.
func TestGoldenGraph(t *testing.T) {
	tree, _ := open(t).tree(t)
	for d, want := range map[int][2]string{
		3: {"5a1cf3c89775e7b5afaa55cfa6cf07ce6d2e4749e3995f77e4ad89e15501fa39", "17c62834eef2b46884423272e92a18c65e2b53e26fd42324a143278b1f29a0cb"},
		4: {"8fa18fc7a166ce411308acb326ce43db9d672fc8887358b1c7ae7648ddf2e107", "9954c021452048654a1ef2186e511bba17b1b909462ba934cc86834e5a29cd08"},
		5: {"28777087aee54365a080aeebc359ff5b641279f63e4f363383b7947abca789f5", "cc8d3cd4e62bd3367a40e03724fb69e81af4ee5425e478d07a2a0a3c4a720b50"},
	} {
		graph, err := tree.Graph(d)
		if err != nil {
			t.Fatal(err)
		}
		var nodes, edges strings.Builder
		for _, n := range tree.nodes(d) {
			fmt.Fprintln(&nodes, n.level, uint64(n.key))
		}
		for r := range graph.Len() {
			for kind := range Kinds - 1 {
				rows := slices.Clone(graph.Rows[graph.Starts[Kinds*r+kind]:graph.Starts[Kinds*r+kind+1]])
				slices.Sort(rows)
				for _, c := range rows {
					fmt.Fprintln(&edges, r, kind, c)
				}
			}
		}
		for i, text := range []string{nodes.String(), edges.String()} {
			if got := fmt.Sprintf("%x", sha256.Sum256([]byte(text))); got != want[i] {
				t.Errorf("level %d: the %s have the hash %s", d, []string{"nodes", "edges"}[i], got)
			}
		}
	}
}
