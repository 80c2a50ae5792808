package cnn

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
)

func TestMain(m *testing.M) { gputest.Main(m) }

// plain keeps latents as they are.
type plain struct{ c int }

func (p plain) Params() []Param { return nil }

func (p plain) Code(rows, cols int) (tensor.DType, int) { return tensor.F32, rows * cols * p.c }

func (p plain) Encode(n *Net, x, code *gpu.Tensor) { n.Copy(code, x) }

func (p plain) Decode(n *Net, code *gpu.Tensor) *gpu.Tensor {
	return code.View(0, n.H*n.W, p.c)
}

func (p plain) Bytes(rows, cols int) uint64 { return 0 }

// weights are random, of a size that keeps values near one.
type weights map[string]Param

func (w weights) Names() (out []string) {
	for name := range w {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (w weights) Shape(name string) ([]int, bool) {
	p, ok := w[name]
	return p.Shape, ok
}

func (w weights) Floats(name string) ([]float32, error) {
	x := gputest.Normal(uint64(len(name)), tensor.Elems(w[name].Shape))
	for i := range x {
		x[i] /= 16
	}
	return x, nil
}

func tiny() (Model, weights) {
	n := Network{Ch: 32, ChMult: []int{1, 1, 2}, ResBlocks: 2, Out: 8, In: 8, Names: LatentDiffusion}
	m := Model{
		Encoder: n.Encoder(), Decoder: n.Decoder(), EncoderNames: []string{"encoder."}, DecoderNames: []string{"decoder."},
		Latent: plain{8}, Reduction: n.Reduction(),
	}
	w := weights{}
	for _, p := range m.Params() {
		w[p.Name] = p
	}
	return m, w
}

func ignore(*gpu.Tensor) error { return nil }

// TestMemory holds the plan against what programs take.
func TestMemory(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		m, w := tiny()
		c, err := Open(dev, m, w, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Free()
		for _, s := range [][2]int{{4, 4}, {4, 12}, {20, 12}, {16, 16}, {64, 128}, {256, 256}} {
			for _, h := range []*half{c.enc, c.dec} {
				p, err := c.record(h == c.enc, s[0], s[1])
				if err != nil {
					t.Fatal(err)
				}
				took := p.run.Stats().ArenaBytes + p.pixels.SizeBytes() + p.code.SizeBytes()
				planned := m.programBytes(*h, s[0], s[1])
				t.Logf("%v, encodes %v: %d bytes, planned %d", s, h == c.enc, took, planned)
				if planned < took || planned > 2*took+1<<17 {
					t.Errorf("%v, encodes %v: %d bytes were planned, %d taken", s, h == c.enc, planned, took)
				}
				p.free()
			}
		}
	})
}

// TestPrograms holds that a new program takes the place of the one used longest ago.
func TestPrograms(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		m, w := tiny()
		c, err := Open(dev, m, w, Options{Programs: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Free()
		kept := func() (out []int) {
			for _, p := range c.programs {
				out = append(out, p.h)
			}
			return out
		}
		for _, step := range []struct {
			h    int
			want []int
		}{{4, []int{4}}, {8, []int{4, 8}}, {4, []int{8, 4}}, {12, []int{4, 12}}, {12, []int{4, 12}}} {
			if _, err := c.DecodeFloats(step.h/4, 1, ignore); err != nil {
				t.Fatal(err)
			}
			if got := kept(); !slices.Equal(got, step.want) {
				t.Errorf("after a picture of %d rows %v are kept, want %v", step.h, got, step.want)
			}
		}
	})
}

// TestOneSize holds that a model of one size takes no other.
func TestOneSize(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		m, w := tiny()
		m.Grid = 2
		c, err := Open(dev, m, w, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Free()
		if err := c.EncodeFloats(make([]float32, 8*8*Colours), 8, 8, ignore); err != nil {
			t.Error(err)
		}
		for _, err := range []error{c.EncodeFloats(make([]float32, 12*8*Colours), 12, 8, ignore), c.Latents(2, 3)} {
			if !errors.Is(err, ErrSize) || !strings.Contains(err.Error(), "want 8 by 8") {
				t.Errorf("another size: %v", err)
			}
		}
	})
}

// TestParts holds that fused attention reads its three parts from one tensor.
func TestParts(t *testing.T) {
	n := Network{Ch: 32, ChMult: []int{1}, ResBlocks: 1, Out: 8, In: 8, Names: LatentDiffusion}
	n.Names.Fused = true
	fused := map[string]int{}
	for _, l := range n.Encoder() {
		for _, p := range l.params() {
			if name, shape := p.source(); name != p.Name {
				fused[name]++
				if shape[0] != 96 {
					t.Errorf("%s is %v", name, shape)
				}
			}
		}
	}
	if len(fused) != 4 || fused["encoder.mid.attn_1.qkv.weight"] != 3 || fused["encoder.down.0.attn.0.qkv.bias"] != 3 {
		t.Errorf("fused tensors %v", fused)
	}
	w := weights{"x.qkv.bias": {Shape: []int{6}}}
	whole, err := w.Floats("x.qkv.bias")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		p := Param{Name: "x.part", Shape: []int{2}, of: "x.qkv.bias", part: i, parts: 3}
		if x, err := p.read(w); err != nil || !slices.Equal(x, whole[2*i:2*i+2]) {
			t.Errorf("part %d is %v of %v: %v", i, x, whole, err)
		}
	}
	if _, err := (Param{Name: "y", Shape: []int{2}}).read(weights{}); err == nil {
		t.Error("no error without a tensor")
	}
	var _ nn.Weights = w
}
