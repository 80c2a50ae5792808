package main

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/rig"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/rigs"
	"github.com/morton-gen/morton/tools/corpus/armature"
)

func snakes(n int) (all []*rig.Rig) {
	for i := range n {
		all = append(all, armature.Creatures[2].Make(rand.New(rand.NewPCG(uint64(i), 1))))
	}
	return all
}

func write(t *testing.T, path string, all []*rig.Rig) {
	t.Helper()
	w, err := shard.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range all {
		s, _, err := rigs.Tokenizer{Config: rigs.Config{Points: 64, Joints: 16}}.Encode(fmt.Sprintf("snake-%d", i), system.Media{Rig: r}, system.Extent{})
		if err == nil {
			err = w.Write(s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMeasure measures the baselines: the nearest of rigs among which the held-out one is has its joints, and
// clusters have as many joints as it.
func TestMeasure(t *testing.T) {
	train, held := filepath.Join(t.TempDir(), "a.parquet"), filepath.Join(t.TempDir(), "b.parquet")
	write(t, train, snakes(5))
	write(t, held, snakes(2))
	var out bytes.Buffer
	if err := run(t.Context(), []string{"measure", "--train", train, "--heldout", held}, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 7 {
		t.Fatalf("%s", out.String())
	}
	for i, fields := range [][]string{{"snake", "random", "2"}, {"snake", "nearest", "2", "0.0000", "1.000", "1.000", "1.000", "0.0000"}, {"snake", "clusters", "2"}, {"all", "random", "2"}, {"all", "nearest", "2", "0.0000"}} {
		if got := strings.Fields(lines[1+i]); strings.Join(got[:len(fields)], " ") != strings.Join(fields, " ") {
			t.Errorf("%s, want %v", lines[1+i], fields)
		}
	}
	if off := strings.Fields(lines[2])[9]; off != "0.0" {
		t.Errorf("the same rig has %s joints too many", off)
	}
	for _, r := range readAll(t, held) {
		other := readAll(t, train)[4]
		s := stretched(other, r)
		lo, hi := mesh.Bounds(&mesh.Mesh{Vertices: s.points})
		low, high := mesh.Bounds(&mesh.Mesh{Vertices: r.points})
		if lo.Sub(low).Len()+hi.Sub(high).Len() > 1e-9 {
			t.Errorf("stretched points have the box %v to %v, want %v to %v", lo, hi, low, high)
		}
		back := *s
		back.points, back.weights = slices.Clone(s.points), slices.Clone(s.weights)
		slices.Reverse(back.points)
		slices.Reverse(back.weights)
		if off := pulled(&back, s); off > 1e-6 {
			t.Errorf("the same points in another order are %g from their own weights", off)
		}
		if pulled(s, s) > 1e-6 || pulled(s, r) == 0 {
			t.Errorf("a rig's weights are %g from its own, %g from another's", pulled(s, s), pulled(s, r))
		}
		c := clustered(r)
		if len(c.joints) != len(r.joints) || rig.Compare(c.joints, r.joints, 0.2*r.side).Recall == 0 {
			t.Errorf("%d clusters for %d joints", len(c.joints), len(r.joints))
		}
		for i, j := range c.joints {
			if i > 0 && (j.Parent < 0 || j.Parent >= i) {
				t.Errorf("cluster %d hangs on %d", i, j.Parent)
			}
		}
	}
}

func readAll(t *testing.T, path string) []*sampleRig {
	t.Helper()
	all, err := readRigs(path)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPicture makes pictures of two rigs, with the true bones and without.
func TestPicture(t *testing.T) {
	dir := t.TempDir()
	in, other, out := filepath.Join(dir, "a.glb"), filepath.Join(dir, "b.glb"), filepath.Join(dir, "a.jpg")
	for i, path := range []string{in, other} {
		if err := gltf.WriteRig(path, snakes(2)[i], gltf.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for width, more := range map[int][]string{3 * 40: nil, 4 * 40: {"--truth", dir}} {
		if err := run(t.Context(), append(append([]string{"picture", "--out", out, "--size", "40"}, more...), in, other), nil); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		c, err := jpeg.DecodeConfig(f)
		f.Close()
		if err != nil || c.Width != width || c.Height != 2*40 {
			t.Errorf("%d by %d pixels, %v", c.Width, c.Height, err)
		}
	}
	for _, args := range [][]string{{}, {"dance"}, {"picture"}} {
		if err := run(t.Context(), args, nil); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
