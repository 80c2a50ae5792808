package dar_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/dar"
)

// folder has D-AR's tiny generator, and the tiny tokenizer beside it.
func folder(t *testing.T) string {
	t.Helper()
	dir, w := t.TempDir(), dar.Tiny()
	var all []safetensors.NamedTensor
	for _, name := range w.Names() {
		values, _ := w.Floats(name) // has no errors
		x := safetensors.Tensor{DType: safetensors.F32, Shape: w[name]}
		for _, v := range values {
			x.Data = binary.LittleEndian.AppendUint32(x.Data, math.Float32bits(v))
		}
		all = append(all, safetensors.NamedTensor{Name: name, Tensor: x})
	}
	err := safetensors.Write(filepath.Join(dir, "tokenizer.safetensors"), all, nil)
	for _, name := range []string{"config.json", "weights.safetensors"} {
		var data []byte
		if err == nil {
			data, err = os.ReadFile(filepath.Join("../../systems/testdata/d-ar", name))
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "tokenizer.json"), []byte(dar.TinyText), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestFolder draws a picture with D-AR, gets it again from its sample, and turns pixels into
// tokens.
func TestFolder(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		m, err := models.Open(dev, system.Image, folder(t), models.Options{Slots: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		res, err := m.Generate(t.Context(), models.Request{ID: "a", Seed: 1, Class: 3})
		if err != nil {
			t.Fatal(err)
		}
		p := res.Media.Picture
		if m.System().Name != "d-ar" || p.H != 16 || p.W != 16 {
			t.Fatalf("%s draws a picture of %d by %d", m.System().Name, p.H, p.W)
		}
		back, _, err := m.Decode(res.Sample)
		if err != nil || !slices.Equal(back.Picture.Pix, p.Pix) {
			t.Errorf("the sample gives another picture, error %v", err)
		}
		s, _, err := m.Encode("a", res.Media, system.Extent{})
		if err != nil || len(s.Tokens) != 20 || !slices.Equal(s.Grid, res.Sample.Grid) {
			t.Errorf("a picture gives %v with %d tokens, error %v", s.Grid, len(s.Tokens), err)
		}
	})
}
