package systems_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// The sizes of a tiny VideoAR: frames of 4x4 tokens.
const arFrames, arSide, arWidth, arHeads, arHidden, arToken, arClasses = 4, 4, 24, 2, 17, 6, 3

func tinyVideoAR() named64 {
	s := shapes{
		"class_emb.weight": {arClasses + 1, arWidth}, "frame_pos_embed_learned": {1, arFrames, arWidth},
		"encoder_pos_embed_learned": {1, arSide * arSide, arWidth}, "decoder_pos_embed_learned": {1, arSide * arSide, arWidth},
		"z_proj_ln.weight": {arWidth}, "encoder_norm.weight": {arWidth}, "decoder_norm.weight": {arWidth},
	}
	s.linear("z_proj", arWidth, arToken)
	s.linear("time_embed.mlp.0", arWidth, 256)
	s.linear("time_embed.mlp.2", arWidth, arWidth)
	s.linear("decoder_embed", arWidth, arWidth)
	s.linear("pred", arToken, arWidth)
	for _, part := range []string{"encoder", "decoder"} {
		b := part + "_blocks.0."
		s.linear(b+"attn.qkv", 3*arWidth, arWidth)
		s.linear(b+"attn.proj", arWidth, arWidth)
		s.linear(b+"mlp.fc1_g", arHidden, arWidth)
		s.linear(b+"mlp.fc1_x", arHidden, arWidth)
		s.linear(b+"mlp.fc2", arWidth, arHidden)
		s.linear(b+"ada_lin.1", 6*arWidth, arWidth)
	}
	return named64{s, &sync.Map{}}
}

// arRow is a row of the network in float64.
type arRow struct {
	place     [3]int // frame, row, column
	unit      int
	condition []float64
	x         []float64
}

// rms brings x to unit root-mean-square, times the gain of a name, "" for none.
func (o named64) rms(name string, x []float64) []float64 { return o.rmsOf(name, x, 1e-6) }

func (o named64) rmsOf(name string, x []float64, eps float64) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v / float64(len(x))
	}
	out := each(x, func(v float64) float64 { return v / math.Sqrt(sum+eps) })
	if name != "" {
		for i, g := range o.row(name, 0, len(x)) {
			out[i] *= g
		}
	}
	return out
}

// told is what class and noise level say to the blocks.
func (o named64) told(class int, time float64) []float64 {
	return each(plus(o.time("time_embed.mlp.", time), o.row("class_emb.weight", class, arWidth)), silu)
}

// time is what two layers make of a time's sines and cosines.
func (o named64) time(name string, time float64) []float64 {
	waves := make([]float64, 256)
	for i := range 128 {
		sin, cos := math.Sincos(time * math.Pow(10000, -float64(i)/128))
		waves[i], waves[128+i] = cos, sin
	}
	return o.linear(name+"2", each(o.linear(name+"0", waves), silu))
}

// modulated is RMS(x)·(1 + scale) + shift by parts of m.
func (o named64) modulated(x, m []float64, scale, shift int) []float64 {
	h := o.rms("", x)
	for i := range h {
		h[i] = h[i]*(1+m[scale*arWidth+i]) + m[shift*arWidth+i]
	}
	return h
}

// denoise passes all rows through a block. A row sees those of earlier units and its own.
func (o named64) denoise(name string, all []*arRow) {
	const d, dh = arWidth, arWidth / arHeads
	qkv, mod, mixed := make([][]float64, len(all)), make([][]float64, len(all)), make([][]float64, len(all))
	for i, r := range all {
		mod[i] = o.linear(name+"ada_lin.1", r.condition)
		qkv[i], mixed[i] = o.linear(name+"attn.qkv", o.modulated(r.x, mod[i], 2, 4)), make([]float64, d)
		turn(qkv[i][:2*d], dh, r.place)
	}
	for i, r := range all {
		for h := range arHeads {
			weights, total := make([]float64, len(all)), 0.0
			for k, other := range all {
				if other.unit > r.unit {
					continue
				}
				s := 0.0
				for c := range dh {
					s += qkv[i][h*dh+c] * qkv[k][d+h*dh+c]
				}
				weights[k] = math.Exp(s / math.Sqrt(dh))
				total += weights[k]
			}
			for k := range all {
				for c := range dh {
					mixed[i][h*dh+c] += weights[k] / total * qkv[k][2*d+h*dh+c]
				}
			}
		}
	}
	for i, r := range all {
		for j, v := range o.linear(name+"attn.proj", mixed[i]) {
			r.x[j] += mod[i][j] * v
		}
		h := o.modulated(r.x, mod[i], 3, 5)
		u, g := o.linear(name+"mlp.fc1_x", h), each(o.linear(name+"mlp.fc1_g", h), gelu)
		for j := range u {
			u[j] *= g[j]
		}
		for j, v := range o.linear(name+"mlp.fc2", u) {
			r.x[j] += mod[i][d+j] * v
		}
	}
}

// velocities are what the network says of the last unit.
func (o named64) velocities(all []*arRow, last int) (out [][]float64) {
	for _, r := range all {
		at := r.place[1]*arSide + r.place[2]
		x := plus(plus(o.linear("z_proj", r.x), o.row("encoder_pos_embed_learned", at, arWidth)), o.row("frame_pos_embed_learned", r.place[0], arWidth))
		r.x = o.rms("z_proj_ln.weight", x)
	}
	o.denoise("encoder_blocks.0.", all)
	for _, r := range all {
		at := r.place[1]*arSide + r.place[2]
		r.x = plus(o.linear("decoder_embed", o.rms("encoder_norm.weight", r.x)), o.row("decoder_pos_embed_learned", at, arWidth))
	}
	o.denoise("decoder_blocks.0.", all)
	for _, r := range all {
		if r.unit == last {
			out = append(out, o.linear("pred", o.rms("decoder_norm.weight", r.x)))
		}
	}
	return out
}

// TestVideoAR draws clips in one pass a unit, and computes every unit again in float64 from
// the units before it: the network, guidance, which units see which, and noise.
func TestVideoAR(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		o := tinyVideoAR()
		published := must(system.Detect(o))(t)
		if published.Name != "videoar" {
			t.Fatalf("it is taken for %s", published.Name)
		}
		for _, c := range []struct {
			unit  string
			units int
		}{
			{`"unit": "frame"`, 4},
			{`"unit": "key", "stride": 3`, 4},
			{`"unit": "scale", "scales": 3`, 3},
			{`"unit": "cube"`, 8}, // of 2x2x2
			{`"unit": "cube", "cube": [4, 2, 4]`, 2},
		} {
			s := must(published.Open(fmt.Appendf(nil, `{"encoder_num_heads": 2, "decoder_num_heads": 2, %s}`, c.unit), o))(t)
			if missing := s.Params.Missing(o); len(missing) > 0 {
				t.Fatalf("%v are missing", missing)
			}
			e := must(engine.New(dev, s, o, engine.Options{Slots: 2, Precision: nn.F32, Cache: nn.F32}))(t)
			for _, p := range []system.Prompt{{Class: 1, Guidance: 2}, {Class: -1}} {
				res := must(e.Generate(context.Background(), request(s, "a", p, 1)))(t)
				if res.Steps != c.units {
					t.Errorf("%s: %d steps, want %d", c.unit, res.Steps, c.units)
				}
				if off := o.checkUnits(t, s, p, res.Numbers()); !(off < bound) {
					t.Errorf("%s, class %d: numbers are off by %.1e", c.unit, p.Class, off)
				}
			}
			e.Close()
		}
	})
}

// checkUnits returns how far numbers are from those that the units before them give.
func (o named64) checkUnits(t *testing.T, s *system.System, p system.Prompt, numbers []float32) (worst float64) {
	t.Helper()
	number := func(at int32) (x []float64) {
		for _, v := range numbers[int(at)*arToken:][:arToken] {
			x = append(x, float64(v))
		}
		return x
	}
	noise := func(at int32) []float64 { return normal64(at, 0, arToken) }
	type cell struct {
		at    int32
		place [3]int
	}
	var before [][]cell // units that are known
	for k, run := range runsOf(t, s, p) {
		var unit []cell
		for i, at := range run.Targets.At {
			row := int(run.Targets.From[i])
			axes := run.Axes[row*5:]
			unit = append(unit, cell{at, [3]int{int(axes[0]), int(axes[1]), int(axes[2])}})
		}
		says := func(class int) [][]float64 {
			var all []*arRow
			for j, u := range append(before, unit) {
				for _, c := range u {
					r := &arRow{place: c.place, unit: j}
					if j == k {
						r.x, r.condition = noise(c.at), o.told(class, 1000)
					} else {
						r.x, r.condition = number(c.at), o.told(class, 0)
					}
					all = append(all, r)
				}
			}
			return o.velocities(all, k)
		}
		none := says(arClasses)
		said := none
		if p.Class >= 0 {
			said = says(p.Class)
		}
		for i, c := range unit {
			scale := 1.0
			if p.Guidance > 1 {
				scale = float64(run.Targets.Scale[i])
			}
			from := noise(c.at)
			for j, want := range number(c.at) {
				v := none[i][j] + scale*(said[i][j]-none[i][j])
				worst = max(worst, math.Abs(from[j]-v-want)/(1+math.Abs(want)))
			}
		}
		before = append(before, unit)
	}
	return worst
}
