package systems_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// planes returns a safetensors file whose numbers were stored byte by byte: the first bytes of
// all numbers, then the second ones. So they compress better.
func planes(t testing.TB, path string) *safetensors.File {
	t.Helper()
	z := must(gzip.NewReader(bytes.NewReader(must(os.ReadFile(path))(t))))(t)
	x := must(io.ReadAll(z))(t)
	begin := 8 + int(binary.LittleEndian.Uint64(x))
	out, n := slices.Clone(x[:begin]), (len(x)-begin)/4
	for i := range n {
		for plane := range 4 {
			out = append(out, x[begin+plane*n+i])
		}
	}
	name := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := os.WriteFile(name, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return must(safetensors.Open(name))(t)
}

// hourglassRuns returns the runs of a schedule for the first n tokens, and the sizes of an
// hourglass's steps.
func hourglassRuns(t testing.TB, s system.Schedule, n int) (out []system.Run) {
	t.Helper()
	for asked := 0; asked < n; {
		r := must(s.Next(nil))(t)
		out = append(out, r.Each()...)
		for _, at := range r.Targets.At {
			asked = max(asked, int(at)+1)
		}
	}
	return out
}

// TestDeepMeshWaypoints compares values inside all levels with the authors' code, of a whole
// sequence read at once. Files have every so many rows.
func TestDeepMeshWaypoints(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "deepmesh")
		d := must(engine.NewDecoder(dev, g.sys, nn.File(g.weights), engine.DecoderOptions{Slots: 2, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
		defer d.Free()
		runs, tokens := g.meshWhole(t)
		if err := d.SetTokens(1, 0, tokens); err != nil {
			t.Fatal(err)
		}
		steps(t, d, 1, runs...)
		worst, compared := 0.0, 0
		traced := func(mark string) []float32 {
			for _, r := range runs {
				if x, err := d.Traced(stepOf(1, r), mark); err == nil && r.Stage != nn.HourglassClear {
					return x
				}
			}
			t.Fatalf("no value %q", mark)
			return nil
		}
		less := func(mark, before string) []float32 {
			x := traced(mark)
			for i, y := range traced(before) {
				x[i] -= y
			}
			return x
		}
		for _, name := range g.answers.Names() {
			mark, ok := strings.CutPrefix(name, "wp.")
			if name == "out.logits" {
				mark, ok = "logits", true
			}
			if !ok {
				continue
			}
			part := strings.TrimSuffix(mark, ".attn")
			var x []float32
			switch {
			case mark == "level0.pre0.attn":
				x = less(part+".attended", "embed")
			case mark == "level1.pre0.attn":
				x = less(part+".attended", "transformer.h.downsample.proj.weight")
			case strings.HasSuffix(mark, ".cross_attn"):
				x = less("level0.pre0.looked", "level0.pre0.attended")
			case strings.HasSuffix(mark, ".mlp"):
				x = less("level0.pre0", "level0.pre0.looked")
			case strings.HasSuffix(mark, ".norm_1"):
				x = g.normed(t, traced("embed"), "transformer.h.pre_layer.0.norm_1.weight")
			case mark == "final_norm":
				x = g.normed(t, traced("level0.post3"), "transformer.ln_f.weight")
			case strings.HasSuffix(mark, "sample"):
				level, what, _ := strings.Cut(mark, ".")
				x = traced("transformer.h." + strings.Repeat("hourglass.", int(level[5]-'0')) + what + ".proj.weight")
			default:
				x = traced(mark)
			}
			w := must(g.answers.Tensor(name))(t).Shape[1]
			e := distance(everyRow(x, w, len(g.floats(t, name))/w), g.floats(t, name))
			worst = max(worst, e)
			if compared++; !(e <= bound) {
				t.Errorf("%s is off by %.1e", name, e)
			}
		}
		t.Logf("deepmesh: largest relative error at any of %d waypoints %.1e", compared, worst)
		if compared != 35 {
			t.Errorf("%d waypoints were compared, want 35", compared)
		}
	})
}

// everyRow returns the n rows of x that lie equally far apart, from the first on. Files have
// every row of up to 6, every third of up to 20, and every seventh of more.
func everyRow(x []float32, w, n int) (out []float32) {
	every := 1
	for _, k := range []int{3, 7} {
		if n < len(x)/w && (len(x)/w+k-1)/k >= n {
			every = k
		}
	}
	for i := range n {
		out = append(out, x[i*every*w:(i*every+1)*w]...)
	}
	return out
}

// normed returns rows as a root-mean-square norm leaves them.
func (g *golden) normed(t testing.TB, x []float32, gain string) []float32 {
	t.Helper()
	k := must(nn.File(g.weights).Floats(gain))(t)
	out := slices.Clone(x)
	for i := 0; i < len(x); i += len(k) {
		sum := 0.0
		for _, y := range x[i : i+len(k)] {
			sum += float64(y) * float64(y)
		}
		for j := range k {
			out[i+j] = float32(float64(x[i+j]) / math.Sqrt(sum/float64(len(k))+1e-5) * float64(k[j]))
		}
	}
	return out
}

// meshWhole returns the runs that read the golden's sequence at once, and its tokens behind
// the one that begins it. Every row is asked.
func (g *golden) meshWhole(t testing.TB) (runs []system.Run, tokens []uint32) {
	t.Helper()
	for _, x := range g.ints(t, "in.tokens")[1:] {
		tokens = append(tokens, uint32(x))
	}
	return readWhole(t, g.sys, system.Prompt{Text: g.floats(t, "in.cond_features_1024"), Given: append(tokens, 0)}, 0), tokens
}

// readWhole returns the runs that read given tokens at once. Those behind the first base
// positions have rows, of which each is asked.
func readWhole(t testing.TB, s *system.System, p system.Prompt, base int) (runs []system.Run) {
	t.Helper()
	schedule := must(s.Schedule(p))(t)
	for {
		r := must(schedule.Next(nil))(t)
		r.Group = r.N
		if runs = append(runs, r.Each()...); r.Stage == nn.HourglassAfter(0) {
			break
		}
	}
	last := &runs[len(runs)-1]
	if n := len(p.Given) - base; last.N != n {
		t.Fatalf("%d rows of %d are read at once", last.N, n)
	}
	for i := range last.N {
		last.Targets.At, last.Targets.From = append(last.Targets.At, int32(base+i)), append(last.Targets.From, int32(i))
	}
	last.Targets.N, last.GroupTargets = last.N, last.N
	return runs
}

// logitsOf runs a run step by step, and returns the logits of every target.
func logitsOf(t testing.TB, d *engine.Decoder, slot int, r system.Run) (out []float32) {
	t.Helper()
	err := d.LoadRows(slot, 0, 0, 0, &r.Rows)
	if err == nil {
		err = d.LoadTargets(slot, 0, &r.Targets, max(r.GroupTargets, 1), 1)
	}
	for i := range r.Steps() {
		s := stepOf(slot, r)
		s.Sequences[0].Row, s.Sequences[0].Target = i*r.Group, i*r.GroupTargets
		if err == nil {
			err = d.Run(s)
		}
		if err != nil {
			t.Fatal(err)
		}
		if r.GroupTargets > 0 {
			x := must(d.Traced(s, "logits"))(t) // of more targets than there are, see programs
			out = append(out, x[:r.GroupTargets*d.System().Head.Outputs()]...)
		}
	}
	return out
}

// TestDeepMeshStepByStep draws the authors' greedy run token by token, and holds its logits to
// those of the whole sequence read at once, bit for bit.
func TestDeepMeshStepByStep(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "deepmesh")
		want := g.ints(t, "out.greedy_tokens")[1:]
		for _, p := range []nn.Precision{nn.F32, nn.F16} {
			d := must(engine.NewDecoder(dev, g.sys, nn.File(g.weights), engine.DecoderOptions{Slots: 2, Precision: p, Cache: p, Trace: true}))(t)
			for slot := range 2 {
				if ok, err := d.Reserve(slot, g.sys.Layout.Context); !ok || err != nil {
					t.Fatal("no pages", err)
				}
			}
			features := g.floats(t, "in.cond_features_1024")
			var logits []float32
			for _, r := range hourglassRuns(t, must(g.sys.Schedule(system.Prompt{Text: features}))(t), len(want)) {
				logits = append(logits, logitsOf(t, d, 0, r)...)
			}
			tokens := must(d.Tokens(0, 0, len(want)))(t)
			for i, x := range tokens {
				if p == nn.F32 && int32(x) != want[i] {
					t.Fatalf("token %d is %d, want %d", i, x, want[i])
				}
			}
			if err := d.SetTokens(1, 0, tokens); err != nil {
				t.Fatal(err)
			}
			var whole []float32
			for _, r := range readWhole(t, g.sys, system.Prompt{Text: features, Given: tokens}, 0) {
				whole = append(whole, logitsOf(t, d, 1, r)...)
			}
			if n := len(want) * g.sys.Token.Values; len(whole) != n || !slices.Equal(logits[:n], whole) {
				t.Errorf("%s: logits of single tokens are those of the whole sequence within %.1e, and not equal", p, distance(logits[:n], whole))
			}
			d.Free()
		}
	})
}

// TestDeepMeshRolls draws beyond a window of 27 rows, 9 of the second level and 3 of the third,
// whose keys replace the oldest. Its logits are those of a sequence read at once, in which
// ranges of slots say what each row sees.
func TestDeepMeshRolls(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, window = 64, 27
		g := open(t, "deepmesh")
		features := g.floats(t, "in.cond_features_1024")
		decoder := func(s *system.System) *engine.Decoder {
			d := must(engine.NewDecoder(dev, s, nn.File(g.weights), engine.DecoderOptions{Slots: 1, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
			t.Cleanup(d.Free)
			if ok, err := d.Reserve(0, s.Layout.Context); !ok || err != nil {
				t.Fatal("no pages", err)
			}
			return d
		}
		short := g.reopened(t, fmt.Sprintf(`{"block_size": 300, "n_head": 2, "window": %d}`, window))
		d := decoder(short)
		var rolled []float32
		for _, r := range hourglassRuns(t, must(short.Schedule(system.Prompt{Text: features}))(t), n) {
			rolled = append(rolled, logitsOf(t, d, 0, r)...)
		}
		tokens := must(d.Tokens(0, 0, n))(t)
		g.sys.Layout.Ranges = 1
		d = decoder(g.sys)
		if err := d.SetTokens(0, 0, tokens); err != nil {
			t.Fatal(err)
		}
		var whole []float32
		for _, r := range readWhole(t, g.sys, system.Prompt{Text: features, Given: tokens}, 0) {
			sees := map[int]int32{0: window, 2: window / 3, 3: window / 9}[g.sys.Layout.StageGroup(r.Stage)]
			for _, to := range r.KVLen {
				r.Ranges = append(r.Ranges, max(to-sees, 0), to)
			}
			whole = append(whole, logitsOf(t, d, 0, r)...)
		}
		e, v := distance(rolled[:len(whole)], whole), g.sys.Token.Values
		t.Logf("deepmesh: %d tokens in a window of %d: logits are off by %.1e", n, window, e)
		if len(whole) != n*v || !(e <= 1e-5) {
			t.Errorf("%d logits beyond the window are off by %.1e", len(whole), e)
		}
		g.sys.Layout.Ranges = 0
		d = decoder(g.sys)
		if err := d.SetTokens(0, 0, tokens); err != nil {
			t.Fatal(err)
		}
		var all []float32
		for _, r := range readWhole(t, g.sys, system.Prompt{Text: features, Given: tokens}, 0) {
			all = append(all, logitsOf(t, d, 0, r)...)
		}
		if in := distance(rolled[:window*v], all[:window*v]); !(in <= 1e-5) || distance(rolled[:n*v], all) < 1e-3 {
			t.Errorf("within the window logits are off by %.1e, and beyond it the window changes nothing", in)
		}
	})
}

// TestDeepMeshGreedy draws the authors' greedy run with the engine, and the same samples alone,
// in company, behind given tokens, and with few pages.
func TestDeepMeshGreedy(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "deepmesh")
		want := g.ints(t, "out.greedy_tokens")[1:]
		short := g.reopened(t, `{"block_size": 41, "n_head": 2}`)
		features := g.floats(t, "in.cond_features_1024")
		prompts := []system.Prompt{{Text: features}}
		for _, n := range []int{1, 5, 9, 31} { // the rest of the same sample
			var given []uint32
			for _, x := range want[:n] {
				given = append(given, uint32(x))
			}
			prompts = append(prompts, system.Prompt{Text: features, Given: given})
		}
		for i, got := range inCompany(t, dev, short, nn.File(g.weights), "a", prompts, 0, []engine.Options{{Slots: 3, Precision: nn.F32}}) {
			for at, x := range want {
				if int32(got[at]) != x {
					t.Errorf("prompt %d: token %d is %d, want %d", i, at, got[at], x)
					break
				}
			}
		}
		prompts = append(prompts, system.Prompt{Text: features[:5*1024]}, system.Prompt{Text: features[1024:]})
		inCompany(t, dev, g.reopened(t, `{"block_size": 150, "n_head": 2, "window": 27}`), nn.File(g.weights), "b", prompts, 1, []engine.Options{{Slots: 7}, {Slots: 4, Pages: 2}, {Slots: 5, Steps: 1, Apart: true}})
	})
}

// deepMeshShapes has the tensors of the released network, and those that bring an encoder's
// rows to its features.
func deepMeshShapes() shapes {
	const d, f, vocab = 1280, 5120, 4738
	s := shapes{"lm_head.weight": {vocab, d}, "transformer.wte.weight": {vocab, d}, "transformer.ln_f.weight": {d}}
	s.layerNorm("norm", d)
	s.linear("linear", d, 1024)
	s.linear("conditioner.cond_head_proj", 1024, 768)
	s.linear("conditioner.cond_proj", 1024, 768)
	prefix := "transformer.h."
	for level, blocks := range [][2]int{{4, 4}, {4, 4}, {5, 0}} {
		if level < 2 {
			s.linear(prefix+"downsample.proj", d, 3*d)
			s.linear(prefix+"upsample.proj", 3*d, d)
		}
		for i, part := range []string{"pre", "post"} {
			for k := range blocks[i] {
				b := fmt.Sprintf("%s%s_layer.%d.", prefix, part, k)
				for name, shape := range map[string][]int{
					"norm_1": {d}, "norm_2": {d}, "norm_cross": {d}, "attn.attn": {3 * d, d}, "attn.proj": {d, d}, "mlp.swiglu.w1": {f, d}, "mlp.swiglu.w2": {f, d}, "mlp.swiglu.w3": {d, f},
					"cross_attn.q_proj": {d, d}, "cross_attn.kv_proj": {2 * d, d}, "cross_attn.out_proj": {d, d},
				} {
					s[b+name+".weight"] = shape
				}
			}
		}
		prefix += "hourglass."
	}
	return s
}

// TestDeepMeshReleased opens the released network by the names and shapes of its tensors, and
// tells its memory. With MORTON_TEST=all it reads a condition and draws the first token, with
// weights that are 0.
func TestDeepMeshReleased(t *testing.T) {
	w := zeros{deepMeshShapes()}
	h := sha256.New()
	for _, n := range w.Names() {
		fmt.Fprintf(h, "%s %s\n", n, strings.ReplaceAll(strings.Trim(fmt.Sprint(w.shapes[n]), "[]"), " ", "x"))
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != "1ad68155f2cad52447c2c1c6b06c5b505d3fa7dbc97f368c94f4fc62f5b0ba73" {
		t.Errorf("names and shapes are %s", got)
	}
	p := must(system.Detect(w))(t)
	s := must(p.Open(nil, w))(t)
	// The rest of the 722,899,712 are those that bring an encoder's rows to its features.
	if missing := s.Params.Missing(w); p.Name != "deepmesh" || len(missing) > 0 || s.Params.Count() != 721_324_800 {
		t.Fatalf("%s lacks %v, and has %d parameters", p.Name, missing, s.Params.Count())
	}
	o := engine.DecoderOptions{Slots: 1}
	t.Logf("%d parameters, %d MB in f16, %d MB of them weights", s.Params.Count(), engine.Bytes(s, o)>>20, s.Params.Bytes(nn.F16)>>20)
	if !gputest.Exhaustive() {
		return
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		begin := time.Now()
		d := must(engine.NewDecoder(dev, s, w, engine.DecoderOptions{Slots: 1, Trace: true}))(t)
		defer d.Free()
		opened := time.Since(begin)
		runs := hourglassRuns(t, must(s.Schedule(system.Prompt{Text: make([]float32, 257*1024)}))(t), 4)
		runs[0].Group = runs[0].N
		if ok, err := d.Reserve(0, 257); !ok || err != nil {
			t.Fatal("no pages", err)
		}
		for _, r := range runs {
			begin = time.Now()
			for i, x := range logitsOf(t, d, 0, r) {
				if x != 0 {
					t.Fatalf("logit %d is %g", i, x)
				}
			}
			t.Logf("stage %d: %d rows in %v", r.Stage, r.N, time.Since(begin))
		}
		t.Logf("opened in %v", opened)
	})
}

// TestDeepMeshSearch searches among hypotheses, which share pages of all groups of the cache and
// get copies of kept states. Where each takes the likeliest tokens, the search finds the authors'
// greedy run. Else it finds the same in company.
func TestDeepMeshSearch(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "deepmesh")
		s := g.reopened(t, `{"block_size": 40, "n_head": 2}`)
		ask := func(id string, temperature float32, width int) engine.Request {
			r := request(s, id, system.Prompt{Text: g.floats(t, "in.cond_features_1024")}, temperature)
			r.Search = &engine.Search{Width: width, Keep: 1, Every: 4, Score: low}
			return r
		}
		e := must(engine.New(dev, s, nn.File(g.weights), engine.Options{Slots: 7, Precision: nn.F32}))(t)
		defer e.Close()
		greedy := must(e.Generate(context.Background(), ask("g", 0, 3)))(t)
		for i, x := range g.ints(t, "out.greedy_tokens")[1:] {
			if int32(greedy.Tokens[i]) != x {
				t.Fatalf("token %d is %d, want %d", i, greedy.Tokens[i], x)
			}
		}
		best := must(e.Generate(context.Background(), ask("a", 1, 3)))(t)
		if best.Score != low(best.Tokens) {
			t.Errorf("the score is %g, of the tokens %g", best.Score, low(best.Tokens))
		}
		for i, r := range together(t, e, []engine.Request{ask("b", 1, 2), ask("a", 1, 3)}) {
			if i == 1 && !slices.Equal(r.Tokens, best.Tokens) {
				t.Error("in company the search finds another sample")
			}
		}
		if n := e.Stats(); n.Pages != 0 {
			t.Errorf("%d pages are still lent", n.Pages)
		}
	})
}
