package models_test

import (
	"context"
	"errors"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
)

// TestBeamSearchCloses searches among quad meshes on the way. The score is that of the mesh
// that comes out, another run finds the same, and it is more closed than the plain sample.
func TestBeamSearchCloses(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		m := must(models.Open(dev, system.Quads, "", models.Options{Slots: 4}))(t)
		defer m.Close()
		ask := func(s *models.Search) (closed, score float64) {
			res := must(m.Generate(context.Background(), models.Request{
				ID: "box", Seed: 3, Source: system.Media{Mesh: mesh.QuadSphere(2)}, Extent: system.Extent{Faces: 10}, Search: s,
			}))(t)
			r := must(mesh.Measure(res.Media.Mesh))(t)
			two := r.Edges - r.BoundaryEdges - r.NonManifoldEdges
			return float64(two) / float64(r.Edges), res.Stats.Score
		}
		plain, _ := ask(nil)
		beam := &models.Search{Candidates: 4, Verifier: "closed", Every: 24, Keep: 2}
		found, score := ask(beam)
		again, _ := ask(beam)
		t.Logf("closed edges: %.3f without a search, %.3f with", plain, found)
		if d := score - found; d > 1e-12 || d < -1e-12 || again != found || found <= plain {
			t.Errorf("score %g of a mesh with %g, again %g, without a search %g", score, found, again, plain)
		}
	})
}

func TestBadSearches(t *testing.T) {
	good := models.Search{Candidates: 4, Verifier: "closed", Every: 12, Keep: 2}
	if err := good.Check(system.Quads); err != nil {
		t.Fatal(err)
	}
	for kind, s := range map[string]models.Search{
		system.Quads: {Candidates: 0, Verifier: "closed"},
		system.Shape: good, // whose unfinished samples are no meshes
		system.Video: {Candidates: 4, Verifier: "closed"},
		system.Image: {Candidates: 4, Verifier: "sharp", Keep: 2},
	} {
		if err := s.Check(kind); !errors.Is(err, system.ErrRequest) {
			t.Errorf("%s %+v: %v", kind, s, err)
		}
	}
	for _, s := range []models.Search{{Candidates: 2, Verifier: "closed", Every: 1, Keep: 3}, {Candidates: 2, Verifier: "best"}, {Candidates: 2, Verifier: "near", Every: -1}} {
		if err := s.Check(system.Quads); !errors.Is(err, system.ErrRequest) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}
