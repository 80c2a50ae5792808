package systems_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

const (
	ctClusters    = 9
	ctDescription = `{"coarse": ` + llDescription + `, "fine": ` + llDescription + `}`
)

func tinyCTF() named64 {
	s := shapes{}
	for _, part := range []string{"coarse.", "fine."} {
		s[part+"cls_embedding.embedding_table.weight"] = []int{llClasses + 1, llWidth}
	}
	s.llama("coarse.", 2, ctClusters, ctClusters)
	s.llama("fine.", 1, ctClusters, llValues)
	return named64{s, &sync.Map{}}
}

// gridRows are the rows of a class and of tokens in raster order. They see those up to their own,
// or all.
func (o named64) gridRows(part string, class int, tokens []uint32, causal bool) []llRow {
	all := []llRow{{x: o.row(part+"cls_embedding.embedding_table.weight", class, llWidth), class: true}}
	for i, id := range tokens {
		all = append(all, llRow{x: o.row(part+"tok_embeddings.weight", int(id), llWidth), place: [2]int{i / llSide, i % llSide}})
	}
	for i := range all {
		all[i].sees = len(all)
		if causal {
			all[i].sees = i + 1
		}
	}
	return all
}

func (o named64) ctfLogits(part string, layers, class int, tokens []uint32) (logits [][]float64) {
	all := o.gridRows(part, class, tokens, part == "coarse.")
	o.llamaBlocks(part, layers, all)
	for _, r := range all {
		logits = append(logits, o.product(part+"output.weight", o.rmsOf(part+"norm.weight", r.x, 1e-5)))
	}
	return logits
}

// TestCTF draws greedily, and computes the coarse tokens and then all fine ones again in float64,
// with guidance throughout and with guidance that ends before them.
func TestCTF(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		o := tinyCTF()
		published := must(system.Detect(o))(t)
		s := must(published.Open([]byte(ctDescription), o))(t)
		if missing := s.Params.Missing(o); published.Name != "coarse-to-fine" || len(missing) > 0 {
			t.Fatalf("%s lacks %v", published.Name, missing)
		}
		e := must(engine.New(dev, s, o, engine.Options{Slots: 2, Precision: nn.F32, Cache: nn.F32}))(t)
		defer e.Close()
		const n = llSide * llSide
		for _, p := range []system.Prompt{{Class: 1, Guidance: 3}, {Class: 2, Guidance: 3, Interval: 5}, {Class: 0}} {
			res := must(e.Generate(context.Background(), request(s, "a", p, 0)))(t)
			if res.Steps != n+1 || len(res.Tokens) != 2*n {
				t.Fatalf("%d steps, %d tokens", res.Steps, len(res.Tokens))
			}
			fine, coarse := res.Tokens[:n], res.Tokens[n:]
			says := func(part string, layers, before int, tokens []uint32) [][]float64 {
				said := o.ctfLogits(part, layers, p.Class, tokens)
				if p.Guidance > 1 && (p.Interval == 0 || before-1 <= p.Interval) {
					none := o.ctfLogits(part, layers, llClasses, tokens)
					for i := range said {
						said[i] = guided(none[i], said[i], float64(p.Guidance))
					}
				}
				return said
			}
			for i := range n {
				checkLikeliest(t, fmt.Sprintf("coarse token %d of class %d", i, p.Class), says("coarse.", 2, i, coarse[:i])[i], coarse[i])
			}
			for i, logits := range says("fine.", 1, n-1, coarse)[1:] {
				checkLikeliest(t, fmt.Sprintf("fine token %d of class %d", i, p.Class), logits, fine[i])
			}
		}
	})
}
