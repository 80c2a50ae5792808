package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func inspected(t *testing.T, args ...string) map[string]any {
	t.Helper()
	code, out, errs := morton(append([]string{"inspect", "--json"}, args...)...)
	var found map[string]any
	if err := json.Unmarshal([]byte(out), &found); code != exitDone || err != nil {
		t.Fatalf("inspect %v: exit %d, %v\n%s%s", args, code, err, out, errs)
	}
	return found
}

// TestInspectCheckpoints: a folder and a file name their system and its parts; memory
// follows slots and precision.
func TestInspectCheckpoints(t *testing.T) {
	model := tinyModel(t, "llamagen", "decoder")
	var memory []float64
	for _, args := range [][]string{{model}, {filepath.Join(model, "generator.safetensors")}, {model, "--slots", "2"}, {model, "--slots", "2", "--precision", "int8"}} {
		found := inspected(t, args...)
		for name, want := range map[string]any{
			"kind": "checkpoint", "system": "llamagen", "paper": "arXiv:2406.06525", "makes": "image", "parameters": 169088.0, "layers": 3.0, "width": 64.0,
			"heads": 4.0, "hidden": 192.0, "steps": 16.0, "condition": "a class, 0 to 9", "tokenizer_halves": "decoder", "picture": "16 by 16 pixels", "runs": "yes",
		} {
			if found[name] != want {
				t.Errorf("inspect %v: %s is %v, want %v", args, name, found[name], want)
			}
		}
		memory = append(memory, found["memory_bytes"].(float64))
	}
	if memory[0] != memory[1] || memory[2] >= memory[1] || memory[3] >= memory[2] {
		t.Errorf("memory %v", memory)
	}
}

// TestInspectSaysWhatIsMissing: a checkpoint that does not run says why.
func TestInspectSaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct{ path, field, want string }{
		{tinySystems + "llamagen", "runs", "no: it has no tokenizer beside it"},
		{tinySystems + "nar-video", "runs", "no: it has no tokenizer beside it"},
		{tinySystems + "nar", "head", "the mean of 2 directions, behind 1 block of its own"},
		{tinyModel(t, "llamagen-t2i", "decoder"), "condition", "the features of a text, 32 a token"},
		{tinyVQ + "encoder.safetensors", "kind", "image tokenizer"},
		{tinyVQ + "encoder.safetensors", "tokenizer_halves", "encoder"},
		{tinySystems + "par/golden.safetensors", "system", "none that this build knows"},
		{"../../models/shipped/quad", "kind", "model folder"},
	} {
		if found := inspected(t, c.path); !strings.Contains(found[c.field].(string), c.want) {
			t.Errorf("%s: %s is %v, want %q", c.path, c.field, found[c.field], c.want)
		}
	}
	alone := filepath.Join(t.TempDir(), "a.safetensors") // without config.json, which names the heads
	data, err := os.ReadFile(tinySystems + "llamagen/weights.safetensors")
	if err == nil {
		err = os.WriteFile(alone, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if found := inspected(t, alone); found["system"] != "llamagen" || !strings.Contains(found["runs"].(string), "n_head in config.json") {
		t.Errorf("%v", found)
	}
	pointer := filepath.Join(t.TempDir(), "c2i.pt")
	if err := os.WriteFile(pointer, []byte("version https://git-lfs.github.com/spec/v1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := morton("inspect", pointer); code != exitFailed || !strings.Contains(errs, "git lfs pull") {
		t.Errorf("a pointer of Git LFS: exit %d, %s", code, errs)
	}
	unsafe := filepath.Join(t.TempDir(), "a.pt")
	if err := os.WriteFile(unsafe, []byte("\x80\x02not torch"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := morton("inspect", unsafe); code != exitFailed || !strings.Contains(errs, "a.pt") {
		t.Errorf("no checkpoint: exit %d, %s", code, errs)
	}
}

func TestSystems(t *testing.T) {
	code, out, _ := morton("systems", "--json")
	var all []systemLine
	if err := json.Unmarshal([]byte(out), &all); code != exitDone || err != nil {
		t.Fatalf("exit %d, %v", code, err)
	}
	found := map[string]systemLine{}
	for _, s := range all {
		found[s.Name] = s
	}
	for name, want := range map[string]string{"quad": "quads", "octree": "shape", "cube": "video", "llamagen": "image", "llamagen-t2i": "image", "par": "image", "nar": "image", "nar-video": "video"} {
		s, ok := found[name]
		if !ok || s.Makes != want || len(s.Papers) == 0 || s.Papers[0] == "" || s.Trained != (name == "quad" || name == "octree" || name == "cube") {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if _, text, _ := morton("systems"); strings.Count(text, "\n") != len(all)+1 || !strings.Contains(text, "arXiv:2503.10696") {
		t.Errorf("%d systems in\n%s", len(all), text)
	}
}
