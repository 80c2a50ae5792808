package models_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/shipped"
	"github.com/morton-gen/morton/models/system"
)

// copyShipped writes the folder of a shipped model.
func copyShipped(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	for _, e := range must(fs.ReadDir(shipped.Files, name))(t) {
		data := must(fs.ReadFile(shipped.Files, name+"/"+e.Name()))(t)
		if err := os.WriteFile(filepath.Join(dir, e.Name()), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestDraftsChangeNoToken drafts for a model with itself in the precision of the model, so
// that every draft is right, and checks that tokens are equal and fewer steps are taken.
func TestDraftsChangeNoToken(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		var plain []int64
		for _, draft := range []string{"", copyShipped(t, shard.KindQuad)} {
			m := must(models.Open(dev, system.Quads, "", models.Options{Slots: 1, Draft: draft, Ahead: 5}))(t)
			res := must(m.Generate(context.Background(), models.Request{
				ID: "ball", Seed: 3, Source: system.Media{Mesh: mesh.QuadSphere(2)}, Extent: system.Extent{Faces: 4},
			}))(t)
			s := m.EngineStats()
			m.Close()
			if draft == "" {
				plain = res.Sample.Tokens
				continue
			}
			t.Logf("%d tokens: %d kept of %d checks", len(plain), s.Kept, s.Checked)
			if !slices.Equal(res.Sample.Tokens, plain) || s.Checked == 0 || float64(s.Kept) < 4*float64(s.Checked) {
				t.Errorf("tokens differ with a draft, or %d are kept of %d checks", s.Kept, s.Checked)
			}
		}
		if _, err := models.Open(dev, system.Quads, "", models.Options{Draft: copyShipped(t, shard.KindOctree)}); !errors.Is(err, models.ErrFamily) {
			t.Errorf("a draft of another kind: %v", err)
		}
	})
}

// TestRelaxedDrafts relaxes the check of drafts by the code book of a folder's tokenizer.
// Its samples go by another name. What cannot be drafted or relaxed is refused.
func TestRelaxedDrafts(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		dir := folder(t, llamaFiles())
		o := models.Options{Slots: 1, Draft: dir, Ahead: 4, Near: 5, Delta: 0.5}
		m := must(models.Open(dev, system.Image, dir, o))(t)
		defer m.Close()
		none := 1.0
		must(m.Generate(context.Background(), models.Request{ID: "a", Seed: 1, Class: 7, Guidance: &none}))(t)
		if s := m.EngineStats(); s.Checked == 0 || s.Kept < 3*s.Checked { // the last check is of few
			t.Errorf("%d tokens of %d checks are kept of a draft that is right", s.Kept, s.Checked)
		}
		if !strings.Contains(m.Name(), "-relaxed-5-0.5-4-") {
			t.Errorf("relaxed samples are called %s", m.Name())
		}
		for name, o := range map[string]models.Options{
			"no draft": {Near: 5, Delta: 0.5}, "no guesses": {Guesses: true}, "delta": {Draft: dir, Near: 5, Delta: 2},
		} {
			if _, err := models.Open(dev, system.Image, dir, o); !errors.Is(err, system.ErrRequest) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := models.Open(dev, system.Quads, "", models.Options{Draft: copyShipped(t, shard.KindQuad), Near: 5}); !errors.Is(err, system.ErrRequest) {
			t.Errorf("tokens without a code book: %v", err)
		}
	})
}

// TestDraftedNumbers drafts sets of real numbers of a MAR with itself. Samples go by another
// name. A temperature of a check without a draft, or below 1, is refused.
func TestDraftedNumbers(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		dir := folder(t, map[string]string{"tokenizer.json": tinyKL + "config.json", "kl.safetensors": tinyKL + "decoder.safetensors"})
		config := []byte(`{"img_size": 16, "vae_stride": 4, "vae_embed_dim": 4, "encoder_embed_dim": 16, "encoder_depth": 1, "encoder_num_heads": 2, "decoder_embed_dim": 16,
			"decoder_depth": 1, "decoder_num_heads": 2, "class_num": 9, "buffer_size": 2, "diffloss_d": 1, "diffloss_w": 16, "num_sampling_steps": "ddim8", "num_iter": 8}`)
		var weights []safetensors.NamedTensor
		for i, s := range must(must(system.ToTrain("mar"))(t).Open(config, nil))(t).Params.Specs() {
			x := safetensors.Tensor{DType: safetensors.F32, Shape: s.Shape}
			if s.File != nil {
				x.Shape = s.File
			}
			for _, v := range gputest.Normal(uint64(i), tensor.Elems(x.Shape)) {
				x.Data = binary.LittleEndian.AppendUint32(x.Data, math.Float32bits(v/10))
			}
			weights = append(weights, safetensors.NamedTensor{Name: s.Name, Tensor: x})
		}
		if err := errors.Join(safetensors.Write(filepath.Join(dir, "mar.safetensors"), weights, nil), os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600)); err != nil {
			t.Fatal(err)
		}
		m := must(models.Open(dev, system.Image, dir, models.Options{Draft: dir, Ahead: 3, Heat: 42}))(t)
		defer m.Close()
		must(m.Generate(context.Background(), models.Request{ID: "a", Seed: 1, Class: 7}))(t)
		if s := m.EngineStats(); s.Checked != 2 { // two sets alone, then three and three
			t.Errorf("nothing is checked: %+v", s)
		}
		if !strings.Contains(m.Name(), "-drafted-3-42-") {
			t.Errorf("drafted samples are called %s", m.Name())
		}
		for name, o := range map[string]models.Options{"no draft": {Heat: 2}, "cool": {Draft: dir, Heat: 0.5}} {
			if _, err := models.Open(dev, system.Image, dir, o); !errors.Is(err, system.ErrRequest) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
