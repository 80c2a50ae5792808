package systems_test

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// folderOf writes a folder of random weights with a tiny tokenizer.
func folderOf(t *testing.T, o named64, config, codec string) string {
	t.Helper()
	dir := t.TempDir()
	var all []safetensors.NamedTensor
	for _, name := range o.Names() {
		x := safetensors.Tensor{DType: safetensors.F32, Shape: o.shapes[name]}
		for _, v := range must(o.Floats(name))(t) {
			x.Data = binary.LittleEndian.AppendUint32(x.Data, math.Float32bits(v))
		}
		all = append(all, safetensors.NamedTensor{Name: name, Tensor: x})
	}
	if err := safetensors.Write(filepath.Join(dir, "model.safetensors"), all, nil); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"config.json": []byte(config), "tokenizer.json": must(os.ReadFile(codec + "config.json"))(t), "vae.safetensors": must(os.ReadFile(codec + "decoder.safetensors"))(t),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// described are systems by their description, with random weights.
var described = []struct {
	name, config, codec string
	weights             named64
	side                int // pixels
}{
	{"block-diffusion", `{"n_heads": 2, "block_size": 4, "model_length": 10, "num_classes": 3}`, "../tokenizer/vq/testdata/", tinyBlockDiffusion(), 12},
	{"token-shuffle", llDescription, "../tokenizer/vq/testdata/", tinyTokenShuffle(), 16},
	{"coarse-to-fine", ctDescription, "../tokenizer/vq/testdata/", tinyCTF(), 16},
	{"hi-mar", hiDescription, "../tokenizer/kl/testdata/", tinyHiMAR(), 32},
}

// TestFolders opens folders as commands do, and draws a picture with each.
func TestFolders(t *testing.T) {
	for _, c := range described {
		t.Run(c.name, func(t *testing.T) {
			gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
				m := must(models.Open(dev, system.Image, folderOf(t, c.weights, c.config, c.codec), models.Options{Slots: 2, Precision: nn.F32}))(t)
				defer m.Close()
				if m.System().Name != c.name {
					t.Errorf("it opens as %s", m.System().Name)
				}
				res := must(m.Generate(context.Background(), models.Request{ID: "a", Seed: 1, Class: 2}))(t)
				if p := res.Media.Picture; p.H != c.side || p.W != c.side {
					t.Errorf("a picture of %dx%d, want %d", p.H, p.W, c.side)
				}
			})
		})
	}
}

// TestInCompany draws requests with guidance and without, alone and together: by default with
// Hi-MAR, whose branches hand each other states.
func TestInCompany(t *testing.T) {
	for _, c := range described {
		if c.name != "hi-mar" && !gputest.Exhaustive() {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
				s := must(must(system.Detect(c.weights))(t).Open([]byte(c.config), c.weights))(t)
				prompts := []system.Prompt{{Class: 1, Guidance: 3}, {Class: 0}, {Class: 2, Guidance: 2}, {Class: 1, Guidance: 3}}
				inCompany(t, dev, s, c.weights, "p", prompts, 1, []engine.Options{{Slots: 8}})
			})
		})
	}
}
