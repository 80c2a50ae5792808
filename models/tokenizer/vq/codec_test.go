package vq

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/models/tokenizer/cnn/cnntest"
)

func TestMain(m *testing.M) { gputest.Main(m) }

// tiny is the configuration of testdata.
func tiny(tb testing.TB) Config {
	tb.Helper()
	data, err := os.ReadFile("testdata/config.json")
	if err != nil {
		tb.Fatal(err)
	}
	cfg, err := ParseConfig(data)
	if err != nil {
		tb.Fatal(err)
	}
	return cfg
}

func open(tb testing.TB, dev *gpu.Device, cfg Config, w cnntest.Tensors, o Options) *Codec {
	tb.Helper()
	c, err := Open(dev, cfg, w, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Free)
	return c
}

// grid returns tokens of every code in turn.
func grid(seed, n, codes int) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		out[i] = uint32((i*7 + seed*5) % codes)
	}
	return out
}

// TestHalves holds that one half's weights open for that direction alone.
func TestHalves(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		cfg := tiny(t)
		enc := open(t, dev, cfg, cnntest.Read(t, "testdata/encoder.safetensors"), Options{})
		dec := open(t, dev, cfg, cnntest.Read(t, "testdata/decoder.safetensors"), Options{})
		if _, err := enc.Decode(grid(0, 16, 64), 4, 4); !errors.Is(err, ErrNoDecoder) {
			t.Errorf("an encoder decodes: %v", err)
		}
		if _, err := dec.Encode(cnntest.Picture(0, 16, 16), 16, 16); !errors.Is(err, ErrNoEncoder) {
			t.Errorf("a decoder encodes: %v", err)
		}
		if _, err := dec.EncodeFloats(make([]float32, 768), 16, 16); !errors.Is(err, ErrNoEncoder) {
			t.Errorf("a decoder encodes: %v", err)
		}
		c := open(t, dev, cfg, both(t), Options{})
		tokens, err := c.Encode(cnntest.Picture(0, 16, 16), 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		if alone, err := enc.Encode(cnntest.Picture(0, 16, 16), 16, 16); err != nil || !slices.Equal(alone, tokens) {
			t.Errorf("the encoder alone gives %v, both %v (%v)", alone, tokens, err)
		}
	})
}

func TestRefuses(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, tiny(t), both(t), Options{})
		for _, s := range [][3]int{{16, 16, 767}, {16, 18, 864}, {14, 16, 672}, {0, 16, 0}, {-16, -16, 768}, {cnn.MaxSide + 4, 4, 0}, {1 << 40, 1 << 40, 0}, {1 << 12, 1 << 12, 0}} {
			if _, err := c.Encode(make([]uint8, s[2]), s[0], s[1]); !errors.Is(err, ErrSize) {
				t.Errorf("%v: %v", s, err)
			}
		}
		for _, s := range [][3]int{{4, 4, 15}, {0, 4, 0}, {-4, -4, 16}, {1 << 62, 4, 0}, {cnn.MaxSide, 4, 0}} {
			if _, err := c.Decode(make([]uint32, s[2]), s[0], s[1]); !errors.Is(err, ErrSize) {
				t.Errorf("%v: %v", s, err)
			}
		}
		for _, token := range []uint32{64, 1 << 31, math.MaxUint32} {
			if _, err := c.Decode([]uint32{0, token, 0, 0}, 2, 2); !errors.Is(err, ErrToken) {
				t.Errorf("token %d: %v", token, err)
			}
		}
		if _, err := Open(dev, tiny(t), both(t), Options{H: 15, W: 16}); !errors.Is(err, ErrSize) {
			t.Errorf("a picture to come of 15 by 16: %v", err)
		}
	})
}

// TestOverflow holds that pixels which are not finite are an error, not a black picture.
func TestOverflow(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		w := both(t)
		x := w["decoder.conv_out.weight"]
		x.Data = slices.Clone(x.Data)
		for i := range x.Data {
			x.Data[i] = math.MaxFloat32
		}
		w["decoder.conv_out.weight"] = x
		c := open(t, dev, tiny(t), w, Options{})
		if _, err := c.Decode(grid(0, 16, 64), 4, 4); !errors.Is(err, nn.ErrWeights) {
			t.Errorf("error %v", err)
		}
	})
}

// transpose exchanges rows and columns of [h, w, c].
func transpose[T any](x []T, h, w int) []T {
	c := len(x) / h / w
	out := make([]T, 0, len(x))
	for i := range w {
		for j := range h {
			out = append(out, x[(j*w+i)*c:][:c]...)
		}
	}
	return out
}

// transposed exchanges rows and columns of every kernel.
func transposed(f cnntest.Tensors) cnntest.Tensors {
	out := maps.Clone(f)
	for name, x := range f {
		if len(x.Shape) != 4 {
			continue
		}
		k := x.Shape[2]
		data := make([]float32, 0, len(x.Data))
		for at := 0; at < len(x.Data); at += k * k {
			data = append(data, transpose(x.Data[at:at+k*k], k, k)...)
		}
		out[name] = cnntest.Tensor{Shape: x.Shape, Data: data}
	}
	return out
}

// TestOblong holds that rows and columns change places with those of the kernels: a
// picture that is not square goes through the network as it lies.
func TestOblong(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		w := both(t)
		c, flipped := open(t, dev, tiny(t), w, Options{}), open(t, dev, tiny(t), transposed(w), Options{})
		const rows, cols = 3, 8
		tokens := grid(1, rows*cols, 64)
		x, err := c.DecodeFloats(tokens, rows, cols)
		if err != nil {
			t.Fatal(err)
		}
		y, err := flipped.DecodeFloats(transpose(tokens, rows, cols), cols, rows)
		if err != nil {
			t.Fatal(err)
		}
		e := cnntest.Distance(transpose(y, 4*cols, 4*rows), x)
		t.Logf("decoding: relative difference %.2e", e)
		if !(e <= waypointBound) {
			t.Errorf("the pictures differ by %g", e)
		}
		pix := cnntest.Picture(2, 4*rows, 4*cols)
		a, err := c.Encode(pix, 4*rows, 4*cols)
		if err != nil {
			t.Fatal(err)
		}
		b, err := flipped.Encode(transpose(pix, 4*rows, 4*cols), 4*cols, 4*rows)
		if err != nil || !slices.Equal(transpose(b, cols, rows), a) {
			t.Errorf("tokens %v, transposed %v: %v", a, b, err)
		}
		if slices.Max(a) == slices.Min(a) {
			t.Error("all tokens are equal")
		}
	})
}

// TestBits holds that a picture's bits depend on nothing that went before, on no other
// caller, and on no program that was dropped.
func TestBits(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, tiny(t), both(t), Options{Programs: 2})
		sizes := [][2]int{{4, 4}, {1, 2}, {2, 1}}
		type result struct {
			x      []float32
			tokens []uint32
		}
		one := func(c *Codec, i int) (r result, err error) {
			h, w := sizes[i%3][0], sizes[i%3][1]
			if r.x, err = c.DecodeFloats(grid(i, h*w, 64), h, w); err == nil {
				r.tokens, err = c.Encode(cnntest.Picture(i, 4*h, 4*w), 4*h, 4*w)
			}
			return r, err
		}
		const n = 9
		var want [n]result
		for i := range want {
			alone := open(t, dev, tiny(t), both(t), Options{})
			var err error
			if want[i], err = one(alone, i); err != nil {
				t.Fatal(err)
			}
			alone.Free()
		}
		var wg sync.WaitGroup
		for range 3 {
			for i := range want {
				wg.Go(func() {
					got, err := one(c, i)
					if err != nil || !slices.Equal(got.x, want[i].x) || !slices.Equal(got.tokens, want[i].tokens) {
						t.Errorf("picture %d differs among others: %v", i, err)
					}
				})
			}
		}
		wg.Wait()
		if slices.Equal(want[0].x, want[3].x) {
			t.Error("two pictures are equal")
		}
	})
}

// TestPlainCodes takes codes as they lie in the table: it is what tells whether look-up
// and search normalise only where they are told to.
func TestPlainCodes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, unit := range []bool{false, true} {
			cfg := tiny(t)
			cfg.CodebookL2Norm = unit
			w := both(t)
			codes := slices.Clone(w[codesName].Data)
			c := open(t, dev, cfg, w, Options{Trace: true})
			ids, err := c.EncodeFloats(gputest.Normal(3, 16*16*cnn.Colours), 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			z, err := c.codec.Traced("quant_conv")
			if err != nil {
				t.Fatal(err)
			}
			quant, err := c.codec.Traced("quantize")
			if err != nil {
				t.Fatal(err)
			}
			const d = 8
			for i, id := range ids {
				want := nearest64(z[i*d:][:d], codes, unit)
				if int(id) != want {
					t.Errorf("normalised %v, row %d: code %d, want %d", unit, i, id, want)
				}
				code := slices.Clone(codes[want*d:][:d])
				if unit {
					cnn.Normalize(code, d)
				}
				if !slices.Equal(quant[i*d:][:d], code) {
					t.Errorf("normalised %v, row %d: code %v, want %v", unit, i, quant[i*d:][:d], code)
				}
			}
		}
	})
}

// nearest64 is the nearest code by squared distance, of equals the first.
func nearest64(z, codes []float32, unit bool) int {
	d := len(z)
	length := func(x []float32) float64 {
		sum := 0.0
		for _, v := range x {
			sum += float64(v) * float64(v)
		}
		if !unit {
			return 1
		}
		return math.Sqrt(sum)
	}
	best, at := math.Inf(1), 0
	for i := range len(codes) / d {
		code, dist := codes[i*d:][:d], 0.0
		for j := range d {
			diff := float64(z[j])/length(z) - float64(code[j])/length(code)
			dist += diff * diff
		}
		if dist < best {
			best, at = dist, i
		}
	}
	return at
}

// TestTies holds that of equally near codes the lowest is taken.
func TestTies(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		w := both(t)
		codes := w[codesName]
		codes.Data = slices.Clone(codes.Data)
		copy(codes.Data[32*8:], codes.Data[:32*8]) // the upper half repeats the lower
		w[codesName] = codes
		c := open(t, dev, tiny(t), w, Options{})
		tokens, err := c.Encode(cnntest.Picture(4, 32, 32), 32, 32)
		if err != nil {
			t.Fatal(err)
		}
		if m := slices.Max(tokens); m >= 32 || m == 0 {
			t.Errorf("the largest token is %d of %v", m, tokens)
		}
	})
}

func TestClosed(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		used := dev.Used()
		c, err := Open(dev, tiny(t), both(t), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Decode(grid(0, 16, 64), 4, 4); err != nil {
			t.Fatal(err)
		}
		c.Free()
		c.Free()
		if _, err := c.Decode(grid(0, 16, 64), 4, 4); !errors.Is(err, gpu.ErrClosed) {
			t.Errorf("a freed codec decodes: %v", err)
		}
		if dev.Used() != used {
			t.Errorf("%d bytes are held, %d before", dev.Used(), used)
		}
	})
}

// TestNoRoom holds that what does not fit is refused with both numbers, before anything
// is allocated, and that smaller pictures go on.
func TestNoRoom(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		info := dev.Info()
		limited := func(bytes uint64) *gpu.Device {
			return gputest.Open(t, gpu.Options{Device: fmt.Sprint(info.Index), MemoryLimit: bytes})
		}
		small := limited(2 << 20)
		_, err := Open(small, tiny(t), both(t), Options{})
		var oom *gpu.OutOfMemoryError
		if !errors.As(err, &oom) || oom.Needed < 4<<20 || oom.Available > 2<<20 || !strings.Contains(err.Error(), "vq.Open") {
			t.Errorf("2 MiB: %v", err)
		}
		if told, err := Bytes(tiny(t), both(t), Options{}); err != nil || oom != nil && told != oom.Needed {
			t.Errorf("Bytes tells %d, %v; Open asks for %d", told, err, oom.Needed)
		}
		if more, err := Bytes(tiny(t), both(t), Options{H: 1024, W: 1024}); err != nil || more < 24<<20 {
			t.Errorf("with a large picture: %d, %v", more, err)
		}
		if small.Used() != 0 {
			t.Errorf("%d bytes were allocated", small.Used())
		}
		const limit = 24 << 20
		if _, err := Open(limited(limit), tiny(t), both(t), Options{H: 1024, W: 1024}); !errors.Is(err, gpu.ErrOutOfMemory) {
			t.Errorf("a large picture to come: %v", err)
		}
		c := open(t, limited(limit), tiny(t), both(t), Options{})
		want, err := c.Decode(grid(0, 16, 64), 4, 4)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Decode(grid(0, 1<<16, 64), 256, 256); !errors.Is(err, gpu.ErrOutOfMemory) {
			t.Errorf("a large picture: %v", err)
		}
		if got, err := c.Decode(grid(0, 16, 64), 4, 4); err != nil || !slices.Equal(got, want) {
			t.Errorf("after that: %v", err)
		}
	})
}
