package gltf

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

func TestPrimitiveModes(t *testing.T) {
	square := [][3]float32{{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}}
	cases := []struct {
		name  string
		mode  string
		order []uint16
		want  map[int]int
		area  float64
	}{
		{"default is triangles", ``, []uint16{0, 1, 2, 0, 2, 3}, map[int]int{3: 2}, 1},
		{"triangles, a rest ignored", `,"mode":4`, []uint16{0, 1, 2, 0, 2}, map[int]int{3: 1}, 0.5},
		{"strip", `,"mode":5`, []uint16{0, 1, 3, 2}, map[int]int{3: 2}, 1},
		{"strip with a stitch", `,"mode":5`, []uint16{0, 1, 3, 3, 3, 1, 1, 2, 3}, map[int]int{3: 2}, 1},
		{"fan", `,"mode":6`, []uint16{0, 1, 2, 3}, map[int]int{3: 2}, 1},
		{"no indices", `,"mode":6`, nil, map[int]int{3: 2}, 1},
		{"quad", `,"extensions":{"FB_ngon_encoding":{}}`, []uint16{0, 1, 2, 0, 2, 3}, map[int]int{4: 1}, 1},
		{"not contiguous", `,"extensions":{"FB_ngon_encoding":{}}`, []uint16{0, 2, 3, 0, 1, 2}, map[int]int{3: 2}, 1},
		{"ngon marks lists only", `,"mode":6,"extensions":{"FB_ngon_encoding":{}}`, []uint16{0, 1, 2, 3}, map[int]int{3: 2}, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var b build
			p := fmt.Sprintf(`"attributes":{"POSITION":%d}`, b.points(square...))
			if c.order != nil {
				p += fmt.Sprintf(`,"indices":%d`, b.order(c.order...))
			}
			m, info := decodeAll(t, b.glb(shown(p+c.mode)))
			if got := sizes(m); !maps.Equal(got, c.want) || math.Abs(area(m)-c.area) > 1e-12 {
				t.Errorf("faces %v, area %v; want %v, %v", got, area(m), c.want, c.area)
			}
			for f := range m.NumFaces() {
				if n := faceNormal(m, f); n[2] <= 0 {
					t.Errorf("face %d looks to %v, want +Z", f, n)
				}
			}
			if info.Primitives != 1 || !info.Binary || info.Generator != "test" {
				t.Errorf("info %+v", info)
			}
		})
	}
}

func faceNormal(m *mesh.Mesh, f int) mesh.Vec3 {
	c := m.Face(f)
	return m.Vertices[c[1]].Sub(m.Vertices[c[0]]).Cross(m.Vertices[c[2]].Sub(m.Vertices[c[0]]))
}

func TestWithoutArea(t *testing.T) {
	for mode := range 4 {
		var b build
		data := b.glb(shown(b.tetrahedron() + fmt.Sprintf(`,"mode":%d`, mode)))
		_, info, err := Decode(data, nil, ReadOptions{})
		if !errors.Is(err, mesh.ErrEmpty) || info.Skipped != 1 {
			t.Errorf("mode %d: error %v, info %+v", mode, err, info)
		}
	}
}

func TestPositionTypes(t *testing.T) {
	cases := []struct {
		name      string
		component int
		data      any
		extra     string
		want      mesh.Vec3 // the last corner
	}{
		{"float", 5126, [][3]float32{{}, {1}, {0.5, -2, 3}}, "", mesh.Vec3{0.5, -2, 3}},
		{"i8", 5120, [][4]int8{{}, {1}, {-128, 127, 2}}, "", mesh.Vec3{-128, 127, 2}},
		{"u8", 5121, [][4]uint8{{}, {1}, {255, 7, 2}}, "", mesh.Vec3{255, 7, 2}},
		{"i16", 5122, [][4]int16{{}, {1}, {-32768, 32767, 2}}, "", mesh.Vec3{-32768, 32767, 2}},
		{"u16", 5123, [][4]uint16{{}, {1}, {65535, 7, 2}}, "", mesh.Vec3{65535, 7, 2}},
		{"i8 normalised", 5120, [][4]int8{{}, {1}, {-128, 127, -127}}, `,"normalized":true`, mesh.Vec3{-1, 1, -1}},
		{"u8 normalised", 5121, [][4]uint8{{}, {1}, {255, 0, 51}}, `,"normalized":true`, mesh.Vec3{1, 0, 0.2}},
		{"i16 normalised", 5122, [][4]int16{{}, {1}, {-32768, 32767, 0}}, `,"normalized":true`, mesh.Vec3{-1, 1, 0}},
		{"u16 normalised", 5123, [][4]uint16{{}, {1}, {65535, 0, 13107}}, `,"normalized":true`, mesh.Vec3{1, 0, 0.2}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var b build
			stride := ""
			switch c.component {
			case 5120, 5121:
				stride = `,"byteStride":4`
			case 5122, 5123:
				stride = `,"byteStride":8`
			}
			a := b.accessor("VEC3", c.component, 3, fmt.Sprintf(`,"bufferView":%d%s`, b.view(c.data, stride), c.extra))
			rest := `"extensionsRequired":["KHR_mesh_quantization"],` + shown(fmt.Sprintf(`"attributes":{"POSITION":%d}`, a))
			m, _ := decodeAll(t, b.glb(rest))
			if got := m.Vertices[2]; got.Sub(c.want).Len() > 1e-12 {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestIndexTypes(t *testing.T) {
	for component, data := range map[int]any{5121: []uint8{2, 0, 1}, 5123: []uint16{2, 0, 1}, 5125: []uint32{2, 0, 1}} {
		var b build
		p := b.points(corner...)
		i := b.list("SCALAR", component, 3, data, "")
		m, _ := decodeAll(t, b.glb(shown(fmt.Sprintf(`"attributes":{"POSITION":%d},"indices":%d`, p, i))))
		if m.NumFaces() != 1 || len(m.Vertices) != 3 || m.Vertices[m.Face(0)[0]] != (mesh.Vec3{0, 1, 0}) {
			t.Errorf("type %d: %+v", component, m)
		}
	}
}

// TestInterleaved reads positions that lie between other numbers, at an offset.
func TestInterleaved(t *testing.T) {
	var b build
	rows := [][5]float32{{9, 0, 0, 0, 9}, {9, 1, 0, 0, 9}, {9, 0, 1, 0, 9}}
	v := b.view(rows, `,"byteStride":20`)
	a := b.accessor("VEC3", 5126, 3, fmt.Sprintf(`,"bufferView":%d,"byteOffset":4`, v))
	m, _ := decodeAll(t, b.glb(shown(fmt.Sprintf(`"attributes":{"POSITION":%d}`, a))))
	if want := []mesh.Vec3{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}; !slices.Equal(m.Vertices, want) {
		t.Errorf("got %v, want %v", m.Vertices, want)
	}
}

func TestSparse(t *testing.T) {
	want := []mesh.Vec3{{0, 0, 0}, {2, 0, 0}, {0, 3, 0}}
	for _, based := range []bool{false, true} {
		var b build
		base, entries, at := "", [][3]float32{{2, 0, 0}, {0, 3, 0}}, []uint8{1, 2}
		if based {
			base = fmt.Sprintf(`,"bufferView":%d`, b.view([][3]float32{{}, {7, 7, 7}, {0, 3, 0}}, ""))
			entries, at = entries[:1], at[:1]
		}
		sparse := fmt.Sprintf(`%s,"sparse":{"count":%d,"indices":{"bufferView":%d,"componentType":5121},"values":{"bufferView":%d}}`,
			base, len(at), b.view(at, ""), b.view(entries, ""))
		a := b.accessor("VEC3", 5126, 3, sparse)
		m, _ := decodeAll(t, b.glb(shown(fmt.Sprintf(`"attributes":{"POSITION":%d}`, a))))
		if !slices.Equal(m.Vertices, want) {
			t.Errorf("base view %v: got %v, want %v", based, m.Vertices, want)
		}
	}
}

func TestTransforms(t *testing.T) {
	cases := []struct {
		name     string
		nodes    string
		want     mesh.Vec3 // where the corner (1, 0, 0) goes
		volume   float64
		mirrored int
	}{
		{"none", `{"mesh":0}`, mesh.Vec3{1, 0, 0}, 1. / 6, 0},
		{"translation", `{"mesh":0,"translation":[1,2,3]}`, mesh.Vec3{2, 2, 3}, 1. / 6, 0},
		{"quarter turn about Z", `{"mesh":0,"rotation":[0,0,0.70710678,0.70710678]}`, mesh.Vec3{0, 1, 0}, 1. / 6, 0},
		{"scale", `{"mesh":0,"scale":[2,3,4]}`, mesh.Vec3{2, 0, 0}, 4, 0},
		{"mirrored", `{"mesh":0,"scale":[-1,1,1]}`, mesh.Vec3{-1, 0, 0}, 1. / 6, 1},
		{"mirrored twice", `{"children":[1],"scale":[-1,1,1]},{"mesh":0,"scale":[1,1,-1]}`, mesh.Vec3{-1, 0, 0}, 1. / 6, 0},
		{"matrix, column by column", `{"mesh":0,"matrix":[0,2,0,0, -2,0,0,0, 0,0,2,0, 5,6,7,1]}`, mesh.Vec3{5, 8, 7}, 8. / 6, 0},
		{"translation after rotation after scale", `{"mesh":0,"translation":[1,0,0],"rotation":[0,0,0.70710678,0.70710678],"scale":[2,1,1]}`, mesh.Vec3{1, 2, 0}, 2. / 6, 0},
		{"parent after child", `{"children":[1],"scale":[2,2,2]},{"mesh":0,"translation":[1,0,0]}`, mesh.Vec3{4, 0, 0}, 8. / 6, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var b build
			rest := `"nodes":[` + c.nodes + `],"scenes":[{"nodes":[0]}],"scene":0,"meshes":[{"primitives":[{` + b.tetrahedron() + `}]}]`
			m, info := decodeAll(t, b.glb(rest))
			if got := volume(m); math.Abs(got-c.volume) > 1e-7 || info.Mirrored != c.mirrored {
				t.Errorf("volume %v, mirrored %d; want %v, %d", got, info.Mirrored, c.volume, c.mirrored)
			}
			near := func(v mesh.Vec3) bool { return v.Sub(c.want).Len() < 1e-6 }
			if !slices.ContainsFunc(m.Vertices, near) {
				t.Errorf("no vertex at %v in %v", c.want, m.Vertices)
			}
		})
	}
}

func TestScenes(t *testing.T) {
	var b build
	meshes := `,"meshes":[{"primitives":[{` + b.tetrahedron() + `}]}]`
	cases := []struct {
		name, rest string
		instances  int
		err        error
	}{
		{"default scene only", `"scene":1,"scenes":[{"nodes":[0]},{"nodes":[1]}],"nodes":[{"mesh":0},{"mesh":0}]`, 1, nil},
		{"no default scene shows the first", `"scenes":[{"nodes":[0]}],"nodes":[{"mesh":0},{"mesh":0},{"mesh":0}]`, 1, nil},
		{"no scene shows all", `"nodes":[{"mesh":0},{"mesh":0},{"mesh":0}]`, 3, nil},
		{"shared mesh", `"scene":0,"scenes":[{"nodes":[0]}],"nodes":[{"mesh":0,"children":[1,2]},{"mesh":0,"translation":[3,0,0]},{"mesh":0}]`, 3, nil},
		{"no nodes", `"materials":[]`, 1, nil},
		{"ring", `"nodes":[{"mesh":0},{"children":[2]},{"children":[1]}]`, 0, ErrCorrupt},
		{"own child", `"nodes":[{"mesh":0,"children":[0]}]`, 0, ErrCorrupt},
		{"two parents", `"nodes":[{"children":[2]},{"children":[2]},{"mesh":0}]`, 0, ErrCorrupt},
		{"child out of range", `"nodes":[{"mesh":0,"children":[7]}]`, 0, ErrCorrupt},
		{"root twice", `"scene":0,"scenes":[{"nodes":[0,0]}],"nodes":[{"mesh":0}]`, 0, ErrCorrupt},
		{"scene out of range", `"scene":4,"scenes":[{"nodes":[0]}],"nodes":[{"mesh":0}]`, 0, ErrCorrupt},
		{"mesh out of range", `"nodes":[{"mesh":3}]`, 0, ErrCorrupt},
		{"empty scene", `"scene":0,"scenes":[{}],"nodes":[{"mesh":0}]`, 0, mesh.ErrEmpty},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, info, err := Decode(b.glb(c.rest+meshes), nil, ReadOptions{})
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err == nil && (info.Instances != c.instances || m.NumFaces() != 4*c.instances || len(m.Vertices) != 4*c.instances) {
				t.Errorf("%d instances, %d faces, %d vertices", info.Instances, m.NumFaces(), len(m.Vertices))
			}
		})
	}
}

// TestSkin bends a strip: its far end hangs on a joint that moves it up, with
// weights that don't add up to one. The mesh node's own transform must not count.
func TestSkin(t *testing.T) {
	var b build
	p := b.points([3]float32{0, 0, 0}, [3]float32{1, 0, 0}, [3]float32{0, 1, 0}, [3]float32{2, 0, 0})
	j := b.list("VEC4", 5121, 4, [][4]uint8{{0}, {0, 1}, {0}, {1}}, "")
	w := b.list("VEC4", 5121, 4, [][4]uint8{{255}, {51, 204}, {255}, {128}}, `,"normalized":true`)
	bind := [2][16]float32{{0: 1, 5: 1, 10: 1, 15: 1}, {0: 1, 5: 1, 10: 1, 15: 1, 12: -1}}
	inverse := b.list("MAT4", 5126, 2, bind, "")
	rest := fmt.Sprintf(`"nodes":[{"mesh":0,"skin":0,"translation":[9,9,9]},{"children":[2]},{"translation":[1,0,10]}],
		"skins":[{"joints":[1,2],"inverseBindMatrices":%d}],"scenes":[{"nodes":[0,1]}],"scene":0,
		"meshes":[{"primitives":[{"attributes":{"POSITION":%d,"JOINTS_0":%d,"WEIGHTS_0":%d},"mode":5}]}]`, inverse, p, j, w)
	m, info := decodeAll(t, b.glb(rest))
	want := []mesh.Vec3{{0, 0, 0}, {1, 0, 8}, {0, 1, 0}, {2, 0, 10}}
	for i, v := range m.Vertices {
		if v.Sub(want[i]).Len() > 1e-9 {
			t.Errorf("vertex %d at %v, want %v", i, v, want[i])
		}
	}
	if info.Skinned != 1 {
		t.Errorf("info %+v", info)
	}
}

// TestSkinMirrored: joints that mirror turn the winding, the node does not.
func TestSkinMirrored(t *testing.T) {
	var b build
	p := b.tetrahedron()
	p = strings.Replace(p, `"POSITION"`, fmt.Sprintf(`"JOINTS_0":%d,"WEIGHTS_0":%d,"POSITION"`,
		b.list("VEC4", 5121, 4, [4][4]uint8{}, ""), b.list("VEC4", 5126, 4, [4][4]float32{{1}, {1}, {1}, {1}}, "")), 1)
	rest := `"nodes":[{"mesh":0,"skin":0},{"scale":[1,-2,1]}],"skins":[{"joints":[1]}],"meshes":[{"primitives":[{` + p + `}]}]`
	m, info := decodeAll(t, b.glb(rest))
	if got := volume(m); math.Abs(got-2./6) > 1e-9 || info.Mirrored != 1 {
		t.Errorf("volume %v, info %+v", got, info)
	}
}

func TestMorph(t *testing.T) {
	cases := []struct{ name, mesh, node, want string }{
		{"no weights", ``, ``, "0"},
		{"mesh weights", `,"weights":[0.5]`, ``, "2"},
		{"node weights win", `,"weights":[0.5]`, `,"weights":[0.25]`, "1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var b build
			p, d := b.points(corner[:3]...), b.points([3]float32{0, 0, 4}, [3]float32{0, 0, 4}, [3]float32{0, 0, 4})
			rest := fmt.Sprintf(`"nodes":[{"mesh":0%s}],"meshes":[{"primitives":[{"attributes":{"POSITION":%d},"targets":[{"POSITION":%d}]}]%s}]`, c.node, p, d, c.mesh)
			m, _ := decodeAll(t, b.glb(rest))
			if got := fmt.Sprint(m.Vertices[0][2]); got != c.want {
				t.Errorf("height %s, want %s", got, c.want)
			}
		})
	}
}

// TestWeld: a square of two triangles with six vertices is one with four, also
// where one copy has a negative zero; KeepSplits leaves all, used or not.
func TestWeld(t *testing.T) {
	var b build
	negative := float32(math.Copysign(0, -1))
	p := b.points([3]float32{0, 0, 0}, [3]float32{1, 0, 0}, [3]float32{1, 1, 0}, [3]float32{negative, 0, 0}, [3]float32{1, 1, 0}, [3]float32{0, 1, 0}, [3]float32{8, 8, 8})
	data := b.glb(shown(fmt.Sprintf(`"attributes":{"POSITION":%d},"indices":%d`, p, b.order(0, 1, 2, 3, 4, 5))))
	m, _ := decodeAll(t, data)
	if len(m.Vertices) != 4 || m.NumFaces() != 2 {
		t.Errorf("%d vertices, %d faces; want 4, 2", len(m.Vertices), m.NumFaces())
	}
	m, _, err := Decode(data, nil, ReadOptions{KeepSplits: true})
	if err != nil || len(m.Vertices) != 7 {
		t.Errorf("KeepSplits: %d vertices, error %v; want 7", len(m.Vertices), err)
	}
}

// TestFixtures checks the files against what an independent reader counts:
// trimesh 5.2.0, with and without equal positions joined.
func TestFixtures(t *testing.T) {
	cases := []struct {
		name            string
		vertices, faces int
		split           int
		skinned         int
	}{
		{"AnimatedMorphCube.gltf", 8, 12, 24, 0},
		{"generic_hand_left.glb", 1159, 2314, 1360, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join("..", "..", "testdata", "mesh", c.name)
			m, info, err := Read(path, ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Vertices) != c.vertices || m.NumFaces() != c.faces || info.Skinned != c.skinned {
				t.Errorf("%d vertices, %d faces, %+v", len(m.Vertices), m.NumFaces(), info)
			}
			if m, _, err = Read(path, ReadOptions{KeepSplits: true}); err != nil || len(m.Vertices) != c.split {
				t.Errorf("KeepSplits: %d vertices, error %v", len(m.Vertices), err)
			}
		})
	}
}

func TestDataURIs(t *testing.T) {
	var b build
	rest := shown(b.tetrahedron())
	plain := "data:,"
	for _, c := range b.bin.Bytes() {
		plain += fmt.Sprintf("%%%02X", c)
	}
	for _, uri := range []string{b.dataURI(), strings.TrimRight(b.dataURI(), "="), strings.Replace(b.dataURI(), "octet-stream", "gltf-buffer", 1), plain} {
		m, info := decodeAll(t, []byte("\xEF\xBB\xBF\n"+b.document(uri, rest)))
		if m.NumFaces() != 4 || info.Binary {
			t.Errorf("%.40s: %d faces", uri, m.NumFaces())
		}
	}
	for _, uri := range []string{"data:application/octet-stream;base64", "data:;base64,!!!!", "data:,%zz", "data:;base64,AAAA"} {
		if _, _, err := Decode([]byte(b.document(uri, rest)), nil, ReadOptions{}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: error %v", uri, err)
		}
	}
}

func TestExternalBuffers(t *testing.T) {
	var b build
	rest := shown(b.tetrahedron())
	top := t.TempDir()
	dir := filepath.Join(top, "in")
	must(t, os.MkdirAll(filepath.Join(dir, "sub dir"), 0o755))
	must(t, os.Mkdir(filepath.Join(dir, "folder.bin"), 0o755))
	for _, p := range []string{"a.bin", "sub dir/b.bin", "../secret.bin"} {
		must(t, os.WriteFile(filepath.Join(dir, p), b.bin.Bytes(), 0o644))
	}
	must(t, os.WriteFile(filepath.Join(dir, "short.bin"), b.bin.Bytes()[:20], 0o644))
	must(t, os.Symlink("../secret.bin", filepath.Join(dir, "link.bin")))
	must(t, os.Symlink("a.bin", filepath.Join(dir, "inside.bin")))
	cases := []struct {
		uri string
		err error
	}{
		{"a.bin", nil},
		{"./a.bin", nil},
		{"sub%20dir/b.bin", nil},
		{`sub dir\\b.bin`, nil},
		{"sub dir/../a.bin", nil},
		{"inside.bin", nil},
		{"missing.bin", fs.ErrNotExist},
		{"short.bin", ErrCorrupt},
		{"%zz.bin", ErrCorrupt},
		{"folder.bin", ErrResource},
		{"../secret.bin", ErrResource},
		{"..%2Fsecret.bin", ErrResource},
		{`..\\secret.bin`, ErrResource},
		{"sub dir/../../secret.bin", ErrResource},
		{"link.bin", ErrResource},
		{filepath.Join(top, "secret.bin"), ErrResource},
		{"file:///etc/passwd", ErrResource},
		{"https://example.com/a.bin", ErrResource},
	}
	for _, c := range cases {
		path := filepath.Join(dir, "x.gltf")
		doc := strings.Replace(b.document("URI", rest), "URI", c.uri, 1)
		must(t, os.WriteFile(path, []byte(doc), 0o644))
		m, _, err := Read(path, ReadOptions{})
		if !errors.Is(err, c.err) {
			t.Errorf("%s: error %v, want %v", c.uri, err, c.err)
		} else if err == nil && m.NumFaces() != 4 {
			t.Errorf("%s: %d faces", c.uri, m.NumFaces())
		}
	}
}

// TestResolver: a path that leads out never reaches the caller's resolver.
func TestResolver(t *testing.T) {
	var b build
	rest := shown(b.tetrahedron())
	var asked []string
	open := func(path string, n int64) ([]byte, error) {
		asked = append(asked, fmt.Sprint(path, " ", n))
		return b.bin.Bytes(), nil
	}
	if _, _, err := Decode([]byte(b.document("in/a%20b.bin", rest)), open, ReadOptions{}); err != nil {
		t.Error(err)
	}
	for _, uri := range []string{"../a.bin", "/a.bin", "in/../../a.bin", ""} {
		doc := strings.Replace(b.document("URI", rest), "URI", uri, 1)
		if _, _, err := Decode([]byte(doc), open, ReadOptions{}); err == nil {
			t.Errorf("%q: no error", uri)
		}
	}
	if want := fmt.Sprint("in/a b.bin ", b.bin.Len()); len(asked) != 1 || asked[0] != want {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
