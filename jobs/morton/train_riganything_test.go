package main

import (
	"encoding/json"
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

// rigFolder is a folder with rig.json, which describes a tiny network. Beside it are skinned meshes and
// one without a skin, samples of the former, and a model that was trained on them for two steps.
type rigFolder struct {
	t          *testing.T
	dir, shard string
}

const tinyRig = `{"width": 16, "heads": 2, "hidden": 24, "blocks": 1, "points": 32, "joints": 6, "pairs": 8, "head_width": 16, "head_depth": 1, "lessons": 2, "sampling_steps": "5"}`

func (f *rigFolder) in(name string) string { return filepath.Join(f.dir, name) }

func (f *rigFolder) write(name, text string) {
	f.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(f.in(name)), 0o755), os.WriteFile(f.in(name), []byte(text), 0o600)); err != nil {
		f.t.Fatal(err)
	}
}

// run runs a command, and returns what it prints.
func (f *rigFolder) run(want int, args ...string) string {
	f.t.Helper()
	code, text, errs := morton(args...)
	if code != want {
		f.t.Fatalf("%v: exit %d\n%s%s", args, code, text, errs)
	}
	return text + errs
}

// refuse runs a command that is wrong use and says so.
func (f *rigFolder) refuse(says string, args ...string) {
	f.t.Helper()
	if text := f.run(exitUsage, args...); !strings.Contains(text, says) {
		f.t.Errorf("%v: no %q in\n%s", args, says, text)
	}
}

// trainRig goes the way of own rigs: skinned files become samples by a description, and a network
// trains on them.
func trainRig(t *testing.T) *rigFolder {
	gputest.Open(t, gpu.Options{})
	f := &rigFolder{t: t, dir: t.TempDir()}
	f.shard = f.in("shards/rig-0000-of-0001.parquet")
	f.write("rig.json", tinyRig)
	for _, name := range []string{"skinned.glb", "again.glb"} {
		if err := gltf.WriteRig(f.in(name), boneRig(), gltf.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := obj.WriteFile(f.in("plain.obj"), mesh.QuadSphere(2)); err != nil {
		t.Fatal(err)
	}
	f.run(exitDone, "tokenize", "rig", "--model", f.in("rig.json"), "--input", f.in("*.glb"), "--out", f.in("shards"))
	f.run(exitDone, f.training("rig.json", "model")...)
	return f
}

// training is the command that trains by a description into a folder.
func (f *rigFolder) training(config, out string, more ...string) []string {
	return append([]string{
		"train", "--system", "riganything", "--config", f.in(config), "--tokens", f.shard, "--heldout", f.shard, "--out", f.in(out), "--steps", "2", "--batch", "2", "--max-heldout", "1",
	}, more...)
}

// TestTrainRigAnything draws skeletons for meshes without and with one by a model that was trained on
// own rigs.
func TestTrainRigAnything(t *testing.T) {
	f := trainRig(t)
	for _, want := range []string{"riganything", "32 points of a surface", "up to 6"} {
		if text := f.run(exitDone, "inspect", f.in("model")); !strings.Contains(text, want) || strings.Contains(text, "a class") {
			t.Errorf("inspect does not say %q:\n%s", want, text)
		}
	}
	f.run(exitDone, "detokenize", "rig", "--model", f.in("model"), "--input", f.shard, "--out", f.in("points"))
	f.run(exitDone, "generate", "rig", "--model", f.in("model"), "--input", f.in("plain.obj"), "--input", f.in("skinned.glb"), "--out", f.in("drawn"))
	results := readJSON[report.Result](t, f.in("drawn/results.jsonl"))
	if len(results) != 2 {
		t.Fatalf("%d results", len(results))
	}
	for _, r := range results {
		got, _, err := gltf.ReadRig(filepath.Join(f.in("drawn"), r.Output), gltf.ReadOptions{})
		if err != nil || len(got.Joints) != int(r.Measures["joints"]) || len(got.Joints) > 6 || (len(got.Joints) < 6) != (r.Measures["ended"] == 1) {
			t.Errorf("%s: %v, %v", r.Output, r.Measures, err)
		}
		if info, err := os.Stat(filepath.Join(f.in("drawn"), r.Poster)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", r.Poster, err)
		}
	}
	var facts map[string]any
	if data, err := os.ReadFile(f.in("model/training.json")); err != nil || json.Unmarshal(data, &facts) != nil || facts["heldout_samples"] != 2. || facts["heldout_windows"] != 1. {
		t.Errorf("one of two held-out samples was evaluated: %v, %v", facts, err)
	}
}

// TestTokenizeRig makes the same samples by a description, a folder that has it alone, and the model.
func TestTokenizeRig(t *testing.T) {
	f := trainRig(t)
	f.write("described/config.json", tinyRig)
	want := readShard(t, f.shard)
	for _, model := range []string{"described", "model"} {
		f.run(exitDone, "tokenize", "rig", "--model", f.in(model), "--input", f.in("*.glb"), "--out", f.in("from-"+model))
		if got := readShard(t, f.in("from-"+model+"/rig-0000-of-0001.parquet")); !reflect.DeepEqual(got, want) {
			t.Errorf("by %s other samples are made", model)
		}
	}
	text := f.run(exitFailed, "tokenize", "rig", "--model", f.in("rig.json"), "--input", f.in("plain.obj"), "--out", f.in("none"))
	if data, err := os.ReadFile(f.in("none/failures.jsonl")); err != nil || !strings.Contains(string(data), `"no_rig"`) {
		t.Errorf("a mesh without a skin: %s, %v\n%s", data, err, text)
	}
}

// TestRigAnythingMistakes trains and draws as no model can.
func TestRigAnythingMistakes(t *testing.T) {
	f := trainRig(t)
	f.write("misspelled.json", `{"widht": 16}`)
	f.write("other.json", strings.Replace(tinyRig, `"points": 32`, `"points": 48`, 1))
	f.refuse(`"widht"`, f.training("misspelled.json", "refused")...)
	f.refuse("want 48 points", f.training("other.json", "refused")...)
	if _, err := os.Stat(f.in("refused")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused training leaves a folder: %v", err)
	}
	f.refuse("trained with steps 2, this run asks for steps 3", f.training("rig.json", "model", "--steps", "3")...)
	if err := errors.Join(os.Mkdir(f.in("bare"), 0o755), os.Link(f.in("model/model.safetensors"), f.in("bare/model.safetensors"))); err != nil {
		t.Fatal(err)
	}
	generate := []string{"generate", "rig", "--input", f.in("plain.obj"), "--out", f.in("none"), "--model"}
	f.refuse("config.json is missing", append(generate, f.in("bare"))...)
	f.refuse("not a checkpoint", append(generate, f.in("rig.json"))...)
	f.refuse("riganything takes no drafts", append(generate, f.in("model"), "--draft-tokens", "4")...)
}

func readShard(t *testing.T, path string) []shard.Sample {
	t.Helper()
	all, err := shard.ReadAll(path, shard.Limits{})
	if err != nil || len(all) == 0 {
		t.Fatalf("%s: %d samples, %v", path, len(all), err)
	}
	return all
}
