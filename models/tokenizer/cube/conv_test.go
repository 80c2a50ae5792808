package cube

import (
	"errors"
	"math"
	"math/bits"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/loss"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

func TestMain(m *testing.M) { gputest.Main(m) }

// small is a convolutional tokenizer of windows of so many frames.
func small(window int) Config {
	return Config{
		Size: 16, Cell: [3]int{4, 8, 8}, Group: [3]int{1, 2, 2}, Rate: [2]int{25, 1},
		Tokenizer: Tokenizer{Bits: 40, Width: 12, Window: window, Conv: &Conv{Fine: 8, Encoder: Depth{1, 1}, Decoder: Depth{1, 2}}},
	}
}

// ramps are clips of moving gradients.
func ramps(n, t, size int) Clips {
	c := Clips{N: n, T: t, Size: size}
	for i := range n {
		for f := range t {
			for p := range size * size {
				x, y := p%size, p/size
				c.Pix = append(c.Pix, uint8(8*x+3*f*(i+1)), uint8(6*y+40*i), uint8(5*x+4*y-2*f))
			}
		}
	}
	return c
}

// random draws all weights of a network anew, the last layers' too.
func random(t *testing.T, n network) {
	t.Helper()
	s := n.parameters()
	flat := gputest.Normal(7, s.P.Elems())
	for i := range flat {
		flat[i] *= 0.15
	}
	if err := s.P.WriteF32(flat); err != nil {
		t.Fatal(err)
	}
}

func fitted(t *testing.T, window int, clips Clips) Config {
	t.Helper()
	c := small(window)
	if _, err := c.fit(&clips); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestWindowsOverlap codes a clip in short windows and in one that holds it whole. The
// frames of context make them equal.
func TestWindowsOverlap(t *testing.T) {
	clips := ramps(2, 48, 16)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		path := filepath.Join(t.TempDir(), "w.safetensors")
		net, err := newNetwork(dev, fitted(t, 16, clips), 1, false)
		if err != nil {
			t.Fatal(err)
		}
		random(t, net)
		if err := net.parameters().Save(path, safetensors.F32, false, nil); err != nil {
			t.Fatal(err)
		}
		net.free()
		var samples []shard.Sample
		var frames []*clip.Clip
		for _, window := range []int{16, 48} {
			c := fitted(t, 16, clips)
			c.Tokenizer.Window = window
			f, err := safetensors.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			k, err := NewCoder(dev, c, f)
			if err != nil {
				t.Fatal(err)
			}
			s, _, err := k.Encode("clip", system.Media{Clip: clips.window(0, 0, 41)}, system.Extent{})
			if err != nil {
				t.Fatal(err)
			}
			m, _, err := k.Decode(s)
			if err != nil {
				t.Fatal(err)
			}
			samples, frames = append(samples, s), append(frames, m.Clip)
			k.Close()
			f.Close()
		}
		if !slices.Equal(samples[0].Tokens, samples[1].Tokens) || !slices.Equal(samples[0].Grid, samples[1].Grid) {
			t.Errorf("%v and %v: the tokens differ", samples[0].Grid, samples[1].Grid)
		}
		if frames[0].T != 41 || !slices.Equal(frames[0].Pix, frames[1].Pix) {
			t.Errorf("%d frames, whose pixels differ", frames[0].T)
		}
	})
}

// TestCausal changes a late frame: no earlier code nor frame may notice.
func TestCausal(t *testing.T) {
	clips := ramps(1, 16, 16)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := fitted(t, 16, clips)
		net, err := newNetwork(dev, c, 1, false)
		if err != nil {
			t.Fatal(err)
		}
		defer net.free()
		random(t, net)
		run := func(w *clip.Clip) ([]int32, []float32) {
			x, bits := must1(dev.NewTensor(tensor.F32, net.extents()[0], net.extents()[1]))(t), must1(dev.NewTensor(tensor.U32, c.cells(), c.words()))(t)
			defer x.Free()
			defer bits.Free()
			host := make([]float32, x.Elems())
			if err := net.load(host, w); err != nil {
				t.Fatal(err)
			}
			if err := x.WriteF32(host); err != nil {
				t.Fatal(err)
			}
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				net.recordCode(r, x, bits)
				r.Copy(x, net.recordPixels(r, bits))
			})
			return must1(bits.I32())(t), gputest.Read(t, x)
		}
		w := clips.window(0, 0, 16)
		bits, px := run(w)
		for i := range w.Frame(9) {
			w.Frame(9)[i] ^= 255
		}
		bits2, px2 := run(w)
		at := 8 / 4 * c.gridH() * c.gridW() * c.words() // of the cells of frames 8 to 11
		if !slices.Equal(bits[:at], bits2[:at]) || slices.Equal(bits[at:], bits2[at:]) {
			t.Error("codes of earlier frames changed, or none of later ones")
		}
		n := 8 / 4 * c.Size * c.Size * c.values()
		if !slices.Equal(px[:n], px2[:n]) || slices.Equal(px[n:], px2[n:]) {
			t.Error("earlier frames changed, or no later ones")
		}
	})
}

func must1[T any](x T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// TestGradients compares the gradients of the whole network, without rounding, with
// slopes of its loss.
func TestGradients(t *testing.T) {
	clips := ramps(1, 16, 16)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := fitted(t, 16, clips)
		n := must1(newConvNet(dev, c, 1, true))(t)
		defer n.free()
		random(t, n)
		e := n.extents()
		host := make([]float32, e[0]*e[1])
		if err := n.load(host, clips.window(0, 0, 16)); err != nil {
			t.Fatal(err)
		}
		x, rows := gputest.F32(t, dev, host, e[0], e[1]), gputest.F32(t, dev, make([]float32, n.losses()), n.losses())
		run := func(training bool) (sum float64) {
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				g := tape.New(r, training)
				y := n.decode(g, n.encode(g, tape.Constant(x)))
				g.Pixels(y, loss.PixelsArgs{H: n.px.h, W: n.px.w, Y: x, Loss: rows, Square: 0.01, Size: 0.02, Slope: 0.01, Soft: 0.5})
				g.Backward()
			})
			for _, l := range gputest.Read(t, rows) {
				sum += float64(l)
			}
			return sum
		}
		run(true)
		grads, params := gputest.Read(t, n.store.G), gputest.Read(t, n.store.P)
		for _, s := range n.specs() {
			at, count := n.store.Range(s.Name)
			if strings.Contains(s.Name, ".base.") { // the linear paths stay as they were fitted
				if s.Decay || slices.ContainsFunc(grads[at:at+count], func(x float32) bool { return x != 0 }) {
					t.Errorf("%s decays or has a gradient", s.Name)
				}
				continue
			}
			direction, want := gputest.Normal(uint64(at+1), count), 0.0
			for i, d := range direction {
				want += float64(d) * float64(grads[at+i])
			}
			norm := math.Sqrt(float64(count))
			move := func(h float64) float64 {
				p := slices.Clone(params)
				for i, d := range direction {
					p[at+i] += float32(h / norm * float64(d))
				}
				if err := n.store.P.WriteF32(p); err != nil {
					t.Fatal(err)
				}
				return run(false)
			}
			const h = 1.0 / 32
			got := (move(h) - move(-h)) / (2 * h) * norm
			if math.Abs(got-want) > 5e-3*(norm/10+math.Abs(want)) || want == 0 {
				t.Errorf("%s: the loss grows by %g, its gradient says %g", s.Name, got, want)
			}
		}
	})
}

// TestTransformCodec checks that the first weights keep a clip: the transform is its own
// inverse's, and rounding is the only loss.
func TestTransformCodec(t *testing.T) {
	clips := ramps(4, 16, 16)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := small(16)
		c.Tokenizer.Bits = 160
		a, err := NewAutoencoding(dev, c, Options{Batch: 1, Seed: 1}, clips, clips)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Free()
		if err := a.Init(1); err != nil {
			t.Fatal(err)
		}
		mse, err := a.Heldout()
		if err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, b := range a.Config().Tokenizer.Conv.Share {
			sum += b
		}
		if db := 10 * math.Log10(4/mse); db < 18 || sum != 160 {
			t.Errorf("%.1f dB with %d bits", db, sum)
		} else {
			t.Logf("%.1f dB", db)
		}
	})
}

// TestFlipsTrainTheDecoder trains on codes with bits turned over. The encoder stays as it
// is, and the decoder does better on such codes than before.
func TestFlipsTrainTheDecoder(t *testing.T) {
	clips := ramps(4, 16, 16)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		flips := make([]float64, 40)
		for i := range flips {
			flips[i] = 0.3
		}
		c := small(16)
		if _, err := NewAutoencoding(dev, c, Options{Batch: 1, Flips: flips[1:]}, clips, clips); !errors.Is(err, ErrSample) {
			t.Errorf("chances for 39 bits: %v", err)
		}
		a := must1(NewAutoencoding(dev, c, Options{Batch: 1, Seed: 1, Flips: flips}, clips, clips))(t)
		defer a.Free()
		if err := a.Init(1); err != nil {
			t.Fatal(err)
		}
		program, _, err := a.Batch(3)
		if err != nil {
			t.Fatal(err)
		}
		if err := program.Run(1); err != nil {
			t.Fatal(err)
		}
		grads := gputest.Read(t, a.Store().G)
		for _, s := range a.net.(*convNet).specs() {
			at, n := a.Store().Range(s.Name)
			some := slices.ContainsFunc(grads[at:at+n], func(x float32) bool { return x != 0 })
			encoder := strings.HasPrefix(s.Name, "encoder.")
			base := strings.Contains(s.Name, ".base.")
			if last := s.Name == "decoder.out.weight"; (encoder || base) && some || last && !some {
				t.Errorf("%s: gradients: %t", s.Name, some)
			}
		}
		noisy := must1(a.net.(*convNet).codes.I32())(t)
		if err := a.encode.Run(1); err != nil {
			t.Fatal(err)
		}
		turned := 0
		for i, x := range must1(a.net.(*convNet).codes.I32())(t) {
			turned += bits.OnesCount32(uint32(x ^ noisy[i]))
		}
		if all := len(noisy) / 2 * 40; turned == 0 || turned > all*3/10 {
			t.Errorf("%d of %d bits are turned over", turned, all)
		}
	})
}
