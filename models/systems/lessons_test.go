package systems_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/train"
)

// learner is the network that trains over one sample of a golden, with what it marks.
type learner struct {
	*train.Network
	kept map[string]*gpu.Tensor
}

// learn lays a sample out, and records the network that trains with the authors' weights.
func (g *golden) learn(t *testing.T, dev *gpu.Device, p system.Prompt, tokens []uint32) *learner {
	t.Helper()
	q := must(train.Flatten(g.sys, p, tokens))(t)
	l := &learner{kept: map[string]*gpu.Tensor{}}
	var other nn.Weights
	if g.weights != nil {
		other = nn.File(g.weights)
	}
	l.Network = must(train.NewNetwork(dev, g.sys, 1, g.sys.Window(), train.NetworkOptions{
		Other: other, Marked: func(r *gpu.Recorder, name string, x *gpu.Tensor) {
			l.kept[name] = must(dev.NewTensor(tensor.F32, x.Shape...))(t)
			r.Copy(l.kept[name], x)
		},
	}))(t)
	t.Cleanup(l.Free)
	if err := l.fill(g); err != nil {
		t.Fatal(err)
	}
	if n := must(l.SetBatch([]train.Window{{Seq: q, To: q.N, Chance: [2]uint64{1, 2}}}))(t); n != q.Draws.N {
		t.Fatalf("%s: %d tokens of %d are predicted", g.name, n, q.Draws.N)
	}
	return l
}

// fill writes the golden's weights, or draws some that are far from those of a network that
// begins to learn, which says nothing yet.
func (l *learner) fill(g *golden) error {
	if g.weights != nil {
		return l.Store().Load(g.weights, false)
	}
	x := gputest.Normal(9, l.Store().P.Elems())
	for i := range x {
		x[i] *= 0.1
	}
	return l.Store().P.WriteF32(x)
}

// slope compares the slope of the loss along its gradient with the gradient's square.
func (l *learner) slope(t *testing.T, name string) {
	t.Helper()
	must(l.Backward())(t)
	p, grad := must(l.Store().P.F32())(t), must(l.Store().G.F32())(t)
	square := 0.0
	for _, x := range grad {
		square += float64(x) * float64(x)
	}
	at := func(e float64) float64 {
		moved := make([]float32, len(p))
		for i := range p {
			moved[i] = p[i] - float32(e*float64(grad[i]))
		}
		if err := l.Store().P.WriteF32(moved); err != nil {
			t.Fatal(err)
		}
		return must(l.Forward())(t)
	}
	e := 1e-2 / max(square, 1e-3) // the loss falls by a hundredth
	fall := (8*(at(-e)-at(e)) - (at(-2*e) - at(2*e))) / (12 * e)
	if d := fall/square - 1; d > 5e-3 || d < -5e-3 {
		t.Errorf("%s: along the gradient the loss falls by %g, its square is %g", name, fall, square)
	}
}

// TestVARLearns compares the network that trains, which has all scales in one pass, with
// the authors' code: what scales add up to, the blocks, the logits and their cross-entropy. The
// gradient is the slope of that.
func TestVARLearns(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, name := range varGoldens {
			g := open(t, name)
			worst, compared := 0.0, 0
			for b, label := range g.ints(t, "in.labels") {
				tokens := g.scaled(t, "in.idx_scale", b)
				l := g.learn(t, dev, system.Prompt{Class: int(label)}, tokens)
				loss := must(l.Forward())(t)
				for _, x := range g.answers.Names() {
					mark, ok := strings.CutPrefix(x, "tf.")
					if mark == "logits" {
						mark = "head.weight"
					}
					kept := l.kept[mark]
					if !ok || kept == nil {
						continue
					}
					all := g.floats(t, x)
					e := distance(must(kept.F32())(t), all[b*len(all)/2:(b+1)*len(all)/2])
					worst, compared = max(worst, e), compared+1
					if e > bound {
						t.Errorf("%s: sample %d: %s is off by %.1e", name, b, mark, e)
					}
				}
				logits := g.floats(t, "tf.logits")
				if want := crossEntropy(logits[b*len(logits)/2:(b+1)*len(logits)/2], tokens); math.Abs(loss-want) > bound*want {
					t.Errorf("%s: sample %d: the loss is %g, of the authors' logits %g", name, b, loss, want)
				}
				l.slope(t, fmt.Sprint(name, b))
			}
			if compared < 14 {
				t.Errorf("%s: %d waypoints are compared", name, compared)
			}
			t.Logf("%s: largest relative error at any of %d waypoints %.1e", name, compared, worst)
		}
	})
}

// crossEntropy is the mean loss of the logits of tokens, in nats.
func crossEntropy(logits []float32, tokens []uint32) (sum float64) {
	v := len(logits) / len(tokens)
	for i, token := range tokens {
		total := 0.0
		for _, x := range logits[i*v : (i+1)*v] {
			total += math.Exp(float64(x))
		}
		sum += math.Log(total) - float64(logits[i*v+int(token)])
	}
	return sum / float64(len(tokens))
}

// tiny describes networks that fill in masks, for tests: 4 by 4 tokens of 12 numbers.
const tiny = `{"img_size": 128, "vae_stride": 16, "patch_size": 2, "vae_embed_dim": 3, "encoder_embed_dim": 32, "encoder_depth": 1, "encoder_num_heads": 2,
	"decoder_embed_dim": 32, "decoder_depth": 2, "decoder_num_heads": 2, "class_num": 10, "buffer_size": 4, "diffloss_d": 2, "diffloss_w": 24, "noise_channels": 8,
	"shortcut": %t, "num_frames": 2, "temporal_num_heads": 2, "temporal_depth": 1, "canvas_depth": 1}`

// TestNumbersAreLearned holds the gradients of MAR's diffusion head, also behind VideoMAR's
// frames, of CanvasMAR's guesses, of FAR's shortcut head and of EAR's energy head, through the trunk, to slopes of the loss. What the losses take
// as given is left out: the error in the loss of a variance, and the steps that are joined.
func TestNumbersAreLearned(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, config := range map[string]string{
			"mar": fmt.Sprintf(tiny, false), "mar, shortcut": fmt.Sprintf(tiny, true), "ear": fmt.Sprintf(tiny, false), "videomar": fmt.Sprintf(tiny, false),
			"canvasmar": fmt.Sprintf(tiny, false),
		} {
			of, _, _ := strings.Cut(name, ",")
			g := &golden{name: name, sys: fresh(t, of, config)}
			switch h := g.sys.Head.(type) {
			case *head.Diffusion:
				levels := head.NoiseLevels(head.CosineBetas(1000))
				for i := range levels {
					levels[i].Bounds[2] = 0
				}
				h.Teach(levels, 12, 4)
			case *head.Shortcut:
				h.Share = 0
			}
			p := promptOf(3)
			p.Frames = 2 // of clips; pictures have the first alone
			l := g.learn(t, dev, p, words(gputest.Normal(5, 2*16*12)))
			l.slope(t, name)
		}
	})
}

// fresh is a system made from its config.json alone.
func fresh(t *testing.T, name, config string) *system.System {
	t.Helper()
	return must(must(system.ToTrain(name))(t).Open([]byte(config), nil))(t)
}

func promptOf(class int) system.Prompt { return system.Prompt{Class: class} }

// TestMARLearnsTheAuthorsNetwork compares values inside the network that trains, of a pass over
// 5 known tokens of 16, with the authors' code, as TestMARWaypoints does for the one that
// draws.
func TestMARLearnsTheAuthorsNetwork(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "mar")
		n, c, worst := g.cells(), g.sys.Token.Width, 0.0
		for b, label := range g.ints(t, "in.labels") {
			var masked, known []int32
			for i, m := range g.floats(t, "in.mask")[b*n : (b+1)*n] {
				if m == 0 {
					known = append(known, int32(i))
				} else {
					masked = append(masked, int32(i))
				}
			}
			// Of four steps the third knows as many.
			runs := runsOf(t, g.sys, system.Prompt{Class: int(label), Steps: 4, Order: append(masked, known...)})[4:6]
			g.sys.Practice = func(system.Prompt, func(uint32) uint32) (system.Schedule, error) { return order.Fixed(runs...), nil }
			l := g.learn(t, dev, promptOf(int(label)), words(g.floats(t, "fw.patchify")[b*n*c:(b+1)*n*c]))
			must(l.Forward())(t)
			for mark, want := range map[string]string{
				"encoder0": "fw.enc_block0", "encoder1": "fw.enc_block1", "encoder.norm": "fw.enc_norm", "embed": "fw.dec_embed", "known.norm": "fw.enc_block0_in",
				"fill": "fw.dec_block0_in", "decoder0": "fw.dec_block0", "decoder1": "fw.dec_block1", "decoder.norm": "fw.dec_norm",
			} {
				all := g.floats(t, want)
				m := len(all) / 2
				e := distance(must(l.kept[mark].F32())(t)[:m], all[b*m:(b+1)*m])
				worst = max(worst, e)
				if e > bound {
					t.Errorf("sample %d: %s is off by %.1e", b, mark, e)
				}
			}
			z, got := g.floats(t, "fw.z"), must(l.kept["z"].F32())(t)
			each, _ := g.sys.Head.(system.Teacher).Lessons()
			w := len(z) / 2 / n
			for i, at := range runs[1].Targets.At {
				e := distance(got[i*each*w:(i*each+1)*w], z[(b*n+int(at))*w:][:w])
				worst = max(worst, e)
				if e > bound {
					t.Errorf("sample %d: z of position %d is off by %.1e", b, at, e)
				}
			}
		}
		t.Logf("mar: largest relative error at any waypoint of the network that trains %.1e", worst)
	})
}

// TestScalesAndNumbersAreLaidOut lays samples of VAR and MAR out, and refuses those that do
// not fit.
func TestScalesAndNumbersAreLaidOut(t *testing.T) {
	scales := shard.Sample{ID: "a", Kind: shard.KindScales, Grid: []int32{1, 2, 3, 4, 5, 6}, Tokens: make([]int64, 91), Meta: map[string]string{"class": "7"}}
	numbers := shard.Sample{ID: "a", Kind: shard.KindKL, Grid: []int32{4, 4, 12}, Tokens: make([]int64, 192), Meta: map[string]string{"class": "7"}}
	for name, good := range map[string]shard.Sample{"var": scales, "mar": numbers} {
		g := open(t, name)
		if p, tokens, err := g.sys.Flatten(good); err != nil || p.Class != 7 || len(tokens) != len(good.Tokens) {
			t.Fatalf("%s: class %d, %d words, error %v", name, p.Class, len(tokens), err)
		}
		for what, change := range map[string]func(*shard.Sample){
			"kind":  func(s *shard.Sample) { s.Kind = shard.KindVQ },
			"grid":  func(s *shard.Sample) { s.Grid = s.Grid[:2] },
			"count": func(s *shard.Sample) { s.Tokens = s.Tokens[1:] },
			"token": func(s *shard.Sample) { s.Tokens[3] = 0x7f800000 }, // no index, and infinite
			"minus": func(s *shard.Sample) { s.Tokens[3] = -1 },
			"class": func(s *shard.Sample) { s.Meta = map[string]string{"class": "seven"} },
		} {
			s := good
			s.Tokens = slices.Clone(good.Tokens)
			change(&s)
			if _, _, err := g.sys.Flatten(s); !errors.Is(err, shard.ErrSample) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
	}
}

// TestNOVALearnsTheAuthorsNetwork compares values inside the network that trains, over a frame of
// the authors' run whose first sets are known, with their code. The gradient is the slope
// of the loss.
func TestNOVALearnsTheAuthorsNetwork(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "nova")
		run := novaRuns["nova"][0]
		p := g.novaPrompt(t, run)
		runs := runsOf(t, g.sys, p)
		var tokens []uint32
		for f := range run.frames {
			tokens = append(tokens, words(novaTokens(g.floats(t, run.name+".latents"), f, run.frames))...)
		}
		worst, compared := 0.0, 0
		for _, frame := range []int{0, 2} {
			known := runs[novaAt(frame, 2)].N - 6
			g.sys.Practice = func(q system.Prompt, _ func(uint32) uint32) (system.Schedule, error) {
				return novaLesson(runs, frame, 2), nil
			}
			l := g.learn(t, dev, p, tokens)
			must(l.Forward())(t)
			check := func(mark, want string, from, rows, wantFrom int) {
				t.Helper()
				all := g.floats(t, want)
				d := all[:len(all)/2] // of the branch with the condition
				width := 64
				got := must(l.kept[mark].F32())(t)
				e := distance(got[from*width:(from+rows)*width], d[wantFrom*width:(wantFrom+rows)*width])
				worst, compared = max(worst, e), compared+1
				if e > bound {
					t.Errorf("frame %d: %s is off by %.1e", frame, mark, e)
				}
			}
			at := fmt.Sprintf("%s.f%d.", run.name, frame)
			for f := range frame + 1 {
				check("video", fmt.Sprintf("%s.f%d.video_out", run.name, f), 7+6*f, 6, 0)
			}
			if frame == 0 {
				check("image0", at+"s2.image_block0", 0, 6+known, 0)
				check("image1", at+"s2.image_block1", 0, 6+known, 0)
				check("image2", at+"s2.image_block2", 0, 30, 0)
				check("image3", at+"s2.image_block3", 0, 30, 0)
			}
			each, _ := g.sys.Head.(system.Teacher).Lessons()
			for i, at := range runs[novaAt(frame, 2)+1].Targets.At {
				check("z", fmt.Sprintf("%s.f%d.s2.z", run.name, frame), i*each, 1, int(at)%24)
			}
			if frame > 0 {
				l.slope(t, fmt.Sprint("frame ", frame))
			}
		}
		t.Logf("nova: largest relative error at any of %d waypoints of the network that trains %.1e", compared, worst)
	})
}

// novaAt is the number of the first run of a set, behind four runs of conditions, where each
// frame has a run of its own and two for each of four sets.
func novaAt(frame, set int) int { return 4 + frame*(1+2*novaSets) + 1 + 2*set }

// novaLesson has the runs of one set of a frame.
func novaLesson(runs []system.Run, frame, set int) system.Schedule {
	out := slices.Clone(runs[:4])
	for f := range frame + 1 {
		out = append(out, runs[novaAt(f, 0)-1])
	}
	return order.Fixed(append(out, runs[novaAt(frame, set):novaAt(frame, set)+2]...)...)
}

// TestClipsAreLaidOut lays clips of NOVA out, and refuses those that do not fit.
func TestClipsAreLaidOut(t *testing.T) {
	g := open(t, "nova") // 4 by 6 tokens of 16 numbers, up to 4 frames
	good := func() shard.Sample {
		return shard.Sample{ID: "a", Kind: shard.KindVAE3D, Grid: []int32{3, 4, 6, 16}, Tokens: make([]int64, 3*24*16), Meta: map[string]string{"fps": "24"}}
	}
	p, tokens, err := g.sys.Flatten(good())
	if err != nil || p.Frames != 3 || !slices.Equal(p.Motion, []float32{5, 24}) || len(tokens) != 3*24*16 {
		t.Fatalf("%d frames of motion %v, %d words, error %v", p.Frames, p.Motion, len(tokens), err)
	}
	seen := map[int]bool{}
	for chance := range uint64(20) {
		q := must(train.Flatten(g.sys, p, tokens))(t)
		q = must(q.Lesson(g.sys, func(i uint32) uint32 { return uint32(chance+1) * 2654435761 * (i + 1) }))(t)
		frame := int(q.Draws.At[0]) / 24
		seen[frame] = true
		for _, at := range q.Draws.At {
			if int(at)/24 != frame || q.Draws.N < 17 { // 0.7 of 24
				t.Fatalf("%d positions of frame %d, and %d", q.Draws.N, frame, at)
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("lessons of frames %v", seen)
	}
	for what, change := range map[string]func(*shard.Sample){
		"kind":   func(s *shard.Sample) { s.Kind = shard.KindKL },
		"grid":   func(s *shard.Sample) { s.Grid = s.Grid[1:] },
		"frames": func(s *shard.Sample) { s.Grid[0], s.Tokens = 5, make([]int64, 5*24*16) },
		"count":  func(s *shard.Sample) { s.Tokens = s.Tokens[1:] },
		"token":  func(s *shard.Sample) { s.Tokens[3] = 0x7f800000 }, // infinite
		"motion": func(s *shard.Sample) { s.Meta["flow"] = "fast" },
	} {
		s := good()
		change(&s)
		if _, _, err := g.sys.Flatten(s); !errors.Is(err, shard.ErrSample) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
