package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/transforms/report"
)

// tinyOctGPT is a folder of a tiny OctGPT with its tokenizer, described by a text.
func tinyOctGPT(t *testing.T, tokenizer string) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range map[string]string{
		"octgpt.safetensors": tinySystems + "octgpt/weights.safetensors", "vqvae.safetensors": "../../models/tokenizer/octgpt/testdata/weights.safetensors",
	} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	config := `{"num_heads": 2, "patch_size": 64, "buffer_size": 16, "num_iters": [1, 2, 2, 2], "start_temperature": [0.7, 0.8, 0.8, 0.9], "max_nodes": 16384}`
	for name, text := range map[string]string{"config.json": config, "tokenizer.json": tokenizer} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func readMesh(t *testing.T, path string) *mesh.Mesh {
	t.Helper()
	m, _, err := meshfile.Read(path, meshfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestOctGPTShapes draws shapes from nothing and behind a mesh, in triangles and in quads: they
// are watertight, and their tokens turn back into them. A mesh becomes tokens, and those a mesh.
func TestOctGPTShapes(t *testing.T) {
	gputest.Open(t, gpu.Options{}) // or skip
	const bowl = "../../testdata/mesh/scopia_bowl.obj"
	drawn := map[string][]string{}
	for kind, tokenizer := range map[string]string{"triangles": `{"resolution": 64}`, "quads": `{"resolution": 64, "faces": "quads"}`} {
		model, out := tinyOctGPT(t, tokenizer), t.TempDir()
		if code, said, errs := morton("inspect", model); code != exitDone || !strings.Contains(said, "32 bits a node of level 6") || !strings.Contains(said, kind+" of a grid of 64 points a side") {
			t.Errorf("inspect: exit %d\n%s%s", code, said, errs)
		}
		requests := map[string][]string{"nothing": {"--count", "2"}, "mesh": {"--input", bowl, "--prefix-depth", "4"}}
		if kind == "quads" {
			delete(requests, "mesh")
		}
		for name, args := range requests {
			dir := filepath.Join(out, name)
			args = append([]string{"generate", "shape", "--model", model, "--seed", "5", "--out", dir}, args...)
			if code, said, errs := morton(args...); code != exitDone || !strings.Contains(said, " 0 failed") {
				t.Fatalf("%s: exit %d\n%s%s", name, code, said, errs)
			}
			rows := readJSON[report.Result](t, filepath.Join(dir, "results.jsonl"))
			for _, r := range rows {
				m := readMesh(t, filepath.Join(dir, r.Output))
				got, err := mesh.Measure(m)
				if err != nil || !got.Watertight || (got.Quads == got.Faces) != (kind == "quads") || (got.Triangles == got.Faces) != (kind == "triangles") {
					t.Errorf("%s, %s: watertight %v, %d triangles and %d quads of %d faces, %v", kind, name, got.Watertight, got.Triangles, got.Quads, got.Faces, err)
				}
				drawn[name+r.ID] = append(drawn[name+r.ID], r.TokensSHA256)
			}
			back := filepath.Join(out, name+"-back")
			if code, said, errs := morton("detokenize", "shape", "--model", model, "--input", filepath.Join(dir, "shape", "tokens.parquet"), "--out", back); code != exitDone || !strings.Contains(said, " 0 failed") {
				t.Fatalf("detokenize: exit %d\n%s%s", code, said, errs)
			}
			for _, r := range rows {
				if a, b := readMesh(t, filepath.Join(back, r.Output)), readMesh(t, filepath.Join(dir, r.Output)); !slices.Equal(a.Vertices, b.Vertices) || !slices.Equal(a.Corners, b.Corners) {
					t.Errorf("%s comes back as another mesh", r.ID)
				}
			}
		}
		if kind == "quads" {
			continue
		}
		shards, back := filepath.Join(out, "shards"), filepath.Join(out, "back")
		if code, said, errs := morton("tokenize", "shape", "--model", model, "--input", bowl, "--out", shards); code != exitDone || !strings.Contains(said, "1 done, 0 failed") {
			t.Fatalf("tokenize: exit %d\n%s%s", code, said, errs)
		}
		if code, said, errs := morton("detokenize", "--model", model, "--input", shards, "--out", back); code != exitDone || !strings.Contains(said, "1 done, 0 failed") {
			t.Fatalf("detokenize: exit %d\n%s%s", code, said, errs)
		}
		files, err := shard.Glob(shards)
		if err != nil || len(files) != 1 || len(readJSON[report.Result](t, filepath.Join(back, "results.jsonl"))) != 1 {
			t.Errorf("%v, %v", files, err)
		}
	}
	for id, hashes := range drawn {
		if len(hashes) > 1 && hashes[0] != hashes[1] {
			t.Errorf("%s has the tokens %v", id, hashes)
		}
	}
	if len(drawn) != 3 {
		t.Errorf("%d shapes", len(drawn))
	}
}

// tinySAR3D is a folder of a tiny SAR3D, of its tokenizer, and, if asked for, the features of no
// condition. It returns a file with the features of one, too.
func tinySAR3D(t *testing.T, none bool) (dir, text string) {
	t.Helper()
	const from, inside = tinySystems + "sar3d-image/", "vae."
	dir = t.TempDir()
	files := map[string][]safetensors.NamedTensor{}
	weights, err := safetensors.Open(from + "weights.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer weights.Close()
	for _, name := range weights.Names() {
		x, err := weights.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		file, own := "image-condition.safetensors", name
		if rest, ok := strings.CutPrefix(name, inside); ok {
			file, own = "vqvae.safetensors", rest
		}
		if rest, ok := strings.CutPrefix(name, "none."); ok {
			if file, own = "none.safetensors", rest; !none {
				continue
			}
		}
		files[file] = append(files[file], safetensors.NamedTensor{Name: own, Tensor: x})
	}
	for name, all := range files {
		if err := safetensors.Write(filepath.Join(dir, name), all, nil); err != nil {
			t.Fatal(err)
		}
	}
	config, err := os.ReadFile(from + "config.json")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, from + "golden.safetensors#in.condition"
}

// TestSAR3DPlanes draws planes from the features of an image, and turns their tokens back into
// them. Guidance needs the features of no condition, and the shipped model takes none.
func TestSAR3DPlanes(t *testing.T) {
	gputest.Open(t, gpu.Options{}) // or skip
	model, text := tinySAR3D(t, true)
	out := t.TempDir()
	draw := func(model, name string, more ...string) (code int, said string) {
		code, said, errs := morton(append([]string{"generate", "shape", "--model", model, "--out", filepath.Join(out, name)}, more...)...)
		return code, said + errs
	}
	if code, said := draw(model, "a", "--text", text, "--temperature", "0", "--precision", "f32", "--count", "2"); code != exitDone || !strings.Contains(said, "2 done, 0 failed") {
		t.Fatalf("exit %d\n%s", code, said)
	}
	planes := func(dir, path string) []float32 {
		f, err := safetensors.Open(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		x, err := f.Tensor("planes")
		if err != nil || !slices.Equal(x.Shape, []int{3, 6, 6, 8}) {
			t.Fatalf("planes of %v, %v", x.Shape, err)
		}
		all, err := x.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	rows := readJSON[report.Result](t, filepath.Join(out, "a", "results.jsonl"))
	if len(rows) != 2 || rows[0].TokenCount != 198 || rows[0].TokensSHA256 != rows[1].TokensSHA256 { // both are greedy
		t.Fatalf("%+v", rows)
	}
	back := filepath.Join(out, "back")
	if code, said, errs := morton("detokenize", "--model", model, "--input", filepath.Join(out, "a", "shape", "tokens.parquet"), "--out", back); code != exitDone {
		t.Fatalf("detokenize: exit %d\n%s%s", code, said, errs)
	}
	again := readJSON[report.Result](t, filepath.Join(back, "results.jsonl"))
	if !slices.Equal(planes(filepath.Join(out, "a"), rows[0].Output), planes(back, again[0].Output)) {
		t.Error("the tokens give other planes")
	}
	lacking, _ := tinySAR3D(t, false)
	for name, c := range map[string]struct {
		model string
		args  []string
		want  string
	}{
		"none":    {lacking, []string{"--text", text}, "none.safetensors"},
		"alone":   {lacking, []string{"--text", text, "--guidance", "1"}, "1 done, 0 failed"},
		"no text": {model, nil, "wants the features of a text"},
		"class":   {model, []string{"--text", text, "--class", "1"}, "not both"},
		"shipped": {"", []string{"--text", text}, "published model"},
	} {
		args := append([]string{"generate", "shape", "--out", filepath.Join(out, name)}, c.args...)
		if c.model != "" {
			args = append(args, "--model", c.model)
		}
		code, said, errs := morton(args...)
		failures, _ := os.ReadFile(filepath.Join(out, name, "failures.jsonl"))
		if all := said + errs + string(failures); !strings.Contains(all, c.want) || (code == exitDone) != (name == "alone") {
			t.Errorf("%s: exit %d, no %q in\n%s", name, code, c.want, all)
		}
	}
	if found := inspected(t, model); found["system"] != "sar3d" || found["vocabulary"] != 96.0 || found["runs"] != "yes" || found["tokens"] != 198.0 {
		t.Errorf("inspect: %v", found)
	}
	if found := inspected(t, tinyOctGPT(t, `{"resolution": 64}`)); found["grid"] != nil || found["vocabulary"] != nil || found["bits"] != 32.0 {
		t.Errorf("inspect: %v", found)
	}
}
