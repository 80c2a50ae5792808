package octgpt

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cells"
	"github.com/morton-gen/morton/octree/dual"
)

func TestCodecIsFound(t *testing.T) {
	w := weights(t)
	k, err := system.DetectCodec(w)
	if err != nil || k.Name != "octgpt" || k.Kind != system.Shape {
		t.Fatalf("%+v, %v", k, err)
	}
	if k, err := system.CodecOf(shard.KindOctreeCodes); err != nil || k.Name != "octgpt" {
		t.Errorf("%+v, %v", k, err)
	}
	if !k.Describes(tinyConfig(t)) || k.Describes(json.RawMessage(`{"num_heads": 8}`)) {
		t.Error("its own config.json is none, or a generator's is")
	}
	d, err := k.Describe(tinyConfig(t), w)
	if err != nil || len(d.Facts()) != 3 {
		t.Fatalf("%v, %v", d, err)
	}
	of := func(top, depth int) func(*gpu.Device, system.Files) (system.Tokenizer, error) {
		return func(*gpu.Device, system.Files) (system.Tokenizer, error) {
			return cells.Tokenizer{Top: top, Depth: depth}, nil
		}
	}
	if f, err := d.Fit(&system.System{Token: system.Token{Bits: 32}, Tokenizer: of(3, 6)}); err != nil || f.Depth != 6 {
		t.Errorf("%+v, %v", f, err)
	}
	for _, other := range []system.System{{Token: system.Token{Bits: 16}, Tokenizer: of(3, 6)}, {Token: system.Token{Bits: 32}, Tokenizer: of(3, 7)}, {Token: system.Token{Bits: 32}, Tokenizer: of(2, 6)}} {
		if _, err := d.Fit(&other); err == nil {
			t.Errorf("it fits %+v", other)
		}
	}
}

// sphereField is the field of a tree around a sphere whose leaves say how far it is.
func sphereField(t *testing.T, radius float64) *dual.Field {
	t.Helper()
	points, normals := ball(20000)
	for i := range points {
		points[i] = points[i].Scale(radius / 0.4)
	}
	tree, _, err := dual.FromPoints(points, normals, 3, 8)
	if err != nil {
		t.Fatal(err)
	}
	var values []float32
	for d := 3; d <= 8; d++ {
		for r, k := range tree.Keys(d) {
			if tree.Splits(d, r) {
				continue
			}
			x, y, z := k.Decode()
			half := 1 / float64(int(1)<<d)
			p := mesh.Vec3{(2*float64(x)+1)*half - 1, (2*float64(y)+1)*half - 1, (2*float64(z)+1)*half - 1}
			n := p.Unit()
			values = append(values, float32(n[0]), float32(n[1]), float32(n[2]), float32(p.Len()-radius))
		}
	}
	f, err := dual.NewField(tree, values)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestContourSphere holds the surfaces of a field that is known: watertight, where the field has
// the level up to a tenth of a step of the grid, and within half a cell of the sphere, from which
// the planes of large leaves are off.
func TestContourSphere(t *testing.T) {
	const radius = 0.53
	f := sphereField(t, radius)
	for _, faces := range []string{Triangles, Quads} {
		m, err := Config{Faces: faces, Resolution: 256, Level: 0.002}.contour(f)
		if err != nil {
			t.Fatal(err)
		}
		r, err := mesh.Measure(m)
		if err != nil || !r.Watertight || !r.ConsistentWinding || r.Euler != 2 || r.Components != 1 || (r.QuadRatio == 1) != (faces == Quads) {
			t.Fatalf("%s: %+v, %v", faces, r, err)
		}
		level, sphere := 0.0, 0.0
		for _, p := range m.Vertices {
			level, sphere = max(level, math.Abs(f.At(p)-0.002)), max(sphere, math.Abs(p.Len()-radius-0.002))
		}
		want := 4 * math.Pi / 3 * math.Pow(radius+0.002, 3)
		t.Logf("%s: %d faces, values within %.1e of the level, vertices within %.1e of the sphere, volume %.5f of %.5f", faces, r.Faces, level, sphere, r.Volume, want)
		if level > 0.1*1.8/256 || sphere > 0.5/128 || math.Abs(r.Volume-want) > 2e-3*want {
			t.Errorf("%s: values within %g of the level, vertices within %g of the sphere, volume %g of %g", faces, level, sphere, r.Volume, want)
		}
	}
}

// ring is a mesh away from the middle.
func ring() *mesh.Mesh {
	m := mesh.Torus(24, 12, 3, 1)
	for i, p := range m.Vertices {
		m.Vertices[i] = p.Add(mesh.Vec3{40, 50, 60})
	}
	return m
}

// TestMeshes codes a mesh, and decodes it in both kinds of faces, in its place.
func TestMeshes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		cfg := tiny(t, dev).Config()
		cfg.Resolution = 96
		var sample shard.Sample
		for _, faces := range []string{Triangles, Quads} {
			cfg.Faces = faces
			k, err := cfg.Load(dev, weights(t), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			s, measures, err := k.Encode("a", system.Media{Mesh: ring()}, system.Extent{})
			if err != nil || s.Kind != shard.KindOctreeCodes || !slices.Equal(s.Grid, []int32{3, 6}) || measures["nodes"] < 1000 {
				t.Fatalf("%s %v, %v, %v", s.Kind, s.Grid, measures, err)
			}
			if sample.Tokens != nil && !slices.Equal(sample.Tokens, s.Tokens) {
				t.Error("tokens depend on the faces")
			}
			sample = s
			tree, codes, err := k.(meshes).Parse(s)
			if err != nil || len(codes) != len(tree.Keys(6)) {
				t.Fatalf("%d codes, %v", len(codes), err)
			}
			m, measures, err := k.Decode(s)
			if err != nil || m.Mesh.Validate() != nil {
				t.Fatal(err)
			}
			r, err := mesh.Measure(m.Mesh)
			if err != nil || (r.Quads == r.Faces) != (faces == Quads) || !r.ConsistentWinding && r.Watertight {
				t.Errorf("%s: %+v, %v", faces, r, err)
			}
			t.Logf("%s: %d faces in %d parts, watertight %v, %g open parts", faces, r.Faces, r.Components, r.Watertight, measures["open_parts"])
			for axis, x := range [3]float64{40, 50, 60} { // random weights keep no shape, but its box
				if r.BoundsMin[axis] < x-6 || r.BoundsMax[axis] > x+6 {
					t.Errorf("from %v to %v", r.BoundsMin, r.BoundsMax)
				}
			}
		}
	})
}

func TestMeshesRefuse(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		k, err := tiny(t, dev).Config().Load(dev, weights(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		if _, _, err := k.Encode("a", system.Media{}, system.Extent{}); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("no mesh: %v", err)
		}
		if _, err := k.Begin("a", system.Media{Mesh: ring()}, system.Extent{PrefixDepth: 7}); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("too many levels: %v", err)
		}
		s, _, err := k.Encode("a", system.Media{Mesh: ring()}, system.Extent{})
		if err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(*shard.Sample){
			"another kind": func(s *shard.Sample) { s.Kind = shard.KindOctree },
			"few tokens":   func(s *shard.Sample) { s.Tokens = s.Tokens[:47] },
			"a code less":  func(s *shard.Sample) { s.Tokens = s.Tokens[1:] },
			"other levels": func(s *shard.Sample) { s.Grid = []int32{3, 7} },
			"no grid":      func(s *shard.Sample) { s.Grid = nil },
			"a high token": func(s *shard.Sample) { s.Tokens = append(slices.Clone(s.Tokens[:len(s.Tokens)-1]), 1<<32) },
			"a low token":  func(s *shard.Sample) { s.Tokens = append(slices.Clone(s.Tokens[:len(s.Tokens)-1]), -1) },
		} {
			spoiled := s
			change(&spoiled)
			if _, _, err := k.Decode(spoiled); !errors.Is(err, shard.ErrSample) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
