package octgpt

import (
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn/cnntest"
	"github.com/morton-gen/morton/octree/dual"
	"github.com/morton-gen/morton/octree/surface"
)

func TestMain(m *testing.M) { gputest.Main(m) }

// Bounds of the largest error: at waypoints over the largest magnitude, and of a field.
const (
	waypointBound = 1e-4
	fieldBound    = 1e-5
)

// golden are known answers, see testdata/README.md.
type golden struct {
	*safetensors.File

	names []string
}

func openGolden(tb testing.TB) golden {
	tb.Helper()
	f, err := safetensors.Open("testdata/golden.safetensors")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	return golden{f, f.Names()}
}

func (g golden) tensor(tb testing.TB, name string) safetensors.Tensor {
	tb.Helper()
	x, err := g.Tensor(name)
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

func (g golden) floats(tb testing.TB, name string) []float32 {
	tb.Helper()
	x, err := g.tensor(tb, name).Float32s()
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

func (g golden) vectors(tb testing.TB, name string) (out []mesh.Vec3) {
	tb.Helper()
	x := g.floats(tb, name)
	for i := 0; i < len(x); i += 3 {
		out = append(out, mesh.Vec3{float64(x[i]), float64(x[i+1]), float64(x[i+2])})
	}
	return out
}

// ints are those of 32 bits.
func (g golden) ints(tb testing.TB, name string) (out []uint32) {
	tb.Helper()
	x := g.tensor(tb, name)
	for i := range x.Elements() {
		b := x.Data[4*i:]
		out = append(out, uint32(b[0])|uint32(b[1])<<8|uint32(b[2])<<16|uint32(b[3])<<24)
	}
	return out
}

// flags are bits, the lowest of a byte first.
func (g golden) flags(tb testing.TB, name string, from, n int) (out []uint32) {
	tb.Helper()
	data := g.tensor(tb, name).Data
	for i := from; i < from+n; i++ {
		out = append(out, uint32(data[i/8]>>(i%8)&1))
	}
	return out
}

// tree is that of the golden's flags, down to the level of codes.
func (g golden) tree(tb testing.TB) *dual.Tree {
	tb.Helper()
	t, err := dual.New(3)
	if err != nil {
		tb.Fatal(err)
	}
	for from := 0; t.Depth() < 6; {
		n := len(t.Keys(t.Depth()))
		if err := t.Grow(g.flags(tb, "flags3to5", from, n)); err != nil {
			tb.Fatal(err)
		}
		from += n
	}
	return t
}

func weights(tb testing.TB) nn.Weights {
	tb.Helper()
	return cnntest.Read(tb, "testdata/weights.safetensors")
}

// tiny is the tokenizer of testdata.
func tiny(tb testing.TB, dev *gpu.Device) *Codec {
	tb.Helper()
	config, err := os.ReadFile("testdata/config.json")
	if err != nil {
		tb.Fatal(err)
	}
	w := weights(tb)
	cfg, err := Describe(config, w)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := Open(dev, cfg, w)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Free)
	return c
}

// watch keeps every value that is marked.
func watch(c *Codec) map[string]*gpu.Tensor {
	saw := map[string]*gpu.Tensor{}
	c.mark = func(r *gpu.Recorder, name string, x *gpu.Tensor) { saw[name] = r.Keep(x) }
	return saw
}

// compare holds all values of a direction to the golden's, of which it has every so many rows:
// "dec.down0.9" has every ninth.
func (g golden) compare(t *testing.T, saw map[string]*gpu.Tensor, prefix string, ours map[string]string) {
	t.Helper()
	compared := 0
	for _, name := range g.names {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		parts := strings.Split(name, ".")
		every, err := strconv.Atoi(parts[len(parts)-1])
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name, "every4th") {
			every *= 4
		}
		mark, ok := ours[parts[1]]
		if !ok || saw[prefix+mark] == nil {
			t.Errorf("%s: there is no %s%s", name, prefix, mark)
			continue
		}
		x := saw[prefix+mark]
		defer x.Free()
		got, width := gputest.Read(t, x), x.Dim(-1)
		want := g.floats(t, name)
		if n := g.tensor(t, name).Shape[0]; strings.Contains(name, "split") { // of the last nodes
			nodes := map[string]int{"split_logits_d6": 536, "split_logits_d7": 1568}[parts[1]]
			if n != (nodes+every-1)/every {
				t.Fatalf("%s has %d rows", name, n)
			}
			got = got[len(got)-nodes*width:]
		}
		var some []float32
		for r := 0; r*width < len(got); r += every {
			some = append(some, got[r*width:(r+1)*width]...)
		}
		cnntest.Near(t, name, some, want, waypointBound)
		compared++
	}
	if compared < len(ours) {
		t.Errorf("%d values compared, there are %d", compared, len(ours))
	}
}

func TestEncoderGolden(t *testing.T) {
	g := openGolden(t)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := tiny(t, dev)
		saw := watch(c)
		tree, codes, err := c.Encode(g.vectors(t, "points"), g.vectors(t, "normals"))
		if err != nil {
			t.Fatal(err)
		}
		from := 0
		for d := 3; d < 6; d++ {
			n := len(tree.Keys(d))
			if !slices.Equal(tree.Flags(d), g.flags(t, "flags3to5", from, n)) {
				t.Errorf("flags of level %d differ", d)
			}
			from += n
		}
		if want := g.ints(t, "codes"); !slices.Equal(codes, want) {
			t.Error("codes differ")
		}
		g.compare(t, saw, "enc.", map[string]string{"block0": "block0", "down0": "down0", "block1": "block1", "down1": "down1", "block2": "block2", "z_pre_quant": "z"})
	})
}

func TestDecoderGolden(t *testing.T) {
	g := openGolden(t)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := tiny(t, dev)
		saw := watch(c)
		tree := g.tree(t)
		field, err := c.Decode(tree, g.ints(t, "codes"))
		if err != nil {
			t.Fatal(err)
		}
		g.compare(t, saw, "dec.", map[string]string{
			"post_proj": "post_proj", "enc_stage0_d6": "encoder0", "down0": "down0", "enc_stage1_d5": "encoder1", "enc_stage2_d4": "encoder2", "down2": "down2", "enc_stage3_d3": "encoder3",
			"dec_stage0_d3": "decoder0", "dec_stage1_d4": "decoder1", "dec_stage2_d5": "decoder2", "up2_to_d6": "up2", "dec_stage3_d6": "decoder3", "split_logits_d6": "predict6",
			"up3_to_d7": "up3", "dec_stage4_d7": "decoder4", "split_logits_d7": "predict7", "dec_stage5_d8": "decoder5", "regress_d8": "regress8",
		})
		fine, _, err := c.decode(tree, g.ints(t, "codes"))
		if err != nil {
			t.Fatal(err)
		}
		for d, n := range map[int]int{6: 536, 7: 1568} {
			if !slices.Equal(fine.Flags(d), g.flags(t, map[int]string{6: "flags6", 7: "flags7"}[d], 0, n)) {
				t.Errorf("level %d splits otherwise", d)
			}
		}
		if tree.Depth() != 6 {
			t.Error("the given tree grew")
		}
		g.field(t, field)
	})
}

// field compares a field with upstream's at single points and on two grids. Values are
// distances, in the domain's units. Upstream rounds the points of a grid to f32, which moves
// steep values by 10⁻⁶.
func (g golden) field(t *testing.T, f *dual.Field) {
	t.Helper()
	var got []float32
	for _, p := range g.vectors(t, "field.points") {
		got = append(got, float32(f.At(p)))
	}
	cnntest.Near(t, "field.values", got, g.floats(t, "field.values"), fieldBound)
	at := g.floats(t, "fine.at")
	for name, grid := range map[string]surface.Grid{
		"grid40": {N: 40, Low: mesh.Vec3{-0.9, -0.9, -0.9}, Step: 1.8 / 40},
		"fine":   {N: 32, Low: mesh.Vec3{float64(at[0]), float64(at[1]), float64(at[2])}, Step: float64(at[3])},
	} {
		var err error
		if grid.Values, err = f.Sample(grid.Low, grid.Step, grid.N); err != nil {
			t.Fatal(err)
		}
		const every = 7
		worst := 0.0
		for i, want := range g.floats(t, name) {
			worst = max(worst, math.Abs(float64(grid.Values[i*every])-float64(want)))
		}
		t.Logf("%-24s error %.2e", name, worst)
		if !(worst <= fieldBound) {
			t.Errorf("%s: off by %g, bound %g", name, worst, fieldBound)
		}
		if name == "grid40" {
			g.surface(t, &grid)
		}
	}
}

// surface compares the surface of the coarse grid. Marching cubes give a vertex for each edge of
// the grid that upstream's values cross. Upstream's tables add two vertices within cells.
func (g golden) surface(t *testing.T, grid *surface.Grid) {
	t.Helper()
	m, err := grid.Triangles(0.002)
	if err != nil {
		t.Fatal(err)
	}
	const crossed, added = 502, 2
	box := g.vectors(t, "grid40.box")
	lo, hi := mesh.Bounds(m)
	if n := int(g.ints(t, "grid40.mc")[0]); len(m.Vertices) != crossed || n != crossed+added {
		t.Errorf("%d vertices, upstream has %d", len(m.Vertices), n)
	}
	if off := max(lo.Sub(box[0]).Len(), hi.Sub(box[1]).Len()); !(off <= fieldBound) {
		t.Errorf("from %v to %v, want %v to %v", lo, hi, box[0], box[1])
	}
}
