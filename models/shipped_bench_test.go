package models_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models"
)

// BenchmarkGenerate counts the positions each shipped model draws a second, alone
// and in a batch of four.
func BenchmarkGenerate(b *testing.B) {
	ctx := context.Background()
	c, _, err := video.ReadClip(ctx, fixture("video", "bbb_256x144_25fps_64f.mp4"), video.Options{W: 64, H: 64, Fit: video.Crop, MaxFrames: 16})
	if err != nil {
		b.Fatal(err)
	}
	source := mesh.Torus(24, 12, 1, 0.4)
	for _, n := range []int{1, 4} {
		o := models.Options{Slots: n}
		open := func(b *testing.B, family string) *gpu.Device {
			return gputest.Open(b, gpu.Options{Grain: models.Grain("", family, o)})
		}
		b.Run(fmt.Sprintf("cube/batch=%d", n), func(b *testing.B) { benchCube(b, open(b, shard.KindCube), n, c) })
		b.Run(fmt.Sprintf("octree/batch=%d", n), func(b *testing.B) {
			s, err := models.OpenShapes(open(b, shard.KindOctree), "", o)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			benchTokens(b, n, func(i int) (models.Stats, error) {
				r, err := s.Generate(ctx, models.ShapeRequest{ID: fmt.Sprint(i), Source: source, PrefixDepth: 4, Depth: 5})
				if err != nil {
					return models.Stats{}, err
				}
				return r.Stats, nil
			})
		})
		b.Run(fmt.Sprintf("quad/batch=%d", n), func(b *testing.B) {
			q, err := models.OpenQuads(open(b, shard.KindQuad), "", o)
			if err != nil {
				b.Fatal(err)
			}
			defer q.Close()
			benchTokens(b, n, func(i int) (models.Stats, error) {
				r, err := q.Generate(ctx, models.QuadRequest{ID: fmt.Sprint(i), Source: source, Faces: 60})
				if err != nil {
					return models.Stats{}, err
				}
				return r.Stats, nil
			})
		})
	}
}

func benchCube(b *testing.B, dev *gpu.Device, n int, c *clip.Clip) {
	v, err := models.OpenVideos(dev, "", models.Options{Slots: n})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	benchTokens(b, n, func(i int) (models.Stats, error) {
		r, err := v.Generate(context.Background(), models.VideoRequest{ID: fmt.Sprint(i), Prefix: c, Frames: 16})
		if err != nil {
			return models.Stats{}, err
		}
		return r.Stats, nil
	})
}

func benchTokens(b *testing.B, n int, generate func(i int) (models.Stats, error)) {
	b.Helper()
	var mu sync.Mutex
	tokens := 0
	round := func() {
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				s, err := generate(i)
				if err != nil {
					b.Error(err)
				}
				mu.Lock()
				tokens += s.Tokens
				mu.Unlock()
			})
		}
		wg.Wait()
	}
	round() // pipelines are compiled at their first use
	tokens = 0
	for b.Loop() {
		round()
	}
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}
