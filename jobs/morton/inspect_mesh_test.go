package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/obj"
)

// inspectedMesh returns what inspect says of a file in JSON, and in text. What octrees
// lose is measured at the given depths alone.
func inspectedMesh(t *testing.T, path string, depths ...int) (found map[string]any, text string) {
	t.Helper()
	before := lostDepths
	lostDepths = depths
	defer func() { lostDepths = before }()
	all, err := inspect(t.Context(), path, inspection{})
	if err != nil {
		t.Fatal(err)
	}
	var asJSON, asText bytes.Buffer
	if err := errors.Join(all.printJSON(terminal{out: &asJSON}), all.printText(terminal{out: &asText})); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(asJSON.Bytes(), &found); err != nil {
		t.Fatal(err)
	}
	return found, asText.String()
}

func checkFacts(t *testing.T, path string, found, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if fmt.Sprint(found[name]) != fmt.Sprint(value) {
			t.Errorf("%s: %s is %v, want %v", path, name, found[name], value)
		}
	}
}

func writeOBJ(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestInspectCountsTheFile has two quads side by side with every kind of waste: they
// share no vertex in the file, one stands there twice, one face has two corners, and
// a vertex is in none.
func TestInspectCountsTheFile(t *testing.T) {
	path := writeOBJ(t, "waste.obj", `
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 1 0 0
v 2 0 0
v 2 1 0
v 1 1 0
v 9 9 9
f 1 2 3 4
f 5 6 7 8
f 6 7 8 5
f 1 2 2
`)
	found, _ := inspectedMesh(t, path)
	checkFacts(t, path, found, map[string]any{
		"kind": "OBJ mesh", "file_vertices": 9, "file_faces": 4, "unused_vertices": 1, "vertices": 6, "faces": 3, "degenerate_faces": 1,
		"duplicate_faces": 1, "zero_area_faces": 0, "scaled_jacobian_min": 1, "watertight": false, "bounds_max": "[2 1 0]",
	})
	if _, ok := found["skins"]; ok {
		t.Error("an OBJ file with skins")
	}
}

// TestInspectTellsOneSided has a Möbius strip, which no winding suits, and the same
// strip without its twist.
func TestInspectTellsOneSided(t *testing.T) {
	for twist, want := range map[int]bool{0: true, 1: false} {
		const n = 12
		var text strings.Builder
		for i := range n {
			at, turn := 2*math.Pi*float64(i)/n, float64(twist)*math.Pi*float64(i)/n
			for _, w := range []float64{-0.3, 0.3} {
				r := 1 + w*math.Cos(turn)
				fmt.Fprintf(&text, "v %g %g %g\n", r*math.Cos(at), r*math.Sin(at), w*math.Sin(turn))
			}
		}
		for i := range n {
			a, b, c, d := 2*i+1, 2*i+2, 2*i+4, 2*i+3
			if i == n-1 {
				if c, d = 2, 1; twist == 1 {
					c, d = 1, 2
				}
			}
			fmt.Fprintln(&text, "f", a, b, c, d)
		}
		path := writeOBJ(t, "strip.obj", text.String())
		found, _ := inspectedMesh(t, path)
		checkFacts(t, path, found, map[string]any{"orientable": want, "faces": n})
	}
}

// TestInspectGLTF tells what only glTF has.
func TestInspectGLTF(t *testing.T) {
	found, text := inspectedMesh(t, "../../testdata/mesh/AnimatedMorphCube.gltf")
	checkFacts(t, "the cube", found, map[string]any{
		"kind": "glTF mesh", "morphs": 0, "skins": 0, "joints": 0, "instances": 1, "scenes": 1, "scene": 0, "extensions": "[]", "extensions_ignored": "[]",
		"file_vertices": 24, "vertices": 8, "file_faces": 12,
	})
	if !strings.Contains(text, "extensions_ignored    none") {
		t.Errorf("no extensions named in\n%s", text)
	}
	found, _ = inspectedMesh(t, "../../testdata/mesh/generic_hand_left.glb")
	checkFacts(t, "the hand", found, map[string]any{"kind": "glTF mesh", "skins": 1, "joints": 25, "morphs": 0})
}

// union returns two meshes as one.
func union(t *testing.T, a, b *mesh.Mesh) *mesh.Mesh {
	t.Helper()
	out, first := mesh.Clone(a), int32(len(a.Vertices))
	out.Vertices = append(out.Vertices, b.Vertices...)
	for f := range b.NumFaces() {
		c := b.Face(f)
		if err := out.AddFace(c[0]+first, c[1]+first, c[2]+first, c[3]+first); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestInspectLost names the depths at which what is lost: a sphere in a sphere, a
// plate that is thickened, and nothing of a plain sphere.
func TestInspectLost(t *testing.T) {
	sphere := func(r float64) *mesh.Mesh {
		return mesh.Transformed(mesh.QuadSphere(8), mesh.Transform{Scale: r, Offset: mesh.Vec3{4e6}}.Matrix())
	}
	plate := mesh.Box(mesh.Vec3{}, mesh.Vec3{10, 10, 0.01})
	for _, c := range []struct {
		name  string
		m     *mesh.Mesh
		lines []string
	}{
		{"plain", sphere(1), []string{"depth 4: nothing\n", "depth 6: nothing\n"}},
		{"nested", union(t, sphere(1), sphere(0.5)), []string{"depth 4: 20% of the surface, 1 of 2 parts whole, 1 parts inside others\n", "depth 6: 20% of the surface, "}},
		{"plate", union(t, plate, mesh.Box(mesh.Vec3{20, 0, 0}, mesh.Vec3{21, 1, 3})), []string{"depth 4: nothing, walls thickened in", "depth 6: nothing, walls thickened in"}},
	} {
		path := filepath.Join(t.TempDir(), c.name+".obj")
		if err := obj.WriteFile(path, c.m); err != nil {
			t.Fatal(err)
		}
		found, text := inspectedMesh(t, path, 4, 6)
		for _, line := range c.lines {
			if !strings.Contains(text, line) {
				t.Errorf("%s lacks %q in\n%s", c.name, line, text)
			}
		}
		if list, ok := found["lost"].([]any); !ok || len(list) != 2 {
			t.Errorf("%s: lost is %v", c.name, found["lost"])
		}
	}
}

// TestInspectLostOfLargeMeshes is measured when asked for.
func TestInspectLostOfLargeMeshes(t *testing.T) {
	m := mesh.Grid(240)
	var f facts
	f.addLost(m, false)
	if text := fmt.Sprint(f[0].value); !strings.Contains(text, "--lost") {
		t.Errorf("lost is %q", text)
	}
	if data, err := json.Marshal(f[0].value); err != nil || string(data) != "null" {
		t.Errorf("lost is %s in JSON: %v", data, err)
	}
}

// TestInspectRefusesNoArea gives the answer that shape and quads give.
func TestInspectRefusesNoArea(t *testing.T) {
	path := writeOBJ(t, "line.obj", "v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n")
	code, _, errs := morton("inspect", path)
	if code != exitFailed || !strings.Contains(errs, "mesh has no area") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// TestInspectOtherJSON holds that a JSON file is not taken for a broken mesh.
func TestInspectOtherJSON(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]error{"config.json": errUnknownFile, "CONFIG": errUnknownFile, "a.gltf": gltf.ErrNotGLTF} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(`{"width": 3}`), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := inspect(t.Context(), path, inspection{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}
