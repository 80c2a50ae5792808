package main

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/mesh/rig"
	"github.com/morton-gen/morton/transforms/report"
)

// boneRig is a box on three joints.
func boneRig() *rig.Rig {
	r := &rig.Rig{Mesh: mesh.QuadSphere(3), Joints: []rig.Joint{
		{At: mesh.Vec3{0, -0.8, 0}, Parent: rig.NoParent}, {At: mesh.Vec3{0, 0, 0.1}, Parent: 0}, {At: mesh.Vec3{0, 0.7, 0}, Parent: 1},
	}}
	for _, p := range r.Mesh.Vertices {
		r.Weights = append(r.Weights, rig.NewInfluences(
			rig.Influence{Joint: 0, Weight: max(-p[1], 0)}, rig.Influence{Joint: 1, Weight: 1 - math.Abs(p[1])}, rig.Influence{Joint: 2, Weight: max(p[1], 0)}))
	}
	return r
}

// TestTrainRigAnything goes the whole way of a rig: skinned files become samples by a description,
// a network trains on them for two steps, and draws skeletons for meshes without and with one.
func TestTrainRigAnything(t *testing.T) {
	gputest.Open(t, gpu.Options{})
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	const config = `{"width": 16, "heads": 2, "hidden": 24, "blocks": 1, "points": 32, "joints": 6, "pairs": 8, "head_width": 16, "head_depth": 1, "lessons": 2, "sampling_steps": "5"}`
	if err := os.WriteFile(in("rig.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := gltf.WriteRig(in("skinned.glb"), boneRig(), gltf.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := obj.WriteFile(in("plain.obj"), mesh.QuadSphere(2)); err != nil {
		t.Fatal(err)
	}
	run := func(want int, args ...string) string {
		t.Helper()
		code, text, errs := morton(args...)
		if code != want {
			t.Fatalf("%v: exit %d\n%s%s", args, code, text, errs)
		}
		return text + errs
	}
	train := []string{"train", "--system", "riganything", "--config", in("rig.json"), "--steps", "2", "--batch", "2"}
	run(exitDone, "tokenize", "rig", "--model", in("rig.json"), "--input", in("skinned.glb"), "--out", in("shards"))
	text := run(exitFailed, "tokenize", "rig", "--model", in("rig.json"), "--input", in("plain.obj"), "--out", in("none"))
	if data, err := os.ReadFile(in("none/failures.jsonl")); err != nil || !strings.Contains(string(data), `"no_rig"`) {
		t.Errorf("a mesh without a skin: %s, %v\n%s", data, err, text)
	}
	made := in("shards/rig-0000-of-0001.parquet")
	if _, err := os.Stat(made); err != nil {
		all, _ := filepath.Glob(in("shards/*"))
		t.Fatalf("%v, but %v", err, all)
	}
	trained := append(train, "--tokens", made, "--heldout", made, "--out", in("model"))
	run(exitDone, trained...)
	if text := run(exitUsage, append(trained, "--steps", "3")...); !strings.Contains(text, "trained with steps 2") || !strings.Contains(text, "asks for steps 3") || strings.Contains(text, "seed") {
		t.Error(text)
	}
	for _, want := range []string{"riganything", "32 points of a surface", "up to 6"} {
		if text := run(exitDone, "inspect", in("model")); !strings.Contains(text, want) || strings.Contains(text, "a class") {
			t.Errorf("inspect does not say %q:\n%s", want, text)
		}
	}
	// A training that is refused, by its description or its samples, leaves no folder.
	for _, other := range []string{`{"widht": 16}`, strings.Replace(config, `"points": 32`, `"points": 48`, 1)} {
		if err := os.WriteFile(in("other.json"), []byte(other), 0o600); err != nil {
			t.Fatal(err)
		}
		text := run(exitUsage, "train", "--system", "riganything", "--config", in("other.json"), "--tokens", made, "--heldout", made, "--out", in("refused"))
		if _, err := os.Stat(in("refused")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a refused training leaves a folder: %v\n%s", err, text)
		}
	}
	// The same samples come from a folder that has the description alone, and from the model.
	if err := errors.Join(os.Mkdir(in("described"), 0o755), os.WriteFile(in("described/config.json"), []byte(config), 0o600)); err != nil {
		t.Fatal(err)
	}
	want := readShard(t, made)
	for _, model := range []string{"described", "model"} {
		run(exitDone, "tokenize", "rig", "--model", in(model), "--input", in("skinned.glb"), "--out", in("from-"+model))
		if got := readShard(t, in("from-"+model+"/rig-0000-of-0001.parquet")); !reflect.DeepEqual(got, want) {
			t.Errorf("by %s other samples are made", model)
		}
	}
	if text := run(exitUsage, "generate", "rig", "--model", in("rig.json"), "--input", in("plain.obj"), "--out", in("none")); !strings.Contains(text, "rig.json") {
		t.Error(text)
	}
	if text := run(exitUsage, "generate", "rig", "--model", in("model"), "--draft-tokens", "4", "--input", in("plain.obj"), "--out", in("none")); !strings.Contains(text, "riganything takes no drafts") {
		t.Error(text)
	}
	if err := errors.Join(os.Mkdir(in("bare"), 0o755), os.Link(in("model/model.safetensors"), in("bare/model.safetensors"))); err != nil {
		t.Fatal(err)
	}
	if text := run(exitUsage, "generate", "rig", "--model", in("bare"), "--input", in("plain.obj"), "--out", in("none")); !strings.Contains(text, "config.json is missing") {
		t.Error(text)
	}
	run(exitDone, "detokenize", "rig", "--model", in("model"), "--input", made, "--out", in("points"))
	run(exitDone, "generate", "rig", "--model", in("model"), "--input", in("*.obj"), "--input", in("*.glb"), "--out", in("drawn"))
	results := readJSON[report.Result](t, in("drawn/results.jsonl"))
	if len(results) != 2 {
		t.Fatalf("%d results", len(results))
	}
	for _, r := range results {
		got, _, err := gltf.ReadRig(filepath.Join(in("drawn"), r.Output), gltf.ReadOptions{})
		if err != nil || len(got.Joints) != int(r.Measures["joints"]) || len(got.Joints) > 6 {
			t.Errorf("%s: %v, %v", r.Output, r.Measures, err)
		}
		if info, err := os.Stat(filepath.Join(in("drawn"), r.Poster)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", r.Poster, err)
		}
	}
}

func readShard(t *testing.T, path string) []shard.Sample {
	t.Helper()
	all, err := shard.ReadAll(path, shard.Limits{})
	if err != nil || len(all) == 0 {
		t.Fatalf("%s: %d samples, %v", path, len(all), err)
	}
	return all
}
