package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/safetensors/safetensorstest"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/report"
)

const (
	tinySystems = "../../models/systems/testdata/"
	tinyVQ      = "../../models/tokenizer/vq/testdata/"
)

// tinyWeights is the path of a tiny system's weights. Most of LlamaGen's for texts are those for classes.
func tinyWeights(t *testing.T, system string) string {
	path := tinySystems + system + "/weights.safetensors"
	if system == "llamagen-t2i" {
		path = safetensorstest.Join(t, path, tinySystems+"llamagen/weights.safetensors", "cls_embedding.*")
	}
	return path
}

// tinyModel is a folder of a tiny system with a half of the tiny tokenizer.
func tinyModel(t *testing.T, system, half string) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range map[string]string{
		"config.json": tinySystems + system + "/config.json", "generator.safetensors": tinyWeights(t, system),
		"vq.safetensors": tinyVQ + half + ".safetensors", "tokenizer.json": tinyVQ + "config.json",
	} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// readJSON reads the lines of a file of a run's folder.
func readJSON[T any](t *testing.T, path string) (rows []T) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var row T
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func readPNG(t *testing.T, path string) *picture.Picture {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := picture.Decode(data, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestGenerateImages draws three pictures of a class: they are those of models.Model,
// a second run does nothing, and their tokens turn back into them.
func TestGenerateImages(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	model, out := tinyModel(t, "llamagen", "decoder"), t.TempDir()
	args := []string{"generate", "image", "--model", model, "--class", "7", "--count", "3", "--seed", "5", "--guidance", "3", "--guidance-tokens", "9", "--top-k", "20", "--out", out}
	if code, text, errs := morton(args...); code != exitDone || !strings.Contains(text, "3 done, 0 failed") || !strings.Contains(text, "48 tokens sampled") {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	p, err := models.Open(dev, system.Image, model, models.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	rows := readJSON[report.Result](t, filepath.Join(out, "results.jsonl"))
	if len(rows) != 3 {
		t.Fatalf("%d results", len(rows))
	}
	scale := 3.0
	for _, r := range rows {
		want, err := p.Generate(t.Context(), models.Request{
			ID: r.ID, Seed: 5, Class: 7, Guidance: &scale, Interval: 9, Sampling: &models.Sampling{Temperature: 1, TopK: 20, TopP: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := readPNG(t, filepath.Join(out, r.Output))
		if !slices.Equal(got.Pix, want.Media.Picture.Pix) || got.W != 16 || r.TokensSHA256 != report.HashTokens(want.Sample.Tokens) {
			t.Errorf("%s is another picture than that of models.Model", r.Output)
		}
		if r.Model != p.Name() || r.TokenCount != 16 || r.Poster != "" {
			t.Errorf("%+v", r)
		}
	}
	page, err := os.ReadFile(filepath.Join(out, "index.html"))
	if err != nil || strings.Count(string(page), `<img src="./image/image-`) != 3 {
		t.Errorf("the page lacks pictures, error %v", err)
	}
	if code, text, _ := morton(args...); code != exitDone || !strings.Contains(text, "3 done (3 by an earlier run)") {
		t.Errorf("again: exit %d\n%s", code, text)
	}
	back := t.TempDir()
	code, text, errs := morton("detokenize", "image", "--model", model, "--input", filepath.Join(out, "image", "tokens.parquet"), "--out", back)
	if code != exitDone || !strings.Contains(text, "3 done, 0 failed") {
		t.Fatalf("detokenize: exit %d\n%s%s", code, text, errs)
	}
	for _, r := range rows {
		if !slices.Equal(readPNG(t, filepath.Join(back, r.Output)).Pix, readPNG(t, filepath.Join(out, r.Output)).Pix) {
			t.Errorf("%s comes back as another picture", r.ID)
		}
	}
}

// TestImagesOfAManifest: a class that the model does not have and a text for a model of
// classes fail, and the rest is drawn.
func TestImagesOfAManifest(t *testing.T) {
	gputest.Open(t, gpu.Options{}) // or skip
	model, out := tinyModel(t, "llamagen", "decoder"), t.TempDir()
	manifest := filepath.Join(t.TempDir(), "m.jsonl")
	lines := `{"id": "first", "class": 0, "label": "mine"}
{"id": "beyond", "class": 10}
{"id": "words", "text": "none.safetensors"}
{"id": "last", "class": 9, "guidance": 1, "sampling": {"temperature": 0}}
`
	if err := os.WriteFile(manifest, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	code, text, errs := morton("generate", "image", "--model", model, "--manifest", manifest, "--out", out)
	if code != exitFailed || !strings.Contains(text, "2 done, 2 failed") {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	kinds := map[string]string{}
	for _, f := range readJSON[report.Failure](t, filepath.Join(out, "failures.jsonl")) {
		kinds[f.ID] = f.Stage + " " + f.Kind
	}
	if want := map[string]string{"beyond": "generate bad_request", "words": "decode not_found"}; !maps.Equal(kinds, want) {
		t.Errorf("failures %v, want %v", kinds, want)
	}
	for _, id := range []string{"first", "last"} {
		if p := readPNG(t, filepath.Join(out, "image", id+".png")); p.H != 16 || p.W != 16 {
			t.Errorf("%s has %d by %d pixels", id, p.W, p.H)
		}
	}
}

// TestGenerateOfText draws a picture of features, and refuses those of another width.
func TestGenerateOfText(t *testing.T) {
	gputest.Open(t, gpu.Options{}) // or skip
	model, dir := tinyModel(t, "llamagen-t2i", "decoder"), t.TempDir()
	var tensors []safetensors.NamedTensor
	for name, shape := range map[string][]int{"cat": {3, 32}, "narrow": {6, 16}} {
		x := make([]float32, shape[0]*shape[1])
		for i := range x {
			x[i] = float32(i%7) / 7
		}
		n, err := safetensors.FromFloat32s(name, safetensors.F16, shape, x)
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, n)
	}
	text := filepath.Join(dir, "prompts.safetensors")
	if err := safetensors.Write(text, tensors, nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"cat": "1 done, 0 failed", "narrow": "bad_text 1"} {
		if _, out, errs := morton("generate", "image", "--model", model, "--text", text+"#"+name, "--out", filepath.Join(dir, name)); !strings.Contains(out, want) {
			t.Errorf("%s: no %q in\n%s%s", name, want, out, errs)
		}
	}
	code, out, _ := morton("generate", "image", "--model", model, "--class", "1", "--out", filepath.Join(dir, "class"))
	if code != exitFailed || !strings.Contains(out, "bad_request 1") {
		t.Errorf("a class of a model for texts: exit %d\n%s", code, out)
	}
}

// sines is a tensor of numbers that are not alike.
func sines(t *testing.T, name string, shape ...int) safetensors.NamedTensor {
	t.Helper()
	n := 1
	for _, d := range shape {
		n *= d
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.Sin(float64(i) * 1.7))
	}
	out, err := safetensors.FromFloat32s(name, safetensors.F32, shape, x)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestGenerateWithControl steers pictures of a class by features of a control, by flag and by
// manifest. It refuses features of another width, of too few tokens, and those for a model
// that takes none.
func TestGenerateWithControl(t *testing.T) {
	gputest.Open(t, gpu.Options{}) // or skip
	plain, model, dir := tinyModel(t, "llamagen", "decoder"), tinyModel(t, "llamagen", "decoder"), t.TempDir()
	f, err := safetensors.Open(filepath.Join(plain, "generator.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := []safetensors.NamedTensor{sines(t, "adapter_mlp.fc1.weight", 64, 24)}
	for _, name := range []string{"adapter_mlp.fc2", "condition_mlp.cap_proj.fc1", "condition_mlp.cap_proj.fc2"} {
		all = append(all, sines(t, name+".weight", 64, 64))
	}
	for l := range 3 {
		all = append(all, sines(t, fmt.Sprintf("condition_layers.%d.fc1.weight", l), 64, 64), sines(t, fmt.Sprintf("condition_layers.%d.fc2.weight", l), 64, 64))
	}
	for _, name := range f.Names() {
		x, err := f.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, safetensors.NamedTensor{Name: name, Tensor: x})
	}
	if err := safetensors.Write(filepath.Join(model, "generator.safetensors"), all, nil); err != nil {
		t.Fatal(err)
	}
	control := filepath.Join(dir, "edges.safetensors")
	if err := safetensors.Write(control, []safetensors.NamedTensor{sines(t, "a", 16, 24), sines(t, "narrow", 16, 20), sines(t, "few", 9, 24)}, nil); err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(dir, "m.jsonl")
	lines := `{"id": "image-1", "class": 3, "control": "edges.safetensors#a"}
{"id": "free", "class": 3}
{"id": "narrow", "class": 3, "control": "edges.safetensors#narrow"}
{"id": "few", "class": 3, "control": "edges.safetensors#few"}
`
	if err := os.WriteFile(manifest, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	out, one := filepath.Join(dir, "out"), filepath.Join(dir, "one")
	if _, text, errs := morton("generate", "image", "--model", model, "--manifest", manifest, "--out", out); !strings.Contains(text, "2 done, 2 failed") {
		t.Fatalf("%s%s", text, errs)
	}
	kinds := map[string]string{}
	for _, f := range readJSON[report.Failure](t, filepath.Join(out, "failures.jsonl")) {
		kinds[f.ID] = f.Kind
	}
	if want := map[string]string{"narrow": "bad_text", "few": "bad_request"}; !maps.Equal(kinds, want) {
		t.Errorf("failures %v, want %v", kinds, want)
	}
	if _, text, errs := morton("generate", "image", "--model", model, "--class", "3", "--control", control+"#a", "--out", one); !strings.Contains(text, "1 done, 0 failed") {
		t.Fatalf("%s%s", text, errs)
	}
	steered, free := readPNG(t, filepath.Join(out, "image", "image-1.png")), readPNG(t, filepath.Join(out, "image", "free.png"))
	if slices.Equal(steered.Pix, free.Pix) || !slices.Equal(steered.Pix, readPNG(t, filepath.Join(one, "image", "image-1.png")).Pix) {
		t.Error("a control changes nothing, or the flag's picture is another than the manifest's")
	}
	if _, text, _ := morton("generate", "image", "--model", plain, "--class", "3", "--control", control+"#a", "--out", filepath.Join(dir, "plain")); !strings.Contains(text, "bad_request 1") {
		t.Errorf("a control for a model that takes none:\n%s", text)
	}
}

// TestTokenizeImages turns pictures into tokens, one of them cropped, which its result
// says; one smaller than a token fails.
func TestTokenizeImages(t *testing.T) {
	gputest.Open(t, gpu.Options{}) // or skip
	model, dir, out := tinyModel(t, "llamagen", "encoder"), t.TempDir(), t.TempDir()
	for name, size := range map[string][2]int{"even": {12, 8}, "odd": {14, 9}, "tiny": {3, 9}} {
		p := &picture.Picture{H: size[0], W: size[1], Pix: make([]uint8, 3*size[0]*size[1])}
		for i := range p.Pix {
			p.Pix[i] = uint8(31 * i)
		}
		f, err := os.Create(filepath.Join(dir, name+".png"))
		if err == nil {
			err = picture.EncodePNG(f, p)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	code, text, errs := morton("tokenize", "image", "--model", model, "--input", dir+"/*.png", "--out", out)
	if code != exitFailed || !strings.Contains(text, "2 done, 1 failed") || !strings.Contains(text, "picture_size 1") {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	samples, err := shard.ReadAll(filepath.Join(out, "image-0000-of-0001.parquet"), shard.Limits{})
	if err != nil || len(samples) != 2 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	for _, s := range samples {
		if s.Kind != shard.KindVQ || !slices.Equal(s.Grid, []int32{3, 2}) || len(s.Tokens) != 6 {
			t.Errorf("%s: %s %v with %d tokens", s.ID, s.Kind, s.Grid, len(s.Tokens))
		}
	}
	for _, r := range readJSON[report.Result](t, filepath.Join(out, "results.jsonl")) {
		if cropped := r.ID == "odd"; cropped != (len(r.Notes) == 1 && strings.Contains(r.Notes[0], "8 by 12 pixels of 9 by 14")) {
			t.Errorf("%s: notes %q", r.ID, r.Notes)
		}
	}
}
