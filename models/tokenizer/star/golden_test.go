package star

import (
	"os"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn/cnntest"
)

func TestMain(m *testing.M) { gputest.Main(m) }

const (
	waypointBound = 1e-4
	pixelBound    = 1e-3
)

func readConfig(tb testing.TB) Config {
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

func open(tb testing.TB, dev *gpu.Device, w nn.Weights, o Options) *Codec {
	tb.Helper()
	c, err := Open(dev, readConfig(tb), w, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Free)
	return c
}

// The layers that golden values are of, by the names of their tensors.
var (
	encoderLayers = map[string]string{
		"enc.T9.down0.resnet0": "encoder.down_blocks.0.resnets.0",
		"enc.T9.down0":         "encoder.down_blocks.0.downsamplers.0.conv",
		"enc.T9.down1":         "encoder.down_blocks.1.downsamplers.0.conv",
		"enc.T9.down2":         "encoder.down_blocks.2.downsamplers.0.conv",
		"enc.T9.down3":         "encoder.down_blocks.3.resnets.1",
		"enc.T9.mid":           "encoder.mid_block.resnets.1",
		"enc.T9.moments":       "encoder.conv_out",
	}
	decoderLayers = map[string]string{
		"dec.T3.proj_up":      "proj_up",
		"dec.T3.unpatchified": "unfold",
		"dec.T3.conv_in":      "decoder.conv_in",
		"dec.T3.mid":          "decoder.mid_block.resnets.1",
		"dec.T3.up0":          "decoder.up_blocks.0.resnets.2",
		"dec.T3.up1":          "decoder.up_blocks.1.upsamplers.0.conv",
		"dec.T3.up2.resnet0":  "decoder.up_blocks.2.resnets.0",
		"dec.T3.up2":          "decoder.up_blocks.2.upsamplers.0.conv",
		"dec.T3.up3":          "decoder.up_blocks.3.upsamplers.0.conv",
		"dec.T3.norm_out":     "decoder.norm_out",
	}
)

// waypoints compares what a first chunk kept with golden values.
func waypoints(t *testing.T, h *half, frames int, golden cnntest.Tensors, layers map[string]string) {
	t.Helper()
	for name, layer := range layers {
		x := h.programs[chunk{frames, true, true}].traced[layer]
		if x == nil {
			t.Errorf("%s: there is no layer %s", name, layer)
			continue
		}
		got, err := x.F32()
		if err != nil {
			t.Fatal(err)
		}
		want := cnntest.ChannelsLast(golden[name])
		if layer == "proj_up" { // upstream's order of a feature's numbers is another
			n := golden[name].Shape[1]
			for i := range len(want) / n {
				regroup(want[i*n:][:n], n/quad, 1)
			}
		}
		cnntest.Near(t, name, got, want, waypointBound)
	}
}

func TestEncoderGolden(t *testing.T) {
	golden := cnntest.Read(t, "testdata/encoder-golden.safetensors")
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, cnntest.Read(t, "testdata/encoder.safetensors"), Options{Trace: true})
		for _, name := range []string{"enc.T17", "enc.T1", "enc.T9"} { // in chunks, a picture, one chunk
			clip := golden[name+".video"]
			x, err := c.EncodeFloats(cnntest.ChannelsLast(clip), clip.Shape[2], clip.Shape[3], clip.Shape[4], nil)
			if err != nil {
				t.Fatal(err)
			}
			cnntest.Near(t, name+".feature_from_mean", x, cnntest.ChannelsLast(golden[name+".feature_from_mean"]), waypointBound)
		}
		waypoints(t, c.enc, 9, golden, encoderLayers)
		x, err := c.project.programs[chunk{3, true, true}].in.F32()
		if err != nil {
			t.Fatal(err)
		}
		cnntest.Near(t, "enc.T9.mean_patchified", folded(x, 3, 2, 4), cnntest.ChannelsLast(golden["enc.T9.mean_patchified"]), waypointBound)
	})
}

// folded puts latents [t, h, w, c] together as upstream does.
func folded(x []float32, t, h, w int) []float32 {
	c := len(x) / (t * h * w)
	out := make([]float32, len(x))
	for i, v := range x {
		at, ch := i/c, i%c
		f, y, col := at/(h*w), at/w%h, at%w
		place := (f*(h/2)+y/2)*(w/2) + col/2
		out[place*quad*c+ch*quad+y%2*2+col%2] = v
	}
	return out
}

func TestDecoderGolden(t *testing.T) {
	golden := cnntest.Read(t, "testdata/decoder-golden.safetensors")
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, cnntest.Read(t, "testdata/decoder.safetensors"), Options{Trace: true})
		for _, name := range []string{"dec.T5", "dec.T1", "dec.T3"} { // in chunks, a picture, one chunk
			z := golden[name+".z"]
			var x []float32
			err := c.DecodeFloats(cnntest.ChannelsLast(z), z.Shape[2], z.Shape[3], z.Shape[4], func(y []float32) error {
				x = append(x, y...)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			cnntest.Near(t, name+".pixels", x, cnntest.ChannelsLast(golden[name+".pixels"]), pixelBound)
		}
		waypoints(t, c.dec, 3, golden, decoderLayers)
	})
}
