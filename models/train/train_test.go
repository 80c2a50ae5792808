package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/systems"
)

// batchRows is the product of the windows of a batch and their length. A tile of 8 rows compiles
// in a quarter of the time of one of 32.
const batchRows = 8

var config = systems.Decoder{
	Width: 24, Layers: 1, Heads: 4, Hidden: 48, RopePairs: []int{3}, RopeTheta: 100, // heads as in attention's tests: one kernel
	Static: 1, StaticRows: 4, Fed: 1, Sub: 1, Vocab: 8, Context: 16, Length: 64, Group: 1,
}

// counting is a sequence that counts up modulo 8 from first, in steps of by: a
// network can learn it whole, a unigram table nothing.
func counting(n, first, by int) *Sequence {
	var tokens []uint32
	for p := range n {
		tokens = append(tokens, uint32((first+by*p)%8))
	}
	return counted(tokens)
}

// counted lays out tokens, each fed the one before it.
func counted(tokens []uint32) *Sequence {
	return joined(config, countingRows(len(tokens)), tokens)
}

func countingRows(n int) (rows order.Positions) {
	for p := range n {
		rows.Add([]int32{int32(p % 4)}, []int32{int32(p - 1)}, []int32{int32(p)}, int32(p+1), 0, 8)
	}
	return rows
}

func task(t *testing.T, dev *gpu.Device) *Sequences { return taskIn(t, dev, nn.F32) }

func taskIn(t *testing.T, dev *gpu.Device, p nn.Precision) *Sequences {
	t.Helper()
	net, err := NewNetwork(dev, config.System(), 2, batchRows/2, NetworkOptions{Precision: p})
	if err != nil {
		t.Fatal(err)
	}
	if err := net.Store().Init(1); err != nil {
		t.Fatal(err)
	}
	var data held
	for i := range 8 {
		data = append(data, counting(16+i, i, 1+2*(i%2)))
	}
	s, err := NewSequences(net, 3, data, held{counting(16, 2, 1), counting(16, 5, 3)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func flat(t *testing.T, s *Sequences) []float32 {
	t.Helper()
	p, err := s.Store().P.F32()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLearns trains until the held-out loss is far below the tables'.
func TestLearns(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := task(t, dev)
		curve, err := Run(context.Background(), dev, s, Options{Steps: 200, Rate: 1e-2, Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		last := curve.Points[len(curve.Points)-1]
		lines := tablesOf(t, s)
		if last.Heldout > 0.7*lines[1].Value || last.Step != 200 {
			t.Errorf("held-out loss %g after %d steps, tables %v", last.Heldout, last.Step, lines)
		}
	})
}

// tablesOf returns the loss of the tables of a task's samples.
func tablesOf(t *testing.T, s *Sequences) []Line {
	t.Helper()
	tables := NewTables(s.net.sys)
	for i := range s.train.Rows() {
		tables.Count(must(s.train.Sequence(i))(t))
	}
	return must(tables.Lines(s.HeldoutWindows))(t)
}

// precisions that training is tested in; f16 has a loss scale, bf16 only in exhaustive tests.
var precisions = gputest.Pick(2, []nn.Precision{nn.F32, nn.F16, nn.BF16})

// TestResumeIsExact kills a run twice and holds the curve and the weights to
// those of a run that was left alone, bit for bit. In f16 it begins with a loss
// scale so high that it falls before and after the first checkpoint.
func TestResumeIsExact(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, p := range precisions {
			t.Run(string(p), func(t *testing.T) { testResume(t, dev, p) })
		}
	})
}

// TestWidthOfACheckpoint resumes those of other widths: with one of before they said
// theirs it goes on.
func TestWidthOfACheckpoint(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, width := range []int{0, dev.SubgroupWidth(), 2 * dev.SubgroupWidth()} {
			opts := Options{Steps: 2, Dir: t.TempDir(), Subgroup: width}
			if err := opts.defaults(); err != nil {
				t.Fatal(err)
			}
			r := newRun(task(t, dev), opts)
			if err := r.save(1); err != nil {
				t.Fatal(err)
			}
			got, err := CheckpointWidth(opts.Dir)
			if got != width || err != nil {
				t.Errorf("width %d is read as %d, error %v", width, got, err)
			}
			if _, err := Run(context.Background(), dev, task(t, dev), opts); errors.Is(err, ErrCheckpoint) != (width > dev.SubgroupWidth()) {
				t.Errorf("a checkpoint of width %d at %d: error %v", width, dev.SubgroupWidth(), err)
			}
		}
		if w, err := CheckpointWidth(t.TempDir()); w != 0 || err != nil {
			t.Errorf("without a checkpoint: %d, error %v", w, err)
		}
	})
}

func testResume(t *testing.T, dev *gpu.Device, p nn.Precision) {
	opts := Options{Steps: 30, Rate: 5e-3, EvalEvery: 4, SaveEvery: 7}
	if p == nn.F16 {
		opts.LossScale = 1 << 32
	}
	whole := taskIn(t, dev, p)
	opts.Dir = t.TempDir()
	want, err := Run(context.Background(), dev, whole, opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.Dir = t.TempDir()
	for _, stop := range []int{9, 20} { // between checkpoints: the steps since are run again
		killed := &limited{Sequences: taskIn(t, dev, p), left: stop}
		if _, err := Run(context.Background(), dev, killed, opts); !errors.Is(err, errKilled) {
			t.Fatalf("killed run: %v", err)
		}
	}
	again := taskIn(t, dev, p)
	var said strings.Builder
	opts.Progress = &said
	got, err := Run(context.Background(), dev, again, opts)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Points, want.Points) {
		t.Errorf("curves differ:\n%v\n%v", got.Points, want.Points)
	}
	if !slices.Equal(flat(t, again), flat(t, whole)) {
		t.Error("weights differ")
	}
	if a, b := again.Store().Scale, whole.Store().Scale; a != b || (p == nn.F16) != (a < 1<<(32-8) && strings.Contains(said.String(), "steps skipped")) {
		t.Errorf("loss scale %g, of the whole run %g; it said\n%s", a, b, said.String())
	}
	for _, p2 := range precisions {
		if _, err := Run(context.Background(), dev, taskIn(t, dev, p2), opts); p2 != p && (!errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), string(p2))) {
			t.Errorf("resumed in %s: %v", p2, err)
		}
	}
	if w, err := CheckpointWidth(opts.Dir); err != nil || w != dev.SubgroupWidth() {
		t.Errorf("the checkpoint says width %d, error %v", w, err)
	}
	opts.Rate = 1e-3
	if _, err := Run(context.Background(), dev, taskIn(t, dev, p), opts); !errors.Is(err, ErrCheckpoint) || !strings.HasSuffix(err.Error(), "this run asks for rate 0.001") {
		t.Errorf("other options: %v", err)
	}
}

// TestSkippedStepChangesNothing overflows f16 by a loss scale past all bounds.
func TestSkippedStepChangesNothing(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := taskIn(t, dev, nn.F16)
		opts := Options{Steps: 2, LossScale: 1 << 40, Rate: 0.1, Dir: t.TempDir()}
		if err := opts.defaults(); err != nil {
			t.Fatal(err)
		}
		r := newRun(s, opts)
		if err := r.prepare(dev); err != nil {
			t.Fatal(err)
		}
		defer r.free()
		step := func(scale float64, changes bool) {
			t.Helper()
			before := contents(t, s)
			r.scaler.Scale = scale
			if err := r.step(0); err != nil {
				t.Fatal(err)
			}
			for i, now := range contents(t, s) {
				if bytes.Equal(now, before[i]) == changes {
					t.Errorf("scale %g: tensor %d of the state changed: %v, want %v", scale, i, !changes, changes)
				}
			}
			g, err := s.Store().G.F32()
			if err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(g, func(x float32) bool { return x != 0 }) {
				t.Error("the gradient is still there")
			}
		}
		step(1<<40, false)
		if want := (scaler{Scale: 1 << 39, Skipped: 1}); r.scaler != want {
			t.Errorf("after a skipped step: %+v, want %+v", r.scaler, want)
		}
		step(firstScale, true)
		if want := (scaler{Scale: firstScale, Clean: 1, Applied: 1, Skipped: 1}); r.scaler != want {
			t.Errorf("after a good step: %+v, want %+v", r.scaler, want)
		}
	})
}

// contents are the bytes of the parameters, the moments and the copy.
func contents(t *testing.T, s *Sequences) (out [4][]byte) {
	t.Helper()
	for i, x := range []*gpu.Tensor{s.Store().P, s.Store().M, s.Store().V, s.Store().H} {
		out[i] = make([]byte, x.SizeBytes())
		if err := x.ReadBytes(out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestScaler(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	s := scaler{Scale: 4}
	for range cleanSteps - 1 {
		s.after(1, true)
	}
	for _, c := range []struct {
		norm    float32
		changes bool
		scale   float64
	}{{1, true, 8}, {inf, true, 4}, {nan, true, 2}, {inf, true, 1}, {inf, true, 1}, {inf, false, 1}, {1, false, 1}} {
		if s.after(c.norm, c.changes); s.Scale != c.scale {
			t.Fatalf("norm %g: %+v, want scale %g", c.norm, s, c.scale)
		}
	}
	if s.Applied != cleanSteps+1 || s.Skipped != 5 {
		t.Errorf("%+v", s)
	}
	for scale, want := range map[float64]float64{mostScale: mostScale, mostScale / 2: mostScale, 1 << 40: 1 << 40} {
		s := scaler{Scale: scale, Clean: cleanSteps - 1}
		if s.after(1, true); s.Scale != want {
			t.Errorf("%g grew to %g, want %g", scale, s.Scale, want)
		}
	}
}

// TestOverfits learns one batch of random tokens by heart.
func TestOverfits(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, p := range precisions {
			net, err := NewNetwork(dev, config.System(), 1, batchRows, NetworkOptions{Precision: p})
			if err != nil {
				t.Fatal(err)
			}
			if err := net.Store().Init(1); err != nil {
				t.Fatal(err)
			}
			q, r := counting(batchRows, 0, 1), rand.New(rand.NewPCG(1, 2))
			for i := range q.Tokens {
				q.Tokens[i] = uint32(r.IntN(8))
			}
			one := held{q} // every window is all of it
			s, err := NewSequences(net, 1, one, one, 0)
			if err != nil {
				t.Fatal(err)
			}
			curve, err := Run(context.Background(), dev, s, Options{Steps: 150, Rate: 1e-2, WeightDecay: -1, Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			first, last := curve.Points[0].Loss, curve.Points[len(curve.Points)-1].Loss
			if !(last < 0.02 && first > 1) {
				t.Errorf("%s: loss %g at first, %g at last", p, first, last)
			}
		}
	})
}

// TestOldCheckpointsAreOfF32 reads the state as it was before there was a scaler.
func TestOldCheckpointsAreOfF32(t *testing.T) {
	o := Options{Steps: 9}
	if err := o.defaults(); err != nil {
		t.Fatal(err)
	}
	old, err := json.Marshal(map[string]any{"options": o, "curve": Curve{}, "sum": 1, "count": 2})
	if err != nil {
		t.Fatal(err)
	}
	o.Precision = "f32"
	s, step, err := read(map[string]string{"step": "7", "state": string(old)})
	if want := (scaler{Scale: 1, Applied: 7}); err != nil || step != 7 || s.Scaler != want || s.Options != o {
		t.Errorf("step %d, %+v, error %v", step, s.Scaler, err)
	}
}

var errKilled = errors.New("killed")

// limited fails after some steps, as a kill would end it.
type limited struct {
	*Sequences
	left int
}

func (l *limited) Batch(step int) (*gpu.Program, int, error) {
	if l.left--; l.left < 0 {
		return nil, 0, errKilled
	}
	return l.Sequences.Batch(step)
}

func TestCancelSaves(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		dir := t.TempDir()
		if _, err := Run(ctx, dev, task(t, dev), Options{Steps: 5, Dir: dir}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, checkpointName)); err != nil {
			t.Error(err)
		}
	})
}

func TestRateWarmsUpAndFalls(t *testing.T) {
	o := Options{Steps: 100, Rate: 1, Warmup: 10, Floor: 0.1}
	if err := o.defaults(); err != nil {
		t.Fatal(err)
	}
	for step, want := range map[int]float64{0: 0.1, 9: 1, 10: 1, 55: 0.55, 100: 0.1} {
		if got := o.rate(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("rate(%d) = %g, want %g", step, got, want)
		}
	}
	if err := (&Options{}).defaults(); !errors.Is(err, ErrOptions) {
		t.Errorf("no steps: %v", err)
	}
}

// TestTablesByHand checks both tables on a sequence small enough to count.
func TestTablesByHand(t *testing.T) {
	c := config
	c.Vocab = 2
	var rows order.Positions
	tokens := []uint32{0, 1, 0, 1}
	for p := range tokens {
		rows.Add([]int32{0}, []int32{int32(p - 1)}, []int32{int32(p)}, int32(p+1), 0, 2)
	}
	q := joined(c, rows, tokens)
	tables := NewTables(c.System())
	tables.Count(q)
	lines := must(tables.Lines(func(visit func(Window)) error {
		visit(Window{Seq: q, From: 0, To: 4})
		return nil
	}))(t)
	// Unigram: both tokens have (2+0.5)/(4+1). Bigram, with weight 4 of it: the
	// first 0 was seen once after nothing, 1 twice after 0, 0 once after 1.
	uni := math.Log(2)
	bi := -(math.Log((1+2.0)/(1+4)) + 2*math.Log((2+2.0)/(2+4)) + math.Log((1+2.0)/(1+4))) / 4
	if math.Abs(lines[0].Value-uni) > 1e-12 || math.Abs(lines[1].Value-bi) > 1e-12 {
		t.Errorf("tables %v, want %g and %g", lines, uni, bi)
	}
}

func TestCurvePage(t *testing.T) {
	c := Curve{Points: []Point{{1, 2, 3, 0.1}, {2, 1, 2, 0.1}}, Lines: []Line{{"<bigram>", 2.5}}}
	page := c.html()
	for _, want := range []string{"<svg", "&lt;bigram&gt; 2.500", "<td>2<td>1.0000<td>2.0000"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
