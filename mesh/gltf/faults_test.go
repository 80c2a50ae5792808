package gltf

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	qgltf "github.com/qmuntal/gltf"
)

// TestFaults reads files that were once refused or misread. All show unit cubes
// of twelve triangles.
func TestFaults(t *testing.T) {
	second, third := qgltf.Index(1), qgltf.Index(2)
	for _, c := range []struct {
		name  string
		scene *int
		cubes int
		hi    float64 // the largest x
		err   error
		says  string
	}{
		{"instancing_opt.glb", nil, 3, 7, nil, ""},
		{"no_default_scene.glb", nil, 1, 1, nil, ""},
		{"no_default_scene.glb", second, 1, 6, nil, ""},
		{"no_default_scene.glb", third, 0, 0, ErrScene, "2; the file has 2"},
		{"req_techniques.glb", nil, 1, 1, nil, ""},
		{"scale000.glb", nil, 0, 0, mesh.ErrNoArea, "all of its 12 faces shrink to a point"},
		{"uri_query.gltf", nil, 0, 0, fs.ErrNotExist, `the file "x.bin" beside it is missing`},
	} {
		m, info, err := Read(filepath.Join("testdata", c.name), ReadOptions{Scene: c.scene})
		if !errors.Is(err, c.err) || !strings.Contains(fmt.Sprint(err), c.says) || strings.Contains(fmt.Sprint(err), "statat") {
			t.Errorf("%s: %v, want %v with %q", c.name, err, c.err, c.says)
		}
		if err != nil {
			continue
		}
		_, hi := mesh.Bounds(m)
		r, err := mesh.Measure(m)
		if err != nil || r.Triangles != 12*c.cubes || r.Components != c.cubes || !r.Watertight || hi[0] != c.hi ||
			info.Instances != c.cubes || info.Faces != 12*c.cubes || info.Vertices != 8*c.cubes {
			t.Errorf("%s: %d triangles, %d components, to %v, %+v, %v", c.name, r.Triangles, r.Components, hi, info, err)
		}
	}
}

// TestIgnored names what was not applied.
func TestIgnored(t *testing.T) {
	_, info, err := Read(filepath.Join("testdata", "req_techniques.glb"), ReadOptions{})
	if err != nil || !slices.Equal(info.Ignored, []string{"KHR_techniques_webgl"}) {
		t.Errorf("%q, %v", info.Ignored, err)
	}
	_, info, err = Read(filepath.Join("testdata", "instancing_opt.glb"), ReadOptions{})
	if err != nil || len(info.Ignored) != 0 || len(info.ExtensionsUsed) != 1 {
		t.Errorf("%q of %q, %v", info.Ignored, info.ExtensionsUsed, err)
	}
}

// TestInstances places a tetrahedron below a node that is moved: turned, scaled
// and mirrored, by numbers of all the types that the extension allows.
func TestInstances(t *testing.T) {
	const half = math.Sqrt2 / 2
	for _, rotation := range []func(*build) int{
		func(b *build) int {
			return b.list("VEC4", 5126, 3, [][4]float32{{0, 0, 0, 1}, {0, 0, half, half}, {0, 0, 0, 1}}, "")
		},
		func(b *build) int {
			return b.list("VEC4", 5122, 3, [][4]int16{{0, 0, 0, 32767}, {0, 0, 23170, 23170}, {0, 0, 0, 32767}}, `,"normalized":true`)
		},
		func(b *build) int {
			return b.list("VEC4", 5120, 3, [][4]int8{{0, 0, 0, 127}, {0, 0, 90, 90}, {0, 0, 0, 127}}, `,"normalized":true`)
		},
	} {
		var b build
		primitive := b.tetrahedron()
		at := b.points([3]float32{0, 0, 0}, [3]float32{10, 0, 0}, [3]float32{20, 0, 0})
		turn := rotation(&b)
		size := b.points([3]float32{1, 1, 1}, [3]float32{2, 1, 1}, [3]float32{-1, 1, 1})
		rest := fmt.Sprintf(`"nodes":[{"mesh":0,"translation":[0,0,5],"extensions":{"EXT_mesh_gpu_instancing":
			{"attributes":{"TRANSLATION":%d,"ROTATION":%d,"SCALE":%d,"_ID":99}}}}],
			"extensionsRequired":["EXT_mesh_gpu_instancing"],"meshes":[{"primitives":[{%s}]}]`, at, turn, size, primitive)
		m, info := decodeAll(t, b.glb(rest))
		if info.Instances != 3 || info.Mirrored != 1 || m.NumFaces() != 12 || math.Abs(volume(m)-4./6) > 1e-6 {
			t.Errorf("%+v, volume %v", info, volume(m))
		}
		for _, want := range []mesh.Vec3{{1, 0, 5}, {10, 2, 5}, {19, 0, 5}} { // where (1, 0, 0) goes
			if !slices.ContainsFunc(m.Vertices, func(v mesh.Vec3) bool { return v.Sub(want).Len() < 1e-6 }) {
				t.Errorf("no vertex at %v in %v", want, m.Vertices)
			}
		}
	}
}

func TestInstanceErrors(t *testing.T) {
	var b build
	primitive := b.tetrahedron()
	three, two := b.points(corner[:3]...), b.points(corner[:2]...)
	for _, c := range []struct {
		attributes string
		err        error
	}{
		{fmt.Sprintf(`{"TRANSLATION":%d,"SCALE":%d}`, three, two), ErrCorrupt},
		{fmt.Sprintf(`{"ROTATION":%d}`, three), ErrCorrupt},
		{`{"TRANSLATION":77}`, ErrCorrupt},
		{`{"TRANSLATION":"a"}`, ErrCorrupt},
		{`{"_ID":0}`, nil},
	} {
		rest := fmt.Sprintf(`"nodes":[{"mesh":0,"extensions":{"EXT_mesh_gpu_instancing":{"attributes":%s}}}],"meshes":[{"primitives":[{%s}]}]`,
			c.attributes, primitive)
		if _, _, err := Decode(b.glb(rest), nil, ReadOptions{}); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.attributes, err, c.err)
		}
	}
}

// TestInstanceBomb: the limits count every instance.
func TestInstanceBomb(t *testing.T) {
	var b build
	primitive := b.tetrahedron()
	at := b.accessor("VEC3", 5126, 1000, "")
	rest := fmt.Sprintf(`"nodes":[{"mesh":0,"extensions":{"EXT_mesh_gpu_instancing":{"attributes":{"TRANSLATION":%d}}}}],"meshes":[{"primitives":[{%s}]}]`, at, primitive)
	for _, c := range []struct {
		limits Limits
		says   string
	}{
		{Limits{Vertices: 3999}, "--mesh-limit vertices=N"},
		{Limits{Corners: 11_999}, "--mesh-limit corners=N"},
		{Limits{Vertices: 10}, "--mesh-limit vertices=N"},
	} {
		if _, _, err := Decode(b.glb(rest), nil, ReadOptions{Limits: c.limits}); !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.limits, err)
		}
	}
	if _, info, err := Decode(b.glb(rest), nil, ReadOptions{Limits: Limits{Vertices: 4000, Corners: 12_000}}); err != nil || info.Instances != 1000 {
		t.Errorf("%d instances, %v", info.Instances, err)
	}
}

// TestHidden leaves out a node and what is below it.
func TestHidden(t *testing.T) {
	var b build
	rest := `"nodes":[{"mesh":0,"children":[1],"extensions":{"KHR_node_visibility":{"visible":false}}},{"mesh":0},
		{"mesh":0,"extensions":{"KHR_node_visibility":{"visible":true}}},{"mesh":0,"extensions":{"KHR_node_visibility":{}}}],
		"extensionsRequired":["KHR_node_visibility"],"meshes":[{"primitives":[{` + b.tetrahedron() + `}]}]`
	if _, info := decodeAll(t, b.glb(rest)); info.Instances != 2 || info.Hidden != 1 {
		t.Errorf("%+v", info)
	}
}

// TestNotFiniteUnused: a vertex that no face uses may be anything.
func TestNotFiniteUnused(t *testing.T) {
	var b build
	p := b.points([3]float32{0, 0, 0}, [3]float32{float32(math.NaN()), 0, 0}, [3]float32{1, 0, 0}, [3]float32{0, 1, 0})
	data := b.glb(shown(fmt.Sprintf(`"attributes":{"POSITION":%d},"indices":%d`, p, b.order(0, 2, 3))))
	if m, _ := decodeAll(t, data); m.NumFaces() != 1 || len(m.Vertices) != 3 {
		t.Errorf("%+v", m)
	}
	if _, _, err := Decode(data, nil, ReadOptions{KeepSplits: true}); !errors.Is(err, mesh.ErrNotFinite) {
		t.Errorf("kept with all vertices: %v", err)
	}
}

// TestBufferNames finds a buffer by its URI as the standard has it, and by the
// name of a file that was written without escapes.
func TestBufferNames(t *testing.T) {
	var b build
	rest := shown(b.tetrahedron())
	dir := t.TempDir()
	for uri, name := range map[string]string{
		"a.bin?v=1":        "a.bin",
		"b.bin#part":       "b.bin",
		"c%20d.bin?x=%20y": "c d.bin",
		"e%3Ff.bin":        "e?f.bin",
		"g?h.bin":          "g?h.bin",
		"i#j.bin":          "i#j.bin",
		"k%20l.bin":        "k%20l.bin",
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), b.bin.Bytes(), 0o644))
		path := filepath.Join(dir, "x.gltf")
		must(t, os.WriteFile(path, []byte(b.document(uri, rest)), 0o644))
		if m, _, err := Read(path, ReadOptions{}); err != nil || m.NumFaces() != 4 {
			t.Errorf("%s: %v", uri, err)
		}
		must(t, os.Remove(filepath.Join(dir, name)))
		if _, _, err := Read(path, ReadOptions{}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s without its file: %v", uri, err)
		}
	}
}
