package arrows

import (
	"slices"
	"testing"
)

func TestCheck(t *testing.T) {
	const (
		ours   = "github.com/morton-gen/morton/"
		beam   = "github.com/apache/beam/sdks/v2"
		astiav = "github.com/asticode/go-astiav"
		vulkan = "github.com/vulkan-go/vulkan"
	)
	tests := []struct {
		file, path string
		why        string // "" where allowed
	}{
		{"mesh/mesh.go", "fmt", ""},
		{"mesh/gltf/read.go", ours + "mesh", ""},
		{"mesh/mesh.go", ours + "mesh/gltf", ""},
		{"octree/build.go", ours + "mesh", ""},
		{"models/cube/net.go", ours + "gpu/ops/norm", ""},
		{"models/cube/net.go", ours + "codecs/cube", ""},
		{"jobs/morton/main.go", ours + "pipelines", ""},
		{"jobs/morton/inspect.go", ours + "mesh/obj", ""},
		{"gpu/ops/norm/rms.go", ours + "internal/oracle", ""},
		{"internal/shaderbuild/main.go", ours + "internal/sum", ""},
		{"models/net.go", "github.com/morton-gen/morton2/jobs", ""},

		{"mesh/mesh.go", ours + "octree", "mesh may not import octree"},
		{"mesh/mesh_test.go", ours + "octree", "mesh may not import octree"},
		{"codecs/video/decode.go", ours + "mesh", "codecs may not import mesh"},
		{"gpu/device.go", ours + "models", "gpu may not import models"},
		{"octree/build.go", ours + "codecs/shard", "octree may not import codecs"},
		{"tools/corpus/tokens.go", ours + "models", ""},
		{"tools/corpus/tokens.go", ours + "transforms/request", "tools may not import transforms"},
		{"jobs/morton/main.go", ours + "tools/corpus", "jobs may not import tools"},
		{"models/net.go", ours + "transforms", "models may not import transforms"},
		{"transforms/decode.go", ours + "pipelines/generate", "transforms may not import pipelines"},
		{"pipelines/generate.go", ours + "jobs/morton", "pipelines may not import jobs"},
		{"internal/oracle/oracle.go", ours + "gpu", "internal may not import gpu"},
		{"util/util.go", "fmt", `folder "util" is not in the rules`},
		{"main.go", "fmt", `folder "." is not in the rules`},

		{"transforms/decode.go", beam + "/go/pkg/beam", ""},
		{"pipelines/generate_test.go", beam + "/go/pkg/beam/testing/ptest", ""},
		{"jobs/morton/main.go", beam + "/go/pkg/beam/x/beamx", ""},
		{"models/train.go", beam + "/go/pkg/beam", "only transforms, pipelines, jobs may import " + beam},
		{"codecs/shard/read_test.go", beam + "/go/pkg/beam", "only transforms, pipelines, jobs may import " + beam},
		{"codecs/video/probe.go", astiav, ""},
		{"codecs/videos/probe.go", astiav, "only codecs/video may import " + astiav},
		{"transforms/decode.go", astiav, "only codecs/video may import " + astiav},
		{"gpu/vk/device.go", vulkan, ""},
		{"gpu/device.go", vulkan, "only gpu/vk may import " + vulkan},
	}
	for _, test := range tests {
		t.Run(test.file+"->"+test.path, func(t *testing.T) {
			var want []string
			if test.why != "" {
				want = []string{test.file + ": imports " + test.path + ": " + test.why}
			}
			got := House.Check([]Import{{File: test.file, Path: test.path}})
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestAcyclic proves that the table itself draws no circle: what a folder may
// import may not import it.
func TestAcyclic(t *testing.T) {
	for from, below := range House.Below {
		for _, to := range below {
			reach, known := House.Below[to]
			if !known {
				t.Errorf("%s -> %s: no such folder", from, to)
			}
			if to == from || slices.Contains(reach, from) {
				t.Errorf("%s and %s may import each other", from, to)
			}
		}
	}
}
