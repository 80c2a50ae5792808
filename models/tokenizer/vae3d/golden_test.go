package vae3d

import (
	"os"
	"strings"
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

// layersOf are the layers that golden values are of, by the names of their tensors.
var layersOf = map[string]string{
	"enc.conv_in_frames": "encoder.conv_in",
	"enc.down0":          "encoder.down_blocks.0.downsamplers.0.conv",
	"enc.down1":          "encoder.down_blocks.1.downsamplers.0.conv",
	"enc.down2":          "encoder.down_blocks.2.resnets.0",
	"enc.mid":            "encoder.mid_block.resnets.1",
	"enc.conv_out":       "encoder.conv_out",

	"dec.post_quant_conv": "post_quant_conv",
	"dec.conv_in":         "decoder.conv_in",
	"dec.mid.resnet0":     "decoder.mid_block.resnets.0",
	"dec.mid.attention0":  "decoder.mid_block.attentions.0",
	"dec.mid":             "decoder.mid_block.resnets.1",
	"dec.up0.resnet1":     "decoder.up_blocks.0.resnets.1",
	"dec.up0":             "decoder.up_blocks.0.upsamplers.0.conv",
	"dec.up1":             "decoder.up_blocks.1.upsamplers.0.conv",
	"dec.up2":             "decoder.up_blocks.2.resnets.1",
	"dec.pixels":          "decoder.conv_out",
}

// waypoints compares what the last window of a direction kept with golden values.
func waypoints(t *testing.T, h *half, golden cnntest.Tensors, prefix string) {
	t.Helper()
	for name, layer := range layersOf {
		if !strings.HasPrefix(name, prefix) || name == "dec.pixels" {
			continue
		}
		x := h.program.traced[layer]
		if x == nil {
			t.Errorf("%s: there is no layer %s", name, layer)
			continue
		}
		got, err := x.F32()
		if err != nil {
			t.Fatal(err)
		}
		want := cnntest.ChannelsLast(golden[name])
		if name == "dec.mid.attention0" { // upstream adds its input outside
			for i, x := range cnntest.ChannelsLast(golden["dec.mid.resnet0"]) {
				want[i] += x
			}
		}
		cnntest.Near(t, name, got, want, waypointBound)
	}
}

func TestEncoderGolden(t *testing.T) {
	golden := cnntest.Read(t, "testdata/encoder-golden.safetensors")
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, cnntest.Read(t, "testdata/encoder.safetensors"), Options{Trace: true})
		clip := cnntest.ChannelsLast(golden["in.video"])
		means, err := c.EncodeFloats(clip, 5, 12, 12, nil)
		if err != nil {
			t.Fatal(err)
		}
		waypoints(t, c.enc, golden, "enc.")
		noise := gputest.Normal(7, len(means))
		sampled, err := c.EncodeFloats(clip, 5, 12, 12, noise)
		if err != nil {
			t.Fatal(err)
		}
		mean, std := cnntest.ChannelsLast(golden["enc.mean"]), cnntest.ChannelsLast(golden["enc.std"])
		drawn := make([]float32, len(mean))
		for i := range mean {
			drawn[i] = float32(c.cfg.Scale * (float64(mean[i]) + float64(std[i])*float64(noise[i])))
			mean[i] = float32(c.cfg.Scale * float64(mean[i]))
		}
		cnntest.Near(t, "enc.mean", means, mean, waypointBound)
		cnntest.Near(t, "samples", sampled, drawn, waypointBound)
	})
}

// scaled returns golden latents as a generator has them.
func scaled(c *Codec, x cnntest.Tensor) []float32 {
	z := cnntest.ChannelsLast(x)
	for i := range z {
		z[i] = float32(float64(z[i]) * c.cfg.Scale)
	}
	return z
}

func TestDecoderGolden(t *testing.T) {
	golden := cnntest.Read(t, "testdata/decoder-golden.safetensors")
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, cnntest.Read(t, "testdata/decoder.safetensors"), Options{Trace: true})
		for _, clip := range []struct{ latents, pixels string }{
			{"in.z1", "dec.pixels_z1"}, {"in.z9", "dec.pixels_z9_tiled"}, {"in.z", "dec.pixels"},
		} {
			z := golden[clip.latents]
			var x []float32
			err := c.DecodeFloats(scaled(c, z), z.Shape[2], z.Shape[3], z.Shape[4], func(y []float32) error {
				x = append(x, y...)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			cnntest.Near(t, clip.pixels, x, cnntest.ChannelsLast(golden[clip.pixels]), pixelBound)
		}
		waypoints(t, c.dec, golden, "dec.")
	})
}
