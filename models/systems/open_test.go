package systems_test

import (
	"testing"

	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// TestLayersOfTheTrunk opens networks whose further heads have blocks of their own: with
// and without a description, the trunk is what is before those blocks.
func TestLayersOfTheTrunk(t *testing.T) {
	large := size{1024, 24, 2816, 16384, 1000}
	head := func(name string) shapes {
		return shapes{"norm" + name + ".weight": {large.dim}, "output" + name + ".weight": {large.vocab, large.dim}}
	}
	nar := shapesOf(large, 25, head(""))
	nar["medusa_norm.weight"], nar["medusa_output.weight"] = []int{large.dim}, []int{large.vocab, large.dim}
	video := shapesOf(large, 26, shapes{"abs_pe": {1, 1025, large.dim}})
	for _, d := range []string{"_R", "_D", "_B"} {
		for n, s := range head(d) {
			video[n] = s
		}
	}
	for name, w := range map[string]shapes{"nar": nar, "nar-video": video} {
		for _, config := range []string{"", `{"n_layer": 24}`, `{"n_layer": 24, "n_head": 16}`} {
			p := must(system.Detect(w))(t)
			var data []byte
			if config != "" {
				data = []byte(config)
			}
			s := must(p.Open(data, w))(t)
			trunk, ok := s.Trunk.(nn.Stack)
			if !ok || len(trunk) != 24 || trunk[0].Attention.Heads != 16 || len(s.Params.Missing(w)) > 0 {
				t.Errorf("%s %q: %d blocks of %d heads, %d tensors missing", name, config, len(trunk), trunk[0].Attention.Heads, len(s.Params.Missing(w)))
			}
		}
	}
}
