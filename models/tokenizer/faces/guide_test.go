package faces

import (
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/grammar"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/mesh"
)

func TestMain(m *testing.M) { gputest.Main(m) }

// TestGuideAllowsItsOwnMesh: at every position of the face sequence of a closed mesh of
// quads, the rules of its own surface allow the token that stands there. A face between
// two that come later joins no edge at its first corner: one in a thousand last corners
// may be refused for that.
func TestGuideAllowsItsOwnMesh(t *testing.T) {
	c := Config{Levels: 128, Points: 16}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, m := range map[string]*mesh.Mesh{
			"cube": mesh.Cube(), "grid": mesh.CubeGrid(3), "sphere": mesh.QuadSphere(4), "torus": mesh.Torus(16, 8, 0.7, 0.25), "uv": mesh.UVSphere(8, 10),
		} {
			unit, _, err := Normalize(m)
			if err != nil {
				t.Fatal(err)
			}
			s, report, err := c.Tokenize(name, unit, 1)
			if err != nil {
				t.Fatal(err)
			}
			var tokens []int32
			for _, x := range s.Tokens[c.Points:] {
				tokens = append(tokens, int32(x))
			}
			allowed, open := surfaceMasks(t, dev, c.Levels, tokens, c.Guide(unit, report.Faces))
			refused := map[int]int{} // by slot of the face
			for i, x := range tokens {
				if !allowed[i][x] {
					refused[i%12]++
				}
			}
			t.Logf("%s: %d tokens, %v refused by slot; %.1f of %d allowed a token", name, len(tokens), refused, open, c.Levels)
			if last := refused[9] + refused[10] + refused[11]; last > len(tokens)/1000 {
				t.Errorf("%s: of %d tokens %v are refused", name, len(tokens), refused)
			}
			for slot := range 9 {
				if refused[slot] > 0 {
					t.Errorf("%s: %d tokens at slot %d are refused", name, refused[slot], slot)
				}
			}
			if open > float64(c.Levels)*0.6 {
				t.Errorf("%s: %.1f tokens are allowed on average, the rules do not narrow", name, open)
			}
		}
	})
}

// surfaceMasks returns the tokens allowed at every position of a sequence, and their mean
// number.
func surfaceMasks(t *testing.T, dev *gpu.Device, levels int, tokens []int32, guide []uint32) (allowed []map[int32]bool, mean float64) {
	t.Helper()
	n := len(tokens)
	seq, draw, words := make([]int32, n), []int32{}, make([]int32, len(guide))
	for i := range tokens {
		draw = append(draw, 0, 0, 0, int32(i), 0, int32(levels+2), 0, 1)
	}
	for i, w := range guide {
		words[i] = int32(w)
	}
	a := grammar.FacesArgs{
		Tokens: gputest.U32(t, dev, tokens, 1, n, 1), Seq: gputest.I32(t, dev, seq, n), Draw: gputest.U32(t, dev, draw, n, sample.DrawWords), Levels: levels,
	}
	g := gputest.U32(t, dev, words, 1, len(words))
	var out *gpu.Tensor
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		mask := grammar.Faces(r, a)
		grammar.Surface(r, grammar.SurfaceArgs{FacesArgs: a, Guide: g, Mask: mask})
		out = r.Keep(mask)
	})
	raw, err := out.I32()
	if err != nil {
		t.Fatal(err)
	}
	each := sample.MaskWords(levels + 2)
	for i := range n {
		m := map[int32]bool{}
		for v := range int32(levels + 2) {
			if uint32(raw[i*each+int(v)/32])>>(v%32)&1 == 1 {
				m[v] = true
			}
		}
		mean += float64(len(m)) / float64(n)
		allowed = append(allowed, m)
	}
	return allowed, mean
}
