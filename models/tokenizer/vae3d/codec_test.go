package vae3d

import (
	"errors"
	"fmt"
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

// clipOf is t frames of h by w pixels, each another picture.
func clipOf(t, h, w int) (pix []uint8) {
	for i := range t {
		pix = append(pix, cnntest.Picture(i, h, w)...)
	}
	return pix
}

// TestWindows takes a clip of two windows there and back. Its first window is the clip of
// the first frames alone, and its last that of the last, but for the frame they share.
func TestWindows(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, both(t), Options{T: 33, H: 8, W: 12})
		pix := clipOf(33, 8, 12)
		z, err := c.Encode(pix, 33, 8, 12, nil)
		if err != nil || len(z) != 17*2*3*4 {
			t.Fatalf("%d numbers: %v", len(z), err)
		}
		alone, err := c.Encode(pix[:17*8*12*3], 17, 8, 12, nil)
		if err != nil || !slices.Equal(alone, z[:9*2*3*4]) {
			t.Errorf("the first window differs from its own clip: %v", err)
		}
		last, err := c.Encode(pix[16*8*12*3:], 17, 8, 12, nil)
		if err != nil || !slices.Equal(last[2*3*4:], z[9*2*3*4:]) {
			t.Errorf("the last window differs from its own clip: %v", err)
		}
		x, err := c.Decode(z, 17, 2, 3)
		if err != nil || len(x) != len(pix) {
			t.Fatalf("%d bytes for %d: %v", len(x), len(pix), err)
		}
		again, err := c.Decode(z, 17, 2, 3)
		if err != nil || !slices.Equal(x, again) {
			t.Errorf("another clip the second time: %v", err)
		}
	})
}

// TestMemory goes both ways on a device that has no more memory than Bytes says, and is
// told before it loads anything where there is less.
func TestMemory(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		w := both(t)
		for _, o := range []Options{{T: 1, H: 8, W: 8}, {T: 5, H: 32, W: 48}, {T: 33, H: 16, W: 16}} {
			bytes, err := Bytes(readConfig(t), w, o)
			if err != nil {
				t.Fatal(err)
			}
			d := gputest.Open(t, gpu.Options{Device: dev.Info().Name, MemoryLimit: bytes})
			c := open(t, d, w, o)
			z, err := c.Encode(clipOf(o.T, o.H, o.W), o.T, o.H, o.W, nil)
			if err == nil {
				_, err = c.Decode(z, (o.T-1)/2+1, o.H/4, o.W/4)
			}
			if err != nil {
				t.Errorf("%v: %v", o, err)
			}
			c.Free()
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
		{1, 4, 4, true},
		{3, 4, 8, true},
		{17, 4, 4, true},
		{33, 4, 4, true},
		{49, 12, 4, true},
		{0, 4, 4, false},
		{2, 4, 4, false},
		{19, 4, 4, false},
		{32, 4, 4, false},
		{5, 6, 4, false},
		{5, 4, 0, false},
		{-1, 4, 4, false},
		{5, MaxSide + 4, 4, false},
		{1, MaxSide, MaxSide, false},
		{MaxFrames + 1, 4, 4, false},
	} {
		if err := c.checkFrames(size.t, size.h, size.w); (err == nil) != size.fits || err != nil && !errors.Is(err, ErrSize) {
			t.Errorf("%v: %v", size, err)
		}
	}
	for _, size := range []struct {
		t, rows, cols int
		fits          bool
	}{
		{1, 1, 1, true},
		{4, 2, 3, true},
		{5, 1, 1, true},
		{9, 1, 1, true},
		{13, 1, 1, true},
		{0, 1, 1, false},
		{6, 1, 1, false},
		{8, 1, 1, false},
		{1, MaxSide, 1, false},
		{1, 1, math.MaxInt, false},
		{5, 2048, 2048, false},
	} {
		if err := c.checkLatents(size.t, size.rows, size.cols); (err == nil) != size.fits || err != nil && !errors.Is(err, ErrSize) {
			t.Errorf("latents %v: %v", size, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		d := open(t, dev, cnntest.Read(t, "testdata/decoder.safetensors"), Options{})
		if _, err := d.Encode(clipOf(1, 4, 4), 1, 4, 4, nil); !errors.Is(err, cnn.ErrNoEncoder) {
			t.Errorf("a decoder encodes: %v", err)
		}
		for _, z := range [][]float32{nil, make([]float32, 3), {0, 0, 0, float32(math.NaN())}, {0, 0, 0, float32(math.Inf(1))}} {
			if _, err := d.Decode(z, 1, 1, 1); !errors.Is(err, kl.ErrLatents) {
				t.Errorf("%d numbers: %v", len(z), err)
			}
		}
		e := open(t, dev, cnntest.Read(t, "testdata/encoder.safetensors"), Options{})
		if _, err := e.Decode(make([]float32, 4), 1, 1, 1); !errors.Is(err, cnn.ErrNoDecoder) {
			t.Errorf("an encoder decodes: %v", err)
		}
		if _, err := e.Encode(clipOf(1, 4, 4), 1, 4, 4, make([]float32, 3)); !errors.Is(err, kl.ErrLatents) {
			t.Errorf("little noise: %v", err)
		}
		if _, err := e.Encode(clipOf(1, 4, 4), 3, 4, 4, nil); !errors.Is(err, ErrSize) {
			t.Errorf("too few frames: %v", err)
		}
		stop := errors.New("stop")
		if err := d.DecodeFloats(make([]float32, 4), 1, 1, 1, func([]float32) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("the receiver's error is %v", err)
		}
		d.Free()
		if _, err := d.Decode(make([]float32, 4), 1, 1, 1); !errors.Is(err, gpu.ErrClosed) {
			t.Errorf("after Free: %v", err)
		}
	})
}

// TestWeights refuses checkpoints of other networks before anything is loaded.
func TestWeights(t *testing.T) {
	for name, change := range map[string]func(cnntest.Tensors){
		"missing": func(w cnntest.Tensors) { delete(w, "decoder.conv_in.weight") },
		"unknown": func(w cnntest.Tensors) { w["encoder.more.weight"] = w["quant_conv.bias"] },
		"shape": func(w cnntest.Tensors) {
			w["encoder.conv_in.weight"] = w["encoder.down_blocks.0.resnets.0.conv1.weight"]
		},
		"nothing": func(w cnntest.Tensors) { clear(w) },
	} {
		w := both(t)
		change(w)
		if _, err := Bytes(readConfig(t), w, Options{}); !errors.Is(err, nn.ErrWeights) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// published describes the autoencoder of NOVA's text-to-video model.
func published() Config {
	return Config{
		Down: []string{down2, down2, down3, down3}, Up: []string{up3, up3, up3, up3},
		Channels: []int{128, 256, 512, 512}, Layers: 2, Z: 4, Scale: 0.18215,
	}
}

// TestPublished counts what a full-size autoencoder has, and what it needs for the clips
// of NOVA.
func TestPublished(t *testing.T) {
	c := published()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	w := cnntest.Tensors{}
	n := 0
	for _, h := range []half{{layers: c.encoder()}, {layers: c.decoder()}} {
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
	bytes, err := Bytes(c, w, Options{T: 33, H: 480, W: 768})
	t.Logf("%.1f million parameters, %.1f GiB for 33 frames of 480 by 768", float64(n)/1e6, float64(bytes)/(1<<30))
	if err != nil || frames != 4 || side != 8 {
		t.Errorf("%d frames and %d pixels a side: %v", frames, side, err)
	}
	long, err := Bytes(c, w, Options{T: 1 + 16*60, H: 480, W: 768})
	if err != nil || long != bytes {
		t.Errorf("a minute takes %d bytes, two seconds %d: %v", long, bytes, err)
	}
}

func TestConfig(t *testing.T) {
	const good = `"down_block_types":["DownEncoderBlock2D","DownEncoderBlock2D","DownEncoderBlock3D"],"up_block_types":["UpDecoderBlock3D","UpDecoderBlock3D","UpDecoderBlock3D"],` +
		`"block_out_channels":[32,32,32],"latent_channels":4,"scaling_factor":1`
	if c, err := ParseConfig([]byte("{" + good + `,"shift_factor":null}`)); err != nil || c.Layers != 2 || c.Shift != 0 {
		t.Errorf("%v: %v", c, err)
	}
	for _, text := range []string{
		"", "[]", "{}", "{" + good + `,"layers_per_block":0}`, "{" + good + `,"latent_channels":3}`, "{" + good + `,"block_out_channels":[32,32,33]}`,
		"{" + good + `,"block_out_channels":[32,32,32,32]}`, "{" + good + `,"scaling_factor":0}`, "{" + good + `,"shift_factor":1e9}`,
		"{" + strings.ReplaceAll(good, "3D", "2D") + "}", "{" + strings.ReplaceAll(good, "2D", "3D") + "}", strings.Repeat(" ", cnn.MaxConfigBytes+1),
	} {
		if _, err := ParseConfig([]byte(text)); !errors.Is(err, ErrConfig) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

// FuzzParseConfig holds a description to its bounds: what passes has few layers, and its
// sizes come out of the networks' own.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("{}"))
	f.Add([]byte(fmt.Sprintf(`{"down_block_types":["%s","%s","%s"],"up_block_types":["%s","%s","%s"],"block_out_channels":[32,64,32],"latent_channels":4,"scaling_factor":1}`,
		down2, down2, down3, up3, up3, up3)))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatal(err)
			}
			return
		}
		enc, dec := half{layers: c.encoder()}, half{layers: c.decoder()}
		if len(enc.layers)+len(dec.layers) > 300 {
			t.Fatalf("%d and %d layers", len(enc.layers), len(dec.layers))
		}
		frames, side := c.Reduction()
		from := extent{1 + frames, 2 * side, 3 * side}
		if to := enc.out(from); to != (extent{2, 2, 3}) || dec.out(to) != from {
			t.Fatalf("%v becomes %v and %v", from, to, dec.out(to))
		}
	})
}
