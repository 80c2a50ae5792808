package systems_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// sarShapes are the tensors of a released network with so many features of a condition.
func sarShapes(features int) shapes {
	const d, tokens, heads, codes = 1536, 3 * 680, 16, 16384
	s := shapes{
		"pos_start": {1, 1, d}, "pos_1LC": {1, tokens, d}, "lvl_1L": {1, tokens}, "plane_1L": {1, tokens}, "attn_bias_for_masking": {1, 1, tokens, tokens},
		"lvl_embed.weight": {10, d}, "plane_embed.weight": {3, d},
	}
	s.linear("word_embed", d, 8)
	s.linear("pooler_emb", d, features)
	s.linear("head_nm.ada_lin.1", 2*d, d)
	s.linear("head", codes, d)
	for i := range 24 {
		b := fmt.Sprintf("blocks.%d.", i)
		s.linear(b+"ada_lin.1", 6*d, d)
		s.linear(b+"ffn.fc1", 4*d, d)
		s.linear(b+"ffn.fc2", d, 4*d)
		s[b+"prenorm_ca_dino.g"], s[b+"attn.mat_qkv.weight"] = []int{d}, []int{3 * d, d}
		s[b+"cross_attn.mat_q.weight"], s[b+"cross_attn.mat_kv.weight"] = []int{d, d}, []int{2 * d, features}
		for _, part := range []string{"attn.", "cross_attn."} {
			s.linear(b+part+"proj", d, d)
			s[b+part+"scale_mul_1H11"] = []int{1, heads, 1, 1}
			for _, bias := range []string{"q_bias", "v_bias", "zero_k_bias"} {
				s[b+part+bias] = []int{d}
			}
		}
	}
	return s
}

// sarReleased are the released networks. The hash is that of all names with their shapes, as
// upstream's code makes them.
var sarReleased = []struct {
	variant  string
	features int
	hash     string
}{
	{"image", 1024, "d1d23f119b609aafb71e65476a39ba2fdbe0e38391b0511b72ef432c9618b4d1"},
	{"text", 768, "b3295f9ba64c5e9ff263c2d099c3d3ae7c7283a8a149b428a7fc12f607fc26d5"},
}

// TestSAR3DReleased opens the released networks by the names and shapes of their tensors, and
// tells their memory. With MORTON_TEST=all they take the steps of the condition and of the first
// and the last scale, with weights that are 0. So is every logit.
func TestSAR3DReleased(t *testing.T) {
	for _, z := range sarReleased {
		w := zeros{sarShapes(z.features)}
		var text strings.Builder
		for _, name := range slices.Sorted(maps.Keys(w.shapes)) {
			fmt.Fprintf(&text, "%s %v\n", name, w.shapes[name])
		}
		if hash := fmt.Sprintf("%x", sha256.Sum256([]byte(text.String()))); hash != z.hash {
			t.Errorf("%s: names and shapes with the hash %s", z.variant, hash)
		}
		const q = "vae.decoder.superresolution.quantize."
		w.shapes[q+"embedding.weight"] = []int{16384, 8}
		for i := range 4 {
			r := fmt.Sprintf("%squant_resi.qresi_ls.%d.", q, i)
			w.shapes[r+"weight"], w.shapes[r+"bias"] = []int{8, 8, 3, 3}, []int{8}
		}
		p := must(system.Detect(w))(t)
		s := must(p.Open(nil, w))(t)
		if missing := s.Params.Missing(w); p.Name != "sar3d" || len(missing) > 0 || s.Layout.Length != 2040 {
			t.Fatalf("%s: %s lacks %v, and has %d tokens", z.variant, p.Name, missing, s.Layout.Length)
		}
		rows := map[string]int{"image": 257, "text": 78}[z.variant]
		prompt := system.Prompt{Text: make([]float32, rows*z.features)}
		if _, err := s.Schedule(system.Prompt{Text: make([]float32, (rows+1)*z.features)}); err == nil {
			t.Errorf("%s: a condition of %d rows is taken", z.variant, rows+1)
		}
		runs := runsOf(t, s, prompt)
		o := engine.DecoderOptions{Slots: 2, Trace: true}
		t.Logf("%s: %d parameters, %d MB in f16 with guidance, %d MB of them weights; %d passes", z.variant, s.Params.Count(), engine.Bytes(s, o)>>20, s.Params.Bytes(nn.F16)>>20, len(runs)-2)
		if n := s.Params.Count(); n < 1.1e9 || n > 1.4e9 || len(runs) != 12 {
			t.Errorf("%s: %d parameters, %d runs", z.variant, n, len(runs))
		}
		if !gputest.Exhaustive() {
			continue
		}
		gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
			begin := time.Now()
			d := must(engine.NewDecoder(dev, s, w, o))(t)
			defer d.Free()
			opened := time.Since(begin)
			begin = time.Now()
			done := steps(t, d, 0, runs[0], runs[1], runs[2], runs[11])
			t.Logf("%s: opened in %v, steps of %d, %d and %d rows in %v", z.variant, opened, runs[1].N, runs[2].N, runs[11].N, time.Since(begin))
			for _, x := range must(d.Traced(done[3], "head.weight"))(t) {
				if x != 0 {
					t.Fatalf("a logit is %g", x)
				}
			}
		})
	}
}
