package systems_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// octSize are the sizes of a released OctGPT, of two times twelve blocks.
type octSize struct {
	width, classes int
	learned        bool // places and norms without means
	text           int
}

// octShapes has the tensors of an OctGPT.
func octShapes(z octSize) shapes {
	s := shapes{"class_emb.weight": {z.classes, z.width}, "split_emb.weight": {2, z.width}}
	norm := func(name string, n int) {
		if s.layerNorm(name, n); z.learned {
			delete(s, name+".bias")
		}
	}
	s.linear("vq_proj", z.width, 32)
	s.linear("split_head", 2, z.width)
	s.linear("vq_head", 64, z.width)
	if z.text > 0 {
		s["mask_token"] = []int{1, z.width}
		norm("ln_cond", z.text)
		s.linear("cond_proj", z.width, z.text)
	}
	for _, part := range []string{"encoder", "decoder"} {
		norm(part+"_ln", z.width)
		for i := range 12 {
			b := fmt.Sprintf("%s.layers.blocks.%d.", part, i)
			norm(b+"norm1", z.width)
			norm(b+"norm2", z.width)
			s.linear(b+"attention.qkv", 3*z.width, z.width)
			s.linear(b+"attention.proj", z.width, z.width)
			s[b+"attention.rope.freqs"] = []int{3, z.width / 2}
			s.linear(b+"mlp.fc1", 4*z.width, z.width)
			s.linear(b+"mlp.fc2", z.width, 4*z.width)
			s[b+"pos_emb.depth_emb.weight"] = []int{4, z.width}
			if z.learned {
				s[b+"pos_emb.absolute_emb"] = []int{128, z.width}
			}
			if z.text > 0 && i%2 == 0 {
				c := b + "cross_attn."
				norm(b+"cross_norm", z.width)
				s[c+"q_proj_weight"], s[c+"k_proj_weight"], s[c+"v_proj_weight"] = []int{z.width, z.width}, []int{z.width, z.text}, []int{z.width, z.text}
				s[c+"in_proj_bias"] = []int{3 * z.width}
				s.linear(c+"out_proj", z.width, z.width)
			}
		}
	}
	return s
}

// octReleased are the released networks with the number of their parameters.
var octReleased = []struct {
	name string
	octSize
	parameters int64
}{
	{"shapenet_uncond", octSize{width: 768, classes: 1}, 170_291_778},
	{"shapenet_uncond, 5 classes", octSize{width: 768, classes: 5}, 170_294_850},
	{"objaverse_octar_text", octSize{width: 1152, classes: 1, learned: true, text: 768}, 440_362_050},
	{"objaverse_octar_uncond", octSize{width: 1152, classes: 1, learned: true}, 386_320_962},
	{"room_octar", octSize{width: 768, classes: 1, learned: true}, 172_612_674},
}

// TestOctGPTReleased opens the released networks by the names and shapes of their tensors, and
// tells their memory. With MORTON_TEST=all the first and the largest take the first step of a
// shape, with weights that are 0: every logit is, so the first bit of a flag is even odds.
func TestOctGPTReleased(t *testing.T) {
	for _, z := range octReleased {
		w := zeros{octShapes(z.octSize)}
		p := must(system.Detect(w))(t)
		s := must(p.Open(nil, w))(t)
		if missing := s.Params.Missing(w); p.Name != "octgpt" || len(missing) > 0 || s.Params.Count() != z.parameters {
			t.Fatalf("%s: %s lacks %v, and has %d parameters of %d", z.name, p.Name, missing, s.Params.Count(), z.parameters)
		}
		o := engine.DecoderOptions{Slots: 1}
		t.Logf("%s: %d parameters, %d MB in f16, %d MB of them weights, for shapes of up to 65,536 nodes", z.name, s.Params.Count(), engine.Bytes(s, o)>>20, s.Params.Bytes(nn.F16)>>20)
		if !gputest.Exhaustive() || z.classes > 1 || z.learned && z.text == 0 {
			continue
		}
		gputest.Each(t, func(t *testing.T, dev *gpu.Device) { octFirstStep(t, dev, s, w) })
	}
}

// octFirstStep takes the first step of a shape.
func octFirstStep(t *testing.T, dev *gpu.Device, s *system.System, w nn.Weights) {
	begin := time.Now()
	d := must(engine.NewDecoder(dev, s, w, engine.DecoderOptions{Slots: 1, Trace: true}))(t)
	defer d.Free()
	opened := time.Since(begin)
	runs := firstStep(t, s, system.Prompt{Text: make([]float32, 77*s.Text)})
	begin = time.Now()
	done := steps(t, d, 0, runs...)
	last := runs[len(runs)-1]
	t.Logf("opened in %v, step of %d and %d rows in %v", opened, runs[len(runs)-2].N, last.N, time.Since(begin))
	logits := must(d.Traced(done[len(done)-1], "logits"))(t)
	for i := range 2 * last.Targets.N {
		if logits[i] != 0 {
			t.Fatalf("logit %d is %g", i, logits[i])
		}
	}
}

// octFlags are flags of three levels, with which so many nodes of the last level exist, or few more.
func octFlags(nodes int) (flags []uint32) {
	split := func(n, of int) { // of n nodes, spread evenly
		for i := range n {
			f := uint32(0)
			if (i+1)*of/n > i*of/n {
				f = 1
			}
			flags = append(flags, f)
		}
	}
	split(512, (nodes+511)/512)
	split(8*((nodes+511)/512), (nodes+63)/64)
	split(8*((nodes+63)/64), (nodes+7)/8)
	return flags
}

// BenchmarkOctGPTPass takes the first step of the last level in ShapeNet's network of 170
// million parameters, with weights that are 0. It reports the seconds of both runs beside
// their work: that of the products, and of attention in whole windows. Windows make
// both grow with the number of nodes alone.
func BenchmarkOctGPTPass(b *testing.B) {
	w := zeros{octShapes(octReleased[0].octSize)}
	for _, nodes := range []int{2048, 40000} {
		b.Run(fmt.Sprint("nodes=", nodes), func(b *testing.B) {
			s := must(must(system.Detect(w))(b).Open(nil, w))(b)
			dev := gputest.Open(b, gpu.Options{})
			d := must(engine.NewDecoder(dev, s, w, engine.DecoderOptions{Slots: 1}))(b)
			defer d.Free()
			flags := octFlags(nodes * 6 / 7)
			runs := firstStep(b, s, system.Prompt{Given: flags})
			report := gputest.Processor(b)
			for b.Loop() {
				steps(b, d, 0, runs...)
			}
			report()
			parameters, flop := 12*12*768*768, 0.0
			for _, r := range runs {
				flop += float64(r.N) * (2*float64(parameters) + 12*4*768*float64(min(2048, r.N)))
			}
			b.ReportMetric(float64(runs[1].N), "rows")
			b.ReportMetric(flop/1e9, "GFLOP")
			b.ReportMetric(flop/1e9*float64(b.N)/b.Elapsed().Seconds(), "GFLOP/s")
		})
	}
}

// BenchmarkOctGPTSets draws the 376 codes of the golden's octree in 12 sets, as released networks
// do, and one by one, with the same weights. It reports passes and seconds of a shape.
func BenchmarkOctGPTSets(b *testing.B) {
	g := open(b, "octgpt")
	flags, _ := g.octLesson(b)
	dev := gputest.Open(b, gpu.Options{})
	e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 1}))(b)
	defer e.Close()
	must(e.Generate(context.Background(), request(g.sys, "warm", system.Prompt{Class: 2, Given: flags}, 1)))(b) // compiles
	for _, most := range []int{0, 1 << 16} {
		b.Run(map[int]string{0: "sets", 1 << 16: "one-by-one"}[most], func(b *testing.B) {
			passes, report := 0, gputest.Processor(b)
			for b.Loop() {
				r := request(g.sys, fmt.Sprint(b.N), system.Prompt{Class: 2, Given: flags, Steps: most}, 1)
				passes = must(e.Generate(context.Background(), r))(b).Steps
			}
			report()
			b.ReportMetric(float64(passes), "passes")
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/shape")
		})
	}
}
