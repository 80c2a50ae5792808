package models_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
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
	work := []struct {
		name, kind string
		ask        models.Request
	}{
		{"cube", system.Video, models.Request{Source: system.Media{Clip: c}, Extent: system.Extent{Frames: 16}}},
		{"octree", system.Shape, models.Request{Source: system.Media{Mesh: source}, Extent: system.Extent{PrefixDepth: 4, Depth: 5}}},
		{"quad", system.Quads, models.Request{Source: system.Media{Mesh: source}, Extent: system.Extent{Faces: 60}}},
	}
	for _, n := range []int{1, 4} {
		o := models.Options{Slots: n}
		for _, w := range work {
			b.Run(fmt.Sprintf("%s/batch=%d", w.name, n), func(b *testing.B) {
				m, err := models.Open(gputest.Open(b, gpu.Options{Grain: models.Grain(w.kind, "", o)}), w.kind, "", o)
				if err != nil {
					b.Fatal(err)
				}
				defer m.Close()
				benchTokens(b, n, func(i int) (models.Stats, error) {
					ask := w.ask
					ask.ID = fmt.Sprint(i)
					r, err := m.Generate(ctx, ask)
					if err != nil {
						return models.Stats{}, err
					}
					return r.Stats, nil
				})
			})
		}
	}
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
