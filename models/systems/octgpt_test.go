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

// sparse are rows of a value that the golden has every so many of.
type sparse struct {
	mark, want string
	every      int
}

// compareRows compares every so many rows of a value with those of the golden.
func (g *golden) compareRows(t *testing.T, d *engine.Decoder, s engine.Step, x sparse, behind, n int, worst *float64) {
	t.Helper()
	got, want := must(d.Traced(s, x.mark))(t), g.floats(t, x.want)
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

// octMasked returns the runs of a training lesson: any tokens of all levels are masked. It
// starts from those of a schedule that knows all flags.
func octMasked(fill system.Run, tokens []uint32, flags int, mask []byte, class int32, codes bool) (read, all system.Run) {
	read = system.Run{}
	add := func(row int, id, fed int32) {
		read.N++
		read.Fixed, read.Inputs, read.Keep = append(read.Fixed, id), append(read.Inputs, fed), append(read.Keep, int32(row))
		read.Slot, read.KVLen, read.Axes = append(read.Slot, -1), append(read.KVLen, 0), append(read.Axes, fill.Axes[4*row:4*row+4]...)
	}
	for i := range octBuffer {
		add(i, class, system.Nothing)
	}
	all = fill
	all.Fixed, all.Recall, all.Targets = slices.Clone(fill.Fixed), slices.Clone(fill.Recall), system.Targets{}
	for p, x := range tokens {
		row := octBuffer + p
		all.Fixed[row], all.Recall[row] = -1, int32(row)
		switch {
		case unpack(mask, p) != 0:
			all.Fixed[row], all.Recall[row] = class, -1
		case p < flags:
			add(row, octClasses+int32(x), system.Nothing)
		default:
			add(row, octClasses+2, int32(p))
		}
		if (p >= flags) == codes {
			all.Targets.At, all.Targets.From = append(all.Targets.At, int32(p)), append(all.Targets.From, int32(row))
		}
	}
	read.Group, all.GroupTargets, all.Targets.N = read.N, len(all.Targets.At), len(all.Targets.At)
	return read, all
}

// lastRun returns the last run of a schedule's first step.
func fillOf(t testing.TB, s *system.System, p system.Prompt) system.Run {
	t.Helper()
	schedule := must(s.Schedule(p))(t)
	for {
		r := must(schedule.Next(p.Given))(t)
		if r.Targets.N > 0 {
			return r
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
		fill := fillOf(t, g.sys, system.Prompt{Class: 2, Given: flags})
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
			read, all := octMasked(fill, tokens, len(flags), g.raw(t, "tf.mask"), 2, codes)
			done := steps(t, d, 0, read, all)
			const wp, e, f = "tf.wp.", 13, 29
			for _, x := range []sparse{
				{"known", wp + "encoder.in", e}, {"encoder0", wp + "encoder.block0", e}, {"encoder3", wp + "encoder.block3", e}, {"encoder.norm", wp + "encoder_ln", e},
			} {
				g.compareRows(t, d, done[0], x, 0, read.N, &worst)
			}
			for _, x := range []sparse{
				{"fill", wp + "decoder.in", f}, {"decoder0", wp + "decoder.block0", f}, {"decoder3", wp + "decoder.block3", f}, {"decoder.norm", wp + "decoder_ln", f},
			} {
				g.compareRows(t, d, done[1], x, 0, all.N, &worst)
			}
			logits := sparse{"logits", "tf.out.split_logits", 5}
			if codes {
				logits = sparse{"logits", "tf.out.vq_logits", 11}
			}
			g.compareRows(t, d, done[1], logits, 0, all.Targets.N, &worst)
		}
		t.Logf("octgpt: largest relative error at any waypoint %.1e", worst)
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
		var order []int32
		for l := octTop; l <= octDepth; l++ {
			first := int32(len(order))
			for _, i := range g.ints(t, fmt.Sprintf("run.order%d", l)) {
				order = append(order, first+i)
			}
		}
		r.tokens = make([]uint32, len(order))
		schedule := must(g.sys.Schedule(system.Prompt{Class: 1, Order: order}))(t)
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

// logits compares the logits of drawn bits with the first of the golden's, or every eighth.
func (r *octRun) logits(t *testing.T, used []float32, name string, worst *float64) {
	t.Helper()
	want := r.floats(t, name)
	every := 1
	if len(used)/2 > 100 {
		every = 8
	}
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
