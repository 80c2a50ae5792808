package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCommittedShadersAreFresh holds every shaders.sum to its sources and
// binaries, without a compiler.
func TestCommittedShadersAreFresh(t *testing.T) {
	root := filepath.Join("..", "..", "gpu", "ops")
	dirs, err := ShaderDirs(root)
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no shaders under %s: %v", root, err)
	}
	for _, d := range dirs {
		if err := Verify(root, d); err != nil {
			t.Error(err)
		}
	}
}

// TestVerifyNoticesEveryChange proves that the check above can fail.
func TestVerifyNoticesEveryChange(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "op")
	write := func(p, s string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	comp, inc, spv := filepath.Join(dir, "a.comp"), filepath.Join(root, "lib", "l.glsl"), filepath.Join(dir, "a.spv")
	fresh := func() {
		write(comp, "#version 460\n//morton:variant a -DX\n#include \"l.glsl\"\n")
		write(inc, "// lib\n")
		write(spv, "binary")
		vs, err := Variants(root, dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteSum(dir, map[string]Entry{"a": {vs[0].Hash, hash([]byte("binary"))}}); err != nil {
			t.Fatal(err)
		}
		if err := Verify(root, dir); err != nil {
			t.Fatal(err)
		}
	}
	changes := map[string]func(){
		"source":   func() { write(comp, "#version 460\n//morton:variant a -DX\n#include \"l.glsl\"\n//\n") },
		"flags":    func() { write(comp, "#version 460\n//morton:variant a -DY\n#include \"l.glsl\"\n") },
		"include":  func() { write(inc, "// changed\n") },
		"binary":   func() { write(spv, "other") },
		"missing":  func() { os.Remove(spv) },
		"unlisted": func() { write(filepath.Join(dir, "b.spv"), "b") },
	}
	for name, change := range changes {
		fresh()
		change()
		if Verify(root, dir) == nil {
			t.Errorf("%s: a change went unnoticed", name)
		}
		os.Remove(filepath.Join(dir, "b.spv"))
	}
}

// TestVariantsNameTheirCompiler reads a shader that needs a newer one, and one that does not.
func TestVariantsNameTheirCompiler(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"new": "//morton:variant new\n//morton:glslc 2025.2\n", "old": "//morton:variant old\n"} {
		if err := os.WriteFile(filepath.Join(dir, name+".comp"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	vs, err := Variants(dir, dir)
	if err != nil || len(vs) != 2 {
		t.Fatal(vs, err)
	}
	if vs[0].Glslc != "2025.2" || vs[1].Glslc != "" {
		t.Errorf("compilers %q and %q", vs[0].Glslc, vs[1].Glslc)
	}
	if got := glslc(vs[0]); got != filepath.Join(".cache", "glslc-2025.2", "glslc") {
		t.Errorf("the newer compiler is %s", got)
	}
}
