package models_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
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
