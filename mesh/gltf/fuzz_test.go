package gltf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

var fuzzLimits = Limits{Bytes: 1 << 16, JSONObjects: 1 << 10, JSONValues: 1 << 12, Vertices: 1 << 12, Corners: 1 << 14}

// fuzzBytes bounds what reading may allocate under fuzzLimits: 64 times the
// input for the document, as text and as Go values (encoding/json makes a copy
// of every string), 1 kB an object, and 512 bytes for each vertex and corner.
func fuzzBytes(input int) uint64 {
	return uint64(64*input + 1024*(1<<10) + 512*(1<<12+1<<14) + 1<<20)
}

// FuzzRead feeds bytes to the reader. Whatever they are, it must return one of
// its errors or a valid mesh within its limits, use no more memory than they
// allow, and read back what Encode makes of that mesh.
func FuzzRead(f *testing.F) {
	for _, c := range brokenFiles() {
		f.Add(c.data)
	}
	for _, s := range shapes() {
		if len(s.mesh.Vertices) > 500 {
			continue
		}
		var b limited
		if err := Encode(&b, s.mesh, WriteOptions{}); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(b))
	}
	addSkinned(f)
	for _, name := range []string{"meshopt_instances.glb", "meshopt_morph.glb"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		open := func(string, int64) ([]byte, error) { return data, nil }
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, _, err := Decode(data, open, ReadOptions{Limits: fuzzLimits})
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > fuzzBytes(len(data)) {
			t.Fatalf("%d bytes allocated for %d of input, error %v", got, len(data), err)
		}
		if err != nil {
			knownError(t, err)
			return
		}
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		if len(m.Vertices) > fuzzLimits.Vertices || len(m.Corners) > fuzzLimits.Corners || m.NumFaces() == 0 {
			t.Fatalf("%d vertices, %d corners, %d faces", len(m.Vertices), len(m.Corners), m.NumFaces())
		}
		rewrite(t, m)
	})
}

func knownError(t *testing.T, err error) {
	for _, known := range []error{ErrNotGLTF, ErrCorrupt, ErrLimit, ErrExtension, ErrResource, ErrScene, mesh.ErrEmpty, mesh.ErrNoArea, mesh.ErrNotFinite, fs.ErrNotExist} {
		if errors.Is(err, known) {
			return
		}
	}
	t.Fatalf("an error without a kind: %v", err)
}

// rewrite writes m and reads it: no face may be lost, except where float32
// makes corners one.
func rewrite(t *testing.T, m *mesh.Mesh) {
	var b limited
	if err := Encode(&b, m, WriteOptions{}); err != nil {
		if !errors.Is(err, mesh.ErrNotFinite) {
			t.Fatal(err)
		}
		return
	}
	got, info, err := Decode(b, nil, ReadOptions{})
	if errors.Is(err, mesh.ErrEmpty) && info.Degenerate > 0 {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got.NumFaces()+info.Degenerate < m.NumFaces() {
		t.Fatalf("%d faces of %d, %d degenerate", got.NumFaces(), m.NumFaces(), info.Degenerate)
	}
}

type limited []byte

func (b *limited) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

// addSkinned seeds with everything at once: a skin, a morph target, sparse
// entries, an external buffer.
func addSkinned(f *testing.F) {
	var b build
	p, d := b.points(corner...), b.points(corner...)
	j := b.list("VEC4", 5121, 4, [4][4]uint8{{}, {0, 1}, {1}, {1}}, "")
	w := b.list("VEC4", 5121, 4, [4][4]uint8{{255}, {128, 127}, {255}, {255}}, `,"normalized":true`)
	i := b.list("MAT4", 5126, 2, [2][16]float32{{0: 1, 5: 1, 10: 1, 15: 1}, {0: 1, 5: 1, 10: -1, 15: 1}}, "")
	_ = []int{p, d, j, w, i} // They are accessors 0 to 4, as written below.
	rest := `"nodes":[{"mesh":0,"skin":0,"weights":[0.5]},{"children":[2]},{"translation":[1,0,1],"rotation":[0,1,0,1]}],
		"skins":[{"joints":[1,2],"inverseBindMatrices":4}],"scenes":[{"nodes":[0,1]}],"scene":0,"meshes":[{"primitives":[
		{"attributes":{"POSITION":0,"JOINTS_0":2,"WEIGHTS_0":3},"mode":5,"targets":[{"POSITION":1}],"extensions":{"FB_ngon_encoding":{}}}]}]`
	f.Add(b.glb(rest))
	f.Add([]byte(b.document("a.bin", rest)))
	f.Add([]byte(b.document(b.dataURI(), rest)))
	rest = strings.Replace(rest, `"translation":[1,0,1]`, `"mesh":0,"extensions":{"EXT_mesh_gpu_instancing":{"attributes":{"TRANSLATION":0,"SCALE":1}}}`, 1)
	f.Add(b.glb(rest))
}
