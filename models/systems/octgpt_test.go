package systems_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/octree"
)

// Of the golden: rows of the condition, classes, and the levels of its octrees.
const (
	octBuffer  = 16
	octClasses = 3
	octTop     = 3
	octDepth   = 6
)

// raw returns the bytes of a tensor.
func (g *golden) raw(t testing.TB, name string) []byte {
	t.Helper()
	return must(g.answers.Tensor(name))(t).Data
}

// bits are packed eight to a byte, the first lowest.
func unpack(x []byte, i int) uint32 { return uint32(x[i/8] >> (i % 8) & 1) }

// octDecoder opens a decoder of the golden's network.
func (g *golden) octDecoder(t testing.TB, dev *gpu.Device) *engine.Decoder {
	t.Helper()
	d := must(engine.NewDecoder(dev, g.sys, nn.File(g.weights), engine.DecoderOptions{Slots: 2, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
	t.Cleanup(d.Free)
	return d
}

// sparse is a value of which the golden has every so many rows. If less is named, it is
// what mark has and that has not.
type sparse struct {
	mark, less, want string
	every            int
}

// compareRows compares every so many rows of a value with those of the golden.
func (g *golden) compareRows(t *testing.T, d *engine.Decoder, s engine.Step, x sparse, behind, n int, worst *float64) {
	t.Helper()
	got, want := must(d.Traced(s, x.mark))(t), g.floats(t, x.want)
	if x.less != "" {
		for i, y := range must(d.Traced(s, x.less))(t) {
			got[i] -= y
		}
	}
	w := must(g.answers.Tensor(x.want))(t).Shape[1]
	var rows []float32
	for i := 0; i < n; i += x.every {
		rows = append(rows, got[(behind+i)*w:(behind+i+1)*w]...)
	}
	e := distance(rows, want)
	*worst = max(*worst, e)
	if !(e <= bound) {
		t.Errorf("%s: %s is off by %.1e", x.want, x.mark, e)
	}
}

// octMasked returns the runs of a training lesson, in which any tokens of all levels are
// masked. They are made of the runs of a schedule that knows all flags and no code, whose
// rows are those of the condition and then of nodes. Codes have the id code.
func octMasked(known, fill system.Run, tokens []uint32, flags int, mask []byte, code int32, codes bool) (read, all system.Run) {
	read.Stage = known.Stage
	add := func(from *system.Rows, i, row int, id, fed int32) {
		read.N++
		read.Fixed, read.Inputs, read.Keep = append(read.Fixed, id), append(read.Inputs, fed), append(read.Keep, int32(row))
		read.Slot, read.KVLen, read.Axes = append(read.Slot, -1), append(read.KVLen, from.KVLen[i]), append(read.Axes, from.Axes[4*i:4*i+4]...)
		if known.Recall != nil {
			state := int32(-1)
			if row < octBuffer {
				state = known.Recall[row]
			}
			read.Recall = append(read.Recall, state)
		}
	}
	for i := range octBuffer {
		add(&known.Rows, i, i, known.Fixed[i], system.Nothing)
	}
	all = fill
	unknown := fill.Fixed[fill.N-1]
	all.Fixed, all.Recall, all.Targets = slices.Clone(fill.Fixed), slices.Clone(fill.Recall), system.Targets{}
	for p := range tokens {
		row := octBuffer + p
		all.Fixed[row], all.Recall[row] = -1, int32(row)
		switch {
		case unpack(mask, p) != 0:
			all.Fixed[row], all.Recall[row] = unknown, -1
		case p < flags:
			add(&known.Rows, row, row, known.Fixed[row], system.Nothing)
		default:
			add(&fill.Rows, row, row, code, int32(p))
		}
		if (p >= flags) == codes {
			all.Targets.At, all.Targets.From = append(all.Targets.At, int32(p)), append(all.Targets.From, int32(row))
		}
	}
	read.Group, all.GroupTargets, all.Targets.N = read.N, len(all.Targets.At), len(all.Targets.At)
	return read, all
}

// firstStep returns the runs of a schedule's first step, the last of which predicts.
func firstStep(t testing.TB, s *system.System, p system.Prompt) (out []system.Run) {
	t.Helper()
	schedule := must(s.Schedule(p))(t)
	for {
		out = append(out, must(schedule.Next(p.Given))(t))
		if out[len(out)-1].Targets.N > 0 {
			return out
		}
	}
}

// octLesson are the tokens of the golden's lesson.
func (g *golden) octLesson(t testing.TB) (flags, tokens []uint32) {
	t.Helper()
	for _, x := range g.raw(t, "tf.flags") {
		flags = append(flags, uint32(x))
	}
	tokens = slices.Clone(flags)
	for _, x := range g.ints(t, "tf.codes") {
		tokens = append(tokens, uint32(x))
	}
	return flags, tokens
}

// TestOctGPTWaypoints compares values inside encoder and decoder with the authors' code, in a
// training lesson in which 70 % of all tokens are masked.
func TestOctGPTWaypoints(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "octgpt")
		d := g.octDecoder(t, dev)
		flags, tokens := g.octLesson(t)
		runs := firstStep(t, g.sys, system.Prompt{Class: 2, Given: flags})
		fill := runs[1]
		if err := d.SetTokens(0, 0, tokens); err != nil {
			t.Fatal(err)
		}
		if fill.N != octBuffer+len(tokens) {
			t.Fatalf("%d rows, want %d", fill.N, octBuffer+len(tokens))
		}
		worst := 0.0
		for _, codes := range []bool{false, true} {
			if fill.Stage = 2; codes {
				fill.Stage = 3
			}
			read, all := octMasked(runs[0], fill, tokens, len(flags), g.raw(t, "tf.mask"), octClasses+2, codes)
			done := steps(t, d, 0, read, all)
			const wp, e, f = "tf.wp.", 37, 97
			for _, x := range []sparse{
				{"known", "", wp + "encoder.in", e},
				{"encoder0", "", wp + "encoder.block0", e},
				{"encoder3", "", wp + "encoder.block3", e},
				{"encoder.norm", "", wp + "encoder_ln", e},
				{"encoder0.places", "known", wp + "encoder.block0.pos_emb", e},
				{"encoder1.attended", "encoder1.places", wp + "encoder.block1.attention", e},
			} {
				g.compareRows(t, d, done[0], x, 0, read.N, &worst)
			}
			for _, x := range []sparse{
				{"fill", "", wp + "decoder.in", f},
				{"decoder0", "", wp + "decoder.block0", f},
				{"decoder3", "", wp + "decoder.block3", f},
				{"decoder.norm", "", wp + "decoder_ln", f},
				{"decoder2.attended", "decoder2.places", wp + "decoder.block2.attention", f},
				{"decoder3.attended", "decoder3.places", wp + "decoder.block3.attention", f},
			} {
				g.compareRows(t, d, done[1], x, 0, all.N, &worst)
			}
			logits := sparse{"logits", "", "tf.out.split_logits", 9}
			if codes {
				logits = sparse{"logits", "", "tf.out.vq_logits", 31}
			}
			g.compareRows(t, d, done[1], logits, 0, all.Targets.N, &worst)
		}
		t.Logf("octgpt: largest relative error at any waypoint %.1e", worst)
	})
}

// TestOctGPTLevels compares the first step of each level, which knows the levels above.
func TestOctGPTLevels(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "octgpt")
		d := g.octDecoder(t, dev)
		_, tokens := g.octLesson(t)
		worst := 0.0
		for level, begin := range map[int]int{3: 0, 4: 512, 5: 544, 6: 656} {
			p := system.Prompt{Class: 2, Given: tokens[:begin]}
			runs := firstStep(t, g.sys, p)
			steps(t, d, 0, runs[0])
			fill := runs[1]
			// All of the level are asked for.
			fill.Targets = system.Targets{}
			for row := octBuffer + begin; row < fill.N; row++ {
				fill.Targets.At, fill.Targets.From = append(fill.Targets.At, int32(row-octBuffer)), append(fill.Targets.From, int32(row))
			}
			fill.Targets.N, fill.GroupTargets = len(fill.Targets.At), len(fill.Targets.At)
			done := steps(t, d, 0, fill)
			every := map[int]int{3: 37, 4: 12, 5: 12, 6: 48}[level]
			name := fmt.Sprintf("gen0.depth%d.", level)
			g.compareRows(t, d, done[0], sparse{"decoder.norm", "", name + "hidden", every}, octBuffer+begin, fill.Targets.N, &worst)
			g.compareRows(t, d, done[0], sparse{"logits", "", name + "logits", every}, 0, fill.Targets.N, &worst)
		}
		t.Logf("octgpt: largest relative error at any level's first step %.1e", worst)
	})
}

// TestOctGPTText compares values inside a network that looks at a text, and has learned places
// and norms without means, with the authors' code.
func TestOctGPTText(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "octgpt-text")
		d := g.octDecoder(t, dev)
		flags, tokens := g.octLesson(t)
		runs := firstStep(t, g.sys, system.Prompt{Text: g.floats(t, "tf.context"), Given: flags})
		steps(t, d, 0, runs[0])
		worst := 0.0
		for stage, logits := range map[int]sparse{2: {"logits", "", "tf.out.split_logits", 9}, 3: {"logits", "", "tf.out.vq_logits", 31}} {
			// The other stage's step has drawn over them.
			if err := d.SetTokens(0, 0, tokens); err != nil {
				t.Fatal(err)
			}
			runs[2].Stage = stage
			read, all := octMasked(runs[1], runs[2], tokens, len(flags), g.raw(t, "tf.mask"), 1+2, stage == 3)
			done := steps(t, d, 0, read, all)
			for mark, want := range map[string]string{"known": ".in", "encoder0": ".block0", "encoder.norm": "_ln"} {
				g.compareRows(t, d, done[0], sparse{mark, "", "tf.wp.encoder" + want, 37}, 0, read.N, &worst)
			}
			for mark, want := range map[string]string{"decoder0": ".block0", "decoder1": ".block1", "decoder3": ".block3", "decoder.norm": "_ln"} {
				g.compareRows(t, d, done[1], sparse{mark, "", "tf.wp.decoder" + want, 97}, 0, all.N, &worst)
			}
			g.compareRows(t, d, done[1], sparse{"decoder0.places", "fill", "tf.wp.decoder.block0.pos_emb", 97}, 0, all.N, &worst)
			g.compareRows(t, d, done[1], logits, 0, all.Targets.N, &worst)
		}
		t.Logf("octgpt-text: largest relative error at any waypoint %.1e", worst)
	})
}

// octRun is the authors' sampling run, as far as it was replayed.
type octRun struct {
	*golden
	u      []byte // 16 bits each
	drawn  []byte // a bit each
	at     int
	tokens []uint32
}

// draw returns the token of a position by the recorded numbers and our logits, two of each bit.
// It tells whether it is the authors'.
func (r *octRun) draw(t *testing.T, logits []float32, heat float64) (token uint32) {
	t.Helper()
	for b := range len(logits) / 2 {
		u := float64(int(r.u[2*r.at])|int(r.u[2*r.at+1])<<8) / (1 << 16)
		p0 := 1 / (1 + math.Exp(float64(logits[2*b+1]-logits[2*b])/heat))
		if u >= p0 {
			token |= 1 << b
		}
		if unpack(r.drawn, r.at) != token>>b&1 {
			t.Fatalf("draw %d: %g beside a probability of zero of %g, the authors drew %d", r.at, u, p0, unpack(r.drawn, r.at))
		}
		r.at++
	}
	return token
}

// TestOctGPTRun replays the authors' whole sampling run: 36 steps of four levels, every one
// of 25,226 draws by its recorded random number and our logits, and which tokens are drawn
// again. Where codes are equally wrong, upstream leaves open which are, and the test takes
// the recorded ones: it compares their number and how wrong they are.
func TestOctGPTRun(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "octgpt")
		d := g.octDecoder(t, dev)
		r := &octRun{golden: g, u: g.raw(t, "run.u"), drawn: g.raw(t, "run.drawn")}
		var sets []int32
		for l := octTop; l <= octDepth; l++ {
			first := int32(len(sets))
			for _, i := range g.ints(t, fmt.Sprintf("run.order%d", l)) {
				sets = append(sets, first+i)
			}
		}
		r.tokens = make([]uint32, len(sets))
		schedule := must(g.sys.Schedule(system.Prompt{Class: 1, Order: sets}))(t)
		level, step, begin := octTop, 0, 0
		worst := 0.0
		for {
			read, err := schedule.Next(r.tokens)
			if errors.Is(err, io.EOF) {
				break
			}
			fill := must(schedule.Next(r.tokens))(t)
			if n := int(fill.Axes[len(fill.Axes)-1]) + octTop; n != level {
				level, step, begin = n, 0, len(g.ints(t, fmt.Sprintf("run.order%d", level)))+begin
			}
			done := steps(t, d, 0, read, fill)
			r.replay(t, d, done[1], &fill, level, step, begin, &worst)
			if err := d.SetTokens(0, 0, r.tokens); err != nil {
				t.Fatal(err)
			}
			step++
		}
		if r.at != 25226 || level != octDepth || step != 12 {
			t.Errorf("%d draws, up to step %d of level %d", r.at, step, level)
		}
		t.Logf("octgpt: %d draws, logits off by at most %.1e", r.at, worst)
	})
}

// replay draws the tokens of a step as the authors did.
func (r *octRun) replay(t *testing.T, d *engine.Decoder, s engine.Step, fill *system.Run, level, step, begin int, worst *float64) {
	t.Helper()
	logits := must(d.Traced(s, "logits"))(t)
	w := 2
	if level == octDepth {
		w = 64
	}
	var again []int32
	name := fmt.Sprintf("%d.%d", level, step)
	redraws := slices.Contains(r.answers.Names(), "run.again"+name)
	if redraws != (len(fill.Targets.At) == fill.N-octBuffer-begin) && level < octDepth {
		t.Fatalf("step %s draws again: %v", name, redraws)
	}
	if redraws {
		again = r.ints(t, "run.again"+name)
		r.chosen(t, d, s, fill, logits, w, begin, name)
	}
	var used []float32
	for i, at := range fill.Targets.At {
		status := fill.Targets.TokenRange[2*i]
		if status == sample.Hidden || status == sample.Filled && !slices.Contains(again, at-int32(begin)) {
			continue
		}
		x := logits[i*w : (i+1)*w]
		used = append(used, x...)
		r.tokens[at] = r.draw(t, x, float64(fill.Targets.Heat[i]))
	}
	want := "run.d" + strings.Replace(name, ".", ".it", 1) + ".logits_of_to_pred"
	if slices.Contains(r.answers.Names(), want) {
		r.logits(t, used, want, worst)
	}
}

// logits compares the logits of drawn bits with the golden's, which has every eighth of the first.
func (r *octRun) logits(t *testing.T, used []float32, name string, worst *float64) {
	t.Helper()
	want := r.floats(t, name)
	const every = 8
	var got []float32
	for i := 0; 2*i < len(used) && len(got) < len(want); i += every {
		got = append(got, used[2*i:2*i+2]...)
	}
	e := distance(got, want)
	if *worst = max(*worst, e); !(e <= bound) {
		t.Errorf("%s is off by %.1e", name, e)
	}
}

// chosen compares which tokens the device chose to draw again with the authors' choice.
func (r *octRun) chosen(t *testing.T, d *engine.Decoder, s engine.Step, fill *system.Run, logits []float32, w, begin int, name string) {
	t.Helper()
	x := must(d.Traced(s, "chosen"))(t)
	var got []int32
	for i := range fill.Targets.At {
		if fill.Targets.TokenRange[2*i] == sample.Filled && x[i] != 0 {
			got = append(got, int32(i))
		}
	}
	var want []int32
	for _, i := range r.ints(t, "run.again"+name) {
		if fill.Targets.TokenRange[2*i] == sample.Filled {
			want = append(want, i)
		}
	}
	if w == 2 {
		if !slices.Equal(got, want) {
			t.Errorf("step %s draws %v again, want %v", name, got, want)
		}
		return
	}
	// Codes that are equally wrong are in any order.
	wrong := func(i int32) (n int) {
		for b := range w / 2 {
			likely := uint32(0)
			if y := logits[int(i)*w+2*b:]; y[1] > y[0] {
				likely = 1
			}
			if fill.Targets.TokenRange[2*i] != sample.Filled || r.tokens[begin+int(i)]>>b&1 != likely {
				n++
			}
		}
		return n
	}
	count := func(of []int32) (n [65]int) {
		for _, i := range of {
			n[wrong(i)]++
		}
		return n
	}
	if count(got) != count(want) {
		t.Errorf("step %s draws codes with so many wrong bits again: %v, want %v", name, count(got), count(want))
	}
}

// TestOctGPTCompany draws shapes of several classes, steps and given levels alone, and all at
// once in engines of all sizes.
func TestOctGPTCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "octgpt")
		_, tokens := g.octLesson(t)
		prompts := []system.Prompt{{Class: 1, Steps: 2}, {Class: 2, Given: tokens[:512], Steps: 4}, {Class: 0, Given: tokens[:544], Steps: 3}}
		want := inCompany(t, dev, g.sys, nn.File(g.weights), "s", prompts, 1, []engine.Options{{Slots: 3}, {Slots: 2}})
		for i, x := range want {
			nodes, begin := octree.Full(octTop), 0
			for range octDepth - octTop {
				next := octree.Split(nodes, x[begin:begin+len(nodes)])
				begin, nodes = begin+len(nodes), next
			}
			if given := prompts[i].Given; !slices.Equal(x[:len(given)], given) || len(x) != begin+len(nodes) {
				t.Errorf("shape %d has %d tokens, and %d nodes", i, len(x), begin+len(nodes))
			}
		}
	})
}
