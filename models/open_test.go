package models_test

import (
	"errors"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// TestOpenRefuses opens folders as what they are not. None of it gets to a device.
func TestOpenRefuses(t *testing.T) {
	pictures := folder(t, llamaFiles())
	small := llamaFiles()
	delete(small, "vq.safetensors")
	empty := t.TempDir()
	if err := os.WriteFile(filepath.Join(empty, "config.json"), []byte(`{"family": "cube", "format": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind, path string
		want       error
	}{
		{system.Video, "shipped/quad", models.ErrFamily},
		{system.Image, "shipped/quad", models.ErrFamily},
		{system.Video, pictures, models.ErrFamily},
		{system.Image, folder(t, small), models.ErrFolder},
		{system.Image, "", models.ErrFolder},
		{"sound", "", models.ErrFolder},
		{system.Quads, t.TempDir(), system.ErrUnknown},
		{system.Video, empty, nn.ErrConfig},
	} {
		if _, err := models.Open(nil, c.kind, c.path, models.Options{}); !errors.Is(err, c.want) {
			t.Errorf("%s from %q: %v, want %v", c.kind, c.path, err, c.want)
		}
	}
}

// TestDescribeNeedsNoDevice tells what media the shipped models take.
func TestDescribeNeedsNoDevice(t *testing.T) {
	for kind, want := range map[string]system.Format{
		system.Video: {H: 64, W: 64, Rate: clip.Rate{Num: 25, Den: 1}, Frames: 4}, system.Shape: {Depth: 5}, system.Quads: {Faces: 188},
	} {
		if _, f, err := models.Describe(kind, ""); err != nil || f != want {
			t.Errorf("%s: %+v, %v", kind, f, err)
		}
		if g := models.Grain(kind, "", models.Options{}); g <= 0 {
			t.Errorf("%s: grain %d", kind, g)
		}
	}
	if g := models.Grain(system.Image, "", models.Options{}); g != 0 {
		t.Errorf("a grain of %d of no model", g)
	}
}

// TestOnlyClipsStream: a model of meshes takes no frames, and says so.
func TestOnlyClipsStream(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	m := must(models.Open(dev, system.Shape, "", models.Options{Slots: 1}))(t)
	defer m.Close()
	none := iter.Seq2[[]uint8, error](func(func([]uint8, error) bool) {})
	if _, err := m.EncodeFrames("a", clip.Rate{Num: 1, Den: 1}, system.Extent{}, none); m.Streams() || !errors.Is(err, system.ErrRequest) {
		t.Errorf("streams: %v, %v", m.Streams(), err)
	}
}
