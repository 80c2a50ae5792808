package gltf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

// verdict is one line of tools/validator/validate-gltf.mjs.
type verdict struct {
	File                           string
	Errors, Warnings, Infos, Hints int
	Vertices, Triangles            int
	Messages                       []string
}

// validator returns the command that runs the Khronos validator, and skips the
// test if Node or the module is missing, unless MORTON_NODE=required.
func validator(t *testing.T) []string {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("MORTON_NODE") == "required" {
		missing = t.Fatalf
	}
	node, err := exec.LookPath("node")
	if err != nil {
		missing("the Khronos validator did not run: no node on PATH (%v); MORTON_NODE=required makes this fail", err)
	}
	dir := filepath.Join("..", "..", "tools", "validator")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "gltf-validator")); err != nil {
		missing("the Khronos validator did not run: %v; run npm ci in tools/validator; MORTON_NODE=required makes this fail", err)
	}
	return []string{node, filepath.Join(dir, "validate-gltf.mjs")}
}

func validate(t *testing.T, command []string, files []string) []verdict {
	t.Helper()
	out, err := exec.Command(command[0], append(command[1:], files...)...).Output()
	if err != nil && len(out) == 0 {
		t.Fatalf("%v: %v", command, err)
	}
	var all []verdict
	for _, line := range bytes.Split(bytes.TrimSpace(out), []byte("\n")) {
		var v verdict
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, v)
	}
	if len(all) != len(files) {
		t.Fatalf("%d verdicts for %d files", len(all), len(files))
	}
	return all
}

// TestValidator has every shape, in every shading, checked by the Khronos
// validator: no errors, no warnings, and the counts that were written. Its only
// remark may be that it does not know FB_ngon_encoding, and that the shape
// without area has triangles without area.
func TestValidator(t *testing.T) {
	command := validator(t)
	var files []string
	triangles := map[string]int{}
	all := shapes()
	for _, place := range []mesh.Transform{
		{Scale: 1, Offset: mesh.Vec3{500_000.1, 4_100_000.3, 120}},
		{Scale: 1e-160},
		{Scale: 1e300, Offset: mesh.Vec3{1e301, 0, 0}},
	} {
		all = append(all, shape{name: "elsewhere", mesh: mesh.Transformed(torus(24, 12), place.Matrix())})
	}
	for i, s := range all {
		for name, n := range allNormals {
			path := filepath.Join(t.TempDir(), fmt.Sprintf("%d-%s.glb", i, name))
			must(t, Write(path, s.mesh, WriteOptions{Normals: n}))
			files = append(files, path)
			triangles[path] = len(fans(s.mesh)) / 3
		}
	}
	for _, v := range validate(t, command, files) {
		if v.Errors > 0 || v.Warnings > 0 || v.Hints > 0 || v.Triangles != triangles[v.File] {
			t.Errorf("%s: %d errors, %d warnings, %d hints, %d triangles of %d: %s", filepath.Base(v.File),
				v.Errors, v.Warnings, v.Hints, v.Triangles, triangles[v.File], v.Messages)
		}
		for _, m := range v.Messages {
			if !strings.HasPrefix(m, "UNSUPPORTED_EXTENSION") {
				t.Errorf("%s: %s", filepath.Base(v.File), m)
			}
		}
	}
}

// TestValidatorSees shows that the check can fail.
func TestValidatorSees(t *testing.T) {
	command := validator(t)
	var b build
	path := filepath.Join(t.TempDir(), "bad.glb")
	must(t, os.WriteFile(path, b.glb(shown(b.tetrahedron())), 0o644))
	if v := validate(t, command, []string{path})[0]; v.Errors == 0 { // Positions without min and max.
		t.Errorf("no errors in a file that has some: %+v", v)
	}
}
