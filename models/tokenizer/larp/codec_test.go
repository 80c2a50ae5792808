package larp

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
)

func open(tb testing.TB, dev *gpu.Device, c Config, w fake, o Options) *Codec {
	tb.Helper()
	codec, err := Open(dev, c, w, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(codec.Free)
	return codec
}

// picture returns the bytes of a clip with edges.
func picture(c Config, seed int) []uint8 {
	pix := make([]uint8, c.Pixels())
	for i := range pix {
		pix[i] = uint8(i*(3+seed) + 90*(i/colours/5%2))
	}
	return pix
}

func TestNames(t *testing.T) {
	c, w := tiny(t)
	nets, err := c.nets(w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{CodesName: true}
	for _, n := range nets {
		for _, s := range n.list.Specs() {
			known[s.Name] = true
		}
	}
	if names := slices.Sorted(maps.Keys(known)); !slices.Equal(names, w.Names()) {
		t.Errorf("the network has %v, the checkpoint %v", names, w.Names())
	}
}

func TestRefuses(t *testing.T) {
	c, w := tiny(t)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		codec := open(t, dev, c, w, Options{})
		if _, err := codec.Encode(make([]uint8, c.Pixels()-3)); !errors.Is(err, ErrSize) {
			t.Errorf("a clip that is too short: %v", err)
		}
		if _, err := codec.Decode(make([]uint32, c.Tokens+1)); !errors.Is(err, ErrSize) {
			t.Errorf("too many tokens: %v", err)
		}
		for _, token := range []uint32{64, 1 << 31, math.MaxUint32} {
			tokens := make([]uint32, c.Tokens)
			tokens[3] = token
			if _, err := codec.Decode(tokens); !errors.Is(err, ErrToken) {
				t.Errorf("token %d: %v", token, err)
			}
		}
		alone := open(t, dev, c, w, Options{DecodeOnly: true})
		if _, err := alone.Encode(picture(c, 0)); !errors.Is(err, ErrNoEncoder) {
			t.Errorf("a decoder encodes: %v", err)
		}
		codec.Free()
		if _, err := codec.Encode(picture(c, 0)); !errors.Is(err, gpu.ErrClosed) {
			t.Errorf("after Free: %v", err)
		}
		if _, err := codec.Decode(make([]uint32, c.Tokens)); !errors.Is(err, gpu.ErrClosed) {
			t.Errorf("after Free: %v", err)
		}
		for name, fault := range faults(c) {
			spoiled := maps.Clone(w)
			fault(spoiled)
			if _, err := Open(dev, c, spoiled, Options{}); !errors.Is(err, nn.ErrWeights) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// faults spoil a checkpoint.
func faults(c Config) map[string]func(fake) {
	spoil := func(name string, change func(*fakeTensor)) func(fake) {
		return func(w fake) {
			x := w[name]
			x.data = slices.Clone(x.data)
			change(&x)
			w[name] = x
		}
	}
	return map[string]func(fake){
		"no norm":      func(w fake) { delete(w, "decoder.blocks.1.norm2.weight") },
		"no positions": func(w fake) { delete(w, "encoder_patch_pe") },
		"few codes":    spoil(CodesName, func(x *fakeTensor) { x.data = x.data[c.CodeWidth:] }),
		"infinite":     spoil(CodesName, func(x *fakeTensor) { x.data[5] = float32(math.Inf(1)) }),
		"no number":    spoil("encoder.blocks.0.attn.qkv.weight", func(x *fakeTensor) { x.data[5] = float32(math.NaN()) }),
		"other shape":  spoil("encoder_patch_pe", func(x *fakeTensor) { x.shape, x.data = []int{1, 31, 64}, x.data[:31*64] }),
	}
}

// TestOverflow holds that pixels which are not finite are an error, not a black clip.
func TestOverflow(t *testing.T) {
	c, w := tiny(t)
	x := w["final_layer.linear.weight"]
	for i := range x.data {
		x.data[i] = math.MaxFloat32
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		codec := open(t, dev, c, w, Options{DecodeOnly: true})
		if _, err := codec.Decode(make([]uint32, c.Tokens)); !errors.Is(err, nn.ErrWeights) {
			t.Errorf("pixels that overflow: %v", err)
		}
	})
}

// TestTypes holds that an embedding of what a row is adds to all rows of its kind: a
// checkpoint without one, whose positions have it added, gives the same.
func TestTypes(t *testing.T) {
	c, w := tiny(t)
	added := maps.Clone(w)
	for i, name := range typeNames {
		embed, rows := gputest.Normal(uint64(i+7), 64), [...]string{"encoder_patch_pe", "encoder_latent_query_embed", "decoder_latent_pe", "decoder_patch_query_embed"}[i]
		w[name] = fakeTensor{[]int{1, 1, 64}, embed}
		x := added[rows]
		x.data = slices.Clone(x.data)
		for j := range x.data {
			x.data[j] += embed[j%64]
		}
		added[rows] = x
		delete(added, name)
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		var pixels [2][]float32
		var tokens [2][]uint32
		for i, w := range []fake{w, added} {
			described, err := Describe(config(t), w)
			if err != nil {
				t.Fatal(err)
			}
			codec := open(t, dev, described, w, Options{})
			if tokens[i], err = codec.Encode(picture(c, 1)); err != nil {
				t.Fatal(err)
			}
			if pixels[i], err = codec.DecodeFloats(tokens[0]); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(tokens[0], tokens[1]) {
			t.Errorf("tokens %v and %v", tokens[0], tokens[1])
		}
		if e := relative(pixels[0], pixels[1]); !(e <= 1e-5) {
			t.Errorf("pixels differ by %g", e)
		}
	})
}

// noise returns the values of a clip of noise.
func noise(c Config, seed int) []float32 { return gputest.Normal(uint64(seed+1), c.Pixels()) }

// TestConcurrent holds that calls at once give what each gives alone.
func TestConcurrent(t *testing.T) {
	c, w := tiny(t)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		codec := open(t, dev, c, w, Options{})
		var want [4][]uint32
		for i := range want {
			var err error
			if want[i], err = codec.EncodeFloats(noise(c, i)); err != nil {
				t.Fatal(err)
			}
		}
		if slices.Equal(want[0], want[1]) {
			t.Fatal("two clips have the same tokens")
		}
		var wg sync.WaitGroup
		for i := range 2 * len(want) {
			wg.Go(func() {
				got, err := codec.EncodeFloats(noise(c, i/2))
				if err != nil || !slices.Equal(got, want[i/2]) {
					t.Errorf("clip %d: %v (%v), alone %v", i/2, got, err, want[i/2])
				}
			})
		}
		wg.Wait()
	})
}

// TestMemory holds that a device with what [Bytes] says opens a tokenizer, and that one
// with less refuses before it reads a tensor.
func TestMemory(t *testing.T) {
	c, w := tiny(t)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, o := range []Options{{}, {DecodeOnly: true}} {
			bytes, err := Bytes(c, w, o)
			if err != nil {
				t.Fatal(err)
			}
			limited := func(n uint64) *gpu.Device {
				return gputest.Open(t, gpu.Options{Device: fmt.Sprint(dev.Info().Index), MemoryLimit: n})
			}
			codec := open(t, limited(bytes), c, w, o)
			if _, err := codec.Decode(make([]uint32, c.Tokens)); err != nil {
				t.Error(err)
			}
			if _, err := Open(limited(bytes-1), c, w, o); !errors.Is(err, gpu.ErrOutOfMemory) {
				t.Errorf("%+v with %d bytes: %v", o, bytes-1, err)
			}
		}
	})
}

// TestPatches holds the layout of patches by hand, and that joining undoes cutting up to
// the order of colours.
func TestPatches(t *testing.T) {
	stack := Stack{PatchFrames: 1, PatchSide: 2}
	c := Config{Frames: 2, Side: 4, Encoder: stack, Decoder: stack}
	x := make([]float32, c.Pixels())
	for i := range x {
		x[i] = float32(i)
	}
	// Patch 5 is that of frame 1, rows 0 and 1, columns 2 and 3: its pixel at row 1 and
	// column 2 begins at ((1·4+1)·4+2)·3.
	const at = ((1*4+1)*4 + 2) * colours
	cut := c.cut(x)[5*12:][:12]
	if cut[2] != at || cut[4+2] != at+1 || cut[8+2] != at+2 {
		t.Errorf("patch 5 is %v", cut)
	}
	patches := make([]float32, len(x))
	patches[5*12+2*3+1] = 7 // its row 1, column 0, green
	for i, v := range c.join(patches) {
		if i == at+1 && v != 7 || i != at+1 && v != 0 {
			t.Errorf("value %d is %g", i, v)
		}
	}
}

func TestBytesAndFloats(t *testing.T) {
	for b := range 256 {
		if got := toByte(toFloat(uint8(b))); got != uint8(b) {
			t.Errorf("%d comes back as %d", b, got)
		}
	}
	if toByte(-3) != 0 || toByte(3) != 255 {
		t.Error("values are not cut off")
	}
}

// long has the shapes of LARP-L-long.
func long() fake {
	f := fake{}
	for name, shape := range map[string][]int{
		"x_embedder.proj.weight": {768, 3, 4, 8, 8}, "encoder_latent_query_embed": {1024, 768}, "final_layer.linear.weight": {768, 768},
		"encoder.blocks.0.mlp.fc1.weight": {3072, 768}, "decoder.blocks.0.mlp.fc1.weight": {3072, 768}, CodesName: {8192, 16},
		"decoder_patch_query_token_type_embed": {1, 1, 768},
	} {
		f[name] = fakeTensor{shape: shape}
	}
	for _, part := range []string{"encoder", "decoder"} {
		for i := range 12 {
			f[fmt.Sprintf("%s.blocks.%d.norm1.weight", part, i)] = fakeTensor{}
		}
	}
	return f
}

func TestDescribe(t *testing.T) {
	c, w := tiny(t)
	want := Config{
		Frames: 4, Side: 16, Tokens: 24, Codes: 64, CodeWidth: 8, Eps: 1e-5, FinalEps: 1e-6,
		Encoder: Stack{64, 4, 2, 256, 2, 4}, Decoder: Stack{64, 4, 2, 256, 2, 4}, types: [4]bool{3: true},
	}
	if c != want {
		t.Errorf("read %+v, want %+v", c, want)
	}
	for text, want := range map[string]error{
		`[]`: ErrConfig, `{"frame_num":5}`: ErrConfig, `{"frame_num":1e3,"encoder_num_heads":4}`: ErrConfig, `{"input_size":-16}`: ErrConfig, `{"encoder_num_heads":5}`: ErrConfig,
		`{"bottleneck":{"args":{"norm":"ln_d"}}}`: ErrConfig, `{"bottleneck":{"args":{"regularizer":{"args":{"l2_normalized":false}}}}}`: ErrConfig,
		string(make([]byte, maxConfigBytes+1)): ErrConfig,
	} {
		if _, err := Describe(json.RawMessage(text), w); !errors.Is(err, want) {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	for _, name := range []string{"x_embedder.proj.weight", CodesName, "encoder_latent_query_embed"} {
		spoiled := maps.Clone(w)
		delete(spoiled, name)
		if _, err := Describe(config(t), spoiled); !errors.Is(err, nn.ErrWeights) || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// TestDescribesLong holds that LARP-L-long needs no config.json.
func TestDescribesLong(t *testing.T) {
	c, err := Describe(nil, long())
	if err != nil {
		t.Fatal(err)
	}
	stack := Stack{768, 12, 12, 3072, 4, 8}
	want := Config{Frames: 16, Side: 128, Tokens: 1024, Codes: 8192, CodeWidth: 16, Eps: 1e-5, FinalEps: 1e-6, Encoder: stack, Decoder: stack, types: [4]bool{3: true}}
	if c != want {
		t.Errorf("read %+v, want %+v", c, want)
	}
	n := int64(c.Codes * c.CodeWidth)
	codes := make([]float32, n)
	for _, x := range []*net{c.encoder(codes), c.decoder(codes)} {
		n += x.list.Count()
	}
	// Upstream's 173 M hold the fixed positions, too.
	if n/1e5 < 1700 || n/1e5 > 1760 {
		t.Errorf("%d parameters", n)
	}
	if n := c.patches(c.Encoder); n != 1024 {
		t.Errorf("%d patches", n)
	}
}

// FuzzDescribe holds that no description makes a panic, nor a network of other sizes than
// its own bounds allow.
func FuzzDescribe(f *testing.F) {
	w := fake{}
	full := read(f, "testdata/weights.safetensors")
	for name, x := range full {
		w[name] = fakeTensor{shape: x.shape}
	}
	f.Add([]byte(config(f)))
	f.Add([]byte(`{"frame_num":4,"input_size":16,"encoder_num_heads":4,"decoder_num_heads":4,"decoder_temporal_patch_size":2,"decoder_patch_size":4}`))
	f.Add([]byte(`{"bottleneck":{"args":{"norm":null,"regularizer":{"args":{"l2_normalized":true}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Describe(data, w)
		if err != nil {
			if !errors.Is(err, ErrConfig) && !errors.Is(err, nn.ErrWeights) {
				t.Fatal(err)
			}
			return
		}
		if c.Validate() != nil || c.Pixels() > MaxFrames*MaxSide*MaxSide*colours || c.patches(c.Encoder)*c.Encoder.pixels() != c.Pixels() || c.patches(c.Decoder)*c.Decoder.pixels() != c.Pixels() {
			t.Fatalf("%+v", c)
		}
	})
}
