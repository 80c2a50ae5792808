package systems_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// The sizes of a tiny VideoMAR: frames of 3x3 tokens. Heads of 12 columns have two pairs an
// axis.
const (
	vmSide, vmBuffer, vmWidth, vmHeads, vmToken, vmHead, vmFrames, vmClasses = 3, 2, 24, 2, 6, 16, 3, 4
	vmCells                                                                  = vmSide * vmSide
	vmConfig                                                                 = `{"decoder_num_heads": 2, "temporal_num_heads": 2, "buffer_size": 2, "img_size": 6, "vae_stride": 1, "patch_size": 2, "num_frames": 3, "num_sampling_steps": "ddim4"}`
)

func tinyVideoMAR() named64 {
	s := shapes{"class_emb.weight": {vmClasses, vmWidth}, "fake_latent": {1, vmWidth}, "mask_token": {1, 1, vmWidth}}
	s.linear("z_proj", vmWidth, vmToken)
	s.layerNorm("z_proj_ln", vmWidth)
	for i := range 2 {
		s.vit(fmt.Sprintf("frame_blocks.%d.", i), vmWidth, 2*vmWidth)
	}
	s.layerNorm("frame_norm", vmWidth)
	s.denoiser(vmHead, 2, vmToken, 2*vmToken, vmWidth)
	return named64{s, &sync.Map{}}
}

// hiddenOfFrame are the hidden states of the last frame, whose tokens are known where they
// are not nil, behind the frames before it.
func (o named64) hiddenOfFrame(table string, row int, frames [][][]float64) [][]float64 {
	var x [][]float64
	var steps []int
	var places [][3]int
	add := func(v []float64, step int, place [3]int) {
		x, steps, places = append(x, o.norm("z_proj_ln", v)), append(steps, step), append(places, place)
	}
	for range vmBuffer {
		add(o.row(table, row, vmWidth), -1, [3]int{})
	}
	for f, tokens := range frames {
		for p, token := range tokens {
			v := o.row("mask_token", 0, vmWidth)
			if token != nil {
				v = o.linear("z_proj", token)
			}
			add(v, f, [3]int{f, p / vmSide, p % vmSide})
		}
	}
	for i := range 2 {
		o.block(fmt.Sprintf("frame_blocks.%d.", i), vmHeads, x, steps, places)
	}
	for i := range x {
		x[i] = o.norm("frame_norm", x[i])
	}
	return x[len(x)-vmCells:]
}

// denoised is the token that passes of MAR's head make of the states of both branches.
func (o named64) denoised(s head.Schedule, c, u []float64, at int32, scale, heat float64, token int) []float64 {
	const net = "diffloss.net."
	x := normal64(at, 0, token)
	say := func(z []float64, i int) []float64 {
		y := each(plus(o.time(net+"time_embed.mlp.", float64(s.Times[i])), o.linear(net+"cond_embed", z)), silu)
		return o.adaptive(net, o.linear(net+"input_proj", x), y, 1)
	}
	for i, p := range s.Passes {
		said, none := say(c, i), say(u, i)
		next := make([]float64, token)
		for j, z := range normal64(at, uint32(i+1), token) {
			e := none[j] + scale*(said[j]-none[j])
			v := p.LogMin
			if len(said) > token { // and the variance
				v += (p.LogMax - p.LogMin) * (said[token+j] + 1) / 2
			}
			next[j] = p.Keep*x[j] + p.Move*e + heat*p.Noise*math.Exp(v/2)*z
		}
		x = next
	}
	return x
}

// TestVideoMAR draws clips with a tiny VideoMAR, from nothing and behind a given frame, and
// computes every set again in float64 from the tokens that were known: which frames see which,
// places, guidance, and passes at each frame's temperature. A frame takes a step a set.
func TestVideoMAR(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		o := tinyVideoMAR()
		schedule := head.Ancestral(head.CosineBetas(1000), must(head.Spacing(1000, "ddim4"))(t))
		steps := o.checkClips(t, dev, "videomar", [2]int{0, 0}, o.hiddenOfFrame, func(frame int, c, u []float64, at int32, scale float64) []float64 {
			return o.denoised(schedule, c, u, at, scale, 0.9+math.Pow(10, -float64(frame+1)), vmToken)
		})
		if want := []int{3 * 3, 2, 2}; !slices.Equal(steps, want) { // one a set
			t.Errorf("%v steps, want %v", steps, want)
		}
	})
}

// frameStates are the hidden states of the last frame of a clip by a branch's rows of a table.
type frameStates func(table string, row int, frames [][][]float64) [][]float64

// tokenOf is the token of a position from the states of both branches.
type tokenOf func(frame int, c, u []float64, at int32, scale float64) []float64

// checkClips draws clips of a tiny system of classes and frames, in passes, and computes every
// set again. Clips are the same in company. It returns the steps of each.
func (o named64) checkClips(t *testing.T, dev *gpu.Device, name string, passes [2]int, states frameStates, token tokenOf) (steps []int) {
	t.Helper()
	published := must(system.Detect(o))(t)
	s := must(published.Open([]byte(vmConfig), o))(t)
	if missing := s.Params.Missing(o); published.Name != name || len(missing) > 0 {
		t.Fatalf("%s lacks %v", published.Name, missing)
	}
	e := must(engine.New(dev, s, o, engine.Options{Slots: 2, Precision: nn.F32, Cache: nn.F32}))(t)
	defer e.Close()
	given := words(gputest.Normal(3, vmCells*vmToken))
	var alone []engine.Result
	var requests []engine.Request
	for _, p := range []system.Prompt{
		{Class: 2, Steps: 3, Guidance: 2.5, Ramp: system.Linear, Inner: passes},
		{Class: -1, Steps: 2, Frames: 2, Guidance: 1, Given: given, Inner: passes},
		{Class: 1, Steps: 2, Guidance: 2, Given: append(given, given...), Order: []int32{4, 0, 8, 2, 6, 1, 7, 3, 5}, Inner: passes},
	} {
		r := request(s, "a", p, 1)
		r.Tokens = p.Given
		requests = append(requests, r)
		var seen listening
		r.Schedule = func() (system.Schedule, error) {
			x, err := s.Schedule(p)
			seen.Seeded = x.(system.Seeded)
			return &seen, err
		}
		res := must(e.Generate(context.Background(), r))(t)
		checkClip(t, p, res.Numbers(), seen.runs, states, token)
		alone, steps = append(alone, res), append(steps, res.Steps)
	}
	for i, res := range together(t, e, requests) {
		if !slices.Equal(res.Tokens, alone[i].Tokens) {
			t.Errorf("clip %d is another in company", i)
		}
	}
	for name, p := range map[string]system.Prompt{
		"passes": {Inner: [2]int{99, 99}}, "frames": {Frames: 4}, "given": {Frames: 1, Given: given}, "part": {Given: given[1:]}, "class": {Class: vmClasses},
		"order": {Order: []int32{1}}, "ramp": {Ramp: "cosine"},
	} {
		if _, err := s.Schedule(p); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	return steps
}

// listening remembers the runs of a schedule.
type listening struct {
	system.Seeded
	runs []system.Run
}

func (l *listening) Next(tokens []uint32) (system.Run, error) {
	r, err := l.Seeded.Next(tokens)
	if err == nil {
		l.runs = append(l.runs, r)
	}
	return r, err
}

// checkClip compares every set of a clip with float64.
func checkClip(t *testing.T, p system.Prompt, numbers []float32, runs []system.Run, states frameStates, token tokenOf) {
	t.Helper()
	number := func(at int) []float64 {
		x := make([]float64, vmToken)
		for j := range x {
			x[j] = float64(numbers[at*vmToken+j])
		}
		return x
	}
	table, row := "class_emb.weight", p.Class
	if row < 0 {
		table, row = "fake_latent", 0
	}
	known := len(p.Given) / vmToken / vmCells
	var clip [][][]float64
	for f := range known {
		clip = append(clip, make([][]float64, vmCells))
		for at := range vmCells {
			clip[f][at] = number(f*vmCells + at)
		}
	}
	drawn, worst := 0, 0.0
	for _, run := range runs {
		if run.GroupTargets == 0 {
			continue
		}
		frame := int(run.Targets.At[0]) / vmCells
		if frame == len(clip) {
			clip = append(clip, make([][]float64, vmCells))
		}
		c, u := states(table, row, clip), states("fake_latent", 0, clip)
		for i, at := range run.Targets.At {
			scale := float64(p.Guidance)
			if scale > 1 && run.Targets.Scale != nil {
				scale = float64(run.Targets.Scale[i])
			}
			cell := int(at) % vmCells
			want := token(frame, c[cell], u[cell], at, scale)
			got := number(int(at))
			for j := range want {
				worst = max(worst, math.Abs(got[j]-want[j])/(1+math.Abs(want[j])))
			}
			drawn++
		}
		for _, at := range run.Targets.At {
			clip[frame][int(at)%vmCells] = number(int(at))
		}
	}
	if drawn != (len(clip)-known)*vmCells {
		t.Errorf("%d positions are drawn behind %d frames", drawn, known)
	}
	if !(worst < bound) {
		t.Errorf("class %d: numbers are off by %.1e", p.Class, worst)
	}
	t.Logf("class %d: largest error of a number %.1e", p.Class, worst)
}
