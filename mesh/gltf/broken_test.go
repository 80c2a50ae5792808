package gltf

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

type brokenFile struct {
	name string
	data []byte
	err  error
	says string // a part of the message
}

// brokenFiles are shared by the test and as seeds by the fuzz target.
func brokenFiles() []brokenFile {
	var b build
	whole := b.glb(shown(b.tetrahedron()))
	out := []brokenFile{
		{"empty", nil, ErrNotGLTF, ""},
		{"text", []byte("v 0 0 0\n"), ErrNotGLTF, ""},
		{"picture", []byte("\x89PNG\r\n\x1a\n"), ErrNotGLTF, ""},
		{"other JSON", []byte(`{"hello":1}`), ErrNotGLTF, "asset"},
		{"glTF 1", []byte(`{"asset":{"version":"1.0"},"meshes":{"a":{}},"nodes":{}}`), ErrNotGLTF, `version "1.0", and only 2.x`},
		{"glTF 1 by a number", []byte(`{"asset":{"version":1},"meshes":{}}`), ErrNotGLTF, "version 1, and"},
		{"GLB 1", append([]byte("glTF\x01\x00\x00\x00"), whole[8:]...), ErrNotGLTF, "version 1"},
		{"header only", whole[:12], ErrCorrupt, ""},
		{"half a header", whole[:7], ErrCorrupt, ""},
		{"truncated", whole[:len(whole)-9], ErrCorrupt, ""},
		{"truncated JSON", []byte(`{"asset":{"version":"2.0"`), ErrCorrupt, ""},
		{"wrong types", []byte(`{"asset":{"version":"2.0"},"nodes":7}`), ErrCorrupt, "nodes: the file has a number where"},
		{"wrong type deep down", []byte(`{"asset":{"version":"2.0"},"nodes":[{"name":"a"},{"children":{}}]}`), ErrCorrupt, "the file has an object where"},
		{"nothing in it", []byte(`{"asset":{"version":"2.0"}}`), mesh.ErrEmpty, ""},
	}
	for _, list := range []string{"accessors", "buffers", "bufferViews", "meshes", "nodes", "scenes", "skins"} {
		out = append(out, brokenFile{"null in " + list, []byte(`{"asset":{"version":"2.0"},"` + list + `":[null]}`), ErrCorrupt, "null"})
	}
	out = append(out, brokenFile{"null primitive", []byte(`{"asset":{"version":"2.0"},"meshes":[{"primitives":[null]}]}`), ErrCorrupt, "null"})
	return append(out, brokenDocuments()...)
}

// brokenDocuments are a tetrahedron's file with one thing replaced.
func brokenDocuments() []brokenFile {
	edits := []struct {
		name, old, new string
		err            error
		says           string
	}{
		{"huge count", `"count":4`, `"count":2000000000`, ErrLimit, "2000000000"},
		{"count over view", `"count":4`, `"count":5`, ErrCorrupt, "5 elements"},
		{"count overflows", `"count":4`, `"count":9223372036854775807`, ErrLimit, ""},
		{"negative count", `"count":4`, `"count":-4`, ErrCorrupt, ""},
		{"no count", `"count":4`, `"count":0`, ErrCorrupt, ""},
		{"more indices than bytes", `"count":12`, `"count":13`, ErrCorrupt, ""},
		{"huge index count", `"count":12`, `"count":2000000000`, ErrLimit, ""},
		{"float indices", `"componentType":5123`, `"componentType":5126`, ErrCorrupt, "FLOAT"},
		{"unknown component", `"componentType":5123`, `"componentType":5124`, ErrCorrupt, "5124"},
		{"huge component", `"componentType":5123`, `"componentType":99999999`, ErrCorrupt, ""},
		{"integer positions", `"componentType":5126`, `"componentType":5125`, ErrCorrupt, "32-bit"},
		{"wrong type", `"VEC3"`, `"VEC2"`, ErrCorrupt, "VEC2"},
		{"unknown type", `"VEC3"`, `"VEC5"`, ErrCorrupt, "VEC5"},
		{"unknown mode", `"indices":1`, `"indices":1,"mode":7`, ErrCorrupt, "mode 7"},
		{"no such indices", `"indices":1`, `"indices":9`, ErrCorrupt, ""},
		{"no such positions", `"POSITION":0`, `"POSITION":-1`, ErrCorrupt, ""},
		{"view out of range", `"bufferView":0`, `"bufferView":6`, ErrCorrupt, ""},
		{"negative view", `"bufferView":0`, `"bufferView":-6`, ErrCorrupt, ""},
		{"buffer out of range", `"buffer":0`, `"buffer":6`, ErrCorrupt, ""},
		{"view beyond buffer", `"byteLength":48`, `"byteLength":4800`, ErrCorrupt, ""},
		{"view offset overflows", `"byteOffset":48`, `"byteOffset":9223372036854775807`, ErrCorrupt, ""},
		{"negative offset", `"byteOffset":48`, `"byteOffset":-48`, ErrCorrupt, ""},
		{"stride overflows", `"byteLength":48`, `"byteLength":48,"byteStride":9223372036854775807`, ErrCorrupt, ""},
		{"stride too small", `"byteLength":48`, `"byteLength":48,"byteStride":4`, ErrCorrupt, ""},
		{"negative stride", `"byteLength":48`, `"byteLength":48,"byteStride":-12`, ErrCorrupt, ""},
		{"buffer beyond chunk", `"byteLength":72`, `"byteLength":2000000000`, ErrCorrupt, ""},
		{"sparse beyond", `"bufferView":0`, `"bufferView":0,"sparse":{"count":9,"indices":{"bufferView":0,"componentType":5121},"values":{"bufferView":0}}`, ErrCorrupt, "sparse"},
		{"sparse not rising", `"bufferView":0`, `"bufferView":0,"sparse":{"count":2,"indices":{"bufferView":0,"componentType":5121},"values":{"bufferView":0}}`, ErrCorrupt, "sparse"},
		{"sparse type", `"bufferView":0`, `"bufferView":0,"sparse":{"count":2,"indices":{"bufferView":0,"componentType":5120},"values":{"bufferView":0}}`, ErrCorrupt, "5120"},
		{"zeros of a huge count", `"count":4,"bufferView":0`, `"count":2000000000`, ErrLimit, ""},
		{"draco required", `"scene":0`, `"extensionsRequired":["KHR_draco_mesh_compression"],"scene":0`, ErrExtension, "KHR_draco_mesh_compression"},
		{"meshopt of nothing", `"byteLength":48`, `"byteLength":48,"extensions":{"EXT_meshopt_compression":{}}`, ErrCorrupt, "meshopt"},
		{"meshopt of other bytes", `"byteLength":48`, `"byteLength":48,"extensions":{"EXT_meshopt_compression":{"buffer":0,"byteLength":72,"byteStride":12,"count":4,"mode":"ATTRIBUTES"}}`, ErrCorrupt, "meshopt"},
		{"meshopt of a bomb", `"byteLength":48`, `"byteLength":48,"extensions":{"EXT_meshopt_compression":{"buffer":0,"byteLength":72,"byteStride":256,"count":2000000000,"mode":"ATTRIBUTES"}}`, ErrLimit, "--mesh-limit bytes=N"},
		{"meshopt beyond its buffer", `"byteLength":48`, `"byteLength":48,"extensions":{"KHR_meshopt_compression":{"buffer":0,"byteOffset":9,"byteLength":72,"byteStride":12,"count":4,"mode":"ATTRIBUTES"}}`, ErrCorrupt, "bytes 9+72"},
		{"other required", `"scene":0`, `"extensionsRequired":["KHR_materials_unlit","KHR_no_such"],"scene":0`, ErrExtension, "KHR_no_such"},
		{"all at zero", `"count":4,"bufferView":0`, `"count":4`, mesh.ErrNoArea, "4 faces"},
		{"skin out of range", `"mesh":0`, `"mesh":0,"skin":0`, ErrCorrupt, "skin"},
		{"overflow to infinity", `"mesh":0`, `"mesh":0,"scale":[1e308,1e308,1e308],"children":[1]},{"mesh":0,"scale":[1e308,1,1]`, mesh.ErrNotFinite, ""},
		{"uri in the air", `"byteLength":72`, `"byteLength":72,"uri":"nowhere.bin"`, ErrResource, ""},
	}
	var out []brokenFile
	for _, e := range edits {
		var b build
		doc := b.document("", shown(b.tetrahedron()))
		if !strings.Contains(doc, e.old) {
			panic(e.name + ": nothing to replace in " + doc)
		}
		out = append(out, brokenFile{e.name, glb(strings.Replace(doc, e.old, e.new, 1), b.bin.Bytes()), e.err, e.says})
	}
	return append(out, compressedFiles()...)
}

func compressedFiles() []brokenFile {
	var b build
	draco := strings.Replace(b.document("", shown(b.tetrahedron()+`,"extensions":{"KHR_draco_mesh_compression":{}}`)), `,"bufferView":0`, "", 1)
	meshopt := strings.Replace(b.document("", shown(b.tetrahedron())), `"buffers":[{`, `"buffers":[{"extensions":{"EXT_meshopt_compression":{"fallback":true}},`, 1)
	nan := build{}
	position := nan.points([3]float32{0, 0, 0}, [3]float32{1, float32(math.NaN()), 0}, [3]float32{0, 1, 0})
	primitive := fmt.Sprintf(`"attributes":{"POSITION":%d`, position)
	posed := fmt.Sprintf(`%s,"JOINTS_0":%d,"WEIGHTS_0":%d}`, primitive, nan.list("VEC4", 5121, 3, [3][4]uint8{}, ""), nan.list("VEC4", 5126, 3, [3][4]float32{{1}, {1}, {1}}, ""))
	skinned := `"nodes":[{"mesh":0,"skin":0},{"scale":[1,2,1]}],"skins":[{"joints":[1]}],"meshes":[{"primitives":[{` + posed + `}]}]`
	return []brokenFile{
		{"draco without fallback", glb(draco, b.bin.Bytes()), ErrExtension, "KHR_draco_mesh_compression"},
		{"meshopt of a buffer alone", []byte(meshopt), ErrCorrupt, "EXT_meshopt_compression"},
		{"NaN vertex", nan.glb(shown(primitive + "}")), mesh.ErrNotFinite, "vertex 1 is [1 NaN 0]"},
		{"NaN vertex of a skin", nan.glb(skinned), mesh.ErrNotFinite, "vertex 1 is [1 NaN 0]"},
	}
}

func TestBroken(t *testing.T) {
	for _, c := range brokenFiles() {
		t.Run(c.name, func(t *testing.T) {
			m, _, err := Decode(c.data, nil, ReadOptions{})
			if !errors.Is(err, c.err) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("error %v; want %v with %q", err, c.err, c.says)
			}
			if m != nil {
				t.Error("a mesh beside an error")
			}
			for _, word := range []string{"Go ", "struct", "gltf.Document", "unmarshal", "statat", "json:"} {
				if strings.Contains(strings.TrimPrefix(fmt.Sprint(err), "gltf.Decode: "), word) {
					t.Errorf("%q in a message to a user: %v", word, err)
				}
			}
		})
	}
}

func TestLimits(t *testing.T) {
	var b build
	data := b.glb(`"nodes":[{"mesh":0},{"mesh":0}],"meshes":[{"primitives":[{` + b.tetrahedron() + `}]}]`)
	exact := Limits{Bytes: int64(len(data)), JSONObjects: 12, JSONValues: 26, Vertices: 8, Corners: 24}
	if _, _, err := Decode(data, nil, ReadOptions{Limits: exact}); err != nil {
		t.Fatalf("at the limits: %v", err)
	}
	for name, less := range map[string]func(l *Limits){
		"bytes":    func(l *Limits) { l.Bytes-- },
		"objects":  func(l *Limits) { l.JSONObjects-- },
		"values":   func(l *Limits) { l.JSONValues-- },
		"vertices": func(l *Limits) { l.Vertices-- },
		"corners":  func(l *Limits) { l.Corners-- },
	} {
		l := exact
		less(&l)
		if _, _, err := Decode(data, nil, ReadOptions{Limits: l}); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestObjectBomb: two bytes of JSON must not cost hundreds of Go's.
func TestObjectBomb(t *testing.T) {
	data := []byte(`{"asset":{"version":"2.0"},"nodes":[` + strings.Repeat("{},", 1<<20) + `{}]}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := Decode(data, nil, ReadOptions{})
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrLimit) || got > 1<<20 {
		t.Errorf("error %v, %d bytes allocated", err, got)
	}
}

func TestReadErrors(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Read(filepath.Join(dir, "none.glb"), ReadOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if _, _, err := Read(dir, ReadOptions{}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("folder: %v", err)
	}
	path := filepath.Join("..", "..", "testdata", "mesh", "generic_hand_left.glb")
	if _, _, err := Read(path, ReadOptions{Limits: Limits{Bytes: 1000}}); !errors.Is(err, ErrLimit) {
		t.Errorf("large: %v", err)
	}
}
