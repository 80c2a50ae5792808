package pipelines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// shipped are the real openers, kept before a test puts a model of its own in
// their place.
var shipped = func() map[request.Family]family.Opener {
	all := map[request.Family]family.Opener{}
	for _, f := range request.Families {
		all[f] = family.Registered(f)
	}
	return all
}()

// TestShippedModels runs the three shipped models on fixtures, each on the direct
// runner and on Prism with several workers and another number in flight: the
// tokens are the same to the byte.
func TestShippedModels(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a device on two cores 10 to 30 s")
	}
	if _, err := gpu.List(); errors.Is(err, gpu.ErrNoDevice) && !gputest.Required() {
		t.Skip(err)
	}
	for _, c := range []struct {
		base   request.Request
		inputs []string
	}{
		{request.Request{Family: request.Video, Prefix: 16, Frames: 16}, []string{
			"../testdata/video/city_320x180_25fps_48f.mp4", "../testdata/video/bbb_256x144_25fps_64f.mp4",
		}},
		{request.Request{Family: request.Shape, PrefixDepth: 4, Depth: 5}, []string{
			"../testdata/mesh/cc-by_spoon.obj",
		}},
		{request.Request{Family: request.Quads, Faces: 20}, []string{
			"../testdata/mesh/cc-0_crate.obj", "../testdata/mesh/AnimatedMorphCube.gltf",
		}},
	} {
		t.Run(string(c.base.Family), func(t *testing.T) {
			family.Register(c.base.Family, shipped[c.base.Family])
			c.base.Seed = 5
			requests, err := request.FromPaths(c.inputs, c.base)
			if err != nil {
				t.Fatal(err)
			}
			direct := Job{Requests: requests, Settings: transforms.Settings{Spec: family.Spec{Family: c.base.Family}, Out: t.TempDir()}}
			prism := direct
			prism.Runner, prism.Workers, prism.Settings.InFlight, prism.Settings.Out = "prism", 2, 1, t.TempDir()
			for _, j := range []Job{direct, prism} {
				s, err := Generate(context.Background(), j)
				if err != nil {
					t.Fatal(err)
				}
				if s.Done != len(c.inputs) {
					failures, _ := report.ReadFailures(j.Settings.Out)
					t.Fatalf("%+v: %+v", s, failures)
				}
			}
			if tokens(t, direct) != tokens(t, prism) {
				t.Error("tokens differ between the direct runner and Prism")
			}
			checkResults(t, direct.Settings.Out)
		})
	}
}

// checkResults opens what stands in a run's folder.
func checkResults(t *testing.T, dir string) {
	t.Helper()
	results, err := report.ReadResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		path := filepath.Join(dir, r.Output)
		if r.Family == request.Video {
			info, err := video.Probe(context.Background(), path, video.Limits{})
			if want := r.Prefix + r.Frames; err != nil || info.Frames != want || r.OutputFrames != want {
				t.Errorf("%s: %d frames, row says %d, want %d: %v", path, info.Frames, r.OutputFrames, want, err)
			}
			continue
		}
		m, _, err := meshfile.Read(path, meshfile.Options{})
		if err != nil || fmt.Sprint(m.NumFaces()) != fmt.Sprint(r.Measures["faces"]) {
			t.Errorf("%s: %v, faces %v in the row", path, err, r.Measures["faces"])
		}
		if _, err := os.Stat(filepath.Join(dir, r.Poster)); err != nil {
			t.Error(err)
		}
	}
}
