package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh/gltf"
)

// writeRobot writes a description of a chain of boxes, in a folder with a licence.
func writeRobot(t *testing.T, robots, name, licence string, joints int) {
	t.Helper()
	folder := filepath.Join(robots, name, "urdf")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(`<robot name="chain">`)
	for i := range joints {
		fmt.Fprintf(&b, `<link name="l%d"><visual><geometry><box size="0.2 0.2 0.8"/></geometry></visual></link>`, i)
		if i > 0 {
			fmt.Fprintf(&b, `<joint name="j%d" type="revolute"><origin xyz="0 0 1"/><parent link="l%d"/><child link="l%d"/></joint>`, i, i-1, i)
		}
	}
	b.WriteString(`</robot>`)
	for path, text := range map[string]string{filepath.Join(folder, "chain.urdf"): b.String(), filepath.Join(robots, name, "README.md"): "License: " + licence + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRigs makes a corpus of robots and creatures. Each sample of the shards is counted in its source's row; a licence
// that is not free, and a robot with too many joints, give none; held-out kinds are in no training shard, and stand
// there as skinned files.
func TestRigs(t *testing.T) {
	robots, out := t.TempDir(), filepath.Join(t.TempDir(), "rigs")
	writeRobot(t, robots, "free", "BSD-3-Clause", 4)
	writeRobot(t, robots, "closed", "CC-BY-NC-ND-4.0", 4)
	writeRobot(t, robots, "long", "MIT", 65)
	writeRobot(t, robots, "solo_description", "MIT", 5)
	var said bytes.Buffer
	if err := makeRigs(t.Context(), []string{"--robots", robots, "--out", out, "--variants", "10", "--creatures", "3", "--points", "32", "--joints", "64", "--apart", "0.001"}, &said); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	if !strings.Contains(said.String(), "closed") || !strings.Contains(said.String(), "long_chain from sample 0 on") {
		t.Error(said.String())
	}
	data, err := os.ReadFile(filepath.Join(out, attributionFile))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		f := strings.Split(line, "\t")
		if i > 0 {
			var n int
			if _, err := fmt.Sscan(f[5], &n); err != nil || len(f) != 7 || n < 1 {
				t.Fatalf("%q: %v", line, err)
			}
			want[f[6]+"/"+f[0]] = n
		}
	}
	for name, n := range map[string]int{"train/free_chain": 10, "heldout/solo_description_chain": 1, "train/biped": 3, "train/chimera": 24, "heldout/hand": 1, "known/biped": 1} {
		if want[name] != n {
			t.Errorf("%d samples of %s, want %d", want[name], name, n)
		}
	}
	for _, side := range rigSides {
		r, err := shard.Open(filepath.Join(out, side, "rigs.parquet"), shard.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for i := range r.Len() {
			s, err := r.At(i)
			if err != nil {
				t.Fatal(err)
			}
			want[side+"/"+s.ID[:strings.LastIndex(s.ID, "-")]]--
		}
	}
	for name, n := range want {
		if n != 0 {
			t.Errorf("%s has %d samples less than its row says", name, n)
		}
	}
	for name, joints := range map[string]int{"heldout/solo_description_chain": 5, "heldout/hand": 0, "heldout/insect": 0, "known/fish": 0} {
		r, _, err := gltf.ReadRig(filepath.Join(out, name+".glb"), gltf.ReadOptions{})
		if err != nil || joints > 0 && len(r.Joints) != joints {
			t.Errorf("%s: %v", name, err)
		}
	}
}
