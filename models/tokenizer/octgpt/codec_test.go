package octgpt

import (
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
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/models/tokenizer/cnn/cnntest"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/dual"
)

// ball returns points on a sphere, and its normals.
func ball(n int) (points, normals []mesh.Vec3) {
	for i := range n { // a spiral
		z := 1 - (2*float64(i)+1)/float64(n)
		sin, cos := math.Sincos(2.399963 * float64(i))
		r := math.Sqrt(1 - z*z)
		normals = append(normals, mesh.Vec3{r * cos, r * sin, z})
		points = append(points, normals[i].Scale(0.4))
	}
	return points, normals
}

func TestRefuses(t *testing.T) {
	g := openGolden(t)
	w := weights(t).(cnntest.Tensors)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := tiny(t, dev)
		tree, codes := g.tree(t), g.ints(t, "codes")
		short, err := tree.Copy(5)
		if err != nil {
			t.Fatal(err)
		}
		for name, x := range map[string]struct {
			tree  *dual.Tree
			codes []uint32
		}{"few codes": {tree, codes[1:]}, "a short tree": {short, codes[:144]}} {
			if _, err := c.Decode(x.tree, x.codes); !errors.Is(err, octree.ErrTokens) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, err := c.Encode(nil, nil); !errors.Is(err, octree.ErrEmpty) {
			t.Errorf("no points: %v", err)
		}
		c.Free()
		if _, _, err := c.Encode(ball(10)); !errors.Is(err, gpu.ErrClosed) {
			t.Errorf("after Free: %v", err)
		}
		if _, err := c.Decode(tree, codes); !errors.Is(err, gpu.ErrClosed) {
			t.Errorf("after Free: %v", err)
		}
		for name, fault := range map[string]func(w cnntest.Tensors){
			"no norm": func(w cnntest.Tensors) { delete(w, "decoder.decoder.2.resblks.0.convb.norm.norm.bias") },
			"other shape": func(w cnntest.Tensors) {
				w["post_proj.bias"] = cnntest.Tensor{Shape: []int{8}, Data: make([]float32, 8)}
			},
			"more than the network has": func(w cnntest.Tensors) {
				w["decoder.encoder.0.resblks.7.conva.conv.weights"] = w["post_proj.bias"]
			},
			"no number": func(w cnntest.Tensors) {
				x := w["decoder.upsample.4.upsample.weights"]
				x.Data = slices.Clone(x.Data)
				x.Data[3] = float32(math.NaN())
				w["decoder.upsample.4.upsample.weights"] = x
			},
		} {
			spoiled := maps.Clone(w)
			fault(spoiled)
			if _, err := Open(dev, c.Config(), spoiled); !errors.Is(err, nn.ErrWeights) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestDecoderAlone opens weights without an encoder, which decode all the same.
func TestDecoderAlone(t *testing.T) {
	g := openGolden(t)
	w := weights(t).(cnntest.Tensors)
	maps.DeleteFunc(w, func(name string, _ cnntest.Tensor) bool {
		return strings.HasPrefix(name, "encoder.") || strings.HasPrefix(name, "pre_proj.")
	})
	cfg, err := Describe(tinyConfig(t), w)
	if err != nil || cfg.Encoder != nil {
		t.Fatalf("%+v, %v", cfg, err)
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c, err := Open(dev, cfg, w)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Free()
		if _, _, err := c.Encode(ball(10)); !errors.Is(err, cnn.ErrNoEncoder) {
			t.Errorf("a decoder encodes: %v", err)
		}
		_, got, err := c.decode(g.tree(t), g.ints(t, "codes"))
		if err != nil {
			t.Fatal(err)
		}
		_, want, err := tiny(t, dev).decode(g.tree(t), g.ints(t, "codes"))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("it decodes otherwise: %v", err)
		}
	})
}

// TestOverflow holds that values which are not finite are an error, not a shape.
func TestOverflow(t *testing.T) {
	g := openGolden(t)
	for _, name := range []string{"decoder.predict.0.conv2.linear.weight", "decoder.regress.2.conv2.linear.weight"} {
		w := weights(t).(cnntest.Tensors)
		for i := range w[name].Data {
			w[name].Data[i] = math.MaxFloat32
		}
		cfg, err := Describe(tinyConfig(t), w)
		if err != nil {
			t.Fatal(err)
		}
		gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
			c, err := Open(dev, cfg, w)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Free()
			if _, err := c.Decode(g.tree(t), g.ints(t, "codes")); !errors.Is(err, nn.ErrWeights) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// TestConcurrent holds that shapes at once are what each is alone.
func TestConcurrent(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := tiny(t, dev)
		var codes [3][]uint32
		var trees [3]*dual.Tree
		var values [3][]float32
		for i := range codes {
			var err error
			if trees[i], codes[i], err = c.Encode(ball(200 + 100*i)); err != nil {
				t.Fatal(err)
			}
			if _, values[i], err = c.decode(trees[i], codes[i]); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for i := range 2 * len(codes) {
			wg.Go(func() {
				_, again, err := c.Encode(ball(200 + 100*(i/2)))
				if err != nil || !slices.Equal(again, codes[i/2]) {
					t.Errorf("shape %d has other codes: %v", i/2, err)
				}
				_, made, err := c.decode(trees[i/2], codes[i/2])
				if err != nil || !slices.Equal(made, values[i/2]) {
					t.Errorf("shape %d is decoded otherwise: %v", i/2, err)
				}
			})
		}
		wg.Wait()
	})
}

// TestMemory holds that a device with what [Bytes] says opens a tokenizer, that one with less
// refuses before it reads a tensor, that one without room for a shape says what it lacks, and
// that shapes leave nothing behind.
func TestMemory(t *testing.T) {
	g := openGolden(t)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := tiny(t, dev)
		w := weights(t)
		bytes, err := Bytes(c.Config(), w)
		if err != nil {
			t.Fatal(err)
		}
		limited := func(n uint64) *gpu.Device {
			return gputest.Open(t, gpu.Options{Device: fmt.Sprint(dev.Info().Index), MemoryLimit: n})
		}
		if _, err := Open(limited(bytes-1), c.Config(), w); !errors.Is(err, gpu.ErrOutOfMemory) {
			t.Errorf("with %d bytes: %v", bytes-1, err)
		}
		small, err := Open(limited(bytes), c.Config(), w)
		if err != nil {
			t.Fatal(err)
		}
		defer small.Free()
		var lacks *gpu.OutOfMemoryError
		if _, err := small.Decode(g.tree(t), g.ints(t, "codes")); !errors.As(err, &lacks) || lacks.Needed <= lacks.Available {
			t.Errorf("a shape without room: %v", err)
		}
		used := dev.Used()
		for range 2 {
			if _, err := c.Decode(g.tree(t), g.ints(t, "codes")); err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.Encode(ball(300)); err != nil {
				t.Fatal(err)
			}
		}
		if dev.Used() > used {
			t.Errorf("%d bytes stay behind", dev.Used()-used)
		}
	})
}
