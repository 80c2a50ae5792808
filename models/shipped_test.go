package models_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/shipped"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/octree"
)

func fixture(parts ...string) string {
	return filepath.Join(append([]string{"..", "testdata"}, parts...)...)
}

func readMesh(t *testing.T, name string) *mesh.Mesh {
	t.Helper()
	m, _, err := obj.ReadFile(fixture("mesh", name), obj.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func readClip(t *testing.T, name string, frames int) *clip.Clip {
	t.Helper()
	c, _, err := video.ReadClip(context.Background(), fixture("video", name), video.Options{W: 64, H: 64, Fit: video.Crop, MaxFrames: frames})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func must[T any](x T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// TestShippedFoldersAreWholeAndSmall bounds what a clone and a binary carry.
func TestShippedFoldersAreWholeAndSmall(t *testing.T) {
	total := int64(0)
	err := fs.WalkDir(shipped.Files, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, ierr := d.Info()
			total, err = total+info.Size(), ierr
		}
		return err
	})
	if err != nil || total > 50e6 {
		t.Errorf("%d bytes are shipped, at most 50 MB: %v", total, err)
	}
	for _, family := range []string{shard.KindCube, shard.KindOctree, shard.KindQuad} {
		c, err := models.ReadConfig("", family)
		if err != nil {
			t.Fatal(err)
		}
		held, _ := c.Training["heldout_nats"].(float64)
		bigram, _ := c.Training["bigram_nats"].(float64)
		if !(held > 0 && held < bigram) {
			t.Errorf("%s: held-out %g nats a token, the bigram table has %g", family, held, bigram)
		}
	}
}

// TestTokenizerKeepsTheHeldOutClip measures the video tokenizer on the one clip
// that no training used.
func TestTokenizerKeepsTheHeldOutClip(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		v := must(models.Open(dev, system.Video, "", models.Options{Slots: 1}))(t)
		defer v.Close()
		c := readClip(t, "plant_320x240_30fps_36f.mp4", 0)
		s := encode(t, v, "plant", c)
		media, _, err := v.Decode(s)
		back := must(media.Clip, err)(t)
		if back.T != c.T {
			t.Fatalf("%d frames came back as %d", c.T, back.T)
		}
		db := must(clip.PSNR(back, c))(t)
		t.Logf("plant at 64x64, %d frames, %d tokens: %.2f dB", c.T, len(s.Tokens), db)
		if db < 28 {
			t.Errorf("%.2f dB, at least 28 are promised", db)
		}
	})
}

// TestVideosContinue checks the frames of a continuation and that its prefix is
// the clip that was given.
func TestVideosContinue(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		v := must(models.Open(dev, system.Video, "", models.Options{Slots: 2}))(t)
		defer v.Close()
		c := readClip(t, "cockatoo_320x180_20fps_48f.mp4", 21)
		res := must(v.Generate(context.Background(), models.Request{ID: "c", Seed: 1, Source: system.Media{Clip: c}, Extent: system.Extent{Frames: 12}}))(t)
		made := res.Media.Clip
		if res.Given != 20 || made.T != 32 || made.Rate != c.Rate {
			t.Fatalf("prefix %d, %d frames at %v", res.Given, made.T, made.Rate)
		}
		given := must(c.Slice(1, 21))(t)
		prefix := must(made.Slice(0, 20))(t)
		if db := must(clip.PSNR(prefix, given))(t); db < 20 {
			t.Errorf("the prefix came out at %.2f dB", db)
		}
	})
}

// TestSamplesDoNotDependOnTheBatch runs every family one request at a time and
// all at once, and compares what it draws with the tokens on record.
func TestSamplesDoNotDependOnTheBatch(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		chair, vase := readMesh(t, "katorlegaz_dining_chair.obj"), readMesh(t, "scopia_vase3.obj")
		clips := []*clip.Clip{readClip(t, "bbb_256x144_25fps_64f.mp4", 16), readClip(t, "city_320x180_25fps_48f.mp4", 16)}
		ctx := context.Background()
		shapes := func(dir string) func(slots int) [][]int64 {
			return func(slots int) [][]int64 {
				s := must(models.Open(dev, system.Shape, dir, models.Options{Slots: slots}))(t)
				defer s.Close()
				return together(t, slots, func(i int) (shard.Sample, error) {
					r, err := s.Generate(ctx, models.Request{ID: string(rune('a' + i)), Seed: 7, Source: system.Media{Mesh: []*mesh.Mesh{chair, vase}[i]}, Extent: system.Extent{PrefixDepth: 5, Depth: 5}})
					return sampleOf(r, err, func() shard.Sample { return r.Sample })
				})
			}
		}
		families := map[string]func(slots int) [][]int64{
			"cube": func(slots int) [][]int64 {
				v := must(models.Open(dev, system.Video, "", models.Options{Slots: slots}))(t)
				defer v.Close()
				return together(t, slots, func(i int) (shard.Sample, error) {
					r, err := v.Generate(ctx, models.Request{ID: string(rune('a' + i)), Seed: 7, Source: system.Media{Clip: clips[i]}, Extent: system.Extent{Frames: 8}})
					return sampleOf(r, err, func() shard.Sample { return r.Sample })
				})
			},
			"octree":      shapes(""),
			"octree-sets": shapes(filepath.Join("shipped", "octree-sets")),
			"quad": func(slots int) [][]int64 {
				q := must(models.Open(dev, system.Quads, "", models.Options{Slots: slots}))(t)
				defer q.Close()
				return together(t, slots, func(i int) (shard.Sample, error) {
					r, err := q.Generate(ctx, models.Request{ID: string(rune('a' + i)), Seed: 7, Source: system.Media{Mesh: []*mesh.Mesh{chair, vase}[i]}, Extent: system.Extent{Faces: 12}})
					return sampleOf(r, err, func() shard.Sample { return r.Sample })
				})
			},
		}
		for name, run := range families {
			alone, both := run(1), run(2)
			for i := range alone {
				if len(alone[i]) == 0 || !slices.Equal(alone[i], both[i]) {
					t.Errorf("%s: request %d draws other tokens in company", name, i)
				}
			}
			goldenTokens(t, dev, name, alone)
		}
	})
}

func sampleOf[R any](_ R, err error, get func() shard.Sample) (shard.Sample, error) {
	if err != nil {
		return shard.Sample{}, err
	}
	return get(), nil
}

// together makes two samples, at once if there are slots for it.
func together(t *testing.T, slots int, make1 func(int) (shard.Sample, error)) [][]int64 {
	t.Helper()
	out := make([][]int64, 2)
	var wg sync.WaitGroup
	for i := range out {
		run := func() {
			s, err := make1(i)
			if err != nil {
				t.Error(err)
			}
			out[i] = s.Tokens
		}
		if slots == 1 {
			run()
		} else {
			wg.Go(run)
		}
	}
	wg.Wait()
	return out
}

// TestShapesAreClosedQuads checks what the octree family promises of every
// surface, with a source and from nothing.
func TestShapesAreClosedQuads(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := must(models.Open(dev, system.Shape, "", models.Options{Slots: 2}))(t)
		defer s.Close()
		for name, source := range map[string]*mesh.Mesh{"chair": readMesh(t, "katorlegaz_dining_chair.obj"), "nothing": nil} {
			r := must(s.Generate(context.Background(), models.Request{ID: name, Seed: 3, Source: system.Media{Mesh: source}, Extent: system.Extent{Depth: 5}}))(t)
			m := must(mesh.Measure(r.Media.Mesh))(t)
			if !m.Watertight || m.QuadRatio != 1 {
				t.Errorf("%s: watertight %v, quad ratio %g", name, m.Watertight, m.QuadRatio)
			}
		}
		if _, err := s.Generate(context.Background(), models.Request{ID: "deep", Extent: system.Extent{Depth: 10}}); !errors.Is(err, octree.ErrDepth) {
			t.Errorf("depth 10: %v", err)
		}
	})
}

func TestFolderErrors(t *testing.T) {
	if _, err := models.ReadConfig(t.TempDir(), ""); !errors.Is(err, models.ErrFolder) {
		t.Errorf("empty folder: %v", err)
	}
	if _, err := models.ReadConfig("", "none"); !errors.Is(err, models.ErrFolder) {
		t.Errorf("no such family: %v", err)
	}
}
