package sequence

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

// golden is a tensor of a file, as numbers.
type golden []float64

func (g golden) ints() []int32 {
	out := make([]int32, len(g))
	for i, x := range g {
		out[i] = int32(x)
	}
	return out
}

// readGolden reads a safetensors file of f32, f64 and i32.
func readGolden(tb testing.TB, path string) map[string]golden {
	tb.Helper()
	data, err := os.ReadFile(path)
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
	out := make(map[string]golden)
	for name, t := range header {
		b := data[8+int(n)+t.Offsets[0] : 8+int(n)+t.Offsets[1]]
		var g golden
		for len(b) > 0 {
			switch t.DType {
			case "F64":
				g, b = append(g, math.Float64frombits(binary.LittleEndian.Uint64(b))), b[8:]
			case "F32":
				g, b = append(g, float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))), b[4:]
			case "I32":
				g, b = append(g, float64(int32(binary.LittleEndian.Uint32(b)))), b[4:]
			default:
				if name != "__metadata__" {
					tb.Fatalf("%s: %s", name, t.DType)
				}
				b = nil
			}
		}
		out[name] = g
	}
	return out
}

// goldenMesh scales raw vertices as the published tokenisers do: the box's centre to
// 0, its longest side to size.
func goldenMesh(vertices, faces golden, scale func(x, longest float64) float64) *mesh.Mesh {
	m := &mesh.Mesh{Corners: faces.ints(), Starts: []int32{0}}
	low, high := mesh.Vec3{math.Inf(1), math.Inf(1), math.Inf(1)}, mesh.Vec3{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
	for i, x := range vertices {
		low[i%3], high[i%3] = min(low[i%3], x), max(high[i%3], x)
	}
	longest := max(high[0]-low[0], high[1]-low[1], high[2]-low[2])
	for i := 0; i < len(vertices); i += 3 {
		var p mesh.Vec3
		for a := range p {
			p[a] = scale(vertices[i+a]-(low[a]+high[a])/2, longest)
		}
		m.Vertices = append(m.Vertices, p)
	}
	for i := 3; i <= len(m.Corners); i += 3 {
		m.Starts = append(m.Starts, int32(i))
	}
	return m
}

// soup returns the triangles of a quantised mesh as cells, each with its lowest cell
// first, ascending.
func soup(q *Quantized, unwound bool) [][3]Cell {
	var out [][3]Cell
	for _, f := range q.Faces {
		out = append(out, [3]Cell{q.Vertices[f[0]], q.Vertices[f[1]], q.Vertices[f[2]]})
	}
	return canonicalSoup(out, unwound)
}

func canonicalSoup(out [][3]Cell, unwound bool) [][3]Cell {
	compare := func(a, b Cell) int { return slices.Compare(a[:], b[:]) }
	for i, f := range out {
		k := 0
		for j := range f {
			if compare(f[j], f[k]) < 0 {
				k = j
			}
		}
		out[i] = [3]Cell{f[k], f[(k+1)%3], f[(k+2)%3]}
		if unwound {
			slices.SortFunc(out[i][:], compare)
		}
	}
	slices.SortFunc(out, func(f, g [3]Cell) int {
		for i := range f {
			if c := compare(f[i], g[i]); c != 0 {
				return c
			}
		}
		return 0
	})
	return slices.Compact(out)
}

// goldenSoup returns triangles of places as cells.
func goldenSoup(t golden, cell func(x float64) float64, unwound bool) [][3]Cell {
	out := make([][3]Cell, len(t)/9)
	for i, x := range t {
		out[i/9][i/3%3][i%3] = int32(math.Round(cell(x)))
	}
	return canonicalSoup(out, unwound)
}

// TestFanGoldens holds the fans of BPT and DeepMesh to their tokens, both ways, in both
// vertex orders.
func TestFanGoldens(t *testing.T) {
	for _, file := range []struct {
		name   string
		levels int
		open   func(Options, VertexOrder) Coding
	}{
		{"bpt", 128, func(o Options, v VertexOrder) Coding { return BPT{o, v} }},
		{"deepmesh", 512, func(o Options, v VertexOrder) Coding { return DeepMesh{o, v} }},
	} {
		g := readGolden(t, "testdata/"+file.name+".safetensors")
		cell := func(x float64) float64 { return (x+1)/2*float64(file.levels) - 0.5 }
		checked := 0
		for key, want := range g {
			prefix, ok := strings.CutSuffix(key, ".tokens")
			if !ok {
				continue
			}
			checked++
			order := BlockFirst
			if strings.HasSuffix(prefix, ".zyx") {
				order = ZYX
			}
			c := file.open(Options{Levels: file.levels}, order)
			if raw, ok := g[strings.TrimSuffix(strings.TrimSuffix(prefix, ".zyx"), ".block_first")+".raw.vertices"]; ok {
				faces := g[strings.TrimSuffix(strings.TrimSuffix(prefix, ".zyx"), ".block_first")+".raw.faces"]
				m := goldenMesh(raw, faces, func(x, l float64) float64 { return x * (2 * 0.95 / (l + 1e-6)) })
				got, _, err := c.Encode(m)
				if err != nil || !slices.Equal(got, append(want.ints(), c.EOS())) {
					t.Errorf("%s %s: %d tokens, want %d and the end: %v", file.name, prefix, len(got), len(want), err)
				}
			}
			q, report, err := Read(c, append(want.ints(), c.EOS()), prefix == "stream")
			if err != nil {
				t.Errorf("%s %s: %v", file.name, prefix, err)
				continue
			}
			if !slices.Equal(soup(q, false), goldenSoup(g[prefix+".decoded_triangles"], cell, false)) {
				t.Errorf("%s %s: other triangles, %+v", file.name, prefix, report)
			}
		}
		if checked != 10 {
			t.Errorf("%s: %d sequences, want 10", file.name, checked)
		}
	}
}

// TestAdjacencyGoldens holds the walks of MeshAnythingV2 to their tokens, both ways.
func TestAdjacencyGoldens(t *testing.T) {
	g := readGolden(t, "testdata/adjacency.safetensors")
	for _, name := range []string{"mushroom", "rounded_cube", "player"} {
		c := Adjacency{Options{Levels: 128}}
		m := goldenMesh(g[name+".raw.vertices"], g[name+".raw.faces"], func(x, l float64) float64 { return 2 * (x / l) })
		for v := range m.Vertices {
			for a, x := range m.Vertices[v] {
				m.Vertices[v][a] = min(max(x, -1), 1)
			}
		}
		want := append(g[name+".tokens"].ints(), c.EOS())
		if got, _, err := c.Encode(m); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %d tokens, want %d: %v", name, len(got), len(want), err)
		}
		q, report, err := Read(c, want, false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		cell := func(x float64) float64 { return (x + 0.5) * 128 }
		if !slices.Equal(soup(q, true), goldenSoup(g[name+".decoded_triangles"], cell, true)) {
			t.Errorf("%s: other triangles, %+v", name, report)
		}
	}
}
