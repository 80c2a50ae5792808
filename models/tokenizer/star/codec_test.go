package star

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/models/tokenizer/cnn/cnntest"
	"github.com/morton-gen/morton/models/tokenizer/kl"
)

func both(tb testing.TB) cnntest.Tensors {
	w := cnntest.Read(tb, "testdata/encoder.safetensors")
	maps.Copy(w, cnntest.Read(tb, "testdata/decoder.safetensors"))
	return w
}

// film is t frames of h by w pixels, each another picture.
func film(t, h, w int) (pix []uint8) {
	for i := range t {
		pix = append(pix, cnntest.Picture(i, h, w)...)
	}
	return pix
}

// TestPrefix holds both directions to causality, bit by bit: a clip's first frames alone
// have the features that they have in it, and the other way round. Clips of other lengths
// between them leave nothing behind.
func TestPrefix(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, both(t), Options{T: 25, H: 16, W: 48})
		const frame, feature = 16 * 48 * 3, 3 * 64
		pix := film(25, 16, 48)
		z, err := c.Encode(pix, 25, 16, 48, nil)
		if err != nil || len(z) != 7*feature {
			t.Fatalf("%d numbers: %v", len(z), err)
		}
		x, err := c.Decode(z, 7, 1, 3)
		if err != nil || len(x) != len(pix) {
			t.Fatalf("%d bytes for %d: %v", len(x), len(pix), err)
		}
		for _, n := range []struct{ frames, features int }{{9, 3}, {1, 1}, {17, 5}, {25, 7}} {
			part, err := c.Encode(pix[:n.frames*frame], n.frames, 16, 48, nil)
			if err != nil || !slices.Equal(part, z[:n.features*feature]) {
				t.Errorf("%d frames have other features: %v", n.frames, err)
			}
			y, err := c.Decode(z[:n.features*feature], n.features, 1, 3)
			if err != nil || !slices.Equal(y, x[:n.frames*frame]) {
				t.Errorf("%d features have other frames: %v", n.features, err)
			}
		}
	})
}

// TestSampled compares sampled features with those of the means. Features are linear in
// the latents, so noise twice as large moves them twice as far.
func TestSampled(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, cnntest.Read(t, "testdata/encoder.safetensors"), Options{})
		noise := gputest.Normal(7, 3*64)
		twice, none := make([]float32, len(noise)), make([]float32, len(noise))
		for i, v := range noise {
			twice[i] = 2 * v
		}
		var z [4][]float32
		for i, n := range [][]float32{nil, none, noise, twice} {
			var err error
			if z[i], err = c.Encode(film(9, 16, 16), 9, 16, 16, n); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(z[0], z[1]) || slices.Equal(z[0], z[2]) {
			t.Error("without noise the means differ, or noise changes nothing")
		}
		for i := range z[0] {
			z[2][i], z[3][i] = 2*(z[2][i]-z[0][i]), z[3][i]-z[0][i]
		}
		if e := cnntest.Distance(z[2], z[3]); !(e <= waypointBound) {
			t.Errorf("twice the noise moves features by another amount: %.2e", e)
		}
	})
}

// TestMemory goes both ways on a device that has no more memory than Bytes says, and is
// told before it loads anything where there is less.
func TestMemory(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		w := both(t)
		for _, o := range []Options{{T: 1, H: 16, W: 16}, {T: 9, H: 64, W: 48}, {T: 25, H: 32, W: 32}} {
			bytes, err := Bytes(readConfig(t), w, o)
			if err != nil {
				t.Fatal(err)
			}
			d := gputest.Open(t, gpu.Options{Device: dev.Info().Name, MemoryLimit: bytes})
			c := open(t, d, w, o)
			z, err := c.Encode(film(o.T, o.H, o.W), o.T, o.H, o.W, nil)
			if err == nil {
				_, err = c.Decode(z, (o.T-1)/4+1, o.H/16, o.W/16)
			}
			if err != nil {
				t.Errorf("%v: %v", o, err)
			}
			c.Free()
			if d.Used() != 0 {
				t.Errorf("%v: %d bytes are used after Free", o, d.Used())
			}
			small := gputest.Open(t, gpu.Options{Device: dev.Info().Name, MemoryLimit: bytes - 1})
			if _, err := Open(small, readConfig(t), w, o); !errors.Is(err, gpu.ErrOutOfMemory) || small.Used() != 0 {
				t.Errorf("%v with a byte less: %v, %d bytes used", o, err, small.Used())
			}
		}
	})
}

func TestSizes(t *testing.T) {
	c := readConfig(t)
	for _, size := range []struct {
		t, h, w int
		fits    bool
	}{
		{1, 16, 16, true},
		{9, 16, 32, true},
		{81, 480, 848, true},
		{161, 720, 1280, true},
		{0, 16, 16, false},
		{5, 16, 16, false},
		{8, 16, 16, false},
		{10, 16, 16, false},
		{9, 8, 16, false},
		{9, 16, 0, false},
		{-7, 16, 16, false},
		{1, MaxSide + 16, 16, false},
		{1, MaxSide, MaxSide, false},
		{MaxFrames + 1, 16, 16, false},
	} {
		if err := c.checkClip(size.t, size.h, size.w); (err == nil) != size.fits || err != nil && !errors.Is(err, ErrSize) {
			t.Errorf("%v: %v", size, err)
		}
	}
	for _, size := range []struct {
		t, rows, cols int
		fits          bool
	}{
		{1, 1, 1, true},
		{3, 2, 3, true},
		{21, 30, 53, true},
		{0, 1, 1, false},
		{2, 1, 1, false},
		{4, 1, 1, false},
		{1, MaxSide, 1, false},
		{1, 1, math.MaxInt, false},
		{math.MaxInt, 1, 1, false},
	} {
		if err := c.checkFeatures(size.t, size.rows, size.cols); (err == nil) != size.fits || err != nil && !errors.Is(err, ErrSize) {
			t.Errorf("features %v: %v", size, err)
		}
	}
	wide := Default()
	wide.Channels = []int{2048, 4096, 4096, 4096, 4096}
	if err := wide.checkClip(9, 720, 1280); !errors.Is(err, ErrSize) {
		t.Errorf("4096 channels of a large clip: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		d := open(t, dev, cnntest.Read(t, "testdata/decoder.safetensors"), Options{})
		if _, err := d.Encode(film(1, 16, 16), 1, 16, 16, nil); !errors.Is(err, cnn.ErrNoEncoder) {
			t.Errorf("a decoder encodes: %v", err)
		}
		nan, inf := make([]float32, 64), make([]float32, 64)
		nan[63], inf[0] = float32(math.NaN()), float32(math.Inf(1))
		for _, z := range [][]float32{nil, make([]float32, 63), nan, inf} {
			if _, err := d.Decode(z, 1, 1, 1); !errors.Is(err, kl.ErrLatents) {
				t.Errorf("%d numbers: %v", len(z), err)
			}
		}
		e := open(t, dev, cnntest.Read(t, "testdata/encoder.safetensors"), Options{})
		if _, err := e.Decode(make([]float32, 64), 1, 1, 1); !errors.Is(err, cnn.ErrNoDecoder) {
			t.Errorf("an encoder decodes: %v", err)
		}
		if _, err := e.Encode(film(1, 16, 16), 1, 16, 16, make([]float32, 3)); !errors.Is(err, kl.ErrLatents) {
			t.Errorf("little noise: %v", err)
		}
		if _, err := e.Encode(film(1, 16, 16), 9, 16, 16, nil); !errors.Is(err, ErrSize) {
			t.Errorf("too few frames: %v", err)
		}
		stop := errors.New("stop")
		if err := d.DecodeFloats(make([]float32, 64), 1, 1, 1, func([]float32) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("the receiver's error is %v", err)
		}
		d.Free()
		if _, err := d.Decode(make([]float32, 64), 1, 1, 1); !errors.Is(err, gpu.ErrClosed) {
			t.Errorf("after Free: %v", err)
		}
	})
}

// TestWeights refuses checkpoints of other networks.
func TestWeights(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, change := range map[string]func(cnntest.Tensors){
			"missing":  func(w cnntest.Tensors) { delete(w, "decoder.conv_in.conv.weight") },
			"unknown":  func(w cnntest.Tensors) { w["encoder.more.weight"] = w["proj_up.bias"] },
			"shape":    func(w cnntest.Tensors) { w["proj_up.weight"] = w["proj_up.bias"] },
			"nothing":  func(w cnntest.Tensors) { clear(w) },
			"no scale": func(w cnntest.Tensors) { delete(w, ScaleName) },
			"scale 0":  func(w cnntest.Tensors) { w[ScaleName] = cnntest.Tensor{Shape: []int{4}, Data: make([]float32, 4)} },
			"infinite": func(w cnntest.Tensors) {
				x := w["proj_up.bias"]
				x.Data = append([]float32{float32(math.Inf(1))}, x.Data[1:]...)
				w["proj_up.bias"] = x
			},
		} {
			w := both(t)
			change(w)
			used := dev.Used()
			if _, err := Open(dev, readConfig(t), w, Options{}); !errors.Is(err, nn.ErrWeights) || dev.Used() != used {
				t.Errorf("%s: %v, %d bytes kept", name, err, dev.Used()-used)
			}
		}
	})
}

// TestPublished counts what the published autoencoder has, and what it needs for clips of
// 5 s.
func TestPublished(t *testing.T) {
	c := Default()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	w := cnntest.Tensors{}
	n := 0
	for _, h := range []half{{layers: c.encoder()}, {layers: c.project()}, {layers: c.decoder()}} {
		for _, p := range h.params() {
			w[p.Name] = cnntest.Tensor{Shape: p.Shape}
			m := 1
			for _, e := range p.Shape {
				m *= e
			}
			n += m
		}
	}
	frames, side := c.Reduction()
	bytes, err := Bytes(c, w, Options{T: 81, H: 480, W: 848})
	t.Logf("%.1f million parameters, %.1f GiB for clips of 480 by 848", float64(n)/1e6, float64(bytes)/(1<<30))
	if err != nil || frames != 4 || side != 16 || c.Width() != 64 {
		t.Errorf("%d frames and %d pixels a side, %d numbers: %v", frames, side, c.Width(), err)
	}
	long, err := Bytes(c, w, Options{T: 1 + 8*120, H: 480, W: 848})
	if err != nil || long != bytes {
		t.Errorf("a minute takes %d bytes, five seconds %d: %v", long, bytes, err)
	}
}

func TestConfig(t *testing.T) {
	if c, err := ParseConfig([]byte("{}")); err != nil || c.Z != 16 || len(c.Channels) != 5 {
		t.Errorf("nothing is %v, %v", c, err)
	}
	for _, text := range []string{
		"", "[]", `{"latent_channels":3}`, `{"block_out_channels":[]}`, `{"block_out_channels":[4,12,24,24,24]}`, `{"block_out_channels":[8,8,16,16,32]}`,
		`{"block_out_channels":[4,4,8,8,8]}`, `{"layers_per_block":0}`, `{"temporal_compression_list":[2,2,2,2]}`, `{"spatial_compression_list":[2,4]}`,
		`{"norm_type":"group"}`, `{"pad_mode":"replicate"}`, strings.Repeat(" ", cnn.MaxConfigBytes+1),
	} {
		if _, err := ParseConfig([]byte(text)); !errors.Is(err, ErrConfig) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

// FuzzParseConfig holds a description to its bounds: what passes has few layers, whose
// sizes fit each other both ways.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("{}"))
	f.Add([]byte(`{"latent_channels":4,"block_out_channels":[4,8,16],"temporal_compression_list":[2],"spatial_compression_list":[2,2]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatal(err)
			}
			return
		}
		enc, project, dec := half{layers: c.encoder()}, half{layers: c.project()}, half{layers: c.decoder()}
		if len(enc.layers)+len(dec.layers) > 400 {
			t.Fatalf("%d and %d layers", len(enc.layers), len(dec.layers))
		}
		for _, l := range append(enc.layers, dec.layers...) {
			if wide := l.wide(); (l.op == down || l.op == up) && (wide%2 != 0 || l.op == up && l.in%l.out != 0 || l.op == down && quad*l.in%l.out != 0) {
				t.Fatalf("%+v: %d channels", l, wide)
			}
		}
		frames, side := c.Reduction()
		from := extent{1 + 2*frames, 2 * side, 3 * side}
		if to := project.out(enc.out(from)); to != (extent{3, 2, 3}) || dec.out(to) != from {
			t.Fatalf("%v becomes %v and %v", from, to, dec.out(to))
		}
	})
}
