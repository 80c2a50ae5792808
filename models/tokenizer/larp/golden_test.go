package larp

import (
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
)

// Bounds of the largest error of a waypoint over its largest magnitude.
const (
	waypointBound = 1e-4
	pixelBound    = 1e-3
)

// relative is the largest difference over the largest magnitude.
func relative(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	diff, mag := 0.0, 0.0
	for i, w := range want {
		d := math.Abs(float64(got[i]) - float64(w))
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		diff, mag = max(diff, d), max(mag, math.Abs(float64(w)))
	}
	return diff / mag
}

// waypoints keeps copies of a program's intermediate values.
type waypoints map[string]*gpu.Tensor

func (w waypoints) mark(t *testing.T, dev *gpu.Device) func(g *nn.Bidirectional, name string, x *gpu.Tensor) {
	return func(g *nn.Bidirectional, name string, x *gpu.Tensor) {
		keep, err := dev.NewTensor(tensor.F32, x.Shape...)
		if err != nil {
			t.Fatal(err)
		}
		if w[name] != nil {
			t.Errorf("%s comes twice", name)
		}
		w[name] = keep
		g.Copy(keep, x)
	}
}

// compare holds the named waypoints to a golden file's.
func (w waypoints) compare(t *testing.T, golden fake, prefix string, clip int, names ...string) {
	t.Helper()
	for _, name := range names {
		if w[name] == nil {
			t.Errorf("%s: no such waypoint", name)
			continue
		}
		e := relative(gputest.Read(t, w[name]), golden[prefix+name].batch(clip))
		t.Logf("clip %d, %s%s: largest relative error %.2e", clip, prefix, name, e)
		if !(e <= waypointBound) {
			t.Errorf("clip %d, %s%s: relative error %.3g, bound %g", clip, prefix, name, e, waypointBound)
		}
	}
}

func direction(t *testing.T, dev *gpu.Device, c Config, w fake, encodes bool) (*program, waypoints) {
	t.Helper()
	nets, err := c.nets(w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	saw, n := waypoints{}, nets[0]
	if encodes {
		n = nets[1]
	}
	p, err := newProgram(dev, c, n, w, encodes, saw.mark(t, dev))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.free)
	return p, saw
}

func TestEncoderGolden(t *testing.T) {
	c, w := tiny(t)
	golden := read(t, "testdata/golden.safetensors")
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		p, saw := direction(t, dev, c, w, true)
		for i := range 2 {
			if err := p.patches.WriteF32(c.cut(golden["in.video"].clip(i))); err != nil {
				t.Fatal(err)
			}
			if err := p.run.Run(1); err != nil {
				t.Fatal(err)
			}
			saw.compare(t, golden, "enc.", i, "patch_embed", "block0", "block1", "bottleneck_in")
		}
	})
}

func TestDecoderGolden(t *testing.T) {
	c, w := tiny(t)
	golden := read(t, "testdata/golden.safetensors")
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		p, saw := direction(t, dev, c, w, false)
		for i := range 2 {
			ids := make([]int32, c.Tokens)
			for j, id := range golden["in.indices"].tokens(i) {
				ids[j] = int32(id)
			}
			if err := p.tokens.WriteI32(ids); err != nil {
				t.Fatal(err)
			}
			if err := p.run.Run(1); err != nil {
				t.Fatal(err)
			}
			saw.compare(t, golden, "dec.", i, "codes_projected", "block0", "block1", "final_tokens")
		}
	})
}

// TestGolden holds the public entries to upstream's tokens and pixels, both ways.
func TestGolden(t *testing.T) {
	c, w := tiny(t)
	golden := read(t, "testdata/golden.safetensors")
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		codec, err := Open(dev, c, w, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer codec.Free()
		for i := range 2 {
			tokens, err := codec.EncodeFloats(golden["in.video"].clip(i))
			if err != nil {
				t.Fatal(err)
			}
			if want := golden["enc.indices"].tokens(i); !slices.Equal(tokens, want) {
				t.Errorf("clip %d: tokens %v, want %v", i, tokens, want)
			}
			for name, tokens := range map[string][]uint32{"rec.video": tokens, "dec.video": golden["in.indices"].tokens(i)} {
				comparePixels(t, codec, tokens, golden[name].clip(i), name)
			}
		}
	})
}

func comparePixels(t *testing.T, c *Codec, tokens []uint32, want []float32, name string) {
	t.Helper()
	x, err := c.DecodeFloats(tokens)
	if err != nil {
		t.Fatal(err)
	}
	e := relative(x, want)
	t.Logf("%s: largest relative error %.2e", name, e)
	if !(e <= pixelBound) {
		t.Errorf("%s: relative error %.3g, bound %g", name, e, pixelBound)
	}
	pix, err := c.Decode(tokens)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range pix {
		if exact := min(max(float64(want[i]), 0), 1) * 255; math.Abs(float64(b)-exact) > 0.5+pixelBound*255 {
			t.Fatalf("%s: byte %d is %d, want %g", name, i, b, exact)
		}
	}
}
